//! Replies of the responses dialect: what providers send, what clients get.

use proptest::prelude::*;
use serde_json::{Value, json};
use yw_llm::{
    AnswerHead, ClientError, ClientRequest, DecodeError, Finish, ProviderErrorKind, Reasoning, Response,
    ResponseBuilder, SseDecoder, StreamDecoder, StreamEncoder, StreamError, StreamEvent, TokenUsage, ToolCall,
    decode_error, decode_request, decode_response, encode_response,
};
use yw_task::Dialect;

use crate::fixture;

const DIALECT: Dialect = Dialect::Responses;
const FIXTURES: [&str; 4] = ["answer", "tools", "forced_tool", "refusal"];

fn steps<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<StreamEvent>, StreamError> {
    let mut decoder = StreamDecoder::new(DIALECT);
    let mut steps = Vec::new();
    for piece in pieces {
        steps.extend(decoder.push(piece)?);
    }
    steps.extend(decoder.finish()?);
    Ok(steps)
}

fn build(steps: Vec<StreamEvent>) -> Response {
    let mut builder = ResponseBuilder::new();
    steps.into_iter().for_each(|step| builder.push(step));
    builder.finish()
}

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Response, StreamError> {
    steps(pieces).map(build)
}

/// A stream of events whose names are not repeated.
fn sse(events: &[Value]) -> Vec<u8> {
    events.iter().flat_map(|event| format!("data: {event}\n\n").into_bytes()).collect()
}

fn whole(name: &str) -> Response {
    decode_response(DIALECT, &fixture(DIALECT, &format!("{name}.json"))).unwrap()
}

fn client(body: &Value) -> ClientRequest {
    decode_request(DIALECT, body.to_string().as_bytes()).unwrap()
}

fn hi() -> ClientRequest {
    client(&json!({"model": "asked", "input": "Hi"}))
}

fn head() -> AnswerHead {
    AnswerHead { id: "abc".into(), created: 1_787_900_000, model: "m".into() }
}

fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
    ToolCall { id: id.into(), name: name.into(), arguments: arguments.into() }
}

