//! The cascade: a cheap candidate answers first, and another is asked only where the first is unsure.
//!
//! Fitting holds out a part of the training rows, fits both candidates on the rest, lets both answer the held-out rows
//! and takes the confidence threshold with the best deciding metric there; among thresholds that are equally good the
//! one that asks least. Then both are fitted again on all rows.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use yw_config::CostsSpec;
use yw_task::{
    BoxFuture, FitContext, FitError, Fitted, LabelledRows, Metric, Outcome, PredictContext, Predictor, Progress,
    Recipe, RowErrorKind, Rows, SaveError, Truth, Usage,
};

use crate::artifact::write_json;
use crate::evaluate::{metric_statistic, was_not_asked};
use crate::random::rank;

pub(crate) const CASCADE_FILE: &str = "cascade.json";

/// Share of the training rows that the threshold is tuned on, and their largest number: each may have to be paid for.
const TUNING_SHARE: f64 = 0.2;
const TUNING_ROWS: usize = 200;

/// Two candidates in a row.
pub(crate) struct CascadeRecipe {
    pub(crate) first: Arc<dyn Recipe>,
    pub(crate) then: Arc<dyn Recipe>,
    /// Given by the user; tuned if none.
    pub(crate) threshold: Option<f64>,
    pub(crate) metric: Metric,
    /// What answers cost, where the task says so.
    pub(crate) costs: Option<CostsSpec>,
}

/// The money limit was reached while a cascade was tuned.
#[derive(Debug, thiserror::Error)]
#[error(
    "the money limit was reached while the threshold was tuned; give a `threshold`, or raise --max-usd and run again, \
     answered rows are kept"
)]
pub(crate) struct OutOfMoney {
    /// What tuning had consumed by then.
    pub(crate) usage: Usage,
}

/// About how many training rows the threshold is tuned on; a few more where rows belong together.
pub(crate) fn n_tuning_rows(n_train: usize) -> usize {
    ((n_train as f64 * TUNING_SHARE) as usize).min(TUNING_ROWS)
}

impl Recipe for CascadeRecipe {
    fn fit<'a>(&'a self, train: &'a LabelledRows, context: &'a FitContext) -> BoxFuture<'a, Result<Fitted, FitError>> {
        Box::pin(async move {
            // Each row is one step, however often it is learned from.
            let quiet = FitContext { seed: context.seed, progress: Progress::default() };
            let (mut usage, mut notes) = (Usage::default(), Vec::new());
            let threshold = match self.threshold {
                Some(threshold) => threshold,
                None => {
                    let tuned = self.tune(train, &quiet).await?;
                    usage += tuned.usage;
                    notes.push(tuned.note());
                    tuned.threshold
                }
            };
            let first = self.first.fit(train, &quiet).await?;
            let then = self.then.fit(train, &quiet).await?;
            context.progress.advance(train.n_rows() as u64);
            for part in [&first, &then] {
                usage += part.usage;
                notes.extend(part.notes.iter().cloned());
            }
            let predictor = CascadePredictor { first: first.predictor, then: then.predictor, threshold };
            Ok(Fitted { usage, notes, ..Fitted::new(predictor) })
        })
    }
}

/// A threshold found on held-out rows.
struct Tuned {
    threshold: f64,
    /// How many of the held-out rows would be asked, of how many.
    n_asked: usize,
    n_rows: usize,
    /// What finding it consumed.
    usage: Usage,
}

impl Tuned {
    fn note(&self) -> String {
        let Tuned { threshold, n_asked, n_rows, .. } = self;
        format!(
            "asks the second candidate below a confidence of {threshold:.3}: {n_asked} of the {n_rows} rows it was tuned on"
        )
    }
}

impl CascadeRecipe {
    async fn tune(&self, train: &LabelledRows, quiet: &FitContext) -> Result<Tuned, FitError> {
        let Some((learn, held_out)) = hold_out(train, quiet.seed) else {
            let reason = "a cascade needs at least 5 training rows, of 2 groups, or a `threshold`".to_owned();
            return Err(FitError::Data { reason });
        };
        let (learn, held_out) = (train.take(&learn), train.take(&held_out));
        let first = self.first.fit(&learn, quiet).await?;
        let then = self.then.fit(&learn, quiet).await?;
        let cheap = first.predictor.predict(&held_out.rows, &PredictContext::default()).await;
        if cheap.iter().all(|o| confidence(o).is_none()) {
            let reason =
                "the first candidate gives no confidence, so nothing tells when to ask the second; put one first \
                          that is fitted"
                    .to_owned();
            return Err(FitError::Data { reason });
        }
        let dear = then.predictor.predict(&held_out.rows, &PredictContext::default()).await;
        let usage = [first.usage, then.usage].into_iter().chain(cheap.iter().chain(&dear).map(|o| o.usage)).sum();
        if cheap.iter().chain(&dear).any(was_not_asked) {
            return Err(FitError::Failed(Box::new(OutOfMoney { usage })));
        }
        let threshold = best_threshold(&cheap, &dear, &held_out.truth, self.metric, self.costs.as_ref());
        let n_asked = cheap.iter().filter(|o| is_unsure(o, threshold)).count();
        Ok(Tuned { threshold, n_asked, n_rows: cheap.len(), usage })
    }
}

