//! Anthropic messages.

use serde_json::{Value, json};

use super::read::{Draft, parts, strings, text_of, tools};
use super::{Call, Completion, Event, Parsed, check_schema, pieces};
use crate::reply::Stop;
use crate::request::{ChatMessage, Settings, ToolChoice};
use crate::tokens::Tokens;

pub(super) fn parse(body: &Value) -> Result<Parsed, String> {
    let messages = body.get("messages").and_then(Value::as_array).ok_or("messages: expected a list")?;
    if messages.first().is_some_and(|m| m["role"] != "user") {
        return Err("messages: the first message must be of the user".to_owned());
    }
    let mut parsed = Parsed {
        system: text_of(&body["system"]),
        include_usage: true,
        thinks: body.pointer("/thinking/type").is_some_and(|t| t != "disabled"),
        settings: Settings {
            max_tokens: body["max_tokens"].as_u64(),
            temperature: body["temperature"].as_f64(),
            top_p: body["top_p"].as_f64(),
            stop: strings(&body["stop_sequences"]),
        },
        ..Parsed::default()
    };
    for message in messages {
        match message.get("role").and_then(Value::as_str) {
            Some(role @ ("user" | "assistant")) => read_message(role, message, &mut parsed.messages)?,
            _ => return Err(format!("messages: no role {}", message["role"])),
        }
    }
    if let Some(format) = body.pointer("/output_config/format").filter(|f| !f.is_null()) {
        if format["type"] != "json_schema" || !format["schema"].is_object() {
            return Err("output_config.format: expected type 'json_schema' and 'schema'".to_owned());
        }
        check_schema(&format["schema"], false)?;
        parsed.schema = Some(format["schema"].clone());
    }
    parsed.tools = tools(&body["tools"], |t| Some((t.get("name")?, &t["input_schema"])))?;
    parsed.tool_choice = tool_choice(&body["tool_choice"])?;
    Ok(parsed)
}

/// The results of tools in a message of the user become messages of their own.
fn read_message(role: &str, message: &Value, messages: &mut Vec<ChatMessage>) -> Result<(), String> {
    let mut draft = Draft::default();
    for block in parts(&message["content"]) {
        match block.get("type").and_then(Value::as_str) {
            None if block.is_string() => draft.text(block),
            Some("text") => draft.text(&block["text"]),
            Some(kind @ ("image" | "document")) => read_source(kind, &block["source"], &mut draft)?,
            Some("tool_use") => draft.call(&block["name"], &block["input"]),
            Some("thinking") => draft.reasoning(&block["thinking"]),
            Some("redacted_thinking") => draft.extra("reasoning redacted".to_owned()),
            Some("tool_result") => {
                if !block["tool_use_id"].is_string() {
                    return Err("messages: the result of a tool needs its 'tool_use_id'".to_owned());
                }
                let mut result = Draft::default();
                for part in parts(&block["content"]) {
                    match part.get("type").and_then(Value::as_str) {
                        Some("image" | "document") => read_source("image", &part["source"], &mut result)?,
                        _ => result.text(part.get("text").unwrap_or(part)),
                    }
                }
                messages.push(result.finish("tool"));
            }
            _ => return Err(format!("messages: no block of type {}", block["type"])),
        }
    }
    if !draft.is_empty() || !message["content"].is_array() {
        messages.push(draft.finish(role));
    }
    Ok(())
}

fn read_source(kind: &str, source: &Value, draft: &mut Draft) -> Result<(), String> {
    match source.get("type").and_then(Value::as_str) {
        Some("base64") => draft.data(kind, source["media_type"].as_str().unwrap_or("?"), &source["data"]),
        Some("url") => draft.address(kind, &source["url"]),
        Some("file") => draft.address(kind, &source["file_id"]),
        Some("text") => draft.text(&source["data"]),
        _ => return Err(format!("messages: no source of type {}", source["type"])),
    }
    Ok(())
}

fn tool_choice(choice: &Value) -> Result<ToolChoice, String> {
    match choice.get("type").and_then(Value::as_str) {
        None if choice.is_null() => Ok(ToolChoice::Auto),
        Some("auto") => Ok(ToolChoice::Auto),
        Some("none") => Ok(ToolChoice::None),
        Some("any") => Ok(ToolChoice::Required),
        Some("tool") => {
            let name = choice.get("name").and_then(Value::as_str).ok_or("tool_choice: expected 'name'")?;
            Ok(ToolChoice::Named(name.to_owned()))
        }
        _ => Err(format!("tool_choice: cannot read {choice}")),
    }
}

pub(super) fn body(completion: &Completion) -> Value {
    let mut content = Vec::new();
    if let Some(reasoning) = &completion.reasoning {
        content.push(json!({ "type": "thinking", "thinking": reasoning, "signature": completion.signature() }));
    }
    if !completion.text.is_empty() {
        content.push(json!({ "type": "text", "text": completion.text }));
    }
    for (idx, call) in completion.calls.iter().enumerate() {
        content.push(tool_use(completion, idx, call, call.object()));
    }
    let mut message = message(completion, content, completion.usage(usage));
    message["stop_reason"] = stop_reason(completion).into();
    message["stop_sequence"] = stop_sequence(completion);
    message["stop_details"] = stop_details(completion);
    message
}

