//! Calibrated probabilities and tuned decisions around any candidate that gives scores.
//!
//! What is learned here is learned from answers to rows that the candidate had not learned from: the training rows are
//! dealt into folds, and each is answered by a fit on the others. Then the candidate is fitted on all rows.

use std::path::Path;
use std::sync::Arc;

use yw_learn::{
    CalibrationMethod, Calibrator, Decider, DecisionObjective, DecisionRule, Folds, HeldOut, class_ids,
    class_probabilities,
};
use yw_task::{
    Answer, BoxFuture, Explanation, FitContext, FitError, Fitted, LabelSet, LabelledRows, Outcome, PredictContext,
    Predictor, Progress, Recipe, Rows, SaveError, Scores, Truth, Usage,
};

use crate::artifact::{LoadError, TaskShape};
use crate::learned::on_compute;

/// The file that says that a predictor is of this kind, and holds its decider.
pub(crate) const DECIDER_FILE: &str = "decider.yw";
/// Where the candidate itself is.
pub(crate) const INNER_DIR: &str = "inner";

/// Into how many parts the training rows are dealt.
pub(crate) const N_FOLDS: usize = 5;

/// How the probabilities of a candidate are corrected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Calibration {
    /// Not at all.
    Off,
    /// By the method that is best on held-out rows, if one is better than none.
    Chosen,
    /// By this method.
    Method(CalibrationMethod),
}

/// How a class is chosen from probabilities.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decision {
    /// The most probable one.
    Largest,
    /// True from this probability on.
    Threshold(f64),
    /// As it is best for an objective on held-out rows.
    Tuned(DecisionObjective),
}

/// A candidate whose answers are decided anew.
pub(crate) struct DecidedRecipe {
    pub(crate) inner: Arc<dyn Recipe>,
    pub(crate) calibration: Calibration,
    pub(crate) decision: Decision,
}

impl Recipe for DecidedRecipe {
    fn fit<'a>(&'a self, train: &'a LabelledRows, context: &'a FitContext) -> BoxFuture<'a, Result<Fitted, FitError>> {
        Box::pin(async move {
            let Some(truths) = class_ids(&train.truth) else {
                let reason = "only labels and booleans have probabilities to calibrate or decide by".to_owned();
                return Err(FitError::Data { reason });
            };
            let (labels, n_classes) = match &train.truth {
                Truth::Label { labels, .. } => (labels.clone(), labels.len()),
                _ => (LabelSet::default(), 2),
            };
            let held_out = self.answer_held_out(train, n_classes, context).await?;
            let learned = {
                let (calibration, decision, groups) = (self.calibration, self.decision.clone(), train.groups.clone());
                let (probabilities, seed) = (held_out.probabilities, context.seed);
                on_compute(move || {
                    let rows = HeldOut::new(&probabilities, &truths, n_classes);
                    let rows = match &groups {
                        Some(groups) => rows.with_groups(groups),
                        None => rows,
                    };
                    learn(&rows, calibration, decision, seed)
                })
                .await
            };
            let Some((decider, note)) = learned else {
                let reason = format!("this calibration or threshold is not for {n_classes} classes");
                return Err(FitError::Data { reason });
            };
            let mut fitted = self.inner.fit(train, context).await?;
            fitted.usage += held_out.usage;
            fitted.notes.extend(note);
            fitted.predictor = Arc::new(DecidedPredictor { inner: fitted.predictor, decider, labels });
            Ok(fitted)
        })
    }
}

/// Answers to training rows by fits that had not seen them.
struct HeldOutAnswers {
    probabilities: Vec<f64>,
    usage: Usage,
}

impl DecidedRecipe {
    async fn answer_held_out(
        &self,
        train: &LabelledRows,
        n_classes: usize,
        context: &FitContext,
    ) -> Result<HeldOutAnswers, FitError> {
        let folds = Folds::of(train, N_FOLDS, context.seed);
        let quiet = FitContext { seed: context.seed, progress: Progress::default() };
        let (mut parts, mut usage) = (Vec::new(), Usage::default());
        for split in folds.splits() {
            let fitted = self.inner.fit(&train.take(&split.fit), &quiet).await?;
            let rows = train.rows.take(&split.held_out);
            let outcomes = fitted.predictor.predict(&rows, &PredictContext::default()).await;
            usage += fitted.usage;
            outcomes.iter().for_each(|o| usage += o.usage);
            parts.push((class_probabilities(outcomes.iter().map(scores), n_classes), split.held_out));
        }
        Ok(HeldOutAnswers { probabilities: folds.gather(&parts), usage })
    }
}

