//! Clients that speak chat completions.

use serde_json::{Value, json};
use yw_llm::{
    AnswerHead, CacheTime, ClientError, ClientErrorKind, ClientRequest, Effort, Finish, Media, MediaSource, Message,
    Output, Part, Reasoning, Request, Response, ResponseBuilder, Role, Sampling, StreamDecoder, StreamEncoder,
    StreamEvent, Thinking, TokenUsage, Tool, ToolCall, ToolChoice, ToolResult, decode_request, decode_response,
    encode_response,
};
use yw_task::Dialect;

const OPENAI: Dialect = Dialect::OpenAi;

fn decode(body: Value) -> ClientRequest {
    decode_request(OPENAI, body.to_string().as_bytes()).unwrap()
}

/// The request of a body that has these fields besides a model and a message.
fn with(fields: Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
    let Value::Object(fields) = fields else { panic!("not an object") };
    fields.into_iter().for_each(|(key, value)| body[key] = value);
    body
}

fn messages(messages: Value) -> Request {
    decode(json!({"model": "m", "messages": messages})).request
}

fn text(text: &str) -> Part {
    Part::Text(text.into())
}

fn head() -> AnswerHead {
    AnswerHead { id: "abc".into(), created: 7, model: "openai/m".into() }
}

#[test]
fn a_small_request_is_read() {
    let client = decode(json!({"model": "gpt-x", "messages": [{"role": "user", "content": "Hi"}]}));
    assert_eq!((client.model.as_str(), client.stream, client.include_usage), ("gpt-x", false, false));
    assert_eq!(client.request, Request { messages: vec![Message::user("Hi")], ..Request::default() });
    assert!(client.dropped.is_empty() && client.echo.is_empty());
}

#[test]
fn options_are_read() {
    let client = decode(with(json!({
        "stream": true, "stream_options": {"include_usage": true}, "max_completion_tokens": 9, "max_tokens": 5,
        "temperature": 0.5, "top_p": 1, "frequency_penalty": -1, "presence_penalty": 0.1, "seed": 3, "stop": "###",
        "reasoning_effort": "low", "parallel_tool_calls": false, "user": "u", "n": 1, "logprobs": false,
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": true, "schema": {"type": "object"}}},
        "metadata": {"a": "b"}, "store": false, "service_tier": "auto", "new_field": 1, "top_k": null,
    })));
    assert!(client.stream && client.include_usage);
    assert_eq!(client.dropped, ["metadata", "service_tier"]);
    let request = client.request;
    assert_eq!(request.max_tokens, Some(9));
    let sampling = Sampling {
        temperature: Some(0.5),
        top_p: Some(1.0),
        top_k: None,
        frequency_penalty: Some(-1.0),
        presence_penalty: Some(0.1),
        seed: Some(3),
    };
    assert_eq!(request.sampling, sampling);
    assert_eq!((request.stop, request.user.as_deref()), (vec!["###".to_owned()], Some("u")));
    assert_eq!(request.reasoning, Some(Thinking::Effort(Effort::Low)));
    assert_eq!(request.parallel_tool_calls, Some(false));
    assert_eq!(request.output, Output::Json { name: "x".into(), schema: json!({"type": "object"}) });
    let reasoning = |fields| decode(with(fields)).request.reasoning;
    assert_eq!(reasoning(json!({"reasoning_effort": "none"})), Some(Thinking::Off));
    assert_eq!(reasoning(json!({"reasoning_effort": "max"})), Some(Thinking::Effort(Effort::ExtraHigh)));
    assert_eq!(reasoning(json!({"reasoning": {"max_tokens": 2000}})), Some(Thinking::Tokens(2000)));
    assert_eq!(decode(with(json!({"response_format": {"type": "json_object"}}))).request.output, Output::JsonObject);
    assert_eq!(decode(with(json!({"stop": ["a", "b"]}))).request.stop, ["a", "b"]);
    assert_eq!(decode(with(json!({"seed": -4}))).dropped, ["seed"]);
}

