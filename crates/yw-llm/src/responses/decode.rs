use serde::Deserialize;
use serde_json::Value;

use super::reasoning;
use crate::dialect::{ANSWER_TOOL, answer_finish};
use crate::json::{items, shortened, text, text_or_empty};
use crate::{DecodeError, Finish, ProviderError, ProviderErrorKind, Response, TokenUsage, ToolCall};

/// What is needed of a response object; what repeats the request is passed over.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Whole {
    id: Value,
    model: Value,
    status: Value,
    incomplete_details: Value,
    error: Value,
    output: Value,
    usage: Value,
}

/// Reads a response object.
pub fn decode_response(body: &[u8]) -> Result<Response, DecodeError> {
    let whole: Whole = serde_json::from_slice(body)?;
    if !whole.error.is_null() {
        return Err(DecodeError::Provider(read_error(None, &whole.error)));
    }
    let output = whole.output.as_array().ok_or(DecodeError::Missing { path: "output" })?;

    let mut response = Response {
        id: text_or_empty(&whole.id, ""),
        model: text_or_empty(&whole.model, ""),
        usage: read_usage(&whole.usage),
        ..Response::default()
    };
    let mut end = End::default();
    for item in output {
        match text(item, "/type") {
            Some("reasoning") => response.reasoning.extend(reasoning::read_item(item)),
            Some("message") => {
                for part in items(item, "/content") {
                    let refusal = text(part, "/refusal");
                    end.has_refused |= refusal.is_some();
                    response.text.push_str(refusal.or_else(|| text(part, "/text")).unwrap_or_default());
                }
            }
            Some("function_call") => {
                let arguments = text_or_empty(item, "/arguments");
                match text_or_empty(item, "/name") {
                    name if name == ANSWER_TOOL => {
                        response.text = arguments;
                        end.has_answer_call = true;
                    }
                    name => response.tool_calls.push(ToolCall { id: call_id(item), name, arguments }),
                }
            }
            // What the provider's own tools did.
            _ => {}
        }
    }
    end.has_calls = !response.tool_calls.is_empty();
    response.finish = end.finish(&whole.status, &whole.incomplete_details);
    Ok(response)
}

/// Reads the body of a failure.
pub fn decode_error(status: u16, body: &[u8]) -> ProviderError {
    match serde_json::from_slice::<Value>(body) {
        Ok(json) => read_error(Some(status), json.get("error").unwrap_or(&json)),
        Err(_) => read_error(Some(status), &String::from_utf8_lossy(body).into_owned().into()),
    }
}

/// Reads an error object, or whatever stands in its place; without a status the code decides.
pub(super) fn read_error(status: Option<u16>, error: &Value) -> ProviderError {
    let message = match error {
        Value::String(message) => message.clone(),
        _ => {
            text(error, "/message").or_else(|| text(error, "/detail")).map_or_else(|| error.to_string(), str::to_owned)
        }
    };
    let kind_of_error = text(error, "/type").filter(|kind| *kind != "error");
    let code = text(error, "/code").or(kind_of_error).map(str::to_owned);
    let kind = match code.as_deref() {
        Some("insufficient_quota") => ProviderErrorKind::Billing,
        Some("rate_limit_exceeded") => ProviderErrorKind::RateLimited,
        Some("server_error") if status.is_none_or(|status| status < 500) => ProviderErrorKind::Server,
        Some("invalid_prompt" | "invalid_request_error" | "context_length_exceeded") if status.is_none() => {
            ProviderErrorKind::InvalidRequest
        }
        Some(word) if status.is_none() && word.contains("image") => ProviderErrorKind::InvalidRequest,
        _ => status.map_or(ProviderErrorKind::Other, ProviderErrorKind::of_status),
    };
    ProviderError { kind, message: shortened(&message, 600), code }
}

/// The id that a call's result has to name; it is not the id of the item.
pub(super) fn call_id(item: &Value) -> String {
    text(item, "/call_id").or_else(|| text(item, "/id")).unwrap_or_default().to_owned()
}

/// What tells why an answer ends.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct End {
    pub(super) has_calls: bool,
    pub(super) has_refused: bool,
    pub(super) has_answer_call: bool,
}

impl End {
    pub(super) fn finish(self, status: &Value, incomplete_details: &Value) -> Finish {
        let finish = match status.as_str() {
            None | Some("completed") if self.has_refused => Finish::Refused,
            None | Some("completed") if self.has_calls => Finish::ToolCalls,
            None | Some("completed") => Finish::Stop,
            Some("incomplete") => match text(incomplete_details, "/reason") {
                Some("max_output_tokens") => Finish::Length,
                Some("content_filter") => Finish::Refused,
                reason => Finish::Other(reason.unwrap_or("incomplete").to_owned()),
            },
            Some(other) => Finish::Other(other.to_owned()),
        };
        if self.has_answer_call { answer_finish(finish) } else { finish }
    }
}

pub(super) fn read_usage(usage: &Value) -> Option<TokenUsage> {
    let count = |name: &str| usage.get(name)?.as_u64();
    let input_tokens = count("input_tokens")?;
    let output_tokens = count("output_tokens")?;
    let detail = |of: &str, name: &str| usage.get(of)?.get(name)?.as_u64();
    let input = |name: &str| detail("input_tokens_details", name).unwrap_or(0);
    let output = |name: &str| detail("output_tokens_details", name).unwrap_or(0);
    // As in chat completions, a server may leave reasoning out of the output, though it bills it; the total tells.
    let reasoning_tokens = output("reasoning_tokens");
    let with_reasoning = output_tokens.saturating_add(reasoning_tokens);
    let total = count("total_tokens");
    let is_left_out = reasoning_tokens > 0 && total == Some(input_tokens.saturating_add(with_reasoning));
    Some(TokenUsage {
        input_tokens,
        cached_tokens: input("cached_tokens"),
        cache_write_tokens: input("cache_write_tokens"),
        // The longer of the dialect's own times is twelve hours, which is no hour.
        cache_write_hour_tokens: 0,
        input_audio_tokens: input("audio_tokens"),
        input_image_tokens: input("image_tokens"),
        output_tokens: if is_left_out { with_reasoning } else { output_tokens },
        reasoning_tokens,
        output_audio_tokens: output("audio_tokens"),
    })
}
