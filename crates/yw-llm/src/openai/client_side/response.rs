use serde::Serialize;

use super::{finish_word, knows_functions_only};
use crate::openai::ClientUsage;
use crate::openai::details::DetailOut;
use crate::{AnswerHead, ClientRequest, Reasoning, Response, ToolCall};

/// A whole chat completion.
pub(crate) fn encode_response(client: &ClientRequest, head: &AnswerHead, response: &Response) -> Vec<u8> {
    let legacy = knows_functions_only(client);
    let calls = &response.tool_calls;
    let completion = Completion {
        id: format!("chatcmpl-{}", head.id),
        object: "chat.completion",
        created: head.created,
        model: &head.model,
        choices: [Choice {
            index: 0,
            message: Message {
                role: "assistant",
                // The SDKs tell an answer of calls alone by its missing text.
                content: Some(response.text.as_str()).filter(|text| !text.is_empty() || calls.is_empty()),
                refusal: None,
                reasoning_content: response.reasoning.iter().map(|reasoning| reasoning.text.as_str()).collect(),
                reasoning_details: details(&response.reasoning),
                function_call: calls.first().filter(|_| legacy).map(Function::from),
                tool_calls: if legacy { Vec::new() } else { calls.iter().map(Call::from).collect() },
            },
            logprobs: None,
            finish_reason: finish_word(&response.finish, !calls.is_empty(), legacy),
        }],
        usage: response.usage.as_ref().map(ClientUsage::from),
    };
    // Strings and numbers cannot fail to become JSON.
    serde_json::to_vec(&completion).unwrap_or_default()
}

/// The thoughts in detail, if there is more to them than the text.
fn details(reasoning: &[Reasoning]) -> Vec<DetailOut<'_>> {
    if reasoning.iter().all(|reasoning| reasoning.signature.is_none()) {
        return Vec::new();
    }
    reasoning.iter().enumerate().map(|(idx, reasoning)| DetailOut::new(idx, reasoning, &reasoning.text)).collect()
}

#[derive(Serialize)]
struct Completion<'a> {
    id: String,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: [Choice<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<ClientUsage>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u64,
    message: Message<'a>,
    logprobs: Option<()>,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<&'a str>,
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    reasoning_content: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<DetailOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<Function<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
}

#[derive(Serialize)]
struct Call<'a> {
    id: &'a str,
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<'a> From<&'a ToolCall> for Call<'a> {
    fn from(call: &'a ToolCall) -> Self {
        Call { id: &call.id, r#type: "function", function: call.into() }
    }
}

impl<'a> From<&'a ToolCall> for Function<'a> {
    fn from(call: &'a ToolCall) -> Self {
        Function { name: &call.name, arguments: &call.arguments }
    }
}
