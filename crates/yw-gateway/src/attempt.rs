use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderValue;
use reqwest::{StatusCode, Url};
use tokio::time::Instant;
use yw_llm::{DecodeError, ProviderErrorKind, Response, decode_error, decode_response};

use crate::key::ReplyKey;
use crate::provider::Provider;
use crate::retry::{self, Advice};
use crate::wire::SendError;

/// No answer is longer; a server that sends more is broken or hostile.
const MAX_BODY_BYTES: usize = 32 << 20;

/// An answer that can be read.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) body: Bytes,
    pub(crate) response: Response,
    /// From the request to the last byte of the answer.
    pub(crate) latency: Duration,
}

/// An attempt without an answer.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) what: Failure,
    /// Whether the provider may bill it.
    pub(crate) may_be_billed: bool,
}

#[derive(Debug)]
pub(crate) enum Failure {
    /// Another attempt may succeed.
    Transient {
        message: String,
        /// What the provider says about asking again.
        advice: Advice,
        /// Whether that holds for other requests too.
        is_rate_limit: bool,
    },
    /// The provider will not answer this request.
    Refused { status: u16, message: String },
    /// The answer is not one of the dialect.
    Decode(DecodeError),
}

/// Sends `body` once, and waits at most `timeout` for the whole answer.
pub(crate) async fn attempt(
    provider: &Provider,
    url: &Url,
    key: &ReplyKey,
    body: &Bytes,
    timeout: Duration,
) -> Result<Answered, Failed> {
    let start = Instant::now();
    let received = tokio::time::timeout(timeout, exchange(provider, url, key, body)).await;
    let reply = received.unwrap_or_else(|_| {
        let message = format!("no complete answer within {} s", timeout.as_secs_f64());
        Err(Failed { what: broken(message), may_be_billed: true })
    })?;
    if !reply.status.is_success() {
        return Err(Failed { what: refusal(provider, reply), may_be_billed: false });
    }
    match decode_response(provider.config.dialect, &reply.body) {
        Ok(response) => Ok(Answered { body: reply.body, response, latency: start.elapsed() }),
        Err(error) => Err(Failed { what: unreadable(provider, error, reply.advice), may_be_billed: true }),
    }
}

struct RawReply {
    status: StatusCode,
    advice: Advice,
    body: Bytes,
}

async fn exchange(provider: &Provider, url: &Url, key: &ReplyKey, body: &Bytes) -> Result<RawReply, Failed> {
    let mut headers = provider.headers(provider.config.dialect).clone();
    if let Ok(key) = HeaderValue::try_from(key.to_string()) {
        headers.insert("idempotency-key", key);
    }
    let mut response = provider.send(url, headers, body.clone()).await.map_err(unsent)?;
    let status = response.status();
    let advice = retry::advice(response.headers(), SystemTime::now());
    let mut received = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if received.len() + chunk.len() > MAX_BODY_BYTES => {
                let message = format!("the answer is longer than {MAX_BODY_BYTES} bytes");
                let what = Failure::Refused { status: status.as_u16(), message };
                return Err(Failed { what, may_be_billed: status.is_success() });
            }
            Ok(Some(chunk)) => received.extend_from_slice(&chunk),
            Ok(None) => return Ok(RawReply { status, advice, body: received.freeze() }),
            // What came of a failure is enough to tell it.
            Err(_) if !status.is_success() => return Ok(RawReply { status, advice, body: received.freeze() }),
            Err(error) => return Err(Failed { what: broken(error.to_string()), may_be_billed: true }),
        }
    }
}

/// There was no response at all.
fn unsent(error: SendError) -> Failed {
    let refused = |status, error: SendError| Failure::Refused { status, message: error.to_string() };
    match error {
        SendError::Auth(error) if error.is_transient() => {
            Failed { what: broken(error.to_string()), may_be_billed: false }
        }
        SendError::Auth(_) => Failed { what: refused(401, error), may_be_billed: false },
        // Without a connection nothing can have been billed.
        SendError::Network(error) => Failed { what: broken(error.to_string()), may_be_billed: error.was_sent },
        SendError::Unrecorded { .. } => Failed { what: refused(404, error), may_be_billed: false },
    }
}

fn broken(message: String) -> Failure {
    Failure::Transient { message, advice: Advice::None, is_rate_limit: false }
}

fn refusal(provider: &Provider, reply: RawReply) -> Failure {
    let status = reply.status.as_u16();
    if reply.status.is_redirection() {
        return Failure::Refused {
            status,
            message: "it redirects elsewhere; set base_url to where it lives".to_owned(),
        };
    }
    // Some servers quote the key that they refuse.
    let body = provider.credentials().redact(String::from_utf8_lossy(&reply.body).into_owned());
    let error = decode_error(provider.config.dialect, status, body.as_bytes());
    let message = if error.message.is_empty() { "no message".to_owned() } else { error.message };
    // An account without money answers 429 too, but waiting does not fill it.
    if retry::is_transient(status) && error.kind != ProviderErrorKind::Billing {
        let message = format!("status {status}: {message}");
        Failure::Transient { message, advice: reply.advice, is_rate_limit: status == 429 }
    } else {
        Failure::Refused { status, message }
    }
}

/// Why an answer with a status of success cannot be used.
fn unreadable(provider: &Provider, error: DecodeError, advice: Advice) -> Failure {
    match error {
        DecodeError::Json(json) => {
            Failure::Transient { message: format!("the answer is not whole: {json}"), advice, is_rate_limit: false }
        }
        DecodeError::Provider(error) if error.kind.is_transient() => {
            let is_rate_limit = error.kind == ProviderErrorKind::RateLimited;
            Failure::Transient { message: provider.credentials().redact(error.message), advice, is_rate_limit }
        }
        DecodeError::Provider(error) => {
            Failure::Refused { status: StatusCode::OK.as_u16(), message: provider.credentials().redact(error.message) }
        }
        other => Failure::Decode(other),
    }
}
