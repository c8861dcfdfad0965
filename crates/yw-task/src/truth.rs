//! Truth: the right answers of labelled rows.

use crate::{AnswerKind, LabelSet, Rows, Value};

/// The right answers of a batch of rows, one per row, none missing.
#[derive(Debug, Clone, PartialEq)]
pub enum Truth {
    /// Label ids into `labels`.
    ///
    /// In test rows `labels` starts with the labels of the training rows, so that ids mean the same; labels that
    /// only the test rows have come after them.
    Label {
        /// One id per row.
        ids: Vec<u32>,
        /// What the ids mean.
        labels: LabelSet,
    },
    /// Booleans.
    Boolean(Vec<bool>),
    /// Finite numbers.
    Number(Vec<f64>),
    /// Texts.
    Text(Vec<String>),
    /// JSON objects.
    Json(Vec<serde_json::Value>),
}

impl Truth {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        match self {
            Truth::Label { ids, .. } => ids.len(),
            Truth::Boolean(v) => v.len(),
            Truth::Number(v) => v.len(),
            Truth::Text(v) => v.len(),
            Truth::Json(v) => v.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The kind of answer.
    pub fn kind(&self) -> AnswerKind {
        match self {
            Truth::Label { .. } => AnswerKind::Label,
            Truth::Boolean(_) => AnswerKind::Boolean,
            Truth::Number(_) => AnswerKind::Number,
            Truth::Text(_) => AnswerKind::Text,
            Truth::Json(_) => AnswerKind::Json,
        }
    }

    /// The right answer of one row. Panics if the row does not exist.
    pub fn value(&self, row_idx: usize) -> Value {
        match self {
            Truth::Label { ids, labels } => Value::Label(labels.name(ids[row_idx]).clone()),
            Truth::Boolean(v) => Value::Boolean(v[row_idx]),
            Truth::Number(v) => Value::Number(v[row_idx]),
            Truth::Text(v) => Value::Text(v[row_idx].clone()),
            Truth::Json(v) => Value::Json(v[row_idx].clone()),
        }
    }

    /// The answers of the rows at `row_idxs`, in that order. Panics if one does not exist.
    pub fn take(&self, row_idxs: &[usize]) -> Truth {
        fn pick<T: Clone>(from: &[T], row_idxs: &[usize]) -> Vec<T> {
            row_idxs.iter().map(|&i| from[i].clone()).collect()
        }
        match self {
            Truth::Label { ids, labels } => Truth::Label { ids: pick(ids, row_idxs), labels: labels.clone() },
            Truth::Boolean(v) => Truth::Boolean(pick(v, row_idxs)),
            Truth::Number(v) => Truth::Number(pick(v, row_idxs)),
            Truth::Text(v) => Truth::Text(pick(v, row_idxs)),
            Truth::Json(v) => Truth::Json(pick(v, row_idxs)),
        }
    }
}

/// Rows whose right answers are known.
#[derive(Debug, Clone)]
pub struct LabelledRows {
    /// The input.
    pub rows: Rows,
    /// One right answer per row.
    pub truth: Truth,
    /// For each row the number of the group it belongs to, where a column says rows belong together.
    pub groups: Option<Vec<u32>>,
}

impl LabelledRows {
    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.truth.len()
    }

    /// The rows at `row_idxs`, in that order. Panics if one does not exist.
    pub fn take(&self, row_idxs: &[usize]) -> LabelledRows {
        LabelledRows {
            rows: self.rows.take(row_idxs),
            truth: self.truth.take(row_idxs),
            groups: self.groups.as_ref().map(|g| row_idxs.iter().map(|&i| g[i]).collect()),
        }
    }
}
