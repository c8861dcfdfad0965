//! OpenAI responses.

use serde_json::{Value, json};

use super::openai::tool_choice;
use super::read::{Draft, add_system, parts, text_of, tools};
use super::{CREATED, Completion, Event, Parsed, check_schema, pieces};
use crate::reply::Stop;
use crate::request::{ChatMessage, ChatRequest, Settings};
use crate::tokens::Tokens;

pub(super) fn parse(body: &Value) -> Result<Parsed, String> {
    let mut parsed = Parsed {
        system: text_of(&body["instructions"]),
        include_usage: true,
        thinks: body.get("reasoning").is_some_and(Value::is_object),
        settings: Settings {
            max_tokens: body["max_output_tokens"].as_u64(),
            temperature: body["temperature"].as_f64(),
            top_p: body["top_p"].as_f64(),
            stop: Vec::new(),
        },
        ..Parsed::default()
    };
    match body.get("input") {
        Some(Value::String(text)) => {
            parsed.messages.push(ChatMessage { role: "user".into(), text: text.clone(), extras: Vec::new() });
        }
        Some(Value::Array(items)) => items.iter().try_for_each(|item| read_item(item, &mut parsed))?,
        _ => return Err("input: expected a string or a list".to_owned()),
    }
    parsed.schema = schema_of(&body["text"]["format"])?;
    parsed.tools = tools(&body["tools"], |t| Some((t.get("name")?, &t["parameters"])))?;
    parsed.tool_choice = tool_choice(&body["tool_choice"], "/name")?;
    Ok(parsed)
}

/// Items of one turn of the model become one message, as in the other dialects.
fn read_item(item: &Value, parsed: &mut Parsed) -> Result<(), String> {
    let mut draft = Draft::default();
    let role = match item.get("type").and_then(Value::as_str).unwrap_or("message") {
        "message" => {
            let role = item.get("role").and_then(Value::as_str).unwrap_or_default();
            if matches!(role, "system" | "developer") {
                add_system(&mut parsed.system, text_of(&item["content"]));
                return Ok(());
            }
            if !matches!(role, "user" | "assistant") {
                return Err(format!("input: no role {}", item["role"]));
            }
            parts(&item["content"]).iter().try_for_each(|part| read_part(part, &mut draft))?;
            role
        }
        "function_call" => {
            if !item["call_id"].is_string() {
                return Err("input: a call needs its 'call_id'".to_owned());
            }
            draft.call(&item["name"], &item["arguments"]);
            "assistant"
        }
        "function_call_output" => {
            parts(&item["output"]).iter().try_for_each(|part| read_part(part, &mut draft))?;
            "tool"
        }
        "reasoning" => {
            draft.reasoning(&json!(text_of(&item["summary"])));
            "assistant"
        }
        other => return Err(format!("input: no item of type '{other}'")),
    };
    let mut message = draft.finish(role);
    match parsed.messages.last_mut().filter(|last| role == "assistant" && last.role == role) {
        Some(last) => {
            last.extras.append(&mut message.extras);
            let texts = [std::mem::take(&mut last.text), message.text];
            last.text = texts.into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join("\n");
        }
        None => parsed.messages.push(message),
    }
    Ok(())
}

fn read_part(part: &Value, draft: &mut Draft) -> Result<(), String> {
    match part.get("type").and_then(Value::as_str) {
        None if part.is_string() => draft.text(part),
        Some("input_text" | "output_text") => draft.text(&part["text"]),
        Some("refusal") => draft.text(&part["refusal"]),
        Some("input_image") => draft.address("image", part.get("image_url").unwrap_or(&part["file_id"])),
        Some("input_file") => {
            let source = ["file_data", "file_url", "file_id"].iter().find_map(|name| part.get(name));
            draft.address("document", source.unwrap_or(&Value::Null));
        }
        _ => return Err(format!("input: no part of type {}", part["type"])),
    }
    Ok(())
}

fn schema_of(format: &Value) -> Result<Option<Value>, String> {
    match format.get("type").and_then(Value::as_str) {
        None | Some("text") => Ok(None),
        Some("json_object") => Ok(Some(json!({ "type": "object" }))),
        Some("json_schema") => {
            if !format["name"].is_string() || !format["schema"].is_object() {
                return Err("text.format: expected 'name' and 'schema'".to_owned());
            }
            if format["strict"] == json!(true) {
                check_schema(&format["schema"], true)?;
            }
            Ok(Some(format["schema"].clone()))
        }
        _ => Err(format!("text.format: no type {}", format["type"])),
    }
}

