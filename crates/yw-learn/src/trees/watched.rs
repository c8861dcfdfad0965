//! Fits that other rows watch.

use yw_task::{AnswerKind, LabelledRows};
use yw_trees::Ensemble;

use super::columns::TreeColumns;
use super::model::{TreesModel, class_weights, from_engine, labelled, targets};
use super::params::TreesParams;
use crate::FitError;
use crate::answers::AnswerInfo;

impl TreesModel {
    /// Trees that stop when the loss of `watched` does not improve, if they stop early, and the rounds that are kept then.
    /// Their importance is all zero: it takes time, and nobody asks.
    pub(crate) fn fit_watching(
        train: &LabelledRows,
        watched: &LabelledRows,
        params: &TreesParams,
        info: &AnswerInfo,
        seed: u64,
    ) -> Result<(Self, Option<usize>), FitError> {
        if matches!(info.kind, AnswerKind::Text | AnswerKind::Json) {
            return Err(FitError::NotSupported { model: "trees", kind: info.kind });
        }
        let columns = TreeColumns::fit(&train.rows, &train.truth, params)?;
        let engine = params.engine(info, &columns, seed);
        let (values, weights) = (targets(&train.truth), class_weights(&train.truth, info, params.class_weight));
        let own = columns.encode(&train.rows);
        let fit = labelled(&own, &train.rows, &values, weights.as_deref());
        let (own_watched, values_watched) = (columns.encode(&watched.rows), targets(&watched.truth));
        let held_out = labelled(&own_watched, &watched.rows, &values_watched, None);
        let stops = engine.early_stopping_rounds.is_some();
        let fitted = Ensemble::fit(&fit, stops.then_some(&held_out), None, &engine).map_err(from_engine)?;
        let n_outputs = fitted.ensemble.n_outputs();
        let rounds = stops.then(|| (fitted.ensemble.trees.len() / n_outputs).max(1));
        let importance = vec![0.0; columns.names().len() * n_outputs];
        Ok((TreesModel::new(columns, fitted.ensemble, importance), rounds))
    }
}