#[test]
fn instructions_are_gathered_wherever_they_stand() {
    let request = messages(json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "developer", "content": [{"type": "text", "text": "In French.", "cache_control": {"type": "ephemeral"}}]},
        {"role": "assistant", "content": "Salut"},
        {"role": "user", "content": "Bye"},
    ]));
    assert_eq!(request.system, [text("Be brief."), text("In French."), Part::CachePoint(CacheTime::Short)]);
    assert_eq!(request.messages, [Message::user("Hi"), Message::assistant("Salut"), Message::user("Bye")]);
}

#[test]
fn every_part_is_read() {
    let client = decode(json!({"model": "m", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "Look", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "high"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ]}]}));
    assert_eq!(client.dropped, ["detail"]);
    let media = |media_type: &str, name: Option<&str>, source| Media {
        media_type: media_type.into(),
        name: name.map(str::to_owned),
        source,
    };
    let base64 = || MediaSource::Base64("aGk=".into());
    let expected = [
        text("Look"),
        Part::CachePoint(CacheTime::Hour),
        Part::Image(media("image/png", None, base64())),
        Part::Image(media("", None, MediaSource::Url("https://example.org/a.png".into()))),
        Part::Audio(media("audio/mpeg", None, base64())),
        Part::Document(media("application/pdf", Some("a.pdf"), base64())),
        Part::Document(media("", None, MediaSource::File("file-1".into()))),
    ];
    assert_eq!(client.request.messages[0].content, expected);
}

#[test]
fn calls_and_their_results_are_read() {
    let request = messages(json!([
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": null, "reasoning_content": "Two cities.", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Bern\"}"}},
            {"id": "b", "type": "function", "function": {"name": "weather", "arguments": "not json"}},
        ]},
        {"role": "tool", "tool_call_id": "a", "content": "sun"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "rain"}]},
        {"role": "user", "content": "So?"},
    ]));
    let call = |id: &str, arguments: &str| {
        Part::ToolCall(ToolCall { id: id.into(), name: "weather".into(), arguments: arguments.into() })
    };
    let thoughts = Part::Reasoning(Reasoning { text: "Two cities.".into(), ..Reasoning::default() });
    assert_eq!(request.messages[1].content, [thoughts, call("a", r#"{"city": "Bern"}"#), call("b", "not json")]);
    let result = |id: &str, given: &str| {
        Part::ToolResult(ToolResult { call_id: id.into(), content: vec![text(given)], is_error: false })
    };
    // The results and what the user says to them are one message.
    assert_eq!(request.messages.len(), 3);
    assert_eq!(request.messages[2].content, [result("a", "sun"), result("b", "rain"), text("So?")]);
}

#[test]
fn signed_thoughts_come_back() {
    let request = messages(json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Yes.", "reasoning_content": "Hm.", "reasoning_details": [
            {"type": "reasoning.text", "text": "Hm.", "signature": "sig", "index": 0},
            {"type": "reasoning.encrypted", "data": "xyz", "index": 1}, 3,
        ]},
    ]));
    let signed = Reasoning { text: "Hm.".into(), signature: Some("sig".into()), ..Reasoning::default() };
    let redacted = Reasoning { signature: Some("xyz".into()), is_redacted: true, ..Reasoning::default() };
    assert_eq!(request.messages[1].content, [Part::Reasoning(signed), Part::Reasoning(redacted), text("Yes.")]);
}