pub(super) fn body(request: &ChatRequest, completion: &Completion) -> Value {
    let status = status(completion);
    let items = items(completion).iter().map(|item| item.whole(status)).collect();
    response(request, completion, status, items)
}

pub(super) fn events(request: &ChatRequest, completion: &Completion) -> Vec<Event> {
    let mut stream = Stream::default();
    let begun = response(request, completion, "in_progress", Vec::new());
    stream.push("response.created", json!({ "response": begun }));
    stream.push("response.in_progress", json!({ "response": begun }));
    let items = items(completion);
    for (output_idx, item) in items.iter().enumerate() {
        stream.push("response.output_item.added", json!({ "output_index": output_idx, "item": item.begun() }));
        item.stream(&mut stream, output_idx);
        let item = item.whole(status(completion));
        stream.push("response.output_item.done", json!({ "output_index": output_idx, "item": item }));
    }
    let end = match status(completion) {
        "incomplete" => "response.incomplete",
        _ => "response.completed",
    };
    stream.push(end, json!({ "response": body(request, completion) }));
    stream.events
}

/// An error as an event after `n_events` others.
pub(super) fn error_event(message: &str, n_events: usize) -> Event {
    let error = json!({
        "type": "error",
        "code": "server_error",
        "message": message,
        "param": null,
        "sequence_number": n_events,
    });
    Event::new("error", &error)
}

/// The events so far; each knows its number.
#[derive(Default)]
struct Stream {
    events: Vec<Event>,
}

impl Stream {
    fn push(&mut self, name: &'static str, payload: Value) {
        let mut data = json!({ "type": name, "sequence_number": self.events.len() });
        if let (Some(data), Value::Object(payload)) = (data.as_object_mut(), payload) {
            data.extend(payload);
        }
        self.events.push(Event { is_content: name.ends_with(".delta"), ..Event::new(name, &data) });
    }

    /// Content in pieces, then whole. `place` says where it stands; `part` is the name of the whole.
    fn pieces(&mut self, names: [&'static str; 2], place: &Value, part: &str, content: &str) {
        let with = |extra: Value| merged(place, extra);
        let is_text = part == "text" && names[0].starts_with("response.output_text");
        for piece in pieces(content) {
            let mut delta = with(json!({ "delta": piece }));
            if is_text {
                delta["logprobs"] = json!([]);
            }
            self.push(names[0], delta);
        }
        let mut done = with(json!({ part: content }));
        if is_text {
            done["logprobs"] = json!([]);
        }
        self.push(names[1], done);
    }
}

/// One item of the output.
enum Item<'a> {
    Reasoning { id: String, text: &'a str },
    Message { id: String, text: &'a str, is_refusal: bool },
    Call { id: String, call_id: String, name: &'a str, arguments: &'a str },
}

fn items(completion: &Completion) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    if let Some(text) = &completion.reasoning {
        items.push(Item::Reasoning { id: format!("rs_{}", completion.id), text });
    }
    if !completion.text.is_empty() || completion.calls.is_empty() {
        let is_refusal = completion.stop == Stop::Refusal;
        items.push(Item::Message { id: format!("msg_{}", completion.id), text: &completion.text, is_refusal });
    }
    items.extend(completion.calls.iter().enumerate().map(|(idx, call)| Item::Call {
        id: completion.call_id("fc", idx),
        call_id: completion.call_id("call", idx),
        name: &call.name,
        arguments: &call.arguments,
    }));
    items
}

impl Item<'_> {
    /// The item when all of it is there.
    fn whole(&self, status: &str) -> Value {
        match self {
            Item::Reasoning { id, text } => {
                json!({ "id": id, "type": "reasoning", "summary": [{ "type": "summary_text", "text": text }] })
            }
            Item::Message { id, .. } => {
                let content = [self.part()];
                json!({ "id": id, "type": "message", "status": status, "role": "assistant", "content": content })
            }
            Item::Call { id, call_id, name, arguments } => json!({
                "id": id,
                "type": "function_call",
                "status": status,
                "call_id": call_id,
                "name": name,
                "arguments": arguments,
            }),
        }
    }

    /// The item when it is announced, still empty.
    fn begun(&self) -> Value {
        let mut item = self.whole("in_progress");
        let emptied = match self {
            Item::Reasoning { .. } => ("summary", json!([])),
            Item::Message { .. } => ("content", json!([])),
            Item::Call { .. } => ("arguments", json!("")),
        };
        item[emptied.0] = emptied.1;
        item
    }