#[test]
fn a_reply_is_read() {
    let usage = TokenUsage {
        input_tokens: 2006,
        cached_tokens: 1920,
        output_tokens: 300,
        reasoning_tokens: 256,
        ..TokenUsage::default()
    };
    let thoughts = Reasoning {
        text: "**Sorting**\n\nThe city.\n\nDone.".into(),
        signature: Some("gAAAAABotest".into()),
        is_redacted: false,
        id: Some("rs_1".into()),
    };
    assert_eq!(
        whole("answer"),
        Response {
            id: "resp_a".into(),
            model: "gpt-5-mini-2025-08-07".into(),
            reasoning: vec![thoughts],
            text: r#"{"team":"Zürich"}"#.into(),
            finish: Finish::Stop,
            usage: Some(usage),
            ..Response::default()
        }
    );
    let tools = whole("tools");
    assert_eq!(tools.tool_calls, [call("call_a", "lookup", r#"{"order": 17}"#), call("call_b", "refund", "{}")]);
    assert_eq!((tools.finish, tools.reasoning.len()), (Finish::ToolCalls, 0));
    let forced = whole("forced_tool");
    assert_eq!(
        (forced.text.as_str(), forced.finish, forced.tool_calls.len()),
        (r#"{"team":"billing"}"#, Finish::Stop, 0)
    );
    let refusal = whole("refusal");
    assert_eq!((refusal.text.as_str(), refusal.finish), ("I can't help with that.", Finish::Refused));
}

#[test]
fn endings_are_told_apart() {
    let finish = |members: Value| {
        let mut body = json!({"output": []});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        decode_response(DIALECT, body.to_string().as_bytes()).unwrap().finish
    };
    let incomplete = |reason: &str| json!({"status": "incomplete", "incomplete_details": {"reason": reason}});
    assert_eq!(finish(json!({})), Finish::Stop);
    assert_eq!(finish(incomplete("max_output_tokens")), Finish::Length);
    assert_eq!(finish(incomplete("content_filter")), Finish::Refused);
    assert_eq!(finish(incomplete("steered")), Finish::Other("steered".into()));
    assert_eq!(finish(json!({"status": "incomplete", "incomplete_details": null})), Finish::Other("incomplete".into()));
    assert_eq!(finish(json!({"status": "cancelled"})), Finish::Other("cancelled".into()));
}

#[test]
fn usage_is_read_in_every_detail() {
    let usage = |usage: Value| {
        decode_response(DIALECT, json!({"output": [], "usage": usage}).to_string().as_bytes()).unwrap().usage
    };
    let full = json!({
        "input_tokens": 100, "output_tokens": 20, "total_tokens": 120,
        "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 30, "audio_tokens": 5, "image_tokens": 6},
        "output_tokens_details": {"reasoning_tokens": 8, "audio_tokens": 2},
    });
    assert_eq!(
        usage(full),
        Some(TokenUsage {
            input_tokens: 100,
            cached_tokens: 40,
            cache_write_tokens: 30,
            cache_write_hour_tokens: 0,
            input_audio_tokens: 5,
            input_image_tokens: 6,
            output_tokens: 20,
            reasoning_tokens: 8,
            output_audio_tokens: 2,
        })
    );
    // A server that bills reasoning beside the output.
    let beside = json!({"input_tokens": 10, "output_tokens": 2, "total_tokens": 19, "output_tokens_details": {"reasoning_tokens": 7}});
    assert_eq!(usage(beside).map(|usage| usage.output_tokens), Some(9));
    for nonsense in [json!(null), json!({}), json!([]), json!({"input_tokens": -1, "output_tokens": 2})] {
        assert_eq!(usage(nonsense), None);
    }
}

#[test]
fn failures_are_sorted() {
    use ProviderErrorKind::*;
    let check = |status, body: &str, kind, message: &str| {
        let error = decode_error(DIALECT, status, body.as_bytes());
        assert_eq!((error.kind, error.message.as_str()), (kind, message), "{body}");
    };
    check(429, r#"{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}"#, Billing, "m");
    check(429, r#"{"error":{"message":"m","type":"requests","code":"rate_limit_exceeded"}}"#, RateLimited, "m");
    check(
        400,
        r#"{"error":{"message":"m","type":"invalid_request_error","param":"input","code":null}}"#,
        InvalidRequest,
        "m",
    );
    check(404, r#"{"detail":"Not Found"}"#, NotFound, "Not Found");
    check(502, "<html>", Server, "<html>");
    let failed = br#"{"status":"failed","output":[],"error":{"code":"server_error","message":"m"}}"#;
    match decode_response(DIALECT, failed) {
        Err(DecodeError::Provider(error)) => assert_eq!((error.kind, error.message.as_str()), (Server, "m")),
        other => panic!("{other:?}"),
    }
    assert!(matches!(decode_response(DIALECT, b"{}"), Err(DecodeError::Missing { path: "output" })));
}

#[test]
fn a_stream_split_anywhere_is_the_reply_in_one_piece() {
    for name in FIXTURES {
        let bytes = fixture(DIALECT, &format!("{name}.sse"));
        let expected = whole(name);
        for split in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(split);
            assert_eq!(read([head, tail]).unwrap(), expected, "{name} at {split}");
        }
        assert_eq!(read(bytes.chunks(1)).unwrap(), expected);
        let text = String::from_utf8(bytes).unwrap();
        let crlf = text.replace('\n', "\r\n");
        assert_eq!(read(crlf.as_bytes().chunks(3)).unwrap(), expected);
        // Without the names of events, and with the mark that ends chat completions.
        let unnamed: String =
            text.lines().filter(|line| !line.starts_with("event:")).map(|l| format!("{l}\n")).collect();
        assert_eq!(read([unnamed.as_bytes(), b"data: [DONE]\n\n"]).unwrap(), expected);
    }
}

#[test]
fn the_steps_of_a_stream_are_told_as_they_come() {
    let start = |id: &str, model: &str| StreamEvent::Start { id: id.into(), model: model.into() };
    let arguments = |call_idx, piece: &str| StreamEvent::Arguments { call_idx, piece: piece.into() };
    let tool = |id: &str, name: &str| StreamEvent::ToolCall { id: id.into(), name: name.into() };
    let usage = TokenUsage { input_tokens: 90, output_tokens: 31, ..TokenUsage::default() };
    assert_eq!(
        steps([fixture(DIALECT, "tools.sse").as_slice()]).unwrap(),
        [
            start("resp_t", "gpt-5"),
            tool("call_a", "lookup"),
            arguments(0, "{\"or"),
            arguments(0, "der\": 17}"),
            tool("call_b", "refund"),
            arguments(1, "{}"),
            StreamEvent::Usage(usage),
            StreamEvent::Finish(Finish::ToolCalls),
        ]
    );
}

#[test]
fn servers_that_leave_out_events_are_understood() {
    let message = json!({"type": "message", "content": [{"type": "output_text", "text": "Hello."}]});
    let completed = json!({"type": "response.completed", "response": {"id": "r", "model": "m", "status": "completed"}});
    let text = |events: &[Value]| {
        let mut events = events.to_vec();
        events.push(completed.clone());
        read([sse(&events).as_slice()]).unwrap()
    };
    // Only the end of the item; only the end of the text; the end repeats what the pieces said.
    let only_item = [json!({"type": "response.output_item.done", "output_index": 0, "item": message})];
    let added = json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "message"}});
    let delta = json!({"type": "response.output_text.delta", "delta": "Hel"});
    let done = json!({"type": "response.output_text.done", "text": "Hello."});
    let only_text = [added.clone(), done.clone()];
    let both = [added, delta, done, only_item[0].clone()];
    for events in [only_item.as_slice(), &only_text, &both] {
        let response = text(events);
        assert_eq!((response.text.as_str(), response.id.as_str(), response.finish), ("Hello.", "r", Finish::Stop));
    }
    let item = json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{\"a\":1}"});
    let whole_call = [json!({"type": "response.output_item.done", "output_index": 0, "item": item})];
    let announced =
        [json!({"type": "response.output_item.added", "output_index": 0, "item": item}), whole_call[0].clone()];
    for events in [whole_call.as_slice(), &announced] {
        assert_eq!(text(events).tool_calls, [call("c", "f", "{\"a\":1}")]);
    }
    // Thoughts as such, with a summary that repeats them.
    let item = json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "Short."}],
                      "content": [{"type": "reasoning_text", "text": "Long."}]});
    let thoughts = text(&[
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning"}}),
        json!({"type": "response.reasoning_text.delta", "delta": "Long."}),
        json!({"type": "response.reasoning_summary_text.delta", "delta": "Short."}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item.clone()}),
    ]);
    assert_eq!(thoughts.reasoning, [Reasoning { text: "Long.".into(), ..Reasoning::default() }]);
    let at_once = text(&[json!({"type": "response.output_item.done", "output_index": 0, "item": item})]);
    assert_eq!(at_once.reasoning, thoughts.reasoning);
    // Events of tools that the provider runs, and of times to come.
    let strange = text(&[
        json!({"type": "response.web_search_call.searching", "item_id": 5}),
        json!({"type": "response.audio.delta", "delta": {"x": 1}}),
        json!({"type": "response.output_item.done", "item": {"type": "hologram"}}),
    ]);
    assert_eq!((strange.text.as_str(), strange.finish), ("", Finish::Stop));
}

