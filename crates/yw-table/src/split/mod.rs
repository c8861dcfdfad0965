//! Dividing a table into rows to learn from and rows to evaluate on.
//!
//! Random choices depend on the seed and on what stands in a row, not on where it stands: the same rows in another
//! order give the same split.

mod group;
mod random;
mod time;

use crate::hash::{labelled_row_hashes, row_hashes, seeded};
use crate::{Place, Table};

pub use group::group_ids;

/// How a table is divided.
#[derive(Debug, Clone, PartialEq)]
pub enum SplitSpec {
    /// Once.
    Fraction {
        /// The share of the rows that is evaluated on, strictly between 0 and 1.
        fraction: f64,
        /// Which rows.
        by: SplitBy,
    },
    /// Cross-validation: every row is evaluated on once.
    Folds {
        /// How often, at least 2.
        folds: u32,
        /// Which rows.
        by: SplitBy,
    },
}

/// Which rows are evaluated on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SplitBy {
    /// Random ones. Each label or boolean is divided alike, to within one row; a label of a single row is not evaluated
    /// on, except in folds.
    Random,
    /// The latest ones by a column of times or numbers. In folds the rows are cut into one more block than there are
    /// folds, and each block but the first is evaluated on once, by what was learned from all blocks before it.
    Time(String),
    /// Random ones, but rows with the same value in a column stay together. A row without a value is a group of its own.
    Group(String),
}

/// Rows to learn from and rows to evaluate on: indices into the table, ascending. No row is in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// To learn from.
    pub train: Vec<usize>,
    /// To evaluate on.
    pub test: Vec<usize>,
}

/// Why a table cannot be divided as asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SplitError {
    /// The fraction leaves nothing on one side.
    #[error("the fraction of test rows must be between 0 and 1, not {fraction}")]
    Fraction {
        /// The fraction.
        fraction: f64,
    },
    /// One fold is no cross-validation.
    #[error("there must be at least 2 folds, not {folds}")]
    Folds {
        /// The number of folds.
        folds: u32,
    },
    /// There are not enough rows.
    #[error("too few rows to split: {n_rows}, at least {needed} are needed")]
    TooFewRows {
        /// Rows there are.
        n_rows: usize,
        /// Rows it takes.
        needed: usize,
    },
    /// There are not enough groups.
    #[error("too few groups in column `{column}` to split: {n_groups}, at least {needed} are needed")]
    TooFewGroups {
        /// The group column.
        column: String,
        /// Groups there are.
        n_groups: usize,
        /// Groups it takes.
        needed: usize,
    },
    /// The column was not read.
    #[error("the table has no column `{column}` to split by")]
    NoColumn {
        /// The column.
        column: String,
    },
    /// A row has no time.
    #[error("{place}, column `{column}`: the value is missing, so the row has no place in time ({n_rows} such rows)")]
    NoTime {
        /// The time column.
        column: String,
        /// The first such row.
        place: Place,
        /// How many there are.
        n_rows: usize,
    },
    /// The column is neither of times nor of numbers.
    #[error("{place}, column `{column}`: `{value}` is neither a time nor a number, so rows cannot be ordered by it")]
    NotOrdered {
        /// The column.
        column: String,
        /// The first such row.
        place: Place,
        /// Its value, shortened.
        value: String,
    },
}

/// Divides a table: one split for a fraction, one for each fold otherwise.
pub fn split(table: &Table, spec: &SplitSpec, seed: u64) -> Result<Vec<Split>, SplitError> {
    let n_rows = table.n_rows();
    let needed = match spec {
        SplitSpec::Fraction { fraction, .. } if !(*fraction > 0.0 && *fraction < 1.0) => {
            return Err(SplitError::Fraction { fraction: *fraction });
        }
        SplitSpec::Folds { folds, .. } if *folds < 2 => return Err(SplitError::Folds { folds: *folds }),
        SplitSpec::Fraction { .. } => 2,
        SplitSpec::Folds { folds, by: SplitBy::Time(_) } => *folds as usize + 1,
        SplitSpec::Folds { folds, .. } => *folds as usize,
    };
    if n_rows < needed {
        return Err(SplitError::TooFewRows { n_rows, needed });
    }
    match spec {
        SplitSpec::Fraction { fraction, by } => Ok(vec![from_test_rows(&match by {
            SplitBy::Random => random::fraction(table, *fraction, seed),
            SplitBy::Time(column) => time::fraction(table, *fraction, column)?,
            SplitBy::Group(column) => group::fraction(table, *fraction, column, seed)?,
        })]),
        SplitSpec::Folds { folds, by } => match by {
            SplitBy::Random => Ok(from_folds(&random::folds(table, *folds, seed), *folds)),
            SplitBy::Time(column) => time::folds(table, *folds, column),
            SplitBy::Group(column) => Ok(from_folds(&group::folds(table, *folds, column, seed)?, *folds)),
        },
    }
}

impl SplitSpec {
    /// The column that the split needs, to be read among the fields or the extra columns.
    pub fn column(&self) -> Option<&str> {
        let (SplitSpec::Fraction { by, .. } | SplitSpec::Folds { by, .. }) = self;
        match by {
            SplitBy::Random => None,
            SplitBy::Time(column) | SplitBy::Group(column) => Some(column),
        }
    }
}

/// A split from whether each row is a test row.
fn from_test_rows(is_test: &[bool]) -> Split {
    let (test, train) = (0..is_test.len()).partition(|row| is_test[*row]);
    Split { train, test }
}

/// Splits from the fold in which each row is a test row.
fn from_folds(fold_of_row: &[u32], folds: u32) -> Vec<Split> {
    let split = |fold| from_test_rows(&fold_of_row.iter().map(|f| *f == fold).collect::<Vec<_>>());
    (0..folds).map(split).collect()
}

/// A number for each row that depends on all that stands in it. Rows that are equal in everything have equal numbers.
fn content(table: &Table) -> Vec<u128> {
    match &table.truth {
        Some(truth) => labelled_row_hashes(&table.rows, truth),
        None => row_hashes(&table.rows),
    }
}

/// A random number for each row that depends on the seed and on what stands in the row.
fn ranks(table: &Table, seed: u64) -> Vec<u128> {
    content(table).into_iter().map(|content| seeded(seed, content)).collect()
}
