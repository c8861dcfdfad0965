//! What can go wrong, and when.

use std::time::Duration;

use crate::request::ChatRequest;
use crate::rng;

/// One way in which a reply goes wrong.
///
/// The first group answers something else, the second breaks the connection or the time, the third breaks the bytes or
/// makes them unusual, the fourth breaks only what the model says: such a reply is well-formed and is billed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An error status with the dialect's error body, or with `body` as it is.
    Status {
        /// The HTTP status.
        code: u16,
        /// The `retry-after` header, rounded up to milliseconds.
        retry_after: Option<Duration>,
        /// A body instead of the dialect's own, e.g. a proxy's HTML page.
        body: Option<String>,
    },
    /// Status 200 with an error body; in a stream, an error event halfway.
    ErrorInReply,

    /// The connection is closed after the request was read.
    CutBeforeHeaders,
    /// The connection is closed halfway through the body.
    CutMidBody,
    /// The connection is reset after the request was read.
    Reset,
    /// The reply is right but begins late.
    SlowHeaders(Duration),
    /// The reply is right but comes in pieces (events, in a stream), and each takes this long.
    SlowBody(Duration),
    /// The reply is right but comes in pieces of so many bytes, which split characters and lines.
    Fragments(usize),
    /// The reply is right but comes in two pieces, the first of so many bytes.
    SplitAt(usize),
    /// Nothing comes, until the client hangs up.
    Hang,
    /// The connection is closed after so many bytes of the body.
    CutAfter(usize),
    /// The connection is closed after so many pieces of content in a stream; after the head otherwise.
    CutAfterContent(usize),
    /// An error event comes after so many pieces of content in a stream; an error body otherwise.
    ErrorAfterContent(usize),
    /// Nothing comes for this long after so many pieces of content in a stream, or after the head; then all is right.
    StallAfterContent(usize, Duration),

    /// The body's JSON breaks off, though as many bytes come as were promised. In a stream, one event's JSON does.
    MalformedJson,
    /// The body holds bytes that are not UTF-8.
    InvalidUtf8,
    /// So many bytes that mean nothing come before a right reply.
    HugeBody(usize),
    /// One event of a stream, or the body, holds so many bytes of white space more.
    HugeEvent(usize),
    /// So many headers more.
    ManyHeaders(usize),
    /// Server-sent events in the least usual way that is allowed: CRLF, comments, data over several lines.
    OddEvents,
    /// The event that ends a stream does not come; a right reply otherwise. Billed as unreported.
    NoEnd,
    /// The reply does not say what it used. Billed as unreported.
    NoUsage,

    /// The model's answer has the right shape and a value that the schema does not allow.
    WrongLabel,
    /// The model answers with a sentence.
    NotJsonContent,
    /// The model answers with nothing.
    EmptyContent,
    /// The model is cut off halfway, and says so in its finish reason.
    Truncated,
    /// The model refuses, and says so in its finish reason.
    Refusal,
}

impl Fault {
    /// An error status with the dialect's body and no `retry-after`.
    pub fn status(code: u16) -> Self {
        Fault::Status { code, retry_after: None, body: None }
    }

    /// Status 429 with a `retry-after`.
    pub fn rate_limited(retry_after: Duration) -> Self {
        Fault::Status { code: 429, retry_after: Some(retry_after), body: None }
    }
}

/// Which chat requests a fault befalls.
///
/// All but `Nth` and `Every` look at the request's body and not at the order of arrival, so that they befall the same
/// requests however many run at once.
#[derive(Debug, Clone, PartialEq)]
pub enum When {
    /// All of them.
    Always,
    /// The nth to arrive, from 1 on.
    Nth(u64),
    /// Every kth to arrive: the kth, the 2kth and so on.
    Every(u64),
    /// The first n times that one and the same body comes.
    FirstAttempts(u64),
    /// Those whose question contains this text.
    Asking(String),
    /// Those for this model.
    Model(String),
    /// Each with this probability, decided by the seed, the body, and the attempt.
    Chance(f64),
}

impl When {
    /// Whether it looks at how often a body came before.
    pub(crate) fn counts_attempts(&self) -> bool {
        matches!(self, When::FirstAttempts(_) | When::Chance(_))
    }

    /// Whether the fault at `fault_idx` of the script befalls this request.
    pub(crate) fn hits(&self, request: &ChatRequest, seed: u64, fault_idx: usize) -> bool {
        match self {
            When::Always => true,
            When::Nth(n) => request.ordinal == *n,
            When::Every(k) => *k > 0 && request.ordinal.is_multiple_of(*k),
            When::FirstAttempts(n) => request.attempt <= *n,
            When::Asking(text) => request.question().contains(text.as_str()),
            When::Model(model) => request.model == *model,
            When::Chance(p) => {
                let facts = [seed, fault_idx as u64, request.body_hash, request.attempt].map(u64::to_le_bytes);
                rng::Rng::new(rng::hash(facts.iter().map(<[u8; 8]>::as_slice))).chance(*p)
            }
        }
    }
}
