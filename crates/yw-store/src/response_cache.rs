//! Answers of providers that may be given again.
//!
//! Unlike [replies](Store::replies_get), which are kept because they were paid for, these may be forgotten at any time.

use jiff::Timestamp;

use crate::database::Database;
use crate::{Store, StoreError};

/// An answer that may be given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedResponse {
    /// When it was given first.
    pub at: Timestamp,
    /// The type of its body, as in HTTP.
    pub content_type: String,
    /// Its body.
    pub body: Vec<u8>,
}

/// What trimming the cache did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrimmedCache {
    /// How many answers were forgotten.
    pub responses: u64,
    /// About what the others take on the disk, in bytes.
    pub bytes_left: u64,
}

/// What an answer takes on the disk besides its body, its entries in the indexes included.
const BYTES_BESIDES: usize = 200;

/// The cache of responses.
impl Store {
    /// The answer under a key, if there is one that is valid at `now`.
    pub async fn cache_get(&self, key: &[u8; 32], now: Timestamp) -> Result<Option<CachedResponse>, StoreError> {
        let row: Option<(i64, String, Vec<u8>)> =
            sqlx::query_as("SELECT at, content_type, body FROM response_cache WHERE key = ? AND expires > ?")
                .bind(key.as_slice())
                .bind(now.as_microsecond())
                .fetch_optional(self.database().pool())
                .await
                .map_err(self.database().error("the response cache"))?;
        row.map(|(at, content_type, body)| {
            Ok(CachedResponse { at: self.database().timestamp(at)?, content_type, body })
        })
        .transpose()
    }

    /// Keeps an answer until it expires, in place of an earlier one under the same key.
    pub async fn cache_put(
        &self,
        key: &[u8; 32],
        response: &CachedResponse,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.database().write("the response cache").await?;
        sqlx::query(
            "INSERT OR REPLACE INTO response_cache (key, at, expires, content_type, bytes, body)
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(key.as_slice())
        .bind(response.at.as_microsecond())
        .bind(expires.as_microsecond())
        .bind(&response.content_type)
        .bind((response.body.len() + BYTES_BESIDES) as i64)
        .bind(response.body.as_slice())
        .execute(write.connection())
        .await
        .map_err(write.error())?;
        write.commit().await
    }

    /// Forgets answers that have expired at `now`, and the oldest of the others until they take about `max_bytes`.
    ///
    /// Done in the background in small steps, so it may be called while serving. The space becomes free for other
    /// records; the file does not shrink. A future that is dropped stops the work between two steps.
    pub async fn cache_trim(&self, now: Timestamp, max_bytes: u64) -> Result<TrimmedCache, StoreError> {
        self.in_background("the response cache", move |database| async move {
            let mut trimmed = TrimmedCache::default();
            loop {
                let deleted = delete(&database, EXPIRED, now.as_microsecond()).await?;
                trimmed.responses += deleted.len() as u64;
                if deleted.is_empty() {
                    break;
                }
            }
            trimmed.bytes_left = cached_bytes(&database).await?;
            while trimmed.bytes_left > max_bytes {
                let deleted = delete(&database, OLDEST, i64::MAX).await?;
                if deleted.is_empty() {
                    break;
                }
                trimmed.responses += deleted.len() as u64;
                trimmed.bytes_left = trimmed.bytes_left.saturating_sub(deleted.iter().sum::<i64>() as u64);
            }
            Ok(trimmed)
        })
        .await
    }
}

/// Deletes some answers that have expired by a time.
const EXPIRED: &str = "DELETE FROM response_cache WHERE key IN (
    SELECT key FROM response_cache INDEXED BY response_cache_by_end WHERE expires <= ? LIMIT 32
) RETURNING bytes";

/// Deletes some of the oldest answers that were given by a time.
const OLDEST: &str = "DELETE FROM response_cache WHERE key IN (
    SELECT key FROM response_cache INDEXED BY response_cache_by_time WHERE at <= ? ORDER BY at LIMIT 32
) RETURNING bytes";

/// Deletes, and returns what was freed. Few at a time: while a transaction lasts no other writer gets its turn.
async fn delete(database: &Database, statement: &'static str, time: i64) -> Result<Vec<i64>, StoreError> {
    let mut write = database.write("the response cache").await?;
    let deleted =
        sqlx::query_scalar(statement).bind(time).fetch_all(write.connection()).await.map_err(write.error())?;
    write.commit().await?;
    Ok(deleted)
}

async fn cached_bytes(database: &Database) -> Result<u64, StoreError> {
    let bytes: i64 = sqlx::query_scalar("SELECT coalesce(sum(bytes), 0) FROM response_cache")
        .fetch_one(database.pool())
        .await
        .map_err(database.error("the response cache"))?;
    Ok(bytes.max(0) as u64)
}
