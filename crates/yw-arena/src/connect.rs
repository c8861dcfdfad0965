//! Wiring: the gateway of a project, with the store as the memory of its paid replies.

use std::sync::Arc;

use yw_config::{KeySource, PriceSpec, Project, ProviderSpec};
use yw_gateway::auth::{AuthError, AwsSource, Credentials, GoogleSource};
use yw_gateway::{
    Budget, Gateway, GatewayConfig, GatewayError, HeaderMap, HeaderName, HeaderValue, ProviderConfig, ReplyStore,
    Secret,
};
use yw_llm::{EncodeOptions, Hosting, Price, PriceError, PriceTable};
use yw_store::Store;
use yw_task::{BoxFuture, Dialect, KeyScheme, Usd};

use crate::ask::Asking;

/// Where trials of tuning are kept in a project's state.
const TUNINGS_DIR: &str = "cache/tune";

/// The way to every provider of `project`, with what may be spent on it.
///
/// `environment` is asked for keys, as `std::env::var` is. Without a store, as for an estimate, nothing is remembered.
pub fn connect(
    project: &Project,
    store: Option<&Store>,
    max_usd: Option<Usd>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Asking, ConnectError> {
    Ok(Asking::new(gateway(project, store, environment)?, store, max_usd))
}

/// The gateway of `project`. Without a store its replies are not remembered.
pub fn gateway(
    project: &Project,
    store: Option<&Store>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Gateway, ConnectError> {
    let specs = project.providers.iter();
    let providers = specs.map(|spec| provider(spec, &environment)).collect::<Result<_, _>>()?;
    let mut prices = PriceTable::builtin();
    for price in &project.prices {
        prices = prices.with_override(price.model.clone(), price_of(price)?);
    }
    let config = GatewayConfig { providers, prices };
    let replies = store.map(|s| Arc::new(StoredReplies(s.clone())) as Arc<dyn ReplyStore>);
    Ok(Gateway::new(config, replies)?)
}

impl Asking {
    /// Through this gateway, for at most `max_usd`, with the trials of tuning kept in `store`.
    pub fn new(gateway: Gateway, store: Option<&Store>, max_usd: Option<Usd>) -> Self {
        Asking {
            gateway: Arc::new(gateway),
            budget: max_usd.map(|usd| Arc::new(Budget::new(usd))),
            tunings: store.map(|s| s.state_dir().join(TUNINGS_DIR)),
        }
    }
}

/// One provider, with its key or what stands for it.
fn provider(
    spec: &ProviderSpec,
    environment: &impl Fn(&str) -> Option<String>,
) -> Result<ProviderConfig, ConnectError> {
    let api_key = key_of(spec, environment)?.map(|key| Secret::new(&key));
    let mut encoding = EncodeOptions::for_provider(&spec.like);
    let mut also: Vec<Dialect> = spec.dialects.iter().copied().skip(1).collect();
    let mut base_url = spec.base_url.as_str();
    // Vertex hosts models of several makers below one address, each in its maker's dialect.
    if let (KeyScheme::GoogleToken, Some(above)) = (spec.key_scheme, base_url.strip_suffix("/publishers/google")) {
        (encoding.hosting, base_url) = (Hosting::Vertex, above);
        also.push(Dialect::Anthropic);
    }
    Ok(ProviderConfig {
        cloud: if api_key.is_none() { cloud(spec, environment)? } else { None },
        api_key,
        like: spec.like.clone(),
        encoding,
        headers: headers(&spec.headers),
        also,
        key_scheme: spec.key_scheme,
        azure_version: spec.api_version.clone(),
        needs_key: spec.needs_key,
        concurrency: spec.concurrency as usize,
        timeout: spec.timeout,
        max_retries: spec.max_retries,
        ..ProviderConfig::new(&spec.name, spec.dialect(), base_url)
    })
}

/// What a cloud has in place of a key.
fn cloud(
    spec: &ProviderSpec,
    environment: &impl Fn(&str) -> Option<String>,
) -> Result<Option<Credentials>, ConnectError> {
    match spec.key_scheme {
        KeyScheme::SigV4 => {
            let failed = |source| ConnectError::Cloud { provider: spec.name.clone(), source };
            let source = AwsSource::discover(environment).map_err(failed)?;
            let region = spec.region.as_deref().unwrap_or_default();
            Ok(Some(Credentials::sigv4(region, BEDROCK_SERVICE, source)))
        }
        KeyScheme::GoogleToken => Ok(Some(Credentials::google(GoogleSource::discover(environment)))),
        KeyScheme::Bearer | KeyScheme::Header(_) => Ok(None),
    }
}

/// The name under which signatures are made for Amazon Bedrock.
const BEDROCK_SERVICE: &str = "bedrock";

/// Headers of the project file, which was checked: names and values are such as headers can have.
fn headers(pairs: &[(String, String)]) -> HeaderMap {
    let header = |(name, value): &(String, String)| {
        Some((HeaderName::try_from(name.as_str()).ok()?, HeaderValue::try_from(value.as_str()).ok()?))
    };
    pairs.iter().filter_map(header).collect()
}

/// The key of a provider; none if its variable is not set, or its file not there.
fn key_of(spec: &ProviderSpec, environment: impl Fn(&str) -> Option<String>) -> Result<Option<String>, ConnectError> {
    match &spec.key {
        KeySource::Environment(variable) => Ok(environment(variable)),
        KeySource::File(path) => match std::fs::read_to_string(path) {
            Ok(key) => Ok(Some(key)),
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ConnectError::KeyFile { provider: spec.name.clone(), path: path.clone(), source }),
        },
    }
}

/// The project file's price, which is exact, by the gateway's way to say it: dollars per million tokens.
fn price_of(spec: &PriceSpec) -> Result<Price, PriceError> {
    let per_million = |per_token: Usd| per_token.picos() as f64 / 1e6;
    let price = Price::per_million(per_million(spec.input), per_million(spec.output))?;
    match spec.cached_input {
        Some(cached) => price.with_cached_input(per_million(cached)),
        None => Ok(price),
    }
}

/// Why a project's providers cannot be reached as it says.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A provider's settings cannot be used.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The file that has a provider's key cannot be read.
    #[error("cannot read the key of `{provider}` from {}", path.display())]
    KeyFile {
        /// The provider.
        provider: String,
        /// The file.
        path: std::path::PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The settings of a cloud cannot be used.
    #[error("the credentials of the provider `{provider}` cannot be used")]
    Cloud {
        /// The provider.
        provider: String,
        /// Why.
        #[source]
        source: AuthError,
    },
    /// A price of the project file cannot be used.
    #[error(transparent)]
    Price(#[from] PriceError),
}

/// Paid replies in the project's store.
struct StoredReplies(Store);

impl ReplyStore for StoredReplies {
    fn get<'a>(&'a self, key: &'a [u8; 32]) -> BoxFuture<'a, Result<Option<Vec<u8>>, yw_gateway::StoreError>> {
        Box::pin(async move { Ok(self.0.replies_get(key).await?) })
    }

    fn put<'a>(&'a self, key: &'a [u8; 32], reply: Vec<u8>) -> BoxFuture<'a, Result<(), yw_gateway::StoreError>> {
        Box::pin(async move { Ok(self.0.replies_put(key, &reply).await?) })
    }
}
