//! The record of a run: the documented, versioned JSON contract of `yw run --format json`.
//!
//! Readers must ignore keys that they do not know: new ones may appear without a new `version`. `version` grows when a
//! key goes away or changes its meaning. A number that is not finite is never written: its key, or its entry, is absent.

pub(crate) mod call;
mod explanation;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use yw_task::Usage;

pub use call::{CallAttempt, CallOperation, CallRecord, CallTokens};
pub use explanation::{CurveRecord, DependenceRecord, ExplanationRecord, FeatureRecord};

/// One execution of `yw run` on one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The version of this contract: [`RunRecord::VERSION`].
    pub version: u32,
    /// The id of the run; ids sort by time.
    pub run: String,
    /// The project's name.
    pub project: String,
    /// The task's name.
    pub task: String,
    /// The name of the metric that decides.
    pub metric: String,
    /// Whether more of the metric is better.
    pub higher_is_better: bool,
    /// The seed of every random choice.
    pub seed: u64,
    /// When the run began.
    pub started: Timestamp,
    /// When the verdict stood.
    pub finished: Timestamp,
    /// A hash of the checked project file, to tell runs of one configuration from those of another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// What the candidates were fitted and compared on.
    pub data: DataRecord,
    /// Every candidate, in the order of the report.
    pub candidates: Vec<CandidateRecord>,
    /// Which candidate to ship, and why.
    pub verdict: VerdictRecord,
}

/// The rows of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataRecord {
    /// How many rows the candidates were fitted on.
    pub train_rows: u64,
    /// How many rows they were compared on.
    pub test_rows: u64,
    /// A hash of all rows: the same data, the same fingerprint.
    pub fingerprint: String,
}

/// What became of one candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateRecord {
    /// The candidate's name in the project file.
    pub name: String,
    /// Where it comes from.
    pub road: Road,
    /// Its kind, such as `linear`, `ask` or `cascade`.
    pub kind: String,
    /// Whether it was compared.
    pub status: CandidateStatus,
    /// Why it was skipped, stopped or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The deciding metric with its 95 % interval.
    #[serde(skip_serializing_if = "Score::is_unknown")]
    pub score: Option<Score>,
    /// Every metric that applies, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", serialize_with = "finite_entries")]
    pub metrics: BTreeMap<String, f64>,
    /// 95 % intervals of those metrics that have one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub intervals: BTreeMap<String, Interval>,
    /// The paired comparison with the best candidate; absent for that one.
    #[serde(skip_serializing_if = "Comparison::is_unknown")]
    pub versus_best: Option<Comparison>,
    /// How many test rows got no answer. They count as wrong.
    #[serde(default)]
    pub failures: u64,
    /// Seconds that fitting took.
    #[serde(skip_serializing_if = "is_unknown")]
    pub fit_seconds: Option<f64>,
    /// Rows a second, when predicting the test rows together.
    #[serde(skip_serializing_if = "is_unknown")]
    pub predict_rows_per_second: Option<f64>,
    /// How long one row takes alone.
    #[serde(skip_serializing_if = "Latency::is_unknown")]
    pub latency_ms: Option<Latency>,
    /// What the providers counted, over fit and evaluation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageRecord>,
    /// What it cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd: Option<UsdRecord>,
    /// The id of the fitted candidate in the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<String>,
    /// The size of that artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// What its scores are made of, where the model can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<ExplanationRecord>,
}

/// Where a candidate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Road {
    /// Learned from data.
    Fit,
    /// A prompted foundation model.
    Ask,
    /// A combination of the two.
    Both,
}

/// Whether a candidate was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CandidateStatus {
    /// It answered the test rows.
    Ok,
    /// It could not run here, for want of a key for example.
    Skipped,
    /// It was stopped before its end, by the money limit.
    Stopped,
    /// It could not be fitted, or the program is at fault.
    Failed,
}

/// A value with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The value on all test rows.
    pub value: f64,
    /// The lower end of the interval.
    #[serde(skip_serializing_if = "is_unknown")]
    pub low: Option<f64>,
    /// The upper end of the interval.
    #[serde(skip_serializing_if = "is_unknown")]
    pub high: Option<f64>,
}

/// The ends of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    #[serde(skip_serializing_if = "is_unknown")]
    pub low: Option<f64>,
    /// The upper end.
    #[serde(skip_serializing_if = "is_unknown")]
    pub high: Option<f64>,
}

