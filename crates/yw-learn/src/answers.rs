//! What a model's answers are.

use std::sync::Arc;

use yw_task::{Answer, AnswerKind, LabelSet, Scores, Truth, Value};

use crate::FormatError;
use crate::bytes::{Reader, Writer};

/// The kind of a model's answers, and their labels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AnswerInfo {
    pub(crate) kind: AnswerKind,
    /// Empty unless the kind is label.
    pub(crate) labels: LabelSet,
}

impl AnswerInfo {
    pub(crate) fn of(truth: &Truth) -> Self {
        let labels = match truth {
            Truth::Label { labels, .. } => labels.clone(),
            _ => LabelSet::default(),
        };
        AnswerInfo { kind: truth.kind(), labels }
    }

    /// How many classes there are: labels, or two for booleans; 0 where answers are no classes.
    pub(crate) fn n_classes(&self) -> usize {
        if self.kind == AnswerKind::Boolean { 2 } else { self.labels.len() }
    }

    /// What a class is called: its label, or false and true.
    pub(crate) fn class_name(&self, id: u32) -> Arc<str> {
        match self.kind {
            AnswerKind::Boolean => Arc::from(if id == 0 { "false" } else { "true" }),
            _ => self.labels.name(id).clone(),
        }
    }

    /// The most probable class, the first of equals, with the probability of each.
    pub(crate) fn class_answer(&self, probabilities: Vec<f64>) -> Answer {
        if self.kind == AnswerKind::Boolean {
            let p = probabilities[1];
            return Answer::new(Value::Boolean(p > 0.5)).with_scores(Scores::True(p));
        }
        let mut best = 0;
        for (id, p) in probabilities.iter().enumerate() {
            if *p > probabilities[best] {
                best = id;
            }
        }
        Answer::new(Value::Label(self.labels.name(best as u32).clone())).with_scores(Scores::Labels(probabilities))
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        let code = AnswerKind::ALL.iter().position(|k| *k == self.kind).unwrap_or_default();
        out.u8(code as u8);
        out.len(self.labels.len());
        self.labels.iter().for_each(|label| out.str(label));
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, FormatError> {
        let kind = AnswerKind::ALL.get(usize::from(from.u8()?)).copied();
        let kind = kind.ok_or(FormatError::Damaged { what: "the kind of answer is unknown" })?;
        let n_labels = from.len(8)?;
        let names: Vec<&str> = (0..n_labels).map(|_| from.str()).collect::<Result<_, _>>()?;
        // A set is sorted, or was extended by sorted sets; so are the runs of its names.
        let runs = names.chunk_by(|a, b| a < b);
        let labels = runs.fold(LabelSet::default(), |labels, run| labels.extended(run));
        if (kind == AnswerKind::Label) == labels.is_empty() || labels.len() != n_labels {
            return Err(FormatError::Damaged { what: "the labels make no set" });
        }
        Ok(AnswerInfo { kind, labels })
    }
}

/// The share of rows of each class.
pub(crate) fn class_shares(truth: &Truth, info: &AnswerInfo) -> Vec<f64> {
    let mut shares = vec![0.0; info.n_classes()];
    let share = 1.0 / truth.len() as f64;
    match truth {
        Truth::Label { ids, .. } => ids.iter().for_each(|&id| shares[id as usize] += share),
        Truth::Boolean(truths) => truths.iter().for_each(|&t| shares[usize::from(t)] += share),
        Truth::Number(_) | Truth::Text(_) | Truth::Json(_) => {}
    }
    shares
}

pub(crate) fn write_truth(truth: &Truth, out: &mut Writer) {
    out.len(truth.len());
    match truth {
        Truth::Label { ids, .. } => ids.iter().for_each(|id| out.u32(*id)),
        Truth::Boolean(truths) => truths.iter().for_each(|t| out.bool(*t)),
        Truth::Number(numbers) => numbers.iter().for_each(|n| out.f64(*n)),
        Truth::Text(texts) => texts.iter().for_each(|t| out.str(t)),
        Truth::Json(values) => values.iter().for_each(|v| out.str(&v.to_string())),
    }
}

pub(crate) fn read_truth(from: &mut Reader<'_>, info: &AnswerInfo) -> Result<Truth, FormatError> {
    let n = from.len(1)?;
    Ok(match info.kind {
        AnswerKind::Label => {
            let ids = (0..n).map(|_| from.u32()).collect::<Result<Vec<u32>, _>>()?;
            if ids.iter().any(|&id| id as usize >= info.labels.len()) {
                return Err(FormatError::Damaged { what: "an answer is none of the labels" });
            }
            Truth::Label { ids, labels: info.labels.clone() }
        }
        AnswerKind::Boolean => Truth::Boolean((0..n).map(|_| from.bool()).collect::<Result<_, _>>()?),
        AnswerKind::Number => Truth::Number((0..n).map(|_| from.f64()).collect::<Result<_, _>>()?),
        AnswerKind::Text => Truth::Text((0..n).map(|_| from.str().map(str::to_owned)).collect::<Result<_, _>>()?),
        AnswerKind::Json => {
            let parse = |text: &str| {
                serde_json::from_str(text).map_err(|_| FormatError::Damaged { what: "an answer is not JSON" })
            };
            Truth::Json((0..n).map(|_| from.str().and_then(parse)).collect::<Result<_, _>>()?)
        }
    })
}
