//! The codecs against recorded replies and hostile bytes.

mod decode;
mod encode;
mod hostile;
mod stream;

use std::path::PathBuf;

use yw_task::Dialect;

/// The bytes of a recorded reply, `tests/fixtures/DIALECT/NAME`.
fn fixture(dialect: Dialect, name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(dialect.name()).join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