/// A candidate against the best one, row by row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// This candidate's score less the best one's.
    pub difference: f64,
    /// The lower end of the difference's 95 % interval.
    #[serde(skip_serializing_if = "is_unknown")]
    pub low: Option<f64>,
    /// The upper end of the difference's 95 % interval.
    #[serde(skip_serializing_if = "is_unknown")]
    pub high: Option<f64>,
    /// The probability of so large a difference between equals, corrected for the number of comparisons.
    #[serde(skip_serializing_if = "is_unknown")]
    pub p_value: Option<f64>,
}

/// Quantiles of the time one row takes, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The median.
    pub p50: f64,
    /// The 95th percentile.
    pub p95: f64,
}

/// Calls and tokens, as the providers counted them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRecord {
    /// Calls that returned a usage, re-asks included.
    pub calls: u64,
    /// Tokens read, cached ones included.
    pub input_tokens: u64,
    /// Tokens written, reasoning included.
    pub output_tokens: u64,
    /// Of the input tokens, those the provider read from its cache.
    pub cached_tokens: u64,
    /// Of the output tokens, those spent on hidden reasoning.
    #[serde(default)]
    pub reasoning_tokens: u64,
}

impl From<Usage> for UsageRecord {
    fn from(usage: Usage) -> Self {
        UsageRecord {
            calls: usage.calls,
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cached_tokens: usage.cached_tokens,
            reasoning_tokens: usage.reasoning_tokens,
        }
    }
}

/// Dollars. Answers found in the store count at what they cost when they were made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct UsdRecord {
    /// What fitting cost.
    pub fit: f64,
    /// What answering the test rows cost.
    pub evaluation: f64,
    /// What a thousand answers cost.
    pub per_1000: f64,
    /// What this run paid itself, without the answers that an earlier one had paid for.
    #[serde(skip_serializing_if = "is_unknown")]
    pub spent_now: Option<f64>,
}

/// The decision of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictRecord {
    /// The name of the candidate to ship; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub champion: Option<String>,
    /// The candidates that are not significantly worse than the best, it included.
    pub tied: Vec<String>,
    /// Whether the champion keeps every limit of the task.
    pub within_limits: bool,
    /// The decision in one sentence.
    pub reason: String,
}

/// Why a record cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A newer program wrote it.
    #[error("it has version {found}, this program knows up to {supported}: use the newer yw that wrote it")]
    Newer {
        /// Its version.
        found: u32,
        /// The newest version that this program can read.
        supported: u32,
    },
    /// It is not JSON, or a key is missing or of the wrong type.
    #[error("it is not JSON of the documented shape")]
    Shape(#[from] serde_json::Error),
    /// It says that a call cost more than the database can sum up.
    #[error("it costs more than nine million dollars")]
    Money,
}

impl RunRecord {
    /// The version of the contract that this program writes.
    pub const VERSION: u32 = 1;

    /// The record as indented JSON, as `yw run --format json` prints it.
    pub fn to_json(&self) -> Result<String, RecordError> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// Reads a record, of this version or an older one.
    pub fn from_json(json: &str) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        // The version comes first: a newer record may lack what this one requires.
        let Version { version } = serde_json::from_str(json)?;
        if version > Self::VERSION {
            return Err(RecordError::Newer { found: version, supported: Self::VERSION });
        }
        Ok(serde_json::from_str(json)?)
    }

    /// The candidate of this name.
    pub fn candidate(&self, name: &str) -> Option<&CandidateRecord> {
        self.candidates.iter().find(|candidate| candidate.name == name)
    }
}

impl Score {
    fn is_unknown(score: &Option<Score>) -> bool {
        !score.is_some_and(|s| s.value.is_finite())
    }
}

impl Comparison {
    fn is_unknown(comparison: &Option<Comparison>) -> bool {
        !comparison.is_some_and(|c| c.difference.is_finite())
    }
}

impl Latency {
    fn is_unknown(latency: &Option<Latency>) -> bool {
        !latency.is_some_and(|l| l.p50.is_finite() && l.p95.is_finite())
    }
}

/// Whether a number cannot be written as JSON. Takes a reference because serde does.
pub(crate) fn is_unknown(number: &Option<f64>) -> bool {
    !number.is_some_and(f64::is_finite)
}

fn finite_entries<S: Serializer>(entries: &BTreeMap<String, f64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(entries.iter().filter(|(_, number)| number.is_finite()))
}

#[cfg(test)]
mod tests;
