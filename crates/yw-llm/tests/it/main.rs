//! The codecs against recorded replies and hostile bytes.

mod anthropic_client;
mod anthropic_provider;
mod bedrock;
mod decode;
mod embedding;
mod encode;
mod gemini;
mod hostile;
mod openai_client;
mod openai_provider;
mod pass_through;
mod responses_reply;
mod responses_request;
mod stream;

use std::path::PathBuf;

use yw_llm::{Finish, Reasoning, Response, StreamEvent, TokenUsage, ToolCall};
use yw_task::Dialect;

/// The dialects of which the same replies are recorded.
const RECORDED: [Dialect; 2] = [Dialect::OpenAi, Dialect::Anthropic];

/// The bytes of a recorded reply, `tests/fixtures/DIALECT/NAME`.
fn fixture(dialect: Dialect, name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(dialect.name()).join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Answers of every kind, without ids of their own.
fn answers() -> Vec<Response> {
    let call = |id: &str, arguments: &str| ToolCall { id: id.into(), name: "f".into(), arguments: arguments.into() };
    let signed = Reasoning { text: "Hm, hm.".into(), signature: Some("c2ln".into()), ..Reasoning::default() };
    let redacted = Reasoning { signature: Some("cmVk".into()), is_redacted: true, ..Reasoning::default() };
    let usage = TokenUsage {
        input_tokens: 1_000,
        cached_tokens: 300,
        cache_write_tokens: 200,
        cache_write_hour_tokens: 50,
        output_tokens: 70,
        reasoning_tokens: 20,
        ..TokenUsage::default()
    };
    let text = Response { text: "It is \"wet\".\nZürich 🚂".into(), finish: Finish::Stop, ..Response::default() };
    vec![
        Response { usage: Some(usage), ..text.clone() },
        Response { finish: Finish::Length, usage: Some(usage), ..text.clone() },
        Response { finish: Finish::Refused, usage: Some(usage), ..text.clone() },
        Response { stop_sequence: Some("###".into()), usage: Some(usage), ..text.clone() },
        Response { reasoning: vec![signed.clone(), redacted], usage: Some(usage), ..text.clone() },
        Response {
            reasoning: vec![signed],
            tool_calls: vec![call("a", r#"{"x":[1,2.50]}"#), call("b", "{}")],
            finish: Finish::ToolCalls,
            usage: Some(usage),
            ..text
        },
        Response {
            tool_calls: vec![call("a", r#"{"x":"y"}"#)],
            finish: Finish::ToolCalls,
            usage: Some(usage),
            ..Response::default()
        },
    ]
}

/// The steps in which a provider may give an answer, with its texts in pieces.
fn steps_of(response: &Response) -> Vec<StreamEvent> {
    let pieces = |text: &str| {
        let chars: Vec<char> = text.chars().collect();
        chars.chunks(5).map(|piece| piece.iter().collect()).collect::<Vec<String>>()
    };
    let mut steps = vec![StreamEvent::Start { id: response.id.clone(), model: response.model.clone() }];
    for reasoning in &response.reasoning {
        steps.extend(pieces(&reasoning.text).into_iter().map(StreamEvent::Reasoning));
        steps.push(StreamEvent::ReasoningEnd(Reasoning { text: String::new(), ..reasoning.clone() }));
    }
    steps.extend(pieces(&response.text).into_iter().map(StreamEvent::Text));
    for (call_idx, call) in response.tool_calls.iter().enumerate() {
        steps.push(StreamEvent::ToolCall { id: call.id.clone(), name: call.name.clone() });
        steps.extend(pieces(&call.arguments).into_iter().map(|piece| StreamEvent::Arguments { call_idx, piece }));
    }
    steps.extend(response.stop_sequence.clone().map(StreamEvent::StopSequence));
    steps.push(StreamEvent::Finish(response.finish.clone()));
    steps.extend(response.usage.map(StreamEvent::Usage));
    steps
}
