//! Losses that grow no faster than the error: a few wild targets move them little.

use super::check::{check_parameter, check_target};
use super::parallel::{fill_rows, mean_loss, sum_chunks};
use super::{Gradient, Loss, Target, weighted_quantile};
use crate::{FitError, Link};

/// `over · (m − y)` above the target, `under · (y − m)` below it.
///
/// The second derivative is zero, and 1 takes its place; leaves get the quantile of their residuals instead.
pub(super) struct Pinball {
    name: &'static str,
    over: f64,
    under: f64,
}

impl Pinball {
    /// The pinball loss at `alpha`.
    pub(super) fn new(alpha: f64) -> Result<Self, FitError> {
        check_parameter("alpha", alpha, "between 0 and 1", alpha > 0.0 && alpha < 1.0)?;
        Ok(Pinball { name: "a quantile", over: 1.0 - alpha, under: alpha })
    }

    /// The absolute error: twice the pinball loss at ½.
    pub(super) fn absolute() -> Self {
        Pinball { name: "the absolute error", over: 1.0, under: 1.0 }
    }

    fn alpha(&self) -> f64 {
        self.under / (self.under + self.over)
    }
}

impl Loss for Pinball {
    fn link(&self) -> Link {
        Link::Identity
    }

    fn check(&self, target: &Target<'_>) -> Result<(), FitError> {
        check_target(target, self.name, "finite numbers", |_| true)
    }

    fn base(&self, target: &Target<'_>) -> Vec<f64> {
        vec![weighted_quantile(&mut target.iter().collect::<Vec<_>>(), self.alpha())]
    }

    fn gradients(&self, target: &Target<'_>, margins: &[f64], _: &[f64], _: usize, out: &mut [Gradient]) {
        fill_rows(target, margins, out, |value, margin| {
            let over = if margin > value { self.over } else { 0.0 };
            let under = if margin < value { self.under } else { 0.0 };
            (over - under, 1.0)
        });
    }

    fn leaf_quantile(&self) -> Option<f64> {
        Some(self.alpha())
    }

    fn loss(&self, target: &Target<'_>, margins: &[f64]) -> f64 {
        mean_loss(target, margins, |value, margin| {
            if margin > value { self.over * (margin - value) } else { self.under * (value - margin) }
        })
    }
}

/// `r² / 2` where `r = m − y` is at most `delta`, `delta (|r| − delta / 2)` beyond (Huber 1964).
pub(super) struct Huber {
    delta: f64,
}

impl Huber {
    /// Fails unless `delta` is positive and finite.
    pub(super) fn new(delta: f64) -> Result<Self, FitError> {
        check_parameter("delta", delta, "a finite number above 0", delta > 0.0 && delta.is_finite())?;
        Ok(Huber { delta })
    }
}

impl Loss for Huber {
    fn link(&self) -> Link {
        Link::Identity
    }

    fn check(&self, target: &Target<'_>) -> Result<(), FitError> {
        check_target(target, "the Huber loss", "finite numbers", |_| true)
    }

    /// Halves the interval that the minimum is in. It is within `delta` of the median: there at least half of the weight
    /// pulls back with full force.
    fn base(&self, target: &Target<'_>) -> Vec<f64> {
        let mut values: Vec<(f64, f32)> = target.iter().collect();
        let median = weighted_quantile(&mut values, 0.5);
        let (least, largest) = (values[0].0, values[values.len() - 1].0);
        let mut low = (median - self.delta).max(least);
        let mut high = (median + self.delta).min(largest);
        // Sixty halvings use up the bits of a double.
        for _ in 0..60 {
            let middle = low + (high - low) / 2.0;
            let slope = sum_chunks(target, |_, target| {
                let pulls = target
                    .iter()
                    .map(|(value, weight)| f64::from(weight) * ((middle - value) / self.delta).clamp(-1.0, 1.0));
                pulls.sum()
            });
            if slope > 0.0 {
                high = middle;
            } else {
                low = middle;
            }
        }
        vec![low + (high - low) / 2.0]
    }

    fn gradients(&self, target: &Target<'_>, margins: &[f64], _: &[f64], _: usize, out: &mut [Gradient]) {
        fill_rows(target, margins, out, |value, margin| ((margin - value).clamp(-self.delta, self.delta), 1.0));
    }

    fn loss(&self, target: &Target<'_>, margins: &[f64]) -> f64 {
        mean_loss(target, margins, |value, margin| {
            let error = (margin - value).abs();
            if error <= self.delta { error * error / 2.0 } else { self.delta * (error - self.delta / 2.0) }
        })
    }
}
