//! Several classes.

use rayon::prelude::*;
use yw_kernels::{log_sum_exp, softmax_gradients};

use super::check::{check_parameter, check_target};
use super::logistic::LEAST_SHARE;
use super::parallel::{CHUNK_ROWS, fill_chunks, finite, mean_over_targets, sum_chunks, weight_sum};
use super::{Gradient, Loss, Target};
use crate::{FitError, Link};

/// `ln Σ eᵐⱼ − m_y`.
///
/// Second derivatives are those of the diagonal times `K / (K − 1)` (Friedman 2001, algorithm 6): with two classes, the
/// difference of the margins then moves as the margin of the logistic loss does.
pub(super) struct Softmax {
    n_classes: usize,
}

impl Softmax {
    /// Fails if there are fewer than two classes.
    pub(super) fn new(n_classes: usize) -> Result<Self, FitError> {
        check_parameter("n_classes", n_classes as f64, "at least 2", n_classes >= 2)?;
        Ok(Softmax { n_classes })
    }
}

impl Loss for Softmax {
    fn n_outputs(&self) -> usize {
        self.n_classes
    }

    fn link(&self) -> Link {
        Link::Softmax
    }

    fn check(&self, target: &Target<'_>) -> Result<(), FitError> {
        let n_classes = self.n_classes as f64;
        check_target(target, "the softmax", "the number of a class: whole, from 0, below `n_classes`", |value| {
            value >= 0.0 && value < n_classes && value.fract() == 0.0
        })
    }

    /// The logarithm of each class's share.
    fn base(&self, target: &Target<'_>) -> Vec<f64> {
        let share_of = |class: usize| mean_over_targets(target, |value| f64::from(value == class as f64));
        (0..self.n_classes).map(|class| share_of(class).max(LEAST_SHARE).ln()).collect()
    }

    fn start_round(&self, margins: &[f64], log_sums: &mut Vec<f64>) {
        let n_rows = margins.len() / self.n_classes;
        log_sums.resize(n_rows, 0.0);
        log_sums.par_chunks_mut(CHUNK_ROWS).enumerate().for_each(|(chunk_idx, log_sums)| {
            log_sum_exp(margins, n_rows, chunk_idx * CHUNK_ROWS, log_sums);
        });
    }

    fn gradients(&self, target: &Target<'_>, margins: &[f64], log_sums: &[f64], output: usize, out: &mut [Gradient]) {
        let n_classes = self.n_classes as f64;
        let hessian_factor = n_classes / (n_classes - 1.0);
        let margins = &margins[output * out.len()..][..out.len()];
        fill_chunks(target, out, |rows, target, out| {
            let (margins, log_sums) = (&margins[rows.clone()], &log_sums[rows]);
            let Target { values, weights, .. } = target;
            softmax_gradients(margins, log_sums, values, output as f64, hessian_factor, weights, out);
        });
    }

    fn loss(&self, target: &Target<'_>, margins: &[f64]) -> f64 {
        let n_rows = target.values.len();
        let sum = sum_chunks(target, |rows, target| {
            let mut log_sums = vec![0.0; rows.len()];
            log_sum_exp(margins, n_rows, rows.start, &mut log_sums);
            let losses = rows.zip(target.iter()).zip(&log_sums).map(|((row_idx, (class, weight)), log_sum)| {
                f64::from(weight) * (log_sum - margins[class as usize * n_rows + row_idx])
            });
            losses.sum()
        });
        finite(sum / weight_sum(target))
    }
}
