//! Bedrock's Converse: what is asked, what is answered, whole and as a binary stream.

use proptest::prelude::*;
use serde_json::{Value, json};
use yw_llm::bedrock::{decode_named_error, encode_exception_frame, encode_frame};
use yw_llm::{
    CacheTime, DecodeError, Effort, EncodeOptions, Finish, JsonMode, Media, MediaSource, Message, Output, Part,
    ProviderErrorKind, Reasoning, Request, Response, ResponseBuilder, Role, Sampling, StreamDecoder, StreamError,
    Thinking, TokenUsage, Tool, ToolCall, ToolChoice, ToolResult, check_request, decode_error, decode_response,
    encode_request, request_path,
};
use yw_task::Dialect::Bedrock;

use crate::gemini::pieces;

const CLAUDE: &str = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0";
const NOVA: &str = "amazon.nova-lite-v1:0";
const LLAMA: &str = "meta.llama4-scout-17b-instruct-v1:0";

fn encoded(model: &str, request: &Request) -> Value {
    serde_json::from_slice(&encode_request(Bedrock, model, request, &EncodeOptions::default())).unwrap()
}

fn messages(model: &str, messages: Vec<Message>) -> Value {
    encoded(model, &Request { messages, ..Request::default() })["messages"].take()
}

fn media(media_type: &str, name: Option<&str>, source: MediaSource) -> Media {
    Media { media_type: media_type.into(), name: name.map(Into::into), source }
}

fn user(content: Vec<Part>) -> Message {
    Message { role: Role::User, content }
}

fn assistant(content: Vec<Part>) -> Message {
    Message { role: Role::Assistant, content }
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments: arguments.into() })
}

fn result(call_id: &str, text: &str, is_error: bool) -> Part {
    Part::ToolResult(ToolResult { call_id: call_id.into(), content: vec![Part::Text(text.into())], is_error })
}

fn lookup_tool(cache: Option<CacheTime>) -> Tool {
    let parameters = json!({"type": "object", "properties": {"order": {"type": "integer"}}});
    Tool { name: "lookup".into(), description: "Finds an order.".into(), parameters, strict: Some(true), cache }
}

fn full_request() -> Request {
    Request {
        system: vec![Part::Text("Be brief.".into()), Part::CachePoint(CacheTime::Hour)],
        messages: vec![Message::user("Where is my order?")],
        sampling: Sampling { temperature: Some(0.5), top_p: Some(0.25), top_k: Some(40), ..Sampling::default() },
        stop: vec!["###".into()],
        tools: vec![lookup_tool(Some(CacheTime::Short))],
        tool_choice: ToolChoice::Named("lookup".into()),
        ..Request::new("", 256)
    }
}

#[test]
fn every_field_of_a_request_is_said() {
    let spec = json!({
        "name": "lookup", "description": "Finds an order.", "strict": true,
        "inputSchema": {"json": {"type": "object", "properties": {"order": {"type": "integer"}}}},
    });
    let expected = json!({
        "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default", "ttl": "1h"}}],
        "messages": [{"role": "user", "content": [{"text": "Where is my order?"}]}],
        "inferenceConfig": {"maxTokens": 256, "temperature": 0.5, "topP": 0.25, "stopSequences": ["###"]},
        "toolConfig": {
            "tools": [{"toolSpec": spec}, {"cachePoint": {"type": "default"}}],
            "toolChoice": {"tool": {"name": "lookup"}},
        },
        "additionalModelRequestFields": {"top_k": 40},
        "additionalModelResponseFieldPaths": ["/stop_sequence"],
    });
    assert_eq!(encoded(CLAUDE, &full_request()), expected);
}

