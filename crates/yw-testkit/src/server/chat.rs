//! Chats: what the script says, with its faults, and what is charged for it.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::json;
use yw_task::Dialect;

use super::connection::Connection;
use super::response::{Response, Written};
use super::stream::INVALID_MARK;
use super::turn::{After, Turn};
use crate::dialect::{Call, Completion};
use crate::fault::Fault;
use crate::reply::{Content, Reply, Stop};
use crate::request::{ChatRequest, ToolChoice};
use crate::schema;
use crate::tokens::Tokens;

impl Turn<'_> {
    pub(super) async fn chat(&self, connection: &mut Connection, chat: &ChatRequest) -> After {
        let script = &self.shared.script;
        let key = self.request.header("idempotency-key").filter(|_| script.idempotent && script.records);
        let earlier = key.and_then(|key| self.shared.ledger().answered.get(key).cloned());
        match earlier {
            Some((body_hash, _)) if body_hash != chat.body_hash => {
                self.refuse(connection, 422, "this idempotency key was used with another body").await
            }
            Some((_, completion)) => {
                self.shared.ledger().bill.replayed += 1;
                if connection.pause(script.latency).await.is_err() {
                    return After::Close;
                }
                self.send(connection, &Response::completion(chat, &completion, None, script.pace)).await
            }
            None => self.fresh_chat(connection, chat).await,
        }
    }

    async fn fresh_chat(&self, connection: &mut Connection, chat: &ChatRequest) -> After {
        let script = &self.shared.script;
        let reply = (script.reply)(chat);
        let fault = script.fault_for(chat).or(reply.fault.as_ref());
        let late = if let Some(Fault::SlowHeaders(late)) = fault { *late } else { Duration::ZERO };
        let wait = script.latency + reply.delay + late;
        if !wait.is_zero() && connection.pause(wait).await.is_err() {
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
        let tokens = completion.tokens;
        let response = Response::completion(chat, &completion, fault, script.pace);
        let written = self.write(connection, &response, || self.account(chat, completion, fault)).await;
        match written {
            Written::Whole => self.after(),
            Written::Left { n_content } if chat.stream => {
                let so_far = tokens.so_far(n_content, response.n_content());
                self.shared.ledger().bill.abandoned.add(so_far, script.prices);
                After::Close
            }
            Written::Cut | Written::Left { .. } => self.cut(After::Close),
        }
    }

    /// What the model says, after the faults that only concern the model.
    fn complete(&self, chat: &ChatRequest, reply: &Reply, fault: Option<&Fault>) -> Completion {
        let schema = chat.schema.as_ref();
        let said = match (fault, &reply.content) {
            (Some(Fault::WrongLabel), _) => schema::violate(schema),
            (Some(Fault::NotJsonContent), _) => "I would say it depends.".to_owned(),
            (Some(Fault::EmptyContent), _) => String::new(),
            (Some(Fault::Refusal), _) => "I cannot help with that.".to_owned(),
            (Some(Fault::InvalidUtf8), _) => schema::fit(schema, &json!(INVALID_MARK)),
            (_, Content::Text(text)) => text.clone(),
            (_, Content::Answer(value)) => schema::fit(schema, value),
        };
        let calls_no_tool = matches!(fault, Some(Fault::NotJsonContent | Fault::EmptyContent | Fault::Refusal));
        let (mut text, mut calls) = match calls_no_tool || chat.tool_choice == ToolChoice::None {
            true => (said, Vec::new()),
            false => say_or_call(chat, reply, said),
        };
        let mut stop = reply.stop.clone();
        match fault {
            Some(Fault::Refusal) => stop = Stop::Refusal,
            Some(Fault::Truncated) => {
                stop = Stop::Length;
                let last = calls.last_mut().map_or(&mut text, |call| &mut call.arguments);
                last.truncate(last.floor_char_boundary(last.len() / 2));
            }
            _ => {}
        }
        let reasoning = reply.reasoning.clone().filter(|_| !calls_no_tool);
        let tokens = reply.tokens.unwrap_or_else(|| self.count(chat, reasoning.as_deref(), &text, &calls));
        Completion {
            id: format!("{:016x}", chat.body_hash),
            model: chat.model.clone(),
            reasoning,
            text,
            calls,
            stop,
            tokens,
            reports_usage: !matches!(fault, Some(Fault::NoUsage)),
        }
    }

    fn count(&self, chat: &ChatRequest, reasoning: Option<&str>, text: &str, calls: &[Call]) -> Tokens {
        let mut content = Cow::Borrowed(text);
        for more in reasoning.into_iter().chain(calls.iter().map(|call| call.arguments.as_str())) {
            content += more;
        }
        let mut tokens = (self.shared.script.tokens)(chat, &content);
        // What a dialect does not report apart is not charged apart.
        if tokens.reasoning == 0 && self.dialect != Dialect::Bedrock {
            tokens.reasoning = reasoning.map_or(0, Tokens::of_text).min(tokens.output);
        }
        tokens
    }

    /// Puts a reply that is written to its end on the right line of the bill.
    fn account(&self, chat: &ChatRequest, completion: Completion, fault: Option<&Fault>) {
        let prices = self.shared.script.prices;
        match fault {
            Some(Fault::MalformedJson | Fault::InvalidUtf8 | Fault::ErrorInReply | Fault::ErrorAfterContent(_)) => {
                self.shared.ledger().bill.unreadable += 1;
            }
            Some(Fault::NoUsage) => self.shared.ledger().bill.unreported.add(completion.tokens, prices),
            Some(Fault::NoEnd) if chat.stream => {
                self.shared.ledger().bill.unreported.add(completion.tokens, prices);
            }
            _ => self.charge(chat, completion),
        }
    }

    /// Charges a reply, unless another request with the same key was quicker.
    fn charge(&self, chat: &ChatRequest, completion: Completion) {
        let script = &self.shared.script;
        if !script.records {
            self.shared.ledger().bill.charge(&chat.model, completion.tokens, script.prices);
            return;
        }
        let row = script.row_prefix.as_ref().and_then(|prefix| chat.mark(prefix));
        let key = self.request.header("idempotency-key");
        let mut ledger = self.shared.ledger();
        let is_known = key.is_some_and(|key| ledger.answered.contains_key(key));
        if script.idempotent && is_known {
            ledger.bill.replayed += 1;
            return;
        }
        ledger.bill.charge(&chat.model, completion.tokens, script.prices);
        if let Some(key) = key {
            *ledger.bill.calls_by_key.entry(key.to_owned()).or_default() += 1;
            ledger.answered.insert(key.to_owned(), (chat.body_hash, completion));
        }
        if let Some(row) = row {
            *ledger.bill.calls_by_row.entry(row).or_default() += 1;
        }
    }

    fn cut(&self, after: After) -> After {
        self.shared.ledger().bill.cut += 1;
        after
    }
}

/// The text and the calls of a reply. A forced tool is called with what was said, unless the script has calls.
fn say_or_call(chat: &ChatRequest, reply: &Reply, said: String) -> (String, Vec<Call>) {
    let written =
        |call: &crate::reply::ToolCall| Call { name: call.name.clone(), arguments: call.arguments.to_string() };
    if !reply.calls.is_empty() {
        return (said, reply.calls.iter().map(written).collect());
    }
    if let Some(name) = &chat.tool {
        return (String::new(), vec![Call { name: name.clone(), arguments: said }]);
    }
    match schema::demanded_call(chat) {
        Some(call) => (String::new(), vec![written(&call)]),
        None => (said, Vec::new()),
    }
}
