//! What the columns of a table probably are.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use tokio::runtime::Handle;
use yw_task::FieldType;

use crate::address::resolve;
use crate::cell::{self, Raw, Typed};
use crate::cursor::{OpenCursor, Step, Wanted, open_cursor};
use crate::problem::shorten;
use crate::table::blocking;
use crate::{Source, TableError};

/// Rows that are looked at.
const SAMPLE_ROWS: u64 = 10_000;
/// Distinct values that are told apart, a column.
const MAX_DISTINCT: usize = 1_000;
const MAX_EXAMPLES: usize = 3;

/// What a column seems to be.
#[derive(Debug, Clone, PartialEq)]
pub struct InferredColumn {
    /// Its name.
    pub name: String,
    /// Its most likely type.
    pub field_type: FieldType,
    /// The first distinct values, shortened.
    pub examples: Vec<String>,
    /// Rows without a value, among those looked at.
    pub n_missing: u64,
    /// Distinct values among the rows looked at; at most 1,000 are counted.
    pub n_distinct: usize,
}

/// Looks at the first 10,000 rows of the first file of a source and says what its columns seem to be.
pub async fn infer(source: &Source) -> Result<Vec<InferredColumn>, TableError> {
    let (source, runtime) = (source.clone(), Handle::current());
    blocking(move || infer_blocking(&source, &runtime)).await
}

fn infer_blocking(source: &Source, runtime: &Handle) -> Result<Vec<InferredColumn>, TableError> {
    let Some(location) = resolve(source, runtime)?.into_iter().next() else { return Ok(Vec::new()) };
    let wanted = Wanted { columns: None, delimiter: source.delimiter, originals: false };
    let OpenCursor { mut cursor, .. } = open_cursor(&location, wanted, runtime)?;
    let mut columns: Vec<Sample> = cursor.columns().iter().map(|_| Sample::default()).collect();
    let mut n_rows = 0;
    while n_rows < SAMPLE_ROWS {
        match cursor.advance()? {
            Step::End => break,
            Step::BadRow(_) => {}
            Step::Row => {
                n_rows += 1;
                columns.iter_mut().enumerate().for_each(|(i, sample)| sample.add(&cursor.cell(i)));
            }
        }
    }
    Ok(cursor.columns().iter().zip(columns).map(|(name, sample)| sample.conclude(name)).collect())
}

/// What was seen of a column.
#[derive(Default)]
struct Sample {
    n_missing: u64,
    n_values: u64,
    n_chars: u64,
    not_number: bool,
    not_boolean: bool,
    not_time: bool,
    distinct: FxHashSet<Arc<str>>,
    examples: Vec<String>,
}

impl Sample {
    fn add(&mut self, raw: &Raw<'_>) {
        // The words for "missing" are those of numbers, also where the column turns out to be text.
        if matches!(cell::typed(raw, FieldType::Number), Ok(Typed::Missing)) {
            self.n_missing += 1;
            return;
        }
        let text = cell::text(raw).ok().flatten().unwrap_or_default();
        self.n_values += 1;
        self.n_chars += text.chars().count() as u64;
        self.not_number |= cell::typed(raw, FieldType::Number).is_err() || matches!(raw, Raw::Boolean(_));
        self.not_boolean |= cell::typed(raw, FieldType::Boolean).is_err();
        // Whole numbers may be Unix times, but are more often just numbers.
        let is_time = matches!(raw, Raw::Time(_)) || cell::parse_time(text.trim()).is_some();
        self.not_time |= !is_time;
        if self.distinct.len() < MAX_DISTINCT && !self.distinct.contains(&*text) {
            if self.examples.len() < MAX_EXAMPLES {
                self.examples.push(shorten(&text));
            }
            self.distinct.insert(Arc::from(&*text));
        }
    }

    fn conclude(self, name: &str) -> InferredColumn {
        InferredColumn {
            name: name.to_owned(),
            field_type: self.field_type(),
            examples: self.examples,
            n_missing: self.n_missing,
            n_distinct: self.distinct.len(),
        }
    }

    fn field_type(&self) -> FieldType {
        /// A category names something; it does not tell a story.
        const MAX_CATEGORY_CHARS: u64 = 32;
        let few_values =
            self.distinct.len() as u64 <= (self.n_values / 2).max(10) && self.distinct.len() < MAX_DISTINCT;
        if self.n_values == 0 {
            FieldType::Text
        } else if !self.not_boolean {
            FieldType::Boolean
        } else if !self.not_number {
            FieldType::Number
        } else if !self.not_time {
            FieldType::Time
        } else if few_values && self.n_chars <= MAX_CATEGORY_CHARS * self.n_values {
            FieldType::Category
        } else {
            FieldType::Text
        }
    }
}
