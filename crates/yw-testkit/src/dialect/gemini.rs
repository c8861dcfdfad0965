//! Gemini's `generateContent`, at Google's own address and on Vertex.

use serde_json::{Value, json};

use super::read::{Draft, kind_of, strings, text_of};
use super::{Completion, Event, Parsed, pieces};
use crate::reply::Stop;
use crate::request::{ChatMessage, Settings, Tool, ToolChoice};
use crate::tokens::Tokens;

pub(super) fn parse(body: &Value) -> Result<Parsed, String> {
    let config = &body["generationConfig"];
    let thinking = &config["thinkingConfig"];
    let mut parsed = Parsed {
        system: text_of(&body["systemInstruction"]["parts"]),
        include_usage: true,
        thinks: thinking["includeThoughts"] == json!(true),
        settings: Settings {
            max_tokens: config["maxOutputTokens"].as_u64(),
            temperature: config["temperature"].as_f64(),
            top_p: config["topP"].as_f64(),
            stop: strings(&config["stopSequences"]),
        },
        ..Parsed::default()
    };
    let contents = body.get("contents").and_then(Value::as_array).ok_or("contents: expected a list")?;
    for content in contents {
        let role = match content.get("role").and_then(Value::as_str) {
            None | Some("user" | "function") => "user",
            Some("model") => "assistant",
            _ => return Err(format!("contents: no role {}", content["role"])),
        };
        read_content(role, content, &mut parsed.messages)?;
    }
    if config["responseMimeType"] == "application/json" {
        let schema = config.get("responseJsonSchema").or_else(|| config.get("responseSchema"));
        parsed.schema = Some(schema.map_or_else(|| json!({ "type": "object" }), plain_types));
    }
    for declaration in body["tools"].as_array().into_iter().flatten().flat_map(declarations) {
        let name = declaration["name"].as_str().ok_or("tools: expected a name")?.to_owned();
        let schema = declaration.get("parametersJsonSchema").unwrap_or(&declaration["parameters"]);
        parsed.tools.push(Tool { name, schema: plain_types(schema) });
    }
    parsed.tool_choice = tool_choice(&body["toolConfig"]["functionCallingConfig"])?;
    Ok(parsed)
}

fn declarations(tool: &Value) -> impl Iterator<Item = &Value> {
    tool["functionDeclarations"].as_array().into_iter().flatten()
}

/// The results of functions become messages of their own.
fn read_content(role: &str, content: &Value, messages: &mut Vec<ChatMessage>) -> Result<(), String> {
    let mut draft = Draft::default();
    let parts = content.get("parts").and_then(Value::as_array).ok_or("contents: expected 'parts'")?;
    for part in parts {
        if let Some(text) = part.get("text") {
            match part["thought"] == json!(true) {
                true => draft.reasoning(text),
                false => draft.text(text),
            }
        } else if let Some(blob) = part.get("inlineData") {
            let media_type = blob["mimeType"].as_str().ok_or("contents: inlineData needs its 'mimeType'")?;
            draft.data(kind_of(media_type), media_type, &blob["data"]);
        } else if let Some(file) = part.get("fileData") {
            draft.address(kind_of(file["mimeType"].as_str().unwrap_or_default()), &file["fileUri"]);
        } else if let Some(call) = part.get("functionCall") {
            draft.call(&call["name"], &call["args"]);
        } else if let Some(response) = part.get("functionResponse") {
            if !response["name"].is_string() || !response["response"].is_object() {
                return Err("contents: functionResponse needs 'name' and an object 'response'".to_owned());
            }
            messages.push(ChatMessage {
                role: "tool".to_owned(),
                text: result_text(&response["response"]),
                extras: Vec::new(),
            });
        } else {
            return Err(format!("contents: cannot read the part {part}"));
        }
    }
    if !draft.is_empty() {
        messages.push(draft.finish(role));
    }
    Ok(())
}

/// What a tool returned: results must be objects here, so that a text is wrapped in one with a single key.
fn result_text(response: &Value) -> String {
    let only = response.as_object().filter(|r| r.len() == 1).and_then(|r| r.values().next());
    match only.and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None => response.to_string(),
    }
}

fn tool_choice(config: &Value) -> Result<ToolChoice, String> {
    let allowed = strings(&config["allowedFunctionNames"]);
    match config.get("mode").and_then(Value::as_str) {
        None | Some("AUTO" | "VALIDATED" | "MODE_UNSPECIFIED") => Ok(ToolChoice::Auto),
        Some("NONE") => Ok(ToolChoice::None),
        Some("ANY") => Ok(match allowed.as_slice() {
            [name] => ToolChoice::Named(name.clone()),
            _ => ToolChoice::Required,
        }),
        Some(other) => Err(format!("toolConfig: no mode '{other}'")),
    }
}

/// The schema with the types in lower case, which the OpenAPI dialect of Gemini shouts.
fn plain_types(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => {
            let plain = |(key, inner): (&String, &Value)| match (key.as_str(), inner) {
                ("type", Value::String(name)) => (key.clone(), json!(name.to_lowercase())),
                _ => (key.clone(), plain_types(inner)),
            };
            map.iter().map(plain).collect()
        }
        Value::Array(items) => items.iter().map(plain_types).collect(),
        other => other.clone(),
    }
}

