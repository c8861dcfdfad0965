//! The wire shapes, from the provider's side: requests in, replies out.

mod anthropic;
mod openai;

use serde_json::{Value, json};
use yw_task::Dialect;

use crate::reply::Tokens;
use crate::request::ChatMessage;

/// The parts of a chat request that depend on its dialect.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) system: String,
    pub(crate) messages: Vec<ChatMessage>,
    pub(crate) schema: Option<Value>,
    pub(crate) tool: Option<String>,
    pub(crate) include_usage: bool,
}

/// A finished reply of the model, before it takes a wire shape.
#[derive(Debug, Clone)]
pub(crate) struct Completion {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) content: String,
    /// The tool that the content is the arguments of.
    pub(crate) tool: Option<String>,
    pub(crate) finish: Finish,
    pub(crate) tokens: Tokens,
}

/// Why the model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// It had said all.
    Done,
    /// It ran into the token limit.
    Length,
    /// It would not answer.
    Refusal,
}

/// Reads a chat request, or says what the provider would object to.
pub(crate) fn parse(dialect: Dialect, body: &Value) -> Result<Parsed, String> {
    let parsed = match dialect {
        Dialect::OpenAi => openai::parse(body)?,
        Dialect::Anthropic => anthropic::parse(body)?,
    };
    if parsed.messages.is_empty() {
        return Err("messages: at least one message is required".to_owned());
    }
    Ok(parsed)
}

/// The body of a reply that is no stream.
pub(crate) fn body(dialect: Dialect, completion: &Completion) -> String {
    match dialect {
        Dialect::OpenAi => openai::body(completion),
        Dialect::Anthropic => anthropic::body(completion),
    }
    .to_string()
}

/// The events of a stream, each a whole server-sent event with its empty line.
pub(crate) fn events(dialect: Dialect, completion: &Completion, include_usage: bool) -> Vec<String> {
    match dialect {
        Dialect::OpenAi => openai::events(completion, include_usage),
        Dialect::Anthropic => anthropic::events(completion),
    }
}

/// The body of an error.
pub(crate) fn error(dialect: Dialect, status: u16, message: &str) -> Value {
    match dialect {
        Dialect::OpenAi => openai::error(status, message),
        Dialect::Anthropic => anthropic::error(status, message),
    }
}

/// An error as an event in the middle of a stream.
pub(crate) fn error_event(dialect: Dialect, message: &str) -> String {
    let error = error(dialect, 500, message);
    match dialect {
        Dialect::OpenAi => format!("data: {error}\n\n"),
        Dialect::Anthropic => format!("event: error\ndata: {error}\n\n"),
    }
}

/// The list of models.
pub(crate) fn models(dialect: Dialect, names: &[String]) -> Value {
    let entry = |name: &String| match dialect {
        Dialect::OpenAi => json!({ "id": name, "object": "model", "created": CREATED, "owned_by": "scripted" }),
        Dialect::Anthropic => {
            json!({ "type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z" })
        }
    };
    let data: Vec<Value> = names.iter().map(entry).collect();
    match dialect {
        Dialect::OpenAi => json!({ "object": "list", "data": data }),
        Dialect::Anthropic => {
            json!({ "data": data, "has_more": false, "first_id": names.first(), "last_id": names.last() })
        }
    }
}

/// The header that carries the request's id.
pub(crate) fn request_id_header(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAi => "x-request-id",
        Dialect::Anthropic => "request-id",
    }
}

/// The time that every reply was made at, so that replies are the same in every run: 2026-01-01.
const CREATED: u64 = 1_767_225_600;

/// The text of a content that is a string or a list of parts.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|p| p.get("text").and_then(Value::as_str));
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// The content in pieces of about eight bytes, as a model streams it; at least one piece.
fn pieces(content: &str) -> Vec<&str> {
    const PIECE_BYTES: usize = 8;
    let mut pieces = Vec::new();
    let mut rest = content;
    while rest.len() > PIECE_BYTES {
        let (piece, after) = rest.split_at(rest.ceil_char_boundary(PIECE_BYTES));
        pieces.push(piece);
        rest = after;
    }
    if pieces.is_empty() || !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// What both providers demand of a schema for structured output: every object says that it has no other properties,
/// and, where `all_required`, requires every one it has.
fn check_schema(schema: &Value, all_required: bool) -> Result<(), String> {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        if schema.get("additionalProperties") != Some(&json!(false)) {
            return Err("schema: 'additionalProperties' must be false for every object".to_owned());
        }
        let required = schema.get("required").and_then(Value::as_array);
        let is_required = |name: &String| required.is_some_and(|r| r.iter().any(|n| n == name));
        if all_required && let Some(name) = properties.keys().find(|name| !is_required(name)) {
            return Err(format!("schema: 'required' must name every property, and lacks '{name}'"));
        }
        properties.values().try_for_each(|inner| check_schema(inner, all_required))?;
    }
    schema.get("items").map_or(Ok(()), |items| check_schema(items, all_required))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_keep_characters_whole() {
        for content in ["", "short", "exactly8", "ééééééééé and more", "{\"team\":\"billing\"}"] {
            assert_eq!(pieces(content).concat(), content);
            assert!(!pieces(content).is_empty());
        }
        assert!(pieces("ééééééééé").len() > 1);
    }

    #[test]
    fn loose_schemas_are_refused() {
        let loose = json!({ "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"] });
        assert!(check_schema(&loose, false).is_err());
        let partial = json!({ "properties": { "a": {}, "b": {} }, "required": ["a"], "additionalProperties": false });
        assert!(check_schema(&partial, false).is_ok());
        assert!(check_schema(&partial, true).unwrap_err().contains("'b'"));
    }
}
