//! The generated files are fresh, and agree with what is accepted.

use std::path::PathBuf;

/// Compares a file of `docs/` with what is generated, or writes it.
fn check(file_name: &str, generated: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(file_name);
    if std::env::var_os("YW_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, generated).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == generated,
        "docs/{file_name} is not what the grammar says; refresh it with `YW_UPDATE=1 cargo test -p yw-config`"
    );
}

#[test]
fn the_reference_page_is_fresh() {
    check("project-file.md", &yw_config::reference::markdown());
}

#[test]
fn the_schema_is_fresh() {
    let schema = serde_json::to_string_pretty(&yw_config::reference::json_schema()).unwrap();
    check("project-file.schema.json", &(schema + "\n"));
}
