//! What happens between a request and its response.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use yw_task::Dialect;

use super::Shared;
use super::connection::{Connection, HttpRequest};
use super::response::{INVALID_MARK, Response};
use crate::bill::RecordedRequest;
use crate::dialect::{self, Completion, Finish};
use crate::fault::Fault;
use crate::reply::{Content, Reply, Tokens};
use crate::request::ChatRequest;
use crate::{rng, schema};

/// What becomes of the connection after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    KeepAlive,
    Close,
    Reset,
}

/// Answers one request.
pub(super) async fn answer(shared: &Shared, connection: &mut Connection, request: &HttpRequest) -> After {
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
    let path = request.path.split('?').next().unwrap_or_default();
    let dialect = if path == "/v1/messages" || request.header("anthropic-version").is_some() {
        Dialect::Anthropic
    } else {
        Dialect::OpenAi
    };
    let turn = Turn { shared, request, dialect };
    if !turn.brings_the_key() {
        return turn.refuse(connection, 401, "the key is missing or wrong").await;
    }
    match (request.method.as_str(), path) {
        ("POST", "/v1/chat/completions" | "/v1/messages") => match turn.read_chat(body) {
            Ok(chat) => turn.chat(connection, &chat).await,
            Err(message) => turn.refuse(connection, 400, &message).await,
        },
        ("GET", "/v1/models") => {
            let models = dialect::models(dialect, &shared.script.models).to_string();
            turn.send(connection, &Response::json(200, models)).await
        }
        (_, "/v1/chat/completions" | "/v1/messages" | "/v1/models") => {
            turn.refuse(connection, 405, "this path takes another method").await
        }
        _ => turn.refuse(connection, 404, &format!("there is no {path} here")).await,
    }
}

/// One request that is being answered.
struct Turn<'a> {
    shared: &'a Shared,
    request: &'a HttpRequest,
    dialect: Dialect,
}

