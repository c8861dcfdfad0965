//! The record of a call, from its beginning to its end.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use bytes::Bytes;
use jiff::Timestamp;
use yw_gateway::limits::{Reservation, Used};
use yw_gateway::telemetry::TraceContext;
use yw_gateway::{AttemptReport, ClientCall, Report};
use yw_llm::TokenUsage;
use yw_store::{CallAttempt, CallOperation, CallRecord, CallTokens, LogError, StoreError};
use yw_task::{Dialect, ModelRef, Usd};

use super::Caller;
use super::trace::Trace;
use crate::App;

/// A call under way. It ends with [`Account::close`], once.
pub(super) struct Account {
    app: App,
    client: Dialect,
    started: Instant,
    pub(super) call: Option<Arc<ClientCall>>,
    /// The model that is asked first.
    pub(super) asked: Option<ModelRef>,
    /// Whether a provider was asked.
    is_sent: bool,
    /// What was used although there is no answer.
    paid: Option<(TokenUsage, Usd)>,
    reservation: Option<Reservation>,
    trace: Option<Trace>,
    record: CallRecord,
}

/// The status in records of calls whose clients did not wait for one, as nginx has it.
const CLIENT_GONE: u16 = 499;

/// How a call ended.
pub(super) struct End<'a> {
    /// The status that the client got.
    pub(super) status: u16,
    pub(super) report: &'a Report,
    /// A stable word and a message, if it failed.
    pub(super) error: Option<(String, String)>,
    /// What was answered, for projects that keep it.
    pub(super) content: Option<&'a [u8]>,
}

impl Account {
    pub(super) fn open(
        app: &App,
        client: Dialect,
        operation: CallOperation,
        caller: &Caller,
        headers: &HeaderMap,
    ) -> Self {
        let key = caller.key.as_ref();
        let trace = Trace::of(app.proxy.tracing.as_ref(), headers);
        let record = CallRecord {
            id: yw_store::new_id(),
            at: Timestamp::now(),
            key: key.map(|key| key.id.clone()),
            key_name: key.map(|key| key.spec.name.clone()),
            client: client.name().to_owned(),
            operation,
            requested: String::new(),
            route: None,
            provider: None,
            model: None,
            provider_request_id: None,
            attempts: Vec::new(),
            tokens: CallTokens::default(),
            usd: Usd::ZERO,
            priced: false,
            estimated: false,
            cached: false,
            status: 0,
            error: None,
            stream: false,
            first_token_ms: None,
            latency_ms: 0.0,
            overhead_ms: 0.0,
            trace_id: trace.as_ref().map(|trace| trace.context.trace_id()),
            tags: BTreeMap::new(),
            request: None,
            response: None,
        };
        Account {
            app: app.clone(),
            client,
            started: Instant::now(),
            call: None,
            asked: None,
            is_sent: false,
            paid: None,
            reservation: None,
            trace,
            record,
        }
    }

    pub(super) fn client(&self) -> Dialect {
        self.client
    }

    pub(super) fn id(&self) -> &str {
        &self.record.id
    }

    /// The place in its trace that providers are told.
    pub(super) fn trace_context(&self) -> Option<TraceContext> {
        self.trace.as_ref().map(|trace| trace.context.clone())
    }

    pub(super) fn at(&self) -> Timestamp {
        self.record.at
    }

    /// What was used, of a call that fails all the same.
    pub(super) fn spent(&mut self, usage: TokenUsage, usd: Usd) {
        self.paid = Some((usage, usd));
    }

    /// What is known before anybody is asked.
    pub(super) fn describe(&mut self, describe: impl FnOnce(&mut CallRecord)) {
        describe(&mut self.record);
    }

    pub(super) fn reserve(&mut self, reservation: Reservation) {
        self.reservation = Some(reservation);
    }

    /// From now on a provider may bill the call, whatever becomes of it.
    pub(super) fn mark_sent(&mut self) {
        self.is_sent = true;
        self.reservation.iter_mut().for_each(Reservation::mark_sent);
    }

    /// The record as it would be if the call ended now.
    pub(super) fn so_far(&mut self, status: u16, report: &Report) -> &CallRecord {
        self.fill(&End { status, report, error: None, content: None });
        &self.record
    }

    /// Settles what was reserved and puts the record into the log. The record is safe when this returns.
    pub(super) fn close(mut self, end: End<'_>) -> Result<CallRecord, StoreError> {
        self.fill(&end);
        if let Some(reservation) = self.reservation.take() {
            settle(reservation, &end, &self.record);
        }
        self.app.metrics.call(&self.record);
        if let (Some(tracing), Some(trace)) = (&self.app.proxy.tracing, self.trace.take()) {
            tracing.call(trace, &self.record, end.report, self.started.elapsed());
        }
        self.app.log.append_call(&self.record)?;
        Ok(self.record)
    }

    /// The report of a call that the gateway itself refuses: of what was paid for in vain, if anything was.
    pub(super) fn paid_report(&self) -> Report {
        let (usage, usd) = self.paid.unzip();
        Report { usage, usd, ..Report::default() }
    }

