//! Refusals in the words of a dialect.

use serde_json::json;
use yw_task::Dialect;

use crate::ProviderErrorKind;

/// A request that a client must change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequestError {
    /// What is wrong and what to do.
    pub message: String,
    /// Where: the path of the field, such as `messages[2].content`; none if it is the whole.
    pub param: Option<String>,
}

impl RequestError {
    /// A mistake in the request as a whole.
    pub fn new(message: impl Into<String>) -> Self {
        RequestError { message: message.into(), param: None }
    }

    /// A mistake in one field.
    pub fn at(param: impl Into<String>, message: impl Into<String>) -> Self {
        RequestError { message: message.into(), param: Some(param.into()) }
    }

    pub(crate) fn not_spoken(dialect: Dialect) -> Self {
        RequestError::new(format!("clients cannot speak the dialect `{dialect}` here"))
    }
}

/// What a client is told when its request fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientError {
    /// What sort of failure it is.
    pub kind: ClientErrorKind,
    /// The message.
    pub message: String,
    /// The field that is wrong.
    pub param: Option<String>,
    /// A stable word for programs, such as `budget_exceeded` or the provider's own code.
    pub code: Option<String>,
}

/// The sorts of failures. Providers' own are among them, because they are passed on.
pub type ClientErrorKind = ProviderErrorKind;

impl ProviderErrorKind {
    /// The status that a client of this dialect expects with such a failure.
    pub fn status(self, dialect: Dialect) -> u16 {
        use ProviderErrorKind::*;
        match self {
            InvalidRequest => 400,
            Authentication => 401,
            Billing => 402,
            Permission => 403,
            NotFound => 404,
            TooLarge => 413,
            RateLimited => 429,
            Timeout => 504,
            Overloaded if dialect == Dialect::Anthropic => 529,
            Overloaded => 503,
            Server | Other => 502,
        }
    }
}

/// The body of a refusal.
pub fn encode_error(dialect: Dialect, error: &ClientError, request_id: &str) -> Vec<u8> {
    let ClientError { kind, message, param, code } = error;
    match dialect {
        Dialect::Anthropic => json!({
            "type": "error",
            "error": {"type": anthropic_type(*kind), "message": message},
            "request_id": request_id,
        }),
        _ => json!({"error": {"message": message, "type": openai_type(*kind), "param": param, "code": code}}),
    }
    .to_string()
    .into_bytes()
}

/// Appends the event that ends a stream which broke off, for a stream that was passed on and not encoded here.
pub fn encode_error_event(dialect: Dialect, error: &ClientError, out: &mut Vec<u8>) {
    let (name, body) = match dialect {
        Dialect::Anthropic => ("event: error\n", encode_error(dialect, error, "")),
        Dialect::Responses => {
            let ClientError { message, param, code, kind } = error;
            let code = code.as_deref().unwrap_or(openai_type(*kind));
            // The number comes after all that a stream can have counted to.
            let number = u32::MAX;
            let event = json!({
                "type": "error", "code": code, "message": message, "param": param, "sequence_number": number,
            });
            ("event: error\n", event.to_string().into_bytes())
        }
        _ => ("", encode_error(dialect, error, "")),
    };
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(&body);
    out.extend_from_slice(b"\n\n");
}

fn anthropic_type(kind: ProviderErrorKind) -> &'static str {
    use ProviderErrorKind::*;
    match kind {
        InvalidRequest => "invalid_request_error",
        Authentication => "authentication_error",
        Billing => "billing_error",
        Permission => "permission_error",
        NotFound => "not_found_error",
        TooLarge => "request_too_large",
        RateLimited => "rate_limit_error",
        Timeout => "timeout_error",
        Overloaded => "overloaded_error",
        Server | Other => "api_error",
    }
}

fn openai_type(kind: ProviderErrorKind) -> &'static str {
    use ProviderErrorKind::*;
    match kind {
        // OpenAI itself calls a wrong key an invalid request; its code tells.
        InvalidRequest | NotFound | TooLarge | Authentication => "invalid_request_error",
        Permission => "permission_error",
        Billing => "insufficient_quota",
        RateLimited => "rate_limit_error",
        Timeout => "timeout",
        Overloaded | Server | Other => "server_error",
    }
}
