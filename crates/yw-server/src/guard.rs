//! What every request passes: browsers of other sites are refused, time is limited, a panic is one request's error.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;

use crate::{ApiError, App};

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
    if let Err(refusal) = same_site(request.headers()) {
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
fn same_site(headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name| headers.get(name).and_then(|v: &header::HeaderValue| v.to_str().ok());
    let refuse = |what: &str| ApiError::new(StatusCode::FORBIDDEN, "cross_site", format!("{what} is not this machine"));
    if let Some(host) = text(header::HOST)
        && !is_loopback_name(host)
    {
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
    let limit = app.limits.max_body_bytes;
    let too_large = || {
        let message = format!("the body is over the limit of {limit} bytes; send the rows in parts");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    };
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|n| n > limit as u64) {
        return Err(too_large());
    }
    axum::body::to_bytes(body, limit).await.map_err(|e| {
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
