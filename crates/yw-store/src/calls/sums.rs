//! Summing calls up.

use std::ops::Range;

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};
use yw_task::Usd;

use super::CallFilter;
use crate::{CallTokens, Store, StoreError};

/// What calls are summed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallGroup {
    /// The client's key: its name, or its id where it has no name.
    Key,
    /// The model that answered, or was asked last, as `provider/model`.
    Model,
    /// The provider that answered, or was asked last.
    Provider,
    /// The route that was taken.
    Route,
    /// The day, in UTC, as `2026-11-22`.
    Day,
    /// The HTTP status that the client got.
    Status,
}

/// Calls that have something in common, taken together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallSum {
    /// What they have in common, in the order that was asked for; none where calls have no such thing.
    pub group: Vec<Option<String>>,
    /// How many they are.
    pub calls: u64,
    /// How many of them failed.
    pub failures: u64,
    /// How many were answered from our own cache.
    pub cached: u64,
    /// How many have tokens that were counted here, because the provider did not come to say how many.
    pub estimated: u64,
    /// How many have tokens but no price: `usd` is too small.
    pub unpriced: u64,
    /// What the providers counted.
    pub tokens: CallTokens,
    /// What they cost, exactly.
    pub usd: Usd,
}

/// Microseconds.
const HOUR: i64 = 3_600_000_000;

/// What is counted, besides tokens and dollars.
const COUNTS: &str = "sum(calls), sum(calls * is_failure), sum(from_cache), sum(estimated), sum(unpriced)";

/// How many columns that is.
const N_COUNTS: usize = 5;

/// Sums over calls of the gateway.
impl Store {
    /// Sums up the calls that fit, in groups, in the order of what they are grouped by; without groups, in one sum.
    /// Everything that was acknowledged before is considered, by whatever process.
    ///
    /// Calls that were [trimmed](Store::trim_calls) count all the same for 400 days, except those in an hour that the
    /// filter's times cut.
    pub async fn call_sums(&self, filter: &CallFilter, by: &[CallGroup]) -> Result<Vec<CallSum>, StoreError> {
        self.settle_log().await?;
        let mut statement = QueryBuilder::<Sqlite>::new("SELECT ");
        statement.push(COUNTS);
        CallTokens::NAMES.iter().for_each(|name| _ = statement.push(format_args!(", sum({name})")));
        statement.push(", sum(micros), sum(picos)");
        by.iter().for_each(|group| _ = statement.push(", ").push(group.expression()));
        push_source(filter, &mut statement);
        let mut before = " GROUP BY ";
        for group in by {
            statement.push(before).push(group.expression());
            before = ", ";
        }
        let rows = statement
            .build()
            .persistent(false)
            .fetch_all(self.database().pool())
            .await
            .and_then(|rows| rows.iter().map(|row| sum(row, by)).collect::<Result<Vec<_>, _>>());
        let mut sums = rows.map_err(self.database().error("the calls"))?;
        sums.sort_by(|a, b| a.group.cmp(&b.group));
        Ok(sums)
    }
}

impl CallGroup {
    /// As text; empty for none.
    fn expression(self) -> &'static str {
        match self {
            CallGroup::Key => "iif(key_name <> '', key_name, key)",
            CallGroup::Model => "iif(provider <> '' AND model <> '', provider || '/' || model, model)",
            CallGroup::Provider => "provider",
            CallGroup::Route => "route",
            CallGroup::Day => "CAST(day AS TEXT)",
            CallGroup::Status => "CAST(status AS TEXT)",
        }
    }

    /// What the expression says, for people.
    fn value(self, text: String) -> Option<String> {
        if self != CallGroup::Day {
            return Some(text).filter(|text| !text.is_empty());
        }
        let seconds = text.parse::<i64>().ok()?.checked_mul(86_400)?;
        Some(Timestamp::from_second(seconds).ok()?.strftime("%F").to_string())
    }
}

/// Adds what sums are made of, ` FROM (…)`: the sums of whole hours, and calls where the filter's times cut an hour.
pub(super) fn push_source(filter: &CallFilter, statement: &mut QueryBuilder<Sqlite>) {
    let tokens = CallTokens::NAMES.join(", ");
    let (hours, edges) = cut_at_hours(filter);
    statement.push(format_args!(
        " FROM (SELECT hour / 24 AS day, key, key_name, route, provider, model, status, is_failure, is_refused, calls,
             from_cache, estimated, unpriced, {tokens}, micros, picos FROM call_sums WHERE hour >= "
    ));
    statement.push_bind(hours.start).push(" AND hour < ").push_bind(hours.end);
    filter.push_conditions(statement);
    for edge in edges.into_iter().filter(|edge| !edge.is_empty()) {
        statement.push(format_args!(
            " UNION ALL SELECT at / 86400000000, coalesce(key, ''), coalesce(key_name, ''), coalesce(route, ''),
                 coalesce(provider, ''), coalesce(model, ''), status, is_failure, is_refused, 1, is_cached, is_estimated,
                 NOT is_priced AND (input OR output), {tokens}, picos / 1000000, picos % 1000000
             FROM calls INDEXED BY calls_by_time WHERE at >= "
        ));
        statement.push_bind(edge.start).push(" AND at < ").push_bind(edge.end);
        filter.push_conditions(statement);
    }
    statement.push(")");
}

/// The whole hours in the filter's time, and what is left of it before and after them in microseconds.
fn cut_at_hours(filter: &CallFilter) -> (Range<i64>, [Range<i64>; 2]) {
    let since = filter.since.map(Timestamp::as_microsecond);
    let until = filter.until.map(Timestamp::as_microsecond);
    let first = since.map_or(i64::MIN, |since| -(-since).div_euclid(HOUR));
    let last = until.map_or(i64::MAX, |until| until.div_euclid(HOUR));
    if let (Some(since), Some(until), true) = (since, until, first > last) {
        return (0..0, [since..until, 0..0]);
    }
    let before = since.map_or(0..0, |since| since..first * HOUR);
    let after = until.map_or(0..0, |until| last * HOUR..until);
    (first..last, [before, after])
}

fn sum(row: &SqliteRow, by: &[CallGroup]) -> Result<CallSum, sqlx::Error> {
    // The sum of nothing is null.
    let number = |column: usize| row.try_get::<Option<i64>, _>(column).map(|n| n.unwrap_or(0));
    let count = |column: usize| number(column).map(|n| n.max(0) as u64);
    let mut tokens = [0; CallTokens::NAMES.len()];
    for (column, count_of_kind) in (N_COUNTS..).zip(&mut tokens) {
        *count_of_kind = count(column)?;
    }
    let money = N_COUNTS + tokens.len();
    let value = |(column, group): (usize, &CallGroup)| Ok(group.value(row.try_get(column)?));
    Ok(CallSum {
        group: (money + 2..).zip(by).map(value).collect::<Result<_, sqlx::Error>>()?,
        calls: count(0)?,
        failures: count(1)?,
        cached: count(2)?,
        estimated: count(3)?,
        unpriced: count(4)?,
        tokens: CallTokens::from_counts(tokens),
        usd: usd(number(money)?, number(money + 1)?),
    })
}

/// Dollars from two sums: of the whole millionths, and of the rest in picodollars.
pub(super) fn usd(micros: i64, picos: i64) -> Usd {
    Usd::from_picos(i128::from(micros) * 1_000_000 + i128::from(picos))
}
