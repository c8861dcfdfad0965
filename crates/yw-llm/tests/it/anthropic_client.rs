//! Clients that speak messages.

use serde_json::{Value, json};
use yw_llm::{
    AnswerHead, CacheTime, ClientError, ClientErrorKind, ClientRequest, Effort, EncodeOptions, Finish, Media,
    MediaSource, Message, Output, Part, Reasoning, Request, Response, ResponseBuilder, StreamDecoder, StreamEncoder,
    StreamEvent, Thinking, TokenUsage, ToolCall, ToolChoice, ToolResult, decode_request, decode_response,
    encode_request, encode_response,
};
use yw_task::Dialect;

const ANTHROPIC: Dialect = Dialect::Anthropic;

fn decode(body: Value) -> ClientRequest {
    decode_request(ANTHROPIC, body.to_string().as_bytes()).unwrap()
}

/// The request of a body that has these fields besides a model, a limit and a message.
fn with(fields: Value) -> Value {
    let mut body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]});
    let Value::Object(fields) = fields else { panic!("not an object") };
    fields.into_iter().for_each(|(key, value)| body[key] = value);
    body
}

fn content(blocks: Value) -> Vec<Part> {
    decode(with(json!({"messages": [{"role": "user", "content": blocks}]}))).request.messages[0].content.clone()
}

fn text(text: &str) -> Part {
    Part::Text(text.into())
}

fn media(media_type: &str, source: MediaSource) -> Media {
    Media { media_type: media_type.into(), name: None, source }
}

fn head() -> AnswerHead {
    AnswerHead { id: "abc".into(), created: 7, model: "anthropic/m".into() }
}

#[test]
fn a_small_request_is_read() {
    let client = decode(with(json!({})));
    assert_eq!((client.model.as_str(), client.stream), ("m", false));
    let expected = Request { messages: vec![Message::user("Hi")], max_tokens: Some(9), ..Request::default() };
    assert_eq!(client.request, expected);
    // Requests to count tokens have no limit.
    let mut body = with(json!({}));
    body.as_object_mut().unwrap().remove("max_tokens");
    assert_eq!(decode(body).request.max_tokens, None);
}

#[test]
fn options_are_read() {
    let client = decode(with(json!({
        "stream": true, "temperature": 0.5, "top_p": 0.9, "top_k": 4, "stop_sequences": ["a", "b"],
        "metadata": {"user_id": "u"}, "service_tier": "auto", "inference_geo": "us", "new_field": 1,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
    })));
    assert!(client.stream);
    assert_eq!(client.dropped, ["inference_geo", "service_tier"]);
    let request = client.request;
    let sampling = request.sampling;
    assert_eq!((sampling.temperature, sampling.top_p, sampling.top_k), (Some(0.5), Some(0.9), Some(4)));
    assert_eq!((request.stop, request.user.as_deref()), (vec!["a".to_owned(), "b".to_owned()], Some("u")));
    assert_eq!(request.reasoning, Some(Thinking::Tokens(2000)));
    assert_eq!(request.output, Output::Json { name: "answer".into(), schema: json!({"type": "object"}) });
    let reasoning = |fields| decode(with(fields)).request.reasoning;
    assert_eq!(reasoning(json!({"thinking": {"type": "disabled"}})), Some(Thinking::Off));
    assert_eq!(reasoning(json!({"thinking": {"type": "adaptive"}})), Some(Thinking::Effort(Effort::High)));
    let low = json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}});
    assert_eq!(reasoning(low), Some(Thinking::Effort(Effort::Low)));
    assert_eq!(reasoning(json!({"output_config": {"effort": "max"}})), Some(Thinking::Effort(Effort::ExtraHigh)));
    let older = decode(with(json!({"output_format": {"type": "json_schema", "schema": {"a": 1}}})));
    assert_eq!(older.request.output, Output::Json { name: "answer".into(), schema: json!({"a": 1}) });
    assert_eq!(decode(with(json!({"thinking": {"type": "between_tools"}}))).dropped, ["thinking"]);
}

