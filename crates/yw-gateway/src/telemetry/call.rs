//! A finished call, and the span that tells of it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use yw_llm::TokenUsage;
use yw_task::Usd;

use super::{TraceContext, names};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// An answer in chat completions, responses, messages or Converse.
    Chat,
    /// An answer in Gemini's `generateContent`.
    GenerateContent,
    /// Vectors of texts.
    Embeddings,
    /// The tokens of a request, without an answer. Not a word of the conventions, which have none for it.
    CountTokens,
}

impl Operation {
    /// The conventions' word.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Chat => "chat",
            Operation::GenerateContent => "generate_content",
            Operation::Embeddings => "embeddings",
            Operation::CountTokens => "count_tokens",
        }
    }

    /// Whether a model answers.
    pub fn is_inference(self) -> bool {
        matches!(self, Operation::Chat | Operation::GenerateContent)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The facts of a finished call. What is the same for many calls is shared.
#[derive(Debug, Clone)]
pub struct CallSpan {
    /// This call's own place in the trace.
    pub context: TraceContext,
    /// What called the gateway, if it said so.
    pub parent: Option<TraceContext>,
    /// What was done.
    pub operation: Operation,
    /// Who did it, in the [conventions' word](names::provider_name).
    pub provider: Arc<str>,
    /// The provider's name for the model that was asked.
    pub request_model: Arc<str>,
    /// Whether a stream was asked for.
    pub is_stream: bool,
    /// The provider's name for the model that answered; empty if it did not say.
    pub response_model: String,
    /// The provider's id of the answer; empty if it gave none.
    pub response_id: String,
    /// Why each choice ends, in the words of the provider; a choice that was cut off is `error`.
    pub finish_reasons: Vec<String>,
    /// The tokens, if they are known.
    pub usage: Option<TokenUsage>,
    /// The kind of failure, in few words: an HTTP status, `timeout`, `refused_connection`. Never a message.
    pub error_type: Option<String>,
    /// The provider's host, and port unless it is the usual one.
    pub server: Option<(Arc<str>, Option<u16>)>,
    /// When the call came.
    pub start: SystemTime,
    /// Until its end.
    pub duration: Duration,
    /// Until the first piece of a stream.
    pub first_chunk: Option<Duration>,
    /// The route that was taken.
    pub route: Option<Arc<str>>,
    /// The name of the key that was used.
    pub key: Option<Arc<str>>,
    /// How many times a model was asked.
    pub attempts: u32,
    /// What it cost, if the price is known.
    pub usd: Option<Usd>,
    /// Whether the answer is from the gateway's own cache.
    pub is_cached: bool,
}

impl CallSpan {
    /// A call of which no more is known yet: everything else is empty, or zero.
    pub fn new(context: TraceContext, operation: Operation, provider: Arc<str>, request_model: Arc<str>) -> Self {
        CallSpan {
            context,
            parent: None,
            operation,
            provider,
            request_model,
            is_stream: false,
            response_model: String::new(),
            response_id: String::new(),
            finish_reasons: Vec::new(),
            usage: None,
            error_type: None,
            server: None,
            start: SystemTime::UNIX_EPOCH,
            duration: Duration::ZERO,
            first_chunk: None,
            route: None,
            key: None,
            attempts: 0,
            usd: None,
            is_cached: false,
        }
    }

    /// The attributes that metrics have as well; their values are few.
    pub(super) fn common_attributes(&self) -> Vec<KeyValue> {
        let mut attributes = vec![
            KeyValue::new(names::OPERATION_NAME, self.operation.name()),
            KeyValue::new(names::PROVIDER_NAME, Arc::clone(&self.provider)),
            KeyValue::new(names::REQUEST_MODEL, Arc::clone(&self.request_model)),
        ];
        if !self.response_model.is_empty() {
            attributes.push(KeyValue::new(names::RESPONSE_MODEL, self.response_model.clone()));
        }
        if let Some((address, port)) = &self.server {
            attributes.push(KeyValue::new(names::SERVER_ADDRESS, Arc::clone(address)));
            attributes.extend(port.map(|port| KeyValue::new(names::SERVER_PORT, i64::from(port))));
        }
        attributes
    }

    pub(super) fn error_attribute(&self) -> Option<KeyValue> {
        self.error_type.clone().map(|kind| KeyValue::new(names::ERROR_TYPE, kind))
    }

    pub(super) fn into_span(self, scope: &InstrumentationScope) -> SpanData {
        let attributes = self.span_attributes();
        SpanData {
            span_context: self.context.to_span_context(),
            parent_span_id: self.parent.as_ref().map_or(SpanId::INVALID, TraceContext::raw_span_id),
            parent_span_is_remote: self.parent.is_some(),
            span_kind: SpanKind::Client,
            name: format!("{} {}", self.operation, self.request_model).into(),
            start_time: self.start,
            end_time: self.start + self.duration,
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            // The message of an error may quote what was asked; its kind is an attribute.
            status: if self.error_type.is_some() { Status::error("") } else { Status::Unset },
            instrumentation_scope: scope.clone(),
        }
    }

    fn span_attributes(&self) -> Vec<KeyValue> {
        let mut attributes = self.common_attributes();
        let mut add = |name: &'static str, value: Value| attributes.push(KeyValue::new(name, value));
        if self.is_stream {
            add(names::REQUEST_STREAM, true.into());
        }
        if !self.response_id.is_empty() {
            add(names::RESPONSE_ID, self.response_id.clone().into());
        }
        if !self.finish_reasons.is_empty() {
            let reasons: Vec<StringValue> = self.finish_reasons.iter().cloned().map(StringValue::from).collect();
            add(names::RESPONSE_FINISH_REASONS, Value::Array(Array::String(reasons)));
        }
        if let Some(first) = self.first_chunk {
            add(names::RESPONSE_TIME_TO_FIRST_CHUNK, first.as_secs_f64().into());
        }
        if let Some(usage) = &self.usage {
            add(names::USAGE_INPUT_TOKENS, count(usage.input_tokens));
            add(names::USAGE_OUTPUT_TOKENS, count(usage.output_tokens));
            let parts = [
                (names::USAGE_CACHE_READ_INPUT_TOKENS, usage.cached_tokens),
                (names::USAGE_CACHE_WRITE_INPUT_TOKENS, usage.cache_write_tokens),
                (names::USAGE_REASONING_OUTPUT_TOKENS, usage.reasoning_tokens),
                (names::USAGE_AUDIO_INPUT_TOKENS, usage.input_audio_tokens),
                (names::USAGE_AUDIO_OUTPUT_TOKENS, usage.output_audio_tokens),
                (names::USAGE_IMAGE_INPUT_TOKENS, usage.input_image_tokens),
            ];
            for (name, tokens) in parts.into_iter().filter(|(_, tokens)| *tokens > 0) {
                add(name, count(tokens));
            }
        }
        for (name, text) in [(names::YW_ROUTE, &self.route), (names::YW_KEY, &self.key)] {
            if let Some(text) = text {
                add(name, Arc::clone(text).into());
            }
        }
        add(names::YW_ATTEMPTS, i64::from(self.attempts).into());
        if let Some(usd) = self.usd {
            add(names::YW_USD, usd.as_dollars().into());
        }
        if self.is_cached {
            add(names::YW_CACHED, true.into());
        }
        attributes.extend(self.error_attribute());
        attributes
    }
}

fn count(tokens: u64) -> Value {
    Value::I64(i64::try_from(tokens).unwrap_or(i64::MAX))
}
