//! From probabilities to answers: which class to name, given what mistakes cost or which metric decides.

mod classes;
mod costs;
mod decider;
mod objective;
mod threshold;
mod tune;

use crate::FormatError;
use crate::bytes::{Reader, Writer};

pub use self::costs::Costs;
pub use self::decider::{Decider, LearnedDecider};
pub use self::objective::DecisionObjective;
pub use self::tune::TunedRule;

/// Which class to answer with, given the probability of each.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum DecisionRule {
    /// The most probable; the first of equals.
    #[default]
    Largest,
    /// Of two classes the second if its probability is above the threshold. Below 0 that is always.
    Threshold(f64),
    /// The class of the largest product of probability and weight; the first of equals. One positive weight per class.
    ClassWeights(Vec<f64>),
    /// The answer of the smallest expected cost; the first of equals.
    MinimumCost(Costs),
}

impl DecisionRule {
    /// The class to answer with. *Shape*: one probability per class.
    ///
    /// # Panics
    ///
    /// If the rule is for another number of classes; see [`suits`](Self::suits).
    pub fn apply(&self, probabilities: &[f64]) -> usize {
        assert!(self.suits(probabilities.len()), "the decision rule is for another number of classes");
        match self {
            DecisionRule::Largest => first_largest(probabilities.iter().copied()),
            DecisionRule::Threshold(threshold) => usize::from(probabilities[1] > *threshold),
            DecisionRule::ClassWeights(weights) => first_largest(probabilities.iter().zip(weights).map(|(p, w)| p * w)),
            DecisionRule::MinimumCost(costs) => costs.cheapest(probabilities),
        }
    }

    /// Whether the rule is for so many classes.
    pub fn suits(&self, n_classes: usize) -> bool {
        match self {
            DecisionRule::Largest => n_classes > 0,
            DecisionRule::Threshold(_) => n_classes == 2,
            DecisionRule::ClassWeights(weights) => weights.len() == n_classes,
            DecisionRule::MinimumCost(costs) => costs.n_classes() == n_classes,
        }
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        match self {
            DecisionRule::Largest => out.u8(0),
            DecisionRule::Threshold(threshold) => {
                out.u8(1);
                out.f64(*threshold);
            }
            DecisionRule::ClassWeights(weights) => {
                out.u8(2);
                out.len(weights.len());
                weights.iter().for_each(|weight| out.f64(*weight));
            }
            DecisionRule::MinimumCost(costs) => {
                out.u8(3);
                costs.write(out);
            }
        }
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, FormatError> {
        match from.u8()? {
            0 => Ok(DecisionRule::Largest),
            1 => Ok(DecisionRule::Threshold(from.f64()?)),
            2 => {
                let n_classes = from.len(8)?;
                let weights = (0..n_classes).map(|_| from.f64()).collect::<Result<Vec<f64>, _>>()?;
                let are_positive = weights.iter().all(|weight| *weight > 0.0);
                let damaged = FormatError::Damaged { what: "the weight of a class is not positive" };
                are_positive.then_some(DecisionRule::ClassWeights(weights)).ok_or(damaged)
            }
            3 => Ok(DecisionRule::MinimumCost(Costs::read(from)?)),
            _ => Err(FormatError::Damaged { what: "the kind of decision rule is unknown" }),
        }
    }
}

/// The position of the largest value, the first of equals.
fn first_largest(values: impl Iterator<Item = f64>) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (position, value) in values.enumerate() {
        if value > best.1 {
            best = (position, value);
        }
    }
    best.0
}

#[cfg(test)]
mod tests;
