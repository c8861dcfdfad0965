//! The three dialects from a client's side: requests, and what their answers say.

use serde_json::{Value, json};
use yw_task::Dialect;

use super::wire::Answer;

/// The dialects that clients speak.
pub(super) const CLIENTS: [Dialect; 3] = [Dialect::OpenAi, Dialect::Responses, Dialect::Anthropic];

/// Where a client of a dialect asks.
pub(super) fn path(client: Dialect) -> &'static str {
    match client {
        Dialect::Anthropic => "/v1/messages",
        Dialect::Responses => "/v1/responses",
        _ => "/v1/chat/completions",
    }
}

/// A question to a model.
pub(super) fn ask(client: Dialect, model: &str, question: &str, stream: bool) -> Value {
    limited(client, model, question, stream, 2_000)
}

/// The same, with another limit on what is written.
pub(super) fn limited(client: Dialect, model: &str, question: &str, stream: bool, max_tokens: u64) -> Value {
    match client {
        Dialect::Responses => {
            json!({ "model": model, "input": question, "max_output_tokens": max_tokens, "stream": stream })
        }
        _ => json!({
            "model": model,
            "max_tokens": max_tokens,
            "stream": stream,
            "messages": [{ "role": "user", "content": question }],
        }),
    }
}

/// Adds a tool of this name.
pub(super) fn with_tool(client: Dialect, mut body: Value, name: &str) -> Value {
    let schema = json!({ "type": "object", "properties": { "id": { "type": "integer" } }, "required": ["id"] });
    body["tools"] = match client {
        Dialect::Anthropic => json!([{ "name": name, "description": "looks up", "input_schema": schema }]),
        Dialect::Responses => {
            json!([{ "type": "function", "name": name, "description": "looks up", "parameters": schema, "strict": false }])
        }
        _ => {
            json!([{ "type": "function", "function": { "name": name, "description": "looks up", "parameters": schema } }])
        }
    };
    body
}

/// The text of an answer, whole or streamed.
pub(super) fn text(client: Dialect, answer: &Answer) -> String {
    match answer.header("content-type") {
        Some(kind) if kind.starts_with("text/event-stream") => {
            events(&answer.body).iter().filter_map(|event| delta(client, event)).collect()
        }
        _ => whole_text(client, &answer.json()),
    }
}

fn whole_text(client: Dialect, body: &Value) -> String {
    let texts = |list: &Value| -> String {
        let parts = list.as_array().into_iter().flatten();
        parts.filter_map(|part| part["text"].as_str()).collect()
    };
    match client {
        Dialect::Anthropic => texts(&body["content"]),
        Dialect::Responses => {
            let items = body["output"].as_array().into_iter().flatten();
            items.map(|item| texts(&item["content"])).collect()
        }
        _ => body["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned(),
    }
}

/// The text that one event brings.
fn delta(client: Dialect, event: &Value) -> Option<String> {
    let text = match client {
        Dialect::Anthropic => event.pointer("/delta/text"),
        Dialect::Responses => event.get("delta").filter(|_| event["type"] == "response.output_text.delta"),
        _ => event.pointer("/choices/0/delta/content"),
    };
    text.and_then(Value::as_str).map(str::to_owned)
}

/// The JSON of the events of a stream.
pub(super) fn events(body: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(body).replace("\r\n", "\n");
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    data.filter_map(|data| serde_json::from_str(data.trim()).ok()).collect()
}

/// Whether a stream ends as the dialect's whole streams do.
pub(super) fn is_whole(client: Dialect, body: &[u8]) -> bool {
    let last = events(body).last().cloned().unwrap_or_default();
    match client {
        Dialect::Anthropic => last["type"] == "message_stop",
        Dialect::Responses => last["type"] == "response.completed" || last["type"] == "response.incomplete",
        _ => String::from_utf8_lossy(body).trim_end().ends_with("data: [DONE]"),
    }
}

/// The message of the error event that ends a stream, if one does.
pub(super) fn stream_error(client: Dialect, body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let last = events(body).into_iter().rfind(|event| !event.is_null())?;
    let message = match client {
        Dialect::Anthropic => {
            let named = text.trim_end().rsplit("\n\n").next()?.starts_with("event: error");
            named.then(|| last.pointer("/error/message")).flatten()
        }
        Dialect::Responses if last["type"] == "response.failed" => last.pointer("/response/error/message"),
        Dialect::Responses => last.get("message").filter(|_| last["type"] == "error"),
        _ => last.pointer("/error/message"),
    };
    message.and_then(Value::as_str).map(str::to_owned)
}

/// An error in the dialect's shape: its type and its message.
#[track_caller]
pub(super) fn error(client: Dialect, answer: &Answer) -> (String, String) {
    let body = answer.json();
    let error = &body["error"];
    if client == Dialect::Anthropic {
        assert_eq!(body["type"], "error", "{body}");
    } else {
        let keys: Vec<&str> = error.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
        for key in ["message", "type", "param", "code"] {
            assert!(keys.contains(&key), "an error of OpenAI has `{key}`: {body}");
        }
    }
    let text = |key: &str| error[key].as_str().unwrap_or_else(|| panic!("no {key}: {body}")).to_owned();
    (text("type"), text("message"))
}

/// The type of an error with this status, as the dialect's provider names it.
pub(super) fn error_type(client: Dialect, status: u16) -> &'static str {
    match (client, status) {
        (Dialect::Anthropic, 401) => "authentication_error",
        (Dialect::Anthropic, 403) => "permission_error",
        (Dialect::Anthropic, 404) => "not_found_error",
        (Dialect::Anthropic, 413) => "request_too_large",
        (Dialect::Anthropic, 429) => "rate_limit_error",
        (Dialect::Anthropic, 529) => "overloaded_error",
        (Dialect::Anthropic, 504) => "timeout_error",
        (Dialect::Anthropic, 500..) => "api_error",
        (_, 429) => "rate_limit_error",
        (_, 504) => "timeout",
        (_, 500..) => "server_error",
        _ => "invalid_request_error",
    }
}
