//! From a request to its answer.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use yw_gateway::limits::Ask;
use yw_gateway::{Answer, ClientCall, Operation, Refused};
use yw_store::{CallOperation, CallRecord};
use yw_task::Dialect;

use super::error::{self, Refusal};
use super::names::{Destination, resolve};
use super::record::{Account, End};
use super::{Caller, Route, authenticate, bound, cache, reply, task};
use crate::{App, guard};

/// `POST /v1/chat/completions`.
pub(crate) async fn openai_chat(State(app): State<App>, request: Request) -> Response {
    serve(app, Dialect::OpenAi, Operation::Chat, request).await
}

/// `POST /v1/responses`.
pub(crate) async fn responses(State(app): State<App>, request: Request) -> Response {
    serve(app, Dialect::Responses, Operation::Chat, request).await
}

/// `POST /v1/messages`.
pub(crate) async fn messages(State(app): State<App>, request: Request) -> Response {
    serve(app, Dialect::Anthropic, Operation::Chat, request).await
}

/// `POST /v1/embeddings`.
pub(crate) async fn embeddings(State(app): State<App>, request: Request) -> Response {
    serve(app, Dialect::OpenAi, Operation::Embeddings, request).await
}

/// Headers of a client that go on to a provider of the same dialect. Everything else stays here: keys above all, and
/// what is said of the connection.
const PASSED_HEADERS: [HeaderName; 5] = [
    HeaderName::from_static("anthropic-beta"),
    HeaderName::from_static("anthropic-version"),
    HeaderName::from_static("openai-beta"),
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("x-session-id"),
];

/// The prefix of headers with which clients tag their calls, to find them by in `yw calls`.
const TAG_PREFIX: &str = "x-yw-tag-";

/// The most tags of one call.
const MAX_TAGS: usize = 16;

async fn serve(app: App, client: Dialect, operation: Operation, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let caller = match authenticate(&app.proxy, &parts.headers) {
        Ok(caller) => caller,
        // Strangers leave no records, or they could fill the disk with them.
        Err(refusal) => {
            let id = yw_store::new_id();
            return with_id(refusal.response(client, &id), client, &id);
        }
    };
    let account = Account::open(&app, client, call_operation(operation), &caller, &parts.headers);
    let mut under_way = UnderWay(Some(account));
    let turn = Turn { app: &app, client, operation, caller: &caller, headers: &parts.headers };
    let answered = match &mut under_way.0 {
        Some(account) => turn.answer(account, body).await,
        None => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    match (answered, under_way.0.take()) {
        (Ok(answered), Some(account)) => answered.respond(&app, account),
        (Err(refusal), Some(account)) => refuse(account, client, &refusal),
        (_, None) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A call that has no answer yet. Dropped before it has one, because its client has gone, it is recorded all the same.
struct UnderWay(Option<Account>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(account) = self.0.take() {
            account.abandon();
        }
    }
}

fn call_operation(operation: Operation) -> CallOperation {
    match operation {
        Operation::Chat => CallOperation::Chat,
        Operation::Embeddings => CallOperation::Embeddings,
    }
}

/// What is known of a request besides its body.
struct Turn<'a> {
    app: &'a App,
    client: Dialect,
    operation: Operation,
    caller: &'a Caller,
    headers: &'a HeaderMap,
}

/// What came of a request.
enum Answered {
    Cached(Arc<Route>, yw_store::CachedResponse),
    Forwarded(Arc<Route>, Option<cache::Slot>, u16, Answer),
    Refused(Arc<Route>, Box<Refused>),
    Task(Box<task::TaskAnswer>),
}

impl Turn<'_> {
    async fn answer(&self, account: &mut Account, body: Body) -> Result<Answered, Refusal> {
        let body = guard::read_body_up_to(self.app.limits.max_call_bytes, self.headers, body).await?;
        let call = Arc::new(self.call(account, body)?);
        account.call = Some(call.clone());
        account.describe(|record| self.describe(record, &call));
        let route = match resolve(&self.app.proxy, self.caller, self.client, &call.peek.model)? {
            Destination::Route(route) => route,
            Destination::Task(task) => {
                // What it costs is known afterwards; what is counted before is the request.
                self.admit(account, &Ask::default())?;
                return task::answer(self.app, account, &call, &task)
                    .await
                    .map(|answer| Answered::Task(Box::new(answer)));
            }
        };
        account.describe(|record| record.route = route.name.clone());
        account.asked = route.router.spec().targets.first().map(|target| target.model.clone());
        let slot = cache::Slot::of(&call, &route, self.caller, self.headers);
        if let Some(slot) = &slot
            && let Some(cached) = self.app.proxy.cache.get(slot).await
        {
            return Ok(Answered::Cached(route, cached));
        }
        self.reserve(account, &call, &route)?;
        let sticky = route.sticky.as_ref().and_then(|name| self.headers.get(name)).and_then(|v| v.to_str().ok());
        account.mark_sent();
        match self.app.proxy.gateway.forward(&call, &route.router, sticky).await {
            Ok(forwarded) => Ok(Answered::Forwarded(route, slot, forwarded.status, forwarded.answer)),
            Err(refused) => Ok(Answered::Refused(route, refused)),
        }
    }

    /// Reads what has to be known of the body.
    fn call(&self, account: &Account, body: Bytes) -> Result<ClientCall, Refusal> {
        let created = account.at().as_second().unsigned_abs();
        let id = account.id().replace('-', "");
        let mut call =
            ClientCall::new(self.operation, self.client, body, id, created).map_err(|e| Refusal::from(&e))?;
        call.trace = account.trace_context();
        for name in &PASSED_HEADERS {
            if let Some(value) = self.headers.get(name) {
                call.headers.insert(name.clone(), value.clone());
            }
        }
        Ok(call)
    }

    fn describe(&self, record: &mut CallRecord, call: &ClientCall) {
        record.requested = call.peek.model.chars().take(200).collect();
        record.stream = call.peek.stream;
        let tags = self.headers.iter().filter_map(|(name, value)| {
            let tag = name.as_str().strip_prefix(TAG_PREFIX)?;
            Some((tag.chars().take(100).collect(), value.to_str().ok()?.chars().take(200).collect()))
        });
        record.tags = tags.take(MAX_TAGS).collect();
    }

    /// Sets aside what the call can cost, or refuses it.
    fn reserve(&self, account: &mut Account, call: &ClientCall, route: &Route) -> Result<(), Refusal> {
        let proxy = &self.app.proxy;
        let payer = self.caller.key.as_ref().map(|key| key.payer());
        if payer.is_none() && proxy.limiter.limits().is_empty() {
            return Ok(());
        }
        let limits_dollars =
            proxy.limiter.limits().limits_dollars() || payer.is_some_and(|payer| payer.limits.limits_dollars());
        let bound = bound::of(proxy, call, route.router.spec());
        let ask = Ask {
            input_tokens_bound: bound.input_tokens,
            output_tokens_bound: bound.output_tokens,
            dollars_bound: bound.require_price(limits_dollars)?,
        };
        self.admit(account, &ask)
    }

    /// Admits a call that uses at most `ask`, or refuses it.
    fn admit(&self, account: &mut Account, ask: &Ask) -> Result<(), Refusal> {
        let now = account.at();
        let payer = self.caller.key.as_ref().map(|key| key.payer());
        let reservation = self.app.proxy.limiter.admit(payer, now, ask).map_err(|e| Refusal::exceeded(&e, now))?;
        account.describe(|record| record.at = reservation.admitted_at());
        account.reserve(reservation);
        Ok(())
    }
}

