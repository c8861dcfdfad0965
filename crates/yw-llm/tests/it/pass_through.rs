//! Requests and replies that pass through in their own dialect.

use proptest::prelude::*;
use serde_json::{Value, json};
use yw_llm::{
    RequestError, StreamDecoder, StreamEvent, TokenUsage, UsageChunkFilter, ask_for_usage, decode_usage, encode_usage,
    peek_request, peek_response, read_usage, replace_model, rewrite_request,
};
use yw_task::Dialect;

use crate::{RECORDED, fixture};

const OPENAI: Dialect = Dialect::OpenAi;
const CLIENTS: [Dialect; 3] = [Dialect::OpenAi, Dialect::Responses, Dialect::Anthropic];

fn rewritten(body: &str, model: &str) -> String {
    let peek = peek_request(OPENAI, body.as_bytes()).unwrap();
    String::from_utf8(replace_model(body.as_bytes(), &peek, model)).unwrap()
}

fn asking(body: &str) -> String {
    let peek = peek_request(OPENAI, body.as_bytes()).unwrap();
    String::from_utf8(ask_for_usage(body.as_bytes(), &peek)).unwrap()
}

#[test]
fn what_matters_is_seen() {
    let body =
        br#" {"max_tokens" : 5, "messages":[{"model":"inner"}], "model" : "gpt-5", "stream":true, "n":2, "x":1e400}"#;
    let peek = peek_request(OPENAI, body).unwrap();
    assert_eq!((peek.model.as_ref(), peek.stream, peek.max_tokens, peek.n_answers), ("gpt-5", true, Some(5), 2));
    assert_eq!(&body[peek.model_span.clone()], br#""gpt-5""#);
    assert!(!peek.has_stream_usage && !peek.continues);
    assert!(matches!(peek.model, std::borrow::Cow::Borrowed(_)));
    let peek =
        peek_request(Dialect::Responses, br#"{"model":"m","max_output_tokens":7,"previous_response_id":"r"}"#).unwrap();
    assert_eq!((peek.max_tokens, peek.has_stream_usage, peek.continues), (Some(7), true, true));
    let peek = peek_request(Dialect::Anthropic, br#"{"model":"m","max_tokens":99999999999}"#).unwrap();
    assert_eq!((peek.max_tokens, peek.stream), (Some(u32::MAX), false));
}

#[test]
fn escaped_names_and_models_are_the_same() {
    let body = r#"{"mod\u0065l":"gpt\u002d5 \"ü\""}"#;
    assert_eq!(peek_request(OPENAI, body.as_bytes()).unwrap().model, "gpt-5 \"ü\"");
    assert_eq!(rewritten(body, "a\"b"), r#"{"mod\u0065l":"a\"b"}"#);
}

#[test]
fn what_cannot_be_passed_is_refused() {
    let error = |body: &str| -> RequestError { peek_request(OPENAI, body.as_bytes()).unwrap_err() };
    for body in ["", "[]", "{", "3", r#"["m"]"#, r#"{"model":"m"} x"#] {
        assert_eq!(error(body).param, None, "{body}");
    }
    for body in ["{}", r#"{"model":null}"#, r#"{"model":3}"#, r#"{"model":["m"]}"#] {
        assert_eq!(error(body).param.as_deref(), Some("model"), "{body}");
    }
    // Which of two models would be asked depends on who reads the body.
    assert!(error(r#"{"model":"cheap","model":"dear"}"#).message.contains("duplicate"));
    assert!(error(r#"{"model":"cheap","mod\u0065l":"dear"}"#).message.contains("duplicate"));
}

#[test]
fn only_the_model_changes() {
    let body =
        r#"{ "temperature":1.00,"model":"a","metadata":{"model":"a"}, "seed":12345678901234567890123 ,"é":"\u00e9"}"#;
    assert_eq!(rewritten(body, "b/c"), body.replacen("\"a\"", "\"b/c\"", 1));
    assert_eq!(rewritten(r#"{"model":"a"}"#, ""), r#"{"model":""}"#);
}

#[test]
fn usage_is_asked_for_once() {
    let asked = r#""stream_options":{"include_usage":true}"#;
    assert_eq!(asking(r#"{"model":"m","stream":true}"#), format!(r#"{{"model":"m",{asked},"stream":true}}"#));
    assert_eq!(asking(r#"{"stream":true,"model":"m"}"#), format!(r#"{{"stream":true,"model":"m",{asked}}}"#));
    let options = |options: &str| format!(r#"{{"model":"m","stream_options":{options},"stream":true}}"#);
    for (before, after) in [
        ("{}", r#"{"include_usage":true}"#),
        ("{ }", r#"{"include_usage":true }"#),
        ("null", r#"{"include_usage":true}"#),
        ("[1]", r#"{"include_usage":true}"#),
        (r#"{"include_usage":false}"#, r#"{"include_usage":true}"#),
        (r#"{"include_usage":null,"x":1}"#, r#"{"include_usage":true,"x":1}"#),
        (r#"{"include_obfuscation":false}"#, r#"{"include_usage":true,"include_obfuscation":false}"#),
        (r#"{"include_usage":true}"#, r#"{"include_usage":true}"#),
    ] {
        let asked = asking(&options(before));
        assert_eq!(asked, options(after));
        assert!(peek_request(OPENAI, asked.as_bytes()).unwrap().has_stream_usage, "{asked}");
    }
    // Without a stream, and where the dialect tells it anyway, nothing is asked.
    assert_eq!(asking(r#"{"model":"m"}"#), r#"{"model":"m"}"#);
    let body = br#"{"model":"m","stream":true}"#;
    let peek = peek_request(Dialect::Anthropic, body).unwrap();
    assert_eq!(rewrite_request(body, &peek, Some("x"), true), br#"{"model":"x","stream":true}"#);
    let peek = peek_request(OPENAI, body).unwrap();
    let both = rewrite_request(body, &peek, Some("x"), true);
    assert_eq!(String::from_utf8(both).unwrap(), format!(r#"{{"model":"x",{asked},"stream":true}}"#));
    let before = br#"{"stream_options":{},"model":"m","stream":true}"#;
    let both = rewrite_request(before, &peek_request(OPENAI, before).unwrap(), Some("xyz"), true);
    assert_eq!(both, br#"{"stream_options":{"include_usage":true},"model":"xyz","stream":true}"#);
}

#[test]
fn replies_are_looked_at() {
    for dialect in RECORDED {
        for name in ["answer.json", "tools.json", "refusal.json"] {
            let body = fixture(dialect, name);
            let response = yw_llm::decode_response(dialect, &body).unwrap();
            let head = peek_response(dialect, &body).unwrap();
            assert_eq!((head.id, head.model, head.usage), (response.id, response.model, response.usage));
            assert_eq!(read_usage(dialect, &body), response.usage);
        }
    }
    assert_eq!(peek_response(OPENAI, b"[]"), None);
    assert_eq!(read_usage(OPENAI, br#"{"id":"x"}"#), None);
}

#[test]
fn usage_is_converted_both_ways() {
    let usage = TokenUsage {
        input_tokens: 1_000,
        cached_tokens: 300,
        cache_write_tokens: 200,
        input_audio_tokens: 10,
        input_image_tokens: 20,
        output_tokens: 70,
        reasoning_tokens: 30,
        output_audio_tokens: 5,
        ..TokenUsage::default()
    };
    let there_and_back = |dialect, usage: &TokenUsage| decode_usage(dialect, &encode_usage(dialect, usage));
    for dialect in [Dialect::OpenAi, Dialect::Responses] {
        assert_eq!(there_and_back(dialect, &usage), Some(usage));
        let json: Value = serde_json::from_slice(&encode_usage(dialect, &usage)).unwrap();
        assert_eq!(json["total_tokens"], 1_070);
    }
    let no_sound = TokenUsage {
        cache_write_hour_tokens: 50,
        input_audio_tokens: 0,
        input_image_tokens: 0,
        output_audio_tokens: 0,
        ..usage
    };
    assert_eq!(there_and_back(Dialect::Anthropic, &no_sound), Some(no_sound));
    let json: Value = serde_json::from_slice(&encode_usage(Dialect::Anthropic, &no_sound)).unwrap();
    assert_eq!((&json["input_tokens"], &json["cache_read_input_tokens"]), (&json!(500), &json!(300)));
}

const FINISH: &str = r#"{"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;

#[test]
fn the_chunk_nobody_asked_for_is_left_out_at_every_split() {
    let usage = r#"{"id":"1","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    let filters = r#"{"id":"","choices":[],"prompt_filter_results":[]}"#;
    let text = r#"{"id":"1","choices":[{"index":0,"delta":{"content":"Hé"}}],"usage":null}"#;
    for end in ["\n", "\r\n"] {
        let event = |data: &str| format!("data: {data}{end}{end}");
        let kept = format!("{}: ping{end}{end}{}{}", event(filters), event(text), event(FINISH));
        let body = format!("{kept}{}{}", event(usage), event("[DONE]"));
        let expected = format!("{kept}{}", event("[DONE]"));
        for split in 0..=body.len() {
            let (head, tail) = body.as_bytes().split_at(split);
            let (out, steps) = filtered(&[head, tail]);
            assert_eq!(out, expected, "{end:?} at {split}");
            assert!(matches!(steps.last(), Some(StreamEvent::Usage(usage)) if usage.output_tokens == 2));
        }
    }
    // At the end of the stream, without an empty line behind it.
    let (out, steps) = filtered(&[format!("data: {FINISH}\n\ndata: {usage}").as_bytes()]);
    assert_eq!(out, format!("data: {FINISH}\n\n"));
    assert!(matches!(steps.last(), Some(StreamEvent::Usage(_))));
    // Usage beside a choice stays.
    let beside = FINISH.replace("}]}", r#"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#);
    let body = format!("data: {beside}\n\n");
    assert_eq!(filtered(&[body.as_bytes()]).0, body);
}

fn filtered(pieces: &[&[u8]]) -> (String, Vec<StreamEvent>) {
    let mut filter = UsageChunkFilter::new();
    let (mut out, mut steps) = (Vec::new(), Vec::new());
    for piece in pieces {
        filter.push(piece, &mut out, &mut steps).unwrap();
    }
    steps.extend(filter.finish(&mut out).unwrap());
    (String::from_utf8(out).unwrap(), steps)
}

#[test]
fn what_came_before_an_error_is_told() {
    let mut decoder = StreamDecoder::new(OPENAI);
    let mut steps = Vec::new();
    let body = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"error\":{\"message\":\"x\"}}\n\n";
    assert!(decoder.push_into(body.as_bytes(), &mut steps).is_err());
    assert_eq!(steps.last(), Some(&StreamEvent::Text("a".into())));
}

/// JSON that a client may send, with anything in it.
fn any_json() -> impl Strategy<Value = Value> {
    let keys = prop::sample::select(vec![
        "model",
        "stream",
        "stream_options",
        "include_usage",
        "n",
        "max_tokens",
        "messages",
        "role",
        "content",
        "type",
        "text",
        "tools",
        "function",
        "name",
        "tool_choice",
        "tool_calls",
        "id",
        "arguments",
        "system",
        "thinking",
        "source",
        "data",
        "input",
        "cache_control",
        "ttl",
        "output_config",
        "format",
        "reasoning_details",
        "usage",
    ]);
    let words = prop::sample::select(vec![
        "",
        "m",
        "user",
        "assistant",
        "tool",
        "system",
        "text",
        "image_url",
        "function",
        "tool_use",
        "tool_result",
        "thinking",
        "document",
        "base64",
        "json_schema",
        "auto",
        "enabled",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..8).prop_map(|pairs| {
                Value::from(
                    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<serde_json::Map<_, _>>(),
                )
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_a_client_sends_is_answered(json in any_json(), message in any_json(), blocks in any_json()) {
        let inside = json!({"model": "m", "messages": [message, {"role": "user", "content": blocks}], "tools": json});
        for dialect in CLIENTS {
            for body in [json.to_string(), inside.to_string()] {
                let _ = yw_llm::decode_request(dialect, body.as_bytes());
                let _ = peek_response(dialect, body.as_bytes());
                let _ = decode_usage(dialect, body.as_bytes());
                if let Ok(peek) = peek_request(dialect, body.as_bytes()) {
                    let out = rewrite_request(body.as_bytes(), &peek, Some("x"), true);
                    let mut before: Value = serde_json::from_str(&body).unwrap();
                    let mut after: Value = serde_json::from_slice(&out).unwrap();
                    prop_assert_eq!(&after["model"], "x");
                    for value in [&mut before, &mut after] {
                        value.as_object_mut().unwrap().retain(|key, _| key != "model" && key != "stream_options");
                    }
                    prop_assert_eq!(before, after);
                }
            }
        }
    }

    #[test]
    fn any_bytes_of_a_client(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for dialect in CLIENTS {
            let _ = yw_llm::decode_request(dialect, &bytes);
            let _ = peek_request(dialect, &bytes);
            let _ = peek_response(dialect, &bytes);
        }
        let mut filter = UsageChunkFilter::new();
        let (mut out, mut steps) = (Vec::new(), Vec::new());
        let _ = filter.push(&bytes, &mut out, &mut steps);
        let _ = filter.finish(&mut out);
    }
}
