use serde_json::Value;

use super::usage::UsageCounts;
use super::wire::Message;
use crate::dialect::{ANSWER_TOOL, answer_finish};
use crate::json::{shortened, text};
use crate::lenient::Obj;
use crate::{DecodeError, Finish, ProviderError, ProviderErrorKind, Reasoning, Response, ToolCall};

/// Reads a message.
pub fn decode_response(body: &[u8]) -> Result<Response, DecodeError> {
    let message = serde_json::from_slice::<Obj<Message<'_>>>(body)?.0.unwrap_or_default();
    if let Some(error) = message.error {
        return Err(DecodeError::Provider(read_error(None, &error)));
    }
    let content = message.content.ok_or(DecodeError::Missing { path: "content" })?;
    let mut response = Response {
        id: message.id.into_string(),
        model: message.model.into_string(),
        finish: read_finish(message.stop_reason.text()),
        stop_sequence: message.stop_sequence.non_empty(),
        usage: message.usage.0.and_then(|usage| UsageCounts::default().updated(usage).total()),
        ..Response::default()
    };
    for block in content.0.into_iter().filter_map(|block| block.0) {
        match block.kind.text() {
            "text" => response.text.push_str(block.text.text()),
            "thinking" => response.reasoning.push(Reasoning {
                text: block.thinking.into_string(),
                signature: block.signature.non_empty(),
                ..Reasoning::default()
            }),
            "redacted_thinking" => response.reasoning.push(Reasoning {
                signature: Some(block.data.into_string()),
                is_redacted: true,
                ..Reasoning::default()
            }),
            "tool_use" if block.name.text() == ANSWER_TOOL => {
                response.text = block.arguments().to_owned();
                response.finish = answer_finish(response.finish);
            }
            "tool_use" => {
                let arguments = block.arguments().to_owned();
                response.tool_calls.push(ToolCall {
                    id: block.id.into_string(),
                    name: block.name.into_string(),
                    arguments,
                });
            }
            // Tools that run at the provider, and blocks that do not exist yet.
            _ => {}
        }
    }
    Ok(response)
}

/// Reads the body of a failure.
pub fn decode_error(status: u16, body: &[u8]) -> ProviderError {
    match serde_json::from_slice::<Value>(body) {
        Ok(json) => read_error(Some(status), json.get("error").unwrap_or(&json)),
        Err(_) => read_error(Some(status), &String::from_utf8_lossy(body).into_owned().into()),
    }
}

/// Reads an error object, or whatever stands in its place; without a status the type decides.
pub(super) fn read_error(status: Option<u16>, error: &Value) -> ProviderError {
    use ProviderErrorKind::*;
    let message = match error {
        Value::String(message) => message.clone(),
        _ => text(error, "/message").map_or_else(|| error.to_string(), str::to_owned),
    };
    let code = text(error, "/type").map(str::to_owned);
    let kind = match code.as_deref() {
        Some("invalid_request_error") => InvalidRequest,
        Some("authentication_error") => Authentication,
        Some("permission_error") => Permission,
        Some("billing_error") => Billing,
        Some("not_found_error") => NotFound,
        Some("request_too_large") => TooLarge,
        Some("rate_limit_error") => RateLimited,
        Some("overloaded_error") => Overloaded,
        Some("timeout_error") => Timeout,
        Some("api_error") => Server,
        _ => status.map_or(Other, ProviderErrorKind::of_status),
    };
    ProviderError { kind, message: shortened(&message, 600), code }
}

pub(super) fn read_finish(word: &str) -> Finish {
    match word {
        "end_turn" | "stop_sequence" => Finish::Stop,
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "tool_use" => Finish::ToolCalls,
        "refusal" => Finish::Refused,
        other => Finish::Other(other.to_owned()),
    }
}
