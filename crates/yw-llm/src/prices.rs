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
    /// provider's cache cost what others cost.
    pub fn per_million(input: f64, output: f64) -> Result<Self, PriceError> {
        let (input, output) = (per_token(input)?, per_token(output)?);
        Ok(Price { rates: Rates { input, output, cached_input: input, cache_write: input }, long: None })
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

    /// The same price up to `input_tokens` input tokens; a call that reads more costs `price` for all its tokens.
    pub fn with_long_input(mut self, input_tokens: u64, price: Price) -> Self {
        self.long = Some((input_tokens, price.rates));
        self
    }

    /// What these tokens cost.
    pub fn cost(&self, usage: &TokenUsage) -> Usd {
        let rates = match &self.long {
            Some((threshold, long)) if usage.input_tokens > *threshold => long,
            _ => &self.rates,
        };
        let special = usage.cached_tokens.saturating_add(usage.cache_write_tokens);
        rates.input.times(usage.input_tokens.saturating_sub(special))
            + rates.cached_input.times(usage.cached_tokens)
            + rates.cache_write.times(usage.cache_write_tokens)
            + rates.output.times(usage.output_tokens)
    }

    /// The most that a call of so many tokens can cost, however they are cached.
    pub fn bound(&self, max_input_tokens: u64, max_output_tokens: u64) -> Usd {
        let long = self.long.filter(|(threshold, _)| max_input_tokens > *threshold).map(|(_, rates)| rates);
        let most = |rate: fn(&Rates) -> Usd| rate(&self.rates).max(long.as_ref().map_or(Usd::ZERO, rate));
        let dearest_input = most(|r| r.input).max(most(|r| r.cached_input)).max(most(|r| r.cache_write));
        dearest_input.times(max_input_tokens) + most(|r| r.output).times(max_output_tokens)
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
        self.overrides.get(model).copied().or_else(|| self.has_builtin.then(|| BUILTIN.find(model))?)
    }

    /// The day on which the prices that ship were collected, as `YYYY-MM-DD`.
    pub fn builtin_date() -> &'static str {
        &BUILTIN.date
    }
}

#[cfg(test)]
mod tests;
