//! Which features speak for which answer.

use std::sync::Arc;

use super::{LinearModel, Link};
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
        let (classes, unit): (Vec<Arc<str>>, f64) = match &self.link {
            Link::Sigmoid { label_ids } => (vec![info.class_name(label_ids[1])], 1.0),
            Link::Softmax { label_ids, sharpness } => {
                (label_ids.iter().map(|&id| info.class_name(id)).collect(), *sharpness)
            }
            Link::Number { deviation, .. } => (vec![Arc::from("")], *deviation),
        };
        let of_class = |(output, class): (usize, Arc<str>)| {
            let mut weights: Vec<(usize, f64)> =
                (0..self.weights.n_features()).map(|i| (i, f64::from(self.weights.of_feature(i)[output]))).collect();
            weights.sort_unstable_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
            weights.truncate(n);
            let feature = |(i, weight): (usize, f64)| FeatureWeight { name: names[i].clone(), weight: weight * unit };
            ClassImportance { class, features: weights.into_iter().map(feature).collect() }
        };
        classes.into_iter().enumerate().map(of_class).collect()
    }
}
