//! Tools, reasoning and what else a reply can hold, in every dialect.

use serde_json::{Value, json};
use yw_task::Dialect;
use yw_testkit::{Reply, Script, ScriptedServer, Stop};

use crate::client::{DIALECTS, Received, as_stream, ask_plainly, payloads, schema, send};

/// A question with the tools `answer` and `lookup`, of which one is forced, any is, none may be, or the model decides.
fn ask_with_tools(dialect: Dialect, choice: &str) -> Value {
    let mut body = ask_plainly(dialect, "an invoice");
    let lookup = json!({ "type": "object", "properties": { "id": { "type": "integer" } } });
    let tools = [("answer", schema()), ("lookup", lookup)];
    let list = |tool: fn((&str, Value)) -> Value| -> Value { tools.clone().into_iter().map(tool).collect() };
    let is_name = !["auto", "any", "none"].contains(&choice);
    match dialect {
        Dialect::OpenAi => {
            body["tools"] =
                list(|(name, s)| json!({ "type": "function", "function": { "name": name, "parameters": s } }));
            body["tool_choice"] = match choice {
                "any" => json!("required"),
                name if is_name => json!({ "type": "function", "function": { "name": name } }),
                word => json!(word),
            };
        }
        Dialect::Responses => {
            body["tools"] = list(|(name, s)| json!({ "type": "function", "name": name, "parameters": s }));
            body["tool_choice"] = match choice {
                "any" => json!("required"),
                name if is_name => json!({ "type": "function", "name": name }),
                word => json!(word),
            };
        }
        Dialect::Anthropic => {
            body["tools"] = list(|(name, s)| json!({ "name": name, "input_schema": s }));
            let tool = json!({ "type": "tool", "name": choice });
            body["tool_choice"] = if is_name { tool } else { json!({ "type": choice }) };
        }
        Dialect::Gemini => {
            body["tools"] =
                json!([{ "functionDeclarations": list(|(name, s)| json!({ "name": name, "parameters": s })) }]);
            let config = match choice {
                name if is_name => json!({ "mode": "ANY", "allowedFunctionNames": [name] }),
                word => json!({ "mode": word.to_uppercase() }),
            };
            body["toolConfig"] = json!({ "functionCallingConfig": config });
        }
        Dialect::Bedrock => {
            let tools = list(|(name, s)| json!({ "toolSpec": { "name": name, "inputSchema": { "json": s } } }));
            let kind = if is_name { json!({ "tool": { "name": choice } }) } else { json!({ choice: {} }) };
            // There is no way to forbid tools but to send none.
            match choice {
                "none" => {}
                _ => body["toolConfig"] = json!({ "tools": tools, "toolChoice": kind }),
            }
        }
    }
    body
}

/// What a reply or a stream holds, alike for all dialects.
#[derive(Debug, Default, PartialEq)]
struct Said {
    reasoning: String,
    text: String,
    /// Names and arguments.
    calls: Vec<(String, Value)>,
    stop: String,
    is_signed: bool,
}