pub(super) fn body(completion: &Completion) -> Value {
    let mut parts = Vec::new();
    if let Some(reasoning) = &completion.reasoning {
        parts.push(json!({ "text": reasoning, "thought": true }));
    }
    if !completion.text.is_empty() || (completion.calls.is_empty() && completion.reasoning.is_none()) {
        parts.push(json!({ "text": completion.text }));
    }
    parts.extend((0..completion.calls.len()).map(|idx| call_part(completion, idx)));
    reply(completion, parts, Some(finish_reason(completion)), completion.usage(usage))
}

pub(super) fn events(completion: &Completion) -> Vec<Event> {
    let mut parts = Vec::new();
    let thought = |text| json!({ "text": text, "thought": true });
    parts.extend(completion.reasoning.iter().flat_map(|r| pieces(r)).map(thought));
    if !completion.text.is_empty() {
        parts.extend(pieces(&completion.text).into_iter().map(|text| json!({ "text": text })));
    }
    // Calls are not streamed in pieces.
    parts.extend((0..completion.calls.len()).map(|idx| call_part(completion, idx)));
    let n_parts = parts.len();
    // Every event has the usage until then: it is not to be summed.
    let so_far = |n_sent| match completion.reports_usage {
        true => usage(completion.tokens.so_far(n_sent, n_parts)),
        false => Value::Null,
    };
    let mut events: Vec<Event> = parts
        .into_iter()
        .enumerate()
        .map(|(idx, part)| Event::content("", &reply(completion, vec![part], None, so_far(idx + 1))))
        .collect();
    let end = reply(completion, vec![json!({ "text": "" })], Some(finish_reason(completion)), completion.usage(usage));
    events.push(Event::new("", &end));
    events
}

pub(super) fn error(status: u16, message: &str) -> Value {
    let name = match status {
        400 | 413 | 422 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        503 | 529 => "UNAVAILABLE",
        408 | 504 => "DEADLINE_EXCEEDED",
        500.. => "INTERNAL",
        _ => "FAILED_PRECONDITION",
    };
    json!({ "error": { "code": status, "message": message, "status": name } })
}

/// A reply or one event of it.
fn reply(completion: &Completion, parts: Vec<Value>, finish: Option<&str>, usage: Value) -> Value {
    let mut candidate = json!({ "content": { "parts": parts, "role": "model" }, "index": 0 });
    if let Some(finish) = finish {
        candidate["finishReason"] = finish.into();
    }
    let mut reply = json!({ "candidates": [candidate] });
    if !usage.is_null() {
        reply["usageMetadata"] = usage;
    }
    reply["modelVersion"] = json!(completion.model);
    reply["responseId"] = json!(completion.id);
    reply
}

fn call_part(completion: &Completion, call_idx: usize) -> Value {
    let call = &completion.calls[call_idx];
    let id = completion.call_id("call", call_idx);
    let mut part = json!({ "functionCall": { "id": id, "name": call.name, "args": call.object() } });
    // Only the first of several calls is signed.
    if call_idx == 0 && completion.reasoning.is_some() {
        part["thoughtSignature"] = json!(completion.signature());
    }
    part
}

fn finish_reason(completion: &Completion) -> &'static str {
    match completion.stop {
        Stop::Length => "MAX_TOKENS",
        Stop::Refusal | Stop::Filter => "SAFETY",
        Stop::End | Stop::Sequence(_) => "STOP",
    }
}

/// The prompt includes what was cached here, and the candidates leave out the thoughts, unlike elsewhere.
fn usage(tokens: Tokens) -> Value {
    let details = |kinds: [(&str, u64); 3]| -> Vec<Value> {
        let some = kinds.into_iter().filter(|(_, n)| *n > 0);
        some.map(|(modality, n)| json!({ "modality": modality, "tokenCount": n })).collect()
    };
    let written = tokens.output.saturating_sub(tokens.reasoning);
    let text_input = tokens.input.saturating_sub(tokens.audio_input + tokens.image_input);
    let mut usage = json!({
        "promptTokenCount": tokens.input,
        "candidatesTokenCount": written,
        "totalTokenCount": tokens.input + tokens.output,
        "promptTokensDetails":
            details([("TEXT", text_input), ("AUDIO", tokens.audio_input), ("IMAGE", tokens.image_input)]),
    });
    if tokens.cached > 0 {
        usage["cachedContentTokenCount"] = tokens.cached.into();
        usage["cacheTokensDetails"] = details([("TEXT", tokens.cached), ("AUDIO", 0), ("IMAGE", 0)]).into();
    }
    if tokens.reasoning > 0 {
        usage["thoughtsTokenCount"] = tokens.reasoning.into();
    }
    if tokens.audio_output > 0 {
        let text = written.saturating_sub(tokens.audio_output);
        usage["candidatesTokensDetails"] =
            details([("TEXT", text), ("AUDIO", tokens.audio_output), ("IMAGE", 0)]).into();
    }
    usage
}
