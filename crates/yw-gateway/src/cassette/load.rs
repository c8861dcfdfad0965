//! Reads what was recorded.

use std::io;
use std::path::{Path, PathBuf};

use super::format::{Exchange, LineError, from_line};

/// Recorded exchanges, in the order in which they ended.
#[derive(Debug, Clone, Default)]
pub struct Cassette {
    exchanges: Vec<Exchange>,
}

/// Why a cassette cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CassetteError {
    /// A file or the folder cannot be read.
    #[error("cannot read the cassette {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The folder has no file that ends in `.jsonl`.
    #[error("there is no cassette in {}: its files end in .jsonl", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A line is not an exchange.
    #[error("{}, line {line}: {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

impl Cassette {
    /// Reads a file, or every `.jsonl` file of a folder.
    ///
    /// # Errors
    ///
    /// A file cannot be read, there is none, or a line is not an exchange of this version; a last line without an end,
    /// from a process that was killed, is skipped.
    pub fn load(path: &Path) -> Result<Self, CassetteError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| CassetteError::Read { path, source }
        };
        let mut files = vec![path.to_owned()];
        if path.is_dir() {
            let entries = std::fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
            let entries = entries.map_err(unreadable(path))?.into_iter().map(|entry| entry.path());
            files = entries.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")).collect();
            files.sort();
        }
        if files.is_empty() {
            return Err(CassetteError::Empty { path: path.to_owned() });
        }
        let mut cassette = Cassette::default();
        for file in files {
            let bytes = std::fs::read(&file).map_err(unreadable(&file))?;
            cassette.read(&bytes, &file)?;
        }
        Ok(cassette)
    }

    fn read(&mut self, bytes: &[u8], path: &Path) -> Result<(), CassetteError> {
        let mut lines = bytes.split(|byte| *byte == b'\n').enumerate().peekable();
        while let Some((idx, line)) = lines.next() {
            let is_last = lines.peek().is_none();
            match from_line(line) {
                _ if line.is_empty() => {}
                Ok(exchange) => self.exchanges.push(exchange),
                Err(LineError::Json(_)) if is_last => {}
                Err(error) => {
                    return Err(CassetteError::Line {
                        path: path.to_owned(),
                        line: idx + 1,
                        reason: error.to_string(),
                    });
                }
            }
        }
        Ok(())
    }

    /// The exchanges.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }
}

impl From<Vec<Exchange>> for Cassette {
    fn from(exchanges: Vec<Exchange>) -> Self {
        Cassette { exchanges }
    }
}