#[test]
fn tools_and_their_choice_are_read() {
    let tools = json!([
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": true}},
        {"type": "function", "function": {"name": "g"}, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
    ]);
    let request = decode(with(json!({"tools": tools.clone()}))).request;
    let f = Tool {
        name: "f".into(),
        description: "d".into(),
        parameters: json!({"type": "object"}),
        strict: Some(true),
        cache: None,
    };
    let g = Tool {
        name: "g".into(),
        description: String::new(),
        parameters: json!({"type": "object", "properties": {}}),
        strict: None,
        cache: Some(CacheTime::Hour),
    };
    assert_eq!((request.tools.as_slice(), &request.tool_choice), ([f.clone(), g].as_slice(), &ToolChoice::Auto));
    let choose = |choice: Value| decode(with(json!({"tools": tools.clone(), "tool_choice": choice}))).request;
    assert_eq!(choose(json!("none")).tool_choice, ToolChoice::Never);
    assert_eq!(choose(json!("required")).tool_choice, ToolChoice::Required);
    let named = json!({"type": "function", "function": {"name": "g"}});
    assert_eq!(choose(named).tool_choice, ToolChoice::Named("g".into()));
    let allowed = choose(json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [
        {"type": "function", "function": {"name": "f"}}]}}));
    assert_eq!((allowed.tools, allowed.tool_choice), (vec![f], ToolChoice::Required));
}

#[test]
fn mistakes_say_where_and_what_to_do() {
    let check = |body: Value, param: &str, word: &str| {
        let error = decode_request(OPENAI, body.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(param), "{body}: {error}");
        assert!(error.message.contains(word), "{body}: {error}");
    };
    check(json!({"messages": []}), "model", "missing");
    check(json!({"model": "m"}), "messages", "missing");
    check(json!({"model": "m", "messages": []}), "messages", "empty");
    check(json!({"model": 3, "messages": []}), "model", "a string");
    check(json!({"model": "m", "messages": ["Hi"]}), "messages[0]", "an object");
    check(json!({"model": "m", "messages": [{"role": "wizard", "content": ""}]}), "messages[0].role", "wizard");
    check(json!({"model": "m", "messages": [{"role": "user", "content": 3}]}), "messages[0].content", "a number");
    let video = json!([{"type": "video_url"}]);
    check(
        json!({"model": "m", "messages": [{"role": "user", "content": video}]}),
        "messages[0].content[0].type",
        "video_url",
    );
    check(json!({"model": "m", "messages": [{"role": "tool", "content": ""}]}), "messages[0].tool_call_id", "missing");
    check(with(json!({"n": 2})), "n", "several answers");
    check(with(json!({"logprobs": true})), "logprobs", "log probabilities");
    check(with(json!({"logit_bias": {"5": 100}})), "logit_bias", "bias");
    check(with(json!({"modalities": ["text", "audio"]})), "modalities", "text");
    check(with(json!({"web_search_options": {}})), "web_search_options", "search");
    check(with(json!({"max_tokens": 0})), "max_tokens", "from 1");
    check(with(json!({"max_tokens": -1})), "max_tokens", "whole number");
    check(with(json!({"temperature": "hot"})), "temperature", "a number");
    check(with(json!({"reasoning_effort": "huge"})), "reasoning_effort", "huge");
    check(with(json!({"response_format": {"type": "xml"}})), "response_format.type", "xml");
    check(with(json!({"response_format": {"type": "json_schema"}})), "response_format.json_schema", "missing");
    check(with(json!({"tools": [{"type": "custom", "custom": {"name": "x"}}]})), "tools[0].type", "custom");
    check(with(json!({"tool_choice": "maybe"})), "tool_choice", "maybe");
    for body in ["", "[", "[]", "\"x\"", "{\"model\": \"m\""] {
        let error = decode_request(OPENAI, body.as_bytes()).unwrap_err();
        assert!(error.param.is_none() && error.message.contains("JSON"), "{body}: {error}");
    }
    assert!(decode_request(Dialect::Gemini, b"{}").is_err());
}

