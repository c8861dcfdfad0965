//! `GET /v1/models`: the names that clients can ask for.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use yw_task::Dialect;

use super::authenticate;
use super::names::TASK_PREFIX;
use crate::App;

/// When a name was made is not known, and clients want a number: 2026-01-01.
const CREATED: u64 = 1_767_225_600;

/// Routes, the models in them and those whose price is known, and tasks with a champion, as far as the caller may use them. In Anthropic's shape for
/// clients that send its version header.
pub(crate) async fn list(State(app): State<App>, headers: HeaderMap) -> Response {
    let is_anthropic = headers.contains_key("anthropic-version");
    let client = if is_anthropic { Dialect::Anthropic } else { Dialect::OpenAi };
    let caller = match authenticate(&app.proxy, &headers) {
        Ok(caller) => caller,
        Err(refusal) => return refusal.response(client, ""),
    };
    let routes = app.proxy.routes.values();
    let mut names: Vec<(String, String)> = Vec::new();
    for route in routes {
        let name = route.name.clone().unwrap_or_default();
        if caller.may_use_route(&name) {
            names.push((name, "yellowwood".to_owned()));
        }
        for target in &route.router.spec().targets {
            let model = target.model.to_string();
            if caller.may_use_model(&model) && !names.iter().any(|(known, _)| *known == model) {
                names.push((model, target.model.provider.clone()));
            }
        }
    }
    for model in app.proxy.gateway.models() {
        let name = model.to_string();
        if caller.may_use_model(&name) && !names.iter().any(|(known, _)| *known == name) {
            names.push((name, model.provider));
        }
    }
    for (task, version) in app.champions.all() {
        if version.is_some() && caller.may_use_task(&task) {
            names.push((format!("{TASK_PREFIX}{task}"), "yellowwood".to_owned()));
        }
    }
    let body = if is_anthropic { anthropic_list(&names) } else { openai_list(&names) };
    Json(body).into_response()
}

fn openai_list(names: &[(String, String)]) -> Value {
    let entry =
        |(id, owner): &(String, String)| json!({"id": id, "object": "model", "created": CREATED, "owned_by": owner});
    json!({"object": "list", "data": names.iter().map(entry).collect::<Vec<_>>()})
}

fn anthropic_list(names: &[(String, String)]) -> Value {
    let entry = |(id, _): &(String, String)| json!({"type": "model", "id": id, "display_name": id, "created_at": "2026-01-01T00:00:00Z"});
    let (first, last) = (names.first().map(|(id, _)| id), names.last().map(|(id, _)| id));
    json!({"data": names.iter().map(entry).collect::<Vec<_>>(), "has_more": false, "first_id": first, "last_id": last})
}