impl Answered {
    fn respond(self, app: &App, account: Account) -> Response {
        match self {
            Answered::Cached(route, cached) => reply::cached(account, &route, cached),
            Answered::Forwarded(route, slot, status, Answer::Whole { body, is_stream, report }) => {
                let kind = if is_stream { reply::EVENTS } else { reply::JSON };
                reply::whole(app, account, &route, slot, reply::Whole { status, kind, body, report: &report })
            }
            Answered::Forwarded(route, slot, status, Answer::Stream(answer)) => {
                reply::stream(app, account, &route, slot, status, answer)
            }
            Answered::Refused(route, refused) => refused_by_providers(account, &route, *refused),
            Answered::Task(answer) => answer.respond(account),
        }
    }
}

/// No provider answered.
fn refused_by_providers(account: Account, route: &Route, refused: Refused) -> Response {
    let client = account.client();
    let id = account.id().to_owned();
    let word = refused.error.code.clone().unwrap_or_else(|| "provider_failed".to_owned());
    let end = End {
        status: refused.status,
        report: &refused.report,
        error: Some((word, refused.error.message.clone())),
        content: Some(&refused.body),
    };
    let record = match account.close(end) {
        Ok(record) => record,
        Err(e) => return reply::not_recorded(client, &id, &e),
    };
    let has_retried = record.attempts.len() > 1;
    let mut response = error::response(refused.status, refused.body, refused.retry_after, has_retried);
    reply::mark(response.headers_mut(), client, route, &record, &[]);
    response
}

/// The gateway itself refuses.
fn refuse(account: Account, client: Dialect, refusal: &Refusal) -> Response {
    let id = account.id().to_owned();
    let response = refusal.response(client, &id);
    let code = refusal.error.code.clone().unwrap_or_else(|| "invalid_request".to_owned());
    let report = account.paid_report();
    let end = End {
        status: response.status().as_u16(),
        report: &report,
        error: Some((code, refusal.error.message.clone())),
        content: None,
    };
    match account.close(end) {
        Ok(_) => with_id(response, client, &id),
        Err(e) => reply::not_recorded(client, &id, &e),
    }
}

fn with_id(mut response: Response, client: Dialect, id: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(reply::id_header(client), value);
    }
    response
}
