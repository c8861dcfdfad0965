use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use yw_task::Dialect;

use crate::lenient::{Num, Obj, Str};
use crate::{Response, TokenUsage, anthropic, decode_response, openai};

/// What is known of a whole reply that passes through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplyHead {
    /// As in [`Response::id`].
    pub id: String,
    /// As in [`Response::model`].
    pub model: String,
    /// As in [`Response::usage`].
    pub usage: Option<TokenUsage>,
    /// Whether it has an `error` that is not null, so that it may be none but an error.
    pub has_error: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "U: Default + Deserialize<'de>, 'de: 'a"))]
struct Reply<'a, U> {
    id: Str<'a>,
    model: Str<'a>,
    usage: Obj<U>,
    error: Option<IgnoredAny>,
}

/// Looks at the body of a reply: who answered, and what it used. None if it is not a JSON object.
pub fn peek_response(dialect: Dialect, body: &[u8]) -> Option<ReplyHead> {
    match dialect {
        Dialect::OpenAi => peek(body, openai::WireUsage::total),
        Dialect::Anthropic => peek(body, |usage| anthropic::UsageCounts::default().updated(usage).total()),
        Dialect::Responses => peek(body, ResponsesUsage::total),
        // Clients cannot speak these, so such replies are translated and never pass through.
        Dialect::Gemini | Dialect::Bedrock => {
            let Response { id, model, usage, .. } = decode_response(dialect, body).ok()?;
            Some(ReplyHead { id, model, usage, has_error: false })
        }
    }
}

fn peek<'a, U: Default + Deserialize<'a>>(
    body: &'a [u8],
    total: impl Fn(U) -> Option<TokenUsage>,
) -> Option<ReplyHead> {
    let reply = serde_json::from_slice::<Obj<Reply<'a, U>>>(body).ok()?.0?;
    let usage = reply.usage.0.and_then(total);
    let has_error = reply.error.is_some();
    Some(ReplyHead { id: reply.id.into_string(), model: reply.model.into_string(), usage, has_error })
}

/// The tokens that a whole reply used.
pub fn read_usage(dialect: Dialect, body: &[u8]) -> Option<TokenUsage> {
    peek_response(dialect, body)?.usage
}

/// Reads the `usage` object of a dialect: chat completions, responses or messages.
pub fn decode_usage(dialect: Dialect, json: &[u8]) -> Option<TokenUsage> {
    match dialect {
        Dialect::OpenAi => serde_json::from_slice::<openai::WireUsage>(json).ok()?.total(),
        Dialect::Anthropic => {
            let usage = serde_json::from_slice::<anthropic::WireUsage>(json).ok()?;
            anthropic::UsageCounts::default().updated(usage).total()
        }
        Dialect::Responses => serde_json::from_slice::<ResponsesUsage>(json).ok()?.total(),
        Dialect::Gemini | Dialect::Bedrock => None,
    }
}

/// The `usage` object of a client's dialect, as JSON: chat completions, responses or messages, with totals that include
/// the cached tokens or not as the dialect has it. An empty object for a dialect that clients cannot speak.
#[must_use]
pub fn encode_usage(dialect: Dialect, usage: &TokenUsage) -> Vec<u8> {
    let mut json = Vec::with_capacity(200);
    match dialect {
        Dialect::OpenAi => crate::json::write_json(&mut json, &openai::ClientUsage::from(usage)),
        Dialect::Anthropic => crate::json::write_json(&mut json, &anthropic::ClientUsage::from(usage)),
        Dialect::Responses => crate::json::write_json(&mut json, &ResponsesClientUsage::from(usage)),
        Dialect::Gemini | Dialect::Bedrock => json.extend_from_slice(b"{}"),
    }
    json
}

/// The usage of the responses dialect: the counts of chat completions under other names.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ResponsesUsage {
    input_tokens: Num,
    output_tokens: Num,
    input_tokens_details: Obj<InputDetails>,
    output_tokens_details: Obj<OutputDetails>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Num,
    cache_write_tokens: Num,
    audio_tokens: Num,
    image_tokens: Num,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Num,
    audio_tokens: Num,
}

impl ResponsesUsage {
    fn total(self) -> Option<TokenUsage> {
        let input = self.input_tokens_details.0.unwrap_or_default();
        let output = self.output_tokens_details.0.unwrap_or_default();
        Some(TokenUsage {
            input_tokens: self.input_tokens.0?,
            cached_tokens: input.cached_tokens.0.unwrap_or(0),
            cache_write_tokens: input.cache_write_tokens.0.unwrap_or(0),
            cache_write_hour_tokens: 0,
            input_audio_tokens: input.audio_tokens.0.unwrap_or(0),
            input_image_tokens: input.image_tokens.0.unwrap_or(0),
            output_tokens: self.output_tokens.0?,
            reasoning_tokens: output.reasoning_tokens.0.unwrap_or(0),
            output_audio_tokens: output.audio_tokens.0.unwrap_or(0),
        })
    }
}

#[derive(Serialize)]
struct ResponsesClientUsage {
    input_tokens: u64,
    input_tokens_details: ResponsesInputDetails,
    output_tokens: u64,
    output_tokens_details: ResponsesOutputDetails,
    total_tokens: u64,
}

#[derive(Serialize)]
struct ResponsesInputDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_tokens: Option<u64>,
}

#[derive(Serialize)]
struct ResponsesOutputDetails {
    reasoning_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_tokens: Option<u64>,
}

impl From<&TokenUsage> for ResponsesClientUsage {
    fn from(usage: &TokenUsage) -> Self {
        let some = |count: u64| Some(count).filter(|count| *count > 0);
        ResponsesClientUsage {
            input_tokens: usage.input_tokens,
            input_tokens_details: ResponsesInputDetails {
                cached_tokens: usage.cached_tokens,
                cache_write_tokens: usage.cache_write_tokens,
                audio_tokens: some(usage.input_audio_tokens),
                image_tokens: some(usage.input_image_tokens),
            },
            output_tokens: usage.output_tokens,
            output_tokens_details: ResponsesOutputDetails {
                reasoning_tokens: usage.reasoning_tokens,
                audio_tokens: some(usage.output_audio_tokens),
            },
            total_tokens: usage.input_tokens.saturating_add(usage.output_tokens),
        }
    }
}