    /// The report of a whole answer, with our own count of tokens where the provider gave none.
    pub(super) fn counted<'a>(&self, report: &'a Report, answer: &[u8]) -> Cow<'a, Report> {
        if report.usage.is_some() {
            return Cow::Borrowed(report);
        }
        let output_tokens = match self.record.operation {
            CallOperation::Embeddings => 0,
            _ => yw_llm::estimate_tokens(&String::from_utf8_lossy(answer)),
        };
        let input_tokens = self.call.as_deref().map_or(0, estimated_input);
        let usage = TokenUsage { input_tokens, output_tokens, ..TokenUsage::default() };
        let price = report.model.as_ref().and_then(|model| self.app.proxy.gateway.price(model));
        let usd = price.map(|price| price.cost(&usage));
        Cow::Owned(Report { usage: Some(usage), usd, estimated: true, ..report.clone() })
    }

    /// Ends a call whose client has gone before there was an answer. What its provider did until it was told to stop is
    /// not known: the request is counted as read, by our count.
    pub(super) fn abandon(self) {
        let mut report = Report::default();
        if let (true, Some(model), Some(call)) = (self.is_sent, &self.asked, &self.call) {
            let usage = TokenUsage { input_tokens: estimated_input(call), ..TokenUsage::default() };
            let latency = self.started.elapsed();
            let error = Some("given up: the client went away".to_owned());
            report.attempts.push(AttemptReport { model: model.clone(), status: None, error, latency });
            report.usd = self.app.proxy.gateway.price(model).map(|price| price.cost(&usage));
            (report.usage, report.estimated, report.model) = (Some(usage), true, Some(model.clone()));
        }
        let error = Some(("client_gone".to_owned(), "the client went away before the answer".to_owned()));
        let end = End { status: CLIENT_GONE, report: &report, error, content: None };
        if let Err(e) = self.close(end) {
            tracing::error!(error = &e as &dyn std::error::Error, "a call could not be recorded");
        }
    }

    fn fill(&mut self, end: &End<'_>) {
        let Account { record, started, call, app, is_sent, .. } = self;
        let report = end.report;
        record.status = end.status;
        if let Some(model) = &report.model {
            (record.provider, record.model) = (Some(model.provider.clone()), Some(model.model.clone()));
        }
        record.provider_request_id = report.provider_request_id.clone();
        record.attempts = report.attempts.iter().map(attempt).collect();
        record.tokens = report.usage.as_ref().map(tokens).unwrap_or_default();
        record.usd = report.usd.unwrap_or(Usd::ZERO);
        record.priced = report.usd.is_some();
        record.estimated = report.estimated;
        record.error =
            end.error.as_ref().map(|(kind, message)| LogError { kind: clean(kind), message: clean(message) });
        record.first_token_ms = report.first_token.map(ms);
        let elapsed = started.elapsed();
        record.latency_ms = ms(elapsed);
        record.overhead_ms = ms(elapsed.saturating_sub(report.upstream));
        if app.proxy.keeps_content && (*is_sent || record.operation == CallOperation::Task) {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            record.request = call.as_ref().map(|call| text(&call.body));
            record.response = end.content.map(text);
        }
    }
}

fn settle(reservation: Reservation, end: &End<'_>, record: &CallRecord) {
    let report = end.report;
    match report.usage {
        Some(usage) => {
            let tokens = usage.input_tokens.saturating_add(usage.output_tokens);
            reservation.settle(Used { tokens, dollars: record.usd });
        }
        // Nobody answered, or nobody was asked: nothing is billed.
        None => reservation.release(),
    }
}

fn attempt(attempt: &yw_gateway::AttemptReport) -> CallAttempt {
    CallAttempt {
        model: attempt.model.to_string(),
        status: attempt.status,
        error: attempt.error.clone(),
        latency_ms: ms(attempt.latency),
    }
}

fn tokens(usage: &TokenUsage) -> CallTokens {
    CallTokens {
        input: usage.input_tokens,
        output: usage.output_tokens,
        cached: usage.cached_tokens,
        cache_write: usage.cache_write_tokens,
        cache_write_hour: usage.cache_write_hour_tokens,
        reasoning: usage.reasoning_tokens,
        input_audio: usage.input_audio_tokens,
        output_audio: usage.output_audio_tokens,
        input_image: usage.input_image_tokens,
    }
}

/// The beginning of a text that a client or a provider wrote, on one line.
fn clean(text: &str) -> String {
    const MAX_CHARS: usize = 2_000;
    text.chars().take(MAX_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

pub(super) fn ms(duration: Duration) -> f64 {
    // Microseconds are as exact as any of this is, and short in JSON.
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// About how many tokens a request has; only for calls whose provider did not come to say.
pub(super) fn estimated_input(call: &ClientCall) -> u64 {
    match call.decoded() {
        Ok(decoded) => yw_llm::estimate_request_tokens(&decoded.request),
        Err(_) => yw_llm::estimate_tokens(&String::from_utf8_lossy(&call.body)),
    }
}

/// Bytes to keep beside an answer: nothing, unless the project keeps content or the cache wants them.
pub(super) struct Copy {
    bytes: Option<Vec<u8>>,
}

/// The longest answer that is kept or cached.
pub(super) const MAX_COPY_BYTES: usize = 1 << 20;

impl Copy {
    pub(super) fn new(is_wanted: bool) -> Self {
        Copy { bytes: is_wanted.then(Vec::new) }
    }

    pub(super) fn take(&mut self, piece: &Bytes) {
        if let Some(bytes) = &mut self.bytes {
            match bytes.len() + piece.len() > MAX_COPY_BYTES {
                true => self.bytes = None,
                false => bytes.extend_from_slice(piece),
            }
        }
    }

    pub(super) fn bytes(&self) -> Option<&[u8]> {
        self.bytes.as_deref()
    }
}
