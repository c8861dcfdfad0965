//! The wire shapes, from the provider's side: requests in, replies out.

mod anthropic;
mod bedrock;
pub(crate) mod embeddings;
mod gemini;
mod openai;
mod read;
mod responses;

use serde_json::{Value, json};
use yw_task::Dialect;

use crate::reply::Stop;
use crate::request::{ChatMessage, ChatRequest, Settings, Tool, ToolChoice};
use crate::tokens::Tokens;

/// The parts of a chat request that depend on its dialect.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) system: String,
    pub(crate) messages: Vec<ChatMessage>,
    /// The schema of a structured answer; that of a forced tool is found later.
    pub(crate) schema: Option<Value>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) tool_choice: ToolChoice,
    pub(crate) thinks: bool,
    pub(crate) settings: Settings,
    pub(crate) include_usage: bool,
}

/// A finished reply of the model, before it takes a wire shape.
#[derive(Debug, Clone)]
pub(crate) struct Completion {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) reasoning: Option<String>,
    pub(crate) text: String,
    pub(crate) calls: Vec<Call>,
    pub(crate) stop: Stop,
    pub(crate) tokens: Tokens,
    /// Whether the reply says what it used.
    pub(crate) reports_usage: bool,
}

/// A tool call as it is written, well-formed or not.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) arguments: String,
}

impl Completion {
    fn call_id(&self, prefix: &str, call_idx: usize) -> String {
        format!("{prefix}_{}{call_idx:02}", self.id)
    }

    /// What proves that the reasoning is the model's own.
    fn signature(&self) -> String {
        format!("c2lnbmVk{}", self.id)
    }

    /// The usage as the dialect writes it, or nothing.
    fn usage(&self, write: fn(Tokens) -> Value) -> Value {
        if self.reports_usage { write(self.tokens) } else { Value::Null }
    }
}

impl Call {
    /// The arguments where the dialect has no place for text: those that are no object, such as cut ones, are empty.
    fn object(&self) -> Value {
        serde_json::from_str(&self.arguments).ok().filter(Value::is_object).unwrap_or_else(|| json!({}))
    }
}

/// One event of a stream, before it is framed.
#[derive(Debug)]
pub(crate) struct Event {
    /// What its frame calls it; empty where the dialect has no names.
    pub(crate) name: &'static str,
    pub(crate) data: Vec<u8>,
    /// Whether it brings content that the model was paid for.
    pub(crate) is_content: bool,
}

impl Event {
    fn new(name: &'static str, data: &Value) -> Self {
        Event { name, data: data.to_string().into_bytes(), is_content: false }
    }

    fn content(name: &'static str, data: &Value) -> Self {
        Event { is_content: true, ..Event::new(name, data) }
    }
}

/// Reads a chat request, or says what the provider would object to.
pub(crate) fn parse(dialect: Dialect, body: &Value) -> Result<Parsed, String> {
    let parsed = match dialect {
        Dialect::OpenAi => openai::parse(body)?,
        Dialect::Responses => responses::parse(body)?,
        Dialect::Anthropic => anthropic::parse(body)?,
        Dialect::Gemini => gemini::parse(body)?,
        Dialect::Bedrock => bedrock::parse(body)?,
    };
    if parsed.messages.is_empty() {
        return Err("messages: at least one message is required".to_owned());
    }
    Ok(parsed)
}

/// What a request for a reply must say, and one for a count of tokens need not.
pub(crate) fn check_limits(dialect: Dialect, body: &Value) -> Result<(), String> {
    let has_limit = body.get("max_tokens").and_then(Value::as_u64).is_some_and(|n| n > 0);
    if dialect == Dialect::Anthropic && !has_limit {
        return Err("max_tokens: expected a positive whole number".to_owned());
    }
    Ok(())
}

