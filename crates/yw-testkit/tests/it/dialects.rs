//! Replies have the shapes that the providers' own clients read.

use serde_json::{Value, json};
use yw_task::Dialect;
use yw_testkit::{Reply, Script, ScriptedServer, Tokens};

use crate::client::{Client, DIALECTS, ask, ask_stream, post, said, send};

fn server() -> ScriptedServer {
    let tokens = Tokens { input: 100, cached: 40, output: 12, reasoning: 5, ..Tokens::default() };
    ScriptedServer::spawn_thread(Script::new(move |request| {
        let team = if request.question().contains("invoice") { "billing" } else { "technical" };
        Reply::answer(team).with_tokens(tokens)
    }))
    .unwrap()
}

#[test]
fn a_whole_reply_of_openai() {
    let received = send(&server(), Dialect::OpenAi, &ask(Dialect::OpenAi, "an invoice")).unwrap();
    assert_eq!(received.status, 200);
    assert!(received.header("x-request-id").is_some_and(|id| id.starts_with("req_")));
    let mut body = received.json();
    assert!(body["id"].take().as_str().unwrap().starts_with("chatcmpl-"));
    assert_eq!(
        body,
        json!({
            "id": null,
            "object": "chat.completion",
            "created": 1_767_225_600,
            "model": "m",
            "choices": [{
                "index": 0,
                "message": { "role": "assistant", "content": "{\"team\":\"billing\"}", "refusal": null },
                "logprobs": null,
                "finish_reason": "stop",
            }],
            "usage": {
                "prompt_tokens": 100,
                "completion_tokens": 12,
                "total_tokens": 112,
                "prompt_tokens_details": { "cached_tokens": 40, "audio_tokens": 0 },
                "completion_tokens_details": { "reasoning_tokens": 5, "audio_tokens": 0 },
            },
        })
    );
}

#[test]
fn a_whole_reply_of_anthropic_leaves_cached_tokens_out_of_the_input() {
    let received = send(&server(), Dialect::Anthropic, &ask(Dialect::Anthropic, "an invoice")).unwrap();
    assert!(received.header("request-id").is_some());
    let mut body = received.json();
    assert!(body["id"].take().as_str().unwrap().starts_with("msg_"));
    assert_eq!(
        body,
        json!({
            "id": null,
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": [{ "type": "text", "text": "{\"team\":\"billing\"}" }],
            "stop_reason": "end_turn",
            "stop_sequence": null,
            "stop_details": null,
            "usage": {
                "input_tokens": 60,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 40,
                "cache_creation": { "ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0 },
                "output_tokens": 12,
                "service_tier": "standard",
                "output_tokens_details": { "thinking_tokens": 5 },
            },
        })
    );
}

