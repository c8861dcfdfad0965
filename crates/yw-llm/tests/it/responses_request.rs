//! Requests of the responses dialect: what clients send, what providers get.

use serde_json::{Value, json};
use yw_llm::{
    CacheTime, ClientRequest, Effort, EncodeOptions, JsonMode, Media, MediaSource, Message, Output, Part, Reasoning,
    Request, RequestError, Role, Sampling, Thinking, Tool, ToolCall, ToolChoice, ToolResult, decode_request,
    encode_request,
};
use yw_task::Dialect;

fn decode(body: &Value) -> Result<ClientRequest, RequestError> {
    decode_request(Dialect::Responses, body.to_string().as_bytes())
}

fn request(body: &Value) -> Request {
    decode(body).unwrap().request
}

fn input(items: Value) -> Value {
    json!({"model": "m", "input": items})
}

fn encode(request: &Request) -> Value {
    encode_with(request, &EncodeOptions::default())
}

fn encode_with(request: &Request, options: &EncodeOptions) -> Value {
    serde_json::from_slice(&encode_request(Dialect::Responses, "m", request, options)).unwrap()
}

fn text(text: &str) -> Part {
    Part::Text(text.into())
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

fn result(id: &str, content: Vec<Part>) -> Part {
    Part::ToolResult(ToolResult { call_id: id.into(), content, is_error: false })
}

fn media(media_type: &str, name: Option<&str>, source: MediaSource) -> Media {
    Media { media_type: media_type.into(), name: name.map(str::to_owned), source }
}

fn team_schema() -> Value {
    json!({"type": "object", "properties": {"team": {"type": "string"}}, "required": ["team"], "additionalProperties": false})
}

#[test]
fn a_string_is_a_question() {
    let client = decode(&json!({"model": "gpt-5", "input": "Is water wet?", "instructions": "Be brief."})).unwrap();
    assert_eq!(client.model, "gpt-5");
    assert!(!client.stream && client.dropped.is_empty());
    let expected = Request { messages: vec![Message::user("Is water wet?")], ..Request::default() };
    assert_eq!(client.request, expected.with_system("Be brief."));
}

#[test]
fn every_member_is_understood() {
    let client = decode(&json!({
        "model": "gpt-5",
        "input": [{"role": "user", "content": "Hi"}],
        "stream": true,
        "max_output_tokens": 300,
        "temperature": 0.5,
        "top_p": 0.9,
        "reasoning": {"effort": "high", "summary": "auto"},
        "text": {"format": {"type": "json_schema", "name": "triage", "schema": team_schema(), "strict": true}},
        "tools": [{"type": "function", "name": "lookup", "description": "Finds.", "parameters": {"type": "object"}, "strict": true}],
        "tool_choice": {"type": "function", "name": "lookup"},
        "parallel_tool_calls": false,
        "safety_identifier": "u-1",
        "user": "old",
        "metadata": {"a": "b"},
        "store": false,
        "include": ["reasoning.encrypted_content"],
        "truncation": "disabled",
        "previous_response_id": null,
        "something_new": {"x": [1]},
    }))
    .unwrap();
    assert!(client.stream);
    assert_eq!(client.dropped, Vec::<String>::new());
    assert_eq!(client.echo["metadata"], json!({"a": "b"}));
    assert!(client.echo.contains_key("tools") && !client.echo.contains_key("input"));
    let tool = Tool {
        name: "lookup".into(),
        description: "Finds.".into(),
        parameters: json!({"type": "object"}),
        strict: Some(true),
        cache: None,
    };
    assert_eq!(
        client.request,
        Request {
            messages: vec![Message::user("Hi")],
            max_tokens: Some(300),
            sampling: Sampling { temperature: Some(0.5), top_p: Some(0.9), ..Sampling::default() },
            reasoning: Some(Thinking::Effort(Effort::High)),
            output: Output::Json { name: "triage".into(), schema: team_schema() },
            tools: vec![tool],
            tool_choice: ToolChoice::Named("lookup".into()),
            parallel_tool_calls: Some(false),
            user: Some("u-1".into()),
            ..Request::default()
        }
    );
}

#[test]
fn items_make_turns() {
    let request = request(&input(json!([
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be kind."}]},
        {"role": "user", "content": "Where is 17?"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}], "encrypted_content": "gAAAAAx"},
        {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
         "content": [{"type": "output_text", "text": "One moment.", "annotations": []}, {"type": "refusal", "refusal": "No."}]},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "lookup", "arguments": "{\"order\":17}", "status": "completed"},
        {"type": "function_call", "call_id": "call_2", "name": "refund", "arguments": ""},
        {"type": "function_call_output", "call_id": "call_1", "output": "lost"},
        {"type": "function_call_output", "call_id": "call_2", "output": [
            {"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": "https://a.example/b.png"}]},
        {"role": "user", "content": "And now?"},
        {"role": "user", "content": "Hello?"},
        {"role": "system", "content": "Hurry."},
        {"role": "assistant", "content": "One."},
        {"role": "assistant", "content": "Two."},
        {"type": "message", "role": "assistant", "content": []},
        {"role": "user", "content": "Bye"},
    ])));
    assert_eq!(request.system, [text("Be kind."), text("Hurry.")]);
    let thoughts = Reasoning {
        text: "a\n\nb".into(),
        signature: Some("gAAAAAx".into()),
        is_redacted: false,
        id: Some("rs_1".into()),
    };
    let picture = media("", None, MediaSource::Url("https://a.example/b.png".into()));
    assert_eq!(
        request.messages,
        [
            Message::user("Where is 17?"),
            assistant(vec![
                Part::Reasoning(thoughts),
                text("One moment."),
                text("No."),
                call("call_1", "lookup", "{\"order\":17}"),
                call("call_2", "refund", ""),
            ]),
            user(vec![
                result("call_1", vec![text("lost")]),
                result("call_2", vec![text("see"), Part::Image(picture)]),
                text("And now?"),
            ]),
            Message::user("Hello?"),
            Message::assistant("One."),
            Message::assistant("Two."),
            Message::user("Bye"),
        ]
    );
}

