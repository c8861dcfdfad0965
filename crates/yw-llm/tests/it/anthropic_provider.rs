//! What servers of messages are asked beside the ordinary, and every event that they send.

use serde_json::{Value, json};
use yw_llm::{
    Effort, EncodeOptions, Finish, Media, MediaSource, Message, Output, Part, Reasoning, Request, Response,
    ResponseBuilder, Role, Sampling, StreamDecoder, StreamEvent, Thinking, ToolCall, decode_response, encode_request,
};
use yw_task::Dialect;

const ANTHROPIC: Dialect = Dialect::Anthropic;

fn encoded(model: &str, request: &Request) -> Value {
    serde_json::from_slice(&encode_request(ANTHROPIC, model, request, &EncodeOptions::default())).unwrap()
}

fn read(events: &[Value]) -> (Vec<StreamEvent>, Response) {
    let body: String =
        events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())).collect();
    let mut decoder = StreamDecoder::new(ANTHROPIC);
    let mut steps = decoder.push(body.as_bytes()).unwrap();
    steps.extend(decoder.finish().unwrap());
    let mut builder = ResponseBuilder::new();
    steps.iter().cloned().for_each(|step| builder.push(step));
    (steps, builder.finish())
}

#[test]
fn a_limit_is_always_said() {
    let request = Request { max_tokens: None, ..Request::new("Hi", 1) };
    assert_eq!(encoded("m", &request)["max_tokens"], 8_192);
}

#[test]
fn thinking_is_asked_for_as_the_model_understands_it() {
    let sampling = Sampling { temperature: Some(0.2), top_k: Some(3), ..Sampling::default() };
    let request = Request { reasoning: Some(Thinking::Effort(Effort::High)), sampling, ..Request::new("Hi", 32_000) };
    let old = encoded("claude-haiku-4-5", &request);
    assert_eq!(old["thinking"], json!({"type": "enabled", "budget_tokens": 16_384}));
    // Thinking within a budget has a temperature of its own.
    assert_eq!((old.get("temperature"), old.get("top_k"), old.get("output_config")), (None, None, None));
    let middle = encoded("claude-sonnet-4-6", &request);
    assert_eq!(
        (&middle["thinking"], &middle["output_config"]),
        (&json!({"type": "adaptive"}), &json!({"effort": "high"}))
    );
    assert_eq!((&middle["temperature"], &middle["top_k"]), (&json!(0.2), &json!(3)));
    let new = encoded("claude-opus-5", &request);
    assert_eq!((&new["thinking"], &new["output_config"]), (&middle["thinking"], &middle["output_config"]));
    assert_eq!(new.get("temperature"), None);
}

#[test]
fn what_is_not_this_providers_is_left_out() {
    let foreign =
        Reasoning { text: "Hm.".into(), signature: Some("s".into()), id: Some("rs_1".into()), ..Reasoning::default() };
    let unsigned = Reasoning { text: "Hm.".into(), ..Reasoning::default() };
    let broken = ToolCall { id: "a".into(), name: "f".into(), arguments: "[1]".into() };
    let content = vec![Part::Reasoning(foreign), Part::Reasoning(unsigned), Part::ToolCall(broken)];
    let silent = Message { role: Role::Assistant, content: vec![Part::Text(String::new())] };
    let messages = vec![Message { role: Role::Assistant, content }, silent, Message::user("Hi")];
    let body = encoded("m", &Request { messages, ..Request::default() });
    let expected = json!([
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
        {"role": "user", "content": "Hi"},
    ]);
    assert_eq!(body["messages"], expected);
}

#[test]
fn documents_of_text_are_given_as_text() {
    let media = |media_type: &str, data: &str| {
        Part::Document(Media { media_type: media_type.into(), name: None, source: MediaSource::Base64(data.into()) })
    };
    let content = vec![media("text/markdown", "SGVsbG8="), media("", "JVBERi0xLjQ=")];
    let request = Request { messages: vec![Message { role: Role::User, content }], ..Request::default() };
    let expected = json!([
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Hello"}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQ="}},
    ]);
    assert_eq!(encoded("m", &request)["messages"][0]["content"], expected);
}

#[test]
fn any_json_is_asked_for_in_words() {
    let request = Request::new("Hi", 5).with_output(Output::JsonObject);
    assert_eq!(encoded("m", &request)["system"], "Answer with one JSON object and nothing else.");
    let both = encoded("m", &request.with_system("Be brief."));
    assert_eq!(both["system"], "Be brief.\n\nAnswer with one JSON object and nothing else.");
}

