//! What tokens cost.

use std::collections::HashMap;
use std::sync::LazyLock;

use yw_task::{ModelRef, Usd};

use crate::TokenUsage;

mod builtin;

/// The price of one model. Exact: prices are whole picodollars per token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    rates: Rates,
    /// The rates of calls with more than so many input tokens, for all their tokens.
    long: Option<(u64, Rates)>,
}

/// Picodollars per token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rates {
    input: Usd,
    output: Usd,
    cached_input: Usd,
    cache_write: Usd,
    /// None: as `cache_write`.
    cache_write_hour: Option<Usd>,
    audio_input: Usd,
    image_input: Usd,
    audio_output: Usd,
}

/// A price that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum PriceError {
    /// Not a price.
    #[error("{0} is not a price in dollars per million tokens: it must be a number from 0 to 1,000,000")]
    Range(f64),
    /// More exact than money is counted.
    #[error("{0} dollars per million tokens has more than six decimals")]
    Decimals(f64),
}

impl Price {
    /// A price from dollars per million tokens read and written, with at most six decimals each. Tokens from and to the
    /// provider's cache, of sound and of pictures cost what others cost.
    pub fn per_million(input: f64, output: f64) -> Result<Self, PriceError> {
        let (input, output) = (per_token(input)?, per_token(output)?);
        let rates = Rates {
            input,
            output,
            cached_input: input,
            cache_write: input,
            cache_write_hour: None,
            audio_input: input,
            image_input: input,
            audio_output: output,
        };
        Ok(Price { rates, long: None })
    }

    /// The same price, with tokens read from the provider's cache at this many dollars per million.
    pub fn with_cached_input(mut self, cached_input: f64) -> Result<Self, PriceError> {
        self.rates.cached_input = per_token(cached_input)?;
        Ok(self)
    }

    /// The same price, with tokens written to the provider's cache at this many dollars per million.
    pub fn with_cache_write(mut self, cache_write: f64) -> Result<Self, PriceError> {
        self.rates.cache_write = per_token(cache_write)?;
        Ok(self)
    }

    /// The same price, with tokens written to the provider's cache for an hour at this many dollars per million. Without it
    /// they cost what other tokens written to the cache cost, and twice the input of a Claude model.
    pub fn with_cache_write_hour(mut self, cache_write_hour: f64) -> Result<Self, PriceError> {
        self.rates.cache_write_hour = Some(per_token(cache_write_hour)?);
        Ok(self)
    }

    /// The same price, with tokens of sound at these many dollars per million read and written.
    pub fn with_audio(mut self, input: f64, output: f64) -> Result<Self, PriceError> {
        (self.rates.audio_input, self.rates.audio_output) = (per_token(input)?, per_token(output)?);
        Ok(self)
    }

    /// The same price, with tokens of pictures that are read at this many dollars per million.
    pub fn with_image_input(mut self, image_input: f64) -> Result<Self, PriceError> {
        self.rates.image_input = per_token(image_input)?;
        Ok(self)
    }

    /// The same price up to `input_tokens` input tokens; a call that reads more costs `price` for all its tokens.
    pub fn with_long_input(mut self, input_tokens: u64, price: Price) -> Self {
        self.long = Some((input_tokens, price.rates));
        self
    }

    /// What these tokens cost. A token from or to the cache costs what such tokens cost, whatever it is a token of.
    pub fn cost(&self, usage: &TokenUsage) -> Usd {
        let rates = match &self.long {
            Some((threshold, long)) if usage.input_tokens > *threshold => long,
            _ => &self.rates,
        };
        let hour = usage.cache_write_hour_tokens.min(usage.cache_write_tokens);
        let from_or_to_cache = usage.cached_tokens.saturating_add(usage.cache_write_tokens);
        let fresh = usage.input_tokens.saturating_sub(from_or_to_cache);
        let audio = usage.input_audio_tokens.min(fresh);
        let image = usage.input_image_tokens.min(fresh - audio);
        let audio_output = usage.output_audio_tokens.min(usage.output_tokens);
        rates.input.times(fresh - audio - image)
            + rates.audio_input.times(audio)
            + rates.image_input.times(image)
            + rates.cached_input.times(usage.cached_tokens)
            + rates.cache_write.times(usage.cache_write_tokens - hour)
            + rates.cache_write_hour().times(hour)
            + rates.output.times(usage.output_tokens - audio_output)
            + rates.audio_output.times(audio_output)
    }

    /// The most that a call of so many tokens of text can cost, however they are cached for the usual time.
    pub fn bound(&self, max_input_tokens: u64, max_output_tokens: u64) -> Usd {
        self.bound_by(max_input_tokens, max_output_tokens, Rates::dearest_text)
    }

