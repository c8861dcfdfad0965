//! Refusals of the gateway, in the dialect of the client.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use yw_gateway::limits::Exceeded;
use yw_llm::{ClientError, ClientErrorKind, RequestError, encode_error};
use yw_task::Dialect;

use crate::ApiError;

/// Why a request is not forwarded, or not answered.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) error: ClientError,
    pub(crate) retry_after: Option<Duration>,
}

impl Refusal {
    pub(crate) fn new(kind: ClientErrorKind, code: &str, message: impl Into<String>) -> Self {
        let error = ClientError { kind, message: message.into(), param: None, code: Some(code.to_owned()) };
        Refusal { error, retry_after: None }
    }

    /// Over a limit.
    pub(crate) fn exceeded(exceeded: &Exceeded, now: jiff::Timestamp) -> Self {
        let mut refusal = Refusal::new(ClientErrorKind::RateLimited, "limit_exceeded", exceeded.to_string());
        refusal.retry_after = exceeded.retry_after(now);
        refusal
    }

    /// The response, in a dialect.
    pub(crate) fn response(&self, dialect: Dialect, id: &str) -> Response {
        let body = encode_error(dialect, &self.error, id);
        let status = self.error.kind.status(dialect);
        response(status, body, self.retry_after, status == 429)
    }
}

/// An error's response. `is_final` tells clients not to try again by themselves.
pub(super) fn response(status: u16, body: impl Into<Body>, retry_after: Option<Duration>, is_final: bool) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(delay) = retry_after {
        // Whole seconds, upwards: earlier would be refused again.
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if is_final {
        headers.insert("x-should-retry", HeaderValue::from_static("false"));
    }
    response
}

impl From<&RequestError> for Refusal {
    fn from(error: &RequestError) -> Self {
        let RequestError { message, param } = error.clone();
        let error = ClientError { kind: ClientErrorKind::InvalidRequest, message, param, code: None };
        Refusal { error, retry_after: None }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        let kind = match error.status.as_u16() {
            401 => ClientErrorKind::Authentication,
            403 => ClientErrorKind::Permission,
            404 => ClientErrorKind::NotFound,
            413 => ClientErrorKind::TooLarge,
            400..=499 => ClientErrorKind::InvalidRequest,
            _ => ClientErrorKind::Server,
        };
        Refusal::new(kind, error.code, error.message)
    }
}
