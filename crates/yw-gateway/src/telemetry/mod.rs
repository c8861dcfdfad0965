//! What OpenTelemetry is told of every call: one span and some metrics, in the words of its GenAI conventions.
//!
//! [`TraceContext`] is the W3C context of a request: read from the client's headers, handed on to the provider. A
//! [`CallSpan`] holds the facts of a finished call. [`Telemetry`] takes them without waiting, and sends them by OTLP over
//! HTTP (protobuf) to `ENDPOINT/v1/traces` and `ENDPOINT/v1/metrics`.
//!
//! *Loss*: a collector that does not answer never holds up a call. Spans wait in memory, up to a bound; what comes on top is
//! dropped and [counted](TelemetryStats). Metrics are sums since the start and lose nothing by a collector that was away.
//!
//! *Names*: see [`names`]. One version is emitted. Whether the metrics are there under their earlier names too is the one
//! [switch](MetricNames).
//!
//! *Variables*: the official exporter reads `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_RESOURCE_ATTRIBUTES` and their like from
//! the environment on its own. The endpoint is taken from [`TelemetryConfig`] alone.

mod call;
mod context;
mod export;
mod http;
mod metrics;
pub mod names;
#[cfg(test)]
mod tests;

pub use call::{CallSpan, Operation};
pub use context::TraceContext;
pub use export::{Telemetry, TelemetryConfig, TelemetryError, TelemetryStats};
pub use metrics::MetricNames;
