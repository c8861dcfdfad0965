//! What a table looks like as a whole, and what is suspicious about it. Facts only: the caller judges and prints.

mod giveaway;

use std::sync::Arc;

use arrow_array::Array;
use rustc_hash::{FxHashMap, FxHashSet};
use yw_task::{Column, FieldType, Rows, Truth};

use crate::Table;
use crate::hash::{answer_hashes, row_hashes};

pub use giveaway::{Giveaway, GiveawayKind};

/// At most this many examples of each finding are kept.
const MAX_EXAMPLES: usize = 5;

/// What training rows, and test rows if there are any, look like.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Rows to learn from.
    pub n_train_rows: usize,
    /// Rows to evaluate on, if they stand in a table of their own.
    pub n_test_rows: Option<usize>,
    /// The fields of the training rows, in order.
    pub fields: Vec<FieldProfile>,
    /// The answers of the training rows, if they have any.
    pub answers: Option<AnswerProfile>,
    /// The answers of the test rows, if they have any.
    pub test_answers: Option<AnswerProfile>,
    /// Training rows that stand there more than once.
    pub duplicates: Duplicates,
    /// Test rows that stand in the training rows too.
    pub leakage: Option<Leakage>,
    /// Fields that give the answer away.
    pub giveaways: Vec<Giveaway>,
    /// Labels that only test rows have, with their numbers of rows, most frequent first.
    pub unseen_labels: Vec<(Arc<str>, usize)>,
}

/// One field of the training rows.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldProfile {
    /// Its name.
    pub name: String,
    /// Its type.
    pub field_type: FieldType,
    /// Rows without a value; a blank text counts as none.
    pub n_missing: usize,
    /// Distinct values, missing ones not counted.
    pub n_distinct: usize,
    /// For numbers, if there is one.
    pub numbers: Option<NumberSummary>,
    /// For times, if there is one: the earliest and the latest, microseconds since the Unix epoch.
    pub times: Option<(i64, i64)>,
}

impl FieldProfile {
    /// Whether no model can learn anything from the field: one value in all rows, or none at all.
    pub fn is_constant(&self) -> bool {
        self.n_distinct == 0 || (self.n_distinct == 1 && self.n_missing == 0)
    }
}

/// Range and mean of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NumberSummary {
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// The arithmetic mean.
    pub mean: f64,
}

/// The answers of labelled rows.
#[derive(Debug, Clone, PartialEq)]
pub enum AnswerProfile {
    /// Labels with their numbers of rows, most frequent first, then by name.
    Label(Vec<(Arc<str>, usize)>),
    /// Booleans.
    Boolean {
        /// Rows whose answer is true.
        n_true: usize,
        /// Rows whose answer is false.
        n_false: usize,
    },
    /// Numbers.
    Number(NumberSummary),
    /// Texts.
    Text {
        /// Distinct texts.
        n_distinct: usize,
        /// Mean length in characters.
        mean_chars: f64,
    },
    /// JSON objects.
    Json {
        /// Distinct objects.
        n_distinct: usize,
    },
}

impl AnswerProfile {
    /// Whether all rows have the same label or boolean, so that there is nothing to learn.
    pub fn is_one_class(&self) -> bool {
        match self {
            AnswerProfile::Label(counts) => counts.len() < 2,
            AnswerProfile::Boolean { n_true, n_false } => *n_true == 0 || *n_false == 0,
            _ => false,
        }
    }
}

/// Rows with equal inputs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Duplicates {
    /// Rows whose inputs an earlier row has too.
    pub n_rows: usize,
    /// Rows whose inputs another row has with a different answer: no model can get all of them right.
    pub n_conflicting: usize,
    /// Some rows with equal inputs: an earlier and a later row.
    pub examples: Vec<(usize, usize)>,
    /// Some rows with equal inputs and different answers: an earlier and a later row.
    pub conflicting_examples: Vec<(usize, usize)>,
}

/// Test rows whose inputs stand in the training rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leakage {
    /// How many test rows.
    pub n_rows: usize,
    /// Some of them: a test row and its training row.
    pub examples: Vec<(usize, usize)>,
}

/// Looks at training rows and, if they stand in a table of their own, at test rows. One pass over the rows and one over
/// each column; equal rows are found by 128-bit hashes.
pub fn profile(train: &Table, test: Option<&Table>) -> Profile {
    let hashes = row_hashes(&train.rows);
    let answers = train.truth.as_ref().map(answer_hashes);
    Profile {
        n_train_rows: train.n_rows(),
        n_test_rows: test.map(Table::n_rows),
        fields: field_profiles(&train.rows),
        answers: train.truth.as_ref().and_then(answer_profile),
        test_answers: test.and_then(|t| t.truth.as_ref()).and_then(answer_profile),
        duplicates: duplicates(&hashes, answers.as_deref()),
        leakage: test.map(|test| leakage(&hashes, &test.rows)),
        giveaways: train.truth.as_ref().map(|truth| giveaway::giveaways(&train.rows, truth)).unwrap_or_default(),
        unseen_labels: unseen_labels(train.truth.as_ref(), test.and_then(|t| t.truth.as_ref())),
    }
}

