//! Trees that answer.

use std::sync::{Arc, OnceLock};

use yw_task::{Answer, AnswerKind, ExplainedFeature, Explanation, Field, LabelledRows, Rows, ScoreUnit, Truth, Value};
use yw_trees::{CompiledEnsemble, Ensemble, Explainer, LabelledColumns, Link, Target, Tree};

use super::columns::{OwnColumn, TreeColumns, engine_columns};
use super::params::TreesParams;
use crate::answers::AnswerInfo;
use crate::bytes::{Reader, Writer};
use crate::folds::Folds;
use crate::linear::ClassWeight;
use crate::{ClassImportance, FeatureWeight, FitError, FormatError};

/// Which part of the training rows early stopping watches: one in so many.
const HELD_OUT_PART: usize = 10;

/// Rows of the training set that feature importances are averaged over.
const MAX_ROWS_TO_EXPLAIN: usize = 1000;

/// Fitted trees.
#[derive(Debug, Clone)]
pub(crate) struct TreesModel {
    columns: TreeColumns,
    ensemble: Ensemble,
    compiled: CompiledEnsemble,
    /// Made when it is first asked for.
    explainer: Arc<OnceLock<Explainer>>,
    /// The mean absolute contribution of each column to each output over training rows; output by output.
    importance: Vec<f64>,
}

impl PartialEq for TreesModel {
    /// The compiled form follows from the others.
    fn eq(&self, other: &Self) -> bool {
        self.columns == other.columns && self.ensemble == other.ensemble && self.importance == other.importance
    }
}

impl TreesModel {
    pub(crate) fn fit(
        train: &LabelledRows,
        params: &TreesParams,
        info: &AnswerInfo,
        seed: u64,
    ) -> Result<Self, FitError> {
        if matches!(info.kind, AnswerKind::Text | AnswerKind::Json) {
            return Err(FitError::NotSupported { model: "trees", kind: info.kind });
        }
        let columns = TreeColumns::fit(&train.rows, &train.truth, params)?;
        let mut engine = params.engine(info, &columns, seed);
        let (values, weights) = (targets(&train.truth), class_weights(&train.truth, info, params.class_weight));
        if let Some(rounds) = engine.early_stopping_rounds.take() {
            engine.trees = best_rounds(train, &columns, &values, weights.as_deref(), &engine, rounds, seed)?;
        }
        let own = columns.encode(&train.rows);
        let labelled = labelled(&own, &train.rows, &values, weights.as_deref());
        let mut ensemble = Ensemble::fit(&labelled, None, None, &engine).map_err(from_engine)?.ensemble;
        for (feature, name) in ensemble.features.iter_mut().zip(columns.names()) {
            feature.name = name;
        }
        Ok(TreesModel::of(columns, ensemble, &train.rows))
    }

    /// A model of these trees; what matters to it is measured on training rows.
    pub(super) fn of(columns: TreeColumns, ensemble: Ensemble, rows: &Rows) -> Self {
        let importance = mean_contributions(&columns, &ensemble, rows);
        TreesModel::new(columns, ensemble, importance)
    }

    pub(super) fn new(columns: TreeColumns, ensemble: Ensemble, importance: Vec<f64>) -> Self {
        let compiled = CompiledEnsemble::new(&ensemble);
        TreesModel { compiled, explainer: Arc::default(), columns, ensemble, importance }
    }

    pub(crate) fn fields(&self) -> &Arc<[Field]> {
        self.columns.fields()
    }

    pub(crate) fn ensemble(&self) -> &Ensemble {
        &self.ensemble
    }

    pub(crate) fn answers(&self, rows: &Rows, info: &AnswerInfo) -> Vec<Answer> {
        let own = self.columns.encode(rows);
        let predictions = self.compiled.predict(&engine_columns(&own, rows));
        predictions.chunks_exact(self.compiled.n_outputs()).map(|row| answer(row, info)).collect()
    }

