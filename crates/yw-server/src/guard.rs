//! What every request passes: browsers of other sites are refused, time is limited, a panic is one request's error.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;

use crate::{ApiError, App, gateway};

/// The middleware around all routes.
pub(crate) async fn request(State(app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let response = answer(&app, request, next).await;
    let elapsed = started.elapsed();
    app.metrics.request(&route, response.status().as_u16(), elapsed);
    tracing::debug!(%method, path, status = response.status().as_u16(), ?elapsed, "answered");
    response
}

async fn answer(app: &App, request: Request, next: Next) -> Response {
    // With keys on, a browser has nothing that another site could use; without them, the address is all there is.
    if !app.proxy.wants_keys()
        && let Err(refusal) =
            same_site(request.uri().authority().map(|authority| authority.as_str()), request.headers())
    {
        return refusal.into_response();
    }
    if gateway::is_path(request.uri().path()) {
        // Models may take minutes: routes have time limits of their own, and errors are told in the client's dialect.
        return next.run(request).await;
    }
    if let Err(refusal) = gateway::check_key(app, request.uri().path(), request.headers()) {
        return refusal.into_response();
    }
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(app.limits.timeout, handled).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server failed; its log says where")
                .into_response()
        }
        Err(_) => {
            let message = format!("no answer within {} s", app.limits.timeout.as_secs_f64());
            ApiError::new(StatusCode::GATEWAY_TIMEOUT, "timeout", message).into_response()
        }
    }
}

/// A page of another site must not make a visitor's browser ask this server, which may spend money: a browser says
/// where a request comes from (`Origin`), and what name it thinks the server has (`Host`, which a rebound DNS name
/// gives away).
///
/// `authority` is the host of an absolute request line, which counts as a `Host` too. All that are there must be right:
/// whoever stands before this server may have believed another of them.
fn same_site(authority: Option<&str>, headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name| headers.get(name).and_then(|v: &header::HeaderValue| v.to_str().ok());
    let refuse = |what: &str| ApiError::new(StatusCode::FORBIDDEN, "cross_site", format!("{what} is not this machine"));
    let hosts = headers.get_all(header::HOST).iter().map(|value| value.to_str().unwrap_or_default());
    if !hosts.chain(authority).all(is_loopback_name) {
        return Err(refuse("the Host header"));
    }
    if let Some(origin) = text(header::ORIGIN)
        && !origin.split_once("://").is_some_and(|(_, host)| is_loopback_name(host))
    {
        return Err(refuse("the Origin header"));
    }
    Ok(())
}

/// Whether `host`, with or without a port, names this machine's loopback.
fn is_loopback_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The whole body, or 413 as soon as it is known to be too long.
pub(crate) async fn read_body(app: &App, headers: &HeaderMap, body: Body) -> Result<axum::body::Bytes, ApiError> {
    read_body_up_to(app.limits.max_body_bytes, headers, body).await
}

/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(120);

/// The whole body of at most `limit` bytes.
pub(crate) async fn read_body_up_to(
    limit: usize,
    headers: &HeaderMap,
    body: Body,
) -> Result<axum::body::Bytes, ApiError> {
    let too_large = || {
        let message = format!("the body is over the limit of {limit} bytes; send less at once");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    };
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|n| n > limit as u64) {
        return Err(too_large());
    }
    let reading = tokio::time::timeout(BODY_TIMEOUT, axum::body::to_bytes(body, limit)).await;
    let late = || ApiError::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the body did not come in time");
    reading.map_err(|_| late())?.map_err(|e| {
        let is_limit = std::error::Error::source(&e).is_some_and(|s| s.to_string().contains("length limit"));
        if is_limit { too_large() } else { ApiError::bad_request("the body broke off") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_this_machine() {
        for host in ["localhost:7878", "127.0.0.1", "127.0.0.1:80", "[::1]:7878", "LOCALHOST"] {
            assert!(is_loopback_name(host), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example:7878", "192.168.1.2:7878", "", "127.0.0.1.evil.example"] {
            assert!(!is_loopback_name(host), "{host}");
        }
    }
}
