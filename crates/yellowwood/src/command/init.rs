//! `yw init`: write a project to start from.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::cli::InitArgs;
use crate::failure::Failure;
use crate::moving::{self, MoveError, Source};
use crate::{exit, output, project};

/// A project that ships with the program.
struct Example {
    name: &'static str,
    /// Paths and contents.
    files: &'static [(&'static str, &'static str)],
}

macro_rules! example {
    ($name:literal, $($path:literal),+ $(,)?) => {
        Example {
            name: $name,
            files: &[$(($path, include_str!(concat!("../../../../examples/", $name, "/", $path)))),+],
        }
    };
}

const EXAMPLES: &[Example] = &[
    example!("tickets", "yellowwood.toml", "README.md", "prompts/triage.md", "data/train.csv", "data/test.csv"),
    example!("wine", "yellowwood.toml", "README.md", "data/wine.csv"),
    example!("refunds", "yellowwood.toml", "README.md", "prompts/refunds.md", "data/refunds.csv"),
];

pub(crate) fn run(args: &InitArgs) -> Result<u8, Failure> {
    match (&args.example, args.from.as_deref()) {
        (_, Some([program, file])) => init_from(program, file, args.dir.as_deref()),
        (Some(name), _) => init_example(name, args.dir.as_deref()),
        (None, _) => init_minimal(args.dir.as_deref()),
    }
}

/// Writes what another program's settings translate to, and says what they do not.
fn init_from(program: &Path, file: &Path, dir: Option<&Path>) -> Result<u8, Failure> {
    let source = program.to_str().and_then(|name| Source::from_str(name, false).ok()).ok_or_else(|| {
        let names: Vec<String> = Source::value_variants()
            .iter()
            .filter_map(|s| s.to_possible_value())
            .map(|v| v.get_name().to_owned())
            .collect();
        Failure::message(exit::USAGE, format!("there is no translation from `{}`", program.display()))
            .with_hint(format!("it is one of: {}", names.join(", ")))
    })?;
    let dir = dir.unwrap_or(Path::new("."));
    let target = dir.join(yw_config::FILE_NAME);
    let moved = moving::translate(source, file, &|name| std::env::var(name).ok()).map_err(|e| {
        let code = if matches!(e, MoveError::Invalid { .. }) { exit::FAILURE } else { exit::DATA };
        Failure::from_error(code, &e)
    })?;
    write_all(dir, &[(yw_config::FILE_NAME, moved.text.as_str())])?;
    let routes = if moved.n_routes == 1 { "one route".to_owned() } else { format!("{} routes", moved.n_routes) };
    output::line(format!("wrote {} with {routes}", project::display(&target)));
    if !moved.left.is_empty() {
        output::line("what has no translation, or not a whole one:");
        moved.left.iter().for_each(|left| output::line(format!("  {left}")));
    }
    output::line("next: set the keys that `yw check` names, then `yw serve`");
    Ok(exit::OK)
}

fn init_minimal(dir: Option<&Path>) -> Result<u8, Failure> {
    let dir = dir.unwrap_or(Path::new("."));
    let name = fs::canonicalize(dir).ok().and_then(|d| Some(d.file_name()?.to_str()?.to_owned()));
    let text = yw_config::template(name.as_deref().unwrap_or("project"));
    write_all(dir, &[("yellowwood.toml", text.as_str())])?;
    output::line(format!("wrote {}", project::display(&dir.join("yellowwood.toml"))));
    output::line("next: name your data and columns in it, then `yw check`");
    Ok(exit::OK)
}

fn init_example(name: &str, dir: Option<&Path>) -> Result<u8, Failure> {
    let example = EXAMPLES.iter().find(|e| e.name == name).ok_or_else(|| {
        let names: Vec<&str> = EXAMPLES.iter().map(|e| e.name).collect();
        Failure::message(exit::USAGE, format!("there is no example `{name}`"))
            .with_hint(format!("the examples are: {}", names.join(", ")))
    })?;
    let dir = dir.map_or_else(|| PathBuf::from(name), Path::to_owned);
    write_all(&dir, example.files)?;
    output::line(format!("wrote the {name} example to {}", project::display(&dir)));
    output::line(format!("next: yw run {}", project::display(&dir)));
    Ok(exit::OK)
}

/// Writes new files; nothing that is there is touched.
fn write_all(dir: &Path, files: &[(&str, &str)]) -> Result<(), Failure> {
    for (name, _) in files {
        let path = dir.join(name);
        if path.exists() {
            return Err(Failure::message(exit::PROJECT, format!("{} is there already", path.display()))
                .with_hint("nothing was written; name another folder"));
        }
    }
    for (name, text) in files {
        let path = dir.join(name);
        write_new(&path, text)
            .map_err(|e| Failure::new(exit::FAILURE, format!("cannot write {}", path.display()), &e))?;
    }
    Ok(())
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}
