//! Why a table cannot be read at all. What is wrong with single rows is a [`Problem`](crate::Problem).

use std::error::Error;

use crate::Problems;
use crate::near::enumerate;

/// Why a table cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// There is no such file.
    #[error("no such file: {address}{}", suggestion(.near))]
    NoSuchFile {
        /// The address as given.
        address: String,
        /// What is there instead.
        near: Near,
    },
    /// A glob matches nothing.
    #[error("no file matches {pattern}{}", suggestion(.near))]
    NoMatch {
        /// The pattern as given.
        pattern: String,
        /// What is there instead.
        near: Near,
    },
    /// The address cannot be understood.
    #[error("cannot use the address {address}: {reason}")]
    Address {
        /// The address as given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file system, the network or a decoder refused.
    #[error("cannot read {name}")]
    Read {
        /// The file.
        name: String,
        /// What it said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The file is not in the format that its name or first bytes promise.
    #[error("{name} {reason}")]
    Format {
        /// The file.
        name: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The file has not even a header line.
    #[error("{name} is empty")]
    Empty {
        /// The file.
        name: String,
    },
    /// There is no row that can be used.
    #[error("{}", no_rows(.names, .problems))]
    NoRows {
        /// The files.
        names: Vec<String>,
        /// What is wrong with the rows that are there, if any.
        problems: Box<Problems>,
    },
    /// Columns that the task names are not there.
    #[error("{}", missing_columns(.name, .missing, .found))]
    MissingColumns {
        /// The file.
        name: String,
        /// All columns that are missing.
        missing: Vec<MissingColumn>,
        /// The columns that are there.
        found: Vec<String>,
    },
    /// The header names columns twice.
    #[error("{name} has more than one column named {}", quoted(.columns))]
    DuplicateColumns {
        /// The file.
        name: String,
        /// The names.
        columns: Vec<String>,
    },
    /// The header line is one cell that has another delimiter in it.
    #[error(
        "{name} has one column, `{header}`, when cells are separated by {}; they seem to be separated by {}",
        delimiter_name(*.expected), delimiter_name(*.found)
    )]
    Delimiter {
        /// The file.
        name: String,
        /// The header line, shortened.
        header: String,
        /// The delimiter that was asked for.
        expected: u8,
        /// The delimiter that stands in the header line.
        found: u8,
    },
    /// The reading was given up, because the program ends.
    #[error("reading stopped before its end")]
    Stopped,
}

/// What is there instead of a missing file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Near {
    /// The name that was probably meant.
    pub meant: Option<String>,
    /// Other names in the same folder; empty if there is no such folder.
    pub names: Vec<String>,
}

/// A column that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingColumn {
    /// Its name.
    pub name: String,
    /// The column that was probably meant.
    pub meant: Option<String>,
}

impl TableError {
    pub(crate) fn read(name: &str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        TableError::Read { name: name.to_owned(), source: source.into() }
    }

    pub(crate) fn format(name: &str, reason: impl Into<String>) -> Self {
        TableError::Format { name: name.to_owned(), reason: reason.into() }
    }
}

/// The delimiter, as a person calls it.
pub(crate) fn delimiter_name(delimiter: u8) -> String {
    if delimiter == b'\t' { "tabs".to_owned() } else { format!("`{}`", char::from(delimiter)) }
}

fn suggestion(near: &Near) -> String {
    match &near.meant {
        Some(name) => format!("; did you mean {name}?"),
        None if near.names.is_empty() => String::new(),
        None => format!("; there are {}", enumerate(&near.names, 5)),
    }
}

fn quoted(names: &[String]) -> String {
    enumerate(&names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>(), 10)
}

fn missing_columns(name: &str, missing: &[MissingColumn], found: &[String]) -> String {
    let missing: Vec<String> = missing
        .iter()
        .map(|column| match &column.meant {
            Some(meant) => format!("`{}` (did you mean `{meant}`?)", column.name),
            None => format!("`{}`", column.name),
        })
        .collect();
    format!("{name} has no column {}; it has {}", enumerate(&missing, 20), quoted_or_none(found))
}

fn quoted_or_none(found: &[String]) -> String {
    if found.is_empty() { "none".to_owned() } else { enumerate(found, 30) }
}

fn no_rows(names: &[String], problems: &Problems) -> String {
    let names = enumerate(names, 3);
    match problems.shown().first() {
        None => format!("{names} has no rows"),
        Some(first) => format!("none of the {} rows of {names} can be used; {first}", problems.n_rows()),
    }
}
