//! What OpenTelemetry is told of calls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::http::{HeaderMap, Uri};
use yw_config::{Project, ProviderSpec, environment};
use yw_gateway::Report;
use yw_gateway::telemetry::{
    CallSpan, MetricNames, Operation, Telemetry, TelemetryConfig, TelemetryError, TraceContext, names,
};
use yw_store::{CallOperation, CallRecord};
use yw_task::{Dialect, ModelRef};

/// Who answers where no provider is asked: tasks, the cache, and refusals of the gateway itself.
const OURSELVES: &str = "yellowwood";

/// The model where none was found. What clients write in its place may be anything, and is no name of a span.
const NO_MODEL: &str = "unknown";

/// Tells a collector of every call.
pub(crate) struct Tracing {
    telemetry: Telemetry,
    providers: BTreeMap<String, Told>,
    ourselves: Arc<str>,
}

/// What is the same for all calls of a provider.
struct Told {
    name: Arc<str>,
    server: Option<(Arc<str>, Option<u16>)>,
    dialects: Vec<Dialect>,
}

/// The place of a call in its trace.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    /// What providers are told: this call's own place if it is traced here, else the client's.
    pub(super) context: TraceContext,
    /// The client's place, if the call is traced here.
    parent: Option<TraceContext>,
}

impl Trace {
    /// The place of a request with these headers; none if neither the client nor this server traces.
    pub(super) fn of(tracing: Option<&Tracing>, headers: &HeaderMap) -> Option<Trace> {
        match tracing {
            Some(tracing) => {
                let (context, parent) = tracing.telemetry.begin(headers);
                Some(Trace { context, parent })
            }
            // Whoever does not take part hands on what came, or the trace would break here.
            None => TraceContext::from_headers(headers).map(|context| Trace { context, parent: None }),
        }
    }
}

impl Tracing {
    /// Starts to send to the collector of the project; none if it has none.
    pub(super) fn start(project: &Project) -> Result<Option<Self>, TelemetryError> {
        let Some(endpoint) = &project.serve.otlp else { return Ok(None) };
        let opt_in = std::env::var(environment::SEMCONV_OPT_IN).ok();
        let names = MetricNames::from_opt_in(opt_in.as_deref());
        Ok(Some(Tracing {
            telemetry: Telemetry::start(TelemetryConfig { names, ..TelemetryConfig::new(endpoint.as_str()) })?,
            providers: project.providers.iter().map(|spec| (spec.name.clone(), Told::of(spec))).collect(),
            ourselves: OURSELVES.into(),
        }))
    }

    /// Tells of a call that has ended.
    pub(super) fn call(&self, trace: Trace, record: &CallRecord, report: &Report, took: Duration) {
        let mut span = match &report.model {
            Some(model) => {
                let operation = self.operation(record, model);
                self.asked(trace.context, operation, model)
            }
            None => {
                let operation = operation(record.operation);
                CallSpan::new(trace.context, operation, self.ourselves.clone(), unasked_model(record).into())
            }
        };
        span.parent = trace.parent;
        span.is_stream = record.stream;
        span.response_model = report.response_model.clone().unwrap_or_default();
        span.response_id = report.response_id.clone().unwrap_or_default();
        span.finish_reasons = report.finish.iter().map(ToString::to_string).collect();
        span.usage = report.usage;
        span.error_type = error_type(record);
        span.start = SystemTime::from(record.at);
        span.duration = took;
        span.first_chunk = report.first_token;
        span.route = record.route.as_deref().map(Arc::from);
        span.key = record.key_name.as_deref().map(Arc::from);
        span.attempts = u32::try_from(record.attempts.len()).unwrap_or(u32::MAX);
        span.usd = report.usd;
        span.is_cached = record.cached;
        self.telemetry.record(span);
    }

    /// Tells of a count of tokens, by a provider's model or by our own estimate.
    pub(super) fn count(&self, trace: Trace, by: Option<&ModelRef>, start: SystemTime, took: Duration) {
        let mut span = match by {
            Some(model) => self.asked(trace.context, Operation::CountTokens, model),
            None => CallSpan::new(trace.context, Operation::CountTokens, self.ourselves.clone(), NO_MODEL.into()),
        };
        (span.parent, span.start, span.duration) = (trace.parent, start, took);
        span.attempts = u32::from(by.is_some());
        self.telemetry.record(span);
    }

    /// A span of a call that a provider answered, or was asked last.
    fn asked(&self, context: TraceContext, operation: Operation, model: &ModelRef) -> CallSpan {
        let told = self.providers.get(&model.provider);
        let provider = told.map_or_else(|| model.provider.as_str().into(), |told| told.name.clone());
        let mut span = CallSpan::new(context, operation, provider, model.model.as_str().into());
        span.server = told.and_then(|told| told.server.clone());
        span
    }

    fn operation(&self, record: &CallRecord, model: &ModelRef) -> Operation {
        let speaks_gemini = self.providers.get(&model.provider).is_some_and(|told| {
            let passes = told.dialects.iter().any(|dialect| dialect.name() == record.client);
            told.dialects.first() == Some(&Dialect::Gemini) && !passes
        });
        match operation(record.operation) {
            // Vertex has models of other makers too, in their makers' dialects.
            Operation::Chat if speaks_gemini && !model.model.starts_with("claude") => Operation::GenerateContent,
            other => other,
        }
    }
}

impl Told {
    fn of(spec: &ProviderSpec) -> Self {
        let uri = spec.base_url.parse::<Uri>().ok();
        let server = uri.as_ref().and_then(|uri| Some((Arc::from(uri.host()?), uri.port_u16())));
        Told { name: names::provider_name(&spec.like).into(), server, dialects: spec.dialects.clone() }
    }
}

fn operation(operation: CallOperation) -> Operation {
    match operation {
        CallOperation::Chat | CallOperation::Task => Operation::Chat,
        CallOperation::Embeddings => Operation::Embeddings,
        CallOperation::CountTokens => Operation::CountTokens,
    }
}

/// What was asked for where no provider was asked.
fn unasked_model(record: &CallRecord) -> &str {
    let is_known = record.cached || (record.operation == CallOperation::Task && record.status < 400);
    match &record.route {
        _ if is_known => &record.requested,
        Some(route) => route,
        None => NO_MODEL,
    }
}

/// Few different words: what a provider writes is none of them.
fn error_type(record: &CallRecord) -> Option<String> {
    let error = record.error.as_ref()?;
    if record.status < 400 {
        // The answer had begun.
        return Some(error.kind.clone());
    }
    if record.attempts.is_empty() {
        return Some(error.kind.clone());
    }
    let last = record.attempts.iter().rev().find_map(|attempt| attempt.status);
    Some(last.filter(|status| *status >= 400).unwrap_or(record.status).to_string())
}
