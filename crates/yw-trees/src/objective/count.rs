//! Counts and amounts: the margin is the logarithm of the expected value.

use super::check::{check_parameter, check_target};
use super::parallel::{fill_rows, mean_loss, mean_over_targets};
use super::{Gradient, Loss, Target};
use crate::{FitError, Link};

/// Half the deviance of a distribution whose mean is `μ = eᵐ` (Jørgensen 1997). Half, so that its derivatives are those
/// of the negative log likelihood.
pub(super) enum LogLink {
    /// `y ln(y / μ) − y + μ`.
    Poisson,
    /// `ln(μ / y) + y / μ − 1`.
    Gamma,
    /// `y^(2−p) / ((1−p) (2−p)) − y μ^(1−p) / (1−p) + μ^(2−p) / (2−p)`.
    Tweedie {
        /// The variance power `p`.
        power: f64,
    },
}

/// What takes the place of the mean where all targets are zero.
const LEAST_MEAN: f64 = 1e-9;

/// Poisson's second derivative is raised by the factor `e^0.7`, as LightGBM and XGBoost do with `max_delta_step`. It
/// vanishes with the mean: where the mean is still much too low, a Newton step would overshoot exponentially.
const POISSON_CAUTION: f64 = 0.7;

impl LogLink {
    /// Fails unless the variance power is between 1 and 2.
    pub(super) fn tweedie(power: f64) -> Result<Self, FitError> {
        check_parameter("power", power, "between 1 and 2", power > 1.0 && power < 2.0)?;
        Ok(LogLink::Tweedie { power })
    }
}

impl Loss for LogLink {
    fn link(&self) -> Link {
        Link::Exp
    }

    fn check(&self, target: &Target<'_>) -> Result<(), FitError> {
        match self {
            LogLink::Poisson => check_target(target, "Poisson", "counts: finite, not negative", |value| value >= 0.0),
            LogLink::Gamma => check_target(target, "Gamma", "finite amounts above 0", |value| value > 0.0),
            LogLink::Tweedie { .. } => {
                check_target(target, "Tweedie", "amounts: finite, not negative", |value| value >= 0.0)
            }
        }
    }

    /// The logarithm of the mean, which minimises all three.
    fn base(&self, target: &Target<'_>) -> Vec<f64> {
        let mean = mean_over_targets(target, |value| value);
        vec![if mean > 0.0 { mean.ln() } else { LEAST_MEAN.ln() }]
    }

    fn gradients(&self, target: &Target<'_>, margins: &[f64], _: &[f64], _: usize, out: &mut [Gradient]) {
        match *self {
            LogLink::Poisson => {
                let caution = POISSON_CAUTION.exp();
                fill_rows(target, margins, out, |value, margin| {
                    let mean = bounded(margin).exp();
                    (mean - value, caution * mean)
                });
            }
            LogLink::Gamma => fill_rows(target, margins, out, |value, margin| {
                let ratio = value * (-bounded(margin)).exp();
                (1.0 - ratio, ratio)
            }),
            LogLink::Tweedie { power } => fill_rows(target, margins, out, |value, margin| {
                let margin = bounded(margin);
                let (push, pull) = (((2.0 - power) * margin).exp(), value * ((1.0 - power) * margin).exp());
                (push - pull, (2.0 - power) * push + (power - 1.0) * pull)
            }),
        }
    }

    fn loss(&self, target: &Target<'_>, margins: &[f64]) -> f64 {
        match *self {
            LogLink::Poisson => mean_loss(target, margins, |value, margin| {
                let margin = bounded(margin);
                let log_ratio = if value > 0.0 { value.ln() - margin } else { 0.0 };
                value * log_ratio - value + margin.exp()
            }),
            LogLink::Gamma => mean_loss(target, margins, |value, margin| {
                let margin = bounded(margin);
                margin - value.ln() + value * (-margin).exp() - 1.0
            }),
            LogLink::Tweedie { power } => mean_loss(target, margins, |value, margin| {
                let margin = bounded(margin);
                let push = ((2.0 - power) * margin).exp() / (2.0 - power);
                let pull = value * ((1.0 - power) * margin).exp() / (power - 1.0);
                push + pull - value.powf(2.0 - power) / ((power - 1.0) * (2.0 - power))
            }),
        }
    }
}

/// The margin, or the nearest one whose exponential is a finite number.
#[inline]
fn bounded(margin: f64) -> f64 {
    margin.clamp(-700.0, 700.0)
}
