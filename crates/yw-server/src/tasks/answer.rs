//! What a client gets for a row.

use serde::Serialize;
use serde_json::{Map, Value};
use yw_task::{LabelSet, Outcome, RowErrorKind, Scores, Usage};

use super::ExplanationBody;
use crate::champions::Version;

/// The answer to one row, or why there is none.
#[derive(Debug, Serialize)]
pub(crate) struct AnswerBody {
    /// Under this id the answer is in the log; feedback names it.
    pub(crate) id: String,
    task: String,
    candidate: String,
    /// The artifact that answered.
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<Value>,
    /// How sure the predictor is of `answer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
    /// Probabilities: by label, or of true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scores: Option<Value>,
    /// Why this is the answer, where the request asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<ExplanationBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<RowErrorBody>,
    pub(crate) latency_ms: f64,
    /// What this answer cost, in dollars.
    pub(crate) usd: f64,
    #[serde(skip)]
    pub(crate) usage: Usage,
}

/// Why a row has no answer.
#[derive(Debug, Serialize)]
pub(crate) struct RowErrorBody {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    #[serde(skip)]
    pub(crate) row_error_kind: RowErrorKind,
}

/// What a body says besides the outcome.
pub(crate) struct AnswerHead {
    pub(crate) id: String,
    pub(crate) latency_ms: f64,
    pub(crate) explanation: Option<ExplanationBody>,
}

impl AnswerBody {
    pub(crate) fn new(head: AnswerHead, task: &str, version: &Version, outcome: &Outcome) -> Self {
        let answer = outcome.result.as_ref().ok();
        AnswerBody {
            id: head.id,
            task: task.to_owned(),
            candidate: version.champion.candidate.clone(),
            version: version.champion.artifact.as_str().to_owned(),
            answer: answer.map(|a| a.value.to_json()),
            confidence: answer.and_then(|a| a.confidence()),
            scores: answer.and_then(|a| a.scores.as_ref()).map(|s| scores(s, &version.loaded.answer.labels)),
            explanation: head.explanation,
            error: outcome.result.as_ref().err().map(|e| RowErrorBody {
                kind: e.kind.name(),
                message: e.message.clone(),
                row_error_kind: e.kind,
            }),
            latency_ms: head.latency_ms,
            usd: outcome.usage.usd.as_dollars(),
            usage: outcome.usage,
        }
    }
}

fn scores(scores: &Scores, labels: &LabelSet) -> Value {
    match scores {
        Scores::True(p) => (*p).into(),
        Scores::Labels(p) => {
            let by_label: Map<String, Value> =
                labels.iter().zip(p).map(|(label, &p)| (label.to_string(), p.into())).collect();
            by_label.into()
        }
    }
}
