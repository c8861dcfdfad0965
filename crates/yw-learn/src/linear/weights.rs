//! The weights of a fitted linear model.

use yw_kernels::{add_weighted_rows, padded_lanes};

use crate::FormatError;
use crate::bytes::{Reader, Writer};
use crate::featurize::FeatureRow;

/// A matrix of weights, feature by feature, and an intercept per output.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    n_outputs: usize,
    /// Values per feature: one for one output, else outputs padded to whole vectors.
    n_lanes: usize,
    /// `n_features` × `n_lanes`.
    values: Vec<f32>,
    intercepts: Vec<f32>,
    /// The numbers of the dense features.
    dense_idxs: Vec<u32>,
}

impl Weights {
    /// From parameters as the solvers leave them: `n_features + 1` × `n_outputs`, the intercepts last.
    pub(super) fn new(parameters: impl ExactSizeIterator<Item = f32>, n_outputs: usize, n_dense: usize) -> Self {
        let n_features = parameters.len() / n_outputs - 1;
        let n_lanes = if n_outputs == 1 { 1 } else { padded_lanes(n_outputs) };
        let mut values = vec![0.0; n_features * n_lanes];
        let mut intercepts = vec![0.0; n_outputs];
        for (i, parameter) in parameters.enumerate() {
            let (feature_idx, output) = (i / n_outputs, i % n_outputs);
            match feature_idx < n_features {
                true => values[feature_idx * n_lanes + output] = parameter,
                false => intercepts[output] = parameter,
            }
        }
        Weights { n_outputs, n_lanes, values, intercepts, dense_idxs: (0..n_dense as u32).collect() }
    }

    pub(super) fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    pub(super) fn n_features(&self) -> usize {
        self.values.len() / self.n_lanes
    }

    /// The weight of each output for a feature.
    pub(super) fn of_feature(&self, feature_idx: usize) -> &[f32] {
        &self.values[feature_idx * self.n_lanes..][..self.n_outputs]
    }

    /// The score of an output where all features are zero.
    pub(super) fn intercept(&self, output: usize) -> f32 {
        self.intercepts[output]
    }

    /// Each output's score of a row, in `lanes`, whose memory is reused.
    pub(super) fn scores<'a>(&self, row: FeatureRow<'_>, lanes: &'a mut Vec<f32>) -> &'a [f32] {
        lanes.clear();
        if self.n_lanes == 1 {
            let sum: f64 = row.iter().map(|(idx, value)| f64::from(value) * f64::from(self.values[idx])).sum();
            lanes.push((sum + f64::from(self.intercepts[0])) as f32);
        } else {
            lanes.extend_from_slice(&self.intercepts);
            lanes.resize(self.n_lanes, 0.0);
            add_weighted_rows(&self.dense_idxs, row.dense, &self.values, lanes);
            add_weighted_rows(row.idxs, row.values, &self.values, lanes);
        }
        &lanes[..self.n_outputs]
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.f32s(&self.intercepts);
        let values: Vec<f32> = (0..self.n_features()).flat_map(|i| self.of_feature(i)).copied().collect();
        out.f32s(&values);
    }

    pub(super) fn read(from: &mut Reader<'_>, n_features: usize, n_dense: usize) -> Result<Self, FormatError> {
        let intercepts = from.f32s()?;
        let values = from.f32s()?;
        if intercepts.is_empty() || Some(values.len()) != n_features.checked_mul(intercepts.len()) {
            return Err(FormatError::Damaged { what: "the number of weights is not that of the features" });
        }
        let n_outputs = intercepts.len();
        let parameters: Vec<f32> = [values, intercepts].concat();
        Ok(Weights::new(parameters.into_iter(), n_outputs, n_dense))
    }
}
