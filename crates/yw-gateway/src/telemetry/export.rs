//! Sends what is told of calls to a collector, off the path of the calls.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use reqwest::Url;
use reqwest::header::HeaderMap;
use tokio::runtime::{Builder, Runtime};

use super::http::Http;
use super::metrics::Instruments;
use super::{CallSpan, MetricNames, TraceContext, names};
use crate::Secret;
use crate::client::Clients;

/// How often the thread looks for what came. It is not woken for each call: waking it costs more than all else here.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The most spans of one request to the collector.
const BATCH_SPANS: usize = 512;

const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// How long a process waits at its end for the last of it to be sent.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// Where and how telemetry is sent.
#[derive(Debug, Clone)]
pub struct TelemetryConfig {
    /// The collector's address, such as `http://collector:4318`; `/v1/traces` and `/v1/metrics` are appended.
    pub endpoint: String,
    /// Headers for the collector, such as its key.
    pub headers: Vec<(String, Secret)>,
    /// `service.name` of what is sent, unless `OTEL_SERVICE_NAME` has another.
    pub service_name: String,
    /// Under which names metrics are emitted.
    pub names: MetricNames,
    /// Of the traces that begin here, the share that is recorded, from 0 to 1. Those that a client began are recorded if
    /// the client's are.
    pub sample: f64,
    /// How often metrics are sent.
    pub metrics_every: Duration,
    /// The most calls, and besides them spans, that wait; what comes on top is dropped.
    pub max_waiting: usize,
}

impl TelemetryConfig {
    /// Everything is sent, metrics every 15 seconds; 16,384 calls and as many spans may wait.
    pub fn new(endpoint: impl Into<String>) -> Self {
        TelemetryConfig {
            endpoint: endpoint.into(),
            headers: Vec::new(),
            service_name: "yellowwood".to_owned(),
            names: MetricNames::default(),
            sample: 1.0,
            metrics_every: Duration::from_secs(15),
            max_waiting: 16_384,
        }
    }
}