#[test]
fn a_stream_that_fails_or_ends_early_says_so() {
    let bytes = fixture(DIALECT, "answer.sse");
    let end = bytes.len() - 700;
    assert!(matches!(read([&bytes[..end]]), Err(StreamError::Cut | StreamError::Json(_))));
    use ProviderErrorKind::*;
    let flat = json!({"type": "error", "code": "server_error", "message": "m", "param": null, "sequence_number": 3});
    let nested = json!({"type": "error", "error": {"type": "too_many", "code": "rate_limit_exceeded", "message": "m"}});
    let failed = json!({"type": "response.failed", "response": {"error": {"code": "invalid_prompt", "message": "m"}}});
    for (event, kind) in [(flat, Server), (nested, RateLimited), (failed, InvalidRequest)] {
        match read([sse(&[event]).as_slice()]) {
            Err(StreamError::Provider(error)) => assert_eq!((error.kind, error.message.as_str()), (kind, "m")),
            other => panic!("{other:?}"),
        }
    }
}

/// Answers of every shape.
fn answers() -> Vec<Response> {
    let usage = TokenUsage {
        input_tokens: 100,
        cached_tokens: 40,
        cache_write_tokens: 30,
        input_audio_tokens: 5,
        output_tokens: 20,
        reasoning_tokens: 8,
        ..TokenUsage::default()
    };
    let base = Response {
        id: "resp_abc".into(),
        model: "m".into(),
        finish: Finish::Stop,
        usage: Some(usage),
        ..Response::default()
    };
    let signed = Reasoning { text: "Hm.\n\nYes.".into(), signature: Some("ErUB".into()), ..Reasoning::default() };
    // A signature without thoughts, which is not the same as thoughts in a cipher.
    let silent = Reasoning { signature: Some("ErUC".into()), ..Reasoning::default() };
    let hidden = Reasoning { signature: Some("cipher".into()), is_redacted: true, ..Reasoning::default() };
    let reasoning = vec![signed, silent, hidden, Reasoning { text: "So.".into(), ..Reasoning::default() }];
    let calls = vec![call("c1", "lookup", "{\"a\": \"é\\n\"}"), call("c2", "refund", "not json")];
    vec![
        base.clone(),
        Response { text: "Zürich \"🚂\"\n\u{1}".into(), ..base.clone() },
        Response { text: "cut o".into(), finish: Finish::Length, ..base.clone() },
        Response { finish: Finish::Refused, ..base.clone() },
        Response { text: "Wait".into(), finish: Finish::Other("pause_turn".into()), usage: None, ..base.clone() },
        Response { tool_calls: calls.clone(), finish: Finish::ToolCalls, ..base.clone() },
        Response { reasoning, text: "One moment.".into(), tool_calls: calls, finish: Finish::ToolCalls, ..base },
    ]
}

