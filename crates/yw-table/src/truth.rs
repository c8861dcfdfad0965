//! The answer column: from cells to [`Truth`], and test labels in terms of the training labels.

use std::borrow::Cow;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::Value;
use yw_task::{AnswerKind, Field, FieldType, LabelSet, Truth};

use crate::cell::{self, Raw, Typed};
use crate::problem::shorten;
use crate::{AnswerColumn, ProblemKind};

/// The same answers with label ids that mean what they mean in training: the training labels first, then those that
/// only `test` has, sorted. Answers that are no labels come back as they are.
///
/// ```
/// use yw_task::{LabelSet, Truth};
///
/// let test = Truth::Label { ids: vec![0, 1], labels: LabelSet::sorted(["app", "web"]) };
/// let train_labels = LabelSet::sorted(["bar", "web"]);
/// let Truth::Label { ids, labels } = yw_table::align(test, &train_labels) else { unreachable!() };
/// assert_eq!(labels.iter().map(|l| &**l).collect::<Vec<_>>(), ["bar", "web", "app"]);
/// assert_eq!(ids, [2, 1]);
/// ```
pub fn align(test: Truth, train_labels: &LabelSet) -> Truth {
    let Truth::Label { ids, labels } = test else { return test };
    relabel(&ids, labels.iter(), train_labels.extended(labels.iter()))
}

/// The answers whose `ids` count the names in `old`, with ids of `labels`, which has all of these names.
fn relabel<'a>(ids: &[u32], old: impl Iterator<Item = &'a Arc<str>>, labels: LabelSet) -> Truth {
    let known: FxHashMap<&str, u32> = labels.iter().zip(0..).map(|(name, id)| (&**name, id)).collect();
    let new_id: Vec<u32> = old.map(|name| known[&**name]).collect();
    let ids = ids.iter().map(|id| new_id[*id as usize]).collect();
    drop(known);
    Truth::Label { ids, labels }
}

/// A checked answer cell.
pub(crate) enum AnswerCell<'a> {
    Label(Cow<'a, str>),
    Boolean(bool),
    Number(f64),
    Text(Cow<'a, str>),
    Json(Value),
}

/// Collects the answers of good rows.
pub(crate) struct TruthBuilder {
    column: AnswerColumn,
    values: Values,
}

enum Values {
    /// Ids in order of appearance, until the end is known.
    Label {
        ids: Vec<u32>,
        names: Vec<Arc<str>>,
        known: FxHashMap<Arc<str>, u32>,
    },
    Boolean(Vec<bool>),
    Number(Vec<f64>),
    Text(Vec<String>),
    Json(Vec<Value>),
}

impl TruthBuilder {
    pub(crate) fn new(column: AnswerColumn) -> Self {
        let values = match column.kind {
            AnswerKind::Label => Values::Label { ids: Vec::new(), names: Vec::new(), known: FxHashMap::default() },
            AnswerKind::Boolean => Values::Boolean(Vec::new()),
            AnswerKind::Number => Values::Number(Vec::new()),
            AnswerKind::Text => Values::Text(Vec::new()),
            AnswerKind::Json => Values::Json(Vec::new()),
        };
        TruthBuilder { column, values }
    }

    /// The cell as an answer of the task's kind. An empty text is a missing answer.
    pub(crate) fn check<'a>(&self, raw: &Raw<'a>) -> Result<AnswerCell<'a>, ProblemKind> {
        let kind = self.column.kind;
        let as_type = |field_type| match cell::typed(raw, field_type) {
            Err(ProblemKind::Utf8) => Err(ProblemKind::Utf8),
            Err(_) => Err(ProblemKind::answer(&cell::shown(raw), kind)),
            Ok(typed) => Ok(typed),
        };
        Ok(match kind {
            AnswerKind::Json => return self.check_json(raw),
            AnswerKind::Label => match as_type(FieldType::Category)? {
                Typed::Text(label) => AnswerCell::Label(label),
                _ => return Err(ProblemKind::MissingAnswer),
            },
            AnswerKind::Boolean => match as_type(FieldType::Boolean)? {
                Typed::Boolean(b) => AnswerCell::Boolean(b),
                _ => return Err(ProblemKind::MissingAnswer),
            },
            AnswerKind::Number => match as_type(FieldType::Number)? {
                Typed::Number(n) => AnswerCell::Number(n),
                _ => return Err(ProblemKind::MissingAnswer),
            },
            AnswerKind::Text => match as_type(FieldType::Text)? {
                Typed::Text(text) if !text.trim().is_empty() => AnswerCell::Text(text),
                _ => return Err(ProblemKind::MissingAnswer),
            },
        })
    }

    fn check_json<'a>(&self, raw: &Raw<'a>) -> Result<AnswerCell<'a>, ProblemKind> {
        let value = match raw {
            Raw::Json(value) => value.clone().into_owned(),
            _ => match cell::text(raw)? {
                Some(text) if !text.trim().is_empty() => {
                    serde_json::from_str(&text).map_err(|_| ProblemKind::answer(&text, AnswerKind::Json))?
                }
                _ => return Err(ProblemKind::MissingAnswer),
            },
        };
        let Value::Object(object) = &value else {
            return Err(ProblemKind::answer(&value.to_string(), AnswerKind::Json));
        };
        for field in &self.column.fields {
            check_key(field, object.get(&field.name)).map_err(|reason| ProblemKind::Answer { reason })?;
        }
        Ok(AnswerCell::Json(value))
    }

    pub(crate) fn push(&mut self, answer: AnswerCell<'_>) {
        match (&mut self.values, answer) {
            (Values::Label { ids, names, known }, AnswerCell::Label(label)) => {
                let id = known.get(&*label).copied().unwrap_or_else(|| {
                    let (id, name) = (names.len() as u32, Arc::<str>::from(&*label));
                    names.push(name.clone());
                    known.insert(name, id);
                    id
                });
                ids.push(id);
            }
            (Values::Boolean(all), AnswerCell::Boolean(b)) => all.push(b),
            (Values::Number(all), AnswerCell::Number(n)) => all.push(n),
            (Values::Text(all), AnswerCell::Text(text)) => all.push(text.into_owned()),
            (Values::Json(all), AnswerCell::Json(value)) => all.push(value),
            _ => debug_assert!(false, "`check` gives answers of the column's kind"),
        }
    }

    pub(crate) fn finish(self) -> Truth {
        match self.values {
            Values::Label { ids, names, .. } => relabel(&ids, names.iter(), LabelSet::sorted(&names)),
            Values::Boolean(all) => Truth::Boolean(all),
            Values::Number(all) => Truth::Number(all),
            Values::Text(all) => Truth::Text(all),
            Values::Json(all) => Truth::Json(all),
        }
    }
}

/// Null is a fine value: the answer may well be that there is none.
fn check_key(field: &Field, value: Option<&Value>) -> Result<(), String> {
    let fits = match (value, field.field_type) {
        (None, _) => return Err(format!("the answer has no `{}`", field.name)),
        (Some(Value::Null), _) => true,
        (Some(value), FieldType::Number) => value.is_number(),
        (Some(value), FieldType::Boolean) => value.is_boolean(),
        (Some(value), FieldType::Category | FieldType::Text) => value.is_string(),
        (Some(value), FieldType::Time) => value.as_str().is_some_and(|text| cell::parse_time(text).is_some()),
    };
    if fits {
        return Ok(());
    }
    let shown = shorten(&value.map(Value::to_string).unwrap_or_default());
    Err(format!("`{}` of the answer must be a {}, not `{shown}`", field.name, field.field_type))
}
