//! The gateway: `/v1/chat/completions`, `/v1/responses`, `/v1/messages`, `/v1/embeddings`, `/v1/models` and
//! `/v1/messages/count_tokens`, in the dialects of OpenAI and Anthropic, in front of every provider.
//!
//! A request is taken in ([`chat`]), its key and scopes are looked at ([`caller`]), its model is found ([`names`]), what
//! it can cost is set aside, and it is forwarded (`yw-gateway`). One record of it ([`record`]) is in the log before the
//! client sees the end of the answer ([`reply`]), and a collector is told of it ([`trace`]).

mod bound;
mod cache;
mod caller;
mod chat;
mod count;
mod error;
mod models;
mod names;
mod record;
mod reply;
mod task;
mod trace;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, StatusCode};
use jiff::Timestamp;
use yw_config::Project;
use yw_gateway::Gateway;
use yw_gateway::keys::KeyRing;
use yw_gateway::limits::{LimitError, LimitSpec, Limiter, Measure, PerWindow, Spent, Window};
use yw_gateway::route::{BreakerSpec, HealthBook, RouteError, RouteSpec, Router, Strategy, Target};
use yw_gateway::telemetry::TelemetryError;
use yw_store::{Store, StoreError};
use yw_task::ModelRef;

pub(crate) use caller::{Caller, authenticate};
pub(crate) use chat::{embeddings, messages, openai_chat, responses};
pub(crate) use count::count_tokens;
pub(crate) use models::list as models;

use crate::gateway::cache::ResponseCache;
use crate::gateway::trace::Tracing;
use crate::{ApiError, App};

pub(crate) const CHAT_PATH: &str = "/v1/chat/completions";
pub(crate) const RESPONSES_PATH: &str = "/v1/responses";
pub(crate) const MESSAGES_PATH: &str = "/v1/messages";
pub(crate) const COUNT_PATH: &str = "/v1/messages/count_tokens";
pub(crate) const EMBEDDINGS_PATH: &str = "/v1/embeddings";
pub(crate) const MODELS_PATH: &str = "/v1/models";

/// What can be posted to the gateway, and what it is.
pub(crate) const POST_PATHS: [(&str, &str); 5] = [
    (CHAT_PATH, "OpenAI's chat completions, answered by any model"),
    (RESPONSES_PATH, "OpenAI's responses, answered by any model"),
    (MESSAGES_PATH, "Anthropic's messages, answered by any model"),
    (COUNT_PATH, "How many tokens a request of Anthropic's messages has"),
    (EMBEDDINGS_PATH, "OpenAI's embeddings, made by any model"),
];

/// Whether a path is one of the gateway's, which looks at keys by itself.
pub(crate) fn is_path(path: &str) -> bool {
    path == MODELS_PATH || POST_PATHS.iter().any(|(known, _)| *known == path)
}

/// What everything but the gateway and the probes of health asks of a caller: a key, where keys are on, that may use the
/// task that is named.
pub(crate) fn check_key(app: &App, path: &str, headers: &HeaderMap) -> Result<(), ApiError> {
    if !app.proxy.wants_keys() || matches!(path, "/healthz" | "/readyz") {
        return Ok(());
    }
    let refused = |status, code, message| Err(ApiError::new(status, code, message));
    let caller = match authenticate(&app.proxy, headers) {
        Ok(caller) => caller,
        Err(refusal) => return refused(StatusCode::UNAUTHORIZED, "invalid_api_key", refusal.error.message),
    };
    if path == "/metrics" && caller.is_scoped() {
        return refused(
            StatusCode::FORBIDDEN,
            "not_allowed",
            "metrics are for keys that may use everything".to_owned(),
        );
    }
    let task = path.strip_prefix("/v1/tasks/").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    // What is checked must be what is used: names that need escapes are for keys without a list of tasks.
    let is_escaped = task.contains('%') && caller.is_scoped();
    if !task.is_empty() && (is_escaped || !caller.may_use_task(task)) {
        return refused(StatusCode::FORBIDDEN, "not_allowed", format!("this key may not use the task `{task}`"));
    }
    Ok(())
}

/// How often keys that other processes made or revoked are looked for.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);

/// The most routes that are kept for models which no `[route]` names.
const MAX_DIRECT_ROUTES: usize = 1_000;