    /// What each column contributes to each output's margin, by exact Shapley values.
    pub(crate) fn explain(&self, rows: &Rows, info: &AnswerInfo) -> Explanation {
        let own = self.columns.encode(rows);
        let explainer = self.explainer.get_or_init(|| Explainer::path_dependent(&self.ensemble));
        let found = explainer.explain(&engine_columns(&own, rows)).expect("the rows have the ensemble's columns");
        let n_outputs = self.ensemble.n_outputs();
        let classes = (0..n_outputs).map(|output| class_of(output, n_outputs, info)).collect();
        let features = self.columns.names().into_iter().zip(self.columns.column_fields());
        Explanation {
            features: features.map(|(name, field)| ExplainedFeature { name, field }).collect(),
            classes,
            unit: self.unit(info),
            is_additive: self.ensemble.trees.iter().all(asks_about_one_feature),
            expected: found.expected,
            contributions: found.values,
        }
    }

    /// What margins are.
    fn unit(&self, info: &AnswerInfo) -> ScoreUnit {
        let is_class = matches!(info.kind, AnswerKind::Label | AnswerKind::Boolean);
        match self.ensemble.link {
            Link::Logistic => ScoreUnit::LogOdds,
            Link::Softmax => ScoreUnit::LogProbability,
            Link::Exp => ScoreUnit::LogAnswer,
            Link::Identity if is_class => ScoreUnit::Probability,
            Link::Identity => ScoreUnit::Answer,
        }
    }

    /// The columns that move each output most: mean absolute Shapley values over training rows.
    pub(crate) fn importance(&self, n: usize, info: &AnswerInfo) -> Vec<ClassImportance> {
        let names = self.columns.names();
        let of_output = |(output, values): (usize, &[f64])| {
            let mut order: Vec<usize> = (0..values.len()).filter(|&i| values[i] > 0.0).collect();
            order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
            order.truncate(n);
            let class = class_of(output, self.ensemble.n_outputs(), info);
            let feature = |i: usize| FeatureWeight { name: names[i].clone(), weight: values[i] };
            ClassImportance { class, features: order.into_iter().map(feature).collect() }
        };
        self.importance.chunks(names.len().max(1)).enumerate().map(of_output).collect()
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        self.columns.write(out);
        out.f64s(&self.importance);
        out.bytes(&self.ensemble.to_bytes());
    }

    pub(crate) fn read(from: &mut Reader<'_>, fields: Arc<[Field]>, info: &AnswerInfo) -> Result<Self, FormatError> {
        let columns = TreeColumns::read(from, fields)?;
        let importance = from.f64s()?;
        let damaged = |what| FormatError::Damaged { what };
        let ensemble = Ensemble::from_bytes(from.bytes()?).map_err(|_| damaged("its trees cannot be read"))?;
        let names = columns.names();
        if ensemble.features.len() != names.len() || importance.len() != names.len() * ensemble.n_outputs() {
            return Err(damaged("the trees have other columns than the fields"));
        }
        let fits = match (info.kind, ensemble.n_outputs()) {
            (AnswerKind::Label, 1) => info.labels.len() == 2,
            (AnswerKind::Label, n_outputs) => n_outputs == info.labels.len(),
            (_, n_outputs) => n_outputs == 1,
        };
        if !fits {
            return Err(damaged("the trees have other outputs than the answer"));
        }
        Ok(TreesModel::new(columns, ensemble, importance))
    }
}

fn asks_about_one_feature(tree: &Tree) -> bool {
    tree.splits.iter().all(|split| split.feature == tree.splits[0].feature)
}

fn answer(predicted: &[f64], info: &AnswerInfo) -> Answer {
    match info.kind {
        AnswerKind::Boolean => {
            let p = predicted[0].clamp(0.0, 1.0);
            info.class_answer(vec![1.0 - p, p])
        }
        // One output tells two classes apart.
        AnswerKind::Label if predicted.len() == 1 => {
            let p = predicted[0].clamp(0.0, 1.0);
            info.class_answer(vec![1.0 - p, p])
        }
        AnswerKind::Label => {
            // The shares that a forest finds for each class apart make about one together.
            let sum: f64 = predicted.iter().map(|p| p.max(0.0)).sum();
            let share = |p: &f64| if sum > 0.0 { p.max(0.0) / sum } else { 1.0 / predicted.len() as f64 };
            info.class_answer(predicted.iter().map(share).collect())
        }
        _ => Answer::new(Value::Number(predicted[0].clamp(f64::MIN, f64::MAX))),
    }
}

