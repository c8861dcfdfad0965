//! OpenAI chat completions.

use serde_json::{Value, json};

use super::read::{Draft, add_system, parts, strings, text_of, tools};
use super::{CREATED, Completion, Event, Parsed, check_schema, pieces};
use crate::reply::Stop;
use crate::request::{ChatMessage, Settings, ToolChoice};
use crate::tokens::Tokens;

pub(super) fn parse(body: &Value) -> Result<Parsed, String> {
    let limit = body.get("max_completion_tokens").or_else(|| body.get("max_tokens"));
    let mut parsed = Parsed {
        include_usage: body.pointer("/stream_options/include_usage") == Some(&json!(true)),
        thinks: body.get("reasoning_effort").is_some_and(|e| e.is_string() && e != "none"),
        settings: Settings {
            max_tokens: limit.and_then(Value::as_u64),
            temperature: body["temperature"].as_f64(),
            top_p: body["top_p"].as_f64(),
            stop: strings(&body["stop"]),
        },
        ..Parsed::default()
    };
    let messages = body.get("messages").and_then(Value::as_array).ok_or("messages: expected a list")?;
    for message in messages {
        match message.get("role").and_then(Value::as_str) {
            Some("system" | "developer") => add_system(&mut parsed.system, text_of(&message["content"])),
            Some(role @ ("user" | "assistant" | "tool")) => parsed.messages.push(read_message(role, message)?),
            _ => return Err(format!("messages: no role {}", message["role"])),
        }
    }
    if let Some(format) = body.get("response_format") {
        parsed.schema = schema_of(format)?;
    }
    parsed.tools = tools(&body["tools"], |t| Some((t.pointer("/function/name")?, &t["function"]["parameters"])))?;
    parsed.tool_choice = tool_choice(&body["tool_choice"], "/function/name")?;
    Ok(parsed)
}

fn read_message(role: &str, message: &Value) -> Result<ChatMessage, String> {
    let mut draft = Draft::default();
    if let Some(reasoning) = message.get("reasoning_content").filter(|r| r.is_string()) {
        draft.reasoning(reasoning);
    }
    for part in parts(&message["content"]) {
        match part.get("type").and_then(Value::as_str) {
            None if part.is_string() => draft.text(part),
            Some("text") => draft.text(&part["text"]),
            Some("refusal") => draft.text(&part["refusal"]),
            Some("image_url") => draft.address("image", &part["image_url"]["url"]),
            Some("file") => match part.pointer("/file/file_data") {
                Some(data) => draft.address("document", data),
                None => draft.address("document", &part["file"]["file_id"]),
            },
            Some("input_audio") => {
                let media_type = format!("audio/{}", part["input_audio"]["format"].as_str().unwrap_or("?"));
                draft.data("audio", &media_type, &part["input_audio"]["data"]);
            }
            _ => return Err(format!("messages: no part of type {}", part["type"])),
        }
    }
    for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
        if !call["id"].is_string() {
            return Err("messages: a tool call needs its id".to_owned());
        }
        draft.call(&call["function"]["name"], &call["function"]["arguments"]);
    }
    if role == "tool" && !message["tool_call_id"].is_string() {
        return Err("messages: the result of a tool needs its 'tool_call_id'".to_owned());
    }
    Ok(draft.finish(role))
}

fn schema_of(format: &Value) -> Result<Option<Value>, String> {
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(None),
        Some("json_object") => Ok(Some(json!({ "type": "object" }))),
        Some("json_schema") => {
            let wanted = &format["json_schema"];
            if !wanted["name"].is_string() || !wanted["schema"].is_object() {
                return Err("response_format.json_schema: expected 'name' and 'schema'".to_owned());
            }
            if wanted["strict"] == json!(true) {
                check_schema(&wanted["schema"], true)?;
            }
            Ok(Some(wanted["schema"].clone()))
        }
        _ => Err(format!("response_format: no type {}", format["type"])),
    }
}

/// `name_at` is where an object has the name of a forced tool.
pub(super) fn tool_choice(choice: &Value, name_at: &str) -> Result<ToolChoice, String> {
    match choice {
        Value::Null => Ok(ToolChoice::Auto),
        Value::String(word) => match word.as_str() {
            "auto" => Ok(ToolChoice::Auto),
            "none" => Ok(ToolChoice::None),
            "required" => Ok(ToolChoice::Required),
            _ => Err(format!("tool_choice: no choice '{word}'")),
        },
        _ => match choice.pointer(name_at).and_then(Value::as_str) {
            Some(name) => Ok(ToolChoice::Named(name.to_owned())),
            None => Err(format!("tool_choice: cannot read {choice}")),
        },
    }
}