fn read(dialect: Dialect, received: &Received) -> Said {
    assert!(received.status == 200 && received.complete, "{received:?}");
    match (dialect, received.is_stream()) {
        (Dialect::OpenAi, false) => read_openai(&received.json()["choices"][0]["message"], &received.json()),
        (Dialect::OpenAi, true) => read_openai_stream(&payloads(received)),
        (Dialect::Responses, false) => read_responses(&received.json()),
        (Dialect::Responses, true) => read_responses_stream(&payloads(received)),
        (Dialect::Anthropic, false) => read_blocks(&received.json()["content"], &received.json()["stop_reason"]),
        (Dialect::Anthropic, true) => read_anthropic_stream(&payloads(received)),
        (Dialect::Gemini, false) => read_gemini(&[received.json()]),
        (Dialect::Gemini, true) => read_gemini(&payloads(received)),
        (Dialect::Bedrock, false) => read_bedrock(&received.json()),
        (Dialect::Bedrock, true) => read_bedrock_stream(received),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn parsed(arguments: &str) -> Value {
    serde_json::from_str(arguments).unwrap()
}

fn read_openai(message: &Value, body: &Value) -> Said {
    let calls = message["tool_calls"].as_array().into_iter().flatten();
    Said {
        reasoning: text(&message["reasoning_content"]),
        text: text(&message["content"]) + &text(&message["refusal"]),
        calls: calls.map(|c| (text(&c["function"]["name"]), parsed(&text(&c["function"]["arguments"])))).collect(),
        stop: text(&body["choices"][0]["finish_reason"]),
        is_signed: false,
    }
}

/// Adds the fragments up as the client does: everything is concatenated but the index.
fn read_openai_stream(chunks: &[Value]) -> Said {
    let mut said = Said::default();
    let mut calls: Vec<(String, String, String)> = Vec::new();
    for choice in chunks.iter().filter_map(|c| c["choices"].get(0)) {
        let delta = &choice["delta"];
        said.reasoning += &text(&delta["reasoning_content"]);
        said.text += &(text(&delta["content"]) + &text(&delta["refusal"]));
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let idx = call["index"].as_u64().unwrap() as usize;
            assert!(idx <= calls.len(), "indexes are dense");
            if idx == calls.len() {
                calls.push(Default::default());
            }
            calls[idx].0 += &text(&call["id"]);
            calls[idx].1 += &text(&call["function"]["name"]);
            calls[idx].2 += &text(&call["function"]["arguments"]);
        }
        said.stop += &text(&choice["finish_reason"]);
    }
    assert!(calls.iter().all(|(id, _, _)| id.starts_with("call_")));
    said.calls = calls.into_iter().map(|(_, name, arguments)| (name, parsed(&arguments))).collect();
    said
}

fn read_responses(response: &Value) -> Said {
    let mut said = Said { stop: text(&response["status"]), ..Said::default() };
    for item in response["output"].as_array().unwrap() {
        match item["type"].as_str().unwrap() {
            "reasoning" => said.reasoning += &text(&item["summary"][0]["text"]),
            "message" => {
                let part = &item["content"][0];
                said.text += &(text(&part["text"]) + &text(&part["refusal"]));
            }
            "function_call" => said.calls.push((text(&item["name"]), parsed(&text(&item["arguments"])))),
            other => panic!("{other}"),
        }
    }
    if let Some(reason) = response["incomplete_details"]["reason"].as_str() {
        said.stop = reason.to_owned();
    }
    said
}

/// Events are numbered, every item and part is announced and ended, and the pieces add up to the whole.
fn read_responses_stream(events: &[Value]) -> Said {
    let names: Vec<&str> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(names[..2], ["response.created", "response.in_progress"]);
    let numbers: Vec<u64> = events.iter().map(|e| e["sequence_number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..events.len() as u64).collect::<Vec<_>>());
    let count = |name: &str| names.iter().filter(|n| **n == name).count();
    assert_eq!(count("response.output_item.added"), count("response.output_item.done"));
    assert_eq!(count("response.content_part.added"), count("response.content_part.done"));
    let end = events.last().unwrap();
    let whole = read_responses(&end["response"]);
    let pieces = |kind: &str| {
        let of_kind = events.iter().filter(|e| e["type"] == format!("response.{kind}.delta"));
        of_kind.map(|e| text(&e["delta"])).collect::<String>()
    };
    assert_eq!(pieces("output_text") + &pieces("refusal"), whole.text);
    assert_eq!(pieces("reasoning_summary_text"), whole.reasoning);
    let added: Vec<&Value> =
        events.iter().filter(|e| e["type"] == "response.output_item.done").map(|e| &e["item"]).collect();
    assert_eq!(added, end["response"]["output"].as_array().unwrap().iter().collect::<Vec<_>>());
    whole
}

fn read_blocks(blocks: &Value, stop: &Value) -> Said {
    let mut said = Said { stop: text(stop), ..Said::default() };
    for block in blocks.as_array().unwrap() {
        match block["type"].as_str().unwrap() {
            "thinking" => {
                said.reasoning = text(&block["thinking"]);
                said.is_signed = block["signature"].as_str().is_some_and(|s| !s.is_empty());
            }
            "text" => said.text = text(&block["text"]),
            "tool_use" => said.calls.push((text(&block["name"]), block["input"].clone())),
            other => panic!("{other}"),
        }
    }
    said
}

fn read_anthropic_stream(events: &[Value]) -> Said {
    assert_eq!(events[0]["type"], "message_start");
    assert_eq!(events.last().unwrap()["type"], "message_stop");
    let mut blocks: Vec<Value> = Vec::new();
    let mut inputs = Vec::new();
    let mut stop = Value::Null;
    for event in events {
        let idx = event["index"].as_u64().unwrap_or_default() as usize;
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                assert_eq!(idx, blocks.len());
                blocks.push(event["content_block"].clone());
                inputs.push(String::new());
            }
            "content_block_delta" => {
                let delta = &event["delta"];
                for field in ["text", "thinking", "signature"] {
                    if let Some(piece) = delta[field].as_str() {
                        blocks[idx][field] = json!(text(&blocks[idx][field]) + piece);
                    }
                }
                inputs[idx] += &text(&delta["partial_json"]);
            }
            "content_block_stop" if blocks[idx]["type"] == "tool_use" => {
                assert_eq!(blocks[idx]["input"], json!({}));
                blocks[idx]["input"] = parsed(&inputs[idx]);
            }
            "message_delta" => stop = event["delta"]["stop_reason"].clone(),
            _ => {}
        }
    }
    read_blocks(&blocks.into(), &stop)
}

fn read_gemini(replies: &[Value]) -> Said {
    let mut said = Said::default();
    for candidate in replies.iter().map(|r| &r["candidates"][0]) {
        for part in candidate["content"]["parts"].as_array().unwrap() {
            match part["functionCall"].is_object() {
                true => said.calls.push((text(&part["functionCall"]["name"]), part["functionCall"]["args"].clone())),
                false if part["thought"] == true => said.reasoning += &text(&part["text"]),
                false => said.text += &text(&part["text"]),
            }
            said.is_signed |= part["thoughtSignature"].is_string();
        }
        said.stop += &text(&candidate["finishReason"]);
    }
    said
}

fn read_bedrock(body: &Value) -> Said {
    let mut said = Said { stop: text(&body["stopReason"]), ..Said::default() };
    for block in body["output"]["message"]["content"].as_array().unwrap() {
        let reasoning = &block["reasoningContent"]["reasoningText"];
        said.reasoning += &text(&reasoning["text"]);
        said.is_signed |= reasoning["signature"].is_string();
        said.text += &text(&block["text"]);
        if let Some(call) = block.get("toolUse") {
            said.calls.push((text(&call["name"]), call["input"].clone()));
        }
    }
    said
}

fn read_bedrock_stream(received: &Received) -> Said {
    let mut said = Said::default();
    let mut calls: Vec<(String, String)> = Vec::new();
    for (name, data) in received.events() {
        let event = parsed(&data);
        let delta = &event["delta"];
        match name.as_deref().unwrap() {
            "contentBlockStart" => calls.push((text(&event["start"]["toolUse"]["name"]), String::new())),
            "contentBlockDelta" => {
                said.text += &text(&delta["text"]);
                said.reasoning += &text(&delta["reasoningContent"]["text"]);
                said.is_signed |= delta["reasoningContent"]["signature"].is_string();
                if let Some(input) = delta["toolUse"]["input"].as_str() {
                    calls.last_mut().unwrap().1 += input;
                }
            }
            "messageStop" => said.stop = text(&event["stopReason"]),
            _ => {}
        }
    }
    said.calls = calls.into_iter().map(|(name, input)| (name, parsed(&input))).collect();
    said
}

/// Asks whole and as a stream; both must say the same.
#[track_caller]
fn ask_both(server: &ScriptedServer, dialect: Dialect, body: Value) -> Said {
    let whole = read(dialect, &send(server, dialect, &body).unwrap());
    let streamed = read(dialect, &send(server, dialect, &as_stream(dialect, body)).unwrap());
    assert_eq!(whole, streamed, "{dialect}: the stream says what the body does");
    whole
}

#[test]
fn reasoning_text_and_parallel_calls_go_in_one_reply() {
    let script = Script::new(|_| {
        Reply::text("One moment.")
            .with_reasoning("Two things are asked.")
            .with_call("lookup", json!({ "id": 7 }))
            .with_call("answer", json!({ "team": "billing" }))
    });
    let server = ScriptedServer::spawn_thread(script).unwrap();
    for dialect in DIALECTS {
        let said = ask_both(&server, dialect, ask_with_tools(dialect, "auto"));
        let stop = match dialect {
            Dialect::OpenAi => "tool_calls",
            Dialect::Responses => "completed",
            Dialect::Anthropic | Dialect::Bedrock => "tool_use",
            Dialect::Gemini => "STOP",
        };
        let calls = vec![("lookup".into(), json!({ "id": 7 })), ("answer".into(), json!({ "team": "billing" }))];
        let is_signed = !matches!(dialect, Dialect::OpenAi | Dialect::Responses);
        let (reasoning, text) = ("Two things are asked.".into(), "One moment.".into());
        assert_eq!(said, Said { reasoning, text, calls, stop: stop.into(), is_signed }, "{dialect}");
    }
}

#[test]
fn the_choice_of_tools_is_obeyed() {
    let server = ScriptedServer::spawn_thread(Script::answer(|_| "billing")).unwrap();
    for dialect in DIALECTS {
        let calls = |choice: &str| ask_both(&server, dialect, ask_with_tools(dialect, choice)).calls;
        assert_eq!(calls("answer"), [("answer".into(), json!({ "team": "billing" }))], "{dialect}");
        assert_eq!(calls("any").len(), 1, "{dialect}");
        assert_eq!((calls("auto"), calls("none")), (vec![], vec![]), "{dialect}");
        let unknown = send(&server, dialect, &ask_with_tools(dialect, "unknown")).unwrap();
        assert_eq!(unknown.status, 400, "{dialect}");
    }
    let calls_anyway = Script::new(|_| Reply::text("No.").with_call("lookup", json!({ "id": 1 })));
    let server = ScriptedServer::spawn_thread(calls_anyway).unwrap();
    for dialect in [Dialect::OpenAi, Dialect::Responses, Dialect::Anthropic, Dialect::Gemini] {
        let said = ask_both(&server, dialect, ask_with_tools(dialect, "none"));
        assert_eq!((said.text.as_str(), said.calls), ("No.", vec![]), "{dialect}");
    }
}

#[test]
fn every_stop_has_the_dialects_word() {
    let stops = [
        (Stop::End, ["stop", "completed", "end_turn", "STOP", "end_turn"]),
        (Stop::Length, ["length", "max_output_tokens", "max_tokens", "MAX_TOKENS", "max_tokens"]),
        (Stop::Sequence("END".into()), ["stop", "completed", "stop_sequence", "STOP", "stop_sequence"]),
        (Stop::Refusal, ["content_filter", "completed", "refusal", "SAFETY", "content_filtered"]),
        (Stop::Filter, ["content_filter", "content_filter", "refusal", "SAFETY", "content_filtered"]),
    ];
    for (stop, words) in stops {
        let reply = Reply::text("Well.").with_stop(stop.clone());
        let server = ScriptedServer::spawn_thread(Script::new(move |_| reply.clone())).unwrap();
        for (dialect, word) in DIALECTS.into_iter().zip(words) {
            let said = ask_both(&server, dialect, ask_plainly(dialect, "q"));
            assert_eq!((said.text.as_str(), said.stop.as_str()), ("Well.", word), "{dialect} {stop:?}");
        }
    }
}
