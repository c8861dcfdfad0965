//! `/healthz` and `/readyz`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;

use crate::App;

/// The process is up.
pub(crate) async fn live() -> impl IntoResponse {
    Json(json!({ "status": "ok" }))
}

/// Every served task has a version that answers; 503 with those that have not otherwise.
pub(crate) async fn ready(State(app): State<App>) -> impl IntoResponse {
    let waiting: Vec<String> =
        app.champions.all().into_iter().filter(|(_, version)| version.is_none()).map(|(task, _)| task).collect();
    if waiting.is_empty() {
        (StatusCode::OK, Json(json!({ "status": "ready" })))
    } else {
        let body = json!({ "status": "not ready", "tasks_without_champion": waiting });
        (StatusCode::SERVICE_UNAVAILABLE, Json(body))
    }
}
