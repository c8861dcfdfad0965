use serde::Serialize;
use serde_json::value::RawValue;

use super::stop_word;
use crate::anthropic::ClientUsage;
use crate::{AnswerHead, Response};

/// A whole message.
pub(crate) fn encode_response(head: &AnswerHead, response: &Response) -> Vec<u8> {
    let stop_sequence = response.stop_sequence.as_deref();
    let message = Message {
        id: format!("msg_{}", head.id),
        r#type: "message",
        role: "assistant",
        model: &head.model,
        content: blocks(response),
        stop_reason: Some(stop_word(&response.finish, stop_sequence.is_some(), !response.tool_calls.is_empty())),
        stop_sequence,
        usage: response.usage.as_ref().map(ClientUsage::from).unwrap_or_default(),
    };
    // Strings, numbers and checked JSON cannot fail to become JSON.
    serde_json::to_vec(&message).unwrap_or_default()
}

#[derive(Serialize)]
pub(super) struct Message<'a> {
    pub(super) id: String,
    pub(super) r#type: &'static str,
    pub(super) role: &'static str,
    pub(super) model: &'a str,
    pub(super) content: Vec<Block<'a>>,
    pub(super) stop_reason: Option<&'static str>,
    pub(super) stop_sequence: Option<&'a str>,
    pub(super) usage: ClientUsage,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text { text: &'a str },
    Thinking { thinking: &'a str, signature: &'a str },
    RedactedThinking { data: &'a str },
    ToolUse { id: &'a str, name: &'a str, input: &'a RawValue },
}

fn blocks(response: &Response) -> Vec<Block<'_>> {
    let mut blocks = Vec::with_capacity(1 + response.reasoning.len() + response.tool_calls.len());
    for reasoning in &response.reasoning {
        let signature = reasoning.signature.as_deref().unwrap_or_default();
        blocks.push(match reasoning.is_redacted {
            true => Block::RedactedThinking { data: signature },
            false => Block::Thinking { thinking: &reasoning.text, signature },
        });
    }
    if !response.text.is_empty() {
        blocks.push(Block::Text { text: &response.text });
    }
    for call in &response.tool_calls {
        blocks.push(Block::ToolUse { id: &call.id, name: &call.name, input: crate::anthropic::input(&call.arguments) });
    }
    blocks
}
