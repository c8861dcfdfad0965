//! `model = "task:NAME"`: the champion of a task behind the dialects of chat.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value};
use yw_gateway::{ClientCall, Report};
use yw_llm::{ClientErrorKind, Finish, Part, Role, TokenUsage, encode_response, encode_response_as_stream};
use yw_store::CallOperation;
use yw_task::{FieldType, Usage};

use super::error::Refusal;
use super::record::{Account, End};
use super::reply;
use crate::{App, tasks};

/// An answer of a champion, in the dialect of the client.
pub(super) struct TaskAnswer {
    body: Vec<u8>,
    is_stream: bool,
    report: Report,
}

/// Answers the row in the last message of the user.
pub(super) async fn answer(
    app: &App,
    account: &mut Account,
    call: &ClientCall,
    task: &str,
) -> Result<TaskAnswer, Refusal> {
    account.describe(|record| record.operation = CallOperation::Task);
    let version = tasks::version(app, task).map_err(Refusal::from)?;
    let client = call.decoded().map_err(Refusal::from)?;
    let text = last_text(&client.request.messages).ok_or_else(|| {
        Refusal::new(ClientErrorKind::InvalidRequest, "no_row", "the last message of the user has no text")
    })?;
    let row = row(&text, &version.loaded.fields)?;
    account.mark_sent();
    let body = tasks::answer_one(app, task, &version, row).await.map_err(Refusal::from)?;
    if let Some(error) = &body.error {
        // What was paid for a bad answer was paid.
        account.spent(usage(&body.usage), body.usage.usd_spent());
        return Err(Refusal::new(kind_of(error.row_error_kind), error.kind, error.message.clone()));
    }
    let spent = body.usage.usd_spent();
    let text = answer_text(&body.answer.unwrap_or(Value::Null), &version.loaded.answer.name);
    let response = yw_llm::Response {
        id: call.id.clone(),
        model: call.peek.model.to_string(),
        text,
        finish: Finish::Stop,
        usage: Some(usage(&body.usage)),
        ..yw_llm::Response::default()
    };
    let head = yw_llm::AnswerHead { id: call.id.clone(), created: call.created, model: call.peek.model.to_string() };
    let body = match call.peek.stream {
        false => encode_response(call.client, client, &head, &response),
        true => encode_response_as_stream(call.client, client, head, &response).unwrap_or_default(),
    };
    let report = Report {
        usage: response.usage.filter(|usage| *usage != TokenUsage::default()),
        usd: Some(spent),
        ..Report::default()
    };
    Ok(TaskAnswer { body, is_stream: call.peek.stream, report })
}

/// The text of the user's last message.
fn last_text(messages: &[yw_llm::Message]) -> Option<String> {
    let message = messages.iter().rev().find(|message| message.role == Role::User)?;
    let texts = message.content.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        _ => None,
    });
    let text = texts.collect::<Vec<_>>().join("\n");
    (!text.trim().is_empty()).then_some(text)
}

/// The row that a text stands for: a JSON object from field to value or, where the task has one field of text, the text.
fn row(text: &str, fields: &[yw_task::Field]) -> Result<Value, Refusal> {
    if let Ok(row @ Value::Object(_)) = serde_json::from_str(text) {
        return Ok(row);
    }
    if let [field] = fields
        && field.field_type == FieldType::Text
    {
        let row: Map<String, Value> = [(field.name.clone(), text.into())].into_iter().collect();
        return Ok(row.into());
    }
    let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    let message = format!("the last message must be a JSON object with the fields {}", names.join(", "));
    Err(Refusal::new(ClientErrorKind::InvalidRequest, "no_row", message))
}

/// The typed answer as JSON text: an object with the answer's name.
fn answer_text(answer: &Value, name: &str) -> String {
    match answer {
        Value::Object(_) => answer.to_string(),
        other => Value::Object([(name.to_owned(), other.clone())].into_iter().collect()).to_string(),
    }
}

fn usage(usage: &Usage) -> TokenUsage {
    TokenUsage {
        input_tokens: usage.input_tokens,
        cached_tokens: usage.cached_tokens,
        output_tokens: usage.output_tokens,
        reasoning_tokens: usage.reasoning_tokens,
        ..TokenUsage::default()
    }
}

fn kind_of(kind: yw_task::RowErrorKind) -> ClientErrorKind {
    match tasks::status_of(kind).as_u16() {
        429 => ClientErrorKind::RateLimited,
        504 => ClientErrorKind::Timeout,
        400..=499 => ClientErrorKind::InvalidRequest,
        _ => ClientErrorKind::Server,
    }
}

impl TaskAnswer {
    pub(super) fn respond(self, account: Account) -> Response {
        let (client, id) = (account.client(), account.id().to_owned());
        let end = End { status: 200, report: &self.report, error: None, content: Some(&self.body) };
        if let Err(e) = account.close(end) {
            return reply::not_recorded(client, &id, &e);
        }
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::OK;
        let kind = if self.is_stream { reply::EVENTS } else { reply::JSON };
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(reply::id_header(client), value);
        }
        response
    }
}