#[test]
fn every_event_is_understood() {
    let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 10, "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 20, "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        "output_tokens": 1}});
    let delta = |index: u64, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let start =
        |index: u64, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let stop = |index: u64| json!({"type": "content_block_stop", "index": index});
    let (_, response) = read(&[
        json!({"type": "message_start", "message": message}),
        json!({"type": "ping"}),
        start(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        delta(0, json!({"type": "thinking_delta", "thinking": "Hm"})),
        delta(0, json!({"type": "thinking_delta", "thinking": "."})),
        delta(0, json!({"type": "signature_delta", "signature": "sig"})),
        stop(0),
        start(1, json!({"type": "redacted_thinking", "data": "xyz"})),
        stop(1),
        start(2, json!({"type": "text", "text": ""})),
        delta(2, json!({"type": "text_delta", "text": "Hi"})),
        delta(2, json!({"type": "citations_delta", "citation": {}})),
        stop(2),
        start(3, json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}})),
        delta(3, json!({"type": "input_json_delta", "partial_json": "{\"query\":1}"})),
        stop(3),
        start(4, json!({"type": "tool_use", "id": "a", "name": "f", "input": {}})),
        stop(4),
        start(5, json!({"type": "tool_use", "id": "b", "name": "g", "input": {"whole": true}})),
        stop(5),
        json!({"type": "an_event_to_come", "x": [1]}),
        json!({"type": "message_delta", "delta": {"stop_reason": "stop_sequence", "stop_sequence": "###"},
               "usage": {"output_tokens": 40, "output_tokens_details": {"thinking_tokens": 5}}}),
        json!({"type": "message_stop"}),
    ]);
    let signed = Reasoning { text: "Hm.".into(), signature: Some("sig".into()), ..Reasoning::default() };
    let redacted = Reasoning { signature: Some("xyz".into()), is_redacted: true, ..Reasoning::default() };
    assert_eq!(response.reasoning, [signed, redacted]);
    // What a search at the provider was asked is no part of the answer, and no argument of a tool of ours.
    assert_eq!(response.text, "Hi");
    let calls: Vec<_> = response.tool_calls.iter().map(|call| (call.id.as_str(), call.arguments.as_str())).collect();
    assert_eq!(calls, [("a", "{}"), ("b", r#"{"whole":true}"#)]);
    assert_eq!((response.finish, response.stop_sequence.as_deref()), (Finish::Stop, Some("###")));
    let usage = response.usage.unwrap();
    assert_eq!((usage.input_tokens, usage.cached_tokens, usage.output_tokens), (60, 20, 40));
    assert_eq!((usage.cache_write_tokens, usage.cache_write_hour_tokens, usage.reasoning_tokens), (30, 20, 5));
}

#[test]
fn a_whole_message_is_read_the_same() {
    let body = json!({"id": "msg_1", "type": "message", "model": "claude", "stop_reason": "refusal", "stop_sequence": null,
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "sig"}, {"type": "redacted_thinking", "data": "xyz"},
            {"type": "server_tool_use", "name": "web_search", "input": {"q": 1}}, {"type": "text", "text": "No"}, 3, null,
            {"type": "text", "text": "."}],
        "usage": {"input_tokens": 1, "output_tokens": 2, "cache_creation": {"ephemeral_1h_input_tokens": 4}}});
    let response = decode_response(ANTHROPIC, body.to_string().as_bytes()).unwrap();
    assert_eq!((response.text.as_str(), &response.finish), ("No.", &Finish::Refused));
    assert_eq!(response.reasoning.len(), 2);
    let usage = response.usage.unwrap();
    assert_eq!((usage.input_tokens, usage.cache_write_tokens, usage.cache_write_hour_tokens), (5, 4, 4));
}

#[test]
fn arguments_stay_as_they_were_written() {
    let body =
        br#"{"content":[{"type":"tool_use","id":"a","name":"f","input":{"b": 1.00, "a": 12345678901234567890123}}]}"#;
    let response = decode_response(ANTHROPIC, body).unwrap();
    let arguments = r#"{"b": 1.00, "a": 12345678901234567890123}"#;
    assert_eq!(response.tool_calls[0].arguments, arguments);
    let call = Part::ToolCall(response.tool_calls[0].clone());
    let messages = vec![Message { role: Role::Assistant, content: vec![call] }];
    let options = EncodeOptions::default();
    let body = encode_request(ANTHROPIC, "m", &Request { messages, ..Request::default() }, &options);
    assert!(String::from_utf8(body).unwrap().contains(arguments));
}
