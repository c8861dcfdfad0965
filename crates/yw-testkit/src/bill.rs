//! What the server did and what it charged.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use serde_json::{Value, json};
use yw_task::{Usage, Usd};

use crate::dialect::Completion;
use crate::tokens::{Prices, Tokens};

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
/// not billed: no client can know what they cost. What providers do charge without saying so has lines of its own:
/// streams that the client left, and replies that do not report their usage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bill {
    /// The billed replies: how many, their tokens, their price.
    pub usage: Usage,
    /// The tokens of the billed replies, of every kind.
    pub tokens: Tokens,
    /// The billed replies by model.
    pub usage_by_model: BTreeMap<String, Usage>,
    /// Streams that the client left before their end, with what they had produced by then.
    pub abandoned: Line,
    /// Whole replies that did not say what they used: [`NoUsage`](crate::Fault::NoUsage),
    /// [`NoEnd`](crate::Fault::NoEnd).
    pub unreported: Line,
    /// Replies that were due, but not written to their end: by a fault, or because the client went away before a byte
    /// of a stream was sent.
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
    pub(crate) fn charge(&mut self, model: &str, tokens: Tokens, prices: Prices) {
        let usage = prices.usage(tokens);
        self.usage += usage;
        self.tokens += tokens;
        match self.usage_by_model.get_mut(model) {
            Some(sum) => *sum += usage,
            None => drop(self.usage_by_model.insert(model.to_owned(), usage)),
        }
    }

    /// The bill for programs in other languages; dollars are whole picodollars in text.
    pub fn to_json(&self) -> Value {
        let line = |calls: u64, tokens: &Tokens, usd: Usd| json!({ "calls": calls, "tokens": tokens.to_json(), "usd_picos": usd.picos().to_string() });
        let model = |(name, usage): (&String, &Usage)| {
            let sum = json!({ "calls": usage.calls, "usd_picos": usage.usd.picos().to_string() });
            (name.clone(), sum)
        };
        json!({
            "billed": line(self.usage.calls, &self.tokens, self.usage.usd),
            "by_model": self.usage_by_model.iter().map(model).collect::<serde_json::Map<_, _>>(),
            "abandoned": line(self.abandoned.calls, &self.abandoned.tokens, self.abandoned.usd),
            "unreported": line(self.unreported.calls, &self.unreported.tokens, self.unreported.usd),
            "cut": self.cut,
            "unreadable": self.unreadable,
            "refused": self.refused,
            "replayed": self.replayed,
        })
    }

    /// The rows that were billed more than once.
    pub fn rows_paid_twice(&self) -> Vec<&str> {
        self.calls_by_row.iter().filter(|(_, n)| **n > 1).map(|(row, _)| row.as_str()).collect()
    }
}

/// A part of a bill that stands beside the sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Line {
    /// How many replies.
    pub calls: u64,
    /// Their tokens.
    pub tokens: Tokens,
    /// Their price.
    pub usd: Usd,
}

impl Line {
    pub(crate) fn add(&mut self, tokens: Tokens, prices: Prices) {
        self.calls += 1;
        self.tokens += tokens;
        self.usd += prices.cost(tokens);
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
