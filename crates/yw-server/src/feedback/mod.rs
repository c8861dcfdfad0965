//! `POST /v1/feedback`: the truth, or a score, for an answer that was served.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};
use yw_store::{FeedbackRecord, StoreError};

use crate::{ApiError, App, guard};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeedbackBody {
    /// The id of the answer.
    id: String,
    /// What the answer should have been.
    truth: Option<Value>,
    /// How good it was.
    score: Option<f64>,
    /// A remark.
    comment: Option<String>,
}

/// Keeps feedback; durable when the client has the response.
pub(crate) async fn create(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<impl IntoResponse, ApiError> {
    let bytes = guard::read_body(&app, &headers, body).await?;
    let body: FeedbackBody =
        serde_json::from_slice(&bytes).map_err(|e| ApiError::bad_request(format!("the body is no feedback: {e}")))?;
    if body.truth.is_none() && body.score.is_none() && body.comment.is_none() {
        return Err(ApiError::bad_request("feedback needs a truth, a score or a comment"));
    }
    let record = FeedbackRecord {
        id: body.id,
        at: jiff::Timestamp::now(),
        truth: body.truth,
        score: body.score,
        comment: body.comment,
    };
    app.store.feedback(&record).await.map_err(|e| match e {
        StoreError::NotFound { .. } => {
            ApiError::not_found("unknown_id", format!("no answer was served under the id {}", record.id))
        }
        other => other.into(),
    })?;
    Ok((StatusCode::CREATED, Json(json!({ "id": record.id }))))
}
