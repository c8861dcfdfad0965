use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use yw_task::{BoxFuture, Usd};

use crate::StoreError;

/// Keeps paid replies, as bytes by key.
///
/// *Durability*: when `put` has returned, the bytes survive the end of the process at any moment. *Order*: `get` sees every
/// `put` that returned before it began. *Threads*: may be called concurrently, also for the same key, where the bytes of
/// any `put` may win. *Cancellation*: a dropped `put` has either happened or not.
pub trait ReplyStore: Send + Sync {
    /// The bytes under a key, if any.
    fn get<'a>(&'a self, key: &'a [u8; 32]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>>;

    /// Puts bytes under a key, in place of what was there.
    fn put<'a>(&'a self, key: &'a [u8; 32], reply: Vec<u8>) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// A [`ReplyStore`] that forgets everything when the process ends; for tests and for work that need not be kept.
#[derive(Debug, Default)]
pub struct MemoryReplyStore(Mutex<HashMap<[u8; 32], Vec<u8>>>);

impl ReplyStore for MemoryReplyStore {
    fn get<'a>(&'a self, key: &'a [u8; 32]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        Box::pin(std::future::ready(Ok(found)))
    }

    fn put<'a>(&'a self, key: &'a [u8; 32], reply: Vec<u8>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(*key, reply);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// A reply with what cannot be read off its body.
///
/// As bytes it is one line of JSON, then the body exactly as the provider sent it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredReply {
    pub(crate) body: Bytes,
    pub(crate) latency: Duration,
    /// What it cost when it was made; none where the price was not known.
    pub(crate) usd: Option<Usd>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    /// When the reply came, for people who look into the store.
    at: String,
    latency_us: u64,
    /// As text: JSON numbers are not exact at this size everywhere.
    usd_picos: Option<String>,
}

const VERSION: u32 = 1;

#[derive(Debug, thiserror::Error)]
pub(crate) enum StoredReplyError {
    #[error("a kept reply is damaged")]
    Damaged(#[source] Option<serde_json::Error>),
    #[error("a kept reply has version {0}, and this program reads version {VERSION}")]
    Version(u32),
}

impl StoredReply {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let header = Header {
            version: VERSION,
            at: jiff::Timestamp::now().to_string(),
            latency_us: u64::try_from(self.latency.as_micros()).unwrap_or(u64::MAX),
            usd_picos: self.usd.map(|usd| usd.picos().to_string()),
        };
        // Numbers, a time and a fixed set of keys: this cannot fail, and an empty header would be found out on reading.
        let mut bytes = serde_json::to_vec(&header).unwrap_or_default();
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.body);
        bytes
    }

    pub(crate) fn decode(bytes: Vec<u8>) -> Result<Self, StoredReplyError> {
        let bytes = Bytes::from(bytes);
        let line_end = bytes.iter().position(|&b| b == b'\n').ok_or(StoredReplyError::Damaged(None))?;
        let value: serde_json::Value =
            serde_json::from_slice(&bytes[..line_end]).map_err(|e| StoredReplyError::Damaged(Some(e)))?;
        // The version first: a later one may have another header.
        match value["version"].as_u64() {
            Some(version) if version == u64::from(VERSION) => {}
            Some(version) => return Err(StoredReplyError::Version(u32::try_from(version).unwrap_or(u32::MAX))),
            None => return Err(StoredReplyError::Damaged(None)),
        }
        let header: Header = serde_json::from_value(value).map_err(|e| StoredReplyError::Damaged(Some(e)))?;
        let picos =
            header.usd_picos.map(|text| text.parse()).transpose().map_err(|_| StoredReplyError::Damaged(None))?;
        Ok(StoredReply {
            body: bytes.slice(line_end + 1..),
            latency: Duration::from_micros(header.latency_us),
            usd: picos.map(Usd::from_picos),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_survive_their_bytes() {
        for usd in [None, Some(Usd::from_picos(i128::from(u64::MAX) * 1_000))] {
            let body = Bytes::from_static(b"{\n\"a\": 1}\n\xff");
            let reply = StoredReply { body, latency: Duration::from_micros(1_234_567), usd };
            assert_eq!(StoredReply::decode(reply.encode()).unwrap(), reply);
        }
    }

    #[test]
    fn damage_and_other_versions_are_told_apart() {
        assert!(matches!(StoredReply::decode(b"{}\n".to_vec()), Err(StoredReplyError::Damaged(_))));
        assert!(matches!(StoredReply::decode(b"{\"version\":1".to_vec()), Err(StoredReplyError::Damaged(_))));
        assert!(matches!(StoredReply::decode(b"{\"version\":2}\n{}".to_vec()), Err(StoredReplyError::Version(2))));
    }
}
