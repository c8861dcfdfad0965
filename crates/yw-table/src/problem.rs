//! What is wrong with single rows. A bad row is left out and reported; reading goes on.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use yw_task::{AnswerKind, FieldType};

use crate::FileFormat;

/// Where a row stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Arc<str>,
    /// How the file is written; says what `number` counts.
    pub format: FileFormat,
    /// In CSV and JSON lines the line on which the row starts, in Parquet the row; the first is 1.
    pub number: u64,
}

/// One thing that is wrong with one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The row.
    pub place: Place,
    /// The column, where one is at fault.
    pub column: Option<Arc<str>>,
    /// What is wrong.
    pub kind: ProblemKind,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq)]
pub enum ProblemKind {
    /// The row has more or fewer cells than the header.
    Ragged {
        /// Cells in the header.
        expected: usize,
        /// Cells in the row.
        found: usize,
    },
    /// A quote that opens in this row is never closed, so that the rest of the file was read as one cell.
    UnclosedQuote {
        /// Lines that were swallowed.
        n_lines: u64,
    },
    /// The line is not a JSON object.
    Json {
        /// What is wrong.
        reason: String,
    },
    /// A cell is not of its field's type.
    Cell {
        /// The cell, shortened.
        value: String,
        /// The field's type.
        expected: FieldType,
    },
    /// A number is infinite.
    NotFinite {
        /// The cell, shortened.
        value: String,
    },
    /// The bytes of a cell are not UTF-8.
    Utf8,
    /// The answer is missing.
    MissingAnswer,
    /// The answer is not of the task's type.
    Answer {
        /// What is wrong with it.
        reason: String,
    },
}

impl ProblemKind {
    /// A stable name for counting.
    pub fn name(&self) -> &'static str {
        match self {
            ProblemKind::Ragged { .. } => "ragged",
            ProblemKind::UnclosedQuote { .. } => "unclosed_quote",
            ProblemKind::Json { .. } => "json",
            ProblemKind::Cell { .. } => "cell",
            ProblemKind::NotFinite { .. } => "not_finite",
            ProblemKind::Utf8 => "utf8",
            ProblemKind::MissingAnswer => "missing_answer",
            ProblemKind::Answer { .. } => "answer",
        }
    }

    /// The problem of an answer that is not of its kind.
    pub(crate) fn answer(value: &str, expected: AnswerKind) -> Self {
        let reason = match expected {
            AnswerKind::Boolean => format!("the answer `{}` is not a boolean (true or false)", shorten(value)),
            AnswerKind::Number => format!("the answer `{}` is not a finite number", shorten(value)),
            AnswerKind::Json => format!("the answer `{}` is not a JSON object", shorten(value)),
            AnswerKind::Label | AnswerKind::Text => format!("the answer `{}` is not text", shorten(value)),
        };
        ProblemKind::Answer { reason }
    }
}

/// What is wrong with the rows of a table: the first problems in full, and exact counts of all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Problems {
    shown: Vec<Problem>,
    counts: BTreeMap<(&'static str, Option<Arc<str>>), u64>,
    n_rows: u64,
}

impl Problems {
    /// As many problems are kept in full.
    pub const MAX_SHOWN: usize = 100;

    /// The first problems, in reading order.
    pub fn shown(&self) -> &[Problem] {
        &self.shown
    }

    /// How many rows were left out.
    pub fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// How many problems there are. A row can have several.
    pub fn n_problems(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How often each kind of problem ([`ProblemKind::name`]) occurs in each column, sorted.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, Option<&str>, u64)> {
        self.counts.iter().map(|((kind, column), n)| (*kind, column.as_deref(), *n))
    }

    /// Whether every row is good.
    pub fn is_empty(&self) -> bool {
        self.n_rows == 0
    }

    /// Adds all problems of one row.
    pub(crate) fn add_row(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.n_rows += 1;
        for problem in problems {
            *self.counts.entry((problem.kind.name(), problem.column.clone())).or_default() += 1;
            if self.shown.len() < Self::MAX_SHOWN {
                self.shown.push(problem);
            }
        }
    }
}

/// `data/train.csv line 17`, or `data/train.parquet row 17`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.format == FileFormat::Parquet { "row" } else { "line" };
        write!(f, "{} {unit} {}", self.file, self.number)
    }
}

/// ``data/train.csv line 17, column `seats`: `many` is not a number``.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "{}, column `{column}`: {}", self.place, self.kind),
            None => write!(f, "{}: {}", self.place, self.kind),
        }
    }
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProblemKind::Ragged { expected, found } => write!(f, "expected {expected} cells, found {found}"),
            ProblemKind::UnclosedQuote { n_lines } => {
                let lines = if *n_lines == 1 { "line was" } else { "lines were" };
                write!(f, "a quote that opens in this row is never closed; {n_lines} more {lines} read as part of it")
            }
            ProblemKind::Json { reason } => write!(f, "not a JSON object: {reason}"),
            ProblemKind::Cell { value, expected: FieldType::Number } => write!(f, "`{value}` is not a number"),
            ProblemKind::Cell { value, expected: FieldType::Boolean } => {
                write!(f, "`{value}` is not a boolean (true or false, yes or no, 1 or 0)")
            }
            ProblemKind::Cell { value, expected: FieldType::Time } => {
                write!(f, "`{value}` is not a time (2024-05-31T08:30:00Z, 2024-05-31 08:30 or 2024-05-31)")
            }
            ProblemKind::Cell { value, expected } => write!(f, "`{value}` is not a {expected}"),
            ProblemKind::NotFinite { value } => write!(f, "`{value}` is not a finite number"),
            ProblemKind::Utf8 => f.write_str("the bytes are not valid UTF-8"),
            ProblemKind::MissingAnswer => f.write_str("the answer is missing"),
            ProblemKind::Answer { reason } => f.write_str(reason),
        }
    }
}

/// The first part of a long value, on one line.
pub(crate) fn shorten(value: &str) -> String {
    const MAX_CHARS: usize = 40;
    let mut chars = value.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = chars.by_ref().take(MAX_CHARS).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}
