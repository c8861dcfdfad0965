//! What trees are grown to reduce: losses with their first and second derivatives.
//!
//! One file per family. Rows are worked on in parallel, in chunks of a fixed size whose sums are added in order, so that
//! nothing depends on the number of threads. All numbers handed out are finite, whatever the margins.

mod check;
mod count;
mod logistic;
mod parallel;
mod quantile;
mod rank;
mod robust;
mod shares;
mod softmax;
mod squared;
#[cfg(test)]
mod tests;

pub(crate) use quantile::weighted_quantile;
pub use yw_kernels::Gradient;

use std::ops::Range;

use crate::{FitError, Link};

/// What the trees are to reduce.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Objective {
    /// Half the squared error. Predictions are means.
    SquaredError,
    /// The absolute error. Predictions are medians.
    AbsoluteError,
    /// The pinball loss at `alpha`, between 0 and 1. Predictions are quantiles.
    Quantile {
        /// Which quantile: 0.9 is exceeded by one row in ten.
        alpha: f64,
    },
    /// Half the squared error up to `delta` from the target, `delta` times the absolute error less `delta / 2` beyond.
    Huber {
        /// Where the loss turns linear, in units of the target.
        delta: f64,
    },
    /// Counts: half the Poisson deviance, with a log link.
    Poisson,
    /// Positive amounts: half the Gamma deviance, with a log link.
    Gamma,
    /// Amounts that are often zero: half the Tweedie deviance, with a log link.
    Tweedie {
        /// The variance power, between 1 (Poisson) and 2 (Gamma).
        power: f64,
    },
    /// Two classes, targets 0 and 1: the log loss.
    Logistic,
    /// Several classes, targets `0..n_classes`: the log loss of the softmax, one tree per class and round.
    Softmax {
        /// How many classes there are.
        n_classes: usize,
    },
    /// Ranking of the rows of a group by relevance (targets are grades from 0): LambdaMART with nDCG.
    LambdaRank {
        /// Only pairs with one row among the first so many count.
        truncation: usize,
    },
}

/// What is to be learned of each row.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The number, the class's index or the grade.
    pub values: &'a [f64],
    /// How much each row counts; 1 where there are none.
    pub weights: Option<&'a [f32]>,
    /// For ranking: how many consecutive rows belong to each group.
    pub group_sizes: Option<&'a [u32]>,
}

/// The loss of an objective, or which of its parameters is outside its range.
pub(crate) fn loss_of(objective: &Objective) -> Result<Box<dyn Loss>, FitError> {
    Ok(match *objective {
        Objective::SquaredError => Box::new(squared::SquaredError),
        Objective::AbsoluteError => Box::new(robust::Pinball::absolute()),
        Objective::Quantile { alpha } => Box::new(robust::Pinball::new(alpha)?),
        Objective::Huber { delta } => Box::new(robust::Huber::new(delta)?),
        Objective::Poisson => Box::new(count::LogLink::Poisson),
        Objective::Gamma => Box::new(count::LogLink::Gamma),
        Objective::Tweedie { power } => Box::new(count::LogLink::tweedie(power)?),
        Objective::Logistic => Box::new(logistic::Logistic),
        Objective::Softmax { n_classes } => Box::new(softmax::Softmax::new(n_classes)?),
        Objective::LambdaRank { truncation } => Box::new(rank::LambdaRank::new(truncation)?),
    })
}

/// What the trees of a forest average for an objective.
pub(crate) fn shares_of(objective: &Objective) -> Result<Box<dyn Loss>, FitError> {
    Ok(Box::new(shares::Shares::new(objective)?))
}

/// A loss, bound to its parameters. The other methods rely on targets that [`check`](Self::check) has accepted.
///
/// Margins are output-major: those of output `k` are `margins[k * n_rows..][..n_rows]`.
pub(crate) trait Loss: Sync {
    /// How many margins a row has.
    fn n_outputs(&self) -> usize {
        1
    }

    /// From margins to predictions.
    fn link(&self) -> Link;

    /// Whether these targets can be learned: no negative counts, classes in range, groups that add up.
    fn check(&self, target: &Target<'_>) -> Result<(), FitError>;

    /// The constant margins that reduce the loss most, one per output: where boosting starts.
    fn base(&self, target: &Target<'_>) -> Vec<f64>;

    /// What all outputs of a round share (for the softmax the normaliser of each row), before any of their trees.
    fn start_round(&self, _margins: &[f64], _shared: &mut Vec<f64>) {}

    /// The gradients of one output, one per row; `margins` are those of all outputs, as they were when the round began
    /// or with the trees of earlier outputs added.
    fn gradients(&self, target: &Target<'_>, margins: &[f64], shared: &[f64], output: usize, out: &mut [Gradient]);

    /// For losses that a Newton step does not fit: the quantile of the residuals `target − margin` that a leaf's value is.
    fn leaf_quantile(&self) -> Option<f64> {
        None
    }

    /// The mean loss, weighted: what early stopping watches. Smaller is better.
    fn loss(&self, target: &Target<'_>, margins: &[f64]) -> f64;
}

impl<'a> Target<'a> {
    /// The weight of a row.
    #[inline]
    pub fn weight(&self, row_idx: usize) -> f32 {
        self.weights.map_or(1.0, |w| w[row_idx])
    }

    /// Some of the rows, without their groups.
    fn slice(&self, rows: Range<usize>) -> Target<'a> {
        Target { values: &self.values[rows.clone()], weights: self.weights.map(|w| &w[rows]), group_sizes: None }
    }

    /// Target and weight of each row.
    fn iter(&self) -> impl Iterator<Item = (f64, f32)> + 'a {
        let (values, weights) = (self.values, self.weights);
        values.iter().enumerate().map(move |(i, &value)| (value, weights.map_or(1.0, |w| w[i])))
    }
}
