//! Which features speak for which answer.

use std::sync::Arc;

use super::LinearModel;
use super::explain::Outputs;
use crate::answers::AnswerInfo;

/// What weighs most for one answer of a linear model.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassImportance {
    /// The label, or `true`; the empty string for numbers.
    pub class: Arc<str>,
    /// The features of the largest weights either way, largest first.
    pub features: Vec<FeatureWeight>,
}

/// The weight of one feature.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureWeight {
    /// The feature, for people; see [`Featurizer::feature_names`](crate::Featurizer::feature_names).
    pub name: String,
    /// What the score gains when the feature grows by one: one standard deviation of a number, the presence of a level.
    /// *Unit*: log-odds for classes (up to the temperature of squared-hinge models), the answer's own for numbers.
    pub weight: f64,
}

impl LinearModel {
    /// For each class, or for the number, the `n` features of the largest absolute weights.
    pub(crate) fn importance(&self, n: usize, info: &AnswerInfo) -> Vec<ClassImportance> {
        let names = self.featurizer.feature_names();
        let Outputs { classes, scale, .. } = self.link.outputs(info);
        let of_class = |(output, class): (usize, Arc<str>)| {
            let mut weights: Vec<(usize, f64)> =
                (0..self.weights.n_features()).map(|i| (i, f64::from(self.weights.of_feature(i)[output]))).collect();
            weights.sort_unstable_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
            weights.truncate(n);
            let feature = |(i, weight): (usize, f64)| FeatureWeight { name: names[i].clone(), weight: weight * scale };
            ClassImportance { class, features: weights.into_iter().map(feature).collect() }
        };
        classes.into_iter().enumerate().map(of_class).collect()
    }
}
