//! Project automation: `cargo xtask <command>`.
//!
//! Each command is a module. Nothing here is part of the product.

mod bench;
mod refunds;
mod tidy;
mod wine;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What there is; [`bench::USAGE`] follows it.
const USAGE: &str = "\
cargo xtask <command>

  tidy                  check the layers and the house rules; fails with what breaks them
  example NAME          write the data of the examples refunds or wine again";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let result = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tidy"] => tidy::run(&root()),
        ["example", name] => example(&root(), name),
        ["bench", rest @ ..] => bench::run(&root(), rest),
        _ => Err(format!("{USAGE}\n{}", bench::USAGE)),
    };
    match result {
        Ok(message) => {
            print(&message);
            ExitCode::SUCCESS
        }
        Err(message) => {
            report(&message);
            ExitCode::FAILURE
        }
    }
}

/// Writes the data of an example that is made by a program.
fn example(root: &Path, name: &str) -> Result<String, String> {
    let write = match name {
        "refunds" => refunds::write,
        "wine" => wine::write,
        _ => return Err(format!("no program writes the example `{name}`; there are refunds and wine")),
    };
    let dir = root.join("examples").join(name).join("data");
    write(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    Ok(format!("written: {}", dir.display()))
}

/// The workspace's folder: the parent of this package's.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// A result, to standard output.
#[expect(clippy::print_stdout, reason = "automation talks to whoever runs it")]
fn print(message: &str) {
    println!("{message}");
}

/// What goes on, or went wrong, to standard error.
#[expect(clippy::print_stderr, reason = "automation talks to whoever runs it")]
fn report(message: &str) {
    eprintln!("{message}");
}