#[test]
fn instructions_are_gathered_wherever_they_stand() {
    assert_eq!(decode(with(json!({"system": "Be brief."}))).request.system, [text("Be brief.")]);
    let request = decode(with(json!({
        "system": [{"type": "text", "text": "A", "cache_control": {"type": "ephemeral", "ttl": "1h"}}, {"type": "text", "text": "B"}],
        "messages": [{"role": "user", "content": "Hi"}, {"role": "system", "content": "C"}, {"role": "user", "content": "Ho"}],
    })))
    .request;
    assert_eq!(request.system, [text("A"), Part::CachePoint(CacheTime::Hour), text("B"), text("C")]);
    assert_eq!(request.messages, [Message::user("Hi"), Message::user("Ho")]);
}

#[test]
fn every_block_is_read() {
    let base64 = json!({"type": "base64", "media_type": "image/png", "data": "aGk="});
    let parts = content(json!([
        {"type": "text", "text": "Look"},
        {"type": "image", "source": base64, "cache_control": {"type": "ephemeral"}},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {"type": "document", "title": "T", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Hi"}},
        {"type": "document", "source": {"type": "file", "file_id": "f1"}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}},
        {"type": "search_result", "title": "S", "source": "https://x", "content": [{"type": "text", "text": "found"}]},
    ]));
    let pdf = media("application/pdf", MediaSource::Base64("aGk=".into()));
    let found = media("text/plain", MediaSource::Text("found".into()));
    let expected = [
        text("Look"),
        Part::Image(media("image/png", MediaSource::Base64("aGk=".into()))),
        Part::CachePoint(CacheTime::Short),
        Part::Image(media("", MediaSource::Url("https://example.org/a.png".into()))),
        Part::Document(Media { name: Some("T".into()), ..pdf }),
        Part::Document(media("text/plain", MediaSource::Text("Hi".into()))),
        Part::Document(media("", MediaSource::File("f1".into()))),
        Part::Document(media("text/plain", MediaSource::Text("a\n\nb".into()))),
        Part::Document(Media { name: Some("S, https://x".into()), ..found }),
    ];
    assert_eq!(parts, expected);
    let cited = json!([{"type": "document", "citations": {"enabled": true}, "context": "c",
                        "source": {"type": "text", "data": "Hi"}}]);
    assert_eq!(
        decode(with(json!({"messages": [{"role": "user", "content": cited}]}))).dropped,
        ["context", "citations"]
    );
}

