//! Asking one model once.

use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use tokio::time::Instant;
use yw_llm::{ProviderErrorKind, decode_error};
use yw_task::{Dialect, ModelRef};

use super::prepare::{Prepared, prepare};
use super::stream::{Opening, open};
use super::whole::{self, Facts};
use super::{ClientCall, Operation};
use crate::provider::Provider;
use crate::retry::{self, Advice};
use crate::route::{AttemptOutcome, RouteSpec};
use crate::wire::{Incoming, SendError};

/// The longest reply that is taken in whole. Pictures and sound come in base64.
const MAX_BODY_BYTES: usize = 64 << 20;

/// The longest error that is passed on.
const MAX_ERROR_BYTES: usize = 1 << 20;

/// What a model gave.
pub(super) enum Opened {
    Whole { body: Bytes, is_stream: bool, facts: Facts, request_id: Option<String>, status: u16 },
    Stream { opening: Box<Opening>, request_id: Option<String>, status: u16 },
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) status: Option<u16>,
    pub(super) kind: ProviderErrorKind,
    pub(super) message: String,
    pub(super) code: Option<Box<str>>,
    /// The field of the request that is wrong.
    pub(super) param: Option<Box<str>>,
    pub(super) advice: Advice,
    /// Whether another model, or the same a little later, may do better.
    pub(super) may_pass: bool,
    /// Whether a provider was asked at all, be it in vain.
    pub(super) was_asked: bool,
    /// The error as the provider wrote it in the client's dialect.
    pub(super) body: Option<Bytes>,
}

impl Failed {
    /// There was no reply, or none that can be used.
    pub(super) fn broken(kind: ProviderErrorKind, message: String) -> Self {
        Failed {
            status: None,
            kind,
            message,
            code: None,
            param: None,
            advice: Advice::None,
            may_pass: true,
            was_asked: true,
            body: None,
        }
    }

    /// There is no such provider.
    pub(super) fn unknown(model: &ModelRef) -> Self {
        let message = format!("there is no provider `{}` for the model `{model}`", model.provider);
        Failed { was_asked: false, ..Failed::broken(ProviderErrorKind::NotFound, message) }
    }

    /// Whether the same model will fail again however long one waits.
    pub(super) fn is_lasting(&self) -> bool {
        let of_the_account = matches!(self.status, Some(401..=404 | 413));
        of_the_account || matches!(self.advice, Advice::Never) || !self.was_asked
    }

    /// What it says of the health of the model.
    pub(super) fn outcome(&self) -> AttemptOutcome {
        match self.may_pass && self.was_asked {
            true => AttemptOutcome::Failed { retry_after: self.retry_after() },
            false => AttemptOutcome::ClientError,
        }
    }

    /// The key of its provider is not set.
    pub(super) fn without_key(model: &ModelRef) -> Self {
        let message =
            format!("the server has no key for the provider `{}`, so `{model}` cannot be asked", model.provider);
        Failed { code: Some("no_provider_key".into()), ..Failed::broken(ProviderErrorKind::Server, message) }
    }

    /// How long the provider asks to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self.advice {
            Advice::After(delay) => Some(delay),
            Advice::None | Advice::Never => None,
        }
    }

    /// It took too long.
    pub(super) fn late(what: &str, limit: Duration) -> Self {
        Failed::broken(ProviderErrorKind::Timeout, format!("{what} did not come within {} s", limit.as_secs_f64()))
    }
}

/// How long one attempt may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For a whole answer, and between two pieces of a stream.
    pub(super) attempt: Duration,
    /// For the first content of a stream.
    pub(super) first_token: Duration,
}

impl Patience {
    pub(super) fn of(spec: &RouteSpec) -> Self {
        Patience { attempt: spec.attempt_timeout, first_token: spec.first_token_timeout }
    }
}

/// Asks `model` once.
pub(super) async fn attempt(
    provider: &Provider,
    call: &ClientCall,
    model: &ModelRef,
    patience: Patience,
) -> Result<Opened, Failed> {
    let mut prepared = prepare(provider, call, model).map_err(|e| Failed {
        may_pass: false,
        param: e.param.map(String::into_boxed_str),
        ..Failed::broken(ProviderErrorKind::InvalidRequest, e.message)
    })?;
    let (limit, what) = match call.peek.stream {
        true => (patience.first_token, "the first token"),
        false => (patience.attempt, "the answer"),
    };
    let deadline = Instant::now() + limit;
    let asking = async {
        let mut replies = Vec::new();
        // All but the last of several requests; there is nearly always one.
        while prepared.bodies.len() > 1 {
            let body = prepared.bodies.remove(0);
            let response = send(provider, &prepared, body).await?;
            if !response.status().is_success() {
                return Err(refusal(provider, call, &prepared, response).await);
            }
            replies.push(read_body(response, MAX_BODY_BYTES).await?);
        }
        let last = prepared.bodies.pop().unwrap_or_default();
        let response = send(provider, &prepared, last).await?;
        read(provider, call, prepared, response, replies).await
    };
    tokio::time::timeout_at(deadline, asking).await.unwrap_or_else(|_| Err(Failed::late(what, limit)))
}

async fn send(provider: &Provider, prepared: &Prepared, body: Bytes) -> Result<Incoming, Failed> {
    let sent = provider.send(&prepared.url, prepared.headers.clone(), body).await;
    sent.map_err(|error| match error {
        SendError::Auth(error) => {
            Failed::broken(ProviderErrorKind::Authentication, format!("no access to the provider: {error}"))
        }
        SendError::Network(error) => {
            let message = format!("the provider `{}` cannot be reached: {error}", provider.config.name);
            Failed::broken(ProviderErrorKind::Server, provider.credentials().redact(message))
        }
        SendError::Unrecorded { .. } => {
            Failed { was_asked: false, ..Failed::broken(ProviderErrorKind::NotFound, error.to_string()) }
        }
    })
}

