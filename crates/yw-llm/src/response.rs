//! What is answered.

use std::fmt;

use crate::{Reasoning, ToolCall};

/// A model's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The provider's id of the answer; empty where it gives none.
    pub id: String,
    /// The model that answered, as the provider names it; often more exact than the name that was asked for.
    pub model: String,
    /// What the model thought, where the provider shows it.
    pub reasoning: Vec<Reasoning>,
    /// The text: the answer, the JSON where JSON was asked for, or the refusal.
    pub text: String,
    /// The tools the model wants called.
    pub tool_calls: Vec<ToolCall>,
    /// Why the answer ends.
    pub finish: Finish,
    /// The stop text that ended it, where the provider says so.
    pub stop_sequence: Option<String>,
    /// The tokens used; none where the provider did not say.
    pub usage: Option<TokenUsage>,
}

impl Default for Response {
    /// Nothing, which ends for no known reason.
    fn default() -> Self {
        Response {
            id: String::new(),
            model: String::new(),
            reasoning: Vec::new(),
            text: String::new(),
            tool_calls: Vec::new(),
            finish: Finish::Other(String::new()),
            stop_sequence: None,
            usage: None,
        }
    }
}

/// Why an answer ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// It is complete.
    Stop,
    /// A token limit cut it off.
    Length,
    /// The model waits for the results of tools.
    ToolCalls,
    /// The model or the provider declined to answer.
    Refused,
    /// Something else, in the provider's word; empty where it gave none.
    Other(String),
}

impl fmt::Display for Finish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Finish::Stop => "stop",
            Finish::Length => "length",
            Finish::ToolCalls => "tool_calls",
            Finish::Refused => "refused",
            Finish::Other(word) => word,
        })
    }
}

/// Tokens of one call, in the convention of OpenAI: the totals include their parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenUsage {
    /// Tokens read, those below included.
    pub input_tokens: u64,
    /// Of the input tokens, those read from the provider's cache.
    pub cached_tokens: u64,
    /// Of the input tokens, those written to the provider's cache, for whatever time.
    pub cache_write_tokens: u64,
    /// Of the tokens written to the cache, those to be kept for an hour.
    pub cache_write_hour_tokens: u64,
    /// Of the input tokens, those of sound.
    pub input_audio_tokens: u64,
    /// Of the input tokens, those of pictures.
    pub input_image_tokens: u64,
    /// Tokens written, reasoning included.
    pub output_tokens: u64,
    /// Of the output tokens, those spent on hidden reasoning.
    pub reasoning_tokens: u64,
    /// Of the output tokens, those of sound.
    pub output_audio_tokens: u64,
}
