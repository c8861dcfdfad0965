use serde_json::Value;

use super::error::{message_of, read_error};
use super::wire::{Reply, ReplyBlock, Usage};
use crate::dialect::{ANSWER_TOOL, answer_finish};
use crate::json::text;
use crate::{DecodeError, Finish, Reasoning, Response, TokenUsage, ToolCall};

/// Reads a reply of Converse. It names neither itself nor the model.
pub fn decode_response(body: &[u8]) -> Result<Response, DecodeError> {
    let reply: Reply<'_> = serde_json::from_slice(body)?;
    let message = reply.output.and_then(|output| output.message);
    let Some(blocks) = message.and_then(|message| message.content) else {
        return Err(missing(body));
    };
    let mut response =
        Response { finish: read_finish(reply.stop_reason.as_deref().unwrap_or_default()), ..Response::default() };
    for block in blocks {
        read_block(block, &mut response);
    }
    response.stop_sequence =
        stop_sequence(reply.additional_model_response_fields.as_ref(), reply.stop_reason.as_deref());
    response.usage = reply.usage.as_ref().and_then(read_usage);
    Ok(response)
}

/// What a body without a message is: a failure, if it names one.
fn missing(body: &[u8]) -> DecodeError {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    match text(&json, "/__type") {
        Some(name) => DecodeError::Provider(read_error(None, Some(name), &message_of(&json))),
        None => DecodeError::Missing { path: "output.message.content" },
    }
}

fn read_block(block: ReplyBlock<'_>, response: &mut Response) {
    response.text.push_str(&block.text.unwrap_or_default());
    for cited in block.citations_content.and_then(|citations| citations.content).unwrap_or_default() {
        response.text.push_str(&cited.text.unwrap_or_default());
    }
    if let Some(reasoning) = block.reasoning_content {
        if let Some(thoughts) = reasoning.reasoning_text {
            let text = thoughts.text.unwrap_or_default();
            response.reasoning.push(Reasoning { text, signature: thoughts.signature, ..Reasoning::default() });
        }
        if let Some(redacted) = reasoning.redacted_content {
            response.reasoning.push(redacted_reasoning(redacted));
        }
    }
    if let Some(call) = block.tool_use {
        let arguments = call.input.map_or("{}", |input| input.get()).to_owned();
        match call.name.unwrap_or_default() {
            name if name == ANSWER_TOOL => {
                response.text = arguments;
                response.finish = answer_finish(response.finish.clone());
            }
            name => {
                response.tool_calls.push(ToolCall { id: call.tool_use_id.unwrap_or_default(), name, arguments });
            }
        }
    }
}

pub(super) fn redacted_reasoning(redacted: String) -> Reasoning {
    Reasoning { signature: Some(redacted), is_redacted: true, ..Reasoning::default() }
}

/// The stop text, of the fields that [`super::encode_request`] asks Claude for; empty where a stop text is all that is
/// known.
pub(super) fn stop_sequence(fields: Option<&Value>, stop_reason: Option<&str>) -> Option<String> {
    let told = fields.and_then(|fields| text(fields, "/stop_sequence")).map(str::to_owned);
    told.or_else(|| (stop_reason == Some("stop_sequence")).then(String::new))
}

pub(super) fn read_finish(word: &str) -> Finish {
    match word {
        "end_turn" | "stop_sequence" => Finish::Stop,
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "tool_use" => Finish::ToolCalls,
        "guardrail_intervened" | "content_filtered" | "refusal" => Finish::Refused,
        other => Finish::Other(other.to_owned()),
    }
}

/// The counts in our convention: the dialect leaves those from and to the cache out of the input.
pub(super) fn read_usage(usage: &Usage) -> Option<TokenUsage> {
    let cached_tokens = usage.cache_read_input_tokens.unwrap_or(0);
    let cache_write_tokens = usage.cache_write_input_tokens.unwrap_or(0);
    let details = usage.cache_details.as_deref().unwrap_or_default();
    let hour = details.iter().filter(|detail| detail.ttl.as_deref() == Some("1h"));
    Some(TokenUsage {
        input_tokens: usage.input_tokens?.saturating_add(cached_tokens).saturating_add(cache_write_tokens),
        cached_tokens,
        cache_write_tokens,
        cache_write_hour_tokens: hour.filter_map(|detail| detail.input_tokens).fold(0, u64::saturating_add),
        output_tokens: usage.output_tokens?,
        ..TokenUsage::default()
    })
}