#[test]
fn a_stream_of_openai_ends_with_usage_and_done() {
    let received = send(&server(), Dialect::OpenAi, &ask_stream(Dialect::OpenAi, "an invoice")).unwrap();
    assert_eq!(received.header("content-type"), Some("text/event-stream"));
    let events = received.events();
    assert!(events.iter().all(|(name, _)| name.is_none()));
    assert_eq!(events.last().unwrap().1, "[DONE]");
    let chunks: Vec<Value> =
        events[..events.len() - 1].iter().map(|(_, data)| serde_json::from_str(data).unwrap()).collect();
    assert!(chunks.iter().all(|c| c["object"] == "chat.completion.chunk" && c["id"] == chunks[0]["id"]));
    assert_eq!(chunks[0]["choices"][0]["delta"], json!({ "role": "assistant", "content": "" }));
    let (usage, before) = chunks.split_last().unwrap();
    assert_eq!((&usage["choices"], &usage["usage"]["prompt_tokens"]), (&json!([]), &json!(100)));
    assert!(before.iter().all(|c| c["usage"].is_null()));
    let finishes: Vec<&Value> = before.iter().map(|c| &c["choices"][0]["finish_reason"]).collect();
    assert_eq!(finishes.iter().filter(|f| !f.is_null()).count(), 1);
    assert_eq!(**finishes.last().unwrap(), json!("stop"));
    assert_eq!(said(Dialect::OpenAi, &received), r#"{"team":"billing"}"#);
    assert!(before.len() > 4, "the content comes in several pieces");
}

#[test]
fn a_stream_of_openai_has_usage_only_on_demand() {
    let mut body = ask_stream(Dialect::OpenAi, "an invoice");
    body.as_object_mut().unwrap().remove("stream_options");
    let received = send(&server(), Dialect::OpenAi, &body).unwrap();
    assert!(!received.text().contains("usage"));
}

#[test]
fn a_stream_of_anthropic_names_its_events() {
    let received = send(&server(), Dialect::Anthropic, &ask_stream(Dialect::Anthropic, "an invoice")).unwrap();
    let events = received.events();
    let mut names: Vec<&str> = events.iter().map(|(name, _)| name.as_deref().unwrap()).collect();
    names.dedup();
    assert_eq!(
        names,
        [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    let payloads: Vec<Value> = events.iter().map(|(_, data)| serde_json::from_str(data).unwrap()).collect();
    assert!(events.iter().zip(&payloads).all(|((name, _), payload)| payload["type"] == name.as_deref().unwrap()));
    assert_eq!(payloads[0]["message"]["usage"]["cache_read_input_tokens"], 40);
    assert_eq!(payloads[0]["message"]["content"], json!([]));
    let end = &payloads[payloads.len() - 2];
    assert_eq!((&end["delta"]["stop_reason"], &end["usage"]["output_tokens"]), (&json!("end_turn"), &json!(12)));
    assert_eq!(said(Dialect::Anthropic, &received), r#"{"team":"billing"}"#);
}

#[test]
fn the_script_sees_the_same_request_in_both_dialects() {
    let server = ScriptedServer::spawn_thread(Script::new(|request| {
        Reply::text(format!("{}|{}|{}", request.system, request.question(), request.messages.len()))
    }))
    .unwrap();
    let turns = json!([
        { "role": "user", "content": "one" },
        { "role": "assistant", "content": "two" },
        { "role": "user", "content": [{ "type": "text", "text": "three" }] },
    ]);
    let mut openai = json!({ "model": "m", "messages": [{ "role": "system", "content": "be brief" }] });
    openai["messages"].as_array_mut().unwrap().extend(turns.as_array().unwrap().clone());
    let system = json!([{ "type": "text", "text": "be brief" }]);
    let anthropic = json!({ "model": "m", "max_tokens": 5, "system": system, "messages": turns });
    for (dialect, body) in [(Dialect::OpenAi, openai), (Dialect::Anthropic, anthropic)] {
        assert_eq!(said(dialect, &send(&server, dialect, &body).unwrap()), "be brief|three|3");
    }
}

#[test]
fn what_no_provider_would_take_is_refused_in_the_dialect() {
    let server = server();
    let check = |dialect, body: Value, expected: &str| {
        let received = send(&server, dialect, &body).unwrap();
        assert_eq!(received.status, 400, "{body}");
        let message = received.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(expected), "{message}");
    };
    check(Dialect::OpenAi, json!({ "messages": [] }), "model");
    check(Dialect::OpenAi, json!({ "model": "m", "messages": [] }), "at least one message");
    check(Dialect::OpenAi, json!({ "model": "m", "messages": [{ "role": "boss", "content": "" }] }), "no role");
    check(Dialect::Anthropic, json!({ "model": "m", "messages": [{ "role": "user", "content": "" }] }), "max_tokens");
    for dialect in DIALECTS {
        let mut loose = ask(dialect, "q");
        let pointer = match dialect {
            Dialect::OpenAi => "/response_format/json_schema/schema",
            Dialect::Responses => "/text/format/schema",
            Dialect::Anthropic => "/output_config/format/schema",
            Dialect::Gemini | Dialect::Bedrock => continue, // they take loose ones
        };
        loose.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove("additionalProperties");
        check(dialect, loose, "additionalProperties");
    }
    assert_eq!(server.bill().usage.calls, 0);
    assert_eq!(server.bill().refused, 7);
}

#[test]
fn guesses_fit_the_schema_and_depend_on_the_question_alone() {
    let server = ScriptedServer::spawn_thread(Script::guess(7)).unwrap();
    let answer = |question: &str| {
        said(Dialect::OpenAi, &send(&server, Dialect::OpenAi, &ask(Dialect::OpenAi, question)).unwrap())
    };
    let answers: Vec<String> = (0..20).map(|i| answer(&format!("question {i}"))).collect();
    assert!(answers.iter().all(|a| a == r#"{"team":"billing"}"# || a == r#"{"team":"technical"}"#), "{answers:?}");
    assert!(answers.iter().any(|a| *a != answers[0]));
    assert_eq!(answer("question 3"), answers[3]);
}

#[test]
fn models_are_listed() {
    let server = ScriptedServer::spawn_thread(Script::guess(1).models(["small", "large"])).unwrap();
    let mut client = Client::connect(server.address());
    client.send(b"GET /v1/models HTTP/1.1\r\nhost: test\r\n\r\n");
    let openai = client.receive().unwrap().json();
    assert_eq!((&openai["object"], &openai["data"][1]["id"]), (&json!("list"), &json!("large")));
    client.send(b"GET /v1/models HTTP/1.1\r\nhost: test\r\nanthropic-version: 2023-06-01\r\n\r\n");
    let anthropic = client.receive().unwrap().json();
    assert_eq!((&anthropic["has_more"], &anthropic["data"][0]["type"]), (&json!(false), &json!("model")));
    client.send(b"GET /v1beta/models HTTP/1.1\r\nhost: test\r\n\r\n");
    assert_eq!(client.receive().unwrap().json()["models"][0]["name"], "models/small");
    client.send(&post("/v1/images", "{}", ""));
    assert_eq!(client.receive().unwrap().status, 404);
    client.send(b"GET /v1/messages HTTP/1.1\r\nhost: test\r\n\r\n");
    assert_eq!(client.receive().unwrap().status, 405);
}
