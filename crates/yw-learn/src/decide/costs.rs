//! What right and wrong answers cost.

use crate::bytes::{Reader, Writer};
use crate::{FitError, FormatError};

/// What each answer costs for each truth, in any one unit. A negative cost is a gain.
#[derive(Debug, Clone, PartialEq)]
pub struct Costs {
    n_classes: usize,
    /// `n_classes` × `n_classes`: a row per truth, a column per answer.
    matrix: Vec<f64>,
    /// The largest cost or gain.
    largest: f64,
}

impl Costs {
    /// The costs of mistakes about booleans; right answers cost nothing.
    ///
    /// *Errors*: as [`of_matrix`](Self::of_matrix).
    pub fn of_mistakes(false_positive: f64, false_negative: f64) -> Result<Self, FitError> {
        Costs::of_matrix(vec![0.0, false_positive, false_negative, 0.0])
    }

    /// Costs from a matrix, row after row: each row belongs to a truth, each column to an answer. For booleans: true
    /// negative, false positive, false negative, true positive.
    ///
    /// *Errors*: [`FitError::Parameter`] if that is no square of at least two classes, if a cost is not finite (or so large
    /// that sums might not be), or if each answer costs the same whatever the truth.
    pub fn of_matrix(matrix: Vec<f64>) -> Result<Self, FitError> {
        let n_classes = matrix.len().isqrt();
        let parameter = |expected| Err(FitError::Parameter { name: "costs", expected });
        if n_classes < 2 || n_classes * n_classes != matrix.len() {
            return parameter("one row per truth with one cost per answer, of at least two classes");
        }
        if !matrix.iter().all(|cost| cost.abs() <= 1e100) {
            return parameter("numbers within ±1e100");
        }
        if matrix.chunks_exact(n_classes).all(|row| row.iter().all(|cost| *cost == row[0])) {
            return parameter("different for some right and wrong answers");
        }
        let largest = matrix.iter().fold(0.0, |largest, cost| cost.abs().max(largest));
        Ok(Costs { n_classes, matrix, largest })
    }

    /// How many classes there are.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// What an answer costs. Panics if there is no such class.
    pub fn of(&self, truth: usize, answer: usize) -> f64 {
        self.of_truth(truth)[answer]
    }

    /// The largest cost or gain.
    pub(super) fn largest(&self) -> f64 {
        self.largest
    }

    fn of_truth(&self, truth: usize) -> &[f64] {
        &self.matrix[truth * self.n_classes..][..self.n_classes]
    }

    /// The answer of the smallest expected cost, the first of equals.
    pub(super) fn cheapest(&self, probabilities: &[f64]) -> usize {
        let expected = |answer: usize| -> f64 {
            probabilities.iter().enumerate().map(|(truth, p)| p * self.matrix[truth * self.n_classes + answer]).sum()
        };
        super::first_largest((0..self.n_classes).map(|answer| -expected(answer)))
    }

    /// The mean cost of the wrong answers to each class above that of the right one: what makes a class worth naming when
    /// its mistakes cost the same (C. Elkan, *The foundations of cost-sensitive learning*, 2001).
    pub(super) fn of_missing(&self) -> Vec<f64> {
        let of_class = |truth: usize| -> f64 {
            let row = self.of_truth(truth);
            row.iter().map(|cost| cost - row[truth]).sum::<f64>() / (self.n_classes - 1) as f64
        };
        (0..self.n_classes).map(of_class).collect()
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.len(self.n_classes);
        self.matrix.iter().for_each(|cost| out.f64(*cost));
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, FormatError> {
        let damaged = FormatError::Damaged { what: "the costs are not a matrix" };
        let n_classes = from.len(16)?;
        // A length that fits its rows may still have too many columns; reading stops where the bytes end.
        let n_costs = n_classes.checked_mul(n_classes).ok_or(damaged.clone())?;
        let matrix = (0..n_costs).map(|_| from.f64()).collect::<Result<Vec<f64>, _>>()?;
        Costs::of_matrix(matrix).map_err(|_| damaged)
    }
}
