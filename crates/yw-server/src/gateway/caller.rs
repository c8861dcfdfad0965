//! Who asks, and what they may.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use jiff::Timestamp;
use yw_gateway::keys::{Key, KeyError, KeyHash, KeySpec};
use yw_llm::ClientErrorKind;
use yw_store::KeyRecord;

use super::Proxy;
use super::error::Refusal;

/// Who asks: a key, or anyone where keys are off.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    pub(crate) key: Option<Arc<Key>>,
}

impl Caller {
    /// Whether there is anything that the key may not use.
    pub(crate) fn is_scoped(&self) -> bool {
        let spec = self.key.as_ref().map(|key| &key.spec);
        spec.is_some_and(|spec| spec.models.is_some() || spec.routes.is_some() || spec.tasks.is_some())
    }

    pub(crate) fn may_use_route(&self, name: &str) -> bool {
        self.key.as_ref().is_none_or(|key| key.spec.may_use_route(name))
    }

    pub(crate) fn may_use_model(&self, model: &str) -> bool {
        self.key.as_ref().is_none_or(|key| key.spec.may_use_model(model))
    }

    pub(crate) fn may_use_task(&self, task: &str) -> bool {
        self.key.as_ref().is_none_or(|key| key.spec.may_use_task(task))
    }
}

/// The caller by the headers: `authorization: Bearer` as OpenAI's clients send it, or `x-api-key` as Anthropic's do.
pub(crate) fn authenticate(proxy: &Proxy, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let Some(ring) = &proxy.keys else { return Ok(Caller::default()) };
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let token = bearer.or_else(|| text(header::HeaderName::from_static("x-api-key")));
    match ring.authenticate(token, Timestamp::now()) {
        Ok(key) => Ok(Caller { key: Some(key) }),
        Err(error @ KeyError::Missing) => Err(refuse("missing_api_key", error)),
        Err(error) => Err(refuse("invalid_api_key", error)),
    }
}

fn refuse(code: &str, error: KeyError) -> Refusal {
    Refusal::new(ClientErrorKind::Authentication, code, error.to_string())
}

/// A key of the store; none if it cannot be understood, which is told in the log and locks its holder out.
pub(super) fn key(record: KeyRecord) -> Option<Key> {
    let KeyRecord { id, hash, spec, revoked, .. } = record;
    match serde_json::from_value::<KeySpec>(spec) {
        Ok(spec) => Some(Key { id, hash: KeyHash::from_bytes(hash), spec, is_revoked: revoked.is_some() }),
        Err(e) => {
            tracing::error!(id, error = &e as &dyn std::error::Error, "a key cannot be read, and opens nothing");
            None
        }
    }
}