pub(super) fn body(completion: &Completion) -> Value {
    let is_refusal = completion.stop == Stop::Refusal;
    let has_text = !is_refusal && (!completion.text.is_empty() || completion.calls.is_empty());
    let mut message = json!({
        "role": "assistant",
        "content": has_text.then_some(&completion.text),
        "refusal": is_refusal.then_some(&completion.text),
    });
    if let Some(reasoning) = &completion.reasoning {
        message["reasoning_content"] = json!(reasoning);
    }
    if !completion.calls.is_empty() {
        let call = |(idx, call): (usize, &super::Call)| {
            json!({
                "id": completion.call_id("call", idx),
                "type": "function",
                "function": { "name": call.name, "arguments": call.arguments },
            })
        };
        message["tool_calls"] = completion.calls.iter().enumerate().map(call).collect();
    }
    let mut body = json!({
        "id": format!("chatcmpl-{}", completion.id),
        "object": "chat.completion",
        "created": CREATED,
        "model": completion.model,
        "choices": [{
            "index": 0,
            "message": message,
            "logprobs": null,
            "finish_reason": finish_reason(completion),
        }],
    });
    if completion.reports_usage {
        body["usage"] = usage(completion.tokens);
    }
    body
}

pub(super) fn events(completion: &Completion, include_usage: bool) -> Vec<Event> {
    let chunk = |choices: Value, usage: Value| {
        let mut chunk = json!({
            "id": format!("chatcmpl-{}", completion.id),
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": completion.model,
            "choices": choices,
        });
        if include_usage {
            chunk["usage"] = usage;
        }
        chunk
    };
    let delta = |delta: Value, finish: Value| {
        chunk(json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish }]), Value::Null)
    };
    let content = |value: Value| Event::content("", &delta(value, Value::Null));

    let is_refusal = completion.stop == Stop::Refusal;
    let has_text = !is_refusal && (!completion.text.is_empty() || completion.calls.is_empty());
    let first = json!({ "role": "assistant", "content": has_text.then_some("") });
    let mut events = vec![Event::new("", &delta(first, Value::Null))];
    for text in completion.reasoning.iter().flat_map(|r| pieces(r)) {
        events.push(content(json!({ "reasoning_content": text })));
    }
    if is_refusal || has_text {
        let field = if is_refusal { "refusal" } else { "content" };
        events.extend(pieces(&completion.text).into_iter().map(|text| content(json!({ field: text }))));
    }
    for (idx, call) in completion.calls.iter().enumerate() {
        // The id and the name of a tool call come once, in its first fragment: clients concatenate what repeats.
        let function = json!({ "name": call.name, "arguments": "" });
        let id = completion.call_id("call", idx);
        let first = json!({ "index": idx, "id": id, "type": "function", "function": function });
        events.push(Event::new("", &delta(json!({ "tool_calls": [first] }), Value::Null)));
        for text in pieces(&call.arguments) {
            events.push(content(json!({ "tool_calls": [{ "index": idx, "function": { "arguments": text } }] })));
        }
    }
    events.push(Event::new("", &delta(json!({}), finish_reason(completion).into())));
    if include_usage && completion.reports_usage {
        events.push(Event::new("", &chunk(json!([]), usage(completion.tokens))));
    }
    events.push(Event { name: "", data: b"[DONE]".to_vec(), is_content: false });
    events
}

pub(super) fn error(status: u16, message: &str) -> Value {
    let (kind, code) = match status {
        401 => ("invalid_request_error", json!("invalid_api_key")),
        403 => ("permission_error", Value::Null),
        404 => ("invalid_request_error", json!("model_not_found")),
        408 => ("timeout_error", Value::Null),
        429 => ("rate_limit_error", json!("rate_limit_exceeded")),
        500.. => ("server_error", Value::Null),
        _ => ("invalid_request_error", Value::Null),
    };
    json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })
}

fn finish_reason(completion: &Completion) -> &'static str {
    match &completion.stop {
        Stop::Length => "length",
        Stop::Refusal | Stop::Filter => "content_filter",
        Stop::End if !completion.calls.is_empty() => "tool_calls",
        Stop::End | Stop::Sequence(_) => "stop",
    }
}

fn usage(tokens: Tokens) -> Value {
    let mut usage = json!({
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": { "cached_tokens": tokens.cached, "audio_tokens": tokens.audio_input },
        "completion_tokens_details": { "reasoning_tokens": tokens.reasoning, "audio_tokens": tokens.audio_output },
    });
    // Only some servers of this dialect know these.
    for (name, n) in [("cache_write_tokens", tokens.cache_writes()), ("image_tokens", tokens.image_input)] {
        if n > 0 {
            usage["prompt_tokens_details"][name] = n.into();
        }
    }
    usage
}
