//! One candidate in a run: fitted, let answer the test rows, timed and scored. Nothing that goes wrong with it is the
//! run's failure.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use yw_task::{FitContext, FitError, Fitted, Outcome, PredictContext, Predictor, Progress, Usage, Usd};

use crate::candidate::Candidate;
use crate::cascade::OutOfMoney;
use crate::data::TaskData;
use crate::evaluate::{Scored, TestSet, details, failures, latency, was_not_asked};
use crate::explain;
use crate::learned::on_compute;
use crate::report::{CandidateReport, Cost, Details, Status};
use crate::verdict::Contender;

/// A candidate after its evaluation.
pub(crate) struct Entry {
    pub(crate) report: CandidateReport,
    /// Only if the status is ok.
    pub(crate) scored: Option<Scored>,
    /// What ships; only if the status is ok.
    pub(crate) predictor: Option<Arc<dyn Predictor>>,
}

impl Entry {
    /// Fits and scores a candidate. `progress` advances by [`n_steps`] unless something goes wrong.
    pub(crate) async fn new(candidate: &Candidate, data: &TaskData, test: &Arc<TestSet>, progress: Progress) -> Self {
        match AssertUnwindSafe(evaluate(candidate, data, test, progress)).catch_unwind().await {
            Ok(entry) => entry,
            Err(panic) => {
                let reason = format!("the program is at fault, please report it: {}", panic_message(&*panic));
                Entry::unscored(empty_report(candidate), Status::Failed, reason)
            }
        }
    }

    /// What the verdict must know, if there is a score.
    pub(crate) fn contender(&self) -> Option<Contender<'_>> {
        let scored = self.scored.as_ref()?;
        Some(Contender {
            name: &self.report.name,
            score: scored.score,
            statistic: &*scored.statistic,
            right: scored.right.as_deref(),
            usd_per_1000: self.report.usd.per_1000.unwrap_or(0.0),
            latency: self.report.latency,
        })
    }

    fn unscored(report: CandidateReport, status: Status, reason: String) -> Self {
        Entry { report: CandidateReport { status, reason: Some(reason), ..report }, scored: None, predictor: None }
    }

    fn unfitted(mut report: CandidateReport, error: FitError) -> Self {
        let (status, reason) = match error {
            FitError::Skipped { reason } => (Status::Skipped, reason),
            FitError::Data { reason } => (Status::Failed, reason),
            FitError::Failed(source) => match source.downcast_ref::<OutOfMoney>() {
                Some(stopped) => {
                    report.usd.fit = stopped.usage.usd;
                    report.usd.spent_now = stopped.usage.usd_spent();
                    (Status::Stopped, stopped.to_string())
                }
                None => (Status::Failed, format!("the fit failed: {source}")),
            },
        };
        Entry::unscored(report, status, reason)
    }
}

/// How many rows a candidate learns from and answers, over all fits.
pub(crate) fn n_steps(data: &TaskData) -> u64 {
    let of_splits: usize = data.splits.iter().map(|s| s.train.n_rows() + s.test.n_rows()).sum();
    (of_splits + data.all.as_ref().map_or(0, |all| all.n_rows())) as u64
}

async fn evaluate(candidate: &Candidate, data: &TaskData, test: &Arc<TestSet>, progress: Progress) -> Entry {
    let mut report = empty_report(candidate);
    let answered = match answer(candidate, data, test.seed, progress).await {
        Ok(answered) => answered,
        Err(error) => return Entry::unfitted(report, error),
    };
    let Answered { fitted, outcomes, fit_usage, fit_time, predict_time } = answered;

    let usage: Usage = outcomes.iter().map(|o| o.usage).sum();
    let n_rows = outcomes.len();
    report.notes = fitted.notes;
    report.failures = failures(&outcomes);
    report.fit_time = Some(fit_time);
    report.usage = usage;
    report.usd = Cost {
        fit: fit_usage.usd,
        evaluation: usage.usd,
        spent_now: fit_usage.usd_spent() + usage.usd_spent(),
        per_1000: (n_rows > 0).then(|| usage.usd.as_dollars() * 1000.0 / n_rows as f64),
    };
    let n_unasked = outcomes.iter().filter(|o| was_not_asked(o)).count();
    if n_unasked > 0 {
        let reason = format!(
            "{n_unasked} of {n_rows} rows were not asked: the money limit would have been passed; raise --max-usd and \
             run again, answered rows are kept"
        );
        return Entry::unscored(report, Status::Stopped, reason);
    }
    // Replies from the store come faster than any model answers: then there was a price paid earlier, or a row that
    // took longer than all of them took now.
    let is_reused = usage.usd_reused > Usd::ZERO || outcomes.iter().any(|o| o.latency > Some(predict_time));
    if !is_reused && !predict_time.is_zero() {
        report.predict_rows_per_second = Some(n_rows as f64 / predict_time.as_secs_f64());
    }
    report.latency = latency(&*fitted.predictor, &test.rows.rows, &outcomes).await;
    let explained = explain::for_report(&*fitted.predictor, &test.rows.rows, &data.answer, test.seed).await;
    let (scored, details) = on_compute({
        let test = test.clone();
        move || (test.score(&outcomes), details(&test, &outcomes))
    })
    .await;
    report.score = Some(scored.score);
    report.metrics = scored.metrics.clone();
    report.details = Details { weights: fitted.weights, explained, ..details };
    Entry { report, scored: Some(scored), predictor: Some(fitted.predictor) }
}

/// What fitting and answering gave, before it is scored.
struct Answered {
    /// Of the last fit, which is the one that ships.
    fitted: Fitted,
    outcomes: Vec<Outcome>,
    fit_usage: Usage,
    fit_time: Duration,
    predict_time: Duration,
}

/// Fits on each split and answers its test rows; with folds, fits once more on all rows.
async fn answer(candidate: &Candidate, data: &TaskData, seed: u64, progress: Progress) -> Result<Answered, FitError> {
    let fit_context = FitContext { seed, progress: progress.clone() };
    let predict_context = PredictContext { progress };
    let (mut outcomes, mut fit_usage) = (Vec::new(), Usage::default());
    let (mut fit_time, mut predict_time) = (Duration::ZERO, Duration::ZERO);
    let mut last = None;
    for split in &data.splits {
        let started = Instant::now();
        let fitted = candidate.recipe.fit(&split.train, &fit_context).await?;
        fit_time += started.elapsed();
        fit_usage += fitted.usage;
        let started = Instant::now();
        outcomes.extend(fitted.predictor.predict(&split.test.rows, &predict_context).await);
        predict_time += started.elapsed();
        last = Some(fitted);
    }
    if let Some(all) = &data.all {
        let fitted = candidate.recipe.fit(all, &fit_context).await?;
        fit_usage += fitted.usage;
        last = Some(fitted);
    }
    let fitted = last.expect("there is a split");
    Ok(Answered { fitted, outcomes, fit_usage, fit_time, predict_time })
}

fn empty_report(candidate: &Candidate) -> CandidateReport {
    CandidateReport {
        name: candidate.name.clone(),
        road: candidate.road,
        kind: candidate.kind,
        status: Status::Ok,
        reason: None,
        notes: Vec::new(),
        score: None,
        metrics: Vec::new(),
        versus_best: None,
        failures: Vec::new(),
        fit_time: None,
        predict_rows_per_second: None,
        latency: None,
        usage: Usage::default(),
        usd: Cost::default(),
        artifact: None,
        size_bytes: None,
        details: Details::default(),
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without a message")
}

#[cfg(test)]
mod tests;