#[test]
fn a_whole_answer_is_understood_again() {
    let refusal = Response { text: "I can't.".into(), finish: Finish::Refused, ..answers().remove(0) };
    for response in answers().into_iter().chain([refusal]) {
        let body = encode_response(DIALECT, &hi(), &head(), &response);
        assert_eq!(decode_response(DIALECT, &body).unwrap(), response);
    }
}

fn encode_stream(client: &ClientRequest, steps: &[StreamEvent]) -> Vec<u8> {
    let mut encoder = StreamEncoder::new(DIALECT, client, head()).unwrap();
    let mut out = Vec::new();
    steps.iter().for_each(|step| encoder.push(step, &mut out));
    encoder.finish(&mut out);
    out
}

/// The steps of an answer, in pieces of a few characters.
fn steps_of(response: &Response) -> Vec<StreamEvent> {
    let pieces = |text: &str| -> Vec<String> {
        text.chars().collect::<Vec<char>>().chunks(3).map(|piece| piece.iter().collect()).collect()
    };
    let mut steps = vec![StreamEvent::Start { id: response.id.clone(), model: response.model.clone() }];
    for thoughts in &response.reasoning {
        steps.extend(pieces(&thoughts.text).into_iter().map(StreamEvent::Reasoning));
        steps.push(StreamEvent::ReasoningEnd(Reasoning { text: String::new(), ..thoughts.clone() }));
    }
    steps.extend(pieces(&response.text).into_iter().map(StreamEvent::Text));
    for (call_idx, call) in response.tool_calls.iter().enumerate() {
        steps.push(StreamEvent::ToolCall { id: call.id.clone(), name: call.name.clone() });
        steps.extend(pieces(&call.arguments).into_iter().map(|piece| StreamEvent::Arguments { call_idx, piece }));
    }
    steps.extend(response.usage.map(StreamEvent::Usage));
    steps.push(StreamEvent::Finish(response.finish.clone()));
    steps
}

