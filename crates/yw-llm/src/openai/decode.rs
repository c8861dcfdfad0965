use serde_json::Value;

use super::wire::{Call, Message, Reply};
use crate::dialect::{ANSWER_TOOL, answer_finish};
use crate::json::{shortened, text};
use crate::lenient::Obj;
use crate::{DecodeError, Finish, ProviderError, ProviderErrorKind, Reasoning, Response, ToolCall};

/// Reads a chat completion. Of several choices the first one counts.
pub fn decode_response(body: &[u8]) -> Result<Response, DecodeError> {
    let reply = serde_json::from_slice::<Obj<Reply<'_>>>(body)?.0.unwrap_or_default();
    if let Some(error) = reply.error {
        return Err(DecodeError::Provider(read_error(None, &error)));
    }
    let choice = reply.choices.0.into_iter().next().and_then(|choice| choice.0);
    let choice = choice.ok_or(DecodeError::Missing { path: "choices[0]" })?;
    let mut message = choice.message.0.ok_or(DecodeError::Missing { path: "choices[0].message" })?;

    let mut finish = read_finish(choice.finish_reason.text());
    let reasoning = read_reasoning(&mut message);
    let mut answer = message.content.text.into_owned();
    if let (true, Some(refusal)) = (answer.is_empty(), message.refusal.0) {
        answer = refusal.into_owned();
        finish = Finish::Refused;
    }
    let legacy = message.function_call.0.map(|function| Call { function: Obj(Some(function)), ..Call::default() });
    let mut tool_calls = Vec::new();
    for call in message.tool_calls.0.into_iter().filter_map(|call| call.0).chain(legacy) {
        let function = call.function.0.unwrap_or_default();
        let arguments = function.arguments.into_string();
        if function.name.text() == ANSWER_TOOL {
            answer = arguments;
            finish = answer_finish(finish);
        } else {
            tool_calls.push(ToolCall { id: call.id.into_string(), name: function.name.into_string(), arguments });
        }
    }
    Ok(Response {
        id: reply.id.into_string(),
        model: reply.model.into_string(),
        reasoning,
        text: answer,
        tool_calls,
        finish,
        usage: reply.usage.0.and_then(|usage| usage.total()),
        ..Response::default()
    })
}

/// The thoughts of a whole message. Where they stand both as text and in detail, the details add what belongs to them.
fn read_reasoning(message: &mut Message<'_>) -> Vec<Reasoning> {
    let mut plain = message.take_thoughts().into_owned();
    plain.push_str(&message.content.thoughts);
    let details = std::mem::take(&mut message.reasoning_details.0);
    let mut reasoning: Vec<Reasoning> =
        details.into_iter().filter_map(|detail| detail.0).map(|detail| detail.into_reasoning()).collect();
    reasoning.retain(|detail| !detail.text.is_empty() || detail.signature.is_some());
    if !plain.is_empty() && reasoning.iter().all(|detail| detail.text.is_empty()) {
        match reasoning.iter_mut().find(|detail| !detail.is_redacted) {
            Some(signed) => signed.text = plain,
            None => reasoning.insert(0, Reasoning { text: plain, ..Reasoning::default() }),
        }
    }
    reasoning
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
pub(crate) fn read_error(status: Option<u16>, error: &Value) -> ProviderError {
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
        // A word that goes with every such status; the status itself may say more.
        Some("server_error") if status.is_none_or(|status| status < 500) => ProviderErrorKind::Server,
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
