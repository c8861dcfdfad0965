//! OpenAI chat completions.

use serde_json::{Value, json};

use super::{CREATED, Completion, Finish, Parsed, check_schema, pieces, text_of};
use crate::request::ChatMessage;

pub(super) fn parse(body: &Value) -> Result<Parsed, String> {
    let mut parsed = Parsed {
        system: String::new(),
        messages: Vec::new(),
        schema: None,
        tool: None,
        include_usage: body.pointer("/stream_options/include_usage") == Some(&json!(true)),
    };
    let messages = body.get("messages").and_then(Value::as_array).ok_or("messages: expected a list")?;
    for message in messages {
        let text = text_of(&message["content"]);
        match message.get("role").and_then(Value::as_str) {
            Some("system" | "developer") if parsed.system.is_empty() => parsed.system = text,
            Some("system" | "developer") => parsed.system = format!("{}\n{text}", parsed.system),
            Some(role @ ("user" | "assistant" | "tool")) => {
                parsed.messages.push(ChatMessage { role: role.to_owned(), text });
            }
            _ => return Err(format!("messages: no role {}", message["role"])),
        }
    }
    structured_output(body, &mut parsed)?;
    Ok(parsed)
}

fn structured_output(body: &Value, parsed: &mut Parsed) -> Result<(), String> {
    if let Some(format) = body.get("response_format") {
        match format.get("type").and_then(Value::as_str) {
            Some("text") => {}
            Some("json_object") => parsed.schema = Some(json!({ "type": "object" })),
            Some("json_schema") => {
                let wanted = &format["json_schema"];
                if !wanted["name"].is_string() || !wanted["schema"].is_object() {
                    return Err("response_format.json_schema: expected 'name' and 'schema'".to_owned());
                }
                if wanted["strict"] == json!(true) {
                    check_schema(&wanted["schema"], true)?;
                }
                parsed.schema = Some(wanted["schema"].clone());
            }
            _ => return Err(format!("response_format: no type {}", format["type"])),
        }
    }
    if let Some(name) = body.pointer("/tool_choice/function/name").and_then(Value::as_str) {
        let tools = body.get("tools").and_then(Value::as_array);
        let tool = tools.into_iter().flatten().find(|t| t.pointer("/function/name").is_some_and(|n| n == name));
        let tool = tool.ok_or_else(|| format!("tool_choice: no tool '{name}'"))?;
        parsed.schema = tool.pointer("/function/parameters").cloned();
        parsed.tool = Some(name.to_owned());
    }
    Ok(())
}

pub(super) fn body(completion: &Completion) -> Value {
    let message = match &completion.tool {
        Some(tool) => json!({
            "role": "assistant",
            "content": null,
            "refusal": null,
            "tool_calls": [{
                "id": call_id(completion),
                "type": "function",
                "function": { "name": tool, "arguments": completion.content },
            }],
        }),
        None if completion.finish == Finish::Refusal => {
            json!({ "role": "assistant", "content": null, "refusal": completion.content })
        }
        None => json!({ "role": "assistant", "content": completion.content, "refusal": null }),
    };
    json!({
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
        "usage": usage(completion),
    })
}

pub(super) fn events(completion: &Completion, include_usage: bool) -> Vec<String> {
    let event = |choices: Value, usage: Value| {
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
        format!("data: {chunk}\n\n")
    };
    let delta = |delta: Value, finish: Value| {
        event(json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish }]), Value::Null)
    };

    // The id and the name of a tool call come once, in its first fragment: clients concatenate what repeats.
    let (first, piece): (Value, fn(&str) -> Value) = match &completion.tool {
        Some(tool) => {
            let function = json!({ "name": tool, "arguments": "" });
            let call = json!({ "index": 0, "id": call_id(completion), "type": "function", "function": function });
            (
                json!({ "role": "assistant", "content": null, "tool_calls": [call] }),
                |text| json!({ "tool_calls": [{ "index": 0, "function": { "arguments": text } }] }),
            )
        }
        None if completion.finish == Finish::Refusal => {
            (json!({ "role": "assistant", "content": null }), |text| json!({ "refusal": text }))
        }
        None => (json!({ "role": "assistant", "content": "" }), |text| json!({ "content": text })),
    };
    let mut events = vec![delta(first, Value::Null)];
    events.extend(pieces(&completion.content).into_iter().map(|text| delta(piece(text), Value::Null)));
    events.push(delta(json!({}), finish_reason(completion).into()));
    if include_usage {
        events.push(event(json!([]), usage(completion)));
    }
    events.push("data: [DONE]\n\n".to_owned());
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
    match (completion.finish, &completion.tool) {
        (Finish::Length, _) => "length",
        (Finish::Refusal, _) => "content_filter",
        (Finish::Done, Some(_)) => "tool_calls",
        (Finish::Done, None) => "stop",
    }
}

fn call_id(completion: &Completion) -> String {
    format!("call_{}", completion.id)
}

fn usage(completion: &Completion) -> Value {
    let tokens = completion.tokens;
    json!({
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": { "cached_tokens": tokens.cached, "audio_tokens": 0 },
        "completion_tokens_details": { "reasoning_tokens": tokens.reasoning, "audio_tokens": 0 },
    })
}
