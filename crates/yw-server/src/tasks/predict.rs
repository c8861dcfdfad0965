//! `POST /v1/tasks/{task}/predict`.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value};
use yw_store::{LogError, LogRecord, new_id};
use yw_task::{Outcome, PredictContext, RowErrorKind, RowsBuilder};

use super::answer::{AnswerBody, AnswerHead};
use super::{ExplanationBody, version};
use crate::champions::Version;
use crate::error::status_of;
use crate::{ApiError, App, guard};

/// What a request can say besides its rows.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PredictQuery {
    /// Whether each answer comes with what speaks for it.
    #[serde(default)]
    explain: bool,
}

/// Answers one row (a JSON object) or several (an array of them). Each row has its own answer or error; a request about
/// one row has its status from it.
pub(crate) async fn predict(
    State(app): State<App>,
    Path(task): Path<String>,
    query: Result<Query<PredictQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let version = version(&app, &task)?;
    let Query(query) = query.map_err(|e| {
        ApiError::bad_request(format!("the query may only be `explain=true` or `explain=false`: {}", e.body_text()))
    })?;
    if query.explain {
        check_explained(&task, &version).await?;
    }
    let bytes = guard::read_body(&app, &headers, body).await?;
    let body: Value = serde_json::from_slice(&bytes)
        .map_err(|e| ApiError::bad_request(format!("the body is not JSON, or nested too deep: {e}")))?;
    drop(bytes);
    match body {
        Value::Object(row) => {
            let answer = answer_rows(&app, &task, &version, vec![Value::Object(row)], &query).await?.remove(0);
            Ok(respond(answer.status(), &answer))
        }
        Value::Array(rows) => Ok(respond(StatusCode::OK, &answer_rows(&app, &task, &version, rows, &query).await?)),
        _ => Err(ApiError::bad_request("the body must be a JSON object, one row, or an array of them")),
    }
}

/// Refuses before anything is answered, and perhaps paid for.
async fn check_explained(task: &str, version: &Version) -> Result<(), ApiError> {
    let no_rows = RowsBuilder::new(version.loaded.fields.clone()).finish();
    if version.loaded.predictor.explain(&no_rows).await.is_some() {
        return Ok(());
    }
    let message = format!(
        "`{}`, which answers task `{task}`, cannot be explained: only linear models and trees can; ask without `explain`",
        version.champion.candidate
    );
    Err(ApiError::bad_request(message).with_code("not_explainable"))
}

fn respond(status: StatusCode, body: &impl serde::Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(json) => (status, [(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Err(e) => ApiError::internal("the answer cannot be written as JSON", e).into_response(),
    }
}

/// The answer to one row, which is in the log when this returns, and what it took.
pub(crate) async fn answer_one(
    app: &App,
    task: &str,
    version: &Arc<Version>,
    row: Value,
) -> Result<AnswerBody, ApiError> {
    let mut bodies = answer_rows(app, task, version, vec![row], &PredictQuery::default()).await?;
    bodies.pop().ok_or_else(|| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "no answer was made"))
}

/// One body per row, in order. Answers, and failures to answer, are in the log when this returns.
async fn answer_rows(
    app: &App,
    task: &str,
    version: &Arc<Version>,
    rows: Vec<Value>,
    query: &PredictQuery,
) -> Result<Vec<AnswerBody>, ApiError> {
    let started = Instant::now();
    let at = jiff::Timestamp::now();
    let mut builder = RowsBuilder::new(version.loaded.fields.clone());
    let refusals: Vec<Option<String>> = rows.iter().map(|row| push(&mut builder, row).err()).collect();
    let good = builder.finish();
    let outcomes = version.loaded.predictor.predict(&good, &PredictContext::default()).await;
    let per_row = started.elapsed() / rows.len().max(1) as u32;
    let explanations = match query.explain {
        true => ExplanationBody::of_rows(&version.loaded, &good, &outcomes, None).await.unwrap_or_default(),
        false => Vec::new(),
    };
    let mut outcomes = outcomes.into_iter().zip(explanations.into_iter().chain(std::iter::repeat(None)));

    let mut bodies = Vec::with_capacity(rows.len());
    let mut records = Vec::with_capacity(rows.len());
    for (row, refusal) in rows.into_iter().zip(refusals) {
        let (outcome, explanation) = match refusal {
            Some(reason) => (Outcome::failed(RowErrorKind::Input, reason), None),
            None => outcomes.next().unwrap_or_else(|| {
                let message = "the predictor gave fewer answers than there are rows";
                (Outcome::failed(RowErrorKind::Internal, message), None)
            }),
        };
        let latency_ms = outcome.latency.unwrap_or(per_row).as_secs_f64() * 1e3;
        let head = AnswerHead { id: new_id(), latency_ms, explanation };
        app.metrics.answer(task, &outcome);
        let body = AnswerBody::new(head, task, version, &outcome);
        records.push(record(task, version, at, row, &body, &outcome));
        bodies.push(body);
    }
    app.log.append(&records).await?;
    Ok(bodies)
}

fn push(builder: &mut RowsBuilder, row: &Value) -> Result<(), String> {
    let row: &Map<String, Value> = row.as_object().ok_or("a row must be a JSON object from field to value")?;
    builder.push_json(row).map_err(|e| e.to_string())
}

fn record(
    task: &str,
    version: &Version,
    at: jiff::Timestamp,
    input: Value,
    body: &AnswerBody,
    outcome: &Outcome,
) -> LogRecord {
    LogRecord {
        id: body.id.clone(),
        at,
        task: task.to_owned(),
        candidate: version.champion.candidate.clone(),
        artifact: version.champion.artifact.as_str().to_owned(),
        input,
        answer: body.answer.clone(),
        scores: body.scores.clone(),
        error: body.error.as_ref().map(|e| LogError { kind: e.kind.to_owned(), message: e.message.clone() }),
        latency_ms: Some(body.latency_ms),
        usage: (outcome.usage.calls > 0).then(|| outcome.usage.into()),
        usd: Some(body.usd),
    }
}

impl AnswerBody {
    fn status(&self) -> StatusCode {
        self.error.as_ref().map_or(StatusCode::OK, |e| status_of(e.row_error_kind))
    }
}