#[test]
fn a_streamed_answer_has_the_same_steps_again() {
    for response in answers() {
        let expected = steps_of(&response);
        let bytes = encode_stream(&hi(), &expected);
        assert_eq!(steps([bytes.as_slice()]).unwrap(), expected);
        assert_eq!(steps(bytes.chunks(7)).unwrap(), expected);
    }
}

/// The events of a stream, checked for what every stream has to keep.
fn events(bytes: &[u8]) -> Vec<Value> {
    let mut decoder = SseDecoder::new();
    let events = decoder.push(bytes).unwrap();
    assert_eq!(decoder.finish(), None, "the last event is complete");
    let events = events.into_iter().enumerate().map(|(n, event)| {
        let body: Value = serde_json::from_str(&event.data).unwrap();
        assert_eq!((&body["type"], &body["sequence_number"]), (&json!(event.name), &json!(n)));
        body
    });
    events.collect()
}

fn outline(events: &[Value]) -> Vec<String> {
    let line = |event: &Value| {
        let kind = event["type"].as_str().unwrap();
        match event.get("output_index") {
            Some(idx) => format!("{} {idx}", kind.trim_start_matches("response.")),
            None => kind.to_owned(),
        }
    };
    events.iter().map(line).collect()
}

#[test]
fn a_stream_has_every_event() {
    let response = answers().pop().unwrap();
    let events = events(&encode_stream(&hi(), &steps_of(&response)));
    let mut outline = outline(&events);
    outline.dedup();
    let thoughts = |n: usize| {
        [
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
        ]
        .map(|kind| format!("{kind} {n}"))
    };
    let hidden = |n: usize| ["output_item.added", "output_item.done"].map(|kind| format!("{kind} {n}"));
    let text = [
        "output_item.added 4",
        "content_part.added 4",
        "output_text.delta 4",
        "output_text.done 4",
        "content_part.done 4",
        "output_item.done 4",
    ]
    .map(str::to_owned);
    let call = |n: usize| {
        ["output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done"]
            .map(|kind| format!("{kind} {n}"))
    };
    let mut expected = vec!["response.created".to_owned(), "response.in_progress".to_owned()];
    expected.extend(thoughts(0));
    expected
        .extend(hidden(1).into_iter().chain(hidden(2)).chain(thoughts(3)).chain(text).chain(call(5)).chain(call(6)));
    expected.push("response.completed".into());
    assert_eq!(outline, expected);

    // What is done is what the finished answer repeats, under the ids that were announced.
    let of_kind = |kind: &str| -> Vec<&Value> {
        events.iter().filter(|event| event["type"] == kind).map(|event| &event["item"]).collect()
    };
    let last = &events.last().unwrap()["response"];
    assert_eq!(of_kind("response.output_item.done"), last["output"].as_array().unwrap().iter().collect::<Vec<_>>());
    let ids = |items: Vec<&Value>| -> Vec<String> { items.iter().map(|item| item["id"].to_string()).collect() };
    assert_eq!(ids(of_kind("response.output_item.added")), ids(of_kind("response.output_item.done")));
    // The whole answer differs from the streamed one by nothing.
    let whole: Value = serde_json::from_slice(&encode_response(DIALECT, &hi(), &head(), &response)).unwrap();
    assert_eq!(&whole, last);
}

#[test]
fn an_answer_repeats_its_request() {
    let body = json!({
        "model": "asked", "input": "Hi", "instructions": "Be brief.", "temperature": 0.5, "metadata": {"k": "v"},
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": true}],
        "tool_choice": {"type": "function", "name": "f"}, "parallel_tool_calls": false, "store": true,
        "text": {"format": {"type": "json_object"}},
    });
    let answer = |client: &ClientRequest| -> Value {
        serde_json::from_slice(&encode_response(DIALECT, client, &head(), &answers()[1])).unwrap()
    };
    let echoed = answer(&client(&body));
    for name in ["instructions", "temperature", "metadata", "tools", "tool_choice", "parallel_tool_calls", "text"] {
        assert_eq!(echoed[name], body[name], "{name}");
    }
    // Nothing is stored, whatever was asked for.
    assert_eq!((&echoed["store"], &echoed["model"]), (&json!(false), &json!("m")));
    insta::assert_json_snapshot!(answer(&hi()));
}