#[test]
fn media_are_understood() {
    let client = decode(&input(json!([{"role": "user", "content": [
        {"type": "input_text", "text": "Look", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
        {"type": "input_image", "image_url": "data:image/jpeg;base64,AAEC", "detail": "high"},
        {"type": "input_image", "file_id": "file-1", "detail": "low"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"},
        {"type": "input_file", "filename": "A.PDF", "file_data": "JVBE"},
        {"type": "input_file", "file_url": "https://a.example/a.pdf"},
        {"type": "input_file", "file_id": "file-2", "prompt_cache_breakpoint": {"mode": "explicit"}},
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
    ]}])))
    .unwrap();
    assert_eq!(client.dropped, ["input_image.detail"]);
    let base64 = |data: &str| MediaSource::Base64(data.into());
    let expected = vec![
        text("Look"),
        Part::CachePoint(CacheTime::Hour),
        Part::Image(media("image/jpeg", None, base64("AAEC"))),
        Part::Image(media("", None, MediaSource::File("file-1".into()))),
        Part::Document(media("application/pdf", Some("a.pdf"), base64("JVBE"))),
        Part::Document(media("application/pdf", Some("A.PDF"), base64("JVBE"))),
        Part::Document(media("", None, MediaSource::Url("https://a.example/a.pdf".into()))),
        Part::Document(media("", None, MediaSource::File("file-2".into()))),
        Part::CachePoint(CacheTime::Short),
        Part::Audio(media("audio/wav", None, base64("UklG"))),
    ];
    assert_eq!(client.request.messages, [user(expected)]);
}

#[test]
fn what_cannot_be_translated_is_refused_by_its_place() {
    let check = |body: Value, param: &str, word: &str| {
        let error = decode(&body).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(param), "{error}");
        assert!(error.message.contains(word), "{error}");
    };
    let with = |name: &str, value: Value| {
        let mut body = json!({"model": "m", "input": "Hi"});
        body[name] = value;
        body
    };
    check(with("previous_response_id", json!("resp_1")), "previous_response_id", "`input`");
    check(with("conversation", json!({"id": "conv_1"})), "conversation", "`input`");
    check(with("prompt", json!({"id": "pmpt_1"})), "prompt", "`instructions`");
    check(with("background", json!(true)), "background", "`stream`");
    check(
        with("tools", json!([{"type": "function", "name": "f"}, {"type": "web_search"}])),
        "tools[1]",
        "`web_search`",
    );
    check(with("tools", json!([{"type": "custom", "name": "sql"}])), "tools[0]", "`custom`");
    check(with("tool_choice", json!({"type": "file_search"})), "tool_choice.type", "`file_search`");
    check(with("tool_choice", json!("any")), "tool_choice", "required");
    check(
        with("reasoning", json!({"effort": "extreme"})),
        "reasoning.effort",
        "minimal, low, medium, high, xhigh or max",
    );
    check(with("text", json!({"format": {"type": "grammar"}})), "text.format.type", "json_schema");
    check(
        with("text", json!({"format": {"type": "json_schema", "name": "n"}})),
        "text.format.schema",
        "an object, not null",
    );
    check(with("max_output_tokens", json!(-1)), "max_output_tokens", "not negative");
    check(with("max_output_tokens", json!(1.5)), "max_output_tokens", "whole");
    check(with("temperature", json!("hot")), "temperature", "a number, not a string");
    check(with("stream", json!("yes")), "stream", "true or false");
    check(with("model", json!(3)), "model", "a string");
    check(json!({"input": "Hi"}), "model", "missing");
    check(json!({"model": "m"}), "input", "missing");
    check(json!({"model": "m", "input": []}), "input", "empty");
    check(json!({"model": "m", "input": 3}), "input", "array");
    let item = |item: Value| input(json!([{"role": "user", "content": "Hi"}, item]));
    check(item(json!({"id": "msg_1"})), "input[1]", "stored");
    check(item(json!({"type": "item_reference", "id": "msg_1"})), "input[1]", "stored");
    check(item(json!({"type": "web_search_call", "id": "ws_1"})), "input[1]", "`web_search_call`");
    check(item(json!("Hi")), "input[1]", "an object, not a string");
    check(item(json!({"role": "tool", "content": "x"})), "input[1].role", "`tool`");
    check(item(json!({"role": "user", "content": 3})), "input[1].content", "array");
    check(item(json!({"role": "user", "content": [{"type": "input_text"}]})), "input[1].content[0].text", "missing");
    check(item(json!({"role": "user", "content": [{"type": "hologram"}]})), "input[1].content[0].type", "`hologram`");
    check(item(json!({"role": "user", "content": [{"type": "input_image"}]})), "input[1].content[0]", "image_url");
    check(
        item(json!({"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png,abc"}]})),
        "input[1].content[0].image_url",
        "base64",
    );
    check(
        item(json!({"role": "system", "content": [{"type": "input_image", "file_id": "f"}]})),
        "input[1].content",
        "text",
    );
    check(item(json!({"type": "function_call", "name": "f", "arguments": "{}"})), "input[1].call_id", "missing");
    let not_json = decode_request(Dialect::Responses, b"{").unwrap_err();
    assert!(not_json.param.is_none() && not_json.message.contains("not valid JSON"));
    assert_eq!(decode(&json!([])).unwrap_err().to_string(), "the body must be an object, not an array");
}