    /// The most that a call of so many tokens can cost, whatever they are tokens of and however long they are cached.
    pub fn bound_of_any(&self, max_input_tokens: u64, max_output_tokens: u64) -> Usd {
        self.bound_by(max_input_tokens, max_output_tokens, Rates::dearest)
    }

    /// `dearest` gives the dearest rates of a token read and of a token written.
    fn bound_by(&self, max_input_tokens: u64, max_output_tokens: u64, dearest: fn(&Rates) -> (Usd, Usd)) -> Usd {
        let (mut input, mut output) = dearest(&self.rates);
        if let Some((_, long)) = self.long.filter(|(threshold, _)| max_input_tokens > *threshold) {
            let (long_input, long_output) = dearest(&long);
            (input, output) = (input.max(long_input), output.max(long_output));
        }
        input.times(max_input_tokens) + output.times(max_output_tokens)
    }

    /// The same price with what the hour in the cache costs at Anthropic, if it does not say.
    fn with_hour_of_claude(mut self) -> Self {
        let long = self.long.as_mut().map(|(_, rates)| rates);
        for rates in [&mut self.rates].into_iter().chain(long) {
            rates.cache_write_hour = rates.cache_write_hour.or(Some(rates.input.times(2)));
        }
        self
    }
}

impl Rates {
    fn cache_write_hour(&self) -> Usd {
        self.cache_write_hour.unwrap_or(self.cache_write)
    }

    fn dearest_text(&self) -> (Usd, Usd) {
        (self.input.max(self.cached_input).max(self.cache_write), self.output)
    }

    fn dearest(&self) -> (Usd, Usd) {
        let (input, output) = self.dearest_text();
        let input = input.max(self.cache_write_hour()).max(self.audio_input).max(self.image_input);
        (input, output.max(self.audio_output))
    }
}

/// A price per token, exact: a millionth of a dollar per million tokens is a picodollar per token.
fn per_token(dollars_per_million: f64) -> Result<Usd, PriceError> {
    if !(0.0..=1_000_000.0).contains(&dollars_per_million) {
        return Err(PriceError::Range(dollars_per_million));
    }
    let picos = (dollars_per_million * 1e6).round();
    // Exactly the numbers that a person writes with six decimals survive this round trip.
    if picos / 1e6 != dollars_per_million {
        return Err(PriceError::Decimals(dollars_per_million));
    }
    Ok(Usd::from_picos(picos as i128))
}

/// Prices by model: those that ship with the program, and the user's own, which win.
#[derive(Debug, Clone, Default)]
pub struct PriceTable {
    overrides: HashMap<ModelRef, Price>,
    has_builtin: bool,
}

static BUILTIN: LazyLock<builtin::Table> =
    LazyLock::new(|| builtin::Table::parse(builtin::SOURCE).expect("a test parses the table"));

impl PriceTable {
    /// The prices that ship with the program.
    pub fn builtin() -> Self {
        PriceTable { overrides: HashMap::new(), has_builtin: true }
    }

    /// No prices.
    pub fn empty() -> Self {
        PriceTable::default()
    }

    /// The same table with another price for one model.
    pub fn with_override(mut self, model: ModelRef, price: Price) -> Self {
        self.overrides.insert(model, price);
        self
    }

    /// The price of a model.
    ///
    /// The user's price for exactly this name comes first. In the table that ships, a name also finds its model by the
    /// other names that the provider gives it, and with a date or `-latest` behind it where the provider resolves that
    /// (`claude-haiku-4-5-20251001`).
    pub fn find(&self, model: &ModelRef) -> Option<Price> {
        let price = self.overrides.get(model).copied().or_else(|| self.has_builtin.then(|| BUILTIN.find(model))?)?;
        let is_claude = model.provider == "anthropic" || model.model.contains("claude");
        Some(if is_claude { price.with_hour_of_claude() } else { price })
    }

    /// The models of a provider whose prices are known, by name: the user's own and those that ship.
    pub fn models(&self, provider: &str) -> Vec<ModelRef> {
        let own = self.overrides.keys().filter(|model| model.provider == provider).cloned();
        let builtin = if self.has_builtin { BUILTIN.models(provider) } else { Vec::new() };
        let mut models: Vec<ModelRef> = own.chain(builtin).collect();
        models.sort_unstable();
        models.dedup();
        models
    }

    /// The day on which the prices that ship were collected, as `YYYY-MM-DD`.
    pub fn builtin_date() -> &'static str {
        &BUILTIN.date
    }
}

#[cfg(test)]
mod tests;
