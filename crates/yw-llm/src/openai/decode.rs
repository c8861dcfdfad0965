use serde_json::Value;

use crate::dialect::{ANSWER_TOOL, answer_finish};
use crate::json::{count, items, shortened, text, text_or_empty};
use crate::{DecodeError, Finish, ProviderError, ProviderErrorKind, Response, TokenUsage, ToolCall};

/// Reads a chat completion.
pub fn decode_response(body: &[u8]) -> Result<Response, DecodeError> {
    let body: Value = serde_json::from_slice(body)?;
    if let Some(error) = body.get("error").filter(|e| !e.is_null()) {
        return Err(DecodeError::Provider(read_error(None, error)));
    }
    let choice = body.pointer("/choices/0").ok_or(DecodeError::Missing { path: "choices[0]" })?;
    let message = choice.get("message").ok_or(DecodeError::Missing { path: "choices[0].message" })?;

    let mut finish = read_finish(text(choice, "/finish_reason").unwrap_or_default());
    let mut answer = read_content(&message["content"]);
    if let (true, Some(refusal)) = (answer.is_empty(), text(message, "/refusal")) {
        answer = refusal.to_owned();
        finish = Finish::Refused;
    }
    let mut tool_calls = Vec::new();
    for call in items(message, "/tool_calls") {
        let arguments = text_or_empty(call, "/function/arguments");
        match text_or_empty(call, "/function/name") {
            name if name == ANSWER_TOOL => {
                answer = arguments;
                finish = answer_finish(finish);
            }
            name => tool_calls.push(ToolCall { id: text_or_empty(call, "/id"), name, arguments }),
        }
    }
    Ok(Response {
        id: text_or_empty(&body, "/id"),
        model: text_or_empty(&body, "/model"),
        text: answer,
        tool_calls,
        finish,
        usage: body.get("usage").and_then(read_usage),
    })
}

/// Reads the body of a failure.
pub fn decode_error(status: u16, body: &[u8]) -> ProviderError {
    // Mistral and FastAPI servers put `message` or `detail` at the top.
    match serde_json::from_slice::<Value>(body) {
        Ok(json) => read_error(Some(status), json.get("error").unwrap_or(&json)),
        Err(_) => read_error(Some(status), &String::from_utf8_lossy(body).into_owned().into()),
    }
}

/// Reads an error object, or whatever stands in its place; without a status the code decides.
pub(super) fn read_error(status: Option<u16>, error: &Value) -> ProviderError {
    let message = match error {
        Value::String(message) => message.clone(),
        _ => text(error, "/message").map_or_else(|| error.to_string(), str::to_owned),
    };
    // The code is a word at OpenAI and the status as a number at OpenRouter.
    let code = match (&error["code"], &error["type"]) {
        (Value::String(word), _) | (Value::Null, Value::String(word)) => Some(word.clone()),
        (Value::Number(number), _) => Some(number.to_string()),
        _ => None,
    };
    let status = status.or_else(|| code.as_ref()?.parse().ok());
    let kind = match code.as_deref() {
        Some("insufficient_quota") => ProviderErrorKind::Billing,
        Some("rate_limit_exceeded") => ProviderErrorKind::RateLimited,
        Some("server_error") => ProviderErrorKind::Server,
        _ => status.map_or(ProviderErrorKind::Other, ProviderErrorKind::of_status),
    };
    ProviderError { kind, message: shortened(&message, 600), code }
}

pub(super) fn read_finish(word: &str) -> Finish {
    match word {
        "stop" => Finish::Stop,
        "length" => Finish::Length,
        "tool_calls" | "function_call" => Finish::ToolCalls,
        "content_filter" => Finish::Refused,
        other => Finish::Other(other.to_owned()),
    }
}

/// The text of a message: a string, or (Mistral's reasoning models) a list of parts of which some are text.
pub(super) fn read_content(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| text(part, "/text")).collect(),
        _ => String::new(),
    }
}

pub(super) fn read_usage(usage: &Value) -> Option<TokenUsage> {
    let input_tokens = count(usage, "/prompt_tokens")?;
    let output_tokens = count(usage, "/completion_tokens")?;
    let reasoning_tokens = count(usage, "/completion_tokens_details/reasoning_tokens").unwrap_or(0);
    // xAI leaves reasoning out of `completion_tokens`, though it bills it; the total tells.
    let with_reasoning = output_tokens.saturating_add(reasoning_tokens);
    let is_left_out = count(usage, "/total_tokens") == Some(input_tokens.saturating_add(with_reasoning));
    let cached = count(usage, "/prompt_tokens_details/cached_tokens");
    Some(TokenUsage {
        input_tokens,
        // DeepSeek's older name.
        cached_tokens: cached.or_else(|| count(usage, "/prompt_cache_hit_tokens")).unwrap_or(0),
        cache_write_tokens: count(usage, "/prompt_tokens_details/cache_write_tokens").unwrap_or(0),
        output_tokens: if is_left_out { with_reasoning } else { output_tokens },
        reasoning_tokens,
    })
}