#[test]
fn text_beside_an_open_call_loses_nothing() {
    let text = |text: &str| StreamEvent::Text(text.into());
    let arguments = |call_idx, piece: &str| StreamEvent::Arguments { call_idx, piece: piece.into() };
    let steps = [
        text("a"),
        StreamEvent::ToolCall { id: String::new(), name: "f".into() },
        arguments(0, "{"),
        text("b"),
        arguments(0, "}"),
        arguments(7, "of no call"),
        StreamEvent::Reasoning("so".into()),
        text("c"),
        StreamEvent::Finish(Finish::Length),
    ];
    let events = events(&encode_stream(&hi(), &steps));
    let last = &events.last().unwrap()["response"];
    let kinds: Vec<(&str, &str)> = last["output"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["type"].as_str().unwrap(), item["status"].as_str().unwrap_or("-")))
        .collect();
    let expected = [
        ("message", "completed"),
        ("function_call", "completed"),
        ("message", "completed"),
        ("reasoning", "-"),
        ("message", "incomplete"),
    ];
    assert_eq!(kinds, expected);
    assert_eq!((&last["output"][1]["arguments"], &last["output"][1]["call_id"]), (&json!("{}"), &json!("call_abc_0")));
    assert_eq!(
        (&last["status"], &last["incomplete_details"]["reason"]),
        (&json!("incomplete"), &json!("max_output_tokens"))
    );
}

#[test]
fn a_failure_ends_a_stream_once() {
    let mut encoder = StreamEncoder::new(DIALECT, &hi(), head()).unwrap();
    let mut out = Vec::new();
    encoder.push(&StreamEvent::Text("Hel".into()), &mut out);
    let error = ClientError {
        kind: ProviderErrorKind::Overloaded,
        message: "Too \"busy\"".into(),
        param: None,
        code: Some("overloaded".into()),
    };
    encoder.fail(&error, &mut out);
    let length = out.len();
    encoder.fail(&error, &mut out);
    encoder.push(&StreamEvent::Text("lo".into()), &mut out);
    encoder.finish(&mut out);
    assert_eq!(out.len(), length);
    let events = events(&out);
    let [.., broken, failed] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(
        (&broken["type"], &broken["code"], &broken["message"]),
        (&json!("error"), &json!("overloaded"), &json!("Too \"busy\""))
    );
    assert_eq!(broken["error"]["message"], "Too \"busy\"");
    assert_eq!((&failed["type"], &failed["response"]["status"]), (&json!("response.failed"), &json!("failed")));
    assert_eq!(failed["response"]["error"], json!({"code": "server_error", "message": "Too \"busy\""}));
    assert!(matches!(steps([out.as_slice()]), Err(StreamError::Provider(_))));
}

#[test]
fn a_stream_without_steps_is_an_empty_answer() {
    let events = events(&encode_stream(&hi(), &[]));
    assert_eq!(outline(&events), ["response.created", "response.in_progress", "response.completed"]);
    assert_eq!(events[2]["response"]["usage"], json!(null));
}

/// The words of the dialect, in every place.
fn hostile() -> impl Strategy<Value = Value> {
    let keys = prop::sample::select(vec![
        "type",
        "response",
        "item",
        "delta",
        "output",
        "content",
        "text",
        "summary",
        "arguments",
        "refusal",
        "error",
        "code",
        "message",
        "usage",
        "input_tokens",
        "output_tokens",
        "output_index",
        "summary_index",
        "status",
        "incomplete_details",
        "reason",
        "id",
        "call_id",
        "name",
        "input",
        "role",
        "model",
        "tools",
        "tool_choice",
        "format",
        "effort",
        "reasoning",
        "encrypted_content",
        "image_url",
        "file_data",
        "mode",
    ]);
    let words = prop::sample::select(vec![
        "",
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
        "output_text",
        "input_text",
        "input_image",
        "input_file",
        "user",
        "assistant",
        "system",
        "give_answer",
        "completed",
        "incomplete",
        "response.created",
        "response.completed",
        "response.failed",
        "response.output_item.added",
        "response.output_item.done",
        "response.output_text.delta",
        "response.output_text.done",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.reasoning_summary_text.delta",
        "error",
        "data:,",
        "data:;base64,é",
        "rs_yw_",
        "function",
        "allowed_tools",
        "json_schema",
        "é\u{0}",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(Value::from(u64::MAX)),
        words.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..8).prop_map(|members| {
                members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Value>()
            }),
        ]
    })
}

