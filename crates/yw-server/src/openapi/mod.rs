//! `/openapi.json`: the API of this server, with the fields of the tasks it serves.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};
use yw_task::{AnswerKind, FieldType};

use crate::champions::Version;
use crate::{App, gateway};

/// The description, OpenAPI 3.1.
pub(crate) async fn show(State(app): State<App>) -> Json<Value> {
    let mut paths = Map::new();
    for (task, version) in app.champions.all() {
        if let Some(version) = version {
            paths.insert(format!("/v1/tasks/{task}/predict"), predict_path(&task, &version));
        }
    }
    let get = |summary: &str| json!({ "get": { "summary": summary, "responses": { "200": { "description": "OK" } } } });
    paths.insert("/v1/tasks".to_owned(), get("The served tasks, their fields and champions"));
    paths.insert("/v1/feedback".to_owned(), feedback_path());
    for (path, summary) in gateway::POST_PATHS {
        paths.insert(path.to_owned(), gateway_path(summary));
    }
    paths.insert(gateway::MODELS_PATH.to_owned(), get("The names of models that clients can ask for"));
    paths.insert("/healthz".to_owned(), get("Whether the process is up"));
    paths.insert("/readyz".to_owned(), get("Whether every task has a version that answers"));
    paths.insert("/metrics".to_owned(), get("Counters and histograms in Prometheus' text format"));
    Json(json!({
        "openapi": "3.1.0",
        "info": { "title": "Yellowwood", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": { "schemas": { "Error": error_schema() } },
    }))
}

/// A path of the gateway, whose bodies are those of the dialect's own reference.
fn gateway_path(summary: &str) -> Value {
    let any = json!({ "type": "object" });
    json!({ "post": {
        "summary": summary,
        "requestBody": { "required": true, "content": { "application/json": { "schema": any } } },
        "responses": { "200": { "description": "The answer, whole or as server-sent events" } },
    } })
}

fn predict_path(task: &str, version: &Version) -> Value {
    let loaded = &version.loaded;
    let fields: Map<String, Value> =
        loaded.fields.iter().map(|f| (f.name.clone(), field_schema(f.field_type))).collect();
    let row = json!({ "type": "object", "properties": fields, "additionalProperties": false });
    let answer = answer_schema(version);
    json!({ "post": {
        "summary": loaded.question,
        "operationId": format!("predict_{task}"),
        "parameters": [{
            "name": "explain",
            "in": "query",
            "description": "Whether each answer comes with an explanation; only linear models and trees have one",
            "schema": { "type": "boolean", "default": false },
        }],
        "requestBody": { "required": true, "content": { "application/json": { "schema": {
            "oneOf": [row, { "type": "array", "items": row }],
        } } } },
        "responses": {
            "200": { "description": "The answer, or one per row", "content": { "application/json": { "schema": {
                "oneOf": [answer, { "type": "array", "items": answer }],
            } } } },
            "default": { "description": "Why there is no answer", "content": { "application/json": { "schema": {
                "$ref": "#/components/schemas/Error",
            } } } },
        },
    } })
}

fn feedback_path() -> Value {
    json!({ "post": {
        "summary": "The truth, a score or a comment for an answer that was served",
        "requestBody": { "required": true, "content": { "application/json": { "schema": {
            "type": "object",
            "required": ["id"],
            "additionalProperties": false,
            "properties": {
                "id": { "type": "string" },
                "truth": {},
                "score": { "type": "number" },
                "comment": { "type": "string" },
            },
        } } } },
        "responses": {
            "201": { "description": "Kept" },
            "default": { "description": "Why it was not", "content": { "application/json": { "schema": {
                "$ref": "#/components/schemas/Error",
            } } } },
        },
    } })
}

fn field_schema(field_type: FieldType) -> Value {
    match field_type {
        FieldType::Number => json!({ "type": ["number", "null"] }),
        FieldType::Boolean => json!({ "type": ["boolean", "null"] }),
        FieldType::Category | FieldType::Text => json!({ "type": ["string", "null"] }),
        FieldType::Time => json!({ "type": ["string", "null"], "format": "date-time" }),
    }
}

fn answer_schema(version: &Version) -> Value {
    let answer = &version.loaded.answer;
    let value = match answer.kind {
        AnswerKind::Label => {
            json!({ "type": "string", "enum": answer.labels.iter().map(|l| &**l).collect::<Vec<_>>() })
        }
        AnswerKind::Boolean => json!({ "type": "boolean" }),
        AnswerKind::Number => json!({ "type": "number" }),
        AnswerKind::Text => json!({ "type": "string" }),
        AnswerKind::Json => json!({ "type": "object" }),
    };
    json!({ "type": "object", "properties": {
        "id": { "type": "string" },
        "task": { "type": "string" },
        "candidate": { "type": "string" },
        "version": { "type": "string" },
        "answer": value,
        "confidence": { "type": "number" },
        "scores": { "type": ["object", "number"] },
        "explanation": explanation_schema(),
        "error": { "type": "object", "properties": { "kind": { "type": "string" }, "message": { "type": "string" } } },
        "latency_ms": { "type": "number" },
        "usd": { "type": "number" },
    } })
}

fn explanation_schema() -> Value {
    let contribution = json!({ "type": "object", "properties": {
        "feature": { "type": "string" },
        "value": { "description": "The row's value of the field, where the feature is of one that is no text" },
        "contribution": { "type": "number" },
    } });
    json!({
        "type": "object",
        "description": "With `explain=true`: `expected`, the contributions and `rest` add up to `score`",
        "properties": {
            "unit": { "type": "string", "enum": ["log_odds", "log_probability", "probability", "answer", "log_answer"] },
            "expected": { "type": "number" },
            "score": { "type": "number" },
            "contributions": { "type": "array", "items": contribution },
            "rest": { "type": "number" },
        },
    })
}

fn error_schema() -> Value {
    json!({ "type": "object", "properties": { "error": { "type": "object", "properties": {
        "code": { "type": "string" }, "message": { "type": "string" },
    } } } })
}
