//! Nested values, as JSON and UBJSON have them: what both are decoded to, and readers ask by key.

mod json;
mod ubjson;

use std::borrow::Cow;

pub(super) use json::{parse_json, write_json_text};
pub(super) use ubjson::parse_ubjson;

use super::{FormatError, Place};

/// How deeply values may be nested: models need about ten levels.
const MAX_DEPTH: usize = 64;

/// A decoded value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// A list of numbers only, which most of a model is.
    Numbers(Vec<f64>),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

/// A value and the keys that led to it.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    value: &'a Value,
    path: String,
}

impl Value {
    /// A list, as compact as its items allow.
    fn from_items(items: Vec<Value>) -> Value {
        let number = |item: &Value| match item {
            Value::Number(number) => Some(*number),
            _ => None,
        };
        let numbers: Option<Vec<f64>> = items.iter().map(number).collect();
        numbers.map_or(Value::List(items), Value::Numbers)
    }

    fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::Numbers(_) | Value::List(_) => "a list",
            Value::Map(_) => "an object",
        }
    }
}

impl<'a> Entry<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Entry { value, path: String::new() }
    }

    pub(super) fn place(&self) -> Place {
        Place::Key(self.path.clone())
    }

    pub(super) fn damaged(&self, problem: impl Into<String>) -> FormatError {
        FormatError::damaged(self.place(), problem)
    }

    fn expected(&self, what: &str) -> FormatError {
        self.damaged(format!("is {} instead of {what}", self.value.kind()))
    }

    /// The value under a key, if there is one. Nothing has no keys.
    pub(super) fn find(&self, key: &str) -> Option<Entry<'a>> {
        let Value::Map(entries) = self.value else { return None };
        let (_, value) = entries.iter().find(|(name, _)| name == key)?;
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Some(Entry { value, path })
    }

    /// The value under a key.
    pub(super) fn get(&self, key: &str) -> Result<Entry<'a>, FormatError> {
        if !matches!(self.value, Value::Map(_)) {
            return Err(self.expected("an object"));
        }
        self.find(key).ok_or_else(|| self.damaged(format!("has no `{key}`")))
    }

    pub(super) fn text(&self) -> Result<&'a str, FormatError> {
        match self.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.expected("a text")),
        }
    }

    /// A number, or a text that is one: XGBoost writes its parameters as texts.
    pub(super) fn number(&self) -> Result<f64, FormatError> {
        match self.value {
            Value::Number(number) => Ok(*number),
            Value::Text(text) => text.trim().parse().map_err(|_| self.expected("a number")),
            _ => Err(self.expected("a number")),
        }
    }

    /// A whole number of at least 0 and at most `largest`.
    pub(super) fn count(&self, largest: usize) -> Result<usize, FormatError> {
        whole(self.number()?, largest).ok_or_else(|| self.damaged(format!("is no whole number up to {largest}")))
    }

    /// A list of numbers; booleans count as 0 and 1.
    pub(super) fn numbers(&self) -> Result<Cow<'a, [f64]>, FormatError> {
        let number = |item: &Value| match item {
            Value::Number(number) => Some(*number),
            Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
            _ => None,
        };
        match self.value {
            Value::Numbers(numbers) => Ok(Cow::Borrowed(numbers)),
            Value::List(items) => {
                let numbers: Option<Vec<f64>> = items.iter().map(number).collect();
                numbers.map(Cow::Owned).ok_or_else(|| self.expected("a list of numbers"))
            }
            _ => Err(self.expected("a list of numbers")),
        }
    }

    /// The items of a list that is not one of numbers.
    pub(super) fn list(&self) -> Result<Vec<Entry<'a>>, FormatError> {
        match self.value {
            Value::List(items) => Ok(items.iter().enumerate().map(|(i, item)| self.item(i, item)).collect()),
            Value::Numbers(numbers) if numbers.is_empty() => Ok(Vec::new()),
            Value::Numbers(_) => Err(self.damaged("is a list of numbers")),
            _ => Err(self.expected("a list")),
        }
    }

    fn item(&self, idx: usize, value: &'a Value) -> Entry<'a> {
        Entry { value, path: format!("{}[{idx}]", self.path) }
    }

    /// The items of any list as texts: numbers as they are written.
    pub(super) fn labels(&self) -> Option<Vec<String>> {
        let label = |item: &Value| match item {
            Value::Text(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        };
        match self.value {
            Value::Numbers(numbers) => Some(numbers.iter().map(f64::to_string).collect()),
            Value::List(items) => items.iter().map(label).collect(),
            _ => None,
        }
    }
}

/// A number as a whole one of at least 0 and at most `largest`.
pub(super) fn whole(number: f64, largest: usize) -> Option<usize> {
    (number >= 0.0 && number <= largest as f64 && number.fract() == 0.0).then_some(number as usize)
}