async fn read(
    provider: &Provider,
    call: &ClientCall,
    prepared: Prepared,
    response: Incoming,
    mut replies: Vec<Bytes>,
) -> Result<Opened, Failed> {
    let status = response.status();
    let request_id = request_id(response.headers());
    if !status.is_success() {
        return Err(refusal(provider, call, &prepared, response).await);
    }
    if call.peek.stream && is_stream(response.headers(), prepared.dialect) {
        let opening = open(provider, call, &prepared, response).await?;
        return Ok(Opened::Stream { opening: Box::new(opening), request_id, status: status.as_u16() });
    }
    let reply = read_body(response, MAX_BODY_BYTES).await?;
    let must_stream = call.peek.stream && call.operation == Operation::Chat;
    let answer = if must_stream {
        whole::streamed(call, &prepared, &reply)
    } else if replies.is_empty() {
        whole::answer(call, &prepared, reply)
    } else {
        replies.push(reply);
        whole::vectors(call, prepared.dialect, &replies)
    };
    match answer {
        Ok((body, facts)) => {
            Ok(Opened::Whole { body, is_stream: must_stream, facts, request_id, status: status.as_u16() })
        }
        Err(yw_llm::DecodeError::Provider(error)) => Err(Failed {
            may_pass: error.kind.is_transient(),
            code: error.code.map(String::into_boxed_str),
            ..Failed::broken(error.kind, provider.credentials().redact(error.message))
        }),
        Err(error) => Err(Failed::broken(ProviderErrorKind::Server, format!("the answer cannot be read: {error}"))),
    }
}

/// Whether a reply to a request for a stream is one. Some servers answer whole all the same.
fn is_stream(headers: &HeaderMap, dialect: Dialect) -> bool {
    let content_type = headers.get(reqwest::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match dialect {
        Dialect::Bedrock => true,
        _ => content_type.is_none_or(|kind| !kind.starts_with("application/json")),
    }
}

/// The provider's id of the request, by the names in use.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let names = ["x-request-id", "request-id", "x-amzn-requestid", "apim-request-id"];
    let value = names.iter().find_map(|name| headers.get(*name))?;
    value.to_str().ok().filter(|id| id.len() <= 200).map(str::to_owned)
}

async fn read_body(mut response: Incoming, limit: usize) -> Result<Bytes, Failed> {
    let mut first: Option<Bytes> = None;
    let mut received = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if received.len() + chunk.len() > limit => {
                let message = format!("the answer is longer than {limit} bytes");
                return Err(Failed { may_pass: false, ..Failed::broken(ProviderErrorKind::Server, message) });
            }
            // Most answers come in one piece, which needs no copy.
            Ok(Some(chunk)) if first.is_none() && received.is_empty() => first = Some(chunk),
            Ok(Some(chunk)) => {
                if let Some(first) = first.take() {
                    received.extend_from_slice(&first);
                }
                received.extend_from_slice(&chunk);
            }
            Ok(None) => return Ok(first.unwrap_or_else(|| received.freeze())),
            Err(error) => return Err(Failed::broken(ProviderErrorKind::Server, error.to_string())),
        }
    }
}

/// Reads a reply whose status says failure.
async fn refusal(provider: &Provider, call: &ClientCall, prepared: &Prepared, response: Incoming) -> Failed {
    let status = response.status().as_u16();
    let advice = retry::advice(response.headers(), SystemTime::now());
    if response.status().is_redirection() {
        let message = "the provider redirects elsewhere; set base_url to where it lives".to_owned();
        // Not passed on: the client is not to follow it with its own key.
        return Failed::broken(ProviderErrorKind::Server, message);
    }
    // What came of a failure is enough to tell it.
    let reply = read_body(response, MAX_ERROR_BYTES).await.unwrap_or_default();
    // Some servers quote the key that they refuse.
    let reply = provider.credentials().redact(String::from_utf8_lossy(&reply).into_owned());
    let error = decode_error(prepared.dialect, status, reply.as_bytes());
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&reply).is_ok();
    let is_clients_dialect = prepared.passes || call.client == prepared.dialect;
    Failed {
        status: Some(status),
        kind: error.kind,
        message: if error.message.is_empty() { format!("status {status}, without a message") } else { error.message },
        code: error.code.map(String::into_boxed_str),
        param: None,
        advice,
        may_pass: may_pass(status),
        was_asked: true,
        body: (is_clients_dialect && is_json).then(|| reply.into()),
    }
}

/// Whether another model may answer what this one refused with `status`: not where the request itself is wrong.
fn may_pass(status: u16) -> bool {
    !matches!(status, 400 | 405 | 406 | 415 | 422)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wrong_requests_are_wrong_everywhere() {
        for status in [401, 402, 403, 404, 408, 409, 413, 429, 500, 502, 503, 529] {
            assert!(may_pass(status), "{status}");
        }
        assert!(!may_pass(400) && !may_pass(422));
    }

    #[test]
    fn json_is_no_stream() {
        let headers = |kind: &'static str| {
            [(reqwest::header::CONTENT_TYPE, reqwest::header::HeaderValue::from_static(kind))].into_iter().collect()
        };
        assert!(is_stream(&headers("text/event-stream; charset=utf-8"), Dialect::OpenAi));
        assert!(is_stream(&HeaderMap::new(), Dialect::OpenAi));
        assert!(!is_stream(&headers("application/json; charset=utf-8"), Dialect::OpenAi));
        assert!(is_stream(&headers("application/vnd.amazon.eventstream"), Dialect::Bedrock));
    }
}