/// Why telemetry cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The endpoint is no address.
    #[error("the collector's endpoint is not an http or https address: {endpoint}")]
    Endpoint {
        /// The endpoint.
        endpoint: String,
    },
    /// The exporter refuses the settings, or the environment's.
    #[error("the OTLP exporter cannot be made")]
    Exporter(#[source] ExporterBuildError),
    /// There is no HTTP client, no thread or no runtime.
    #[error("the OTLP exporter cannot be started")]
    Start(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What became of what was told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TelemetryStats {
    /// Calls that are in the metrics.
    pub calls: u64,
    /// Calls that are in nothing: too many waited.
    pub calls_dropped: u64,
    /// Spans that the collector took.
    pub spans_sent: u64,
    /// Spans that were dropped: too many waited, or the collector refused them.
    pub spans_dropped: u64,
    /// Requests to the collector that failed; the reasons are in the log.
    pub failures: u64,
}

/// Takes the facts of finished calls and sends them, from a thread of its own.
///
/// Dropping it sends what waits, for at most five seconds.
pub struct Telemetry {
    shared: Arc<Shared>,
    sample: f64,
    to_thread: Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Vec<CallSpan>>,
    max_waiting: usize,
    calls: AtomicU64,
    calls_dropped: AtomicU64,
    spans_sent: AtomicU64,
    spans_dropped: AtomicU64,
    failures: AtomicU64,
}

enum Order {
    /// Send everything now, then say so.
    Flush(Sender<()>),
    /// The same, and end.
    Stop(Sender<()>),
}

impl Telemetry {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// The endpoint is no address, the settings of the environment are wrong, or the system has no thread left.
    pub fn start(config: TelemetryConfig) -> Result<Self, TelemetryError> {
        let shared = Arc::new(Shared { max_waiting: config.max_waiting.max(1), ..Shared::default() });
        let mut worker = Worker::new(&config, Arc::clone(&shared))?;
        let (to_thread, orders) = channel();
        let thread = std::thread::Builder::new().name("yw-telemetry".to_owned());
        let thread =
            thread.spawn(move || worker.run(&orders)).map_err(|error| TelemetryError::Start(Box::new(error)))?;
        Ok(Telemetry { shared, sample: config.sample, to_thread, thread: Some(thread) })
    }

    /// The place of a call that came with these headers: below the client's span, or else the first of a new trace.
    /// The second is the client's span.
    pub fn begin(&self, headers: &HeaderMap) -> (TraceContext, Option<TraceContext>) {
        match TraceContext::from_headers(headers) {
            Some(parent) => (parent.child(), Some(parent)),
            None => {
                let root = TraceContext::root(true);
                let is_sampled = root.fraction() < self.sample;
                (if is_sampled { root } else { root.unsampled() }, None)
            }
        }
    }

    /// Takes the facts of a finished call. Never waits for anything but the push of another call.
    pub fn record(&self, call: CallSpan) {
        let mut waiting = self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < self.shared.max_waiting {
            waiting.push(call);
        } else {
            drop(waiting);
            self.shared.calls_dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sends everything that waits, metrics too. Blocks, for up to `timeout`: not for a runtime's threads.
    ///
    /// Returns whether that was enough time.
    pub fn flush(&self, timeout: Duration) -> bool {
        let (done, is_done) = channel();
        self.to_thread.send(Order::Flush(done)).is_ok() && is_done.recv_timeout(timeout).is_ok()
    }

    /// What became of what was told so far.
    pub fn stats(&self) -> TelemetryStats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TelemetryStats {
            calls: count(&self.shared.calls),
            calls_dropped: count(&self.shared.calls_dropped),
            spans_sent: count(&self.shared.spans_sent),
            spans_dropped: count(&self.shared.spans_dropped),
            failures: count(&self.shared.failures),
        }
    }
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Telemetry({:?})", self.stats())
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let (done, is_done) = channel();
        let is_ended = self.to_thread.send(Order::Stop(done)).is_ok() && is_done.recv_timeout(LAST_WAIT).is_ok();
        // A thread that still waits for a collector is left to it.
        if let Some(thread) = self.thread.take().filter(|_| is_ended) {
            let _ = thread.join();
        }
    }
}

/// What the thread has.
struct Worker {
    shared: Arc<Shared>,
    runtime: Runtime,
    http: Http,
    scope: InstrumentationScope,
    spans: VecDeque<SpanData>,
    span_exporter: SpanExporter,
    instruments: Instruments,
    metric_exporter: MetricExporter,
    metrics_every: Duration,
    metrics_sent: Instant,
    backoff: Duration,
    not_before: Instant,
    /// What goes wrong at present, and was said.
    warned: HashSet<&'static str>,
}

impl Worker {
    fn new(config: &TelemetryConfig, shared: Arc<Shared>) -> Result<Self, TelemetryError> {
        let endpoint = || TelemetryError::Endpoint { endpoint: config.endpoint.clone() };
        let url = Url::parse(&config.endpoint).map_err(|_| endpoint())?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(endpoint());
        }
        let start = |error: Box<dyn std::error::Error + Send + Sync>| TelemetryError::Start(error);
        let client = Clients::default().for_host(url.host_str()).map_err(|error| start(Box::new(error)))?;
        let http = Http::new(client);
        let base = config.endpoint.trim_end_matches('/');
        let headers: HashMap<String, String> =
            config.headers.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect();
        let mut span_exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(http.clone())
            .with_headers(headers.clone())
            .with_retry_policy(RetryPolicy::disabled())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{base}/v1/traces"))
            .build()
            .map_err(TelemetryError::Exporter)?;
        let metric_exporter = MetricExporter::builder()
            .with_http()
            .with_http_client(http.clone())
            .with_headers(headers)
            .with_retry_policy(RetryPolicy::disabled())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{base}/v1/metrics"))
            .build()
            .map_err(TelemetryError::Exporter)?;
        let resource = resource(&config.service_name);
        span_exporter.set_resource(&resource);
        let scope = InstrumentationScope::builder(names::SCOPE).with_version(env!("CARGO_PKG_VERSION")).build();
        let now = Instant::now();
        Ok(Worker {
            shared,
            runtime: Builder::new_current_thread().enable_all().build().map_err(|error| start(Box::new(error)))?,
            http,
            instruments: Instruments::new(config.names, resource, scope.clone()),
            scope,
            spans: VecDeque::new(),
            span_exporter,
            metric_exporter,
            metrics_every: config.metrics_every,
            metrics_sent: now,
            backoff: FIRST_BACKOFF,
            not_before: now,
            warned: HashSet::new(),
        })
    }

    fn run(&mut self, orders: &Receiver<Order>) {
        loop {
            let order = orders.recv_timeout(LOOK_EVERY);
            self.take();
            match order {
                Ok(Order::Flush(done)) => {
                    self.send_all();
                    let _ = done.send(());
                }
                Ok(Order::Stop(done)) => {
                    self.send_all();
                    let _ = done.send(());
                    return;
                }
                Err(RecvTimeoutError::Timeout) => self.send_due(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Counts the calls that came, and keeps their spans.
    fn take(&mut self) {
        let waiting = {
            let mut waiting = self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            // About as many will come again, and making room for them would be the calls' work.
            let room = Vec::with_capacity(waiting.len());
            std::mem::replace(&mut *waiting, room)
        };
        for call in waiting {
            self.instruments.record(&call);
            self.shared.calls.fetch_add(1, Ordering::Relaxed);
            if !call.context.is_sampled() {
                continue;
            }
            if self.spans.len() < self.shared.max_waiting {
                self.spans.push_back(call.into_span(&self.scope));
            } else {
                self.shared.spans_dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// One step: a collector that is slow must not keep this thread from taking what comes.
    fn send_due(&mut self) {
        let now = Instant::now();
        if now < self.not_before {
            return;
        }
        if now.duration_since(self.metrics_sent) >= self.metrics_every {
            self.send_metrics();
        }
        // At full speed more than one batch comes between two looks.
        while !self.spans.is_empty() && self.send_spans() {
            self.take();
        }
    }

    fn send_all(&mut self) {
        while !self.spans.is_empty() && self.send_spans() {}
        self.send_metrics();
    }

    /// Sends the oldest spans; returns whether that went well.
    fn send_spans(&mut self) -> bool {
        let n_spans = self.spans.len().min(BATCH_SPANS);
        let batch: Vec<SpanData> = self.spans.iter().take(n_spans).cloned().collect();
        let sent = self.runtime.block_on(self.span_exporter.export(batch)).map_err(|error| error.to_string());
        let (is_sent, is_kept) = self.note("spans", sent);
        if !is_kept {
            self.spans.drain(..n_spans);
            let counter = if is_sent { &self.shared.spans_sent } else { &self.shared.spans_dropped };
            counter.fetch_add(n_spans as u64, Ordering::Relaxed);
        }
        is_sent
    }

    fn send_metrics(&mut self) {
        self.metrics_sent = Instant::now();
        let sent = self.instruments.collect().and_then(|metrics| {
            // A collector has no use for a request without a metric in it.
            if metrics.scope_metrics().all(|scope| scope.metrics().next().is_none()) {
                return Ok(());
            }
            self.runtime.block_on(self.metric_exporter.export(&metrics)).map_err(|error| error.to_string())
        });
        self.note("metrics", sent);
    }

    /// Keeps account of a request. Returns whether it went well, and whether it is to be made again.
    fn note(&mut self, what: &'static str, sent: Result<(), String>) -> (bool, bool) {
        let Err(error) = sent else {
            self.backoff = FIRST_BACKOFF;
            self.warned.remove(what);
            return (true, false);
        };
        self.shared.failures.fetch_add(1, Ordering::Relaxed);
        let is_transient = self.http.is_transient();
        // Once for each time that it goes wrong anew; the rest would fill the log.
        if self.warned.insert(what) {
            tracing::warn!(%error, "the collector did not take {what}");
        } else {
            tracing::debug!(%error, "the collector did not take {what}");
        }
        if is_transient {
            self.not_before = Instant::now() + self.backoff;
            self.backoff = (self.backoff * 2).min(MAX_BACKOFF);
        }
        (false, is_transient)
    }
}

/// Who sends: the environment's attributes come first.
fn resource(service_name: &str) -> Resource {
    let ours = Resource::builder_empty()
        .with_service_name(service_name.to_owned())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", TraceContext::root(false).trace_id()))
        .build();
    let detected = Resource::builder().build();
    // An unset name is detected as `unknown_service`.
    let is_named = |kv: &(&opentelemetry::Key, &opentelemetry::Value)| {
        !(kv.0.as_str() == "service.name" && kv.1.as_str().starts_with("unknown_service"))
    };
    let detected: Vec<KeyValue> =
        detected.iter().filter(is_named).map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
    let ours = ours.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect::<Vec<_>>();
    Resource::builder_empty().with_attributes(ours).with_attributes(detected).build()
}