#[test]
fn what_is_left_out_is_named() {
    let client = decode(&json!({
        "model": "m", "input": "Hi", "store": true, "service_tier": "flex", "truncation": "auto", "top_logprobs": 3,
        "prompt_cache_key": "k", "include": ["message.output_text.logprobs"],
        "text": {"verbosity": "low", "format": {"type": "json_schema", "name": "n", "schema": {}, "strict": false, "description": "d"}},
    }))
    .unwrap();
    assert_eq!(
        client.dropped,
        [
            "store",
            "prompt_cache_key",
            "service_tier",
            "top_logprobs",
            "truncation",
            "include",
            "text.verbosity",
            "text.format.strict",
            "text.format.description"
        ]
    );
    let quiet = json!({
        "model": "m", "input": "Hi", "service_tier": "auto", "top_logprobs": 0, "include": null, "store": null,
        "text": {"verbosity": "medium", "format": {"type": "text"}}, "max_tool_calls": 3,
    });
    assert_eq!(decode(&quiet).unwrap().dropped, Vec::<String>::new());
}

#[test]
fn tools_that_are_not_allowed_are_not_offered() {
    let tool = |name: &str| json!({"type": "function", "name": name, "parameters": null, "strict": null});
    let body =
        |choice: Value| json!({"model": "m", "input": "Hi", "tools": [tool("a"), tool("b")], "tool_choice": choice});
    let allowed = json!({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "b"}]});
    let allowed = request(&body(allowed));
    assert_eq!(allowed.tool_choice, ToolChoice::Required);
    let names: Vec<&str> = allowed.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["b"]);
    assert_eq!(allowed.tools[0].parameters, json!({"type": "object", "properties": {}}));
    for (word, choice) in [("auto", ToolChoice::Auto), ("none", ToolChoice::Never), ("required", ToolChoice::Required)]
    {
        let request = request(&body(json!(word)));
        assert_eq!((request.tool_choice, request.tools.len()), (choice, 2));
    }
}

