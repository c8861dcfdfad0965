//! What the project says of providers, routes and the server.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use yw_task::{Dialect, KeyScheme, ModelRef, Usd};

/// A company or server that models are reached at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSpec {
    /// Its name, the first part of `provider/model`.
    pub name: String,
    /// The name under which prices and peculiarities are known: that of a well-known provider, or its own.
    pub like: String,
    /// What it speaks; at least one, each once. Other dialects are translated to the first.
    pub dialects: Vec<Dialect>,
    /// Where: `http` or `https`, without credentials, query, fragment or a slash at the end. What the dialect appends
    /// is missing. Of Azure with an `api_version`, the resource's address, without a path.
    pub base_url: String,
    /// The version of Azure's older API: `BASE/openai/deployments/MODEL/chat/completions?api-version=VERSION`.
    pub api_version: Option<String>,
    /// The AWS region; always there with [`KeyScheme::SigV4`].
    pub region: Option<String>,
    /// How the key is sent.
    pub key_scheme: KeyScheme,
    /// Where the key is.
    pub key: KeySource,
    /// Whether it does not answer without a key.
    pub needs_key: bool,
    /// Headers of every request: names in lower case, each once, none of them a key's or the connection's; values in
    /// printable ASCII.
    pub headers: Vec<(String, String)>,
    /// Calls under way at once, at most; at least one.
    pub concurrency: u32,
    /// How long one try may take.
    pub timeout: Duration,
    /// Tries after the first.
    pub max_retries: u32,
}

impl ProviderSpec {
    /// A well-known provider as a project has it that does not mention it; none if nobody knows it, or if it has no
    /// address without an entry.
    pub fn well_known(name: &str) -> Option<Self> {
        crate::check::well_known_provider(name)
    }

    /// What other dialects are translated to.
    pub fn dialect(&self) -> Dialect {
        self.dialects.first().copied().unwrap_or(Dialect::OpenAi)
    }
}

/// Where a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In this environment variable.
    Environment(String),
    /// What this file holds, an absolute path, without the white space around it.
    File(PathBuf),
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeySource::Environment(name) => f.write_str(name),
            KeySource::File(path) => path.display().fmt(f),
        }
    }
}

/// A way to reach one of several models.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteSpec {
    /// What clients name; neither `task:…` nor `provider/model`.
    pub name: String,
    /// The models, in the order of the file; at least one, no model twice.
    pub targets: Vec<RouteTarget>,
    /// Who is asked first.
    pub by: RouteBy,
    /// Tries beyond one for each model.
    pub retries: u32,
    /// How long one try may take; none is the provider's.
    pub attempt_timeout: Option<Duration>,
    /// How long the first token of a stream may take; none is that of the try.
    pub first_token_timeout: Option<Duration>,
    /// How long all tries may take; none is the server's.
    pub timeout: Option<Duration>,
    /// After how long without a token another model is asked too; none is never.
    pub hedge_after: Option<Duration>,
    /// The header whose equal values go to the same model, in lower case.
    pub sticky: Option<String>,
    /// How long an answer is good for equal requests; none is not at all.
    pub cache: Option<Duration>,
    /// When a model is left alone; none is never.
    pub breaker: Option<BreakerSpec>,
}

/// A model of a route.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteTarget {
    /// The model; its provider is one of the project's.
    pub model: ModelRef,
    /// Its share relative to the others', finite and not negative, of at least one of a route above 0. With 0 it is
    /// asked when all others have failed. 1 where the order decides.
    pub weight: f64,
}

/// Which model of a route is asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouteBy {
    /// The first of the list.
    Order,
    /// One that is drawn by the weights.
    Weight,
    /// The faster one of two that are drawn.
    Latency,
}

impl RouteBy {
    /// The word of the project file.
    pub fn name(self) -> &'static str {
        match self {
            RouteBy::Order => "order",
            RouteBy::Weight => "weight",
            RouteBy::Latency => "latency",
        }
    }
}

/// When a model that fails is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSpec {
    /// After how many failures in a row; at least one.
    pub failures: u32,
    /// For how long, the first time.
    pub cooldown: Duration,
}

/// How `yw serve` listens, whom it lets in, and what it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeSpec {
    /// Where; a loopback address unless `keys`.
    pub address: SocketAddr,
    /// Whether callers need a key.
    pub keys: bool,
    /// What all callers together may use.
    pub limits: LimitsSpec,
    /// Output tokens set aside for a request that does not limit them.
    pub default_output_tokens: u64,
    /// What is kept of calls.
    pub calls: CallsSpec,
    /// The most that remembered answers take, in bytes.
    pub cache_max_bytes: u64,
    /// A collector of OpenTelemetry: `http` or `https`, without a slash at the end.
    pub otlp: Option<String>,
    /// The largest request body.
    pub max_body_bytes: u64,
    /// How long a request may take.
    pub timeout: Duration,
}

/// How much may be used; nothing where nothing is said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LimitsSpec {
    /// Dollars, each window once.
    pub dollars: Vec<LimitSpec<Usd>>,
    /// Requests, each window once.
    pub requests: Vec<LimitSpec<u64>>,
    /// Tokens, read and written, each window once.
    pub tokens: Vec<LimitSpec<u64>>,
}

/// An amount, above 0, in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSpec<T> {
    /// How much.
    pub amount: T,
    /// In what time.
    pub window: Window,
}

/// A window of UTC's calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// From one full minute to the next.
    Minute,
    /// From one full hour to the next.
    Hour,
    /// From midnight to midnight.
    Day,
    /// A month of the calendar.
    Month,
    /// For ever.
    Total,
}

impl Window {
    /// The word of the project file.
    pub fn name(self) -> &'static str {
        match self {
            Window::Minute => "min",
            Window::Hour => "hour",
            Window::Day => "day",
            Window::Month => "month",
            Window::Total => "total",
        }
    }
}

/// What is kept of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallsSpec {
    /// How long.
    pub keep: Duration,
    /// How much, in bytes.
    pub max_bytes: u64,
    /// Whether requests and answers are kept too.
    pub content: bool,
}

/// What a model costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceSpec {
    /// The model.
    pub model: ModelRef,
    /// Of one token read, exactly.
    pub input: Usd,
    /// Of one token written, exactly.
    pub output: Usd,
    /// Of one token that the provider read from its cache, exactly; none is the price of any other token read.
    pub cached_input: Option<Usd>,
}
