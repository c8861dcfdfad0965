//! `/v1/tasks`: what is served, and answers.

mod answer;
mod explanation;
mod predict;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::champions::Version;
use crate::{ApiError, App};

pub(crate) use crate::error::status_of;
pub use explanation::{ContributionBody, ExplanationBody};
pub(crate) use predict::{answer_one, predict};

/// Every served task.
pub(crate) async fn list(State(app): State<App>) -> Json<Value> {
    let tasks: Vec<Value> =
        app.champions.all().iter().map(|(task, version)| describe(task, version.as_deref())).collect();
    Json(json!({ "tasks": tasks }))
}

/// One served task.
pub(crate) async fn show(State(app): State<App>, Path(task): Path<String>) -> Result<Json<Value>, ApiError> {
    let version = app.champions.get(&task).ok_or_else(|| unknown_task(&app, &task))?;
    Ok(Json(describe(&task, version.as_deref())))
}

/// The version that answers a task.
pub(crate) fn version(app: &App, task: &str) -> Result<Arc<Version>, ApiError> {
    let version = app.champions.get(task).ok_or_else(|| unknown_task(app, task))?;
    version.ok_or_else(|| {
        let message = format!("nothing answers task `{task}` yet; `yw run` finds a champion, `yw promote` chooses one");
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "no_champion", message)
    })
}

fn unknown_task(app: &App, task: &str) -> ApiError {
    let known: Vec<String> = app.champions.all().into_keys().collect();
    ApiError::not_found("unknown_task", format!("there is no task `{task}`; served are: {}", known.join(", ")))
}

fn describe(task: &str, version: Option<&Version>) -> Value {
    let Some(version) = version else { return json!({ "task": task, "champion": null }) };
    let (loaded, champion) = (&version.loaded, &version.champion);
    let input: Map<String, Value> =
        loaded.fields.iter().map(|f| (f.name.clone(), f.field_type.name().into())).collect();
    let mut answer = json!({ "name": loaded.answer.name, "type": loaded.answer.kind.name() });
    if !loaded.answer.labels.is_empty() {
        answer["labels"] = loaded.answer.labels.iter().map(|l| &**l).collect();
    }
    json!({
        "task": task,
        "question": loaded.question,
        "input": input,
        "answer": answer,
        "champion": {
            "candidate": champion.candidate,
            "version": champion.artifact.as_str(),
            "run": champion.run,
            "since": champion.since.to_string(),
        },
    })
}
