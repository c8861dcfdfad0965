//! What the scripted model says, and what it counts.

use std::time::Duration;

use serde_json::Value;
use yw_task::{Usage, Usd};

use crate::request::ChatRequest;

/// What the script answers to one request.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(crate) content: Content,
    pub(crate) tokens: Option<Tokens>,
    pub(crate) delay: Duration,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// Sent as it is, fitting or not.
    Text(String),
    /// Put into the schema of the request.
    Answer(Value),
}

impl Reply {
    /// This text, whatever the request's schema says.
    pub fn text(text: impl Into<String>) -> Self {
        Reply { content: Content::Text(text.into()), tokens: None, delay: Duration::ZERO }
    }

    /// This value as JSON that fits the request's schema.
    ///
    /// A bare value goes into the first property that takes it, and the other required properties get harmless values;
    /// an object is sent as it is. Without a schema a string is sent bare and anything else as JSON.
    pub fn answer(value: impl Into<Value>) -> Self {
        Reply { content: Content::Answer(value.into()), tokens: None, delay: Duration::ZERO }
    }

    /// The same reply, with this usage instead of the counted one.
    pub fn with_tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// The same reply, after this much more time.
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// The usage of one reply, in tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Tokens read, cached ones included.
    pub input: u64,
    /// Of those, the ones read from the provider's cache.
    pub cached: u64,
    /// Tokens written, reasoning included.
    pub output: u64,
    /// Of those, the ones spent on hidden reasoning. The Anthropic dialect does not report them apart.
    pub reasoning: u64,
}

impl Tokens {
    /// A count from the length of the texts alone: a token for every four bytes begun, and one for every message.
    pub fn count(request: &ChatRequest, content: &str) -> Self {
        let of_text = |text: &str| text.len().div_ceil(4) as u64;
        let schema = request.schema.as_ref().map_or(0, |s| of_text(&s.to_string()));
        let messages = request.messages.iter().map(|m| 1 + of_text(&m.text)).sum::<u64>();
        let input = 1 + of_text(&request.system) + schema + messages;
        Tokens { input, output: 1 + of_text(content), ..Tokens::default() }
    }
}

/// What tokens cost, in picodollars each: a dollar per million tokens is a million picodollars per token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices {
    /// Of an input token that was not cached.
    pub input: i128,
    /// Of a cached input token.
    pub cached_input: i128,
    /// Of an output token, reasoning included.
    pub output: i128,
}

impl Prices {
    /// Prices as providers quote them, in dollars per million tokens; at most six decimals are kept.
    pub fn per_million(input: f64, cached_input: f64, output: f64) -> Self {
        let picos = |dollars: f64| (dollars * 1e6).round() as i128;
        Prices { input: picos(input), cached_input: picos(cached_input), output: picos(output) }
    }

    /// One call with these tokens, priced.
    pub fn usage(self, tokens: Tokens) -> Usage {
        let Tokens { input, cached, output, reasoning } = tokens;
        let picos = self.input * i128::from(input.saturating_sub(cached))
            + self.cached_input * i128::from(cached)
            + self.output * i128::from(output);
        Usage {
            calls: 1,
            input_tokens: input,
            cached_tokens: cached,
            output_tokens: output,
            reasoning_tokens: reasoning,
            usd: Usd::from_picos(picos),
            usd_reused: Usd::ZERO,
        }
    }
}

/// One dollar per million input tokens, a tenth of that for cached ones, five dollars per million output tokens.
impl Default for Prices {
    fn default() -> Self {
        Prices::per_million(1.0, 0.1, 5.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_costs_what_its_tokens_cost() {
        let tokens = Tokens { input: 100, cached: 40, output: 10, reasoning: 4 };
        let usage = Prices::per_million(3.0, 0.3, 15.0).usage(tokens);
        // 60 × 3 + 40 × 0.3 + 10 × 15 = 342 dollars per million calls
        assert_eq!(usage.usd, Usd::from_dollars(342e-6));
        assert_eq!((usage.calls, usage.cached_tokens, usage.reasoning_tokens), (1, 40, 4));
    }
}
