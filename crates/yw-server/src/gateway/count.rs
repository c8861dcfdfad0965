//! `POST /v1/messages/count_tokens`.

use std::time::{Instant, SystemTime};

use axum::Json;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use yw_gateway::{ClientCall, Operation};
use yw_task::{Dialect, ModelRef};

use super::authenticate;
use super::error::Refusal;
use super::names::{Destination, resolve};
use super::trace::Trace;
use crate::{App, guard};

/// How many tokens a request of messages would have: exactly, from a provider that speaks this dialect; else by our own
/// estimate, which the header `x-yw-estimated` says.
pub(crate) async fn count_tokens(State(app): State<App>, request: Request) -> Response {
    let client = Dialect::Anthropic;
    count(&app, request).await.unwrap_or_else(|refusal| refusal.response(client, &yw_store::new_id()))
}

async fn count(app: &App, request: Request) -> Result<Response, Refusal> {
    let client = Dialect::Anthropic;
    let (start, started) = (SystemTime::now(), Instant::now());
    let (parts, body) = request.into_parts();
    let caller = authenticate(&app.proxy, &parts.headers)?;
    let body = guard::read_body_up_to(app.limits.max_call_bytes, &parts.headers, body).await?;
    let id = yw_store::new_id().replace('-', "");
    let mut call = ClientCall::new(Operation::Chat, client, body, id, 0).map_err(|e| Refusal::from(&e))?;
    let tracing = app.proxy.tracing.as_ref();
    let trace = Trace::of(tracing, &parts.headers);
    call.trace = trace.as_ref().map(|trace| trace.context.clone());
    let tell = |by: Option<&ModelRef>| {
        if let (Some(tracing), Some(trace)) = (tracing, trace) {
            tracing.count(trace, by, start, started.elapsed());
        }
    };
    let destination = resolve(&app.proxy, &caller, client, &call.peek.model)?;
    // It costs nothing, but it is a request, which limits count.
    let now = jiff::Timestamp::now();
    let payer = caller.key.as_ref().map(|key| key.payer());
    let admitted = app.proxy.limiter.admit(payer, now, &yw_gateway::limits::Ask::default());
    drop(admitted.map_err(|e| Refusal::exceeded(&e, now))?);
    if let Destination::Route(route) = &destination
        && let Some((model, counted)) = app.proxy.gateway.count_tokens(&call, &route.router).await
    {
        tell(Some(model));
        return Ok(Json(json!({"input_tokens": counted})).into_response());
    }
    call.decoded().map_err(Refusal::from)?;
    tell(None);
    let estimate = super::record::estimated_input(&call);
    let mut response = Json(json!({"input_tokens": estimate})).into_response();
    response.headers_mut().insert("x-yw-estimated", HeaderValue::from_static("true"));
    Ok(response)
}
