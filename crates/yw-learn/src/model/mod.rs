//! One front for every kind of model.

mod format;

use std::sync::Arc;

use yw_task::{Answer, AnswerKind, Explanation, Field, LabelSet, LabelledRows, Rows};

use crate::FitError;
use crate::answers::AnswerInfo;
use crate::baseline::{BaselineModel, BaselineParams};
use crate::linear::{ClassImportance, LinearModel, LinearParams};
use crate::nearest::{NearestModel, NearestParams};
use crate::trees::{TreesModel, TreesParams};

/// Which model to fit, and how.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelParams {
    /// The most frequent answer, or the mean.
    Baseline(BaselineParams),
    /// Logistic or softmax regression, support vector machines, or ridge regression.
    Linear(LinearParams),
    /// Nearest neighbours.
    Nearest(NearestParams),
    /// Boosted trees or forests.
    Trees(Box<TreesParams>),
    /// Trees that another program has grown: nothing is learned.
    TreesFile(Arc<yw_trees::ModelFile>),
}

/// A fitted model: rows in, answers out. Cheap to share between threads behind an `Arc`.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    info: AnswerInfo,
    body: Body,
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    Baseline(BaselineModel),
    Linear(LinearModel),
    Nearest(NearestModel),
    Trees(Box<TreesModel>),
}

/// How a fit went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitSummary {
    /// How many features the model reads.
    pub n_features: usize,
    /// Newton steps, or passes over the rows; 0 where nothing is iterated.
    pub iterations: usize,
    /// Whether the optimum was reached; true where there is none.
    pub converged: bool,
    /// The strength of the penalty, given or chosen, where there is one.
    pub l2: Option<f64>,
}

impl Model {
    /// Learns from labelled rows. The same rows, parameters and seed give the same model, whatever the number of threads.
    ///
    /// *Errors*: no rows; a linear model of one class; answers or parameters that the model cannot have.
    pub fn fit(train: &LabelledRows, params: &ModelParams, seed: u64) -> Result<Model, FitError> {
        if train.n_rows() == 0 {
            return Err(FitError::NoRows);
        }
        let info = AnswerInfo::of(&train.truth);
        let body = match params {
            ModelParams::Baseline(params) => Body::Baseline(BaselineModel::fit(train, params, &info)),
            ModelParams::Linear(params) => Body::Linear(LinearModel::fit(train, params, seed)?),
            ModelParams::Nearest(params) => Body::Nearest(NearestModel::fit(train, params, &info)?),
            ModelParams::TreesFile(file) => Body::Trees(Box::new(TreesModel::from_file(file, train, &info)?)),
            ModelParams::Trees(params) => Body::Trees(Box::new(TreesModel::fit(train, params, &info, seed)?)),
        };
        Ok(Model { info, body })
    }

    /// A fit for the sake of its answers to `watched`, rows that it is not fitted on; what a search for settings tries.
    ///
    /// As [`fit`](Self::fit), except for trees: where they stop early, it is when those rows' loss does not improve, and not
    /// that of a part of the training rows; and what matters to them is not measured, so that they have no
    /// [`importance`](Self::importance). With the model comes the number of rounds of boosting that it kept, if it stops early.
    ///
    /// *Errors*: as [`fit`](Self::fit).
    pub fn fit_watching(
        train: &LabelledRows,
        watched: &LabelledRows,
        params: &ModelParams,
        seed: u64,
    ) -> Result<(Model, Option<usize>), FitError> {
        let ModelParams::Trees(params) = params else { return Ok((Model::fit(train, params, seed)?, None)) };
        if train.n_rows() == 0 || watched.n_rows() == 0 {
            return Err(FitError::NoRows);
        }
        let info = AnswerInfo::of(&train.truth);
        let (model, rounds) = TreesModel::fit_watching(train, watched, params, &info, seed)?;
        Ok((Model { info, body: Body::Trees(Box::new(model)) }, rounds))
    }

    /// One answer per row, in order. Labels come with a probability for each of [`labels`](Self::labels), booleans with
    /// that of true.
    ///
    /// Few rows are answered by the calling thread alone. Panics if the rows do not have the model's
    /// [`fields`](Self::fields).
    pub fn answers(&self, rows: &Rows) -> Vec<Answer> {
        match &self.body {
            Body::Baseline(model) => model.answers(rows.n_rows(), &self.info),
            Body::Linear(model) => model.answers(rows, &self.info),
            Body::Nearest(model) => model.answers(rows, &self.info),
            Body::Trees(model) => model.answers(rows, &self.info),
        }
    }

    /// The fields that rows must have.
    pub fn fields(&self) -> &Arc<[Field]> {
        match &self.body {
            Body::Baseline(model) => &model.fields,
            Body::Linear(model) => model.featurizer.fields(),
            Body::Nearest(model) => model.featurizer().fields(),
            Body::Trees(model) => model.fields(),
        }
    }

    /// The kind of the answers.
    pub fn answer_kind(&self) -> AnswerKind {
        self.info.kind
    }

    /// The labels of the training rows; empty unless the answers are labels.
    pub fn labels(&self) -> &LabelSet {
        &self.info.labels
    }

    /// How the fit went.
    pub fn summary(&self) -> FitSummary {
        let without_iterations = |n_features| FitSummary { n_features, iterations: 0, converged: true, l2: None };
        match &self.body {
            Body::Baseline(_) => without_iterations(0),
            Body::Linear(model) => model.summary,
            Body::Nearest(model) => without_iterations(model.featurizer().n_features()),
            Body::Trees(model) => FitSummary {
                iterations: model.ensemble().trees.len(),
                ..without_iterations(model.ensemble().features.len())
            },
        }
    }

    /// What each feature contributes to the scores of each row, by exact Shapley values: path-dependent ones of trees,
    /// those of independent features of linear models. None for other models, and for linear ones that were saved
    /// before version 3 of the format.
    ///
    /// Panics if the rows do not have the model's [`fields`](Self::fields).
    pub fn explain(&self, rows: &Rows) -> Option<Explanation> {
        match &self.body {
            Body::Trees(model) => Some(model.explain(rows, &self.info)),
            Body::Linear(model) => model.explain(rows, &self.info),
            Body::Baseline(_) | Body::Nearest(_) => None,
        }
    }

    /// For each class, or for the number, the `n` features that weigh most either way. None for models without weights.
    pub fn importance(&self, n: usize) -> Option<Vec<ClassImportance>> {
        match &self.body {
            Body::Linear(model) => Some(model.importance(n, &self.info)),
            Body::Trees(model) => Some(model.importance(n, &self.info)),
            Body::Baseline(_) | Body::Nearest(_) => None,
        }
    }
}
