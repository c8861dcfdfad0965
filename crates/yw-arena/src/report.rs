//! The report of a run: what every candidate scored, and the verdict.

use std::time::Duration;

use yw_stats::{Difference, Estimate};
use yw_task::{AnswerKind, ClassWeights, Metric, RowErrorKind, ScoreUnit, Usage, Usd};

/// One execution of a task's candidates on the same rows.
#[derive(Debug, Clone)]
pub struct Report {
    /// The run's id, sortable by time.
    pub run: String,
    /// The project's name.
    pub project: String,
    /// The task's name.
    pub task: String,
    /// The task's question.
    pub question: String,
    /// The name of the answer.
    pub answer: String,
    /// The type of the answer.
    pub answer_kind: AnswerKind,
    /// The deciding metric.
    pub metric: Metric,
    /// Seed of every random choice.
    pub seed: u64,
    /// When the run began.
    pub started: jiff::Timestamp,
    /// When it ended.
    pub finished: jiff::Timestamp,
    /// The rows it ran on.
    pub data: DataSummary,
    /// One entry per candidate, in the order of the project file, the baseline first.
    pub candidates: Vec<CandidateReport>,
    /// The decision.
    pub verdict: Verdict,
}

/// The rows of a run.
#[derive(Debug, Clone)]
pub struct DataSummary {
    /// Rows that candidates learned from. With cross-validation: all rows, each fold learns from a part.
    pub train_rows: usize,
    /// Rows that candidates were scored on.
    pub test_rows: usize,
    /// How many folds, when the test rows are all rows in turn.
    pub folds: Option<u32>,
    /// Content hash of the data, hexadecimal.
    pub fingerprint: String,
    /// What was left out or looks odd, as sentences.
    pub notes: Vec<String>,
}

/// Which of the two roads a candidate takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Road {
    /// Learned from labelled rows.
    Fit,
    /// A prompted foundation model.
    Ask,
    /// Both in a row.
    Both,
}

impl Road {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Road::Fit => "fit",
            Road::Ask => "ask",
            Road::Both => "both",
        }
    }
}

/// How far a candidate came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Scored on every test row.
    Ok,
    /// Cannot run here until the user changes something, a missing key for example.
    Skipped,
    /// The money limit was reached before every row was asked; not comparable.
    Stopped,
    /// The fit failed.
    Failed,
}

impl Status {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Skipped => "skipped",
            Status::Stopped => "stopped",
            Status::Failed => "failed",
        }
    }
}

/// What one candidate did.
#[derive(Debug, Clone)]
pub struct CandidateReport {
    /// Its name in the project file.
    pub name: String,
    /// Its road.
    pub road: Road,
    /// Its kind: `linear`, `ask`, `cascade`, …
    pub kind: &'static str,
    /// How far it came.
    pub status: Status,
    /// Why it did not come further; only unless `status` is [`Status::Ok`].
    pub reason: Option<String>,
    /// What the user should know of its fit, as sentences.
    pub notes: Vec<String>,
    /// The deciding metric with its 95 % interval.
    pub score: Option<Estimate>,
    /// Every metric of the answer type with its 95 % interval, the deciding one included.
    pub metrics: Vec<(Metric, Estimate)>,
    /// The deciding metric minus that of the best candidate, paired; the p value is Holm-corrected. None for the best.
    pub versus_best: Option<Difference>,
    /// Rows without an answer, by kind of failure.
    pub failures: Vec<(RowErrorKind, usize)>,
    /// Wall time of the fit, summed over folds.
    pub fit_time: Option<Duration>,
    /// Rows answered a second, in one batch; none if answers came from the store.
    pub predict_rows_per_second: Option<f64>,
    /// Time that single rows took.
    pub latency: Option<Latency>,
    /// What answering the test rows consumed.
    pub usage: Usage,
    /// Money.
    pub usd: Cost,
    /// Content hash of the saved predictor.
    pub artifact: Option<String>,
    /// Size of the saved predictor on disk.
    pub size_bytes: Option<u64>,
    /// What the score does not say.
    pub details: Details,
}

impl CandidateReport {
    /// How many rows have no answer.
    pub fn n_failures(&self) -> usize {
        self.failures.iter().map(|(_, n)| n).sum()
    }
}

/// Time from a single row in to its answer out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Median.
    pub p50: Duration,
    /// 95th percentile.
    pub p95: Duration,
}

/// What a candidate cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// Of the fit.
    pub fit: Usd,
    /// Of answering the test rows, whenever it was paid.
    pub evaluation: Usd,
    /// Of both, the part that this run paid and did not find in the store.
    pub spent_now: Usd,
    /// Of a thousand answers, at the mean of the test rows, in dollars.
    pub per_1000: Option<f64>,
}

