//! The instant upstream of load tests: replies that are bytes before they are asked for.

use std::time::Duration;

use serde_json::Value;
use yw_task::Dialect;

use super::Shared;
use super::connection::{Connection, HttpRequest};
use super::response::Response;
use super::turn::After;
use crate::dialect::Completion;
use crate::endpoint::{Endpoint, Kind};
use crate::reply::Stop;
use crate::request::{ChatRequest, Settings, ToolChoice};
use crate::script::Script;
use crate::tokens::Tokens;

/// The name of the model in every reply, and on the bill.
const MODEL: &str = "instant";

/// Whole responses, heads included, of every dialect: first the one that is no stream, then the stream.
#[derive(Debug)]
pub(super) struct Instant {
    replies: Vec<[Vec<u8>; 2]>,
    tokens: Tokens,
}

impl Instant {
    /// What the script wants to be said at once, if it does.
    pub(super) fn of(script: &Script) -> Option<Self> {
        let (text, tokens) = script.instant.as_ref()?;
        let completion = Completion {
            id: "0123456789abcdef".to_owned(),
            model: MODEL.to_owned(),
            reasoning: None,
            text: text.clone(),
            calls: Vec::new(),
            stop: Stop::End,
            tokens: *tokens,
            reports_usage: true,
        };
        let reply = |dialect, stream| {
            let response = Response::completion(&any_request(dialect, stream), &completion, None, Duration::ZERO);
            response.to_bytes(&script.headers)
        };
        let replies = Dialect::ALL.iter().map(|dialect| [false, true].map(|stream| reply(*dialect, stream)));
        Some(Instant { replies: replies.collect(), tokens: *tokens })
    }

    /// Answers a chat; none if the request is for something else and must go the usual way.
    pub(super) async fn answer(
        &self,
        shared: &Shared,
        connection: &mut Connection,
        request: &HttpRequest,
        endpoint: &Endpoint,
    ) -> Option<After> {
        let is_chat = endpoint.kind == Kind::Chat && request.method == "POST" && request.keep_alive;
        let dialect_idx = Dialect::ALL.iter().position(|dialect| *dialect == endpoint.dialect).filter(|_| is_chat)?;
        let stream = endpoint.stream.unwrap_or_else(|| asks_for_stream(&request.body));
        let bytes = &self.replies[dialect_idx][usize::from(stream)];
        shared.ledger().bill.charge(MODEL, self.tokens, shared.script.prices);
        Some(match connection.write(bytes).await {
            Ok(()) => After::KeepAlive,
            Err(_) => After::Close,
        })
    }
}

/// Looks for the field without reading the body: good enough for bodies that a load generator wrote.
fn asks_for_stream(body: &[u8]) -> bool {
    const FIELD: &[u8] = b"\"stream\"";
    let at = body.windows(FIELD.len()).position(|w| w == FIELD);
    let after = at.map_or(&[][..], |at| &body[at + FIELD.len()..]);
    let mut value = after.iter().filter(|b| !b.is_ascii_whitespace() && **b != b':');
    value.next() == Some(&b't')
}

/// A request that says nothing but what shape its reply has.
fn any_request(dialect: Dialect, stream: bool) -> ChatRequest {
    ChatRequest {
        dialect,
        model: MODEL.to_owned(),
        system: String::new(),
        messages: Vec::new(),
        schema: None,
        tool: None,
        tools: Vec::new(),
        tool_choice: ToolChoice::Auto,
        thinks: false,
        settings: Settings::default(),
        stream,
        sse: true,
        include_usage: true,
        body: Value::Null,
        ordinal: 0,
        attempt: 1,
        body_hash: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_found() {
        assert!(asks_for_stream(br#"{"model":"m","stream":true}"#));
        assert!(asks_for_stream(b"{\"stream\" :\n true}"));
        assert!(!asks_for_stream(br#"{"stream":false,"stream_options":true}"#));
        assert!(!asks_for_stream(b"{}"));
    }
}
