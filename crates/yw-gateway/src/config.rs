use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use yw_llm::{EncodeOptions, PriceTable};
use yw_task::{Dialect, KeyScheme, WellKnownProvider};

use crate::GatewayError;
use crate::auth::Credentials;

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
    /// The name under which the prices of its models are known, where they are not known under its own.
    pub like: String,
    /// What it is asked in.
    pub dialect: Dialect,
    /// What else it speaks: in these dialects a client's own bytes are passed on.
    pub also: Vec<Dialect>,
    /// Where it lives; the dialect's path is appended.
    pub base_url: String,
    /// Its key; none sends no header for it.
    pub api_key: Option<Secret>,
    /// How the key is sent.
    pub key_scheme: KeyScheme,
    /// What proves who asks where that is no key, as in the clouds of Amazon and Google.
    pub cloud: Option<Credentials>,
    /// Headers of every request besides.
    pub headers: HeaderMap,
    /// The version of Azure's older interface, where each model has an address of its own.
    pub azure_version: Option<String>,
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
            like: name.clone(),
            name,
            dialect,
            also: Vec::new(),
            base_url: base_url.into(),
            api_key: None,
            key_scheme: match dialect {
                Dialect::Anthropic => KeyScheme::Header("x-api-key"),
                Dialect::Gemini => KeyScheme::Header("x-goog-api-key"),
                Dialect::OpenAi | Dialect::Responses | Dialect::Bedrock => KeyScheme::Bearer,
            },
            cloud: None,
            headers: HeaderMap::new(),
            azure_version: None,
            needs_key: false,
            concurrency: 8,
            timeout: Duration::from_secs(60),
            max_retries: 4,
            backoff: Duration::from_millis(500),
        }
    }

    /// A provider that needs a key and no address of its own, by its name; none if there is no such provider.
    pub fn well_known(name: &str) -> Option<Self> {
        let known = WellKnownProvider::by_name(name)?;
        let config = ProviderConfig::new(known.name, known.dialect(), known.base_url()?);
        Some(ProviderConfig { needs_key: true, also: known.dialects[1..].to_vec(), key_scheme: known.key, ..config })
    }

    /// The same provider with a key.
    pub fn with_api_key(mut self, api_key: Secret) -> Self {
        self.api_key = Some(api_key);
        self
    }

    /// What is sent to prove who asks.
    pub(crate) fn credentials(&self) -> Result<Credentials, GatewayError> {
        if let Some(cloud) = &self.cloud {
            return Ok(cloud.clone());
        }
        let Some(key) = self.api_key.as_ref().filter(|key| !key.expose().is_empty()) else {
            return Ok(Credentials::none());
        };
        let credentials = match self.key_scheme {
            KeyScheme::Header(name) => Credentials::header(name, key),
            KeyScheme::Bearer | KeyScheme::SigV4 | KeyScheme::GoogleToken => Credentials::bearer(key),
        };
        credentials.map_err(|_| GatewayError::Key { provider: self.name.clone() })
    }

    /// Whether calls are pointless because the key is missing.
    pub(crate) fn lacks_key(&self) -> bool {
        self.needs_key && self.cloud.is_none() && self.api_key.as_ref().is_none_or(|key| key.expose().is_empty())
    }
}

/// A key. Prints as `***`.
#[derive(Clone, Default)]
pub struct Secret(Arc<str>);

impl Secret {
    /// A key without the white space around it.
    pub fn new(text: &str) -> Self {
        Secret(text.trim().into())
    }

    /// The key itself, for the places that send it or look for it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
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
