//! Converse of Amazon Bedrock.

use serde_json::{Value, json};

use super::read::{Draft, strings, text_of};
use super::{Completion, Event, Parsed, pieces};
use crate::reply::Stop;
use crate::request::{ChatMessage, Settings, Tool, ToolChoice};
use crate::tokens::Tokens;

/// What an error in the middle of a stream is called.
pub(crate) const STREAM_ERROR: &str = "modelStreamErrorException";

pub(super) fn parse(body: &Value) -> Result<Parsed, String> {
    let config = &body["inferenceConfig"];
    let additional = &body["additionalModelRequestFields"];
    let mut parsed = Parsed {
        system: text_of(&body["system"]),
        include_usage: true,
        thinks: ["thinking", "reasoning_config"].iter().any(|name| additional[name].is_object()),
        settings: Settings {
            max_tokens: config["maxTokens"].as_u64(),
            temperature: config["temperature"].as_f64(),
            top_p: config["topP"].as_f64(),
            stop: strings(&config["stopSequences"]),
        },
        ..Parsed::default()
    };
    let messages = body.get("messages").and_then(Value::as_array).ok_or("messages: expected a list")?;
    if messages.first().is_some_and(|m| m["role"] != "user") {
        return Err("A conversation must start with a user message.".to_owned());
    }
    for message in messages {
        match message.get("role").and_then(Value::as_str) {
            Some(role @ ("user" | "assistant")) => read_message(role, message, &mut parsed.messages)?,
            _ => return Err(format!("messages: no role {}", message["role"])),
        }
    }
    let format = &body["outputConfig"]["textFormat"];
    if format["type"] == "json_schema" {
        let schema = format.pointer("/structure/jsonSchema/schema").and_then(Value::as_str);
        let schema = schema.and_then(|text| serde_json::from_str(text).ok());
        parsed.schema = Some(schema.ok_or("outputConfig: expected a schema as JSON text")?);
    }
    for tool in body["toolConfig"]["tools"].as_array().into_iter().flatten().filter_map(|t| t.get("toolSpec")) {
        let name = tool["name"].as_str().ok_or("toolConfig: expected a name")?.to_owned();
        let schema = tool.pointer("/inputSchema/json").ok_or("toolConfig: expected inputSchema.json")?;
        parsed.tools.push(Tool { name, schema: schema.clone() });
    }
    parsed.tool_choice = tool_choice(&body["toolConfig"]["toolChoice"])?;
    Ok(parsed)
}

/// The results of tools become messages of their own.
fn read_message(role: &str, message: &Value, messages: &mut Vec<ChatMessage>) -> Result<(), String> {
    let mut draft = Draft::default();
    let blocks = message.get("content").and_then(Value::as_array).ok_or("messages: expected a list of content")?;
    for block in blocks {
        let (kind, value) = only_member(block)?;
        match kind {
            "text" => draft.text(value),
            "image" | "document" => read_media(kind, value, &mut draft),
            "toolUse" => draft.call(&value["name"], &value["input"]),
            "reasoningContent" => draft.reasoning(&value["reasoningText"]["text"]),
            "cachePoint" => {}
            "toolResult" => {
                if !value["toolUseId"].is_string() {
                    return Err("messages: the result of a tool needs its 'toolUseId'".to_owned());
                }
                let mut result = Draft::default();
                for part in value["content"].as_array().into_iter().flatten() {
                    match only_member(part)? {
                        ("text", text) => result.text(text),
                        ("json", object) => result.text(&json!(object.to_string())),
                        (kind, media) => read_media(kind, media, &mut result),
                    }
                }
                messages.push(result.finish("tool"));
            }
            other => return Err(format!("messages: no block '{other}'")),
        }
    }
    if !draft.is_empty() {
        messages.push(draft.finish(role));
    }
    Ok(())
}

/// Blocks are unions: objects with one member, which says the kind.
fn only_member(block: &Value) -> Result<(&str, &Value), String> {
    let mut members = block.as_object().into_iter().flatten();
    match (members.next(), members.next()) {
        (Some((kind, value)), None) => Ok((kind, value)),
        _ => Err(format!("messages: expected a block with one member, not {block}")),
    }
}

fn read_media(kind: &str, value: &Value, draft: &mut Draft) {
    let format = value["format"].as_str().unwrap_or("?");
    let media_type = match (kind, format) {
        ("image", _) => format!("image/{format}"),
        (_, "txt") => "text/plain".to_owned(),
        (_, "md") => "text/markdown".to_owned(),
        (_, "csv" | "html") => format!("text/{format}"),
        _ => format!("application/{format}"),
    };
    draft.data(kind, &media_type, &value["source"]["bytes"]);
}

fn tool_choice(choice: &Value) -> Result<ToolChoice, String> {
    let Some(choice) = choice.as_object() else { return Ok(ToolChoice::Auto) };
    match choice.iter().next().map(|(kind, value)| (kind.as_str(), value)) {
        Some(("auto", _)) => Ok(ToolChoice::Auto),
        Some(("any", _)) => Ok(ToolChoice::Required),
        Some(("tool", tool)) => match tool["name"].as_str() {
            Some(name) => Ok(ToolChoice::Named(name.to_owned())),
            None => Err("toolChoice: expected a name".to_owned()),
        },
        _ => Err("toolChoice: expected auto, any or tool".to_owned()),
    }
}

