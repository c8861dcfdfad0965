use std::time::Duration;

use serde_json::Value;

use crate::json::{count, items, shortened, text};
use crate::{ProviderError, ProviderErrorKind};

/// Reads the body of a failure: a `google.rpc.Status`, alone or, from a stream, in an array.
pub fn decode_error(status: u16, body: &[u8]) -> ProviderError {
    match serde_json::from_slice::<Value>(body) {
        Ok(json) => read_error(Some(status), error_of(&json)),
        Err(_) => read_error(Some(status), &String::from_utf8_lossy(body).into_owned().into()),
    }
}

/// How long the provider asks to wait, which it says in the body and not in a header.
pub fn retry_delay(body: &[u8]) -> Option<Duration> {
    let json: Value = serde_json::from_slice(body).ok()?;
    let details = items(error_of(&json), "/details");
    let seconds = details.iter().find_map(|detail| text(detail, "/retryDelay"))?.strip_suffix('s')?;
    // Also refuses what is negative, infinite or more than a duration can be.
    Duration::try_from_secs_f64(seconds.parse().ok()?).ok()
}

fn error_of(json: &Value) -> &Value {
    let json = json.get(0).unwrap_or(json);
    json.get("error").unwrap_or(json)
}

/// Reads an error object, or whatever stands in its place; the word decides, then the status.
pub(super) fn read_error(status: Option<u16>, error: &Value) -> ProviderError {
    use ProviderErrorKind::*;
    let message = match error {
        Value::String(message) => message.clone(),
        _ => text(error, "/message").map_or_else(|| error.to_string(), str::to_owned),
    };
    let reason = items(error, "/details").iter().find_map(|detail| text(detail, "/reason"));
    let word = text(error, "/status");
    let status = status.or_else(|| count(error, "/code")?.try_into().ok());
    let kind = match (word, reason) {
        (_, Some("API_KEY_INVALID" | "API_KEY_EXPIRED" | "ACCESS_TOKEN_EXPIRED")) => Authentication,
        (_, Some("BILLING_DISABLED")) => Billing,
        (Some("UNAUTHENTICATED"), _) => Authentication,
        (Some("PERMISSION_DENIED"), _) => Permission,
        // The free tier does not reach the caller's country: only an account that pays is served.
        (Some("FAILED_PRECONDITION"), _) if message.to_ascii_lowercase().contains("billing") => Billing,
        (Some("INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE"), _) if status == Some(413) => TooLarge,
        (Some("INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE"), _) => InvalidRequest,
        (Some("NOT_FOUND"), _) => NotFound,
        (Some("RESOURCE_EXHAUSTED"), _) => RateLimited,
        (Some("UNAVAILABLE" | "ABORTED"), _) => Overloaded,
        (Some("DEADLINE_EXCEEDED"), _) => Timeout,
        (Some("INTERNAL" | "UNKNOWN" | "DATA_LOSS"), _) => Server,
        _ => status.map_or(Other, ProviderErrorKind::of_status),
    };
    let code = reason.or(word).map(str::to_owned);
    ProviderError { kind, message: shortened(&message, 600), code }
}