/// Rows to learn from and random rows to tune on, groups whole. None if one of them would be empty.
fn hold_out(train: &LabelledRows, seed: u64) -> Option<(Vec<usize>, Vec<usize>)> {
    let n_rows = train.n_rows();
    let group_of = |row_idx: usize| train.groups.as_ref().map_or(row_idx as u64, |g| u64::from(g[row_idx]));
    let mut order: Vec<usize> = (0..n_rows).collect();
    order.sort_by_cached_key(|&row_idx| (rank(seed, group_of(row_idx)), group_of(row_idx), row_idx));
    let is_border = |at: &usize| group_of(order[*at - 1]) != group_of(order[*at]);
    let wanted = n_tuning_rows(n_rows).max(1);
    // The first border from the wanted number on, or else the last one before it.
    let n_held_out = (wanted..n_rows).find(is_border).or_else(|| (1..wanted).rev().find(is_border))?;
    let mut learn = order.split_off(n_held_out);
    learn.sort_unstable();
    order.sort_unstable();
    (n_rows >= 5).then_some((learn, order))
}

/// The threshold with the best metric; the lowest of equally good ones. Zero, which asks nobody, where the metric is not
/// defined on these rows.
fn best_threshold(
    cheap: &[Outcome],
    dear: &[Outcome],
    truth: &Truth,
    metric: Metric,
    costs: Option<&CostsSpec>,
) -> f64 {
    // Between each pair of neighbouring confidences lies one decision; 0 asks nobody, above the largest asks all.
    let mut thresholds: Vec<f64> = cheap.iter().filter_map(confidence).map(f64::next_up).collect();
    thresholds.push(0.0);
    thresholds.sort_by(f64::total_cmp);
    thresholds.dedup();
    let asked: Vec<Outcome> = cheap.iter().zip(dear).map(|(first, second)| joined(first, second.clone())).collect();
    let sign = if metric.higher_is_better() { 1.0 } else { -1.0 };
    let score = |threshold: f64| {
        let choose = |(first, asked): (&Outcome, &Outcome)| {
            if is_unsure(first, threshold) { asked.clone() } else { first.clone() }
        };
        let outcomes: Vec<Outcome> = cheap.iter().zip(&asked).map(choose).collect();
        metric_statistic(metric, truth, costs, &outcomes).map_or(f64::NAN, |statistic| sign * statistic.value(None))
    };
    let (mut best, mut best_score) = (0.0, f64::NEG_INFINITY);
    for threshold in thresholds {
        let score = score(threshold);
        if score > best_score {
            (best, best_score) = (threshold, score);
        }
    }
    best
}

/// How sure the first candidate is of a row; none if it failed, or never says.
fn confidence(outcome: &Outcome) -> Option<f64> {
    outcome.result.as_ref().ok()?.confidence()
}

/// Whether the second candidate is asked. Not when the money for the first did not suffice.
fn is_unsure(first: &Outcome, threshold: f64) -> bool {
    confidence(first).is_none_or(|c| c < threshold) && !was_not_asked(first)
}

/// The second answer in place of the first, at the price and in the time of both.
fn joined(first: &Outcome, second: Outcome) -> Outcome {
    let latency = match (first.latency, second.latency) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or_default() + b.unwrap_or_default()),
    };
    let result = match (&first.result, second.result) {
        // An unsure answer is better than none; but a row that was not asked for want of money has no answer yet.
        (Ok(unsure), Err(e)) if e.kind != RowErrorKind::Budget => Ok(unsure.clone()),
        (_, result) => result,
    };
    Outcome { result, usage: [first.usage, second.usage].into_iter().sum(), latency }
}

/// Two predictors in a row.
pub(crate) struct CascadePredictor {
    pub(crate) first: Arc<dyn Predictor>,
    pub(crate) then: Arc<dyn Predictor>,
    pub(crate) threshold: f64,
}

/// `cascade.json`; the two predictors are in the folders `first` and `then`.
#[derive(Serialize, Deserialize)]
pub(crate) struct CascadeFile {
    pub(crate) threshold: f64,
}

impl Predictor for CascadePredictor {
    fn predict<'a>(&'a self, rows: &'a Rows, context: &'a PredictContext) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(async move {
            let mut outcomes = self.first.predict(rows, &PredictContext::default()).await;
            let unsure: Vec<usize> = (0..outcomes.len()).filter(|&i| is_unsure(&outcomes[i], self.threshold)).collect();
            context.progress.advance((outcomes.len() - unsure.len()) as u64);
            let asked = self.then.predict(&rows.take(&unsure), context).await;
            for (&i, second) in unsure.iter().zip(asked) {
                outcomes[i] = joined(&outcomes[i], second);
            }
            outcomes
        })
    }

    fn asks(&self) -> bool {
        self.first.asks() || self.then.asks()
    }

    fn save(&self, dir: &Path) -> Result<(), SaveError> {
        write_json(&dir.join(CASCADE_FILE), &CascadeFile { threshold: self.threshold })?;
        for (name, part) in [("first", &self.first), ("then", &self.then)] {
            let dir = dir.join(name);
            std::fs::create_dir(&dir).map_err(|source| SaveError::Io { path: dir.clone(), source })?;
            part.save(&dir)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