/// The body of a reply that is no stream.
pub(crate) fn body(request: &ChatRequest, completion: &Completion) -> Value {
    match request.dialect {
        Dialect::OpenAi => openai::body(completion),
        Dialect::Responses => responses::body(request, completion),
        Dialect::Anthropic => anthropic::body(completion),
        Dialect::Gemini => gemini::body(completion),
        Dialect::Bedrock => bedrock::body(completion),
    }
}

/// The events of a stream.
pub(crate) fn events(request: &ChatRequest, completion: &Completion) -> Vec<Event> {
    match request.dialect {
        Dialect::OpenAi => openai::events(completion, request.include_usage),
        Dialect::Responses => responses::events(request, completion),
        Dialect::Anthropic => anthropic::events(completion),
        Dialect::Gemini => gemini::events(completion),
        Dialect::Bedrock => bedrock::events(completion),
    }
}

/// The body of an error.
pub(crate) fn error(dialect: Dialect, status: u16, message: &str) -> Value {
    match dialect {
        Dialect::OpenAi | Dialect::Responses => openai::error(status, message),
        Dialect::Anthropic => anthropic::error(status, message),
        Dialect::Gemini => gemini::error(status, message),
        Dialect::Bedrock => json!({ "message": message }),
    }
}

/// An error as an event in the middle of a stream, after `n_events` others.
pub(crate) fn error_event(dialect: Dialect, message: &str, n_events: usize) -> Event {
    match dialect {
        Dialect::OpenAi | Dialect::Gemini => Event::new("", &error(dialect, 500, message)),
        Dialect::Responses => responses::error_event(message, n_events),
        Dialect::Anthropic => Event::new("error", &error(dialect, 500, message)),
        Dialect::Bedrock => Event::new(bedrock::STREAM_ERROR, &error(dialect, 500, message)),
    }
}

/// The headers that name the request and, in Bedrock's case, the error.
pub(crate) fn headers(dialect: Dialect, status: u16, request_id: String) -> Vec<(String, String)> {
    let id_header = match dialect {
        Dialect::OpenAi | Dialect::Responses => "x-request-id",
        Dialect::Anthropic => "request-id",
        Dialect::Gemini => "x-goog-request-id",
        Dialect::Bedrock => "x-amzn-requestid",
    };
    let mut headers = vec![(id_header.to_owned(), request_id)];
    if dialect == Dialect::Bedrock && status >= 400 {
        headers.push(("x-amzn-errortype".to_owned(), bedrock::error_type(status).to_owned()));
    }
    headers
}

/// The list of models.
pub(crate) fn models(dialect: Dialect, names: &[String]) -> Value {
    let entry = |name: &String| match dialect {
        Dialect::Anthropic => {
            json!({ "type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z" })
        }
        Dialect::Gemini => json!({ "name": format!("models/{name}"), "displayName": name, "version": "001" }),
        _ => json!({ "id": name, "object": "model", "created": CREATED, "owned_by": "scripted" }),
    };
    let data: Vec<Value> = names.iter().map(entry).collect();
    match dialect {
        Dialect::Anthropic => {
            json!({ "data": data, "has_more": false, "first_id": names.first(), "last_id": names.last() })
        }
        Dialect::Gemini => json!({ "models": data }),
        _ => json!({ "object": "list", "data": data }),
    }
}

/// The body of a count of tokens.
pub(crate) fn token_count(dialect: Dialect, n_tokens: u64) -> Value {
    match dialect {
        Dialect::OpenAi | Dialect::Responses => json!({ "object": "response.input_tokens", "input_tokens": n_tokens }),
        Dialect::Anthropic => json!({ "input_tokens": n_tokens }),
        Dialect::Gemini => json!({ "totalTokens": n_tokens }),
        Dialect::Bedrock => json!({ "inputTokens": n_tokens }),
    }
}

/// The time that every reply was made at, so that replies are the same in every run: 2026-01-01.
const CREATED: u64 = 1_767_225_600;

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

/// What both OpenAI and Anthropic demand of a schema for structured output: every object says that it has no other
/// properties, and, where `all_required`, requires every one it has.
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