#[test]
fn calls_thoughts_and_results_are_read() {
    let request = decode(with(json!({"messages": [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
            {"type": "redacted_thinking", "data": "xyz"},
            {"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "Bern"}},
            {"type": "tool_use", "id": "b", "name": "weather", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "a", "content": "sun"},
            {"type": "tool_result", "tool_use_id": "b", "is_error": true, "cache_control": {"type": "ephemeral"}, "content": [
                {"type": "text", "text": "no"}, {"type": "image", "source": {"type": "url", "url": "u"}}]},
            {"type": "tool_result", "tool_use_id": "c"},
            {"type": "text", "text": "So?"},
        ]},
    ]})))
    .request;
    let signed = Reasoning { text: "Hm.".into(), signature: Some("sig".into()), ..Reasoning::default() };
    let redacted = Reasoning { signature: Some("xyz".into()), is_redacted: true, ..Reasoning::default() };
    let call = |id: &str, arguments: &str| {
        Part::ToolCall(ToolCall { id: id.into(), name: "weather".into(), arguments: arguments.into() })
    };
    let expected =
        [Part::Reasoning(signed), Part::Reasoning(redacted), call("a", r#"{"city":"Bern"}"#), call("b", "{}")];
    assert_eq!(request.messages[1].content, expected);
    let result =
        |id: &str, content: Vec<Part>, is_error| Part::ToolResult(ToolResult { call_id: id.into(), content, is_error });
    let picture = Part::Image(media("", MediaSource::Url("u".into())));
    let expected = [
        result("a", vec![text("sun")], false),
        result("b", vec![text("no"), picture], true),
        Part::CachePoint(CacheTime::Short),
        result("c", Vec::new(), false),
        text("So?"),
    ];
    assert_eq!(request.messages[2].content, expected);
}

#[test]
fn tools_and_their_choice_are_read() {
    let tools = json!([{"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": true,
                        "type": "custom", "cache_control": {"type": "ephemeral"}}]);
    let choose = |choice: Value| decode(with(json!({"tools": tools.clone(), "tool_choice": choice}))).request;
    let request = choose(json!({"type": "auto", "disable_parallel_tool_use": true}));
    assert_eq!((&request.tool_choice, request.parallel_tool_calls), (&ToolChoice::Auto, Some(false)));
    let tool = &request.tools[0];
    assert_eq!((tool.name.as_str(), tool.strict, tool.cache), ("f", Some(true), Some(CacheTime::Short)));
    assert_eq!(choose(json!({"type": "any"})).tool_choice, ToolChoice::Required);
    assert_eq!(choose(json!({"type": "none"})).tool_choice, ToolChoice::Never);
    assert_eq!(choose(json!({"type": "tool", "name": "f"})).tool_choice, ToolChoice::Named("f".into()));
    assert_eq!(choose(json!({"type": "any"})).parallel_tool_calls, None);
}

#[test]
fn a_mark_on_the_whole_stands_at_its_end() {
    let request = decode(with(json!({"cache_control": {"type": "ephemeral", "ttl": "1h"}}))).request;
    assert_eq!(request.messages[0].content, [text("Hi"), Part::CachePoint(CacheTime::Hour)]);
}

#[test]
fn mistakes_say_where_and_what_to_do() {
    let check = |body: Value, param: &str, word: &str| {
        let error = decode_request(ANTHROPIC, body.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(param), "{body}: {error}");
        assert!(error.message.contains(word), "{body}: {error}");
    };
    let message = |content: Value| with(json!({"messages": [{"role": "user", "content": content}]}));
    check(json!({"messages": []}), "model", "missing");
    check(json!({"model": "m"}), "messages", "missing");
    check(with(json!({"messages": []})), "messages", "empty");
    check(with(json!({"messages": [{"role": "tool", "content": ""}]})), "messages[0].role", "tool");
    check(message(json!([{"type": "server_tool_use"}])), "messages[0].content[0].type", "server_tool_use");
    check(message(json!([{"type": "image"}])), "messages[0].content[0].source", "missing");
    let ftp = json!([{"type": "image", "source": {"type": "ftp"}}]);
    check(message(ftp), "messages[0].content[0].source.type", "ftp");
    let nested =
        json!([{"type": "tool_result", "tool_use_id": "a", "content": [{"type": "tool_use", "id": "b", "name": "f"}]}]);
    check(message(nested), "messages[0].content[0].content", "texts, pictures");
    check(with(json!({"system": [{"type": "image", "source": {"type": "url", "url": "u"}}]})), "system", "texts");
    check(
        with(json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}]})),
        "tools[0].type",
        "web_search",
    );
    check(with(json!({"mcp_servers": [{}]})), "mcp_servers", "MCP");
    check(with(json!({"container": "c"})), "container", "containers");
    check(with(json!({"thinking": {"type": "enabled"}})), "thinking.budget_tokens", "missing");
    check(with(json!({"output_config": {"effort": "huge"}})), "output_config.effort", "huge");
    check(with(json!({"tool_choice": {"type": "maybe"}})), "tool_choice.type", "maybe");
    check(with(json!({"max_tokens": "many"})), "max_tokens", "whole number");
    assert!(decode(with(json!({"mcp_servers": []}))).dropped.is_empty());
}