#[test]
fn functions_of_before_there_were_tools() {
    let client = decode(json!({
        "model": "m",
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "done"},
        ],
        "functions": [{"name": "f", "parameters": {"type": "object"}}],
        "function_call": {"name": "f"},
    }));
    assert_eq!(client.request.tool_choice, ToolChoice::Named("f".into()));
    assert_eq!(client.request.parallel_tool_calls, Some(false));
    let (Part::ToolCall(call), Part::ToolResult(result)) =
        (&client.request.messages[1].content[0], &client.request.messages[2].content[0])
    else {
        panic!("{:?}", client.request.messages);
    };
    assert_eq!(call.id, result.call_id);

    let response = Response {
        tool_calls: vec![ToolCall { id: "1".into(), name: "f".into(), arguments: "{}".into() }],
        finish: Finish::ToolCalls,
        ..Response::default()
    };
    let body: Value = serde_json::from_slice(&encode_response(OPENAI, &client, &head(), &response)).unwrap();
    assert_eq!(body["choices"][0]["finish_reason"], "function_call");
    assert_eq!(body["choices"][0]["message"]["function_call"], json!({"name": "f", "arguments": "{}"}));
    assert_eq!(body["choices"][0]["message"].get("tool_calls"), None);
    let stream = written(&client, &steps(&response));
    assert!(stream.contains(r#""function_call":{"name":"f","arguments":""}"#), "{stream}");
    assert!(stream.contains(r#""finish_reason":"function_call""#) && !stream.contains("tool_calls"), "{stream}");
}

#[test]
fn an_answer_has_the_shape_of_the_dialect() {
    let client = decode(with(json!({})));
    let response = Response {
        text: "Hi".into(),
        finish: Finish::Stop,
        usage: Some(TokenUsage { input_tokens: 9, cached_tokens: 4, output_tokens: 2, ..TokenUsage::default() }),
        ..Response::default()
    };
    let body = String::from_utf8(encode_response(OPENAI, &client, &head(), &response)).unwrap();
    let expected = concat!(
        r#"{"id":"chatcmpl-abc","object":"chat.completion","created":7,"model":"openai/m","choices":[{"index":0,"#,
        r#""message":{"role":"assistant","content":"Hi","refusal":null},"logprobs":null,"finish_reason":"stop"}],"#,
        r#""usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,"#,
        r#""prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},"#,
        r#""completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}}}"#,
    );
    assert_eq!(body, expected);
}

#[test]
fn a_stream_has_the_shape_of_the_dialect() {
    let mut client = decode(with(json!({"stream": true})));
    let steps = [
        StreamEvent::Start { id: "x".into(), model: "y".into() },
        StreamEvent::Text("Hi \"you\"".into()),
        StreamEvent::Usage(TokenUsage { input_tokens: 9, output_tokens: 2, ..TokenUsage::default() }),
        StreamEvent::Finish(Finish::Stop),
    ];
    let chunk = |choice: &str, end: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-abc\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"openai/m\",\"choices\":[{choice}]{end}}}\n\n"
        )
    };
    let first =
        r#"{"index":0,"delta":{"role":"assistant","content":"Hi \"you\""},"logprobs":null,"finish_reason":null}"#;
    let last = r#"{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}"#;
    assert_eq!(written(&client, &steps), format!("{}{}data: [DONE]\n\n", chunk(first, ""), chunk(last, "")));

    client.include_usage = true;
    let null = r#","usage":null"#;
    let usage = concat!(
        r#","usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,"#,
        r#""prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"#,
        r#""completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}}"#,
    );
    let expected = format!("{}{}{}data: [DONE]\n\n", chunk(first, null), chunk(last, null), chunk("", usage));
    assert_eq!(written(&client, &steps), expected);
}

#[test]
fn calls_are_told_once_and_never_without_arguments() {
    let client = decode(with(json!({"stream": true})));
    let call = |id: &str| StreamEvent::ToolCall { id: id.into(), name: "f".into() };
    let piece = |call_idx, piece: &str| StreamEvent::Arguments { call_idx, piece: piece.into() };
    let steps = [call("a"), piece(0, "{\"x\""), piece(0, ":1}"), call("b"), StreamEvent::Finish(Finish::ToolCalls)];
    let stream = written(&client, &steps);
    let deltas: Vec<Value> = stream
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
        .map(|chunk| chunk["choices"][0]["delta"]["tool_calls"][0].clone())
        .filter(|call| !call.is_null())
        .collect();
    let expected = [
        json!({"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}),
        json!({"index": 0, "function": {"arguments": "{\"x\""}}),
        json!({"index": 0, "function": {"arguments": ":1}"}}),
        json!({"index": 1, "id": "b", "type": "function", "function": {"name": "f", "arguments": ""}}),
        json!({"index": 1, "function": {"arguments": "{}"}}),
    ];
    assert_eq!(deltas, expected);
    assert!(stream.contains(r#""finish_reason":"tool_calls""#));
}

#[test]
fn a_stream_that_breaks_off_says_so() {
    let client = decode(with(json!({"stream": true})));
    let mut encoder = StreamEncoder::new(OPENAI, &client, head()).unwrap();
    let mut out = Vec::new();
    encoder.push(&StreamEvent::Text("Hi".into()), &mut out);
    let n_before = out.len();
    let error = ClientError {
        kind: ClientErrorKind::Overloaded,
        message: "busy".into(),
        param: None,
        code: Some("upstream".into()),
    };
    encoder.fail(&error, &mut out);
    let end = String::from_utf8(out[n_before..].to_vec()).unwrap();
    let expected = r#"data: {"error":{"message":"busy","type":"server_error","param":null,"code":"upstream"}}"#;
    assert_eq!(end, format!("{expected}\n\n"));
    let mut decoder = StreamDecoder::new(OPENAI);
    assert!(decoder.push(&out).is_err());
}

/// Answers of every kind survive being written for a client and read again.
#[test]
fn what_is_written_reads_the_same() {
    let client = ClientRequest { include_usage: true, ..decode(with(json!({"stream": true}))) };
    for response in crate::answers() {
        let mut expected = Response {
            id: "chatcmpl-abc".into(),
            model: "openai/m".into(),
            // Not said in this dialect.
            stop_sequence: None,
            ..response.clone()
        };
        if let Some(usage) = &mut expected.usage {
            usage.cache_write_hour_tokens = 0;
        }
        let whole = encode_response(OPENAI, &client, &head(), &response);
        assert_eq!(decode_response(OPENAI, &whole).unwrap(), expected);

        let stream = written(&client, &steps(&response));
        let mut decoder = StreamDecoder::new(OPENAI);
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
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
                {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}},
            ]},
            {"role": "assistant", "content": "Sure.", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{ }"}}]},
            {"role": "tool", "tool_call_id": "a", "content": "done"},
            {"role": "user", "content": "And?"},
        ],
        "max_completion_tokens": 9, "temperature": 0.5, "top_p": 0.9, "frequency_penalty": 1.0, "presence_penalty": 1.0,
        "seed": 3, "stop": ["a"], "reasoning_effort": "high", "user": "u",
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": true, "schema": {"b": 1, "a": 2}}},
        "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": false}}],
        "tool_choice": "required", "parallel_tool_calls": true, "stream": true, "stream_options": {"include_usage": true},
    });
    let request = decode(body.clone()).request;
    let options = yw_llm::EncodeOptions { stream: true, ..yw_llm::EncodeOptions::default() };
    let encoded: Value = serde_json::from_slice(&yw_llm::encode_request(OPENAI, "m", &request, &options)).unwrap();
    assert_eq!(encoded, body);
    assert!(request.messages.iter().all(|message| message.role != Role::Assistant || message.content.len() == 2));
}

fn written(client: &ClientRequest, steps: &[StreamEvent]) -> String {
    let mut encoder = StreamEncoder::new(OPENAI, client, head()).unwrap();
    let mut out = Vec::new();
    steps.iter().for_each(|step| encoder.push(step, &mut out));
    encoder.finish(&mut out);
    String::from_utf8(out).unwrap()
}

fn steps(response: &Response) -> Vec<StreamEvent> {
    crate::steps_of(response)
}
