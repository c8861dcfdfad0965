//! What happens between a request and its response.

use std::time::Instant;

use serde_json::Value;
use yw_task::Dialect;

use super::connection::{Connection, HttpRequest};
use super::response::{Response, Written};
use super::{Shared, auth};
use crate::bill::RecordedRequest;
use crate::dialect::{self, embeddings};
use crate::endpoint::{EmbeddingShape, Endpoint, Kind, Platform};
use crate::request::{ChatRequest, ToolChoice};
use crate::rng;
use crate::tokens::Tokens;

/// What becomes of the connection after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    KeepAlive,
    Close,
    Reset,
}

/// Answers one request.
pub(super) async fn answer(shared: &Shared, connection: &mut Connection, request: &HttpRequest) -> After {
    if request.path == "/scripted/bill" {
        let turn = Turn { shared, request, dialect: Dialect::OpenAi };
        let bill = shared.ledger().bill.to_json();
        return turn.send(connection, &Response::json(200, &bill)).await;
    }
    if let Some(instant) = &shared.instant
        && let Some(endpoint) = Endpoint::find(&request.path)
        && auth::check(shared, request, &endpoint).is_ok()
        && let Some(after) = instant.answer(shared, connection, request, &endpoint).await
    {
        return after;
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
    if shared.script.records {
        shared.ledger().requests.push(RecordedRequest {
            method: request.method.clone(),
            path: request.path.clone(),
            headers: request.headers.clone(),
            body: body.clone(),
            at: Instant::now(),
        });
    }
    let is_anthropic = request.header("anthropic-version").is_some();
    let fallback = if is_anthropic { Dialect::Anthropic } else { Dialect::OpenAi };
    let Some(mut endpoint) = Endpoint::find(&request.path) else {
        let turn = Turn { shared, request, dialect: fallback };
        return turn.refuse(connection, 404, &format!("there is no {} here", request.path)).await;
    };
    if endpoint.kind == Kind::Models && is_anthropic {
        endpoint.dialect = Dialect::Anthropic;
    }
    let turn = Turn { shared, request, dialect: endpoint.dialect };
    if let Err((status, message)) = auth::check(shared, request, &endpoint) {
        return turn.refuse(connection, status, &message).await;
    }
    let method = if endpoint.kind == Kind::Models { "GET" } else { "POST" };
    if request.method != method {
        return turn.refuse(connection, 405, "this path takes another method").await;
    }
    let done = match endpoint.kind {
        Kind::Chat => turn.chat_request(&endpoint, body).map(Ok),
        Kind::CountTokens => turn.count_tokens(&endpoint, body).map(Err),
        Kind::Embeddings(shape) => turn.embed(&endpoint, shape, &body).map(Err),
        Kind::Models => Ok(Err(Response::json(200, &dialect::models(endpoint.dialect, &shared.script.models)))),
    };
    match done {
        Ok(Ok(chat)) => turn.chat(connection, &chat).await,
        Ok(Err(response)) => turn.send(connection, &response).await,
        Err(message) => turn.refuse(connection, 400, &message).await,
    }
}

/// One request that is being answered.
pub(super) struct Turn<'a> {
    pub(super) shared: &'a Shared,
    pub(super) request: &'a HttpRequest,
    pub(super) dialect: Dialect,
}

