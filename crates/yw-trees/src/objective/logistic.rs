//! Two classes.

use yw_kernels::{log_loss, logistic_gradients};

use super::check::check_target;
use super::parallel::{fill_chunks, finite, mean_over_targets, sum_chunks, weight_sum};
use super::{Gradient, Loss, Target};
use crate::{FitError, Link};

/// `ln(1 + eᵐ) − y m`.
pub(super) struct Logistic;

/// The share of a class that no row has, for the margins that boosting starts from: the logarithm of zero is none.
pub(super) const LEAST_SHARE: f64 = 1e-9;

impl Loss for Logistic {
    fn link(&self) -> Link {
        Link::Logistic
    }

    fn check(&self, target: &Target<'_>) -> Result<(), FitError> {
        check_target(target, "the logistic loss", "0 or 1", |value| value == 0.0 || value == 1.0)
    }

    /// The log odds of the positive class; ±20.7 where there is but one class.
    fn base(&self, target: &Target<'_>) -> Vec<f64> {
        let share = mean_over_targets(target, |value| value).clamp(LEAST_SHARE, 1.0 - LEAST_SHARE);
        vec![(share / (1.0 - share)).ln()]
    }

    fn gradients(&self, target: &Target<'_>, margins: &[f64], _: &[f64], _: usize, out: &mut [Gradient]) {
        fill_chunks(target, out, |rows, target, out| {
            logistic_gradients(&margins[rows], target.values, target.weights, out);
        });
    }

    fn loss(&self, target: &Target<'_>, margins: &[f64]) -> f64 {
        let sum = sum_chunks(target, |rows, target| log_loss(&margins[rows], target.values, target.weights));
        finite(sum / weight_sum(target))
    }
}