    /// The one part of a message.
    fn part(&self) -> Value {
        match self {
            Item::Message { text, is_refusal: true, .. } => json!({ "type": "refusal", "refusal": text }),
            Item::Message { text, .. } => {
                json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
            }
            _ => Value::Null,
        }
    }

    fn stream(&self, stream: &mut Stream, output_idx: usize) {
        match self {
            Item::Reasoning { id, text } => {
                let place = json!({ "item_id": id, "output_index": output_idx, "summary_index": 0 });
                let part = |text: &str| merged(&place, json!({ "part": { "type": "summary_text", "text": text } }));
                stream.push("response.reasoning_summary_part.added", part(""));
                let names = ["response.reasoning_summary_text.delta", "response.reasoning_summary_text.done"];
                stream.pieces(names, &place, "text", text);
                stream.push("response.reasoning_summary_part.done", part(text));
            }
            Item::Message { id, text, is_refusal } => {
                let place = json!({ "item_id": id, "output_index": output_idx, "content_index": 0 });
                let field = if *is_refusal { "refusal" } else { "text" };
                let mut empty = self.part();
                empty[field] = json!("");
                stream.push("response.content_part.added", merged(&place, json!({ "part": empty })));
                let names = match is_refusal {
                    true => ["response.refusal.delta", "response.refusal.done"],
                    false => ["response.output_text.delta", "response.output_text.done"],
                };
                stream.pieces(names, &place, field, text);
                stream.push("response.content_part.done", merged(&place, json!({ "part": self.part() })));
            }
            Item::Call { id, arguments, .. } => {
                let place = json!({ "item_id": id, "output_index": output_idx });
                for piece in pieces(arguments) {
                    stream.push("response.function_call_arguments.delta", merged(&place, json!({ "delta": piece })));
                }
                let done = merged(&place, json!({ "arguments": arguments }));
                stream.push("response.function_call_arguments.done", done);
            }
        }
    }
}

fn merged(place: &Value, extra: Value) -> Value {
    let mut merged = place.clone();
    if let (Some(merged), Value::Object(extra)) = (merged.as_object_mut(), extra) {
        merged.extend(extra);
    }
    merged
}

/// The response object, which repeats much of the request.
fn response(request: &ChatRequest, completion: &Completion, status: &str, output: Vec<Value>) -> Value {
    let of_request = |name: &str, otherwise: Value| match request.body.get(name) {
        None | Some(Value::Null) => otherwise,
        Some(given) => given.clone(),
    };
    let is_done = status != "in_progress";
    let reason = match completion.stop {
        Stop::Length => json!({ "reason": "max_output_tokens" }),
        Stop::Filter => json!({ "reason": "content_filter" }),
        _ => Value::Null,
    };
    json!({
        "id": format!("resp_{}", completion.id),
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": if is_done { reason } else { Value::Null },
        "instructions": of_request("instructions", Value::Null),
        "max_output_tokens": of_request("max_output_tokens", Value::Null),
        "metadata": of_request("metadata", json!({})),
        "model": completion.model,
        "output": output,
        "parallel_tool_calls": of_request("parallel_tool_calls", json!(true)),
        "previous_response_id": null,
        "reasoning": of_request("reasoning", json!({ "effort": null, "summary": null })),
        "service_tier": "default",
        "store": of_request("store", json!(true)),
        "temperature": of_request("temperature", json!(1.0)),
        "text": of_request("text", json!({ "format": { "type": "text" } })),
        "tool_choice": of_request("tool_choice", json!("auto")),
        "tools": of_request("tools", json!([])),
        "top_p": of_request("top_p", json!(1.0)),
        "truncation": "disabled",
        "usage": if is_done { completion.usage(usage) } else { Value::Null },
        "user": null,
    })
}

fn status(completion: &Completion) -> &'static str {
    match completion.stop {
        Stop::Length | Stop::Filter => "incomplete",
        _ => "completed",
    }
}

fn usage(tokens: Tokens) -> Value {
    json!({
        "input_tokens": tokens.input,
        "input_tokens_details": { "cached_tokens": tokens.cached, "cache_write_tokens": tokens.cache_writes() },
        "output_tokens": tokens.output,
        "output_tokens_details": { "reasoning_tokens": tokens.reasoning },
        "total_tokens": tokens.input + tokens.output,
    })
}