impl Turn<'_> {
    fn brings_the_key(&self) -> bool {
        let Some(key) = &self.shared.script.key else { return true };
        let bearer = self.request.header("authorization").and_then(|a| a.strip_prefix("Bearer "));
        [bearer, self.request.header("x-api-key")].into_iter().flatten().any(|k| k == key)
    }

    fn read_chat(&self, body: Value) -> Result<ChatRequest, String> {
        let model = body.get("model").and_then(Value::as_str).ok_or("model: expected a string")?.to_owned();
        let parsed = dialect::parse(self.dialect, &body)?;
        let body_hash = rng::hash([self.dialect.name().as_bytes(), self.request.body.as_slice()]);
        let mut ledger = self.shared.ledger();
        ledger.n_chats += 1;
        let ordinal = ledger.n_chats;
        let attempt = ledger.attempts.entry(body_hash).or_default();
        *attempt += 1;
        Ok(ChatRequest {
            dialect: self.dialect,
            model,
            system: parsed.system,
            messages: parsed.messages,
            schema: parsed.schema,
            tool: parsed.tool,
            stream: body.get("stream") == Some(&json!(true)),
            include_usage: parsed.include_usage,
            body,
            ordinal,
            attempt: *attempt,
            body_hash,
        })
    }

    async fn chat(&self, connection: &mut Connection, chat: &ChatRequest) -> After {
        let key = self.request.header("idempotency-key").filter(|_| self.shared.script.idempotent);
        let earlier = key.and_then(|key| self.shared.ledger().answered.get(key).cloned());
        match earlier {
            Some((body_hash, _)) if body_hash != chat.body_hash => {
                self.refuse(connection, 422, "this idempotency key was used with another body").await
            }
            Some((_, completion)) => {
                self.shared.ledger().bill.replayed += 1;
                if connection.pause(self.shared.script.latency).await.is_err() {
                    return After::Close;
                }
                self.send(connection, &Response::completion(chat, &completion)).await
            }
            None => self.fresh_chat(connection, chat).await,
        }
    }

    async fn fresh_chat(&self, connection: &mut Connection, chat: &ChatRequest) -> After {
        let script = &self.shared.script;
        let fault = script.fault_for(chat);
        let reply = (script.reply)(chat);
        let late = if let Some(Fault::SlowHeaders(late)) = fault { *late } else { Duration::ZERO };
        if connection.pause(script.latency + reply.delay + late).await.is_err() {
            return self.cut(After::Close);
        }
        match fault {
            Some(Fault::Status { code, retry_after, body }) => {
                self.shared.ledger().bill.refused += 1;
                let response = Response::scripted_error(self.dialect, *code, *retry_after, body.as_deref());
                return self.send(connection, &response).await;
            }
            Some(Fault::CutBeforeHeaders) => return self.cut(After::Close),
            Some(Fault::Reset) => return self.cut(After::Reset),
            Some(Fault::Hang) => {
                connection.wait_for_hang_up().await;
                return self.cut(After::Close);
            }
            _ => {}
        }
        let completion = self.complete(chat, &reply, fault);
        let mut response = Response::completion(chat, &completion);
        if let Some(fault) = fault {
            response.break_body(fault, chat);
        }
        let unreadable = matches!(fault, Some(Fault::MalformedJson | Fault::InvalidUtf8 | Fault::ErrorInReply));
        let account = || match unreadable {
            true => self.shared.ledger().bill.unreadable += 1,
            false => self.charge(chat, completion),
        };
        match response.write(connection, self.request.keep_alive, account).await {
            Ok(true) => self.after(),
            Ok(false) | Err(_) => self.cut(After::Close),
        }
    }

    /// What the model says, after the faults that only concern the model.
    fn complete(&self, chat: &ChatRequest, reply: &Reply, fault: Option<&Fault>) -> Completion {
        let schema = chat.schema.as_ref();
        let said = || match &reply.content {
            Content::Text(text) => text.clone(),
            Content::Answer(value) => schema::fit(schema, value),
        };
        let (content, finish) = match fault {
            Some(Fault::WrongLabel) => (schema::violate(schema), Finish::Done),
            Some(Fault::NotJsonContent) => ("I would say it depends.".to_owned(), Finish::Done),
            Some(Fault::EmptyContent) => (String::new(), Finish::Done),
            Some(Fault::Refusal) => ("I cannot help with that.".to_owned(), Finish::Refusal),
            Some(Fault::InvalidUtf8) => (schema::fit(schema, &json!(INVALID_MARK)), Finish::Done),
            Some(Fault::Truncated) => {
                let mut said = said();
                said.truncate(said.floor_char_boundary(said.len() / 2));
                (said, Finish::Length)
            }
            _ => (said(), Finish::Done),
        };
        let calls_no_tool = matches!(fault, Some(Fault::NotJsonContent | Fault::EmptyContent | Fault::Refusal));
        let tokens: Tokens = reply.tokens.unwrap_or_else(|| (self.shared.script.tokens)(chat, &content));
        Completion {
            id: format!("{:016x}", chat.body_hash),
            model: chat.model.clone(),
            content,
            tool: chat.tool.clone().filter(|_| !calls_no_tool),
            finish,
            tokens,
        }
    }

    /// Charges a reply, unless another request with the same key was quicker.
    fn charge(&self, chat: &ChatRequest, completion: Completion) {
        let script = &self.shared.script;
        let row = script.row_prefix.as_ref().and_then(|prefix| chat.mark(prefix));
        let key = self.request.header("idempotency-key");
        let mut ledger = self.shared.ledger();
        let is_known = key.is_some_and(|key| ledger.answered.contains_key(key));
        if script.idempotent && is_known {
            ledger.bill.replayed += 1;
            return;
        }
        ledger.bill.usage += script.prices.usage(completion.tokens);
        if let Some(key) = key {
            *ledger.bill.calls_by_key.entry(key.to_owned()).or_default() += 1;
            ledger.answered.insert(key.to_owned(), (chat.body_hash, completion));
        }
        if let Some(row) = row {
            *ledger.bill.calls_by_row.entry(row).or_default() += 1;
        }
    }

    async fn refuse(&self, connection: &mut Connection, status: u16, message: &str) -> After {
        self.shared.ledger().bill.refused += 1;
        self.send(connection, &Response::error(self.dialect, status, message)).await
    }

    async fn send(&self, connection: &mut Connection, response: &Response) -> After {
        match response.write(connection, self.request.keep_alive, || ()).await {
            Ok(_) => self.after(),
            Err(_) => After::Close,
        }
    }

    fn cut(&self, after: After) -> After {
        self.shared.ledger().bill.cut += 1;
        after
    }

    fn after(&self) -> After {
        if self.request.keep_alive { After::KeepAlive } else { After::Close }
    }
}
