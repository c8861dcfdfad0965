//! Answers on their way to the client.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use yw_gateway::{AnswerStream, Report};
use yw_llm::{ClientError, ClientErrorKind, encode_error_event};
use yw_store::CallRecord;
use yw_task::Dialect;

use super::cache::Slot;
use super::record::{Account, Copy, End, MAX_COPY_BYTES, estimated_input};
use super::{Route, error};
use crate::App;

pub(super) const JSON: &str = "application/json";
pub(super) const EVENTS: &str = "text/event-stream";

/// A whole answer.
pub(super) struct Whole<'a> {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) body: Bytes,
    pub(super) report: &'a Report,
}

/// The response with a whole answer.
pub(super) fn whole(app: &App, account: Account, route: &Route, slot: Option<Slot>, answer: Whole<'_>) -> Response {
    let Whole { status, kind, body, report } = answer;
    let client = account.client();
    let dropped = dropped(&account);
    let id = account.id().to_owned();
    let counted = account.counted(report, &body);
    let end = End { status, report: &counted, error: None, content: Some(&body) };
    let record = match account.close(end) {
        Ok(record) => record,
        Err(e) => return not_recorded(client, &id, &e),
    };
    if let Some(slot) = slot
        && body.len() <= MAX_COPY_BYTES
    {
        app.proxy.cache.put(slot, kind, body.clone());
    }
    let mut response = head(status, kind);
    mark(response.headers_mut(), client, route, &record, &dropped);
    *response.body_mut() = Body::from(body);
    response
}

/// An answer in pieces; its record is in the log before the last of them is on its way.
pub(super) fn stream(
    app: &App,
    mut account: Account,
    route: &Route,
    slot: Option<Slot>,
    status: u16,
    answer: Box<AnswerStream>,
) -> Response {
    let client = account.client();
    let mut response = head(status, EVENTS);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    let dropped = dropped(&account);
    mark(headers, client, route, account.so_far(status, answer.progress()), &dropped);
    let wants_copy = slot.is_some() || app.proxy.keeps_content;
    let outgoing = Outgoing {
        app: app.clone(),
        client,
        under_way: Some((answer, account)),
        copy: Copy::new(wants_copy),
        slot,
        status,
    };
    let pieces = futures::stream::unfold(outgoing, |mut outgoing| async move {
        let piece = outgoing.next().await?;
        Some((Ok::<Bytes, Infallible>(piece), outgoing))
    });
    *response.body_mut() = Body::from_stream(pieces);
    response
}

/// A stream that is being sent. Dropped before its end, because the client has gone, it stops the provider and records
/// what was produced.
struct Outgoing {
    app: App,
    client: Dialect,
    under_way: Option<(Box<AnswerStream>, Account)>,
    copy: Copy,
    slot: Option<Slot>,
    status: u16,
}

impl Outgoing {
    async fn next(&mut self) -> Option<Bytes> {
        let (answer, _) = self.under_way.as_mut()?;
        let Some(piece) = answer.next().await else {
            // It ended with the piece before; only a stream without any piece comes here.
            return self.close(None).err();
        };
        self.copy.take(&piece);
        if !answer.has_ended() {
            return Some(piece);
        }
        match self.close(None) {
            Ok(()) => Some(piece),
            Err(lost) => Some(lost),
        }
    }

    /// Ends the call. The error is what the client gets instead of the end of its answer.
    fn close(&mut self, gone: Option<&str>) -> Result<(), Bytes> {
        let Some((answer, account)) = self.under_way.take() else { return Ok(()) };
        let call = account.call.clone();
        let report = answer.report(|| call.as_deref().map_or(0, estimated_input));
        let broken = report.broken.clone().map(|message| ("stream_broken".to_owned(), message));
        let error = broken.or_else(|| gone.map(|message| ("client_gone".to_owned(), message.to_owned())));
        let is_whole = error.is_none();
        let end = End { status: self.status, report: &report, error, content: self.copy.bytes() };
        if let Err(e) = account.close(end) {
            tracing::error!(error = &e as &dyn std::error::Error, "a call could not be recorded");
            let mut event = Vec::new();
            encode_error_event(self.client, &not_recorded_error(), &mut event);
            return Err(event.into());
        }
        if let (true, Some(slot), Some(bytes)) = (is_whole, self.slot, self.copy.bytes()) {
            self.app.proxy.cache.put(slot, EVENTS, Bytes::copy_from_slice(bytes));
        }
        Ok(())
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        // Nobody is there to be told if this fails too.
        let _ = self.close(Some("the client went away before the end"));
    }
}

/// An answer from the cache.
pub(super) fn cached(account: Account, route: &Route, cached: yw_store::CachedResponse) -> Response {
    let client = account.client();
    let id = account.id().to_owned();
    let report = Report::default();
    let mut account = account;
    account.describe(|record| record.cached = true);
    let content = cached.body;
    let record = match account.close(End { status: 200, report: &report, error: None, content: Some(&content) }) {
        Ok(record) => record,
        Err(e) => return not_recorded(client, &id, &e),
    };
    let kind = if cached.content_type == EVENTS { EVENTS } else { JSON };
    let mut response = head(200, kind);
    mark(response.headers_mut(), client, route, &record, &[]);
    response.headers_mut().insert("x-yw-cache", HeaderValue::from_static("hit"));
    *response.body_mut() = Body::from(content);
    response
}

fn head(status: u16, content_type: &'static str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The headers that tell what happened. Values that no header can hold are left out.
pub(super) fn mark(headers: &mut HeaderMap, client: Dialect, route: &Route, record: &CallRecord, dropped: &[String]) {
    let mut insert = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    insert(id_header(client), &record.id);
    insert("x-yw-id", &record.id);
    if let Some(name) = &route.name {
        insert("x-yw-route", name);
    }
    if let (Some(provider), Some(model)) = (&record.provider, &record.model) {
        insert("x-yw-model", &format!("{provider}/{model}"));
    }
    insert("x-yw-attempts", &record.attempts.len().to_string());
    insert("x-yw-overhead-ms", &record.overhead_ms.to_string());
    if record.priced {
        insert("x-yw-usd", record.usd.to_string().trim_start_matches('$'));
    }
    if !dropped.is_empty() {
        insert("x-yw-dropped", &dropped.join(", "));
    }
}

/// The header in which a dialect's clients look for the id of the request.
pub(super) fn id_header(client: Dialect) -> &'static str {
    if client == Dialect::Anthropic { "request-id" } else { "x-request-id" }
}

fn dropped(account: &Account) -> Vec<String> {
    account.call.as_ref().map(|call| call.dropped().to_vec()).unwrap_or_default()
}

fn not_recorded_error() -> ClientError {
    ClientError {
        kind: ClientErrorKind::Server,
        message: "the call was made, but it cannot be recorded; the server's log says why".to_owned(),
        param: None,
        code: Some("not_recorded".to_owned()),
    }
}

/// An answer that cannot be recorded is not given: the accounts would be wrong from then on.
pub(super) fn not_recorded(client: Dialect, id: &str, cause: &yw_store::StoreError) -> Response {
    tracing::error!(error = cause as &dyn std::error::Error, "a call could not be recorded");
    let body = yw_llm::encode_error(client, &not_recorded_error(), id);
    error::response(500, body, None, true)
}
