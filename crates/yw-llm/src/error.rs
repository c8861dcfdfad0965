//! What can be wrong with a reply.

/// A body that is not a response of its dialect.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It is not JSON, or cut off.
    #[error("the reply is not valid JSON")]
    Json(#[from] serde_json::Error),
    /// It is JSON, but lacks what every response has.
    #[error("the reply has no {path}; does the server speak this dialect?")]
    Missing {
        /// Where the value should stand.
        path: &'static str,
    },
    /// It is an error, although the status said success.
    #[error("the reply is an error: {0}")]
    Provider(ProviderError),
}

/// A stream that cannot be continued.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// An event is not JSON.
    #[error("an event of the stream is not valid JSON")]
    Json(#[from] serde_json::Error),
    /// The provider reports a failure in the middle of the stream.
    #[error("the provider broke off: {0}")]
    Provider(ProviderError),
    /// One event has more bytes than any provider sends.
    #[error("an event of the stream is longer than {limit} bytes")]
    TooLong {
        /// The most that is accepted.
        limit: usize,
    },
    /// The bytes are not framed as the dialect's are.
    #[error("the stream is damaged: {reason}")]
    Corrupt {
        /// What is wrong.
        reason: &'static str,
    },
    /// The bytes ended before the answer did.
    #[error("the stream ended before the answer did")]
    Cut,
}

/// What a provider says went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProviderError {
    /// What sort of failure it is.
    pub kind: ProviderErrorKind,
    /// The provider's message, shortened.
    pub message: String,
    /// The provider's code or type, where it gives one.
    pub code: Option<String>,
}

/// The sorts of failures that providers report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderErrorKind {
    /// The request is wrong in itself.
    InvalidRequest,
    /// The key is missing or unknown.
    Authentication,
    /// The key may not do this.
    Permission,
    /// The account has no money left.
    Billing,
    /// There is no such model or address.
    NotFound,
    /// The request is too large.
    TooLarge,
    /// Too many requests for now.
    RateLimited,
    /// The provider is too busy for now.
    Overloaded,
    /// The provider gave up waiting.
    Timeout,
    /// The provider failed.
    Server,
    /// None of these.
    Other,
}

impl ProviderErrorKind {
    /// Whether the same request may succeed later.
    pub fn is_transient(self) -> bool {
        use ProviderErrorKind::*;
        matches!(self, RateLimited | Overloaded | Timeout | Server)
    }

    /// The kind that a status code stands for.
    pub(crate) fn of_status(status: u16) -> Self {
        use ProviderErrorKind::*;
        match status {
            401 => Authentication,
            402 => Billing,
            403 => Permission,
            404 => NotFound,
            408 | 504 => Timeout,
            413 => TooLarge,
            // 409: another request for the same thing is under way.
            409 | 429 => RateLimited,
            503 | 529 => Overloaded,
            400..=499 => InvalidRequest,
            500..=599 => Server,
            _ => Other,
        }
    }
}
