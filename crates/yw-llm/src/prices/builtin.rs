//! The table that ships: `prices/prices.toml`, written by `prices/update.py`.

use std::collections::HashMap;

use serde::Deserialize;
use yw_task::ModelRef;

use super::{Price, PriceError};

pub(super) const SOURCE: &str = include_str!("../../prices/prices.toml");

/// Prices by provider and name.
pub(super) struct Table {
    /// When the prices were collected.
    pub(super) date: String,
    providers: HashMap<String, HashMap<String, Entry>>,
}

#[derive(Clone, Copy)]
struct Entry {
    price: Price,
    /// Whether a date may follow the name.
    dated: bool,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum TableError {
    #[error("the price table is not valid")]
    Toml(#[from] toml::de::Error),
    #[error("the price of {model} cannot be used")]
    Price {
        model: String,
        #[source]
        source: PriceError,
    },
}

#[derive(Deserialize)]
struct RawTable {
    date: String,
    provider: HashMap<String, RawProvider>,
}

#[derive(Deserialize)]
struct RawProvider {
    model: HashMap<String, RawModel>,
}

#[derive(Deserialize)]
struct RawModel {
    #[serde(flatten)]
    rates: RawRates,
    long: Option<RawLong>,
    #[serde(default)]
    dated: bool,
    #[serde(default)]
    also: Vec<String>,
}

#[derive(Deserialize)]
struct RawLong {
    above: u64,
    #[serde(flatten)]
    rates: RawRates,
}

#[derive(Deserialize)]
struct RawRates {
    input: f64,
    output: f64,
    cached_input: Option<f64>,
    cache_write: Option<f64>,
    cache_write_hour: Option<f64>,
    audio_input: Option<f64>,
    audio_output: Option<f64>,
    image_input: Option<f64>,
}

impl Table {
    pub(super) fn parse(source: &str) -> Result<Self, TableError> {
        let raw: RawTable = toml::from_str(source)?;
        let mut providers = HashMap::new();
        for (provider, models) in raw.provider {
            let mut entries = HashMap::new();
            for (name, model) in models.model {
                let price = model.price().map_err(|source| TableError::Price { model: name.clone(), source })?;
                let entry = Entry { price, dated: model.dated };
                // A model's own name wins over another's second name.
                for other in model.also {
                    entries.entry(other).or_insert(entry);
                }
                entries.insert(name, entry);
            }
            providers.insert(provider, entries);
        }
        Ok(Table { date: raw.date, providers })
    }

    pub(super) fn find(&self, model: &ModelRef) -> Option<Price> {
        let entries = self.providers.get(&model.provider)?;
        let find = |name: &str| {
            let undated = || without_date(name).and_then(|name| entries.get(name)).filter(|entry| entry.dated);
            entries.get(name).or_else(undated).map(|entry| entry.price)
        };
        let without_region = || find(without_region(&model.model)?);
        find(&model.model).or_else(|| if model.provider == "bedrock" { without_region() } else { None })
    }

    /// The models of a provider, in no order.
    pub(super) fn models(&self, provider: &str) -> Vec<ModelRef> {
        let names = self.providers.get(provider).into_iter().flat_map(|entries| entries.keys());
        names.map(|model| ModelRef { provider: provider.to_owned(), model: model.clone() }).collect()
    }

    #[cfg(test)]
    pub(super) fn prices(&self) -> impl Iterator<Item = Price> {
        self.providers.values().flat_map(|entries| entries.values()).map(|entry| entry.price)
    }
}

impl RawModel {
    fn price(&self) -> Result<Price, PriceError> {
        let price = self.rates.price()?;
        Ok(match &self.long {
            Some(long) => price.with_long_input(long.above, long.rates.price()?),
            None => price,
        })
    }
}

impl RawRates {
    fn price(&self) -> Result<Price, PriceError> {
        let mut price = Price::per_million(self.input, self.output)?;
        if self.audio_input.is_some() || self.audio_output.is_some() {
            price =
                price.with_audio(self.audio_input.unwrap_or(self.input), self.audio_output.unwrap_or(self.output))?;
        }
        for (dollars, with) in [
            (self.cached_input, Price::with_cached_input as fn(Price, f64) -> Result<Price, PriceError>),
            (self.cache_write, Price::with_cache_write),
            (self.cache_write_hour, Price::with_cache_write_hour),
            (self.image_input, Price::with_image_input),
        ] {
            price = dollars.map_or(Ok(price), |dollars| with(price, dollars))?;
        }
        Ok(price)
    }
}

/// The name behind the group of regions that answers at Amazon: `us.anthropic.claude-opus-5`. What answers globally has
/// prices of its own.
fn without_region(name: &str) -> Option<&str> {
    const REGIONS: [&str; 8] = ["apac", "au", "ca", "eu", "in", "jp", "us", "us-gov"];
    let (region, rest) = name.split_once('.')?;
    REGIONS.contains(&region).then_some(rest)
}

/// The name before a date as providers append it: `-20250929`, `-2025-09-29` or `-2512`.
fn without_date(name: &str) -> Option<&str> {
    const SHAPES: [&[u8]; 3] = [b"-dddddddd", b"-dddd-dd-dd", b"-dddd"];
    SHAPES.iter().find_map(|shape| {
        let (stem, end) = name.split_at_checked(name.len().checked_sub(shape.len())?)?;
        let fits = |(byte, wanted): (u8, &u8)| if *wanted == b'd' { byte.is_ascii_digit() } else { byte == *wanted };
        (!stem.is_empty() && end.bytes().zip(*shape).all(fits)).then_some(stem)
    })
}