#[test]
fn an_answer_has_the_shape_of_the_dialect() {
    let client = decode(with(json!({})));
    let response = Response {
        reasoning: vec![Reasoning { text: "Hm.".into(), ..Reasoning::default() }],
        text: "Hi".into(),
        tool_calls: vec![ToolCall { id: "a".into(), name: "f".into(), arguments: "{\"x\": 1.50}".into() }],
        finish: Finish::ToolCalls,
        usage: Some(TokenUsage {
            input_tokens: 100,
            cached_tokens: 40,
            cache_write_tokens: 30,
            cache_write_hour_tokens: 10,
            output_tokens: 2,
            ..TokenUsage::default()
        }),
        ..Response::default()
    };
    let body = String::from_utf8(encode_response(ANTHROPIC, &client, &head(), &response)).unwrap();
    let expected = concat!(
        r#"{"id":"msg_abc","type":"message","role":"assistant","model":"anthropic/m","content":["#,
        r#"{"type":"thinking","thinking":"Hm.","signature":""},{"type":"text","text":"Hi"},"#,
        r#"{"type":"tool_use","id":"a","name":"f","input":{"x": 1.50}}],"stop_reason":"tool_use","stop_sequence":null,"#,
        r#""usage":{"input_tokens":30,"cache_creation_input_tokens":30,"cache_read_input_tokens":40,"#,
        r#""cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10},"output_tokens":2}}"#,
    );
    assert_eq!(body, expected);
    // Arguments that are no object cannot be said; the answer is valid all the same.
    let broken = ToolCall { id: "a".into(), name: "f".into(), arguments: "{\"x\":".into() };
    let response = Response { tool_calls: vec![broken], ..Response::default() };
    let body: Value = serde_json::from_slice(&encode_response(ANTHROPIC, &client, &head(), &response)).unwrap();
    assert_eq!(body["content"][0]["input"], json!({}));
}