/// What the gateway's handlers share.
pub(crate) struct Proxy {
    pub(crate) gateway: Arc<Gateway>,
    routes: BTreeMap<String, Arc<Route>>,
    /// Routes to single models that clients name as `provider/model`, made when they are first asked for.
    direct: RwLock<BTreeMap<ModelRef, Arc<Route>>>,
    health: HealthBook,
    /// None where the project file does without keys.
    keys: Option<KeyRing>,
    limiter: Limiter,
    cache: ResponseCache,
    /// None where the project names no collector.
    tracing: Option<Tracing>,
    /// What is set aside for the answer to a request without an output limit.
    default_output_tokens: u64,
    /// Whether records keep what was asked and answered.
    keeps_content: bool,
}

/// Where a model name leads.
pub(crate) struct Route {
    /// Its name in the project file; none of a single model.
    pub(crate) name: Option<String>,
    pub(crate) router: Router,
    /// The header whose value keeps requests together.
    pub(crate) sticky: Option<HeaderName>,
    /// How long answers may be reused; none never.
    pub(crate) cache: Option<Duration>,
}

impl Proxy {
    /// The gateway of a project, with its limits where a process before this one has left them.
    pub(crate) async fn open(project: &Project, gateway: Arc<Gateway>, store: &Store) -> Result<Self, OpenError> {
        let health = HealthBook::default();
        let mut routes = BTreeMap::new();
        for spec in &project.routes {
            let route = Route {
                name: Some(spec.name.clone()),
                sticky: spec.sticky.as_ref().and_then(|name| HeaderName::try_from(name.as_str()).ok()),
                cache: spec.cache,
                router: Router::new(route_spec(project, spec), &health)?,
            };
            routes.insert(spec.name.clone(), Arc::new(route));
        }
        let serve = &project.serve;
        let proxy = Proxy {
            gateway,
            routes,
            direct: RwLock::default(),
            health,
            keys: serve.keys.then(KeyRing::default),
            limiter: Limiter::new(limits(&serve.limits)?),
            cache: ResponseCache::new(store.clone(), serve.cache_max_bytes),
            tracing: Tracing::start(project)?,
            default_output_tokens: serve.default_output_tokens,
            keeps_content: serve.calls.content,
        };
        proxy.restore_limits(store).await?;
        proxy.load_keys(store).await?;
        Ok(proxy)
    }

