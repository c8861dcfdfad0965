//! Why a linear model scores a row as it does.

use std::sync::Arc;

use yw_task::{ExplainedFeature, Explanation, Rows, ScoreUnit};

use super::{LinearModel, Link};
use crate::answers::AnswerInfo;
use crate::featurize::CHUNK_ROWS;
use crate::parallel::map_chunks;

/// What the outputs of a linear model are.
pub(super) struct Outputs {
    /// What each output speaks for.
    pub(super) classes: Vec<Arc<str>>,
    /// What a score is multiplied with to be in `unit`.
    pub(super) scale: f64,
    pub(super) unit: ScoreUnit,
    /// What is added then.
    offset: f64,
}

impl Link {
    pub(super) fn outputs(&self, info: &AnswerInfo) -> Outputs {
        match self {
            Link::Sigmoid { label_ids } => {
                let classes = vec![info.class_name(label_ids[1])];
                Outputs { classes, scale: 1.0, unit: ScoreUnit::LogOdds, offset: 0.0 }
            }
            Link::Softmax { label_ids, sharpness } => {
                let classes = label_ids.iter().map(|&id| info.class_name(id)).collect();
                Outputs { classes, scale: *sharpness, unit: ScoreUnit::LogProbability, offset: 0.0 }
            }
            Link::Number { mean, deviation } => {
                Outputs { classes: vec![Arc::from("")], scale: *deviation, unit: ScoreUnit::Answer, offset: *mean }
            }
        }
    }
}

impl LinearModel {
    /// Shapley values of independent features: feature `j` of mean `m_j` contributes `w_j (x_j − m_j)` (Lundberg and Lee,
    /// *A unified approach to interpreting model predictions*, NIPS 2017, corollary 1). None for models of earlier
    /// versions, which did not keep the means.
    pub(crate) fn explain(&self, rows: &Rows, info: &AnswerInfo) -> Option<Explanation> {
        let means = self.means.as_ref()?;
        self.featurizer.check_fields(rows);
        let Outputs { classes, scale, unit, offset } = self.link.outputs(info);
        let n_features = means.len();
        let weight = |feature: usize, output: usize| scale * f64::from(self.weights.of_feature(feature)[output]);

        // What each feature contributes where it is zero: all of a row but its few entries.
        let mut of_zeros = Vec::with_capacity(classes.len() * n_features);
        let mut expected = Vec::with_capacity(classes.len());
        for output in 0..classes.len() {
            let shift = |feature: usize| -weight(feature, output) * f64::from(means[feature]);
            of_zeros.extend((0..n_features).map(shift));
            let of_means: f64 = of_zeros[output * n_features..].iter().sum();
            expected.push(offset + scale * f64::from(self.weights.intercept(output)) - of_means);
        }
        let chunks = map_chunks(rows.n_rows(), CHUNK_ROWS, |range| {
            let features = self.featurizer.transform_range(rows, range);
            let mut contributions = of_zeros.repeat(features.n_rows());
            for (row_idx, row) in contributions.chunks_exact_mut(of_zeros.len().max(1)).enumerate() {
                for (output, own) in row.chunks_exact_mut(n_features).enumerate() {
                    features.row(row_idx).iter().for_each(|(i, x)| own[i] += weight(i, output) * f64::from(x));
                }
            }
            contributions
        });
        let names = self.featurizer.feature_names().into_iter().zip(self.featurizer.feature_fields());
        Some(Explanation {
            features: names.map(|(name, field)| ExplainedFeature { name, field }).collect(),
            classes,
            unit,
            is_additive: true,
            expected,
            contributions: chunks.concat(),
        })
    }
}
