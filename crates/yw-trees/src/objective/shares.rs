//! What the trees of a forest average: the mean target, or each class's share.

use rayon::prelude::*;

use super::parallel::weighted;
use super::{Gradient, Loss, Objective, Target, loss_of};
use crate::{FitError, Link};

/// Rows that one task works on.
const CHUNK_ROWS: usize = 16_384;

/// The squared error of plain means: of the target, of being positive, or of being of each class (which makes it the Gini
/// impurity). Trees of a forest do not correct each other, so that it starts from zero and has no link.
pub(super) struct Shares {
    /// Checks the targets, and judges them where there are no classes.
    of: Box<dyn Loss>,
    n_outputs: usize,
    is_label: bool,
}

impl Shares {
    /// *Errors*: [`FitError::Mode`] for objectives that averages do not reduce.
    pub(super) fn new(objective: &Objective) -> Result<Self, FitError> {
        let (n_outputs, is_label) = match objective {
            Objective::SquaredError | Objective::Logistic => (1, false),
            Objective::Softmax { n_classes } => (*n_classes, true),
            _ => return Err(FitError::Mode),
        };
        Ok(Shares { of: loss_of(objective)?, n_outputs, is_label })
    }

    /// What the mean of an output is of.
    fn value(&self, target: f64, output: usize) -> f64 {
        if self.is_label { f64::from(u8::from(target == output as f64)) } else { target }
    }
}

impl Loss for Shares {
    fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    fn link(&self) -> Link {
        Link::Identity
    }

    fn check(&self, target: &Target<'_>) -> Result<(), FitError> {
        self.of.check(target)
    }

    fn base(&self, _: &Target<'_>) -> Vec<f64> {
        vec![0.0; self.n_outputs]
    }

    fn gradients(&self, target: &Target<'_>, _: &[f64], _: &[f64], output: usize, out: &mut [Gradient]) {
        out.par_chunks_mut(CHUNK_ROWS).enumerate().for_each(|(chunk_idx, chunk)| {
            for (i, gradient) in chunk.iter_mut().enumerate() {
                let row = chunk_idx * CHUNK_ROWS + i;
                *gradient = weighted((-self.value(target.values[row], output), 1.0), target.weight(row));
            }
        });
    }

    fn loss(&self, target: &Target<'_>, margins: &[f64]) -> f64 {
        let n_rows = target.values.len();
        let (mut sum, mut weights) = (0.0, 0.0);
        for row in 0..n_rows {
            let weight = f64::from(target.weight(row));
            let error = |k: usize| margins[k * n_rows + row] - self.value(target.values[row], k);
            sum += weight * (0..self.n_outputs).map(|k| error(k).powi(2)).sum::<f64>() / 2.0;
            weights += weight;
        }
        sum / weights
    }
}