impl Turn<'_> {
    /// Reads a request of a whole chat, and counts it.
    fn chat_request(&self, endpoint: &Endpoint, body: Value) -> Result<ChatRequest, String> {
        dialect::check_limits(endpoint.dialect, &body)?;
        if (endpoint.dialect, endpoint.platform) == (Dialect::Anthropic, Platform::Vertex) {
            // There the version is in the body and the model is not.
            let is_right = body["anthropic_version"].is_string() && body.get("model").is_none();
            is_right.then_some(()).ok_or("expected 'anthropic_version' and no 'model' in the body")?;
        }
        let mut chat = self.read(endpoint, body)?;
        let path = endpoint.model.as_deref().unwrap_or_default();
        chat.body_hash = rng::hash([self.dialect.name().as_bytes(), path.as_bytes(), self.request.body.as_slice()]);
        let mut ledger = self.shared.ledger();
        ledger.n_chats += 1;
        chat.ordinal = ledger.n_chats;
        if self.shared.script.records || self.shared.script.counts_attempts {
            let attempt = ledger.attempts.entry(chat.body_hash).or_default();
            *attempt += 1;
            chat.attempt = *attempt;
        }
        Ok(chat)
    }

    fn read(&self, endpoint: &Endpoint, body: Value) -> Result<ChatRequest, String> {
        let model = model(endpoint, &body)?;
        let parsed = dialect::parse(self.dialect, &body)?;
        let (mut schema, mut forced) = (parsed.schema, None);
        if let ToolChoice::Named(name) = &parsed.tool_choice {
            let tool = parsed.tools.iter().find(|t| t.name == *name);
            let tool = tool.ok_or_else(|| format!("tool_choice: no tool '{name}'"))?;
            schema = Some(tool.schema.clone()).filter(|s| !s.is_null());
            forced = Some(name.clone());
        }
        Ok(ChatRequest {
            dialect: self.dialect,
            model,
            system: parsed.system,
            messages: parsed.messages,
            schema,
            tool: forced,
            tools: parsed.tools,
            tool_choice: parsed.tool_choice,
            thinks: parsed.thinks,
            settings: parsed.settings,
            stream: endpoint.stream.unwrap_or_else(|| body["stream"] == Value::Bool(true)),
            sse: self.dialect != Dialect::Gemini || self.request.path.contains("alt=sse"),
            include_usage: parsed.include_usage,
            body,
            ordinal: 0,
            attempt: 1,
            body_hash: 0,
        })
    }

    fn count_tokens(&self, endpoint: &Endpoint, mut body: Value) -> Result<Response, String> {
        // Two dialects wrap the request that is to be counted.
        let wrapped = match self.dialect {
            Dialect::Bedrock => body.pointer_mut("/input/converse"),
            Dialect::Gemini => body.pointer_mut("/generateContentRequest"),
            _ => None,
        };
        if let Some(inner) = wrapped.map(Value::take) {
            body = inner;
        }
        let chat = self.read(endpoint, body)?;
        // What an answer of nothing would read, with the tools, which a count from the texts leaves out.
        let of_tools = chat.tools.iter().map(|t| Tokens::of_text(&t.schema.to_string())).sum::<u64>();
        let n_tokens = (self.shared.script.tokens)(&chat, "").input + of_tools;
        Ok(Response::json(200, &dialect::token_count(self.dialect, n_tokens)))
    }

    fn embed(&self, endpoint: &Endpoint, shape: EmbeddingShape, body: &Value) -> Result<Response, String> {
        let request = embeddings::Request::parse(shape, body, self.shared.script.embedding_length)?;
        let model = model(endpoint, body)?;
        let mut response = Response::json(200, &request.reply(&model));
        response.headers = dialect::headers(self.dialect, 200, "req_scripted".to_owned());
        self.shared.ledger().bill.charge(&model, request.tokens(), self.shared.script.prices);
        Ok(response)
    }

    pub(super) async fn refuse(&self, connection: &mut Connection, status: u16, message: &str) -> After {
        self.shared.ledger().bill.refused += 1;
        self.send(connection, &Response::error(self.dialect, status, message)).await
    }

    pub(super) async fn send(&self, connection: &mut Connection, response: &Response) -> After {
        match self.write(connection, response, || ()).await {
            Written::Whole => self.after(),
            Written::Cut | Written::Left { .. } => After::Close,
        }
    }

    pub(super) async fn write(
        &self,
        connection: &mut Connection,
        response: &Response,
        before_end: impl FnOnce(),
    ) -> Written {
        response.write(connection, self.request.keep_alive, &self.shared.script.headers, before_end).await
    }

    pub(super) fn after(&self) -> After {
        if self.request.keep_alive { After::KeepAlive } else { After::Close }
    }
}

/// The model that the path or the body names.
fn model(endpoint: &Endpoint, body: &Value) -> Result<String, String> {
    let named = endpoint.model.as_deref().or_else(|| body["model"].as_str());
    named.map(str::to_owned).ok_or_else(|| "model: expected a string".to_owned())
}
