//! Which labelled rows a prompt shows.

use serde_json::{Map, Value as Json};
use yw_learn::{FeaturizerParams, FitError, NearestRows};
use yw_task::{LabelledRows, Rows};

use super::AnswerSchema;
use crate::random::rank;

/// Picks examples for rows.
pub(crate) enum ExamplePicker {
    /// No examples.
    None,
    /// Every row of the pool, in its order, whatever the row in question.
    All(LabelledRows),
    /// The rows of the pool most similar to the row in question, the most similar last, next to the question.
    ///
    /// A row in question that stands in the pool itself is shown with its answer, as a learned model would have seen it;
    /// `yw check` reports rows that are in both training and test data.
    Nearest {
        /// The rows to pick from.
        pool: LabelledRows,
        /// How many are shown.
        k: usize,
        /// The pool, indexed.
        index: Box<NearestRows>,
    },
}

/// One shown example.
pub(crate) struct Example {
    pub(crate) input: Map<String, Json>,
    /// The reply that would have been right.
    pub(crate) reply: String,
}

impl ExamplePicker {
    /// `k` rows of `train`, the same for every row, drawn without replacement and shown in the order of `train`.
    pub(crate) fn random(train: &LabelledRows, k: usize, seed: u64) -> Self {
        let mut row_idxs: Vec<usize> = (0..train.n_rows()).collect();
        row_idxs.sort_by_cached_key(|&row_idx| rank(seed, row_idx as u64));
        row_idxs.truncate(k);
        row_idxs.sort_unstable();
        ExamplePicker::All(train.take(&row_idxs))
    }

    /// The `k` rows of `pool` nearest to each row, by the fit road's features.
    pub(crate) fn nearest(pool: LabelledRows, k: usize) -> Result<Self, FitError> {
        let index = NearestRows::fit(&pool.rows, &FeaturizerParams::default())?;
        Ok(ExamplePicker::Nearest { pool, k, index: Box::new(index) })
    }

    /// The rows to pick from, if there are any.
    pub(crate) fn pool(&self) -> Option<&LabelledRows> {
        match self {
            ExamplePicker::None => None,
            ExamplePicker::All(pool) | ExamplePicker::Nearest { pool, .. } => Some(pool),
        }
    }

    /// The examples to show for a batch of one row, in the order to show them.
    pub(crate) fn pick(&self, row: &Rows, schema: &AnswerSchema) -> Vec<Example> {
        let Some(pool) = self.pool() else { return Vec::new() };
        let row_idxs: Vec<usize> = match self {
            ExamplePicker::None => Vec::new(),
            ExamplePicker::All(pool) => (0..pool.n_rows()).collect(),
            ExamplePicker::Nearest { k, index, .. } => index.nearest(row, *k).into_iter().flatten().rev().collect(),
        };
        let example = |i: usize| Example { input: pool.rows.row_json(i), reply: schema.reply_of(&pool.truth.value(i)) };
        row_idxs.into_iter().map(example).collect()
    }
}
