//! The records of the log.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::UsageRecord;
use crate::record::is_unknown;

/// One answer that was served, or the failure to give one. Unknown keys are ignored when it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogRecord {
    /// The id that the client got. It can be used once.
    pub id: String,
    /// When the request came.
    pub at: Timestamp,
    /// The task.
    pub task: String,
    /// The candidate that answered.
    pub candidate: String,
    /// The version that answered: the id of its artifact.
    pub artifact: String,
    /// The row, by field.
    pub input: Value,
    /// The answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// The probabilities that came with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scores: Option<Value>,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<LogError>,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "is_unknown")]
    pub latency_ms: Option<f64>,
    /// What the providers counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageRecord>,
    /// What it cost, in dollars.
    #[serde(skip_serializing_if = "is_unknown")]
    pub usd: Option<f64>,
}

/// Why a row got no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogError {
    /// The stable name of the sort of failure.
    pub kind: String,
    /// What the client was told.
    pub message: String,
}

/// What was learned later about a served answer: the truth, a score, or both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeedbackRecord {
    /// The id of the answer.
    pub id: String,
    /// When it was learned.
    pub at: Timestamp,
    /// What the answer should have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truth: Option<Value>,
    /// How good the answer was; the scale is the sender's.
    #[serde(skip_serializing_if = "is_unknown")]
    pub score: Option<f64>,
    /// A remark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}
