//! What the scripted provider counts, and what it charges.

use std::ops::AddAssign;

use serde_json::{Value, json};
use yw_task::{Dialect, Usage, Usd};

use crate::request::ChatRequest;
use crate::rng::Rng;

/// The usage of one reply, in tokens.
///
/// The kinds that `input` includes do not overlap, and neither do those of `output`. Every dialect reports them in its
/// own fields and by its own convention: Anthropic and Bedrock leave what the cache read or wrote out of the input,
/// Gemini leaves reasoning out of the candidates' tokens, and none has fields for all kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Tokens read, of every kind.
    pub input: u64,
    /// Of those, the ones read from the provider's cache.
    pub cached: u64,
    /// Of those, the ones written to the cache for five minutes.
    pub cache_write: u64,
    /// Of those, the ones written to the cache for an hour.
    pub cache_write_1h: u64,
    /// Of those, the ones of sound.
    pub audio_input: u64,
    /// Of those, the ones of pictures.
    pub image_input: u64,
    /// Tokens written, of every kind.
    pub output: u64,
    /// Of those, the ones spent on hidden reasoning. Bedrock does not report them apart.
    pub reasoning: u64,
    /// Of those, the ones of sound.
    pub audio_output: u64,
}

impl Tokens {
    /// A count from the length of the texts alone: a token for every four bytes begun, and one for every message.
    pub fn count(request: &ChatRequest, content: &str) -> Self {
        let schema = request.schema.as_ref().map_or(0, |s| Self::of_text(&s.to_string()));
        let texts = Self::count_texts(request, content);
        Tokens { input: texts.input + schema, ..texts }
    }

    /// The same without the schema, which a translation may write in another way.
    pub(crate) fn count_texts(request: &ChatRequest, content: &str) -> Self {
        let messages = request.messages.iter().map(|m| 1 + Self::of_text(&m.text)).sum::<u64>();
        let input = 1 + Self::of_text(&request.system) + messages;
        Tokens { input, output: 1 + Self::of_text(content), ..Tokens::default() }
    }

    /// A usage with some tokens of every kind that the dialect reports, so that what it says is all there is to know.
    pub fn every_kind(dialect: Dialect, rng: &mut Rng) -> Self {
        let mut some = || 1 + rng.below(5_000) as u64;
        let mut tokens = Tokens { cached: some(), ..Tokens::default() };
        match dialect {
            Dialect::OpenAi => {
                let (audio_input, audio_output) = (some(), some());
                tokens = Tokens { cache_write: some(), audio_input, reasoning: some(), audio_output, ..tokens };
            }
            Dialect::Responses => tokens = Tokens { cache_write: some(), reasoning: some(), ..tokens },
            Dialect::Anthropic => {
                tokens = Tokens { cache_write: some(), cache_write_1h: some(), reasoning: some(), ..tokens };
            }
            Dialect::Bedrock => tokens = Tokens { cache_write: some(), cache_write_1h: some(), ..tokens },
            Dialect::Gemini => tokens = Tokens { image_input: some(), reasoning: some(), ..tokens },
        }
        tokens.input = tokens.cached + tokens.cache_writes() + tokens.audio_input + tokens.image_input + some();
        tokens.output = tokens.reasoning + tokens.audio_output + some();
        tokens
    }

    pub(crate) fn to_json(self) -> Value {
        json!({
            "input": self.input,
            "cached": self.cached,
            "cache_write": self.cache_write,
            "cache_write_1h": self.cache_write_1h,
            "audio_input": self.audio_input,
            "image_input": self.image_input,
            "output": self.output,
            "reasoning": self.reasoning,
            "audio_output": self.audio_output,
        })
    }

    /// A token for every four bytes begun.
    pub(crate) fn of_text(text: &str) -> u64 {
        text.len().div_ceil(4) as u64
    }

    /// What was used when `n_sent` of `n_events` pieces of content had been written: all of the input, and that share
    /// of the output, rounded up, reasoning first.
    pub(crate) fn so_far(self, n_sent: usize, n_events: usize) -> Self {
        let share = |n: u64| (n * n_sent as u64).div_ceil(n_events.max(1) as u64);
        let output = share(self.output);
        Tokens { output, reasoning: self.reasoning.min(output), audio_output: share(self.audio_output), ..self }
    }

    /// The input without what the cache read or wrote.
    pub(crate) fn uncached(self) -> u64 {
        self.input.saturating_sub(self.cached + self.cache_writes())
    }

    /// What was written to the cache, for however long.
    pub(crate) fn cache_writes(self) -> u64 {
        self.cache_write + self.cache_write_1h
    }
}

/// Kind by kind.
impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Tokens) {
        self.input += other.input;
        self.cached += other.cached;
        self.cache_write += other.cache_write;
        self.cache_write_1h += other.cache_write_1h;
        self.audio_input += other.audio_input;
        self.image_input += other.image_input;
        self.output += other.output;
        self.reasoning += other.reasoning;
        self.audio_output += other.audio_output;
    }
}

