//! What all handlers share, and the routes to them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use yw_arena::Asking;
use yw_config::Project;
use yw_store::{LogWriter, Store, StoreError};

use crate::champions::Champions;
use crate::metrics::Metrics;
use crate::{ApiError, feedback, guard, health, metrics, openapi, tasks};

/// The state of a serving process. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(crate) champions: Champions,
    pub(crate) store: Store,
    pub(crate) log: LogWriter,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) limits: Limits,
}

/// What one request may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_body_bytes: usize,
    pub(crate) timeout: Duration,
}

impl App {
    /// Loads the champions of the project's tasks, or of the one that is named. A task without a champion is served as
    /// not ready; a champion that cannot be loaded is logged and counts as none until it is replaced.
    pub async fn open(
        project: &Project,
        store: &Store,
        asking: &Asking,
        task: Option<&str>,
    ) -> Result<App, StoreError> {
        let names: Vec<String> =
            project.tasks.iter().map(|t| t.name.clone()).filter(|n| task.is_none_or(|only| only == n)).collect();
        Ok(App {
            champions: Champions::open(names, store, asking).await?,
            store: store.clone(),
            log: store.log().await?,
            metrics: Arc::default(),
            limits: Limits { max_body_bytes: project.serve.max_body_bytes as usize, timeout: project.serve.timeout },
        })
    }

    /// Picks up promotions made by other processes; runs until dropped.
    pub(crate) async fn follow_promotions(self) {
        self.champions.follow(&self.store).await;
    }

    /// Every route.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/v1/tasks", get(tasks::list))
            .route("/v1/tasks/{task}", get(tasks::show))
            .route("/v1/tasks/{task}/predict", post(tasks::predict))
            .route("/v1/feedback", post(feedback::create))
            .route("/healthz", get(health::live))
            .route("/readyz", get(health::ready))
            .route("/metrics", get(metrics::show))
            .route("/openapi.json", get(openapi::show))
            .fallback(ApiError::no_route)
            .method_not_allowed_fallback(ApiError::no_method)
            .layer(axum::middleware::from_fn_with_state(self.clone(), guard::request))
            .with_state(self.clone())
    }
}
