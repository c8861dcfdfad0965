//! What a model said of rows that it did not learn from, beside the truth.

use yw_task::Scores;

use crate::Calibrator;
use crate::folds::{Folds, Split};

/// Class probabilities of rows that their model did not learn from, and the rows' true classes: what calibration and
/// decision rules are learned from. [`Folds::out_of_fold`] makes such probabilities of training rows.
///
/// A row does not count whose probabilities are not all numbers, whose truth is none of the classes, or whose weight is
/// not positive.
#[derive(Debug, Clone, Copy)]
pub struct HeldOut<'a> {
    probabilities: &'a [f64],
    truths: &'a [u32],
    n_classes: usize,
    weights: Option<&'a [f64]>,
    groups: Option<&'a [u32]>,
}

impl<'a> HeldOut<'a> {
    /// *Shapes*: `n_rows` × `n_classes` probabilities, row after row (for booleans those of false and of true); one class
    /// number per row.
    ///
    /// # Panics
    ///
    /// If there are not `n_classes` probabilities per truth.
    pub fn new(probabilities: &'a [f64], truths: &'a [u32], n_classes: usize) -> Self {
        assert_eq!(probabilities.len(), truths.len() * n_classes, "one probability per row and class");
        HeldOut { probabilities, truths, n_classes, weights: None, groups: None }
    }

    /// The same with how many rows each row stands for. Panics if there is not one weight per row.
    pub fn with_weights(self, weights: &'a [f64]) -> Self {
        assert_eq!(weights.len(), self.truths.len(), "one weight per row");
        HeldOut { weights: Some(weights), ..self }
    }

    /// The same with the group that each row belongs to: rows of a group are never torn apart. Panics if there is not one
    /// group per row.
    pub fn with_groups(self, groups: &'a [u32]) -> Self {
        assert_eq!(groups.len(), self.truths.len(), "one group per row");
        HeldOut { groups: Some(groups), ..self }
    }

    /// The probabilities after a calibrator, row by row.
    pub fn calibrated(&self, calibrator: &Calibrator) -> Vec<f64> {
        let mut probabilities = self.probabilities.to_vec();
        calibrator.apply_to_rows(&mut probabilities, self.n_classes);
        probabilities
    }

    /// The same rows with other probabilities. Panics if there are not as many.
    pub fn with_probabilities<'b>(&self, probabilities: &'b [f64]) -> HeldOut<'b>
    where
        'a: 'b,
    {
        assert_eq!(probabilities.len(), self.probabilities.len(), "as many probabilities as before");
        HeldOut { probabilities, ..*self }
    }

    /// How many classes there are.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    pub(crate) fn row(&self, row_idx: usize) -> &'a [f64] {
        &self.probabilities[row_idx * self.n_classes..][..self.n_classes]
    }

    pub(crate) fn truth(&self, row_idx: usize) -> usize {
        self.truths[row_idx] as usize
    }

    pub(crate) fn weight(&self, row_idx: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row_idx])
    }

    /// The group of a row; without groups every row is one.
    pub(crate) fn group(&self, row_idx: usize) -> usize {
        self.groups.map_or(row_idx, |groups| groups[row_idx] as usize)
    }

    /// The rows that count.
    pub(crate) fn rows(&self) -> Vec<usize> {
        let counts = |&i: &usize| {
            let weight = self.weight(i);
            self.truth(i) < self.n_classes
                && weight > 0.0
                && weight.is_finite()
                && self.row(i).iter().all(|p| p.is_finite())
        };
        (0..self.truths.len()).filter(counts).collect()
    }

    /// Ways to hold out one part of `rows`, which together hold out each row once.
    pub(crate) fn splits(&self, rows: &[usize], n_folds: usize, seed: u64) -> Vec<Split> {
        let truths: Vec<u32> = rows.iter().map(|&i| self.truths[i]).collect();
        let groups: Option<Vec<u32>> = self.groups.map(|groups| rows.iter().map(|&i| groups[i]).collect());
        let folds = Folds::of_parts(rows.len(), Some(&truths), groups.as_deref(), n_folds, seed);
        let row_idxs = |positions: Vec<usize>| positions.into_iter().map(|position| rows[position]).collect();
        folds.splits().map(|s| Split { fit: row_idxs(s.fit), held_out: row_idxs(s.held_out) }).collect()
    }
}

/// The scores of answers as [`HeldOut`] wants them: those of false and true for a boolean, NaN where there are none or
/// where there are not `n_classes` of them.
pub fn class_probabilities<'a>(scores: impl IntoIterator<Item = Option<&'a Scores>>, n_classes: usize) -> Vec<f64> {
    let mut probabilities = Vec::new();
    for scores in scores {
        match scores {
            Some(Scores::True(p)) if n_classes == 2 => probabilities.extend([1.0 - p, *p]),
            Some(Scores::Labels(p)) if p.len() == n_classes => probabilities.extend(p),
            _ => probabilities.extend(std::iter::repeat_n(f64::NAN, n_classes)),
        }
    }
    probabilities
}
