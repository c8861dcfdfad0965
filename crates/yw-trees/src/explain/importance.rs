//! Which features the trees lean on, whatever the rows.

use crate::{Ensemble, Split};

/// What a feature's importance is counted in. All are sums over the feature's splits; divided by [`Splits`](Self::Splits)
/// they are what XGBoost calls `gain` and `cover`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Importance {
    /// How much the splits reduced the regularised loss: LightGBM's `gain`, XGBoost's `total_gain`.
    Gain,
    /// The sums of hessians of the training rows that came to the splits: XGBoost's `total_cover`.
    Cover,
    /// How many splits there are: LightGBM's `split`, XGBoost's `weight`.
    Splits,
}

impl Ensemble {
    /// The importance of each feature, in column order. Not normalised.
    pub fn importance(&self, kind: Importance) -> Vec<f64> {
        let mut importance = vec![0.0; self.features.len()];
        for split in self.trees.iter().flat_map(|tree| &tree.splits) {
            importance[split.feature as usize] += kind.of(split);
        }
        importance
    }
}

impl Importance {
    fn of(self, split: &Split) -> f64 {
        match self {
            Importance::Gain => split.gain,
            Importance::Cover => split.cover,
            Importance::Splits => 1.0,
        }
    }
}
