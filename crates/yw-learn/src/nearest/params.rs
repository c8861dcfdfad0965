//! What a nearest-neighbour model can be told.

use crate::FeaturizerParams;

/// How a nearest-neighbour model answers.
#[derive(Debug, Clone, PartialEq)]
pub struct NearestParams {
    /// From fields to features.
    pub featurizer: FeaturizerParams,
    /// How many training rows vote.
    pub k: usize,
    /// What near means.
    pub distance: Distance,
    /// How much each vote counts.
    pub weights: VoteWeights,
}

impl Default for NearestParams {
    fn default() -> Self {
        NearestParams {
            featurizer: FeaturizerParams::default(),
            k: 10,
            distance: Distance::Euclidean,
            weights: VoteWeights::Distance,
        }
    }
}

/// How far two rows' features are apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Distance {
    /// The length of their difference. For texts alone it gives the same order as the cosine.
    #[default]
    Euclidean,
    /// One minus the cosine of their angle.
    Cosine,
}

/// How much the vote of a near row counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum VoteWeights {
    /// The nearer, the more.
    #[default]
    Distance,
    /// All the same.
    Uniform,
}
