use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Url};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use yw_llm::{Hosting, RequestError, embedding, hosted_request_path};
use yw_task::Dialect;

use crate::auth::{AuthError, Credentials};
use crate::client::Clients;
use crate::wire::Tape;
use crate::{GatewayError, ProviderConfig};

/// A provider ready to be called.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) config: ProviderConfig,
    pub(crate) client: Client,
    pub(crate) tape: Tape,
    base: Url,
    credentials: Credentials,
    /// For each dialect that it speaks, the preferred one first.
    lines: Vec<Line>,
    slots: Semaphore,
    /// Until when the provider asked to be left alone.
    paused_until: Mutex<Option<Instant>>,
}

/// What is the same for all requests in one dialect.
#[derive(Debug)]
struct Line {
    dialect: Dialect,
    headers: HeaderMap,
    /// Where answers are asked for, if that is the same for all models.
    chat: Option<Url>,
}

impl Provider {
    pub(crate) fn new(config: ProviderConfig, clients: &mut Clients) -> Result<Self, GatewayError> {
        let base = base_url(&config)?;
        let dialects = std::iter::once(config.dialect).chain(config.also.iter().copied());
        let line = |dialect| {
            let has_path_of_model = matches!(dialect, Dialect::Gemini | Dialect::Bedrock);
            let is_fixed = !has_path_of_model && config.encoding.hosting == Hosting::Own;
            let chat = is_fixed.then(|| with_path(&base, &yw_llm::request_path(dialect, "", false)));
            Line { dialect, headers: headers(&config, dialect), chat }
        };
        Ok(Provider {
            client: clients.for_host(base.host_str())?,
            tape: Tape::Off,
            credentials: config.credentials()?,
            lines: dialects.map(line).collect(),
            slots: Semaphore::new(config.concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            paused_until: Mutex::new(None),
            base,
            config,
        })
    }

    /// Where to ask `model` for an answer.
    pub(crate) fn chat_url(&self, dialect: Dialect, model: &str, stream: bool) -> Url {
        if let Some(version) = &self.config.azure_version {
            return self.azure_url(model, "chat/completions", version);
        }
        match &self.line(dialect).chat {
            Some(url) => url.clone(),
            None => with_path(&self.base, &hosted_request_path(dialect, self.config.encoding.hosting, model, stream)),
        }
    }

    /// Where to ask `model` for vectors.
    pub(crate) fn embeddings_url(&self, dialect: Dialect, model: &str) -> Result<Url, RequestError> {
        if let Some(version) = &self.config.azure_version {
            return Ok(self.azure_url(model, "embeddings", version));
        }
        Ok(with_path(&self.base, &embedding::request_path(dialect, model)?))
    }

    /// Whether it counts tokens in Anthropic's dialect, at its usual path.
    pub(crate) fn counts_tokens(&self) -> bool {
        self.speaks(Dialect::Anthropic) && self.config.encoding.hosting == Hosting::Own
    }

    /// The address of a path below its own.
    pub(crate) fn url_of(&self, path: &str) -> Url {
        with_path(&self.base, path)
    }

    /// Azure's older addresses name the deployment of a model, which stands for the model here.
    fn azure_url(&self, deployment: &str, what: &str, version: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["openai", "deployments", deployment]).extend(what.split('/'));
        }
        url.query_pairs_mut().append_pair("api-version", version);
        url
    }

    /// The headers of every request in a dialect, the key among them.
    pub(crate) fn headers(&self, dialect: Dialect) -> &HeaderMap {
        &self.line(dialect).headers
    }

    /// The dialect in which to ask `model` for a client of `client`, which is the client's own wherever that is spoken.
    pub(crate) fn dialect_for(&self, client: Dialect, model: &str) -> Dialect {
        if self.config.encoding.hosting == Hosting::Vertex {
            // What is spoken there depends on whose model it is.
            return if model.starts_with("claude") { Dialect::Anthropic } else { Dialect::Gemini };
        }
        if self.speaks(client) { client } else { self.config.dialect }
    }

    /// Whether it understands this dialect.
    fn speaks(&self, dialect: Dialect) -> bool {
        self.lines.iter().any(|line| line.dialect == dialect)
    }

    /// Adds what proves who asks.
    pub(crate) async fn authorize(&self, url: &Url, headers: &mut HeaderMap, body: &[u8]) -> Result<(), AuthError> {
        self.credentials.authorize(&Method::POST, url, headers, body, Timestamp::now()).await
    }

    /// What its requests are authorized with; takes its secrets out of texts.
    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The line of a dialect that it speaks.
    fn line(&self, dialect: Dialect) -> &Line {
        // There is always a first line, and callers ask for dialects that are spoken.
        self.lines.iter().find(|line| line.dialect == dialect).unwrap_or(&self.lines[0])
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

fn base_url(config: &ProviderConfig) -> Result<Url, GatewayError> {
    let parsed = Url::parse(&config.base_url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    parsed.ok_or_else(|| GatewayError::BaseUrl { provider: config.name.clone(), base_url: config.base_url.clone() })
}

/// The base URL with a path appended, and its query; a query in the base (`?api-version=…`) stays.
fn with_path(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let mut start = base.path().trim_end_matches('/');
    // Anthropic's path brings the version that other addresses end in; people write both.
    if path.starts_with("/v1/") {
        start = start.strip_suffix("/v1").unwrap_or(start);
    }
    url.set_path(&format!("{start}{path}"));
    if let Some(query) = query {
        url.set_query(Some(&match base.query() {
            Some(known) => format!("{known}&{query}"),
            None => query.to_owned(),
        }));
    }
    url
}

/// The headers of every request, but for the key.
fn headers(config: &ProviderConfig, dialect: Dialect) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in yw_llm::auth_headers(dialect, None) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers.extend(config.headers.clone());
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use yw_task::Dialect;

    #[test]
    fn paths_are_appended_to_addresses() {
        let check = |dialect, base: &str, expected: &str| {
            let provider = Provider::new(ProviderConfig::new("p", dialect, base), &mut Clients::default()).unwrap();
            assert_eq!(provider.chat_url(dialect, "m", false).as_str(), expected);
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
            let url = base_url(&ProviderConfig::new("p", Dialect::OpenAi, base));
            assert!(matches!(url, Err(GatewayError::BaseUrl { .. })), "{base}");
        }
    }

    #[test]
    fn a_key_with_a_line_break_in_it_is_refused() {
        let config = ProviderConfig::new("p", Dialect::OpenAi, "http://localhost:1/v1");
        assert!(config.clone().with_api_key(Secret::new(" sk-1\n")).credentials().is_ok());
        let error = config.with_api_key(Secret::new("sk-1\nsk-2")).credentials().unwrap_err();
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