#[test]
fn makers_are_told_what_they_know() {
    let nova = encoded(NOVA, &full_request());
    assert_eq!(nova["system"][1], json!({"cachePoint": {"type": "default"}}));
    assert_eq!(nova["additionalModelRequestFields"], json!({"inferenceConfig": {"topK": 40}}));
    assert_eq!(nova["additionalModelResponseFieldPaths"], Value::Null);
    let llama = encoded(LLAMA, &full_request());
    assert_eq!(llama["system"], json!([{"text": "Be brief."}]));
    assert_eq!(llama["toolConfig"]["tools"].as_array().unwrap().len(), 1);
    assert_eq!(llama["additionalModelRequestFields"], Value::Null);
}

#[test]
fn a_small_request_says_nothing_superfluous() {
    let request = Request { max_tokens: None, ..Request::new("Hi", 0) };
    let body = encode_request(Bedrock, LLAMA, &request, &EncodeOptions::default());
    assert_eq!(body, br#"{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}"#);
}

#[test]
fn thinking_is_asked_for_in_the_makers_words() {
    let check = |model: &str, reasoning, max_tokens, fields: Value, config: Value| {
        let request = Request { reasoning: Some(reasoning), max_tokens, ..Request::new("Hi", 0) };
        let body = encoded(model, &request);
        assert_eq!((&body["additionalModelRequestFields"], &body["outputConfig"]), (&fields, &config), "{model}");
    };
    let enabled = |budget: u32| json!({"thinking": {"type": "enabled", "budget_tokens": budget}});
    let adaptive = json!({"thinking": {"type": "adaptive"}});
    let none = Value::Null;
    check(CLAUDE, Thinking::Tokens(4_000), Some(9_000), enabled(4_000), none.clone());
    check(CLAUDE, Thinking::Effort(Effort::High), Some(9_000), enabled(8_999), none.clone());
    check(CLAUDE, Thinking::Tokens(10), None, enabled(1_024), none.clone());
    check(CLAUDE, Thinking::Tokens(4_000), Some(1_000), none.clone(), none.clone());
    check(CLAUDE, Thinking::Off, Some(9_000), none.clone(), none.clone());
    let opus = "anthropic.claude-opus-4-6-v1";
    check(opus, Thinking::Effort(Effort::ExtraHigh), None, adaptive.clone(), json!({"effort": "high"}));
    let fable = "anthropic.claude-fable-5";
    check(fable, Thinking::Effort(Effort::ExtraHigh), None, adaptive.clone(), json!({"effort": "xhigh"}));
    check(fable, Thinking::Tokens(8_000), None, adaptive, json!({"effort": "medium"}));
    let nova = json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}});
    check("amazon.nova-2-lite-v1:0", Thinking::Effort(Effort::Minimal), None, nova, none.clone());
    let word = json!({"reasoning_effort": "medium"});
    check("openai.gpt-oss-120b-1:0", Thinking::Effort(Effort::Medium), None, word, none.clone());
    check(LLAMA, Thinking::Effort(Effort::High), None, none.clone(), none);
}

