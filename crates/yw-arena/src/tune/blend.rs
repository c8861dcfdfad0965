//! Models that answer together: the weighted mean of their probabilities, or of their numbers.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use yw_task::{Answer, BoxFuture, LabelSet, Outcome, PredictContext, Predictor, Rows, SaveError, Scores, Usage, Value};

use crate::artifact::{LoadError, write_json};

/// The file that says that a predictor is of this kind; its members are in the folders `0`, `1`, ….
pub(crate) const BLEND_FILE: &str = "blend.json";

/// Several predictors as one.
pub(crate) struct BlendPredictor {
    /// With their weights, which sum to one.
    members: Vec<(f64, Arc<dyn Predictor>)>,
    /// The labels that scores are of; empty unless answers are labels.
    labels: LabelSet,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct BlendFile {
    /// One per member.
    weights: Vec<f64>,
}

impl BlendFile {
    /// The members' weights and their folders, or what is wrong with the weights.
    pub(crate) fn members(&self) -> Result<Vec<(f64, String)>, &'static str> {
        let sum: f64 = self.weights.iter().sum();
        if self.weights.is_empty() || !self.weights.iter().all(|weight| *weight > 0.0) || (sum - 1.0).abs() > 1e-6 {
            return Err("its weights are not above 0 with a sum of 1");
        }
        Ok(self.weights.iter().enumerate().map(|(i, weight)| (*weight, i.to_string())).collect())
    }

    /// How an artifact names a file whose content makes no sense.
    pub(crate) fn broken(dir: &Path, reason: &str) -> LoadError {
        LoadError::Format { path: dir.join(BLEND_FILE), reason: reason.to_owned() }
    }
}

impl BlendPredictor {
    /// `members` come with weights above zero; what counts is their ratio.
    pub(crate) fn new(members: Vec<(f64, Arc<dyn Predictor>)>, labels: LabelSet) -> Self {
        let sum: f64 = members.iter().map(|(weight, _)| weight).sum();
        let members = members.into_iter().map(|(weight, member)| (weight / sum, member)).collect();
        BlendPredictor { members, labels }
    }
}

impl Predictor for BlendPredictor {
    fn predict<'a>(&'a self, rows: &'a Rows, context: &'a PredictContext) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(async move {
            // Each row is one step, however many answer it.
            let quiet = PredictContext::default();
            let mut answered = Vec::with_capacity(self.members.len());
            for (weight, member) in &self.members {
                answered.push((*weight, member.predict(rows, &quiet).await.into_iter()));
            }
            let mut of_row = || {
                let (mut answers, mut usage, mut failure) =
                    (Vec::with_capacity(answered.len()), Usage::default(), None);
                for (weight, outcomes) in &mut answered {
                    let Some(outcome) = outcomes.next() else { continue };
                    usage += outcome.usage;
                    match outcome.result {
                        Ok(answer) => answers.push((*weight, answer)),
                        Err(error) => failure = Some(error),
                    }
                }
                let weighted: Vec<(f64, &Answer)> = answers.iter().map(|(weight, answer)| (*weight, answer)).collect();
                let result = failure.map_or_else(|| Ok(blended(&weighted, &self.labels)), Err);
                Outcome { result, usage, latency: None }
            };
            let outcomes = (0..rows.n_rows()).map(|_| of_row()).collect();
            context.progress.advance(rows.n_rows() as u64);
            outcomes
        })
    }

    fn save(&self, dir: &Path) -> Result<(), SaveError> {
        let weights = self.members.iter().map(|(weight, _)| *weight).collect();
        write_json(&dir.join(BLEND_FILE), &BlendFile { weights })?;
        for (i, (_, member)) in self.members.iter().enumerate() {
            let dir = dir.join(i.to_string());
            std::fs::create_dir(&dir).map_err(|source| SaveError::Io { path: dir.clone(), source })?;
            member.save(&dir)?;
        }
        Ok(())
    }
}

/// One answer of several with their weights, which are above zero: the most probable one where there are probabilities, the
/// mean of numbers, else that of the largest weight.
///
/// # Panics
///
/// If there is no answer.
pub(super) fn blended(weighted: &[(f64, &Answer)], labels: &LabelSet) -> Answer {
    let first = weighted[0].1;
    let sum: f64 = weighted.iter().map(|(weight, _)| weight).sum();
    let mean = |of: &dyn Fn(&Answer) -> f64| weighted.iter().map(|(w, answer)| w * of(answer)).sum::<f64>() / sum;
    match (&first.value, &first.scores) {
        (Value::Number(_), _) => Answer::new(Value::Number(mean(&|answer| match answer.value {
            Value::Number(number) => number,
            _ => 0.0,
        }))),
        (_, Some(Scores::True(_))) => {
            let p = mean(&|answer| match answer.scores {
                Some(Scores::True(p)) => p,
                _ => 0.0,
            });
            Answer::new(Value::Boolean(p > 0.5)).with_scores(Scores::True(p))
        }
        (_, Some(Scores::Labels(p))) => {
            let of_label = |label: usize| {
                mean(&|answer| match &answer.scores {
                    Some(Scores::Labels(p)) => p.get(label).copied().unwrap_or(0.0),
                    _ => 0.0,
                })
            };
            let p: Vec<f64> = (0..p.len()).map(of_label).collect();
            let best = (0..p.len()).reduce(|best, next| if p[next] > p[best] { next } else { best }).unwrap_or(0);
            Answer::new(Value::Label(labels.name(best as u32).clone())).with_scores(Scores::Labels(p))
        }
        _ => {
            let heaviest = weighted.iter().reduce(|best, next| if next.0 > best.0 { next } else { best });
            heaviest.map_or(first, |(_, answer)| answer).clone()
        }
    }
}
