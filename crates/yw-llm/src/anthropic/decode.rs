use serde_json::Value;

use crate::dialect::{ANSWER_TOOL, answer_finish};
use crate::json::{count, items, shortened, text, text_or_empty};
use crate::{DecodeError, Finish, ProviderError, ProviderErrorKind, Response, TokenUsage, ToolCall};

/// Reads a message.
pub fn decode_response(body: &[u8]) -> Result<Response, DecodeError> {
    let body: Value = serde_json::from_slice(body)?;
    if let Some(error) = body.get("error").filter(|e| !e.is_null()) {
        return Err(DecodeError::Provider(read_error(None, error)));
    }
    if !body["content"].is_array() {
        return Err(DecodeError::Missing { path: "content" });
    }
    let mut finish = read_finish(text(&body, "/stop_reason").unwrap_or_default());
    let mut answer = String::new();
    let mut tool_calls = Vec::new();
    for block in items(&body, "/content") {
        match text(block, "/type") {
            Some("text") => answer.push_str(text(block, "/text").unwrap_or_default()),
            Some("tool_use") if text(block, "/name") == Some(ANSWER_TOOL) => {
                answer = block["input"].to_string();
                finish = answer_finish(finish);
            }
            Some("tool_use") => tool_calls.push(ToolCall {
                id: text_or_empty(block, "/id"),
                name: text_or_empty(block, "/name"),
                arguments: block["input"].to_string(),
            }),
            // Thinking, and blocks that do not exist yet.
            _ => {}
        }
    }
    Ok(Response {
        id: text_or_empty(&body, "/id"),
        model: text_or_empty(&body, "/model"),
        text: answer,
        tool_calls,
        finish,
        usage: UsageCounts::default().updated(&body["usage"]).total(),
    })
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

/// Token counts as the dialect gives them: those from and to the cache are not part of the input, and in a stream each
/// count may be told several times, the last one being right.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct UsageCounts {
    input: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
}

impl UsageCounts {
    pub(super) fn updated(self, usage: &Value) -> Self {
        UsageCounts {
            input: count(usage, "/input_tokens").or(self.input),
            cache_read: count(usage, "/cache_read_input_tokens").or(self.cache_read),
            cache_write: count(usage, "/cache_creation_input_tokens").or(self.cache_write),
            output: count(usage, "/output_tokens").or(self.output),
            thinking: count(usage, "/output_tokens_details/thinking_tokens").or(self.thinking),
        }
    }

    /// The counts in our convention; none if there is not even an input and an output.
    pub(super) fn total(self) -> Option<TokenUsage> {
        let cached_tokens = self.cache_read.unwrap_or(0);
        let cache_write_tokens = self.cache_write.unwrap_or(0);
        Some(TokenUsage {
            input_tokens: self.input?.saturating_add(cached_tokens).saturating_add(cache_write_tokens),
            cached_tokens,
            cache_write_tokens,
            output_tokens: self.output?,
            reasoning_tokens: self.thinking.unwrap_or(0),
        })
    }
}
