//! Linear models: logistic and softmax regression, support vector machines, ridge regression.

mod design;
mod dual;
mod explain;
mod fit;
mod importance;
mod newton;
mod params;
mod predict;
mod weights;

use self::weights::Weights;
use crate::FitSummary;
use crate::featurize::Featurizer;

pub use self::importance::{ClassImportance, FeatureWeight};
pub use self::params::{ClassWeight, LinearLoss, LinearParams};

/// A fitted linear model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LinearModel {
    pub(crate) featurizer: Featurizer,
    weights: Weights,
    link: Link,
    /// The mean of each feature over the training rows; models of versions before 3 have none.
    means: Option<Vec<f32>>,
    pub(crate) summary: FitSummary,
}

/// From scores to answers.
#[derive(Debug, Clone, PartialEq)]
enum Link {
    /// One score; the probability of the second label. Booleans have the labels 0 and 1.
    Sigmoid { label_ids: [u32; 2] },
    /// A score per label in `label_ids`, which are ascending; labels without training rows are not in it.
    Softmax { label_ids: Vec<u32>, sharpness: f64 },
    /// One score, standardised.
    Number { mean: f64, deviation: f64 },
}
