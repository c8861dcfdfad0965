//! Taking a client's body apart, field by field, with errors that say where.

use serde_json::{Map, Value};

use super::RequestError;

/// The fields of an object that have not been taken yet. A field that is `null` counts as absent.
#[derive(Debug)]
pub(crate) struct Fields {
    /// Where the object stands, such as `messages[2]`; empty for the body.
    path: String,
    map: Map<String, Value>,
}

impl Fields {
    /// The fields of a whole body.
    pub(crate) fn of_body(body: &[u8]) -> Result<Self, RequestError> {
        let value = serde_json::from_slice(body)
            .map_err(|error| RequestError::new(format!("the body is not valid JSON: {error}")))?;
        match value {
            Value::Object(map) => Ok(Fields { path: String::new(), map }),
            other => Err(RequestError::new(format!("the body must be a JSON object, not {}", kind(&other)))),
        }
    }

    /// The fields of an object at `path`.
    pub(crate) fn of(path: String, value: Value) -> Result<Self, RequestError> {
        match value {
            Value::Object(map) => Ok(Fields { path, map }),
            other => Err(wrong_kind(path, "an object", &other)),
        }
    }

    /// Where a field stands.
    pub(crate) fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// An error about a field.
    pub(crate) fn error(&self, key: &str, message: impl Into<String>) -> RequestError {
        RequestError::at(self.at(key), message)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(|value| !value.is_null())
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<Value> {
        self.map.remove(key).filter(|value| !value.is_null())
    }

    /// Takes a field if its value is as wanted, and leaves it otherwise.
    pub(crate) fn take_if(&mut self, key: &str, is_wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        if self.map.get(key).is_some_and(is_wanted) { self.map.remove(key) } else { None }
    }

    pub(crate) fn text(&mut self, key: &str) -> Result<Option<String>, RequestError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_kind(self.at(key), "a string", &other)),
        }
    }

    pub(crate) fn text_or_empty(&mut self, key: &str) -> Result<String, RequestError> {
        self.text(key).map(Option::unwrap_or_default)
    }

    pub(crate) fn required_text(&mut self, key: &str) -> Result<String, RequestError> {
        self.text(key)?.ok_or_else(|| self.error(key, format!("`{}` is missing: give a string", self.at(key))))
    }

    pub(crate) fn flag(&mut self, key: &str) -> Result<Option<bool>, RequestError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(wrong_kind(self.at(key), "true or false", &other)),
        }
    }

    pub(crate) fn number(&mut self, key: &str) -> Result<Option<f64>, RequestError> {
        match self.take(key) {
            None => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or_else(|| wrong_kind(self.at(key), "a number", &value)),
        }
    }

    pub(crate) fn count(&mut self, key: &str) -> Result<Option<u64>, RequestError> {
        match self.take(key) {
            None => Ok(None),
            Some(value) => {
                value.as_u64().map(Some).ok_or_else(|| wrong_kind(self.at(key), "a whole number from 0", &value))
            }
        }
    }

    /// A limit of tokens.
    pub(crate) fn token_limit(&mut self, key: &str) -> Result<Option<u32>, RequestError> {
        let Some(count) = self.count(key)? else { return Ok(None) };
        match u32::try_from(count) {
            Ok(limit) if limit > 0 => Ok(Some(limit)),
            _ => Err(self.error(key, format!("`{}` must be from 1 to {}, not {count}", self.at(key), u32::MAX))),
        }
    }

    /// A string, or several.
    pub(crate) fn texts(&mut self, key: &str) -> Result<Vec<String>, RequestError> {
        match self.take(key) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text]),
            Some(Value::Array(values)) => values
                .into_iter()
                .map(|value| match value {
                    Value::String(text) => Ok(text),
                    other => Err(wrong_kind(self.at(key), "a list of strings", &other)),
                })
                .collect(),
            Some(other) => Err(wrong_kind(self.at(key), "a string or a list of strings", &other)),
        }
    }

    /// The objects of a list, each with its path; none if there is no list.
    pub(crate) fn objects(&mut self, key: &str) -> Result<Vec<Fields>, RequestError> {
        match self.take(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => objects(&self.at(key), values),
            Some(other) => Err(wrong_kind(self.at(key), "a list", &other)),
        }
    }

    pub(crate) fn object(&mut self, key: &str) -> Result<Option<Fields>, RequestError> {
        self.take(key).map(|value| Fields::of(self.at(key), value)).transpose()
    }

    /// The object as it is left.
    pub(crate) fn into_value(self) -> Value {
        Value::Object(self.map)
    }
}

/// The objects of a list at `path`.
pub(crate) fn objects(path: &str, values: Vec<Value>) -> Result<Vec<Fields>, RequestError> {
    values.into_iter().enumerate().map(|(idx, value)| Fields::of(format!("{path}[{idx}]"), value)).collect()
}

pub(crate) fn wrong_kind(path: String, wanted: &str, found: &Value) -> RequestError {
    let message = format!("`{path}` must be {wanted}, not {}", kind(found));
    RequestError::at(path, message)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
