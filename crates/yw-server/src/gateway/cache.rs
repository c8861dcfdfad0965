//! Answers that were given before to exactly the same request.

use std::time::Duration;

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use jiff::Timestamp;
use yw_gateway::ClientCall;
use yw_store::{CachedResponse, Store, StoreError};

use super::{Caller, Route};

/// The cache in the project's store.
pub(super) struct ResponseCache {
    store: Store,
    max_bytes: u64,
}

/// Where one answer is, or will be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    key: [u8; 32],
    pub(super) keep: Duration,
    /// Whether an answer that is there may be used.
    pub(super) reads: bool,
}

/// The header with which a client asks for the cache: for how many seconds an answer may be reused.
const HEADER: &str = "x-yw-cache";

/// The longest time that a client may ask for.
const MAX_KEEP: Duration = Duration::from_secs(30 * 24 * 3600);

impl Slot {
    /// The slot of a call, if its route or its client wants the cache. Callers with different keys never share answers:
    /// whether somebody has asked a thing is nobody else's business.
    pub(super) fn of(call: &ClientCall, route: &Route, caller: &Caller, headers: &HeaderMap) -> Option<Slot> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let control = text(header::CACHE_CONTROL.as_str()).unwrap_or_default();
        let asked = text(HEADER).and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
        let keep = asked.or(route.cache).map(|keep| keep.min(MAX_KEEP)).filter(|keep| !keep.is_zero())?;
        if control.contains("no-store") {
            return None;
        }
        let mut hasher = blake3::Hasher::new_derive_key("yellowwood response cache 1");
        let key = caller.key.as_ref().map_or("", |key| &key.id);
        for part in [key, call.client.name(), call.operation.name(), call.peek.model.as_ref()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.update(&call.body);
        Some(Slot { key: hasher.finalize().into(), keep, reads: !control.contains("no-cache") })
    }
}

impl ResponseCache {
    pub(super) fn new(store: Store, max_bytes: u64) -> Self {
        ResponseCache { store, max_bytes }
    }

    /// The answer that is there. A store that fails is one that has none.
    pub(super) async fn get(&self, slot: &Slot) -> Option<CachedResponse> {
        if !slot.reads {
            return None;
        }
        self.store.cache_get(&slot.key, Timestamp::now()).await.unwrap_or_else(|e| {
            tracing::warn!(error = &e as &dyn std::error::Error, "the response cache cannot be read");
            None
        })
    }

    /// Keeps an answer. Nobody waits for it.
    pub(super) fn put(&self, slot: Slot, content_type: &'static str, body: Bytes) {
        let store = self.store.clone();
        tokio::spawn(async move {
            let at = Timestamp::now();
            let expires = at.checked_add(slot.keep).unwrap_or(Timestamp::MAX);
            let response = CachedResponse { at, content_type: content_type.to_owned(), body: body.to_vec() };
            if let Err(e) = store.cache_put(&slot.key, &response, expires).await {
                tracing::warn!(error = &e as &dyn std::error::Error, "an answer could not be put into the cache");
            }
        });
    }

    /// Removes what is too old or too much.
    pub(super) async fn trim(&self) -> Result<(), StoreError> {
        self.store.cache_trim(Timestamp::now(), self.max_bytes).await.map(drop)
    }
}
