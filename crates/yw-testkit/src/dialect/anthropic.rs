//! Anthropic messages.

use serde_json::{Value, json};

use super::{Completion, Finish, Parsed, check_schema, pieces, text_of};
use crate::request::ChatMessage;

pub(super) fn parse(body: &Value) -> Result<Parsed, String> {
    if body.get("max_tokens").and_then(Value::as_u64).is_none_or(|n| n == 0) {
        return Err("max_tokens: expected a positive whole number".to_owned());
    }
    let messages = body.get("messages").and_then(Value::as_array).ok_or("messages: expected a list")?;
    let read = |message: &Value| match message.get("role").and_then(Value::as_str) {
        Some(role @ ("user" | "assistant")) => {
            Ok(ChatMessage { role: role.to_owned(), text: text_of(&message["content"]) })
        }
        _ => Err(format!("messages: no role {}", message["role"])),
    };
    let messages = messages.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if messages.first().is_some_and(|m| m.role != "user") {
        return Err("messages: the first message must be of the user".to_owned());
    }
    let mut parsed =
        Parsed { system: text_of(&body["system"]), messages, schema: None, tool: None, include_usage: true };
    structured_output(body, &mut parsed)?;
    Ok(parsed)
}

fn structured_output(body: &Value, parsed: &mut Parsed) -> Result<(), String> {
    if let Some(format) = body.pointer("/output_config/format") {
        if format["type"] != "json_schema" || !format["schema"].is_object() {
            return Err("output_config.format: expected type 'json_schema' and 'schema'".to_owned());
        }
        check_schema(&format["schema"], false)?;
        parsed.schema = Some(format["schema"].clone());
    }
    if body.pointer("/tool_choice/type").is_some_and(|t| t == "tool") {
        let name = body.pointer("/tool_choice/name").and_then(Value::as_str).ok_or("tool_choice: expected 'name'")?;
        let tools = body.get("tools").and_then(Value::as_array);
        let tool = tools.into_iter().flatten().find(|t| t["name"] == name);
        let tool = tool.ok_or_else(|| format!("tool_choice: no tool '{name}'"))?;
        parsed.schema = tool.get("input_schema").cloned();
        parsed.tool = Some(name.to_owned());
    }
    Ok(())
}

pub(super) fn body(completion: &Completion) -> Value {
    let content = match &completion.tool {
        Some(tool) => {
            // Arguments that are not an object cannot be said in this dialect; a cut one becomes an empty one.
            let input: Value = serde_json::from_str(&completion.content).unwrap_or_else(|_| json!({}));
            json!([{ "type": "tool_use", "id": tool_id(completion), "name": tool, "input": input }])
        }
        None if completion.content.is_empty() => json!([]),
        None => json!([{ "type": "text", "text": completion.content }]),
    };
    message(completion, content, stop_reason(completion).into(), completion.tokens.output)
}

pub(super) fn events(completion: &Completion) -> Vec<String> {
    let mut events = vec![event(
        "message_start",
        json!({ "message": message(completion, json!([]), Value::Null, completion.tokens.output.min(1)) }),
    )];
    if !completion.content.is_empty() {
        let (block, delta): (Value, fn(&str) -> Value) = match &completion.tool {
            Some(tool) => (
                json!({ "type": "tool_use", "id": tool_id(completion), "name": tool, "input": {} }),
                |text| json!({ "type": "input_json_delta", "partial_json": text }),
            ),
            None => (json!({ "type": "text", "text": "" }), |text| json!({ "type": "text_delta", "text": text })),
        };
        events.push(event("content_block_start", json!({ "index": 0, "content_block": block })));
        events.push(event("ping", json!({})));
        let deltas = pieces(&completion.content).into_iter().map(delta);
        events.extend(deltas.map(|d| event("content_block_delta", json!({ "index": 0, "delta": d }))));
        events.push(event("content_block_stop", json!({ "index": 0 })));
    }
    events.push(event(
        "message_delta",
        json!({
            "delta": { "stop_reason": stop_reason(completion), "stop_sequence": null },
            "usage": { "output_tokens": completion.tokens.output },
        }),
    ));
    events.push(event("message_stop", json!({})));
    events
}

pub(super) fn error(status: u16, message: &str) -> Value {
    let kind = match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 | 504 => "timeout_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    };
    json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": "req_scripted" })
}

/// One event; its name is the payload's `type` too.
fn event(name: &str, payload: Value) -> String {
    let mut data = json!({ "type": name });
    if let (Some(data), Value::Object(payload)) = (data.as_object_mut(), payload) {
        data.extend(payload);
    }
    format!("event: {name}\ndata: {data}\n\n")
}

/// `input_tokens` leaves the cached ones out here, unlike OpenAI's `prompt_tokens`.
fn message(completion: &Completion, content: Value, stop_reason: Value, output_tokens: u64) -> Value {
    let tokens = completion.tokens;
    json!({
        "id": format!("msg_{}", completion.id),
        "type": "message",
        "role": "assistant",
        "model": completion.model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "usage": {
            "input_tokens": tokens.input.saturating_sub(tokens.cached),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": tokens.cached,
            "output_tokens": output_tokens,
        },
    })
}

fn stop_reason(completion: &Completion) -> &'static str {
    match (completion.finish, &completion.tool) {
        (Finish::Length, _) => "max_tokens",
        (Finish::Refusal, _) => "refusal",
        (Finish::Done, Some(_)) => "tool_use",
        (Finish::Done, None) => "end_turn",
    }
}

fn tool_id(completion: &Completion) -> String {
    format!("toolu_{}", completion.id)
}
