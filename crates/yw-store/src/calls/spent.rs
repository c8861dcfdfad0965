//! What was spent since some moment, for limits that go on after a restart.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite};
use yw_task::Usd;

use super::CallFilter;
use super::sums::{push_source, usd};
use crate::{Store, StoreError};

/// What calls have taken of limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// How many there were. Those that were refused do not count.
    pub requests: u64,
    /// Tokens read and written.
    pub tokens: u64,
    /// Dollars, exactly.
    pub usd: Usd,
}

/// What was spent since some moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpentSince {
    /// By the id of the client's key.
    pub keys: BTreeMap<String, Spent>,
    /// By all, those without a key included.
    pub total: Spent,
}

/// What the gateway's clients have spent.
impl Store {
    /// What was spent by calls that came at `at` or later; everything that was acknowledged before is considered, by
    /// whatever process. Calls that were [trimmed](Store::trim_calls) count all the same, except those in the hour of
    /// `at`, if that is not its begin.
    pub async fn spent_since(&self, at: Timestamp) -> Result<SpentSince, StoreError> {
        self.settle_log().await?;
        let mut statement =
            QueryBuilder::<Sqlite>::new("SELECT key, sum(calls), sum(input + output), sum(micros), sum(picos)");
        push_source(&CallFilter { since: Some(at), ..CallFilter::default() }, &mut statement);
        statement.push(" WHERE NOT is_refused GROUP BY key");
        let rows: Vec<(String, i64, i64, i64, i64)> = statement
            .build_query_as()
            .persistent(false)
            .fetch_all(self.database().pool())
            .await
            .map_err(self.database().error("the calls"))?;
        let mut since = SpentSince::default();
        for (key, requests, tokens, micros, picos) in rows {
            let count = |n: i64| n.max(0) as u64;
            let spent = Spent { requests: count(requests), tokens: count(tokens), usd: usd(micros, picos) };
            since.total.requests += spent.requests;
            since.total.tokens += spent.tokens;
            since.total.usd += spent.usd;
            if !key.is_empty() {
                since.keys.insert(key, spent);
            }
        }
        Ok(since)
    }
}
