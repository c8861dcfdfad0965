//! Many trees that answer together.

use crate::Tree;

/// A boosted or bagged model: the margin of an output is its base plus the leaf values of its trees.
///
/// Averages (forests) and weights of trees (dart) are in the leaf values, so that margins are always plain sums.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    /// What each feature is, in column order.
    pub features: Vec<FeatureInfo>,
    /// What the margins of a row without trees are: one per output.
    pub base: Vec<f64>,
    /// The trees in the order they were grown; tree `i` belongs to output `i % n_outputs`.
    pub trees: Vec<Tree>,
    /// From margins to predictions.
    pub link: Link,
}

/// What is known about a feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureInfo {
    /// Its name.
    pub name: String,
    /// For a category, how many levels the training rows had; none for a number.
    pub n_levels: Option<u32>,
}

/// From margins to predictions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Link {
    /// The margin itself: regression, ranking.
    Identity,
    /// `1 / (1 + e⁻ᵐ)`: the probability of the positive class.
    Logistic,
    /// `eᵐᵢ / Σ eᵐⱼ`: one probability per class.
    Softmax,
    /// `eᵐ`: counts and amounts.
    Exp,
}

impl Ensemble {
    /// How many outputs a row has: the classes of a multi-class model, otherwise one.
    pub fn n_outputs(&self) -> usize {
        self.base.len()
    }

    /// How many trees each output has.
    pub(crate) fn n_rounds(&self) -> usize {
        self.trees.len() / self.n_outputs()
    }

    /// The margins of one row: `value_of` as for [`Tree::leaf_of`]. The reference that faster paths are tested against.
    pub fn margins(&self, value_of: impl Fn(u32) -> f64) -> Vec<f64> {
        let mut margins = self.base.clone();
        let n_outputs = margins.len();
        for (i, tree) in self.trees.iter().enumerate() {
            margins[i % n_outputs] += tree.leaves[tree.leaf_of(&value_of) as usize].value;
        }
        margins
    }
}

impl Link {
    /// Turns the margins of one row into predictions.
    pub fn apply(self, margins: &mut [f64]) {
        match self {
            Link::Identity => {}
            Link::Logistic => margins.iter_mut().for_each(|m| *m = 1.0 / (1.0 + (-*m).exp())),
            Link::Exp => margins.iter_mut().for_each(|m| *m = m.exp()),
            Link::Softmax => {
                let largest = margins.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                margins.iter_mut().for_each(|m| *m = (*m - largest).exp());
                let sum: f64 = margins.iter().sum();
                margins.iter_mut().for_each(|m| *m /= sum);
            }
        }
    }
}