/// Feeds bytes to everything that reads them; must not panic.
fn feed(bytes: &[u8]) {
    let _ = decode_request(DIALECT, bytes);
    let _ = decode_response(DIALECT, bytes);
    let _ = decode_error(DIALECT, 500, bytes);
    let _ = read([bytes, b"\n\n"]);
}

/// Steps in any order, as no provider sends them.
fn any_step() -> impl Strategy<Value = StreamEvent> {
    let piece = "[a-zé\"\n]{0,4}";
    prop_oneof![
        piece.prop_map(StreamEvent::Text),
        piece.prop_map(StreamEvent::Reasoning),
        (piece, any::<bool>()).prop_map(|(text, is_redacted)| {
            let signature = is_redacted.then(|| "s".to_owned());
            StreamEvent::ReasoningEnd(Reasoning { text, signature, is_redacted, id: None })
        }),
        piece.prop_map(|name| StreamEvent::ToolCall { id: String::new(), name }),
        (0usize..3, piece).prop_map(|(call_idx, piece)| StreamEvent::Arguments { call_idx, piece }),
        Just(StreamEvent::Finish(Finish::Length)),
        Just(StreamEvent::Usage(TokenUsage::default())),
        piece.prop_map(StreamEvent::StopSequence),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn wrong_types_everywhere(json in hostile()) {
        feed(json.to_string().as_bytes());
        feed(format!("data: {json}\n\ndata: {json}").as_bytes());
        feed(json!({"model": "m", "input": [json], "output": [json], "text": json, "tools": [json]}).to_string().as_bytes());
        for kind in ["response.output_item.added", "response.output_item.done", "response.completed", "error"] {
            feed(format!("event: {kind}\ndata: {}\n\n", json!({"item": json, "response": json, "error": json})).as_bytes());
        }
    }

    #[test]
    fn flipped_bytes(position in any::<prop::sample::Index>(), byte in any::<u8>(), which in 0..FIXTURES.len()) {
        for form in ["json", "sse"] {
            let mut bytes = fixture(DIALECT, &format!("{}.{form}", FIXTURES[which]));
            let at = position.index(bytes.len());
            bytes[at] = byte;
            feed(&bytes);
        }
    }

    #[test]
    fn any_chunks_will_do(cuts in prop::collection::vec(1usize..400, 1..40), which in 0..FIXTURES.len()) {
        let bytes = fixture(DIALECT, &format!("{}.sse", FIXTURES[which]));
        let (mut pieces, mut rest) = (Vec::new(), bytes.as_slice());
        for cut in cuts.iter().cycle() {
            let (piece, more) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(read(pieces).unwrap(), whole(FIXTURES[which]));
    }

    #[test]
    fn steps_in_any_order_make_a_stream_that_can_be_read(sent in prop::collection::vec(any_step(), 0..20)) {
        let bytes = encode_stream(&hi(), &sent);
        let events = events(&bytes);
        let kinds = |kind: &str| events.iter().filter(|event| event["type"] == kind).count();
        prop_assert_eq!(kinds("response.output_item.added"), kinds("response.output_item.done"));
        let text = |steps: &[StreamEvent]| -> String {
            steps.iter().filter_map(|step| match step { StreamEvent::Text(piece) => Some(piece.as_str()), _ => None }).collect()
        };
        prop_assert_eq!(text(&steps([bytes.as_slice()]).unwrap()), text(&sent));
    }
}

#[test]
fn deep_nesting_is_an_error() {
    feed("[".repeat(200_000).as_bytes());
    feed(format!("{{\"model\":\"m\",\"input\":{}", "[{\"content\":".repeat(100_000)).as_bytes());
    feed(format!("data: {}", "{\"response\":".repeat(200_000)).as_bytes());
}
