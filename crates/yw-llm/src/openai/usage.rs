//! Token counts as chat completions tell them.

use serde::{Deserialize, Serialize};

use crate::TokenUsage;
use crate::lenient::{Num, Obj};

/// The `usage` of a chat completion, as servers send it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WireUsage {
    prompt_tokens: Num,
    completion_tokens: Num,
    total_tokens: Num,
    prompt_tokens_details: Obj<PromptDetails>,
    completion_tokens_details: Obj<CompletionDetails>,
    /// DeepSeek's older name of the cached tokens.
    prompt_cache_hit_tokens: Num,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Num,
    cache_write_tokens: Num,
    audio_tokens: Num,
    image_tokens: Num,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Num,
    audio_tokens: Num,
}

impl WireUsage {
    /// The counts in our convention; none if there is not even an input and an output.
    pub(crate) fn total(self) -> Option<TokenUsage> {
        let (input_tokens, output_tokens) = (self.prompt_tokens.0?, self.completion_tokens.0?);
        let prompt = self.prompt_tokens_details.0.unwrap_or_default();
        let completion = self.completion_tokens_details.0.unwrap_or_default();
        let reasoning_tokens = completion.reasoning_tokens.0.unwrap_or(0);
        // xAI leaves reasoning out of `completion_tokens`, though it bills it; the total tells.
        let with_reasoning = output_tokens.saturating_add(reasoning_tokens);
        let is_left_out = self.total_tokens.0 == Some(input_tokens.saturating_add(with_reasoning));
        Some(TokenUsage {
            input_tokens,
            cached_tokens: prompt.cached_tokens.0.or(self.prompt_cache_hit_tokens.0).unwrap_or(0),
            cache_write_tokens: prompt.cache_write_tokens.0.unwrap_or(0),
            cache_write_hour_tokens: 0,
            input_audio_tokens: prompt.audio_tokens.0.unwrap_or(0),
            input_image_tokens: prompt.image_tokens.0.unwrap_or(0),
            output_tokens: if is_left_out { with_reasoning } else { output_tokens },
            reasoning_tokens,
            output_audio_tokens: completion.audio_tokens.0.unwrap_or(0),
        })
    }
}

/// The `usage` of a chat completion, as clients get it.
#[derive(Debug, Serialize)]
pub(crate) struct ClientUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: ClientPromptDetails,
    completion_tokens_details: ClientCompletionDetails,
}

#[derive(Debug, Serialize)]
struct ClientPromptDetails {
    cached_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cache_write_tokens: u64,
    audio_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    image_tokens: u64,
}

#[derive(Debug, Serialize)]
struct ClientCompletionDetails {
    reasoning_tokens: u64,
    audio_tokens: u64,
}

impl From<&TokenUsage> for ClientUsage {
    fn from(usage: &TokenUsage) -> Self {
        ClientUsage {
            prompt_tokens: usage.input_tokens,
            completion_tokens: usage.output_tokens,
            total_tokens: usage.input_tokens.saturating_add(usage.output_tokens),
            prompt_tokens_details: ClientPromptDetails {
                cached_tokens: usage.cached_tokens,
                cache_write_tokens: usage.cache_write_tokens,
                audio_tokens: usage.input_audio_tokens,
                image_tokens: usage.input_image_tokens,
            },
            completion_tokens_details: ClientCompletionDetails {
                reasoning_tokens: usage.reasoning_tokens,
                audio_tokens: usage.output_audio_tokens,
            },
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands out references
fn is_zero(n: &u64) -> bool {
    *n == 0
}
