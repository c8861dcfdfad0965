//! Taking a client's JSON apart, with the place of what is wrong.

use std::fmt;

use serde_json::Value;

use super::tree::{Members, Tree, member};
use crate::RequestError;

/// Where in a request's body something stands, such as `input[2].content[0]`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Field(Path::Root, name) => f.write_str(name),
            Path::Field(parent, name) => write!(f, "{parent}.{name}"),
            Path::Item(parent, idx) => write!(f, "{parent}[{idx}]"),
        }
    }
}

impl Path<'_> {
    /// The refusal of what stands here; `problem` follows the path in the message.
    pub(super) fn refuse(&self, problem: impl fmt::Display) -> RequestError {
        match self {
            Path::Root => RequestError::new(format!("the body {problem}")),
            _ => RequestError::at(self.to_string(), format!("`{self}` {problem}")),
        }
    }

    fn wrong_type(&self, expected: &str, found: &Tree<'_>) -> RequestError {
        let found = match found {
            Tree::Null => "null",
            Tree::Bool(_) => "a boolean",
            Tree::Number(_) => "this number",
            Tree::Text(_) => "a string",
            Tree::List(_) => "an array",
            Tree::Object(_) => "an object",
        };
        self.refuse(format_args!("must be {expected}, not {found}"))
    }
}

/// The members of an object, which are taken out one by one. A member that is null is as one that is not there.
#[derive(Debug)]
pub(super) struct Fields<'p, 'a> {
    pub(super) path: Path<'p>,
    members: Members<'a>,
}

impl<'p, 'a> Fields<'p, 'a> {
    pub(super) fn of(path: Path<'p>, value: Tree<'a>) -> Result<Self, RequestError> {
        match value {
            Tree::Object(members) => Ok(Fields { path, members }),
            other => Err(path.wrong_type("an object", &other)),
        }
    }

    /// What is left of the object.
    pub(super) fn into_value(self) -> Value {
        Tree::Object(self.members).to_value()
    }

    /// The path of a member.
    pub(super) fn at<'b>(&'b self, name: &'b str) -> Path<'b> {
        Path::Field(&self.path, name)
    }

    pub(super) fn peek(&self, name: &str) -> Option<&Tree<'a>> {
        member(&self.members, name)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Tree<'a>> {
        let idx = self.members.iter().rposition(|(known, _)| known == name)?;
        Some(std::mem::take(&mut self.members[idx].1)).filter(|value| !matches!(value, Tree::Null))
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, RequestError> {
        match self.take(name) {
            None => Ok(None),
            Some(Tree::Text(text)) => Ok(Some(text.into_owned())),
            Some(other) => Err(self.at(name).wrong_type("a string", &other)),
        }
    }

    pub(super) fn required_text(&mut self, name: &str) -> Result<String, RequestError> {
        self.text(name)?.ok_or_else(|| self.at(name).refuse("is missing; it must be a string"))
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, RequestError> {
        match self.take(name) {
            None => Ok(None),
            Some(Tree::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(self.at(name).wrong_type("true or false", &other)),
        }
    }

    pub(super) fn number(&mut self, name: &str) -> Result<Option<f64>, RequestError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = match &value {
            Tree::Number(number) => number.as_f64(),
            _ => None,
        };
        number.map(Some).ok_or_else(|| self.at(name).wrong_type("a number", &value))
    }

    pub(super) fn count(&mut self, name: &str) -> Result<Option<u32>, RequestError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        // A limit beyond four thousand million is none that could be reached.
        let count = match &value {
            Tree::Number(number) => number.as_u64(),
            _ => None,
        };
        count
            .map(|count| u32::try_from(count).unwrap_or(u32::MAX))
            .map(Some)
            .ok_or_else(|| self.at(name).wrong_type("a whole number that is not negative", &value))
    }

    pub(super) fn list(&mut self, name: &str) -> Result<Vec<Tree<'a>>, RequestError> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Tree::List(items)) => Ok(items),
            Some(other) => Err(self.at(name).wrong_type("an array", &other)),
        }
    }
}
