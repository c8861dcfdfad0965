//! Forgetting the oldest calls.

use std::time::Duration;

use jiff::Timestamp;

use crate::database::Database;
use crate::{Store, StoreError, log};

/// What trimming did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrimmedCalls {
    /// How many calls were forgotten.
    pub calls: u64,
    /// About what the others take on the disk, in bytes.
    pub bytes_left: u64,
}

/// How many calls are forgotten in one transaction. While it lasts no other writer gets its turn.
const IN_ONE_TRANSACTION: u64 = 128;

/// How long sums outlive their calls: longer than any limit looks back.
const SUMS_KEPT: Duration = Duration::from_secs(400 * 86_400);

/// Microseconds.
const HOUR: i64 = 3_600_000_000;

/// Retention of calls.
impl Store {
    /// Forgets calls older than `max_age`, and the oldest of the others until they take about `max_bytes`. Their
    /// [sums](Store::call_sums) and [what was spent](Store::spent_since) are remembered for 400 days.
    ///
    /// Done in the background in small steps, so it may be called while serving. The space becomes free for other
    /// records; the file does not shrink. A future that is dropped stops the work between two steps.
    pub async fn trim_calls(
        &self,
        max_age: Option<Duration>,
        max_bytes: Option<u64>,
    ) -> Result<TrimmedCalls, StoreError> {
        let now = Timestamp::now();
        let oldest = max_age.map_or(i64::MIN, |age| before(now, age));
        self.in_background("the calls", move |database| async move {
            // A call that is still in a segment would come back, and would then have been spent twice.
            let settled = log::oldest_segment_ms(database.state_dir()).await?.unwrap_or(i64::MAX);
            let is_too_much = |bytes| max_bytes.is_some_and(|most| bytes > most);
            let mut trimmed = TrimmedCalls { calls: 0, bytes_left: calls_bytes(&database).await? };
            loop {
                let until = if is_too_much(trimmed.bytes_left) { i64::MAX } else { oldest };
                let deleted = delete_oldest(&database, until, settled).await?;
                trimmed.calls += deleted;
                trimmed.bytes_left = calls_bytes(&database).await?;
                if deleted == 0 || (deleted < IN_ONE_TRANSACTION && !is_too_much(trimmed.bytes_left)) {
                    break;
                }
            }
            forget_sums(&database, before(now, SUMS_KEPT)).await?;
            Ok(trimmed)
        })
        .await
    }
}

/// A moment in microseconds since the epoch; the beginning of time if it is too far back.
fn before(now: Timestamp, age: Duration) -> i64 {
    i64::try_from(age.as_micros()).map_or(i64::MIN, |age| now.as_microsecond().saturating_sub(age))
}

async fn calls_bytes(database: &Database) -> Result<u64, StoreError> {
    let bytes: i64 = sqlx::query_scalar("SELECT bytes FROM calls_size")
        .fetch_one(database.pool())
        .await
        .map_err(database.error("the calls"))?;
    Ok(bytes.max(0) as u64)
}

/// Deletes the oldest of the calls before `until` that came from segments begun before `settled`.
async fn delete_oldest(database: &Database, until: i64, settled: i64) -> Result<u64, StoreError> {
    let mut write = database.write("the calls").await?;
    let done = sqlx::query(
        "DELETE FROM calls WHERE call IN (
             SELECT call FROM calls INDEXED BY calls_by_time WHERE at < ? AND segment < ? ORDER BY at LIMIT ?
         )",
    )
    .bind(until)
    .bind(settled)
    .bind(IN_ONE_TRANSACTION as i64)
    .execute(write.connection())
    .await
    .map_err(write.error())?;
    write.commit().await?;
    Ok(done.rows_affected())
}

async fn forget_sums(database: &Database, until: i64) -> Result<(), StoreError> {
    let mut write = database.write("the calls").await?;
    sqlx::query("DELETE FROM call_sums WHERE hour < ?")
        .bind(until.div_euclid(HOUR))
        .execute(write.connection())
        .await
        .map_err(write.error())?;
    write.commit().await
}