pub(super) fn events(completion: &Completion) -> Vec<Event> {
    // Hardly anything has been written when the message starts, but all of the input has been read.
    let first = Tokens { output: completion.tokens.output.min(1), reasoning: 0, audio_output: 0, ..completion.tokens };
    let first_usage = if completion.reports_usage { usage(first) } else { Value::Null };
    let start = json!({ "type": "message_start", "message": message(completion, Vec::new(), first_usage) });
    let mut events = vec![Event::new("message_start", &start)];
    let mut block = |start: Value, deltas: Vec<Value>| {
        // Every message has one block at least, and a ping follows the first one's start.
        let index = events.iter().filter(|e| e.name == "content_block_stop").count();
        let start = json!({ "type": "content_block_start", "index": index, "content_block": start });
        events.push(Event::new("content_block_start", &start));
        if index == 0 {
            events.push(Event::new("ping", &json!({ "type": "ping" })));
        }
        for delta in deltas {
            // A signature proves content that came before, and is none itself.
            let is_content = delta["type"] != "signature_delta";
            let delta = json!({ "type": "content_block_delta", "index": index, "delta": delta });
            events.push(Event { is_content, ..Event::new("content_block_delta", &delta) });
        }
        events.push(Event::new("content_block_stop", &json!({ "type": "content_block_stop", "index": index })));
    };
    if let Some(reasoning) = &completion.reasoning {
        let thought = |text| json!({ "type": "thinking_delta", "thinking": text });
        let mut deltas: Vec<Value> = pieces(reasoning).into_iter().map(thought).collect();
        deltas.push(json!({ "type": "signature_delta", "signature": completion.signature() }));
        block(json!({ "type": "thinking", "thinking": "", "signature": "" }), deltas);
    }
    if !completion.text.is_empty() {
        let said = |text| json!({ "type": "text_delta", "text": text });
        block(json!({ "type": "text", "text": "" }), pieces(&completion.text).into_iter().map(said).collect());
    }
    for (idx, call) in completion.calls.iter().enumerate() {
        let piece = |text| json!({ "type": "input_json_delta", "partial_json": text });
        let deltas = pieces(&call.arguments).into_iter().map(piece).collect();
        block(tool_use(completion, idx, call, json!({})), deltas);
    }
    let mut end = json!({
        "type": "message_delta",
        "delta": {
            "stop_reason": stop_reason(completion),
            "stop_sequence": stop_sequence(completion),
            "stop_details": stop_details(completion),
        },
    });
    if completion.reports_usage {
        // All of it again: what the start said is not to be added.
        end["usage"] = usage(completion.tokens);
    }
    events.push(Event::new("message_delta", &end));
    events.push(Event::new("message_stop", &json!({ "type": "message_stop" })));
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

/// The message without why it stopped.
fn message(completion: &Completion, content: Vec<Value>, usage: Value) -> Value {
    let mut message = json!({
        "id": format!("msg_{}", completion.id),
        "type": "message",
        "role": "assistant",
        "model": completion.model,
        "content": content,
        "stop_reason": null,
        "stop_sequence": null,
        "stop_details": null,
    });
    if !usage.is_null() {
        message["usage"] = usage;
    }
    message
}

fn tool_use(completion: &Completion, call_idx: usize, call: &Call, input: Value) -> Value {
    json!({ "type": "tool_use", "id": completion.call_id("toolu", call_idx), "name": call.name, "input": input })
}

/// `input_tokens` leaves out what the cache read or wrote here, unlike OpenAI's `prompt_tokens`.
fn usage(tokens: Tokens) -> Value {
    let mut usage = json!({
        "input_tokens": tokens.uncached(),
        "cache_creation_input_tokens": tokens.cache_writes(),
        "cache_read_input_tokens": tokens.cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": tokens.cache_write,
            "ephemeral_1h_input_tokens": tokens.cache_write_1h,
        },
        "output_tokens": tokens.output,
        "service_tier": "standard",
    });
    if tokens.reasoning > 0 {
        usage["output_tokens_details"] = json!({ "thinking_tokens": tokens.reasoning });
    }
    usage
}

fn stop_reason(completion: &Completion) -> &'static str {
    match &completion.stop {
        Stop::Length => "max_tokens",
        Stop::Refusal | Stop::Filter => "refusal",
        Stop::Sequence(_) => "stop_sequence",
        Stop::End if !completion.calls.is_empty() => "tool_use",
        Stop::End => "end_turn",
    }
}

fn stop_sequence(completion: &Completion) -> Value {
    match &completion.stop {
        Stop::Sequence(sequence) => json!(sequence),
        _ => Value::Null,
    }
}

/// Why it refused, if it did.
fn stop_details(completion: &Completion) -> Value {
    match completion.stop {
        Stop::Refusal | Stop::Filter => json!({ "type": "refusal", "category": null, "explanation": null }),
        _ => Value::Null,
    }
}