fn field_profiles(rows: &Rows) -> Vec<FieldProfile> {
    let profile = |(i, field): (usize, &yw_task::Field)| {
        let column = rows.column(i);
        let numbers = match column {
            Column::Number(values) => number_summary(values.iter().flatten()),
            _ => None,
        };
        let times = match column {
            Column::Time(values) => values.iter().flatten().fold(None, |range: Option<(i64, i64)>, t| {
                Some(range.map_or((t, t), |(first, last)| (first.min(t), last.max(t))))
            }),
            _ => None,
        };
        FieldProfile {
            name: field.name.clone(),
            field_type: field.field_type,
            n_missing: n_missing(column),
            n_distinct: n_distinct(column),
            numbers,
            times,
        }
    };
    rows.fields().iter().enumerate().map(profile).collect()
}

fn n_missing(column: Column<'_>) -> usize {
    match column {
        Column::Number(values) => values.null_count(),
        Column::Boolean(values) => values.null_count(),
        Column::Category(values) => values.null_count(),
        Column::Text(values) => values.iter().filter(|text| text.is_none_or(|t| t.trim().is_empty())).count(),
        Column::Time(values) => values.null_count(),
    }
}

fn n_distinct(column: Column<'_>) -> usize {
    match column {
        Column::Number(values) => values.iter().flatten().map(|n| (n + 0.0).to_bits()).collect::<FxHashSet<_>>().len(),
        Column::Boolean(values) => values.iter().flatten().collect::<FxHashSet<_>>().len(),
        Column::Category(values) => values.iter().flatten().collect::<FxHashSet<_>>().len(),
        Column::Text(values) => {
            values.iter().flatten().filter(|text| !text.trim().is_empty()).collect::<FxHashSet<_>>().len()
        }
        Column::Time(values) => values.iter().flatten().collect::<FxHashSet<_>>().len(),
    }
}

/// The mean is summed as differences to the first number, which keeps its digits where all numbers are large.
fn number_summary(numbers: impl Iterator<Item = f64>) -> Option<NumberSummary> {
    let mut numbers = numbers.peekable();
    let first = *numbers.peek()?;
    let (mut min, mut max, mut sum, mut n) = (first, first, 0.0, 0.0);
    for number in numbers {
        (min, max) = (f64::min(min, number), f64::max(max, number));
        sum += number - first;
        n += 1.0;
    }
    Some(NumberSummary { min, max, mean: first + sum / n })
}

fn answer_profile(truth: &Truth) -> Option<AnswerProfile> {
    Some(match truth {
        Truth::Label { .. } => AnswerProfile::Label(label_counts(truth)),
        Truth::Boolean(values) => {
            let n_true = values.iter().filter(|b| **b).count();
            AnswerProfile::Boolean { n_true, n_false: values.len() - n_true }
        }
        Truth::Number(values) => AnswerProfile::Number(number_summary(values.iter().copied())?),
        Truth::Text(values) => AnswerProfile::Text {
            n_distinct: values.iter().collect::<FxHashSet<_>>().len(),
            mean_chars: values.iter().map(|t| t.chars().count()).sum::<usize>() as f64 / values.len().max(1) as f64,
        },
        Truth::Json(_) => {
            AnswerProfile::Json { n_distinct: answer_hashes(truth).into_iter().collect::<FxHashSet<_>>().len() }
        }
    })
}

/// Most frequent first, then by name; labels without a row are not there.
fn label_counts(truth: &Truth) -> Vec<(Arc<str>, usize)> {
    let Truth::Label { ids, labels } = truth else { return Vec::new() };
    let mut counts: Vec<(Arc<str>, usize)> = labels.iter().map(|label| (label.clone(), 0)).collect();
    ids.iter().for_each(|id| counts[*id as usize].1 += 1);
    counts.retain(|(_, n)| *n > 0);
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

fn unseen_labels(train: Option<&Truth>, test: Option<&Truth>) -> Vec<(Arc<str>, usize)> {
    let (Some(train), Some(test)) = (train, test) else { return Vec::new() };
    let seen: FxHashSet<Arc<str>> = label_counts(train).into_iter().map(|(label, _)| label).collect();
    label_counts(test).into_iter().filter(|(label, _)| !seen.contains(label)).collect()
}

/// The first row of each content.
fn first_rows(hashes: &[u128]) -> FxHashMap<u128, usize> {
    let mut first = FxHashMap::default();
    for (row, hash) in hashes.iter().enumerate() {
        first.entry(*hash).or_insert(row);
    }
    first
}

fn duplicates(hashes: &[u128], answers: Option<&[u128]>) -> Duplicates {
    let first = first_rows(hashes);
    let mut found = Duplicates::default();
    let mut conflicting = FxHashSet::default();
    for (row, hash) in hashes.iter().enumerate() {
        let earlier = first[hash];
        if earlier == row {
            continue;
        }
        found.n_rows += 1;
        keep(&mut found.examples, (earlier, row));
        if answers.is_some_and(|answers| answers[earlier] != answers[row]) {
            conflicting.insert(*hash);
            keep(&mut found.conflicting_examples, (earlier, row));
        }
    }
    found.n_conflicting = hashes.iter().filter(|hash| conflicting.contains(hash)).count();
    found
}

fn leakage(train_hashes: &[u128], test: &Rows) -> Leakage {
    let first = first_rows(train_hashes);
    let mut found = Leakage::default();
    for (row, hash) in row_hashes(test).iter().enumerate() {
        if let Some(train_row) = first.get(hash) {
            found.n_rows += 1;
            keep(&mut found.examples, (row, *train_row));
        }
    }
    found
}

fn keep(examples: &mut Vec<(usize, usize)>, example: (usize, usize)) {
    if examples.len() < MAX_EXAMPLES {
        examples.push(example);
    }
}