    /// Whether requests need a key.
    pub(crate) fn wants_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// Follows the keys and trims what is kept; runs until dropped.
    pub(crate) async fn follow(&self, store: &Store, keep: &yw_config::CallsSpec) {
        let mut seen = store.keys_version().await.unwrap_or(-1);
        let mut tick = tokio::time::interval(FOLLOW_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for n_ticks in 0u64.. {
            tick.tick().await;
            // About once a minute.
            if n_ticks % 120 == 60 {
                self.trim(store, keep).await;
            }
            if self.keys.is_none() {
                continue;
            }
            match store.keys_version().await {
                Ok(version) if version != seen => match self.load_keys(store).await {
                    Ok(()) => seen = version,
                    Err(e) => tracing::warn!(error = &e as &dyn std::error::Error, "cannot read the keys"),
                },
                Ok(_) => {}
                Err(e) => tracing::warn!(error = &e as &dyn std::error::Error, "cannot look for keys"),
            }
        }
    }

    async fn trim(&self, store: &Store, keep: &yw_config::CallsSpec) {
        let trimmed = store.trim_calls(Some(keep.keep), Some(keep.max_bytes)).await;
        let trimmed = match trimmed {
            Ok(_) => self.cache.trim().await,
            Err(e) => Err(e),
        };
        if let Err(e) = trimmed {
            tracing::warn!(error = &e as &dyn std::error::Error, "old records of calls cannot be removed");
        }
    }

    async fn load_keys(&self, store: &Store) -> Result<(), StoreError> {
        if let Some(ring) = &self.keys {
            ring.replace(store.keys().await?.into_iter().filter_map(caller::key));
        }
        Ok(())
    }

    /// Counts what was used since each window began.
    async fn restore_limits(&self, store: &Store) -> Result<(), StoreError> {
        let now = Timestamp::now();
        let mut sums: BTreeMap<Option<String>, PerWindow<Spent>> = BTreeMap::new();
        for window in Window::ALL {
            let since = store.spent_since(window.starts(now).unwrap_or(Timestamp::MIN)).await?;
            let keys = since.keys.into_iter().map(|(key, spent)| (Some(key), spent));
            for (key, spent) in keys.chain([(None, since.total)]) {
                *sums.entry(key).or_default().get_mut(window) =
                    Spent { requests: spent.requests, tokens: spent.tokens, dollars: spent.usd };
            }
        }
        for (key, sums) in &sums {
            self.limiter.restore(key.as_deref(), now, sums);
        }
        Ok(())
    }

    /// The route to a single model.
    fn direct(&self, model: &ModelRef) -> Option<Arc<Route>> {
        if let Some(route) = self.direct.read().unwrap_or_else(PoisonError::into_inner).get(model) {
            return Some(route.clone());
        }
        let target = Target { model: model.clone(), weight: 1.0 };
        let spec = RouteSpec::new(model.to_string(), vec![target]);
        let mut direct = self.direct.write().unwrap_or_else(PoisonError::into_inner);
        // Names come from clients, and may be without end: from some number on their health is forgotten with the call.
        let is_kept = direct.len() < MAX_DIRECT_ROUTES;
        let for_once = HealthBook::default();
        let router = Router::new(spec, if is_kept { &self.health } else { &for_once }).ok()?;
        let route = Arc::new(Route { name: None, router, sticky: None, cache: None });
        if is_kept {
            direct.insert(model.clone(), route.clone());
        }
        Some(route)
    }
}

/// Why the gateway of a project cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A route cannot be.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// A limit cannot be.
    #[error("a limit in [serve] cannot be kept")]
    Limit(#[from] LimitError),
    /// The collector in `[serve]` cannot be sent to.
    #[error("`otlp` in [serve] cannot be used")]
    Telemetry(#[from] TelemetryError),
}

/// A route of the project file, for the gateway.
fn route_spec(project: &Project, spec: &yw_config::RouteSpec) -> RouteSpec {
    let targets = spec.targets.iter().map(|t| Target { model: t.model.clone(), weight: t.weight });
    let default = RouteSpec::new(spec.name.clone(), targets.collect());
    // Of several providers, the most patient one.
    let patience = spec.targets.iter().filter_map(|t| project.providers.iter().find(|p| p.name == t.model.provider));
    let attempt = spec.attempt_timeout.or(patience.map(|p| p.timeout).max()).unwrap_or(default.attempt_timeout);
    let never = BreakerSpec { consecutive_failures: None, failure_share: None, ..BreakerSpec::default() };
    RouteSpec {
        strategy: match spec.by {
            yw_config::RouteBy::Order => Strategy::Order,
            yw_config::RouteBy::Weight => Strategy::Weight,
            yw_config::RouteBy::Latency => Strategy::Latency,
        },
        retries: spec.retries,
        attempt_timeout: attempt,
        first_token_timeout: spec.first_token_timeout.unwrap_or(attempt),
        total_timeout: spec.timeout.unwrap_or(default.total_timeout.max(attempt)),
        hedge_after: spec.hedge_after,
        sticky_header: spec.sticky.clone(),
        breaker: spec.breaker.map_or(never, |breaker| BreakerSpec {
            consecutive_failures: Some(breaker.failures),
            cool_down: breaker.cooldown,
            max_cool_down: breaker.cooldown.max(BreakerSpec::default().max_cool_down),
            ..BreakerSpec::default()
        }),
        ..default
    }
}

/// Limits of the project file, for the gateway.
fn limits(spec: &yw_config::LimitsSpec) -> Result<LimitSpec, LimitError> {
    let mut limits = LimitSpec::default();
    for limit in &spec.requests {
        limits.add(Measure::Requests, &format!("{}/{}", limit.amount, limit.window.name()))?;
    }
    for limit in &spec.tokens {
        limits.add(Measure::Tokens, &format!("{}/{}", limit.amount, limit.window.name()))?;
    }
    for limit in &spec.dollars {
        let dollars = limit.amount.to_string().replacen('$', "", 1);
        limits.add(Measure::Dollars, &format!("{dollars}/{}", limit.window.name()))?;
    }
    Ok(limits)
}