/// What tokens cost, in picodollars each: a dollar per million tokens is a million picodollars per token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices {
    /// Of an input token of no other kind.
    pub input: i128,
    /// Of an input token read from the cache.
    pub cached_input: i128,
    /// Of an input token written to the cache for five minutes.
    pub cache_write: i128,
    /// Of an input token written to the cache for an hour.
    pub cache_write_1h: i128,
    /// Of an input token of sound.
    pub audio_input: i128,
    /// Of an input token of a picture.
    pub image_input: i128,
    /// Of an output token of no other kind.
    pub output: i128,
    /// Of an output token of reasoning.
    pub reasoning: i128,
    /// Of an output token of sound.
    pub audio_output: i128,
}

impl Prices {
    /// Prices as providers quote them, in dollars per million tokens; at most six decimals are kept.
    ///
    /// Writing to the cache costs a quarter more than input, for an hour twice as much; the other kinds cost what input
    /// and output do. [`Prices::every_kind`] says otherwise.
    pub fn per_million(input: f64, cached_input: f64, output: f64) -> Self {
        let (input, cached_input, output) = (picos(input), picos(cached_input), picos(output));
        Prices {
            input,
            cached_input,
            cache_write: input + input / 4,
            cache_write_1h: 2 * input,
            audio_input: input,
            image_input: input,
            output,
            reasoning: output,
            audio_output: output,
        }
    }

    /// Another price for every kind of token, so that no two kinds can be mistaken for one another on a bill.
    pub fn every_kind() -> Self {
        Prices {
            input: picos(3.0),
            cached_input: picos(0.3),
            cache_write: picos(3.75),
            cache_write_1h: picos(6.0),
            audio_input: picos(32.0),
            image_input: picos(5.0),
            output: picos(15.0),
            reasoning: picos(18.0),
            audio_output: picos(64.0),
        }
    }

    /// What these tokens cost.
    pub fn cost(self, tokens: Tokens) -> Usd {
        let Tokens { cached, cache_write, cache_write_1h, audio_input, image_input, .. } = tokens;
        let plain_input =
            tokens.input.saturating_sub(cached + cache_write + cache_write_1h + audio_input + image_input);
        let plain_output = tokens.output.saturating_sub(tokens.reasoning + tokens.audio_output);
        let lines = [
            (self.input, plain_input),
            (self.cached_input, cached),
            (self.cache_write, cache_write),
            (self.cache_write_1h, cache_write_1h),
            (self.audio_input, audio_input),
            (self.image_input, image_input),
            (self.output, plain_output),
            (self.reasoning, tokens.reasoning),
            (self.audio_output, tokens.audio_output),
        ];
        Usd::from_picos(lines.into_iter().map(|(price, n)| price * i128::from(n)).sum())
    }

    /// One call with these tokens, priced.
    pub fn usage(self, tokens: Tokens) -> Usage {
        Usage {
            calls: 1,
            input_tokens: tokens.input,
            cached_tokens: tokens.cached,
            output_tokens: tokens.output,
            reasoning_tokens: tokens.reasoning,
            usd: self.cost(tokens),
            ..Usage::default()
        }
    }
}

/// One dollar per million input tokens, a tenth of that for cached ones, five dollars per million output tokens.
impl Default for Prices {
    fn default() -> Self {
        Prices::per_million(1.0, 0.1, 5.0)
    }
}

fn picos(dollars_per_million: f64) -> i128 {
    (dollars_per_million * 1e6).round() as i128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_costs_what_its_tokens_cost() {
        let tokens = Tokens { input: 100, cached: 40, output: 10, reasoning: 4, ..Tokens::default() };
        let usage = Prices::per_million(3.0, 0.3, 15.0).usage(tokens);
        // 60 × 3 + 40 × 0.3 + 10 × 15 = 342 dollars per million calls
        assert_eq!(usage.usd, Usd::from_dollars(342e-6));
        assert_eq!((usage.calls, usage.cached_tokens, usage.reasoning_tokens), (1, 40, 4));
    }

    #[test]
    fn every_kind_has_its_price() {
        let tokens = Tokens {
            input: 21,
            cached: 2,
            cache_write: 3,
            cache_write_1h: 4,
            audio_input: 5,
            image_input: 6,
            output: 9,
            reasoning: 7,
            audio_output: 1,
        };
        // 1 × 3 + 2 × 0.3 + 3 × 3.75 + 4 × 6 + 5 × 32 + 6 × 5 + 1 × 15 + 7 × 18 + 1 × 64 dollars per million
        assert_eq!(Prices::every_kind().cost(tokens), Usd::from_picos(433_850_000));
    }

    #[test]
    fn a_part_of_a_stream_has_its_share_of_the_output() {
        let whole = Tokens { input: 100, output: 10, reasoning: 4, ..Tokens::default() };
        assert_eq!(whole.so_far(0, 5), Tokens { input: 100, ..Tokens::default() });
        assert_eq!(whole.so_far(1, 4), Tokens { input: 100, output: 3, reasoning: 3, ..Tokens::default() });
        assert_eq!(whole.so_far(5, 5), whole);
    }
}