/// A request that uses everything the dialect can say.
fn full_request() -> Request {
    let base64 = |data: &str| MediaSource::Base64(data.into());
    let thoughts = Reasoning {
        text: "Look it up.".into(),
        signature: Some("gAAAAAx".into()),
        is_redacted: false,
        id: Some("rs_1".into()),
    };
    let hidden = Reasoning { signature: Some("gAAAAAy".into()), is_redacted: true, ..Reasoning::default() };
    Request {
        messages: vec![
            user(vec![
                text("Where is \"it\"?\nZürich 🚂"),
                Part::Image(media("image/jpeg", None, base64("AAEC"))),
                Part::Image(media("", None, MediaSource::Url("https://a.example/b.png".into()))),
                Part::Image(media("", None, MediaSource::File("file-1".into()))),
                Part::Document(media("application/pdf", Some("a.pdf"), base64("JVBE"))),
                Part::Document(media("", None, MediaSource::Url("https://a.example/a.pdf".into()))),
                Part::Document(media("", None, MediaSource::File("file-2".into()))),
                Part::Audio(media("audio/mp3", None, base64("SUQz"))),
            ]),
            assistant(vec![
                Part::Reasoning(thoughts),
                text("One moment."),
                call("call_1", "lookup", r#"{"order":17}"#),
                Part::Reasoning(hidden),
                call("call_2", "lookup", "{}"),
            ]),
            user(vec![
                result("call_1", vec![text("lost")]),
                result("call_2", vec![text("see"), Part::Image(media("image/png", None, base64("AAED")))]),
                text("And now?"),
            ]),
        ],
        sampling: Sampling { temperature: Some(0.25), top_p: Some(0.5), ..Sampling::default() },
        reasoning: Some(Thinking::Effort(Effort::Low)),
        output: Output::Json { name: "triage".into(), schema: team_schema() },
        tools: vec![Tool {
            name: "lookup".into(),
            description: "Finds an order.".into(),
            parameters: json!({"type": "object", "properties": {"order": {"type": "integer"}}}),
            strict: Some(false),
            cache: None,
        }],
        tool_choice: ToolChoice::Required,
        parallel_tool_calls: Some(true),
        user: Some("u-1".into()),
        ..Request::new("", 256).with_system("Be brief.")
    }
}

#[test]
fn everything_is_said_and_understood_again() {
    let body = encode_request(Dialect::Responses, "m", &full_request(), &EncodeOptions::default());
    insta::assert_json_snapshot!(serde_json::from_slice::<Value>(&body).unwrap());
    let client = decode_request(Dialect::Responses, &body).unwrap();
    assert_eq!(client.request, full_request());
    assert_eq!((client.model.as_str(), client.dropped.len()), ("m", 0));
    for choice in [ToolChoice::Auto, ToolChoice::Never, ToolChoice::Named("lookup".into())] {
        for output in [Output::Text, Output::JsonObject] {
            for reasoning in [None, Some(Thinking::Off), Some(Thinking::Effort(Effort::ExtraHigh))] {
                let request =
                    Request { tool_choice: choice.clone(), output: output.clone(), reasoning, ..full_request() };
                let body = encode_request(Dialect::Responses, "m", &request, &EncodeOptions::default());
                assert_eq!(decode_request(Dialect::Responses, &body).unwrap().request, request);
            }
        }
    }
}

#[test]
fn a_small_request_says_nothing_superfluous() {
    let body = encode_request(Dialect::Responses, "m", &Request::new("Is water wet?", 100), &EncodeOptions::default());
    assert_eq!(
        String::from_utf8(body).unwrap(),
        r#"{"model":"m","input":[{"type":"message","role":"user","content":"Is water wet?"}],"max_output_tokens":100,"store":false}"#
    );
    let options = EncodeOptions { stream: true, ..EncodeOptions::default() };
    assert_eq!(encode_with(&Request::new("Hi", 5), &options)["stream"], true);
}

#[test]
fn json_is_asked_for_in_each_mode() {
    let output = Output::Json { name: "triage".into(), schema: team_schema() };
    let request = Request::new("Sort.", 9).with_system("Sort tickets.").with_output(output);
    let body = |json_mode| encode_with(&request, &EncodeOptions { json_mode, ..EncodeOptions::default() });
    let schema = body(JsonMode::Schema);
    let format = json!({"type": "json_schema", "name": "triage", "schema": team_schema(), "strict": true});
    assert_eq!((&schema["text"]["format"], &schema["instructions"]), (&format, &json!("Sort tickets.")));
    let forced = body(JsonMode::ForcedTool);
    assert_eq!(forced["tools"][0]["parameters"], team_schema());
    assert_eq!(forced["tool_choice"], json!({"type": "function", "name": "give_answer"}));
    assert_eq!(forced.get("text"), None);
    // The word JSON has to stand in the input.
    let instructed = body(JsonMode::Instructed);
    assert_eq!(instructed["text"], json!({"format": {"type": "json_object"}}));
    assert_eq!(instructed.get("instructions"), None);
    let first = &instructed["input"][0];
    assert_eq!(first["role"], "system");
    assert!(first["content"].as_str().unwrap().contains("JSON schema"));
}

#[test]
fn thoughts_go_back_only_to_whom_they_came_from() {
    let thoughts = |id: Option<&str>, signature: Option<&str>| {
        let thoughts = Reasoning {
            text: "Hm.".into(),
            signature: signature.map(str::to_owned),
            is_redacted: false,
            id: id.map(str::to_owned),
        };
        let messages = vec![Message::user("Hi"), assistant(vec![Part::Reasoning(thoughts), text("Hello.")])];
        let body = encode(&Request { messages, ..Request::default() });
        assert_eq!(body.get("include").is_some(), body["input"].as_array().unwrap().len() == 3);
        body["input"][1]["type"].as_str().unwrap().to_owned()
    };
    assert_eq!(thoughts(Some("rs_1"), Some("anything")), "reasoning");
    assert_eq!(thoughts(None, Some("gAAAAABo")), "reasoning");
    // Another provider's signature, and thoughts that were stored or never signed.
    assert_eq!(thoughts(None, Some("ErUBCkYI")), "message");
    assert_eq!(thoughts(Some("rs_1"), None), "message");
    assert_eq!(thoughts(None, None), "message");
}

#[test]
fn what_the_dialect_cannot_say_is_left_out() {
    let request = Request {
        messages: vec![user(vec![
            text("a"),
            Part::CachePoint(CacheTime::Hour),
            Part::Document(media("text/plain", Some("n.txt"), MediaSource::Text("note".into()))),
            Part::Audio(media("audio/wav", None, MediaSource::Url("https://a.example/a.wav".into()))),
        ])],
        sampling: Sampling { top_k: Some(5), seed: Some(7), frequency_penalty: Some(1.0), ..Sampling::default() },
        stop: vec!["###".into()],
        reasoning: Some(Thinking::Tokens(3_000)),
        parallel_tool_calls: Some(false),
        ..Request::default()
    };
    assert_eq!(
        encode(&request),
        json!({
            "model": "m",
            "input": [{"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "a"}, {"type": "input_text", "text": "note"},
            ]}],
            "reasoning": {"effort": "medium", "summary": "auto"},
            "include": ["reasoning.encrypted_content"],
            "store": false,
        })
    );
}