/// What the score does not say.
#[derive(Debug, Clone, Default)]
pub struct Details {
    /// Answers by true label, for labels and booleans.
    pub confusion: Option<Confusion>,
    /// How probabilities match frequencies.
    pub calibration: Option<Calibration>,
    /// The rows that were answered worst.
    pub worst: Vec<WorstRow>,
    /// The deciding metric in parts of the data.
    pub slices: Vec<Slice>,
    /// What a learned model weighs most.
    pub weights: Vec<ClassWeights>,
    /// What a learned model's scores are made of, where it can tell.
    pub explained: Option<Explained>,
}

/// What a model's scores are made of, on test rows.
#[derive(Debug, Clone)]
pub struct Explained {
    /// What scores and contributions are.
    pub unit: ScoreUnit,
    /// How many rows this was measured on.
    pub n_rows: usize,
    /// The features that contribute most, with the mean magnitude of their contributions, all classes together.
    pub importance: Vec<(String, f64)>,
    /// Partial dependence: how answers change with the fields that matter most.
    pub dependence: Vec<Dependence>,
    /// Of additive models: what the values of these fields contribute, which is all that they do.
    pub effects: Vec<Dependence>,
}

/// What follows from the values of one field.
#[derive(Debug, Clone)]
pub struct Dependence {
    /// The field.
    pub field: String,
    /// Values of the field in their order, as JSON has them.
    pub values: Vec<serde_json::Value>,
    /// One curve; of labels, one for each of the main ones.
    pub curves: Vec<DependenceCurve>,
}

/// What follows for one class. *Unit*: probability, or that of the number; for effects, that of the contributions.
#[derive(Debug, Clone)]
pub struct DependenceCurve {
    /// The label; none for booleans (of true) and numbers.
    pub class: Option<String>,
    /// The mean over rows, by value. NaN where no row has an answer.
    pub means: Vec<f64>,
    /// Single rows, by value; NaN where a row has no answer.
    pub rows: Vec<Vec<f64>>,
}

/// Rows by true and answered label.
#[derive(Debug, Clone)]
pub struct Confusion {
    /// Label names.
    pub labels: Vec<String>,
    /// Row-major counts: `counts[truth * labels.len() + answer]`.
    pub counts: Vec<u32>,
    /// Rows without an answer, by true label.
    pub unanswered: Vec<u32>,
}

impl Confusion {
    /// The wrong pairs as (truth, answer, rows), most rows first.
    pub fn pairs(&self) -> Vec<(&str, &str, u32)> {
        let n = self.labels.len();
        let mut pairs: Vec<_> = (0..n * n)
            .filter(|&at| at / n != at % n && self.counts[at] > 0)
            .map(|at| (self.labels[at / n].as_str(), self.labels[at % n].as_str(), self.counts[at]))
            .collect();
        pairs.sort_by_key(|&(_, _, rows)| std::cmp::Reverse(rows));
        pairs
    }
}

/// How well stated probabilities match observed frequencies.
#[derive(Debug, Clone)]
pub struct Calibration {
    /// Expected calibration error.
    pub ece: f64,
    /// One entry per bin that holds rows.
    pub bins: Vec<CalibrationBin>,
}

/// The rows whose stated probability falls into one bin.
#[derive(Debug, Clone, Copy)]
pub struct CalibrationBin {
    /// Mean stated probability.
    pub stated: f64,
    /// Share of rows for which it came true.
    pub observed: f64,
    /// How many rows.
    pub rows: usize,
}

/// One badly answered row.
#[derive(Debug, Clone)]
pub struct WorstRow {
    /// The row's place among the test rows.
    pub row_idx: usize,
    /// Its input, as a JSON object.
    pub input: serde_json::Map<String, serde_json::Value>,
    /// The right answer.
    pub truth: String,
    /// The given answer, or the failure.
    pub answer: String,
    /// Whether `answer` is a failure's message.
    pub failed: bool,
    /// The confidence in the given answer.
    pub confidence: Option<f64>,
}

/// The deciding metric on the rows that share a value.
#[derive(Debug, Clone)]
pub struct Slice {
    /// The field, or the answer's name.
    pub field: String,
    /// The value that the rows share.
    pub value: String,
    /// How many rows.
    pub rows: usize,
    /// The metric with its interval.
    pub score: Estimate,
}

/// The decision of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The candidate to ship; none if no candidate was scored.
    pub champion: Option<String>,
    /// Candidates that are not significantly worse than the best, the champion included.
    pub tied: Vec<String>,
    /// Whether the champion keeps the task's limits.
    pub within_limits: bool,
    /// Which limits are missed, one sentence each: of the champion if there is one.
    pub missed: Vec<String>,
    /// The decision in one sentence.
    pub reason: String,
}
