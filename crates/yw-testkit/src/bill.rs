//! What the server did and what it charged.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use serde_json::Value;
use yw_task::Usage;

use crate::dialect::Completion;

/// One request that came, of any kind, in order of arrival.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    /// The HTTP method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// Header names in lower case, with their values.
    pub headers: Vec<(String, String)>,
    /// The body; null if it is not JSON.
    pub body: Value,
    /// When it had been read.
    pub at: Instant,
}

impl RecordedRequest {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// What a provider would charge, and what became of the other replies.
///
/// A reply is billed when its last byte is written. Error statuses, cut replies and replies whose bytes are broken are
/// not billed: no client can know what they cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bill {
    /// The billed replies: how many, their tokens, their price.
    pub usage: Usage,
    /// Replies that were begun or due, but not written to their end: by a fault, or because the client went away.
    pub cut: u64,
    /// Replies written to their end that no client can read: [`MalformedJson`](crate::Fault::MalformedJson),
    /// [`InvalidUtf8`](crate::Fault::InvalidUtf8), [`ErrorInReply`](crate::Fault::ErrorInReply).
    pub unreadable: u64,
    /// Error statuses, scripted ones and those for requests that no provider would take.
    pub refused: u64,
    /// Replies given again, for nothing, under an `Idempotency-Key` that had been answered.
    pub replayed: u64,
    /// How often each `Idempotency-Key` was billed.
    pub calls_by_key: BTreeMap<String, u64>,
    /// How often each row was billed; rows are told apart by [`Script::row_prefix`](crate::Script::row_prefix).
    pub calls_by_row: BTreeMap<String, u64>,
}

impl Bill {
    /// The rows that were billed more than once.
    pub fn rows_paid_twice(&self) -> Vec<&str> {
        self.calls_by_row.iter().filter(|(_, n)| **n > 1).map(|(row, _)| row.as_str()).collect()
    }
}

/// Everything the server remembers.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) requests: Vec<RecordedRequest>,
    pub(crate) n_chats: u64,
    /// How often each body came, by its hash.
    pub(crate) attempts: HashMap<u64, u64>,
    /// The hash of the body and the reply, by `Idempotency-Key`.
    pub(crate) answered: HashMap<String, (u64, Completion)>,
    pub(crate) bill: Bill,
}
