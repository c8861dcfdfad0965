//! Moving in: the settings of another gateway as a project file.
//!
//! A source is read into a `tree` that knows its lines, translated to a `Draft`, and written with what could not be
//! translated as a list at its end. One module per source.

mod address;
mod draft;
mod left;
mod litellm;
mod names;
mod providers;
mod tensorzero;
mod toml;
mod tree;
mod yaml;

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

pub(crate) use self::left::Left;
use self::tree::Node;

/// The largest file that is read.
const MAX_BYTES: u64 = 1 << 20;

/// A program that people come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Source {
    /// LiteLLM's proxy: config.yaml
    Litellm,
    /// TensorZero's gateway: tensorzero.toml
    Tensorzero,
}

/// A project that was made from another program's settings.
#[derive(Debug)]
pub(crate) struct Moved {
    /// The text of the project file; valid.
    pub(crate) text: String,
    /// How many routes it has.
    pub(crate) n_routes: usize,
    /// What could not be translated, in the order of the source.
    pub(crate) left: Vec<Left>,
}

/// Why nothing was made of a source.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MoveError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The file is not what its program reads.
    #[error("{}: {source}", path.display())]
    Source { path: PathBuf, source: SourceError },
    /// The translation is no valid project, which is this program's fault.
    #[error("{} was translated to a project that is not valid", path.display())]
    Invalid {
        path: PathBuf,
        #[source]
        source: yw_config::Problems,
    },
}

/// What is wrong with a source, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceError {
    /// From 1; 0 where no line is at fault.
    line: usize,
    message: String,
}

impl SourceError {
    fn new(line: usize, message: impl Into<String>) -> Self {
        SourceError { line, message: message.into() }
    }
}

impl std::error::Error for SourceError {}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.message),
            line => write!(f, "line {line}: {}", self.message),
        }
    }
}

/// Translates the settings in `file`.
///
/// Addresses and regions that a source takes from the environment are taken from `environment`; keys never are.
pub(crate) fn translate(
    source: Source,
    file: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Moved, MoveError> {
    let text = read(file).map_err(|source| MoveError::Io { path: file.to_owned(), source })?;
    let name = file.file_name().map_or_else(|| "the source".into(), |name| name.to_string_lossy().into_owned());
    let root = tree(source, &text).map_err(|source| MoveError::Source { path: file.to_owned(), source })?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let draft = match source {
        Source::Litellm => litellm::translate(&root, &name, environment),
        Source::Tensorzero => tensorzero::translate(&root, &name, folder, environment),
    };
    let written = draft.write(&name);
    let valid = yw_config::parse(&written, Path::new(yw_config::FILE_NAME));
    valid.map_err(|source| MoveError::Invalid { path: file.to_owned(), source })?;
    Ok(Moved { text: written, n_routes: draft.routes.len(), left: draft.left })
}

fn tree(source: Source, text: &str) -> Result<Node, SourceError> {
    let root = match source {
        Source::Litellm => yaml::parse(text)?,
        Source::Tensorzero => toml::parse(text)?,
    };
    match root.entries() {
        [] => Err(SourceError::new(0, "there are no settings in it")),
        _ => Ok(root),
    }
}

fn read(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(file)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::other(format!("it has more than {MAX_BYTES} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
