//! Gemini's `generateContent`: what is asked, what is answered, whole and in pieces.

use proptest::prelude::*;
use serde_json::{Value, json};
use yw_llm::{
    DecodeError, Effort, EncodeOptions, Finish, JsonMode, Media, MediaSource, Message, Output, Part, ProviderErrorKind,
    Reasoning, Request, Response, ResponseBuilder, Role, Sampling, StreamDecoder, StreamError, Thinking, TokenUsage,
    Tool, ToolCall, ToolChoice, ToolResult, check_request, decode_error, decode_response, encode_request, gemini,
    request_path,
};
use yw_task::Dialect::Gemini;

fn encoded(model: &str, request: &Request, options: &EncodeOptions) -> Value {
    serde_json::from_slice(&encode_request(Gemini, model, request, options)).unwrap()
}

fn contents(model: &str, messages: Vec<Message>) -> Value {
    let request = Request { messages, ..Request::default() };
    encoded(model, &request, &EncodeOptions::default())["contents"].take()
}

fn media(media_type: &str, source: MediaSource) -> Media {
    Media { media_type: media_type.into(), name: None, source }
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

fn result(call_id: &str, content: Vec<Part>, is_error: bool) -> Part {
    Part::ToolResult(ToolResult { call_id: call_id.into(), content, is_error })
}

fn lookup_tool() -> Tool {
    let parameters = json!({"type": "object", "properties": {"order": {"type": "integer"}}, "required": ["order"]});
    Tool { name: "lookup".into(), description: "Finds an order.".into(), parameters, strict: Some(true), cache: None }
}

#[test]
fn every_field_of_a_request_is_said() {
    let request = Request {
        messages: vec![Message::user("Where is my order?")],
        sampling: Sampling {
            temperature: Some(0.5),
            top_p: Some(0.25),
            top_k: Some(40),
            frequency_penalty: Some(0.125),
            presence_penalty: Some(-0.5),
            seed: Some(7),
        },
        stop: vec!["###".into()],
        reasoning: Some(Thinking::Tokens(2_000)),
        tools: vec![lookup_tool()],
        tool_choice: ToolChoice::Named("lookup".into()),
        ..Request::new("", 256).with_system("Be brief.")
    };
    let expected = json!({
        "contents": [{"role": "user", "parts": [{"text": "Where is my order?"}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "tools": [{"functionDeclarations": [
            {"name": "lookup", "description": "Finds an order.", "parametersJsonSchema": lookup_tool().parameters},
        ]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["lookup"]}},
        "generationConfig": {
            "maxOutputTokens": 256, "temperature": 0.5, "topP": 0.25, "topK": 40, "frequencyPenalty": 0.125,
            "presencePenalty": -0.5, "seed": 7, "stopSequences": ["###"],
            "thinkingConfig": {"includeThoughts": true, "thinkingBudget": 2000},
        },
    });
    assert_eq!(encoded("gemini-2.5-flash", &request, &EncodeOptions::default()), expected);
}

#[test]
fn a_small_request_says_nothing_superfluous() {
    let body = encode_request(
        Gemini,
        "gemini-2.5-flash",
        &Request { max_tokens: None, ..Request::new("Hi", 0) },
        &EncodeOptions::default(),
    );
    assert_eq!(body, br#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#);
}

#[test]
fn tool_choices_have_their_modes() {
    let check = |tool_choice, mode: &str| {
        let request = Request { tools: vec![lookup_tool()], tool_choice, ..Request::new("Hi", 5) };
        let body = encoded("m", &request, &EncodeOptions::default());
        assert_eq!(body["toolConfig"]["functionCallingConfig"]["mode"], mode);
    };
    check(ToolChoice::Auto, "AUTO");
    check(ToolChoice::Never, "NONE");
    check(ToolChoice::Required, "ANY");
}

#[test]
fn json_is_asked_for_in_each_mode() {
    let schema = json!({"type": "object", "properties": {"team": {"type": "string"}}});
    let output = Output::Json { name: "triage".into(), schema: schema.clone() };
    let body = |output: &Output, json_mode| {
        let request = Request::new("Sort.", 9).with_output(output.clone());
        encoded("gemini-2.5-pro", &request, &EncodeOptions { json_mode, ..EncodeOptions::default() })
    };
    let by_schema = body(&output, JsonMode::Schema);
    assert_eq!(by_schema["generationConfig"]["responseMimeType"], "application/json");
    assert_eq!(by_schema["generationConfig"]["responseJsonSchema"], schema);

    let by_tool = body(&output, JsonMode::ForcedTool);
    assert_eq!(by_tool["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"], schema);
    assert_eq!(by_tool["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"], json!(["give_answer"]));
    assert_eq!(by_tool["generationConfig"]["responseMimeType"], Value::Null);

    let by_word = body(&output, JsonMode::Instructed);
    assert!(by_word["systemInstruction"]["parts"][0]["text"].as_str().unwrap().contains(r#""team""#));
    assert_eq!(by_word["generationConfig"]["responseJsonSchema"], Value::Null);

    let any_object = body(&Output::JsonObject, JsonMode::Schema);
    assert_eq!(any_object["generationConfig"]["responseMimeType"], "application/json");
}

#[test]
fn media_stand_where_they_are() {
    let parts = vec![
        Part::Text("Look:".into()),
        Part::Image(media("", MediaSource::Base64("/9j/4AAQ".into()))),
        Part::Image(media("", MediaSource::Url("https://a.example/cat.webp?x=1".into()))),
        Part::Document(media("application/pdf", MediaSource::Base64("JVBERi0x".into()))),
        Part::Document(media("", MediaSource::File("files/abc".into()))),
        Part::Document(media("", MediaSource::File("gs://bucket/a.pdf".into()))),
        Part::Document(media("text/plain", MediaSource::Text("Plain.".into()))),
        Part::Audio(media("audio/mpeg", MediaSource::Base64("SUQz".into()))),
    ];
    let expected = json!([{"role": "user", "parts": [
        {"text": "Look:"},
        {"inlineData": {"mimeType": "image/jpeg", "data": "/9j/4AAQ"}},
        {"fileData": {"mimeType": "image/webp", "fileUri": "https://a.example/cat.webp?x=1"}},
        {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0x"}},
        {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}},
        {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://bucket/a.pdf"}},
        {"text": "Plain."},
        {"inlineData": {"mimeType": "audio/mpeg", "data": "SUQz"}},
    ]}]);
    assert_eq!(contents("gemini-2.5-flash", vec![user(parts)]), expected);
}

#[test]
fn a_file_of_another_provider_is_refused() {
    let file = Part::Document(media("", MediaSource::File("file-abc".into())));
    let request = Request { messages: vec![Message::user("Hi"), user(vec![file])], ..Request::default() };
    let error = check_request(Gemini, &request).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("messages[1].content[0]"));
    let inside = user(vec![Part::Text("x".into()), result("c", vec![request.messages[1].content[0].clone()], false)]);
    let error = check_request(Gemini, &Request { messages: vec![inside], ..Request::default() }).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("messages[0].content[1].content[0]"));
    assert_eq!(check_request(Gemini, &Request::new("Hi", 1)), Ok(()));
}

#[test]
fn results_name_their_tool_and_stand_in_a_turn_of_their_own() {
    let messages = vec![
        Message::user("Where are 17 and 18?"),
        assistant(vec![call("fc1", "lookup", r#"{"order": 17}"#), call("gemini_r_1", "refund", "not JSON")]),
        user(vec![
            result("fc1", vec![Part::Text(r#"{"state":"lost"}"#.into())], false),
            result("gemini_r_1", vec![Part::Text("no such order".into())], true),
            Part::Text("And now?".into()),
        ]),
    ];
    let expected = json!([
        {"role": "user", "parts": [{"text": "Where are 17 and 18?"}]},
        {"role": "model", "parts": [
            {"functionCall": {"id": "fc1", "name": "lookup", "args": {"order": 17}}},
            {"functionCall": {"name": "refund", "args": {}}},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "fc1", "name": "lookup", "response": {"output": {"state": "lost"}}}},
            {"functionResponse": {"name": "refund", "response": {"error": "no such order"}}},
        ]},
        {"role": "user", "parts": [{"text": "And now?"}]},
    ]);
    assert_eq!(contents("gemini-2.5-flash", messages), expected);
}

#[test]
fn pictures_in_results_go_where_the_generation_reads_them() {
    let picture = Part::Image(media("image/png", MediaSource::Base64("iVBO".into())));
    let messages =
        || vec![assistant(vec![call("a", "see", "{}")]), user(vec![result("a", vec![picture.clone()], false)])];
    let inline = json!({"inlineData": {"mimeType": "image/png", "data": "iVBO"}});
    let new = contents("gemini-3.5-flash", messages());
    assert_eq!(new[1]["parts"][0]["functionResponse"]["parts"], json!([inline]));
    let old = contents("gemini-2.5-flash", messages());
    assert_eq!(old[1]["parts"][0]["functionResponse"]["parts"], Value::Null);
    assert_eq!(old[2], json!({"role": "user", "parts": [inline]}));
}

/// A reply with thoughts, two calls at once of which the first is signed, and a text that is signed.
fn signed_reply() -> Value {
    json!({
        "candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [
            {"text": "Which order? ", "thought": true},
            {"text": "Both.", "thought": true},
            {"text": "One moment.", "thoughtSignature": "dGV4dA=="},
            {"functionCall": {"id": "fc1", "name": "lookup", "args": {"order": 17}}, "thoughtSignature": "Y2E+bGw/"},
            {"functionCall": {"name": "refund"}},
        ]}}],
        "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 20, "thoughtsTokenCount": 30,
            "toolUsePromptTokenCount": 7, "cachedContentTokenCount": 64, "totalTokenCount": 157,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 60}, {"modality": "IMAGE", "tokenCount": 40}],
            "toolUsePromptTokensDetails": [{"modality": "AUDIO", "tokenCount": 7}]},
        "modelVersion": "gemini-3-pro", "responseId": "Zx9",
    })
}

#[test]
fn a_reply_is_read_whole() {
    let response = decode_response(Gemini, signed_reply().to_string().as_bytes()).unwrap();
    let calls = [("fc1__thought__Y2E-bGw_", "lookup", r#"{"order":17}"#), ("gemini_Zx9_1", "refund", "{}")];
    let expected = Response {
        id: "Zx9".into(),
        model: "gemini-3-pro".into(),
        reasoning: vec![
            Reasoning { text: "Which order? Both.".into(), ..Reasoning::default() },
            Reasoning { signature: Some("gemini:dGV4dA==".into()), ..Reasoning::default() },
        ],
        text: "One moment.".into(),
        tool_calls: calls
            .map(|(id, name, arguments)| ToolCall { id: id.into(), name: name.into(), arguments: arguments.into() })
            .into(),
        finish: Finish::ToolCalls,
        stop_sequence: None,
        usage: Some(TokenUsage {
            input_tokens: 107,
            cached_tokens: 64,
            input_audio_tokens: 7,
            input_image_tokens: 40,
            output_tokens: 50,
            reasoning_tokens: 30,
            ..TokenUsage::default()
        }),
    };
    assert_eq!(response, expected);
}

#[test]
fn signatures_come_back_in_the_parts_they_came_in() {
    let response = decode_response(Gemini, signed_reply().to_string().as_bytes()).unwrap();
    // As a client gives it back that keeps thoughts before everything else.
    let mut content: Vec<Part> = response.reasoning.into_iter().map(Part::Reasoning).collect();
    content.push(Part::Text(response.text));
    content.extend(response.tool_calls.into_iter().map(Part::ToolCall));
    let expected = json!([{"role": "model", "parts": [
        {"text": "One moment.", "thoughtSignature": "dGV4dA=="},
        {"functionCall": {"id": "fc1", "name": "lookup", "args": {"order": 17}}, "thoughtSignature": "Y2E+bGw/"},
        {"functionCall": {"name": "refund", "args": {}}},
    ]}]);
    assert_eq!(contents("gemini-3-pro", vec![assistant(content)]), expected);
}

#[test]
fn calls_of_another_model_are_let_through_and_its_signatures_kept_away() {
    let thoughts = Reasoning { text: "Hm.".into(), signature: Some("ErUB".into()), ..Reasoning::default() };
    let content = vec![Part::Reasoning(thoughts), call("toolu_1", "f", "{}"), call("toolu_2", "g", "{}")];
    let parts = |model| contents(model, vec![assistant(content.clone())])[0]["parts"].take();
    let new = parts("gemini-3-flash-preview");
    assert_eq!(new.as_array().unwrap().len(), 2);
    assert_eq!(new[0]["thoughtSignature"], "skip_thought_signature_validator");
    assert_eq!(new[1]["thoughtSignature"], Value::Null);
    assert_eq!(parts("gemini-2.5-flash")[0]["thoughtSignature"], Value::Null);
}

#[test]
fn thinking_is_asked_for() {
    let config = |model, reasoning| {
        let request = Request { reasoning: Some(reasoning), ..Request::new("Hi", 5) };
        encoded(model, &request, &EncodeOptions::default())["generationConfig"]["thinkingConfig"].take()
    };
    let high = json!({"includeThoughts": true, "thinkingLevel": "high"});
    assert_eq!(config("gemini-3-pro-preview", Thinking::Effort(Effort::High)), high);
    assert_eq!(config("gemini-2.5-flash", Thinking::Off), json!({"thinkingBudget": 0}));
    assert_eq!(config("gemini-2.0-flash", Thinking::Effort(Effort::High)), Value::Null);
}

#[test]
fn refusals_are_told_from_answers() {
    let check = |reply: Value, text: &str| {
        let response = decode_response(Gemini, reply.to_string().as_bytes()).unwrap();
        assert_eq!((response.text.as_str(), response.finish), (text, Finish::Refused));
    };
    check(json!({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 5}}), "");
    check(json!({"promptFeedback": {"blockReason": "OTHER", "blockReasonMessage": "No."}}), "No.");
    check(json!({"candidates": [{"finishReason": "SAFETY"}]}), "");
    check(json!({"candidates": [{"finishReason": "SPII", "finishMessage": "Numbers."}]}), "Numbers.");
    let cited = json!({"parts": [{"text": "It was"}]});
    check(json!({"candidates": [{"content": cited, "finishReason": "RECITATION", "finishMessage": "x"}]}), "It was");
}

#[test]
fn finish_reasons_are_read() {
    let check = |word: &str, finish: Finish| {
        let reply = json!({"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": word}]});
        assert_eq!(decode_response(Gemini, reply.to_string().as_bytes()).unwrap().finish, finish);
    };
    check("STOP", Finish::Stop);
    check("MAX_TOKENS", Finish::Length);
    check("MALFORMED_FUNCTION_CALL", Finish::Other("MALFORMED_FUNCTION_CALL".into()));
}

#[test]
fn a_forced_tool_is_an_answer() {
    let call = json!({"functionCall": {"name": "give_answer", "args": {"team": "billing"}}});
    let reply = json!({"candidates": [{"content": {"parts": [call]}, "finishReason": "STOP"}]});
    let response = decode_response(Gemini, reply.to_string().as_bytes()).unwrap();
    assert_eq!((response.text.as_str(), response.finish), (r#"{"team":"billing"}"#, Finish::Stop));
    assert!(response.tool_calls.is_empty());
}

#[test]
fn what_is_no_reply_is_an_error() {
    assert!(matches!(decode_response(Gemini, b"{}"), Err(DecodeError::Missing { .. })));
    assert!(matches!(decode_response(Gemini, b"{\"candidates\":[]}"), Err(DecodeError::Missing { .. })));
    assert!(matches!(decode_response(Gemini, b"<html>"), Err(DecodeError::Json(_))));
    let error = br#"{"error":{"code":503,"message":"Overloaded.","status":"UNAVAILABLE"}}"#;
    match decode_response(Gemini, error) {
        Err(DecodeError::Provider(error)) => assert_eq!(error.kind, ProviderErrorKind::Overloaded),
        other => panic!("{other:?}"),
    }
}

#[test]
fn failures_are_told_apart() {
    use ProviderErrorKind::*;
    let check = |status: u16, word: &str, details: Value, kind, code: &str| {
        let error =
            json!({"error": {"code": status, "message": "Please enable billing.", "status": word, "details": details}});
        for body in [error.clone(), json!([error])] {
            let error = decode_error(Gemini, status, body.to_string().as_bytes());
            assert_eq!((error.kind, error.code.as_deref()), (kind, Some(code)), "{word}");
            assert_eq!(error.message, "Please enable billing.");
        }
    };
    check(429, "RESOURCE_EXHAUSTED", json!([]), RateLimited, "RESOURCE_EXHAUSTED");
    check(400, "INVALID_ARGUMENT", json!(null), InvalidRequest, "INVALID_ARGUMENT");
    check(400, "INVALID_ARGUMENT", json!([{"reason": "API_KEY_INVALID"}]), Authentication, "API_KEY_INVALID");
    check(400, "FAILED_PRECONDITION", json!([]), Billing, "FAILED_PRECONDITION");
    check(403, "PERMISSION_DENIED", json!([]), Permission, "PERMISSION_DENIED");
    check(401, "UNAUTHENTICATED", json!([]), Authentication, "UNAUTHENTICATED");
    check(404, "NOT_FOUND", json!([]), NotFound, "NOT_FOUND");
    check(500, "INTERNAL", json!([]), Server, "INTERNAL");
    check(504, "DEADLINE_EXCEEDED", json!([]), Timeout, "DEADLINE_EXCEEDED");
    let page = decode_error(Gemini, 502, b"<html>Bad gateway</html>");
    assert_eq!((page.kind, page.message.as_str()), (Server, "<html>Bad gateway</html>"));
}

#[test]
fn the_wait_is_read_from_the_body() {
    let with = |delay: &str| json!({"error": {"details": [{"reason": "x"}, {"retryDelay": delay}]}}).to_string();
    assert_eq!(gemini::retry_delay(with("34.5s").as_bytes()), Some(std::time::Duration::from_millis(34_500)));
    for nonsense in ["-1s", "34", "1e300s", "nans", ""] {
        assert_eq!(gemini::retry_delay(with(nonsense).as_bytes()), None, "{nonsense}");
    }
    assert_eq!(gemini::retry_delay(b"[]"), None);
}

#[test]
fn paths_name_the_model() {
    let check = |model, stream, path: &str| assert_eq!(request_path(Gemini, model, stream), path);
    check("gemini-2.5-pro", false, "/models/gemini-2.5-pro:generateContent");
    check("models/gemini-2.5-pro", true, "/models/gemini-2.5-pro:streamGenerateContent?alt=sse");
    check("tunedModels/a", false, "/tunedModels/a:generateContent");
    check("../secrets?x", false, "/models/..%2Fsecrets%3Fx:generateContent");
}

/// The signed reply in chunks, with usage in each, as Gemini sends them.
fn signed_stream() -> Vec<u8> {
    let reply = signed_reply();
    let parts = reply["candidates"][0]["content"]["parts"].as_array().unwrap();
    let mut bytes = Vec::new();
    for (idx, part) in parts.iter().enumerate() {
        let is_last = idx + 1 == parts.len();
        let mut chunk = json!({
            "candidates": [{"index": 0, "content": {"role": "model", "parts": [part]}}],
            "usageMetadata": {"promptTokenCount": 100, "totalTokenCount": 100},
            "modelVersion": "gemini-3-pro", "responseId": "Zx9",
        });
        if is_last {
            chunk["candidates"][0]["finishReason"] = "STOP".into();
            chunk["usageMetadata"] = reply["usageMetadata"].clone();
        }
        bytes.extend_from_slice(format!("data: {chunk}\r\n\r\n").as_bytes());
    }
    bytes
}

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Response, StreamError> {
    let mut decoder = StreamDecoder::new(Gemini);
    let mut response = ResponseBuilder::new();
    for piece in pieces {
        decoder.push(piece)?.into_iter().for_each(|step| response.push(step));
    }
    decoder.finish()?.into_iter().for_each(|step| response.push(step));
    Ok(response.finish())
}

#[test]
fn a_stream_split_anywhere_is_the_reply_in_one_piece() {
    let expected = decode_response(Gemini, signed_reply().to_string().as_bytes()).unwrap();
    let bytes = signed_stream();
    for split in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(split);
        assert_eq!(read([head, tail]).unwrap(), expected, "at {split}");
    }
    assert_eq!(read(bytes.chunks(1)).unwrap(), expected);
}

#[test]
fn a_signature_may_come_after_the_text() {
    let bytes = concat!(
        r#"data: {"responseId":"r","candidates":[{"content":{"parts":[{"text":"Yes"}]}}]}"#,
        "\n\n",
        r#"data: {"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"QQ=="}]},"finishReason":"STOP"}]}"#,
        "\n\n",
    );
    let response = read([bytes.as_bytes()]).unwrap();
    assert_eq!(response.reasoning[0].signature.as_deref(), Some("gemini:QQ=="));
    assert_eq!((response.text.as_str(), response.finish, response.usage), ("Yes", Finish::Stop, None));
}

#[test]
fn a_stream_that_breaks_off_is_told() {
    let bytes = signed_stream();
    assert!(matches!(read([&bytes[..bytes.len() / 2]]), Err(StreamError::Cut | StreamError::Json(_))));
    assert!(matches!(read([]), Err(StreamError::Cut)));
    let failed = br#"data: {"error":{"code":500,"message":"Internal.","status":"INTERNAL"}}"#;
    match read([failed.as_slice()]) {
        Err(StreamError::Provider(error)) => assert_eq!(error.kind, ProviderErrorKind::Server),
        other => panic!("{other:?}"),
    }
}

/// `bytes` in pieces of these lengths, again and again.
pub(crate) fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    for cut in cuts.iter().cycle() {
        let (piece, more) = rest.split_at((*cut).min(rest.len()));
        pieces.push(piece);
        rest = more;
        if rest.is_empty() {
            break;
        }
    }
    pieces
}

proptest! {
    #[test]
    fn any_chunks_will_do(cuts in prop::collection::vec(1usize..300, 1..40)) {
        let bytes = signed_stream();
        let expected = decode_response(Gemini, signed_reply().to_string().as_bytes()).unwrap();
        prop_assert_eq!(read(pieces(&bytes, &cuts)).unwrap(), expected);
    }

    #[test]
    fn damaged_replies_do_no_harm(position in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for mut bytes in [signed_reply().to_string().into_bytes(), signed_stream()] {
            let at = position.index(bytes.len());
            bytes[at] = byte;
            let _ = decode_response(Gemini, &bytes);
            let _ = decode_error(Gemini, 500, &bytes);
            let _ = gemini::retry_delay(&bytes);
            let _ = read([bytes.as_slice()]);
        }
    }
}
