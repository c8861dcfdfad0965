//! How the scripted server answers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::fault::{Fault, When};
use crate::reply::Reply;
use crate::request::ChatRequest;
use crate::schema;
use crate::tokens::{Prices, Tokens};

/// What a [`ScriptedServer`](crate::ScriptedServer) does: its answers, its prices, its faults.
#[derive(Clone)]
pub struct Script {
    pub(crate) reply: Arc<ReplyFn>,
    pub(crate) tokens: Arc<CountFn>,
    pub(crate) faults: Vec<(When, Fault)>,
    pub(crate) seed: u64,
    pub(crate) latency: Duration,
    pub(crate) idempotent: bool,
    pub(crate) prices: Prices,
    pub(crate) row_prefix: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) models: Vec<String>,
    pub(crate) records: bool,
    pub(crate) max_body_bytes: usize,
    pub(crate) pace: Duration,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) aws: Option<(String, String)>,
    pub(crate) embedding_length: usize,
    /// Whether a fault looks at how often a body came before.
    pub(crate) counts_attempts: bool,
    /// What every chat gets at once.
    pub(crate) instant: Option<(String, Tokens)>,
}

type ReplyFn = dyn Fn(&ChatRequest) -> Reply + Send + Sync;
type CountFn = dyn Fn(&ChatRequest, &str) -> Tokens + Send + Sync;

impl Script {
    /// Answers with what `reply` returns.
    pub fn new(reply: impl Fn(&ChatRequest) -> Reply + Send + Sync + 'static) -> Self {
        Script {
            reply: Arc::new(reply),
            tokens: Arc::new(Tokens::count),
            faults: Vec::new(),
            seed: 0,
            latency: Duration::ZERO,
            idempotent: true,
            prices: Prices::default(),
            row_prefix: None,
            key: None,
            models: vec!["scripted".to_owned()],
            records: true,
            max_body_bytes: 64 << 20,
            pace: Duration::ZERO,
            headers: Vec::new(),
            aws: None,
            embedding_length: 8,
            counts_attempts: false,
            instant: None,
        }
    }

    /// Answers with a value, put into the request's schema as [`Reply::answer`] says.
    pub fn answer<V: Into<Value>>(value: impl Fn(&ChatRequest) -> V + Send + Sync + 'static) -> Self {
        Script::new(move |request| Reply::answer(value(request)))
    }

    /// Answers with the label of the first rule whose keyword stands in the question, in any case, else `otherwise`.
    pub fn echo_label(rules: &[(&str, &str)], otherwise: &str) -> Self {
        let rules: Vec<(String, String)> = rules.iter().map(|(k, l)| (k.to_lowercase(), l.to_string())).collect();
        let otherwise = otherwise.to_owned();
        Script::answer(move |request| {
            let question = request.question().to_lowercase();
            let found = rules.iter().find(|(keyword, _)| question.contains(keyword));
            found.map_or(&otherwise, |(_, label)| label).clone()
        })
    }

    /// Answers with any value that fits the request's schema, decided by the seed and the question alone.
    pub fn guess(seed: u64) -> Self {
        Script::new(move |request| Reply::answer(schema::guess(request, seed))).seed(seed)
    }

    /// The instant upstream of load tests: every chat gets this text and this usage at once, from bytes that are ready.
    ///
    /// Requests are not read beyond their key, path and whether they ask for a stream, and not kept; replies come from a
    /// model called `instant`, have no faults and no latency, and are billed.
    pub fn instant(text: impl Into<String>, tokens: Tokens) -> Self {
        let text = text.into();
        let reply = Reply::text(text.clone()).with_tokens(tokens);
        Script { instant: Some((text, tokens)), ..Script::new(move |_| reply.clone()).without_records() }
    }

    /// Counts tokens in another way than [`Tokens::count`]; the closure gets the request and the content of the reply:
    /// its reasoning, its text and the arguments of its calls. Reasoning is counted apart if the closure does not.
    pub fn tokens(mut self, count: impl Fn(&ChatRequest, &str) -> Tokens + Send + Sync + 'static) -> Self {
        self.tokens = Arc::new(count);
        self
    }

    /// Adds a fault. Where several befall one request, the one that was added first does.
    pub fn fault(mut self, when: When, fault: Fault) -> Self {
        self.counts_attempts |= when.counts_attempts();
        self.faults.push((when, fault));
        self
    }

    /// The seed of [`When::Chance`]; 0 unless set.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How long every reply takes to begin, faulty ones too.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Whether a request whose `Idempotency-Key` was answered completely gets the same reply again, unbilled and
    /// without faults; yes unless set. The same key with another body is refused with status 422 then.
    pub fn idempotent(mut self, yes: bool) -> Self {
        self.idempotent = yes;
        self
    }

    /// What the bill is reckoned at; [`Prices::default`] unless set.
    pub fn prices(mut self, prices: Prices) -> Self {
        self.prices = prices;
        self
    }

    /// Tells rows apart by the last word of the question that starts with `prefix`, for
    /// [`Bill::calls_by_row`](crate::Bill::calls_by_row).
    pub fn row_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.row_prefix = Some(prefix.into());
        self
    }

    /// Refuses requests that do not bring this key where their dialect and platform have it, with status 401: a bearer
    /// everywhere, else Anthropic's `x-api-key`, Gemini's `x-goog-api-key`, Azure's `api-key`, Bedrock's signature.
    pub fn require_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// What `/v1/models` lists. Chat requests may name any model.
    pub fn models<S: Into<String>>(mut self, models: impl IntoIterator<Item = S>) -> Self {
        self.models = models.into_iter().map(Into::into).collect();
        self
    }

    /// Knows this secret access key of AWS, so that the signatures of requests to Bedrock are verified. Without one it
    /// is only checked that a signature has all its parts and that the headers it names were sent.
    pub fn aws_key(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.aws = Some((id.into(), secret.into()));
        self
    }

    /// How long each event of a stream takes; no time unless set.
    pub fn pace(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// Adds a header to every reply, faulty ones too.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// How many numbers an embedding has where the request does not say; 8 unless set.
    pub fn embedding_length(mut self, n: usize) -> Self {
        self.embedding_length = n;
        self
    }

    /// Keeps nothing that grows with the number of requests, for long load tests: no requests, keys and rows.
    pub fn without_records(mut self) -> Self {
        self.records = false;
        self
    }

    /// The longest request body that is not refused with status 413; 64 MiB unless set.
    pub fn max_body_bytes(mut self, n_bytes: usize) -> Self {
        self.max_body_bytes = n_bytes;
        self
    }

    /// The fault that befalls a request, if any.
    pub(crate) fn fault_for(&self, request: &ChatRequest) -> Option<&Fault> {
        let hit = |(idx, (when, _)): &(usize, &(When, Fault))| when.hits(request, self.seed, *idx);
        self.faults.iter().enumerate().find(hit).map(|(_, (_, fault))| fault)
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("faults", &self.faults).field("seed", &self.seed).finish_non_exhaustive()
    }
}