#[test]
fn json_is_asked_for_in_each_mode() {
    let schema = json!({"type": "object", "properties": {"team": {"type": "string"}}});
    let output = Output::Json { name: "triage".into(), schema: schema.clone() };
    let body = |output: &Output, json_mode| {
        let request = Request::new("Sort.", 9).with_output(output.clone());
        let options = EncodeOptions { json_mode, ..EncodeOptions::default() };
        serde_json::from_slice::<Value>(&encode_request(Bedrock, CLAUDE, &request, &options)).unwrap()
    };
    let format = &body(&output, JsonMode::Schema)["outputConfig"]["textFormat"];
    let expected =
        json!({"type": "json_schema", "structure": {"jsonSchema": {"schema": schema.to_string(), "name": "triage"}}});
    assert_eq!(*format, expected);

    let by_tool = body(&output, JsonMode::ForcedTool);
    assert_eq!(by_tool["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"], schema);
    assert_eq!(by_tool["toolConfig"]["toolChoice"], json!({"tool": {"name": "give_answer"}}));

    let by_word = body(&output, JsonMode::Instructed);
    assert!(by_word["system"][0]["text"].as_str().unwrap().contains(r#""team""#));
    let any_object = body(&Output::JsonObject, JsonMode::Schema);
    assert!(any_object["system"][0]["text"].as_str().unwrap().contains("JSON object"));
}

#[test]
fn turns_alternate_and_results_come_first() {
    let turns = vec![
        Message::user("Where is 17?"),
        Message::user("  "),
        Message::user("And 18?"),
        assistant(vec![Part::Text("".into()), call("a", "lookup", r#"{"order":17}"#), call("b", "lookup", "[1]")]),
        user(vec![Part::Text("Here:".into()), result("a", "lost", false)]),
        user(vec![result("b", "", true), Part::CachePoint(CacheTime::Short)]),
        assistant(vec![]),
    ];
    let expected = json!([
        {"role": "user", "content": [{"text": "Where is 17?"}, {"text": "And 18?"}]},
        {"role": "assistant", "content": [
            {"toolUse": {"toolUseId": "a", "name": "lookup", "input": {"order": 17}}},
            {"toolUse": {"toolUseId": "b", "name": "lookup", "input": {}}},
        ]},
        {"role": "user", "content": [
            {"toolResult": {"toolUseId": "a", "content": [{"text": "lost"}]}},
            {"toolResult": {"toolUseId": "b", "content": [], "status": "error"}},
            {"text": "Here:"},
            {"cachePoint": {"type": "default"}},
        ]},
    ]);
    assert_eq!(messages(CLAUDE, turns), expected);
}

#[test]
fn ids_of_other_providers_are_made_to_fit() {
    let long = "x".repeat(65);
    let signed = "fc1__thought__QUJD";
    let turns = vec![
        assistant(vec![call(&long, "f", "{}"), call("a b", "g", "{}"), call(signed, "h", "{}")]),
        user(vec![result("a b", "1", false), result(&long, "2", false), result(signed, "3", false)]),
    ];
    let body = messages(CLAUDE, turns);
    let ids = |turn: usize, kind: &str| -> Vec<String> {
        let blocks = body[turn]["content"].as_array().unwrap();
        blocks.iter().map(|block| block[kind]["toolUseId"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(0, "toolUse"), ["yw-call-0", "yw-call-1", "fc1"]);
    assert_eq!(ids(1, "toolResult"), ["yw-call-1", "yw-call-0", "fc1"]);
}

#[test]
fn tools_are_offered_where_the_conversation_has_calls() {
    let turns = vec![assistant(vec![call("a", "f", "{}"), call("b", "f", "{}")]), user(vec![result("a", "1", false)])];
    let mut request = Request { messages: turns, tool_choice: ToolChoice::Never, ..Request::default() };
    let tools = encoded(CLAUDE, &request)["toolConfig"]["tools"].take();
    assert_eq!(tools.as_array().unwrap().len(), 1);
    assert_eq!(tools[0]["toolSpec"]["name"], "f");
    request.tools = vec![lookup_tool(None)];
    assert_eq!(encoded(CLAUDE, &request)["toolConfig"]["toolChoice"], json!({"auto": {}}));
    request.messages = vec![Message::user("Hi")];
    assert_eq!(encoded(CLAUDE, &request)["toolConfig"], Value::Null);
    request.tool_choice = ToolChoice::Required;
    assert_eq!(encoded(CLAUDE, &request)["toolConfig"]["toolChoice"], json!({"any": {}}));
}

#[test]
fn thoughts_come_back_to_claude_only_if_it_can_read_them() {
    let thoughts = |text: &str, signature: &str, is_redacted, id: Option<&str>| {
        let signature = Some(signature.to_owned());
        Part::Reasoning(Reasoning { text: text.into(), signature, is_redacted, id: id.map(Into::into) })
    };
    let content = vec![
        thoughts("Hm.", "ErUB", false, None),
        thoughts("", "cmVk", true, None),
        thoughts("", "gemini:QUJD", false, None),
        thoughts("", "gAAA", false, Some("rs_1")),
        Part::Reasoning(Reasoning { text: "unsigned".into(), ..Reasoning::default() }),
        Part::Text("Yes.".into()),
    ];
    let turn = |model| messages(model, vec![assistant(content.clone())])[0]["content"].take();
    let expected = json!([
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "ErUB"}}},
        {"reasoningContent": {"redactedContent": "cmVk"}},
        {"text": "Yes."},
    ]);
    assert_eq!(turn(CLAUDE), expected);
    assert_eq!(turn(NOVA), json!([{"text": "Yes."}]));
}

#[test]
fn media_stand_where_they_are() {
    let content = vec![
        Part::Image(media("", None, MediaSource::Base64("/9j/4AAQ".into()))),
        Part::Image(media("image/webp", None, MediaSource::Url("s3://bucket/cat.webp".into()))),
        Part::Document(media("application/pdf", Some("Q3 report_(v2).pdf"), MediaSource::Base64("JVBE".into()))),
        Part::Document(media("text/csv; charset=utf-8", None, MediaSource::Base64("YSxi".into()))),
        Part::Document(media("text/plain", Some("Q3"), MediaSource::Text("Plain.".into()))),
        Part::Audio(media("audio/mpeg", None, MediaSource::Base64("SUQz".into()))),
    ];
    let expected = json!([
        {"image": {"format": "jpeg", "source": {"bytes": "/9j/4AAQ"}}},
        {"image": {"format": "webp", "source": {"s3Location": {"uri": "s3://bucket/cat.webp"}}}},
        {"document": {"format": "pdf", "name": "Q3 report (v2) pdf", "source": {"bytes": "JVBE"}}},
        {"document": {"format": "csv", "name": "document 2", "source": {"bytes": "YSxi"}}},
        {"document": {"format": "txt", "name": "Q3 3", "source": {"text": "Plain."}}},
        {"audio": {"format": "mp3", "source": {"bytes": "SUQz"}}},
    ]);
    assert_eq!(messages(CLAUDE, vec![user(content)])[0]["content"], expected);
}

#[test]
fn media_elsewhere_are_refused() {
    let check = |source, is_ok: bool| {
        let part = Part::Image(media("image/png", None, source));
        let request = Request { messages: vec![user(vec![part])], ..Request::default() };
        assert_eq!(check_request(Bedrock, &request).is_ok(), is_ok);
    };
    check(MediaSource::Url("https://a.example/cat.png".into()), false);
    check(MediaSource::File("file-abc".into()), false);
    check(MediaSource::Url("s3://bucket/cat.png".into()), true);
    check(MediaSource::Base64("iVBO".into()), true);
    let film = Part::Document(media("video/mp4", None, MediaSource::Base64("AAAA".into())));
    let error = check_request(Bedrock, &Request { messages: vec![user(vec![film])], ..Request::default() });
    assert_eq!(error.unwrap_err().param.as_deref(), Some("messages[0].content[0]"));
}

/// A reply with everything in it.
fn full_reply() -> Value {
    json!({
        "output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "Which order?", "signature": "ErUB"}}},
            {"reasoningContent": {"redactedContent": "cmVk"}},
            {"text": "One "},
            {"text": "moment."},
            {"toolUse": {"toolUseId": "tooluse_1", "name": "lookup", "input": {"order": 17}}},
            {"toolUse": {"toolUseId": "tooluse_2", "name": "refund", "input": {}}},
            {"image": {"format": "png"}},
        ]}},
        "stopReason": "tool_use",
        "usage": {"inputTokens": 86, "outputTokens": 300, "totalTokens": 2306, "cacheReadInputTokens": 1800,
            "cacheWriteInputTokens": 120, "cacheDetails": [{"ttl": "1h", "inputTokens": 100}, {"ttl": "5m", "inputTokens": 20}]},
        "metrics": {"latencyMs": 1200},
        "additionalModelResponseFields": {"stop_sequence": "###"},
    })
}

fn full_response() -> Response {
    let calls = [("tooluse_1", "lookup", r#"{"order":17}"#), ("tooluse_2", "refund", "{}")];
    let redacted = Reasoning { signature: Some("cmVk".into()), is_redacted: true, ..Reasoning::default() };
    Response {
        reasoning: vec![
            Reasoning { text: "Which order?".into(), signature: Some("ErUB".into()), ..Reasoning::default() },
            redacted,
        ],
        text: "One moment.".into(),
        tool_calls: calls
            .map(|(id, name, arguments)| ToolCall { id: id.into(), name: name.into(), arguments: arguments.into() })
            .into(),
        finish: Finish::ToolCalls,
        stop_sequence: Some("###".into()),
        usage: Some(TokenUsage {
            input_tokens: 2_006,
            cached_tokens: 1_800,
            cache_write_tokens: 120,
            cache_write_hour_tokens: 100,
            output_tokens: 300,
            ..TokenUsage::default()
        }),
        ..Response::default()
    }
}

#[test]
fn a_reply_is_read_whole() {
    assert_eq!(decode_response(Bedrock, full_reply().to_string().as_bytes()).unwrap(), full_response());
}

#[test]
fn finish_reasons_are_read() {
    let check = |word: &str, finish: Finish| {
        let message = json!({"content": [{"citationsContent": {"content": [{"text": "a"}]}}]});
        let reply = json!({"output": {"message": message}, "stopReason": word});
        let response = decode_response(Bedrock, reply.to_string().as_bytes()).unwrap();
        assert_eq!((response.text.as_str(), response.finish, response.usage), ("a", finish, None));
    };
    check("end_turn", Finish::Stop);
    check("stop_sequence", Finish::Stop);
    check("max_tokens", Finish::Length);
    check("model_context_window_exceeded", Finish::Length);
    check("guardrail_intervened", Finish::Refused);
    check("content_filtered", Finish::Refused);
    check("malformed_tool_use", Finish::Other("malformed_tool_use".into()));
}

#[test]
fn what_is_no_reply_is_an_error() {
    assert!(matches!(decode_response(Bedrock, b"{}"), Err(DecodeError::Missing { .. })));
    assert!(matches!(decode_response(Bedrock, b"nonsense"), Err(DecodeError::Json(_))));
    let failed = br#"{"__type":"com.amazon.coral#ThrottlingException","message":"Slow down."}"#;
    match decode_response(Bedrock, failed) {
        Err(DecodeError::Provider(error)) => assert_eq!(error.kind, ProviderErrorKind::RateLimited),
        other => panic!("{other:?}"),
    }
}

#[test]
fn failures_are_told_apart() {
    use ProviderErrorKind::*;
    let check = |status, name: Option<&str>, kind| {
        let error = decode_named_error(status, name, br#"{"message":"Why."}"#);
        assert_eq!((error.kind, error.message.as_str()), (kind, "Why."), "{status} {name:?}");
    };
    check(429, Some("ThrottlingException:http://internal.amazon.com/coral/x/"), RateLimited);
    check(400, Some("ServiceQuotaExceededException"), RateLimited);
    check(400, Some("ValidationException"), InvalidRequest);
    check(403, Some("AccessDeniedException"), Permission);
    check(403, Some("UnrecognizedClientException"), Authentication);
    check(403, Some("ExpiredTokenException"), Authentication);
    check(404, Some("ResourceNotFoundException"), NotFound);
    check(408, Some("ModelTimeoutException"), Timeout);
    check(429, Some("ModelNotReadyException"), Overloaded);
    check(424, Some("ModelErrorException"), Server);
    check(424, None, Server);
    check(503, None, Overloaded);
    check(400, None, InvalidRequest);
    let capital = decode_error(Bedrock, 403, br#"{"Message":"No."}"#);
    assert_eq!((capital.kind, capital.message.as_str(), capital.code), (Permission, "No.", None));
    assert_eq!(decode_error(Bedrock, 502, b"<html>").message, "<html>");
}

#[test]
fn paths_name_the_model() {
    let path = request_path(Bedrock, CLAUDE, false);
    assert_eq!(path, "/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse");
    let arn = "arn:aws:bedrock:eu-west-1:1:application-inference-profile/a";
    let path = request_path(Bedrock, arn, true);
    assert_eq!(path, "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Aapplication-inference-profile%2Fa/converse-stream");
}

fn event(kind: &str, payload: Value) -> Vec<u8> {
    encode_frame(kind, payload.to_string().as_bytes())
}

fn delta(index: u64, delta: Value) -> Vec<u8> {
    event("contentBlockDelta", json!({"contentBlockIndex": index, "delta": delta, "p": "abcdefgh"}))
}

/// The full reply as a stream.
fn full_stream() -> Vec<u8> {
    let tool = |index: u64, id: &str, name: &str| {
        let start = json!({"toolUse": {"toolUseId": id, "name": name}});
        event("contentBlockStart", json!({"contentBlockIndex": index, "start": start}))
    };
    let stop = |index: u64| event("contentBlockStop", json!({"contentBlockIndex": index}));
    let reply = full_reply();
    [
        event("messageStart", json!({"role": "assistant"})),
        delta(0, json!({"reasoningContent": {"text": "Which "}})),
        delta(0, json!({"reasoningContent": {"text": "order?"}})),
        delta(0, json!({"reasoningContent": {"signature": "ErUB"}})),
        stop(0),
        delta(1, json!({"reasoningContent": {"redactedContent": "cmVk"}})),
        stop(1),
        delta(2, json!({"text": "One "})),
        event("aNewEvent", json!({"x": 1})),
        delta(2, json!({"text": "moment."})),
        stop(2),
        tool(3, "tooluse_1", "lookup"),
        delta(3, json!({"toolUse": {"input": ""}})),
        delta(3, json!({"toolUse": {"input": "{\"order\""}})),
        delta(3, json!({"toolUse": {"input": ":17}"}})),
        stop(3),
        tool(4, "tooluse_2", "refund"),
        stop(4),
        event(
            "messageStop",
            json!({"stopReason": "tool_use", "additionalModelResponseFields": {"stop_sequence": "###"}}),
        ),
        event("metadata", json!({"usage": reply["usage"], "metrics": {"latencyMs": 1}})),
    ]
    .concat()
}

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Response, StreamError> {
    let mut decoder = StreamDecoder::new(Bedrock);
    let mut response = ResponseBuilder::new();
    for piece in pieces {
        decoder.push(piece)?.into_iter().for_each(|step| response.push(step));
    }
    decoder.finish()?.into_iter().for_each(|step| response.push(step));
    Ok(response.finish())
}

#[test]
fn a_stream_split_anywhere_is_the_reply_in_one_piece() {
    let bytes = full_stream();
    for split in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(split);
        assert_eq!(read([head, tail]).unwrap(), full_response(), "at {split}");
    }
    assert_eq!(read(bytes.chunks(1)).unwrap(), full_response());
}

#[test]
fn a_forced_tool_is_an_answer_whole_and_streamed() {
    let call = json!({"toolUseId": "t", "name": "give_answer", "input": {"team": "web"}});
    let reply = json!({"output": {"message": {"content": [{"toolUse": call}]}}, "stopReason": "tool_use"});
    let whole = decode_response(Bedrock, reply.to_string().as_bytes()).unwrap();
    let start = json!({"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t", "name": "give_answer"}}});
    let stream = [
        event("contentBlockStart", start),
        delta(0, json!({"toolUse": {"input": "{\"team\":\"web\"}"}})),
        event("contentBlockStop", json!({"contentBlockIndex": 0})),
        event("messageStop", json!({"stopReason": "tool_use"})),
    ];
    let streamed = read([stream.concat().as_slice()]).unwrap();
    assert_eq!(streamed, whole);
    assert_eq!((whole.text.as_str(), whole.finish), (r#"{"team":"web"}"#, Finish::Stop));
}

#[test]
fn a_failure_in_the_middle_is_the_providers() {
    let exception = encode_exception_frame("throttlingException", br#"{"message":"Slow down."}"#);
    let bytes = [delta(0, json!({"text": "One "})), exception].concat();
    match read([bytes.as_slice()]) {
        Err(StreamError::Provider(error)) => {
            assert_eq!((error.kind, error.message.as_str()), (ProviderErrorKind::RateLimited, "Slow down."));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn damage_is_told() {
    let bytes = full_stream();
    assert!(matches!(read([&bytes[..bytes.len() / 2]]), Err(StreamError::Cut)));
    assert!(matches!(read([]), Err(StreamError::Cut)));
    // A page of a proxy in place of frames.
    assert!(matches!(read([b"<html>Bad gateway</html>".as_slice()]), Err(StreamError::Corrupt { .. })));
    // Every bit of the first frame counts.
    let frame = event("messageStart", json!({"role": "assistant"}));
    for position in 0..frame.len() {
        let mut damaged = frame.clone();
        damaged[position] ^= 1;
        let result = StreamDecoder::new(Bedrock).push(&damaged);
        assert!(matches!(result, Err(StreamError::Corrupt { .. })), "at {position}: {result:?}");
    }
}

#[test]
fn lengths_that_lie_are_told() {
    // The vector of the specification's checksum: the frame without headers and payload.
    let empty = [0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff];
    assert!(StreamDecoder::new(Bedrock).push(&empty).unwrap().is_empty());
    // A prelude whose checksum is right, with headers longer than the frame, or a frame longer than any.
    let prelude = |length: u32, headers: u32| {
        let mut bytes = [length.to_be_bytes(), headers.to_be_bytes()].concat();
        bytes.extend_from_slice(&crc32(&bytes).to_be_bytes());
        bytes
    };
    let push = |bytes: &[u8]| StreamDecoder::new(Bedrock).push(bytes);
    assert!(matches!(push(&prelude(20, 5)), Err(StreamError::Corrupt { .. })));
    assert!(matches!(push(&prelude(0, 0)), Err(StreamError::Corrupt { .. })));
    assert!(matches!(push(&prelude(20, u32::MAX)), Err(StreamError::Corrupt { .. })));
    assert!(matches!(push(&prelude(u32::MAX, 0)), Err(StreamError::TooLong { .. })));
}

/// CRC-32, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

proptest! {
    #[test]
    fn any_chunks_will_do(cuts in prop::collection::vec(1usize..500, 1..40)) {
        prop_assert_eq!(read(pieces(&full_stream(), &cuts)).unwrap(), full_response());
    }

    #[test]
    fn frames_of_anything_do_no_harm(kind in "(messageStart|contentBlock(Start|Delta|Stop)|messageStop|metadata|x)", payload in "\\PC{0,40}", json in any::<i64>()) {
        for payload in [payload, json.to_string(), format!("{{\"delta\":{json},\"contentBlockIndex\":{json}}}")] {
            let _ = StreamDecoder::new(Bedrock).push(&encode_frame(&kind, payload.as_bytes()));
        }
    }

    #[test]
    fn damaged_replies_do_no_harm(position in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = full_reply().to_string().into_bytes();
        let at = position.index(bytes.len());
        bytes[at] = byte;
        let _ = decode_response(Bedrock, &bytes);
        let _ = decode_error(Bedrock, 500, &bytes);
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = StreamDecoder::new(Bedrock).push(&bytes);
    }
}