pub(super) fn body(completion: &Completion) -> Value {
    let mut content = Vec::new();
    if let Some(reasoning) = &completion.reasoning {
        let text = json!({ "text": reasoning, "signature": completion.signature() });
        content.push(json!({ "reasoningContent": { "reasoningText": text } }));
    }
    if !completion.text.is_empty() || completion.calls.is_empty() {
        content.push(json!({ "text": completion.text }));
    }
    for (idx, call) in completion.calls.iter().enumerate() {
        let id = completion.call_id("tooluse", idx);
        content.push(json!({ "toolUse": { "toolUseId": id, "name": call.name, "input": call.object() } }));
    }
    let mut body = json!({
        "output": { "message": { "role": "assistant", "content": content } },
        "stopReason": stop_reason(completion),
        "metrics": { "latencyMs": 1 },
    });
    if completion.reports_usage {
        body["usage"] = usage(completion.tokens);
    }
    body
}

pub(super) fn events(completion: &Completion) -> Vec<Event> {
    let mut events = vec![Event::new("messageStart", &padded(json!({ "role": "assistant" })))];
    let mut n_blocks = 0;
    // Only tool calls announce their block.
    let mut block = |start: Option<Value>, deltas: Vec<Value>| {
        if let Some(start) = start {
            let start = json!({ "contentBlockIndex": n_blocks, "start": start });
            events.push(Event::new("contentBlockStart", &padded(start)));
        }
        for delta in deltas {
            let is_content = delta.pointer("/reasoningContent/signature").is_none();
            let delta = padded(json!({ "contentBlockIndex": n_blocks, "delta": delta }));
            events.push(Event { is_content, ..Event::new("contentBlockDelta", &delta) });
        }
        events.push(Event::new("contentBlockStop", &padded(json!({ "contentBlockIndex": n_blocks }))));
        n_blocks += 1;
    };
    if let Some(reasoning) = &completion.reasoning {
        let thought = |text| json!({ "reasoningContent": { "text": text } });
        let mut deltas: Vec<Value> = pieces(reasoning).into_iter().map(thought).collect();
        deltas.push(json!({ "reasoningContent": { "signature": completion.signature() } }));
        block(None, deltas);
    }
    if !completion.text.is_empty() {
        block(None, pieces(&completion.text).into_iter().map(|text| json!({ "text": text })).collect());
    }
    for (idx, call) in completion.calls.iter().enumerate() {
        let id = completion.call_id("tooluse", idx);
        let deltas = pieces(&call.arguments).into_iter().map(|text| json!({ "toolUse": { "input": text } }));
        block(Some(json!({ "toolUse": { "toolUseId": id, "name": call.name } })), deltas.collect());
    }
    events.push(Event::new("messageStop", &padded(json!({ "stopReason": stop_reason(completion) }))));
    let mut metadata = json!({ "metrics": { "latencyMs": 1 } });
    if completion.reports_usage {
        metadata["usage"] = usage(completion.tokens);
    }
    events.push(Event::new("metadata", &padded(metadata)));
    events
}

/// The service pads its events with letters, so that their lengths say less.
fn padded(mut payload: Value) -> Value {
    payload["p"] = json!("abcdefg");
    payload
}

/// The error's name, which is in a header and not in the body.
pub(super) fn error_type(status: u16) -> &'static str {
    match status {
        401 | 403 => "AccessDeniedException",
        404 => "ResourceNotFoundException",
        408 => "ModelTimeoutException",
        424 => "ModelErrorException",
        429 => "ThrottlingException",
        503 | 529 => "ServiceUnavailableException",
        500.. => "InternalServerException",
        _ => "ValidationException",
    }
}

fn stop_reason(completion: &Completion) -> &'static str {
    match completion.stop {
        Stop::Length => "max_tokens",
        Stop::Refusal | Stop::Filter => "content_filtered",
        Stop::Sequence(_) => "stop_sequence",
        Stop::End if !completion.calls.is_empty() => "tool_use",
        Stop::End => "end_turn",
    }
}

/// The input leaves out what the cache read or wrote; the total has it.
fn usage(tokens: Tokens) -> Value {
    let mut usage = json!({
        "inputTokens": tokens.uncached(),
        "outputTokens": tokens.output,
        "totalTokens": tokens.input + tokens.output,
    });
    if tokens.cached + tokens.cache_writes() > 0 {
        usage["cacheReadInputTokens"] = tokens.cached.into();
        usage["cacheWriteInputTokens"] = tokens.cache_writes().into();
        let details = [("5m", tokens.cache_write), ("1h", tokens.cache_write_1h)];
        let details = details.into_iter().filter(|(_, n)| *n > 0);
        usage["cacheDetails"] = details.map(|(ttl, n)| json!({ "ttl": ttl, "inputTokens": n })).collect();
    }
    usage
}
