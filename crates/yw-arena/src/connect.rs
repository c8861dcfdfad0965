//! Wiring: the gateway of a project, with the store as the memory of its paid replies.

use std::sync::Arc;

use yw_config::{PriceSpec, Project};
use yw_gateway::{Budget, Gateway, GatewayConfig, GatewayError, ProviderConfig, ReplyStore, Secret};
use yw_llm::{Price, PriceError, PriceTable};
use yw_store::Store;
use yw_task::{BoxFuture, Usd, key_variable};

use crate::ask::Asking;

/// Where trials of tuning are kept in a project's state.
const TUNINGS_DIR: &str = "cache/tune";

/// The way to every provider of `project`.
///
/// `environment` is asked for keys, as `std::env::var` is. Without a store, as for an estimate, nothing is remembered.
pub fn connect(
    project: &Project,
    store: Option<&Store>,
    max_usd: Option<Usd>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Asking, ConnectError> {
    let provider = |spec: &yw_config::ProviderSpec| ProviderConfig {
        api_key: environment(&key_variable(&spec.name)).map(|key| Secret::new(&key)),
        needs_key: spec.key,
        concurrency: spec.concurrency as usize,
        timeout: spec.timeout,
        max_retries: spec.max_retries,
        ..ProviderConfig::new(&spec.name, spec.dialect, &spec.base_url)
    };
    let mut prices = PriceTable::builtin();
    for price in &project.prices {
        prices = prices.with_override(price.model.clone(), price_of(price)?);
    }
    let config = GatewayConfig { providers: project.providers.iter().map(provider).collect(), prices };
    let replies = store.map(|s| Arc::new(StoredReplies(s.clone())) as Arc<dyn ReplyStore>);
    Ok(Asking {
        gateway: Arc::new(Gateway::new(config, replies)?),
        budget: max_usd.map(|usd| Arc::new(Budget::new(usd))),
        tunings: store.map(|s| s.state_dir().join(TUNINGS_DIR)),
    })
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
