//! What all handlers share, and the routes to them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use yw_arena::Asking;
use yw_config::{CallsSpec, Project};
use yw_store::{LogWriter, Store};

use crate::champions::Champions;
use crate::gateway::{self, OpenError, Proxy};
use crate::metrics::Metrics;
use crate::{ApiError, feedback, guard, health, metrics, openapi, tasks};

/// The state of a serving process. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(crate) champions: Champions,
    pub(crate) store: Store,
    pub(crate) log: LogWriter,
    pub(crate) proxy: Arc<Proxy>,
    keep_calls: CallsSpec,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) limits: Limits,
}

/// What one request may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_body_bytes: usize,
    /// Of a request to the gateway: pictures and documents come in it.
    pub(crate) max_call_bytes: usize,
    pub(crate) timeout: Duration,
}

/// As much as the providers themselves take.
const MAX_CALL_BYTES: usize = 64 << 20;

impl App {
    /// Loads the champions of the project's tasks, or of the one that is named. A task without a champion is served as
    /// not ready; a champion that cannot be loaded is logged and counts as none until it is replaced.
    pub async fn open(project: &Project, store: &Store, asking: &Asking, task: Option<&str>) -> Result<App, OpenError> {
        let names: Vec<String> =
            project.tasks.iter().map(|t| t.name.clone()).filter(|n| task.is_none_or(|only| only == n)).collect();
        Ok(App {
            champions: Champions::open(names, store, asking).await?,
            store: store.clone(),
            log: store.log().await?,
            metrics: Arc::default(),
            proxy: Arc::new(Proxy::open(project, asking.gateway.clone(), store).await?),
            keep_calls: project.serve.calls,
            limits: Limits {
                max_body_bytes: project.serve.max_body_bytes as usize,
                max_call_bytes: MAX_CALL_BYTES.max(project.serve.max_body_bytes as usize),
                timeout: project.serve.timeout,
            },
        })
    }

    /// Picks up promotions made by other processes; runs until dropped.
    pub(crate) async fn follow_promotions(self) {
        self.champions.follow(&self.store).await;
    }

    /// Picks up keys that other processes made or revoked, and removes old records; runs until dropped.
    pub(crate) async fn follow_keys(self) {
        self.proxy.follow(&self.store, &self.keep_calls).await;
    }

    /// Every route.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/v1/tasks", get(tasks::list))
            .route("/v1/tasks/{task}", get(tasks::show))
            .route("/v1/tasks/{task}/predict", post(tasks::predict))
            .route("/v1/feedback", post(feedback::create))
            .merge(self.gateway_routes())
            .route("/healthz", get(health::live))
            .route("/readyz", get(health::ready))
            .route("/metrics", get(metrics::show))
            .route("/openapi.json", get(openapi::show))
            .fallback(ApiError::no_route)
            .method_not_allowed_fallback(ApiError::no_method)
            .layer(axum::middleware::from_fn_with_state(self.clone(), guard::request))
            .with_state(self.clone())
    }
    /// The dialects of OpenAI and Anthropic. Clients of Anthropic's append `/v1` themselves, those of OpenAI's have it in
    /// their base address.
    fn gateway_routes(&self) -> Router<App> {
        Router::new()
            .route(gateway::CHAT_PATH, post(gateway::openai_chat))
            .route(gateway::RESPONSES_PATH, post(gateway::responses))
            .route(gateway::MESSAGES_PATH, post(gateway::messages))
            .route(gateway::COUNT_PATH, post(gateway::count_tokens))
            .route(gateway::EMBEDDINGS_PATH, post(gateway::embeddings))
            .route(gateway::MODELS_PATH, get(gateway::models))
    }
}
