use std::sync::{Mutex, PoisonError};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Url};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::client::Clients;
use crate::{GatewayError, ProviderConfig};

/// A provider ready to be called.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) config: ProviderConfig,
    pub(crate) client: Client,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    slots: Semaphore,
    /// Until when the provider asked to be left alone.
    paused_until: Mutex<Option<Instant>>,
}

impl Provider {
    pub(crate) fn new(config: ProviderConfig, clients: &mut Clients) -> Result<Self, GatewayError> {
        let url = request_url(&config)?;
        Ok(Provider {
            client: clients.for_host(url.host_str())?,
            headers: headers(&config)?,
            slots: Semaphore::new(config.concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            paused_until: Mutex::new(None),
            url,
            config,
        })
    }

    /// Waits until one more request may be under way, and until a pause is over.
    pub(crate) async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed, so this is never none.
        let permit = self.slots.acquire().await.ok();
        // A pause may be prolonged while it is slept through.
        while let Some(until) = self.pause().filter(|until| *until > Instant::now()) {
            tokio::time::sleep_until(until).await;
        }
        permit
    }

    /// Lets no request begin before `until`.
    pub(crate) fn pause_until(&self, until: Instant) {
        let mut paused = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        *paused = Some(paused.map_or(until, |known| known.max(until)));
    }

    fn pause(&self) -> Option<Instant> {
        *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The base URL with the dialect's path appended; a query in it (`?api-version=…`) stays.
fn request_url(config: &ProviderConfig) -> Result<Url, GatewayError> {
    let parsed = Url::parse(&config.base_url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let mut url = parsed
        .ok_or_else(|| GatewayError::BaseUrl { provider: config.name.clone(), base_url: config.base_url.clone() })?;
    let path = yw_llm::request_path(config.dialect);
    let mut base = url.path().trim_end_matches('/');
    // Anthropic's path brings the version that other addresses end in; people write both.
    if path.starts_with("/v1/") {
        base = base.strip_suffix("/v1").unwrap_or(base);
    }
    url.set_path(&format!("{base}{path}"));
    Ok(url)
}

fn headers(config: &ProviderConfig) -> Result<HeaderMap, GatewayError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in yw_llm::auth_headers(config.dialect, config.key()) {
        let mut value =
            HeaderValue::from_str(&value).map_err(|_| GatewayError::Key { provider: config.name.clone() })?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use yw_task::Dialect;

    #[test]
    fn paths_are_appended_to_addresses() {
        let check = |dialect, base: &str, expected: &str| {
            assert_eq!(request_url(&ProviderConfig::new("p", dialect, base)).unwrap().as_str(), expected);
        };
        check(Dialect::OpenAi, "http://localhost:1/v1", "http://localhost:1/v1/chat/completions");
        check(Dialect::OpenAi, "https://a.b/x/v1/", "https://a.b/x/v1/chat/completions");
        check(Dialect::OpenAi, "https://a.b/x?api-version=1", "https://a.b/x/chat/completions?api-version=1");
        check(Dialect::Anthropic, "https://api.anthropic.com", "https://api.anthropic.com/v1/messages");
        check(Dialect::Anthropic, "https://api.anthropic.com/v1/", "https://api.anthropic.com/v1/messages");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for base in ["", "api.openai.com/v1", "ftp://a.b/", "http://", "/v1"] {
            let url = request_url(&ProviderConfig::new("p", Dialect::OpenAi, base));
            assert!(matches!(url, Err(GatewayError::BaseUrl { .. })), "{base}");
        }
    }

    #[test]
    fn a_key_with_a_line_break_in_it_is_refused() {
        let config = ProviderConfig::new("p", Dialect::OpenAi, "http://localhost:1/v1");
        assert!(headers(&config.clone().with_api_key(Secret::new(" sk-1\n"))).is_ok());
        let error = headers(&config.with_api_key(Secret::new("sk-1\nsk-2"))).unwrap_err();
        assert!(matches!(error, GatewayError::Key { .. }) && !format!("{error:?} {error}").contains("sk-1"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_for_everyone_and_is_never_shortened() {
        let config = ProviderConfig::new("p", Dialect::OpenAi, "http://localhost:1/v1");
        let provider = Provider::new(config, &mut Clients::default()).unwrap();
        let start = Instant::now();
        let second = std::time::Duration::from_secs(1);
        provider.pause_until(start + 5 * second);
        provider.pause_until(start + 2 * second);
        let (a, b) = tokio::join!(provider.slot(), provider.slot());
        assert!(a.is_some() && b.is_some());
        assert_eq!(start.elapsed().as_secs(), 5);
    }
}
