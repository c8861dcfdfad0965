//! What to read: addresses, and the columns wanted of them.

use std::path::PathBuf;
use std::sync::Arc;

use yw_task::{AnswerKind, Field};

/// Where rows come from, as the project file says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Files, globs (`data/*.csv`), or object-store addresses (`s3://bucket/train/*.parquet`, `gs://`, `az://`,
    /// `https://`, `file://`). Read one after the other; what a glob matches is read in the order of the names.
    pub addresses: Vec<String>,
    /// The folder that file addresses are relative to.
    pub base_dir: PathBuf,
    /// What stands between the cells of a CSV file. `None`: found out from the header line, among `,` `;` tab `|`.
    pub delimiter: Option<u8>,
}

impl Source {
    /// A source of one address.
    pub fn new(base_dir: impl Into<PathBuf>, address: impl Into<String>) -> Self {
        Source { addresses: vec![address.into()], base_dir: base_dir.into(), delimiter: None }
    }
}

/// Which columns to read, and as what.
#[derive(Debug, Clone, PartialEq)]
pub struct TableSpec {
    /// The input fields; each is read from the column of its name.
    pub fields: Arc<[Field]>,
    /// The column with the right answers, if rows are labelled.
    pub answer: Option<AnswerColumn>,
    /// Other columns, kept as the strings they are: the time or group column of a split.
    pub extra: Vec<String>,
}

impl TableSpec {
    /// Only input fields.
    pub fn unlabelled(fields: Arc<[Field]>) -> Self {
        TableSpec { fields, answer: None, extra: Vec::new() }
    }

    /// The names of all columns that are read: fields, answer, extra columns. A name may stand there twice.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        let fields = self.fields.iter().map(|f| f.name.as_str());
        fields.chain(self.answer.iter().map(|a| a.name.as_str())).chain(self.extra.iter().map(String::as_str))
    }
}

/// The column with the right answers.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerColumn {
    /// Its name.
    pub name: String,
    /// The type of the answers.
    pub kind: AnswerKind,
    /// For [`AnswerKind::Json`]: the keys every object must have, and the types of their values. Empty: any object.
    pub fields: Vec<Field>,
}

impl AnswerColumn {
    /// An answer column of the given name and kind.
    pub fn new(name: impl Into<String>, kind: AnswerKind) -> Self {
        AnswerColumn { name: name.into(), kind, fields: Vec::new() }
    }
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileFormat {
    /// Comma (or otherwise) separated values with a header line.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// Its path relative to the base folder, or its address.
    pub name: Arc<str>,
    /// How it is written.
    pub format: FileFormat,
    /// Its size as stored, in bytes.
    pub n_bytes: u64,
    /// How many rows it has, bad ones included.
    pub n_rows: u64,
}
