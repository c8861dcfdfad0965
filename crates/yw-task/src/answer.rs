//! Answers: what a task asks for, and what a predictor gives back.

use std::fmt;
use std::sync::Arc;

use crate::Field;

/// The type of a task's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnswerKind {
    /// One of a fixed set of names.
    Label,
    /// True or false.
    Boolean,
    /// A finite real number.
    Number,
    /// Free text.
    Text,
    /// A JSON object.
    Json,
}

impl AnswerKind {
    /// Every kind, in the order the reference lists them.
    pub const ALL: [AnswerKind; 5] =
        [AnswerKind::Label, AnswerKind::Boolean, AnswerKind::Number, AnswerKind::Text, AnswerKind::Json];

    /// The word the project file uses.
    pub fn name(self) -> &'static str {
        match self {
            AnswerKind::Label => "label",
            AnswerKind::Boolean => "boolean",
            AnswerKind::Number => "number",
            AnswerKind::Text => "text",
            AnswerKind::Json => "json",
        }
    }

    /// The kind a word of the project file names, if any.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }
}

impl fmt::Display for AnswerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The distinct labels of a task, in a fixed order; a label's index is its id. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelSet(Arc<[Arc<str>]>);

impl LabelSet {
    /// The given labels sorted by bytes, duplicates removed.
    pub fn sorted<S: AsRef<str>>(labels: impl IntoIterator<Item = S>) -> Self {
        let mut names: Vec<Arc<str>> = labels.into_iter().map(|l| Arc::from(l.as_ref())).collect();
        names.sort();
        names.dedup();
        LabelSet(names.into())
    }

    /// This set followed by those of `labels` that it lacks, sorted: ids of the present labels do not change.
    pub fn extended<S: AsRef<str>>(&self, labels: impl IntoIterator<Item = S>) -> Self {
        let more = LabelSet::sorted(labels.into_iter().filter(|l| self.id(l.as_ref()).is_none()));
        LabelSet(self.0.iter().chain(more.0.iter()).cloned().collect())
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The label with this id. Panics if there is none.
    pub fn name(&self, id: u32) -> &Arc<str> {
        &self.0[id as usize]
    }

    /// The id of a label. Linear in the number of labels; build a map for long columns.
    pub fn id(&self, name: &str) -> Option<u32> {
        self.0.iter().position(|l| **l == *name).map(|i| i as u32)
    }

    /// The labels in id order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<str>> {
        self.0.iter()
    }
}

/// One typed output.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// One of the task's labels.
    Label(Arc<str>),
    /// True or false.
    Boolean(bool),
    /// A finite number.
    Number(f64),
    /// Free text.
    Text(String),
    /// A JSON object.
    Json(serde_json::Value),
}

impl Value {
    /// The kind of answer this is.
    pub fn kind(&self) -> AnswerKind {
        match self {
            Value::Label(_) => AnswerKind::Label,
            Value::Boolean(_) => AnswerKind::Boolean,
            Value::Number(_) => AnswerKind::Number,
            Value::Text(_) => AnswerKind::Text,
            Value::Json(_) => AnswerKind::Json,
        }
    }

    /// The value as JSON. A number that JSON cannot say (never produced by a predictor) becomes null.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Label(name) => serde_json::Value::from(&**name),
            Value::Boolean(b) => (*b).into(),
            Value::Number(n) => (*n).into(),
            Value::Text(text) => text.as_str().into(),
            Value::Json(json) => json.clone(),
        }
    }
}

/// The bare value, as a person would write it in a table.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Label(name) => f.write_str(name),
            Value::Boolean(b) => b.fmt(f),
            Value::Number(n) => n.fmt(f),
            Value::Text(text) => f.write_str(text),
            Value::Json(json) => json.fmt(f),
        }
    }
}

/// How likely the predictor thinks each outcome is.
#[derive(Debug, Clone, PartialEq)]
pub enum Scores {
    /// One probability per label, in the order of the task's [`LabelSet`]; they sum to one.
    Labels(Vec<f64>),
    /// The probability of true.
    True(f64),
}

/// A typed answer with what the predictor can say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The answer.
    pub value: Value,
    /// Probabilities, where the predictor has them.
    pub scores: Option<Scores>,
}

impl Answer {
    /// An answer without probabilities.
    pub fn new(value: Value) -> Self {
        Answer { value, scores: None }
    }

    /// The same answer with probabilities.
    pub fn with_scores(mut self, scores: Scores) -> Self {
        self.scores = Some(scores);
        self
    }

    /// The probability that the predictor gives to the answer it chose, if it has probabilities.
    pub fn confidence(&self) -> Option<f64> {
        match (&self.scores, &self.value) {
            (Some(Scores::Labels(p)), _) => p.iter().copied().reduce(f64::max),
            (Some(Scores::True(p)), Value::Boolean(b)) => Some(if *b { *p } else { 1.0 - *p }),
            _ => None,
        }
    }
}

/// What a task's answers look like; everything a predictor must know of the task besides its fields.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerSpec {
    /// The name of the answer: its column in the data, its key in responses.
    pub name: String,
    /// Its type.
    pub kind: AnswerKind,
    /// The labels found in the training rows; empty unless `kind` is [`AnswerKind::Label`].
    pub labels: LabelSet,
    /// For [`AnswerKind::Json`]: the fields that the object must have. Empty means any object.
    pub fields: Vec<Field>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_ids_survive_extension() {
        let train = LabelSet::sorted(["web", "app", "web"]);
        let all = train.extended(["zoo", "app", "bar"]);
        assert_eq!(train.len(), 2);
        assert_eq!(all.iter().map(|l| &**l).collect::<Vec<_>>(), ["app", "web", "bar", "zoo"]);
        assert_eq!(all.id("web"), train.id("web"));
    }

    #[test]
    fn confidence_is_of_the_chosen_answer() {
        let no = Answer::new(Value::Boolean(false)).with_scores(Scores::True(0.2));
        assert_eq!(no.confidence(), Some(0.8));
        assert_eq!(Answer::new(Value::Number(1.0)).confidence(), None);
    }
}
