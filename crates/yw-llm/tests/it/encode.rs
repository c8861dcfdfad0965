use serde_json::{Value, json};
use yw_llm::{
    EncodeOptions, JsonMode, MaxTokensField, Message, Output, Part, Request, Role, Sampling, SeedField, Tool, ToolCall,
    ToolChoice, ToolResult, encode_request,
};
use yw_task::Dialect;

use crate::RECORDED;

fn team_schema() -> Output {
    let schema = json!({
        "type": "object",
        "properties": {"team": {"type": "string", "enum": ["billing", "web"]}},
        "required": ["team"],
        "additionalProperties": false,
    });
    Output::Json { name: "triage".into(), schema }
}

/// A request that uses every field.
fn full_request() -> Request {
    let call = ToolCall { id: "call_1".into(), name: "lookup".into(), arguments: r#"{"order":17}"#.into() };
    let parameters = json!({"type": "object", "properties": {"order": {"type": "integer"}}, "required": ["order"]});
    Request {
        messages: vec![
            Message::user("Where is my \"order\"?\nZürich 🚂"),
            Message { role: Role::Assistant, content: vec![Part::Text("One moment.".into()), Part::ToolCall(call)] },
            Message {
                role: Role::User,
                content: vec![
                    Part::ToolResult(ToolResult {
                        call_id: "call_1".into(),
                        content: vec![Part::Text("lost".into())],
                        is_error: false,
                    }),
                    Part::Text("And now?".into()),
                ],
            },
        ],
        sampling: Sampling { temperature: Some(0.2), seed: Some(7), ..Sampling::default() },
        stop: vec!["###".into()],
        tools: vec![Tool {
            name: "lookup".into(),
            description: "Finds an order.".into(),
            parameters,
            strict: None,
            cache: None,
        }],
        tool_choice: ToolChoice::Named("lookup".into()),
        ..Request::new("", 256).with_system("Be brief.")
    }
}

fn encoded(dialect: Dialect, request: &Request, options: &EncodeOptions) -> Value {
    serde_json::from_slice(&encode_request(dialect, "some-model", request, options)).unwrap()
}

#[test]
fn every_field_of_a_request_is_said() {
    for dialect in RECORDED {
        let body = encoded(dialect, &full_request(), &EncodeOptions::default());
        insta::assert_json_snapshot!(format!("full_{dialect}"), body);
    }
}

#[test]
fn a_small_request_says_nothing_superfluous() {
    let request = Request::new("Is water wet?", 100);
    let body = |dialect| String::from_utf8(encode_request(dialect, "m", &request, &EncodeOptions::default())).unwrap();
    assert_eq!(
        body(Dialect::OpenAi),
        r#"{"model":"m","messages":[{"role":"user","content":"Is water wet?"}],"max_completion_tokens":100}"#
    );
    assert_eq!(
        body(Dialect::Anthropic),
        r#"{"model":"m","max_tokens":100,"messages":[{"role":"user","content":"Is water wet?"}]}"#
    );
}

#[test]
fn json_is_asked_for_in_each_mode() {
    let request = Request::new("My invoice is wrong.", 64).with_system("Sort tickets.").with_output(team_schema());
    for dialect in RECORDED {
        for json_mode in JsonMode::ALL {
            let options = EncodeOptions { json_mode, ..EncodeOptions::default() };
            let name = format!("json_{}_{dialect}", json_mode.name());
            insta::assert_json_snapshot!(name, encoded(dialect, &request, &options));
        }
    }
}

#[test]
fn servers_get_the_names_they_know() {
    let request = full_request();
    let check = |provider: &str, fields: &[&str]| {
        let body = encoded(Dialect::OpenAi, &request, &EncodeOptions::for_provider(provider));
        let known = ["max_tokens", "max_completion_tokens", "seed", "random_seed"];
        let found: Vec<&str> = known.into_iter().filter(|field| body.get(field).is_some()).collect();
        assert_eq!(found, fields, "{provider}");
    };
    check("openai", &["max_completion_tokens", "seed"]);
    check("mistral", &["max_tokens", "random_seed"]);
    check("my-llama", &["max_tokens", "seed"]);
    assert_eq!(EncodeOptions::for_provider("deepseek").json_mode, JsonMode::Instructed);
}

#[test]
fn a_stream_is_asked_for_with_its_usage() {
    let options = EncodeOptions {
        max_tokens_field: MaxTokensField::MaxTokens,
        seed_field: SeedField::Seed,
        json_mode: JsonMode::Schema,
        stream: true,
        ..EncodeOptions::default()
    };
    let request = Request::new("Hi", 5);
    assert_eq!(encoded(Dialect::OpenAi, &request, &options)["stream_options"], json!({"include_usage": true}));
    assert_eq!(encoded(Dialect::Anthropic, &request, &options)["stream"], true);
}

#[test]
fn the_same_request_has_the_same_bytes() {
    let bytes = |dialect| encode_request(dialect, "m", &full_request(), &EncodeOptions::default());
    for dialect in RECORDED {
        assert_eq!(bytes(dialect), bytes(dialect));
    }
}