fn scores(outcome: &Outcome) -> Option<&Scores> {
    outcome.result.as_ref().ok()?.scores.as_ref()
}

/// What the held-out answers teach, and a sentence about it. None if what was asked for is not for so many classes.
fn learn(
    rows: &HeldOut<'_>,
    calibration: Calibration,
    decision: Decision,
    seed: u64,
) -> Option<(Decider, Option<String>)> {
    let calibrator = match calibration {
        Calibration::Off => Calibrator::IDENTITY,
        Calibration::Chosen => Calibrator::choose(rows, seed).calibrator,
        Calibration::Method(method) => Calibrator::fit(method, rows),
    };
    let n_classes = rows.n_classes();
    let plain = Decider::new(n_classes, calibrator.clone(), DecisionRule::Largest)?;
    let rule = match decision {
        Decision::Largest => DecisionRule::Largest,
        Decision::Threshold(threshold) => DecisionRule::Threshold(threshold),
        Decision::Tuned(objective) => {
            let calibrated = rows.calibrated(plain.calibrator());
            DecisionRule::tune(&rows.with_probabilities(&calibrated), &objective, seed).rule
        }
    };
    let mut notes = Vec::new();
    if calibrator.method() != CalibrationMethod::Identity {
        notes.push(format!("probabilities are calibrated ({})", calibrator.method().name()));
    }
    match &rule {
        DecisionRule::Largest => {}
        DecisionRule::Threshold(threshold) => {
            notes.push(format!("answers true from a probability of {threshold:.4} on"))
        }
        DecisionRule::ClassWeights(_) => {
            notes.push("probabilities are weighted by class before one is chosen".to_owned())
        }
        DecisionRule::MinimumCost(_) => notes.push("answers what costs least on average".to_owned()),
    }
    let note = (!notes.is_empty()).then(|| notes.join("; "));
    Some((Decider::new(n_classes, calibrator, rule)?, note))
}

/// A predictor whose answers are decided anew.
pub(crate) struct DecidedPredictor {
    inner: Arc<dyn Predictor>,
    decider: Decider,
    labels: LabelSet,
}

impl Predictor for DecidedPredictor {
    fn predict<'a>(&'a self, rows: &'a Rows, context: &'a PredictContext) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(async move {
            let decide = |answer: Answer| self.decider.decide(answer, &self.labels);
            let outcomes = self.inner.predict(rows, context).await.into_iter();
            outcomes.map(|outcome| Outcome { result: outcome.result.map(decide), ..outcome }).collect()
        })
    }

    /// What is explained are the scores before they are calibrated and decided by: both only follow from them.
    fn explain<'a>(&'a self, rows: &'a Rows) -> BoxFuture<'a, Option<Explanation>> {
        self.inner.explain(rows)
    }

    fn asks(&self) -> bool {
        self.inner.asks()
    }

    fn save(&self, dir: &Path) -> Result<(), SaveError> {
        let path = dir.join(DECIDER_FILE);
        std::fs::write(&path, self.decider.to_bytes()).map_err(|source| SaveError::Io { path, source })?;
        let path = dir.join(INNER_DIR);
        std::fs::create_dir(&path).map_err(|source| SaveError::Io { path: path.clone(), source })?;
        self.inner.save(&path)
    }
}

impl DecidedPredictor {
    /// Reads what [`Predictor::save`] wrote, given the candidate itself.
    pub(crate) fn load(dir: &Path, task: &TaskShape, inner: Arc<dyn Predictor>) -> Result<Self, LoadError> {
        let path = dir.join(DECIDER_FILE);
        let bytes = std::fs::read(&path).map_err(|source| LoadError::Io { path: path.clone(), source })?;
        let decider = Decider::from_bytes(&bytes).map_err(|source| LoadError::Model { path: path.clone(), source })?;
        let labels = task.answer.labels.clone();
        let n_classes = if labels.is_empty() { 2 } else { labels.len() };
        if decider.n_classes() != n_classes {
            let reason = "it decides between other answers than the task's".to_owned();
            return Err(LoadError::Format { path, reason });
        }
        Ok(DecidedPredictor { inner, decider, labels })
    }
}
