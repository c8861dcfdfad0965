//! Token counts as messages tell them.

use serde::{Deserialize, Serialize};

use crate::TokenUsage;
use crate::lenient::{Num, Obj};

/// The `usage` of a message, as servers send it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WireUsage {
    input_tokens: Num,
    cache_read_input_tokens: Num,
    cache_creation_input_tokens: Num,
    cache_creation: Obj<CacheCreation>,
    output_tokens: Num,
    output_tokens_details: Obj<OutputDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_1h_input_tokens: Num,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    thinking_tokens: Num,
}

/// Token counts as the dialect gives them: those from and to the cache are not part of the input, and in a stream each
/// count may be told several times, the last one being right.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct UsageCounts {
    input: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    cache_write_hour: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
}

impl UsageCounts {
    pub(crate) fn updated(self, usage: WireUsage) -> Self {
        let hour = usage.cache_creation.0.and_then(|creation| creation.ephemeral_1h_input_tokens.0);
        let thinking = usage.output_tokens_details.0.and_then(|details| details.thinking_tokens.0);
        UsageCounts {
            input: usage.input_tokens.0.or(self.input),
            cache_read: usage.cache_read_input_tokens.0.or(self.cache_read),
            cache_write: usage.cache_creation_input_tokens.0.or(self.cache_write),
            cache_write_hour: hour.or(self.cache_write_hour),
            output: usage.output_tokens.0.or(self.output),
            thinking: thinking.or(self.thinking),
        }
    }

    /// The counts in our convention; none if there is not even an input and an output.
    pub(crate) fn total(self) -> Option<TokenUsage> {
        let cached_tokens = self.cache_read.unwrap_or(0);
        let cache_write_hour_tokens = self.cache_write_hour.unwrap_or(0);
        let cache_write_tokens = self.cache_write.unwrap_or(0).max(cache_write_hour_tokens);
        Some(TokenUsage {
            input_tokens: self.input?.saturating_add(cached_tokens).saturating_add(cache_write_tokens),
            cached_tokens,
            cache_write_tokens,
            cache_write_hour_tokens,
            output_tokens: self.output?,
            reasoning_tokens: self.thinking.unwrap_or(0),
            ..TokenUsage::default()
        })
    }
}

/// The `usage` of a message, as clients get it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ClientUsage {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_creation: Option<ClientCacheCreation>,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<ClientOutputDetails>,
}

#[derive(Debug, Serialize)]
struct ClientCacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

#[derive(Debug, Serialize)]
struct ClientOutputDetails {
    thinking_tokens: u64,
}

impl From<&TokenUsage> for ClientUsage {
    fn from(usage: &TokenUsage) -> Self {
        let (written, hour) = (usage.cache_write_tokens, usage.cache_write_hour_tokens);
        let special = usage.cached_tokens.saturating_add(written);
        ClientUsage {
            input_tokens: usage.input_tokens.saturating_sub(special),
            cache_creation_input_tokens: written,
            cache_read_input_tokens: usage.cached_tokens,
            cache_creation: (written > 0).then_some(ClientCacheCreation {
                ephemeral_5m_input_tokens: written.saturating_sub(hour),
                ephemeral_1h_input_tokens: hour,
            }),
            output_tokens: usage.output_tokens,
            output_tokens_details: (usage.reasoning_tokens > 0)
                .then_some(ClientOutputDetails { thinking_tokens: usage.reasoning_tokens }),
        }
    }
}
