//! Bringing calls from segments into the table.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sqlx::{QueryBuilder, Sqlite};
use yw_task::Usd;

use crate::CallTokens;
use crate::record::call::{Decimal, is_failure, is_refused};

/// A call as the database wants it.
pub(crate) struct CallRow<'a> {
    keys: Keys<'a>,
    /// What it cost, in picodollars.
    picos: i64,
    json: &'a str,
}

/// What is in columns of its own.
#[derive(Deserialize)]
struct Keys<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    at: Timestamp,
    key: Option<String>,
    key_name: Option<String>,
    route: Option<String>,
    provider: Option<String>,
    model: Option<String>,
    // Not the enum: an operation that only a newer program knows is no damage.
    #[serde(borrow)]
    operation: Cow<'a, str>,
    #[serde(default)]
    attempts: Vec<IgnoredAny>,
    #[serde(default)]
    tokens: CallTokens,
    #[serde(borrow)]
    usd: Cow<'a, str>,
    #[serde(default)]
    priced: bool,
    #[serde(default)]
    estimated: bool,
    #[serde(default)]
    cached: bool,
    status: u16,
    error: Option<IgnoredAny>,
}

/// A count above this is no count but a provider's mistake; the record keeps what it said. Sums of so many calls as fit
/// on a disk stay within the database's integers.
const TOKENS_AT_MOST: u64 = 1 << 40;

/// What a row takes on the disk besides its record, its entries in the indexes included; measured.
const BYTES_BESIDES: usize = 300;

impl<'a> CallRow<'a> {
    /// Reads what was appended; nothing if it is no call.
    pub(crate) fn parse(json: &'a str) -> Option<Self> {
        let keys: Keys<'a> = serde_json::from_str(json).ok()?;
        let picos = picos(Decimal::parse(&keys.usd)?.0)?;
        Some(CallRow { keys, picos, json })
    }
}

/// What a call cost as the database has it; nothing if it is more than nine million dollars.
pub(crate) fn picos(usd: Usd) -> Option<i64> {
    usd.picos().try_into().ok()
}

/// The statement that inserts calls that came from a segment begun at `segment_ms`. What is there already stays as it
/// is.
pub(crate) fn insertion(rows: &[CallRow<'_>], segment_ms: i64) -> QueryBuilder<Sqlite> {
    let mut statement = QueryBuilder::new(
        "INSERT INTO calls (id, at, segment, key, key_name, route, provider, model, operation, status, is_failure,
             is_refused, is_cached, is_priced, is_estimated, picos, bytes, record",
    );
    CallTokens::NAMES.iter().for_each(|name| _ = statement.push(", ").push(name));
    statement.push(") ");
    statement.push_values(rows, |mut row, CallRow { keys, picos, json }| {
        row.push_bind(&*keys.id)
            .push_bind(keys.at.as_microsecond())
            .push_bind(segment_ms)
            .push_bind(some(&keys.key))
            .push_bind(some(&keys.key_name))
            .push_bind(some(&keys.route))
            .push_bind(some(&keys.provider))
            .push_bind(some(&keys.model))
            .push_bind(&*keys.operation)
            .push_bind(keys.status)
            .push_bind(is_failure(keys.status, keys.error.is_some()))
            .push_bind(is_refused(&keys.operation, keys.attempts.is_empty()))
            .push_bind(keys.cached)
            .push_bind(keys.priced)
            .push_bind(keys.estimated)
            .push_bind(picos)
            .push_bind((json.len() + BYTES_BESIDES) as i64)
            .push_bind(*json);
        for count in keys.tokens.counts() {
            row.push_bind(count.min(TOKENS_AT_MOST) as i64);
        }
    });
    statement.push(" ON CONFLICT (id) DO NOTHING");
    statement
}

/// Empty text is none, as in sums.
fn some(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}
