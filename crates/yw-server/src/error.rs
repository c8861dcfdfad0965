//! The one error of the server.

use axum::http::{HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use yw_store::StoreError;
use yw_task::RowErrorKind;

/// What a client is told when a request fails: a status, a stable code, and a message. The cause is for the log only.
#[derive(Debug)]
pub struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        ApiError { status, code, message: message.into(), cause: None }
    }

    /// The request is wrong.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        ApiError::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// The same error under a code of its own.
    pub(crate) fn with_code(self, code: &'static str) -> Self {
        ApiError { code, ..self }
    }

    /// There is no such thing.
    pub(crate) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        ApiError::new(StatusCode::NOT_FOUND, code, message)
    }

    /// The server is at fault. What exactly went wrong is nobody's business but the log's.
    pub(crate) fn internal(message: impl Into<String>, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        ApiError {
            cause: Some(Box::new(cause)),
            ..ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
        }
    }

    /// The fallback route.
    pub(crate) async fn no_route(uri: Uri) -> ApiError {
        let path = uri.path();
        let hint = match path {
            "/chat/completions" | "/responses" | "/embeddings" | "/models" => {
                "base_url must end in /v1 for this client"
            }
            _ if path.starts_with("/v1/v1/") => "base_url must not end in /v1 for this client",
            _ => "see /openapi.json for what there is",
        };
        let message = format!("there is nothing at {path}; {hint}");
        ApiError::not_found("no_route", message)
    }

    /// The route exists, the method does not.
    pub(crate) async fn no_method(uri: Uri) -> ApiError {
        let message = format!("{} does not take this method; see /openapi.json", uri.path());
        ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "no_method", message)
    }
}

/// The header of OpenAI's clients with the id of a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        ApiError::internal("the store refused; the server's log says why", error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Some(cause) = &self.cause {
            tracing::error!(code = self.code, error = &**cause as &dyn std::error::Error, "{}", self.message);
        }
        // The type and the id are what clients of the gateway's dialects look for.
        let kind = if self.status.is_server_error() { "server_error" } else { "invalid_request_error" };
        let body = json!({ "error": { "code": self.code, "message": self.message, "type": kind } });
        let headers = [(header::CONTENT_TYPE, "application/json".to_owned()), (REQUEST_ID, yw_store::new_id())];
        (self.status, headers, body.to_string()).into_response()
    }
}

/// The status of a request about a single row that has no answer.
pub(crate) fn status_of(kind: RowErrorKind) -> StatusCode {
    match kind {
        RowErrorKind::Input => StatusCode::UNPROCESSABLE_ENTITY,
        RowErrorKind::Provider | RowErrorKind::Violation => StatusCode::BAD_GATEWAY,
        RowErrorKind::Budget => StatusCode::PAYMENT_REQUIRED,
        RowErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
