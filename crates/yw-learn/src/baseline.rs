//! The answer that needs no input: what every other model must beat.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use yw_task::{Answer, Field, LabelledRows, Truth};

use crate::FormatError;
use crate::answers::{AnswerInfo, class_shares, read_truth, write_truth};
use crate::bytes::{Reader, Writer};

/// How a baseline answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BaselineParams {
    /// The one number it always answers.
    pub number: Typical,
}

/// The number that stands for many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Typical {
    /// The mean, which has the smallest squared error.
    #[default]
    Mean,
    /// The median, which has the smallest absolute error.
    Median,
}

/// A fitted baseline. Labels and booleans: the most frequent, with the frequencies as probabilities; numbers: the mean or
/// the median; texts and objects: the most frequent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BaselineModel {
    pub(crate) fields: Arc<[Field]>,
    answer: Constant,
}

#[derive(Debug, Clone, PartialEq)]
enum Constant {
    /// The share of each class.
    Shares(Vec<f64>),
    /// One answer.
    Value(Truth),
}

impl BaselineModel {
    pub(crate) fn fit(train: &LabelledRows, params: &BaselineParams, info: &AnswerInfo) -> Self {
        let answer = match &train.truth {
            truth @ (Truth::Label { .. } | Truth::Boolean(_)) => Constant::Shares(class_shares(truth, info)),
            Truth::Number(numbers) => Constant::Value(Truth::Number(vec![typical(numbers, params.number)])),
            Truth::Text(texts) => Constant::Value(train.truth.take(&[most_frequent(texts.iter())])),
            Truth::Json(values) => {
                Constant::Value(train.truth.take(&[most_frequent(values.iter().map(|v| v.to_string()))]))
            }
        };
        BaselineModel { fields: train.rows.fields().clone(), answer }
    }

    pub(crate) fn answers(&self, n_rows: usize, info: &AnswerInfo) -> Vec<Answer> {
        let answer = match &self.answer {
            Constant::Shares(shares) => info.class_answer(shares.clone()),
            Constant::Value(truth) => Answer::new(truth.value(0)),
        };
        vec![answer; n_rows]
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        match &self.answer {
            Constant::Shares(shares) => shares.iter().for_each(|share| out.f64(*share)),
            Constant::Value(truth) => write_truth(truth, out),
        }
    }

    pub(crate) fn read(from: &mut Reader<'_>, fields: Arc<[Field]>, info: &AnswerInfo) -> Result<Self, FormatError> {
        let answer = if info.n_classes() > 0 {
            Constant::Shares((0..info.n_classes()).map(|_| from.f64()).collect::<Result<_, _>>()?)
        } else {
            let truth = read_truth(from, info)?;
            if truth.len() != 1 {
                return Err(FormatError::Damaged { what: "a baseline has not one answer" });
            }
            Constant::Value(truth)
        };
        Ok(BaselineModel { fields, answer })
    }
}

fn typical(numbers: &[f64], typical: Typical) -> f64 {
    let n = numbers.len();
    match typical {
        // Divided first, so that the sum cannot overflow.
        Typical::Mean => numbers.iter().map(|v| v / n as f64).sum(),
        Typical::Median => {
            let mut sorted = numbers.to_vec();
            sorted.sort_unstable_by(f64::total_cmp);
            sorted[(n - 1) / 2] / 2.0 + sorted[n / 2] / 2.0
        }
    }
}

/// The first row of the most frequent value; of equally frequent ones, of the one that comes first.
fn most_frequent<T: Eq + std::hash::Hash>(values: impl Iterator<Item = T>) -> usize {
    let mut counts: FxHashMap<T, (usize, usize)> = FxHashMap::default();
    for (row_idx, value) in values.enumerate() {
        counts.entry(value).or_insert((0, row_idx)).0 += 1;
    }
    let best = counts.into_values().max_by_key(|&(n, first)| (n, std::cmp::Reverse(first)));
    best.map_or(0, |(_, first)| first)
}
