use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use yw_llm::{EncodeOptions, PriceTable};
use yw_task::{Dialect, WELL_KNOWN_PROVIDERS};

/// Whom the gateway can call, and what they charge.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// The providers, each with its own name.
    pub providers: Vec<ProviderConfig>,
    /// What their models cost.
    pub prices: PriceTable,
}

/// One provider.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Its name, the part of a model's name before the slash.
    pub name: String,
    /// What it speaks.
    pub dialect: Dialect,
    /// Where it lives; the dialect's path is appended.
    pub base_url: String,
    /// Its key; none sends no header for it.
    pub api_key: Option<Secret>,
    /// Whether calls are pointless without a key.
    pub needs_key: bool,
    /// The most requests under way at one time; at least 1.
    pub concurrency: usize,
    /// How long one attempt may take, from connecting to the last byte.
    pub timeout: Duration,
    /// How often a failed attempt is repeated.
    pub max_retries: u32,
    /// The delay before the first repetition, where the provider does not say; it doubles each time, up to 30 s.
    pub backoff: Duration,
    /// The names and features in which this server differs from others of its dialect.
    pub encoding: EncodeOptions,
}

impl ProviderConfig {
    /// A provider that needs no key, with the usual limits: 8 requests at a time, 60 s each, 4 retries.
    pub fn new(name: impl Into<String>, dialect: Dialect, base_url: impl Into<String>) -> Self {
        let name = name.into();
        ProviderConfig {
            encoding: EncodeOptions::for_provider(&name),
            name,
            dialect,
            base_url: base_url.into(),
            api_key: None,
            needs_key: false,
            concurrency: 8,
            timeout: Duration::from_secs(60),
            max_retries: 4,
            backoff: Duration::from_millis(500),
        }
    }

    /// A provider that needs a key and no address, by its name; none if there is no such provider.
    pub fn well_known(name: &str) -> Option<Self> {
        let known = WELL_KNOWN_PROVIDERS.iter().find(|p| p.name == name)?;
        Some(ProviderConfig { needs_key: true, ..ProviderConfig::new(known.name, known.dialect, known.base_url) })
    }

    /// The same provider with a key.
    pub fn with_api_key(mut self, api_key: Secret) -> Self {
        self.api_key = Some(api_key);
        self
    }

    /// The key to send.
    pub(crate) fn key(&self) -> Option<&str> {
        self.api_key.as_ref().map(|key| &*key.0).filter(|key| !key.is_empty())
    }

    /// Whether calls are pointless because the key is missing.
    pub(crate) fn lacks_key(&self) -> bool {
        self.needs_key && self.key().is_none()
    }
}

/// A key. Prints as `***`.
#[derive(Clone)]
pub struct Secret(Arc<str>);

impl Secret {
    /// A key without the white space around it.
    pub fn new(text: &str) -> Self {
        Secret(text.trim().into())
    }

    /// `text` without the key in it.
    pub(crate) fn redact(&self, text: String) -> String {
        if self.0.is_empty() || !text.contains(&*self.0) { text } else { text.replace(&*self.0, "***") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