/// What the margin of an output speaks for.
fn class_of(output: usize, n_outputs: usize, info: &AnswerInfo) -> Arc<str> {
    match info.kind {
        AnswerKind::Boolean => info.class_name(1),
        // Of two labels with one output, that of the second.
        AnswerKind::Label if n_outputs == 1 => info.class_name(1),
        AnswerKind::Label => info.class_name(output as u32),
        _ => Arc::from(""),
    }
}

/// The target of each row; of texts, none.
pub(super) fn targets(truth: &Truth) -> Vec<f64> {
    match truth {
        Truth::Label { ids, .. } => ids.iter().map(|&id| f64::from(id)).collect(),
        Truth::Boolean(truths) => truths.iter().map(|&t| f64::from(u8::from(t))).collect(),
        Truth::Number(numbers) => numbers.clone(),
        Truth::Text(_) | Truth::Json(_) => Vec::new(),
    }
}

/// The weight of each row, if classes are balanced: `n / (classes · rows of its class)`.
pub(super) fn class_weights(truth: &Truth, info: &AnswerInfo, weight: ClassWeight) -> Option<Vec<f32>> {
    let classes = crate::class_ids(truth).filter(|_| weight == ClassWeight::Balanced)?;
    let mut counts = vec![0.0f64; info.n_classes()];
    classes.iter().for_each(|&class| counts[class as usize] += 1.0);
    let n_present = counts.iter().filter(|&&n| n > 0.0).count() as f64;
    let n = classes.len() as f64;
    Some(classes.iter().map(|&class| (n / (n_present * counts[class as usize])) as f32).collect())
}

pub(super) fn labelled<'a>(
    own: &'a [OwnColumn],
    rows: &'a Rows,
    values: &'a [f64],
    weights: Option<&'a [f32]>,
) -> LabelledColumns<'a> {
    let target = Target { values, weights, group_sizes: None };
    LabelledColumns { columns: engine_columns(own, rows), target }
}

/// After how many rounds held-out rows fare best.
fn best_rounds(
    train: &LabelledRows,
    columns: &TreeColumns,
    values: &[f64],
    weights: Option<&[f32]>,
    engine: &yw_trees::TreesParams,
    patience: usize,
    seed: u64,
) -> Result<usize, FitError> {
    let Some(split) = Folds::of(train, HELD_OUT_PART, seed).splits().next() else { return Ok(engine.trees) };
    let part = |idxs: &[usize]| {
        let rows = train.rows.take(idxs);
        let values: Vec<f64> = idxs.iter().map(|&i| values[i]).collect();
        let weights: Option<Vec<f32>> = weights.map(|w| idxs.iter().map(|&i| w[i]).collect());
        (columns.encode(&rows), rows, values, weights)
    };
    let (fit, held_out) = (part(&split.fit), part(&split.held_out));
    if fit.2.is_empty() || held_out.2.is_empty() {
        return Ok(engine.trees);
    }
    let engine = yw_trees::TreesParams { early_stopping_rounds: Some(patience), ..engine.clone() };
    let train = labelled(&fit.0, &fit.1, &fit.2, fit.3.as_deref());
    let watched = labelled(&held_out.0, &held_out.1, &held_out.2, held_out.3.as_deref());
    let fitted = Ensemble::fit(&train, Some(&watched), None, &engine).map_err(from_engine)?;
    Ok((fitted.ensemble.trees.len() / fitted.ensemble.n_outputs()).max(1))
}

fn mean_contributions(columns: &TreeColumns, ensemble: &Ensemble, rows: &Rows) -> Vec<f64> {
    let step = rows.n_rows().div_ceil(MAX_ROWS_TO_EXPLAIN).max(1);
    let some = rows.take(&(0..rows.n_rows()).step_by(step).collect::<Vec<_>>());
    let own = columns.encode(&some);
    let contributions = Explainer::path_dependent(ensemble).explain(&engine_columns(&own, &some));
    let contributions = contributions.expect("the rows have the ensemble's columns");
    (0..ensemble.n_outputs()).flat_map(|output| contributions.mean_absolute(output)).collect()
}

/// What the engine refuses, in the words of the project file.
pub(super) fn from_engine(error: yw_trees::FitError) -> FitError {
    match error {
        yw_trees::FitError::NoRows => FitError::NoRows,
        yw_trees::FitError::Parameter { name, expected, .. } => FitError::Parameter { name, expected },
        other => FitError::Trees(other),
    }
}
