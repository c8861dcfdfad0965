//! The squared error.

use super::check::check_target;
use super::parallel::{fill_rows, mean_loss, mean_over_targets};
use super::{Gradient, Loss, Target};
use crate::{FitError, Link};

/// `(m − y)² / 2`.
pub(super) struct SquaredError;

impl Loss for SquaredError {
    fn link(&self) -> Link {
        Link::Identity
    }

    fn check(&self, target: &Target<'_>) -> Result<(), FitError> {
        check_target(target, "the squared error", "finite numbers", |_| true)
    }

    fn base(&self, target: &Target<'_>) -> Vec<f64> {
        vec![mean_over_targets(target, |value| value)]
    }

    fn gradients(&self, target: &Target<'_>, margins: &[f64], _: &[f64], _: usize, out: &mut [Gradient]) {
        fill_rows(target, margins, out, |value, margin| (margin - value, 1.0));
    }

    fn loss(&self, target: &Target<'_>, margins: &[f64]) -> f64 {
        mean_loss(target, margins, |value, margin| (margin - value).powi(2) / 2.0)
    }
}