#[test]
fn a_stream_has_the_shape_of_the_dialect() {
    let usage = TokenUsage { input_tokens: 9, output_tokens: 2, ..TokenUsage::default() };
    let steps = [
        StreamEvent::Start { id: "x".into(), model: "y".into() },
        StreamEvent::Usage(TokenUsage { output_tokens: 0, ..usage }),
        StreamEvent::Text("Hi".into()),
        StreamEvent::ToolCall { id: "a".into(), name: "f".into() },
        StreamEvent::Arguments { call_idx: 0, piece: "{}".into() },
        StreamEvent::Finish(Finish::ToolCalls),
        StreamEvent::Usage(usage),
    ];
    let zero = r#""cache_creation_input_tokens":0,"cache_read_input_tokens":0"#;
    let expected = [
        (
            "message_start",
            format!(
                r#""message":{{"id":"msg_abc","type":"message","role":"assistant","model":"anthropic/m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{{"input_tokens":9,{zero},"output_tokens":0}}}}"#
            ),
        ),
        ("content_block_start", r#""index":0,"content_block":{"type":"text","text":""}"#.to_owned()),
        ("content_block_delta", r#""index":0,"delta":{"type":"text_delta","text":"Hi"}"#.to_owned()),
        ("content_block_stop", r#""index":0"#.to_owned()),
        (
            "content_block_start",
            r#""index":1,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}"#.to_owned(),
        ),
        ("content_block_delta", r#""index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}"#.to_owned()),
        ("content_block_stop", r#""index":1"#.to_owned()),
        (
            "message_delta",
            format!(
                r#""delta":{{"stop_reason":"tool_use","stop_sequence":null}},"usage":{{"input_tokens":9,{zero},"output_tokens":2}}"#
            ),
        ),
        ("message_stop", String::new()),
    ];
    let expected: String = expected
        .iter()
        .map(|(name, fields)| {
            let comma = if fields.is_empty() { "" } else { "," };
            format!("event: {name}\ndata: {{\"type\":\"{name}\"{comma}{fields}}}\n\n")
        })
        .collect();
    assert_eq!(written(&steps), expected);
}

#[test]
fn thoughts_are_blocks_of_their_own() {
    let end = |signature: Option<&str>, is_redacted| {
        StreamEvent::ReasoningEnd(Reasoning {
            signature: signature.map(str::to_owned),
            is_redacted,
            ..Reasoning::default()
        })
    };
    let steps = [
        StreamEvent::Reasoning("Hm".into()),
        end(Some("sig"), false),
        end(Some("xyz"), true),
        StreamEvent::Reasoning("And".into()),
        StreamEvent::Text("Hi".into()),
        StreamEvent::Finish(Finish::Stop),
    ];
    let stream = written(&steps);
    let kinds: Vec<String> = stream
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
        .map(|event| match event["type"].as_str().unwrap() {
            "content_block_start" => format!("{} {}", event["index"], event["content_block"]["type"].as_str().unwrap()),
            "content_block_delta" => event["delta"]["type"].as_str().unwrap().to_owned(),
            "content_block_stop" => format!("{} stop", event["index"]),
            other => other.to_owned(),
        })
        .collect();
    let expected = [
        "message_start",
        "0 thinking",
        "thinking_delta",
        "signature_delta",
        "0 stop",
        "1 redacted_thinking",
        "1 stop",
        "2 thinking",
        "thinking_delta",
        "2 stop",
        "3 text",
        "text_delta",
        "3 stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn even_an_empty_answer_begins_and_ends() {
    let stream = written(&[]);
    assert!(stream.starts_with("event: message_start\n") && stream.ends_with("data: {\"type\":\"message_stop\"}\n\n"));
}

#[test]
fn a_stream_that_breaks_off_says_so() {
    let client = decode(with(json!({"stream": true})));
    let mut encoder = StreamEncoder::new(ANTHROPIC, &client, head()).unwrap();
    let error = ClientError { kind: ClientErrorKind::Overloaded, message: "busy".into(), param: None, code: None };
    let mut out = Vec::new();
    encoder.fail(&error, &mut out);
    let expected = r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"},"request_id":"abc"}"#;
    assert_eq!(String::from_utf8(out).unwrap(), format!("event: error\ndata: {expected}\n\n"));
}

/// Answers of every kind survive being written for a client and read again.
#[test]
fn what_is_written_reads_the_same() {
    let client = decode(with(json!({"stream": true})));
    for response in crate::answers() {
        let mut expected = Response { id: "msg_abc".into(), model: "anthropic/m".into(), ..response.clone() };
        let whole = encode_response(ANTHROPIC, &client, &head(), &response);
        assert_eq!(decode_response(ANTHROPIC, &whole).unwrap(), expected);

        if let Some(usage) = &mut expected.usage {
            usage.cache_write_hour_tokens = 50;
        }
        let stream = written(&crate::steps_of(&response));
        let mut decoder = StreamDecoder::new(ANTHROPIC);
        let mut builder = ResponseBuilder::new();
        for piece in stream.as_bytes().chunks(7) {
            decoder.push(piece).unwrap().into_iter().for_each(|step| builder.push(step));
        }
        decoder.finish().unwrap().into_iter().for_each(|step| builder.push(step));
        assert_eq!(builder.finish(), expected);
    }
}

/// What a client says of a conversation is what a provider of the same dialect is asked.
#[test]
fn a_request_comes_out_as_it_went_in() {
    let body = json!({
        "model": "claude-sonnet-4-5", "max_tokens": 9000,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "Look"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
                {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}, "title": "T"},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Hi"}, "cache_control": {"type": "ephemeral"}},
                {"type": "document", "source": {"type": "file", "file_id": "f"}},
            ]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
                {"type": "redacted_thinking", "data": "xyz"},
                {"type": "text", "text": "Sure."},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"z": 1, "a": [2.5]}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "bad", "is_error": true},
                {"type": "tool_result", "tool_use_id": "b", "content": [
                    {"type": "text", "text": "x"}, {"type": "image", "source": {"type": "url", "url": "u"}}]},
                {"type": "text", "text": "And?"},
            ]},
        ],
        "stop_sequences": ["a"], "metadata": {"user_id": "u"},
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "output_config": {"format": {"type": "json_schema", "schema": {"b": 1, "a": 2}}},
        "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": true, "cache_control": {"type": "ephemeral"}}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": true}, "stream": true,
    });
    let request = decode(body.clone()).request;
    let options = EncodeOptions { stream: true, ..EncodeOptions::default() };
    let encoded = encode_request(ANTHROPIC, "claude-sonnet-4-5", &request, &options);
    assert_eq!(serde_json::from_slice::<Value>(&encoded).unwrap(), body);
}

fn written(steps: &[StreamEvent]) -> String {
    let client = decode(with(json!({"stream": true})));
    let mut encoder = StreamEncoder::new(ANTHROPIC, &client, head()).unwrap();
    let mut out = Vec::new();
    steps.iter().for_each(|step| encoder.push(step, &mut out));
    encoder.finish(&mut out);
    String::from_utf8(out).unwrap()
}
