//! The instruments that count calls.

use std::sync::{Arc, Weak};
use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Temporality};

use super::{CallSpan, names};

/// Under which names metrics are emitted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MetricNames {
    /// Those of the present conventions, and besides them the two earlier ones, `gen_ai.client.operation.duration` of every
    /// operation and `gen_ai.client.token.usage`, which most dashboards read.
    #[default]
    WithEarlier,
    /// Those of the present conventions alone.
    Latest,
}

impl MetricNames {
    /// The choice that OpenTelemetry's own variable makes: `gen_ai_latest_experimental` among the words of
    /// `OTEL_SEMCONV_STABILITY_OPT_IN` leaves the earlier names out.
    pub fn from_opt_in(variable: Option<&str>) -> Self {
        let is_latest = variable.is_some_and(|v| v.split(',').any(|word| word.trim() == "gen_ai_latest_experimental"));
        if is_latest { MetricNames::Latest } else { MetricNames::WithEarlier }
    }
}

/// All instruments, with what they counted since the start.
pub(super) struct Instruments {
    names: MetricNames,
    reader: Reader,
    /// Keeps the reader's source alive.
    _provider: SdkMeterProvider,
    inference_duration: Histogram<f64>,
    operation_duration: Histogram<f64>,
    first_chunk: Histogram<f64>,
    input: Counter<u64>,
    output: Counter<u64>,
    cache_read: Counter<u64>,
    cache_write: Counter<u64>,
    reasoning: Counter<u64>,
    inputs: Histogram<u64>,
    outputs: Histogram<u64>,
    token_usage: Histogram<u64>,
}

impl Instruments {
    pub(super) fn new(names: MetricNames, resource: Resource, scope: InstrumentationScope) -> Self {
        let reader = Reader(Arc::new(ManualReader::builder().with_temporality(Temporality::Cumulative).build()));
        let provider = SdkMeterProvider::builder().with_resource(resource).with_reader(reader.clone()).build();
        let meter = provider.meter_with_scope(scope);
        let tokens = |name, what| tokens(&meter, name, what);
        let seconds = |name, what, boundaries: &[f64]| {
            let histogram = meter.f64_histogram(name).with_unit("s").with_description(what);
            histogram.with_boundaries(boundaries.to_vec()).build()
        };
        let counter = |name, what| meter.u64_counter(name).with_unit("{token}").with_description(what).build();
        let durations = &names::DURATION_BOUNDARIES;
        Instruments {
            names,
            reader,
            inference_duration: seconds(names::INFERENCE_DURATION, "GenAI inference duration.", durations),
            operation_duration: seconds(names::OPERATION_DURATION, "GenAI operation duration.", durations),
            first_chunk: seconds(
                names::INFERENCE_TIME_TO_FIRST_CHUNK,
                "Time to receive the first chunk.",
                &names::FIRST_CHUNK_BOUNDARIES,
            ),
            input: counter(names::INFERENCE_INPUT_TOKENS, "Input tokens used."),
            output: counter(names::INFERENCE_OUTPUT_TOKENS, "Output tokens used."),
            cache_read: counter(names::INFERENCE_CACHE_READ_TOKENS, "Input tokens read from the provider's cache."),
            cache_write: counter(names::INFERENCE_CACHE_WRITE_TOKENS, "Input tokens written to the provider's cache."),
            reasoning: counter(names::INFERENCE_REASONING_TOKENS, "Output tokens used for reasoning."),
            inputs: tokens(names::INFERENCE_OPERATION_INPUT_TOKENS, "Input tokens of an inference."),
            outputs: tokens(names::INFERENCE_OPERATION_OUTPUT_TOKENS, "Output tokens of an inference."),
            token_usage: tokens(names::TOKEN_USAGE, "Number of input and output tokens used."),
            _provider: provider,
        }
    }

    /// Counts a call.
    pub(super) fn record(&self, call: &CallSpan) {
        let common = call.common_attributes();
        let with_error: Vec<KeyValue> = common.iter().cloned().chain(call.error_attribute()).collect();
        let seconds = call.duration.as_secs_f64();
        let is_inference = call.operation.is_inference();
        let has_earlier = self.names == MetricNames::WithEarlier;
        if is_inference {
            self.inference_duration.record(seconds, &with_error);
        }
        if !is_inference || has_earlier {
            self.operation_duration.record(seconds, &with_error);
        }
        if let Some(first) = call.first_chunk.filter(|_| is_inference && call.is_stream) {
            self.first_chunk.record(first.as_secs_f64(), &with_error);
        }
        if is_inference {
            self.record_tokens(call, &common);
        }
        if let Some(usage) = call.usage.filter(|_| has_earlier) {
            for (kind, tokens) in [("input", usage.input_tokens), ("output", usage.output_tokens)] {
                // Embeddings have no output; a histogram of zeros says nothing.
                if tokens > 0 {
                    self.token_usage.record(tokens, &with(&common, names::TOKEN_TYPE, kind));
                }
            }
        }
    }

    fn record_tokens(&self, call: &CallSpan, common: &[KeyValue]) {
        let Some(usage) = call.usage else { return };
        let inputs = [("audio", usage.input_audio_tokens), ("image", usage.input_image_tokens)];
        add_by_modality(&self.input, usage.input_tokens, &inputs, common);
        add_by_modality(&self.output, usage.output_tokens, &[("audio", usage.output_audio_tokens)], common);
        add_by_modality(&self.cache_read, usage.cached_tokens, &[], common);
        add_by_modality(&self.cache_write, usage.cache_write_tokens, &[], common);
        add_by_modality(&self.reasoning, usage.reasoning_tokens, &[], common);
        for (histogram, tokens) in [(&self.inputs, usage.input_tokens), (&self.outputs, usage.output_tokens)] {
            if tokens > 0 {
                histogram.record(tokens, common);
            }
        }
    }

    /// Everything counted since the start.
    pub(super) fn collect(&self) -> Result<ResourceMetrics, String> {
        let mut metrics = ResourceMetrics::default();
        self.reader.collect(&mut metrics).map_err(|error| error.to_string())?;
        Ok(metrics)
    }
}

fn tokens(meter: &Meter, name: &'static str, what: &'static str) -> Histogram<u64> {
    let histogram = meter.u64_histogram(name).with_unit("{token}").with_description(what);
    histogram.with_boundaries(names::TOKEN_BOUNDARIES.to_vec()).build()
}

/// Counts `total` by modality: `parts` as they are, the rest as text; all of it as unknown where the provider names no part.
fn add_by_modality(counter: &Counter<u64>, total: u64, parts: &[(&'static str, u64)], common: &[KeyValue]) {
    let of_parts: u64 = parts.iter().map(|(_, tokens)| tokens).sum();
    let rest = if of_parts > 0 { "text" } else { "unknown" };
    for (modality, tokens) in parts.iter().copied().chain([(rest, total.saturating_sub(of_parts))]) {
        if tokens > 0 {
            counter.add(tokens, &with(common, names::TOKEN_MODALITY, modality));
        }
    }
}

fn with(common: &[KeyValue], name: &'static str, value: &'static str) -> Vec<KeyValue> {
    common.iter().cloned().chain([KeyValue::new(name, value)]).collect()
}

/// A reader that is the provider's and ours: the exporter asks it when it is ready, on its own thread.
#[derive(Debug, Clone)]
struct Reader(Arc<ManualReader>);

impl MetricReader for Reader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}
