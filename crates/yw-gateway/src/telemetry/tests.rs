use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant, SystemTime};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point};
use opentelemetry_proto::tonic::trace::v1::Span;
use proptest::prelude::*;
use prost::Message;
use reqwest::header::{HeaderMap, HeaderValue};
use yw_llm::TokenUsage;
use yw_task::Usd;

use super::{CallSpan, MetricNames, Operation, Telemetry, TelemetryConfig, TelemetryError, TraceContext, names};
use crate::Secret;
use crate::fake::{Asked, Fake, answer};

/// Users read the names on a page of their own.
#[test]
fn every_name_is_documented() {
    let page = include_str!("../../../../docs/telemetry.md");
    let names: Vec<&str> = include_str!("names.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("pub const ")?.split('"').nth(1))
        .collect();
    assert!(names.len() > 30, "{names:?}");
    let missing: Vec<&&str> = names.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/telemetry.md lacks {missing:?}");
}

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

#[test]
fn a_context_is_handed_on() {
    let state = ("tracestate", "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7");
    let came = TraceContext::from_headers(&headers(&[("traceparent", PARENT), state])).unwrap();
    assert!(came.is_sampled());
    let mut sent = headers(&[("traceparent", "what the client sent"), ("tracestate", "a=1"), ("tracestate", "b=2")]);
    let child = came.child();
    child.write(&mut sent);
    assert_eq!(sent["traceparent"], format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", child.span_id()));
    assert_ne!(child.span_id(), "00f067aa0ba902b7");
    assert_eq!(sent.get_all("tracestate").iter().collect::<Vec<_>>(), [state.1]);
    assert_eq!(TraceContext::from_headers(&sent), Some(child));

    let root = TraceContext::root(false);
    root.write(&mut sent);
    assert!(!root.is_sampled() && sent.get("tracestate").is_none());
    assert_ne!(root.trace_id(), TraceContext::root(false).trace_id());
}

/// After the rules of https://www.w3.org/TR/trace-context-2/ and its test suite.
#[test]
fn what_the_standard_forbids_is_ignored() {
    let digits = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for fit in [
        PARENT.to_owned(),
        format!("01-{digits}"),
        format!("cc-{digits}-what-the-future-will-be-like"),
        PARENT.replace("-01", "-ff"),
        PARENT.replace("-01", "-00"),
    ] {
        assert!(TraceContext::from_headers(&headers(&[("traceparent", &fit)])).is_some(), "{fit}");
    }
    for unfit in [
        String::new(),
        "00".to_owned(),
        format!("{PARENT}-"),
        format!("{PARENT}."),
        format!("ff-{digits}"),
        format!("0x-{digits}"),
        format!("cc-{digits}.what"),
        PARENT.to_uppercase(),
        PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000000000000000000000"),
        PARENT.replace("00f067aa0ba902b7", "0000000000000000"),
        PARENT.replace('-', "_"),
        PARENT.replacen("4b", "4g", 1),
        PARENT.replace("-01", "-1 "),
    ] {
        assert_eq!(TraceContext::from_headers(&headers(&[("traceparent", &unfit)])), None, "{unfit}");
    }
    assert_eq!(TraceContext::from_headers(&headers(&[("traceparent", PARENT), ("traceparent", PARENT)])), None);
    assert_eq!(TraceContext::from_headers(&headers(&[("tracestate", "a=1")])), None);
}

#[test]
fn a_state_that_is_wrong_is_dropped_alone() {
    let written = |states: &[&str]| {
        let mut came = headers(&[("traceparent", PARENT)]);
        for state in states {
            came.append("tracestate", HeaderValue::from_str(state).unwrap());
        }
        let mut sent = HeaderMap::new();
        TraceContext::from_headers(&came).unwrap().write(&mut sent);
        sent.get("tracestate").map(|state| state.to_str().unwrap().to_owned())
    };
    assert_eq!(written(&["a=1", "b=2,c@d=3"]).as_deref(), Some("a=1,b=2,c@d=3"));
    assert_eq!(written(&[" a=1 ,\t, b=x y"]).as_deref(), Some("a=1,b=x y"));
    let many = |n: usize| (0..n).map(|i| format!("k{i}=v")).collect::<Vec<_>>().join(",");
    assert_eq!(written(&[&many(32)]), Some(many(32)));
    let long = format!("a={}", "x".repeat(257));
    for wrong in ["", "a", "=1", "a=", "A=1", "a=b=c", "a b=1", &many(33), &long] {
        assert_eq!(written(&[wrong]), None, "{wrong}");
    }
}

proptest! {
    #[test]
    fn any_header_is_survived(parent in "[0-9a-f-]{0,60}|\\PC{0,60}", state in "\\PC{0,60}") {
        if let (Ok(parent), Ok(state)) = (HeaderValue::from_str(&parent), HeaderValue::from_str(&state)) {
            let mut came = HeaderMap::new();
            came.insert("traceparent", parent);
            came.insert("tracestate", state);
            if let Some(context) = TraceContext::from_headers(&came) {
                let mut sent = HeaderMap::new();
                context.write(&mut sent);
                prop_assert_eq!(TraceContext::from_headers(&sent), Some(context));
            }
        }
    }
}

fn call(context: TraceContext) -> CallSpan {
    CallSpan {
        is_stream: true,
        response_model: "gpt-5-mini-2026-01-01".to_owned(),
        response_id: "resp-1".to_owned(),
        finish_reasons: vec!["stop".to_owned()],
        usage: Some(TokenUsage {
            input_tokens: 100,
            cached_tokens: 40,
            cache_write_tokens: 10,
            input_audio_tokens: 25,
            output_tokens: 20,
            reasoning_tokens: 5,
            ..TokenUsage::default()
        }),
        server: Some(("api.openai.com".into(), Some(8443))),
        start: SystemTime::UNIX_EPOCH + Duration::from_millis(1_000_500),
        duration: Duration::from_millis(1500),
        first_chunk: Some(Duration::from_millis(300)),
        route: Some("fast".into()),
        key: Some("app".into()),
        attempts: 2,
        usd: Some(Usd::from_dollars(0.25)),
        ..CallSpan::new(context, Operation::Chat, "openai".into(), "gpt-5-mini".into())
    }
}

fn text(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let show = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::BoolValue(bool) => bool.to_string(),
        Value::IntValue(int) => int.to_string(),
        Value::DoubleValue(double) => double.to_string(),
        other => format!("{other:?}"),
    };
    let value =
        |attribute: &KeyValue| attribute.value.as_ref().and_then(|v| v.value.as_ref()).map_or(String::new(), show);
    attributes.iter().map(|attribute| (attribute.key.clone(), value(attribute))).collect()
}

fn spans(asked: &[Asked]) -> Vec<Span> {
    let requests = asked.iter().filter(|asked| asked.line == "POST /v1/traces");
    requests
        .map(|asked| ExportTraceServiceRequest::decode(&asked.bytes[..]).unwrap())
        .flat_map(|request| request.resource_spans)
        .flat_map(|resource| resource.scope_spans)
        .flat_map(|scope| scope.spans)
        .collect()
}

/// The points of the last export: `name{attribute=value}` to sum, and for histograms the count after a colon.
fn points(asked: &[Asked]) -> BTreeMap<String, String> {
    let last = asked.iter().rfind(|asked| asked.line == "POST /v1/metrics").unwrap();
    let request = ExportMetricsServiceRequest::decode(&last.bytes[..]).unwrap();
    let metrics = request.resource_metrics.into_iter().flat_map(|r| r.scope_metrics).flat_map(|s| s.metrics);
    let mut points = BTreeMap::new();
    for metric in metrics {
        let labels = |attributes: &[KeyValue]| {
            let shown = text(attributes).into_iter().filter(|(key, _)| {
                [names::TOKEN_MODALITY, names::TOKEN_TYPE, names::ERROR_TYPE, names::OPERATION_NAME]
                    .contains(&key.as_str())
            });
            shown.map(|(_, value)| value).collect::<Vec<_>>().join(",")
        };
        match metric.data.unwrap() {
            Data::Histogram(histogram) => {
                for point in histogram.data_points {
                    let key = format!("{} {}", metric.name, labels(&point.attributes));
                    points.insert(key, format!("{}:{}", point.sum.unwrap(), point.count));
                }
            }
            Data::Sum(sum) => {
                assert!(sum.is_monotonic);
                for point in sum.data_points {
                    let Some(number_data_point::Value::AsInt(value)) = point.value else { panic!("{point:?}") };
                    points.insert(format!("{} {}", metric.name, labels(&point.attributes)), value.to_string());
                }
            }
            other => panic!("{other:?}"),
        }
    }
    points
}

async fn flushed(telemetry: Telemetry) -> Telemetry {
    let flush = move || {
        assert!(telemetry.flush(Duration::from_secs(20)));
        telemetry
    };
    tokio::task::spawn_blocking(flush).await.unwrap()
}

/// A collector that answers with the status it is told.
async fn collector(status: u16) -> (Fake, Arc<AtomicU16>) {
    let status = Arc::new(AtomicU16::new(status));
    let said = Arc::clone(&status);
    (Fake::start(move |_| answer(said.load(Ordering::SeqCst), "")).await, status)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_one_span_with_the_names_of_the_conventions() {
    let (server, _) = collector(200).await;
    let config = TelemetryConfig {
        headers: vec![("x-collector-key".to_owned(), Secret::new("collectors-own"))],
        ..TelemetryConfig::new(format!("{}/", server.address))
    };
    assert!(!format!("{config:?}").contains("collectors-own"));
    let telemetry = Telemetry::start(config).unwrap();
    let (context, parent) = telemetry.begin(&headers(&[("traceparent", PARENT), ("tracestate", "a=1")]));
    telemetry.record(CallSpan { parent, ..call(context.clone()) });
    let telemetry = flushed(telemetry).await;
    assert_eq!((telemetry.stats().calls, telemetry.stats().spans_sent, telemetry.stats().failures), (1, 1, 0));

    let asked = server.asked();
    assert!(asked.iter().all(|asked| asked.header("x-collector-key") == Some("collectors-own")));
    assert!(asked.iter().all(|asked| asked.header("content-type") == Some("application/x-protobuf")));
    let [span] = &spans(&asked)[..] else { panic!("{asked:?}") };
    assert_eq!((span.name.as_str(), span.kind), ("chat gpt-5-mini", 3));
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    assert_eq!(hex(&span.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!((hex(&span.span_id), hex(&span.parent_span_id)), (context.span_id(), "00f067aa0ba902b7".to_owned()));
    assert_eq!(span.trace_state, "a=1");
    assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (1_000_500_000_000, 1_002_000_000_000));
    let mut attributes = text(&span.attributes);
    assert!(attributes.remove("gen_ai.response.finish_reasons").unwrap().contains("\"stop\""));
    let expected = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "gpt-5-mini"),
        ("gen_ai.request.stream", "true"),
        ("gen_ai.response.id", "resp-1"),
        ("gen_ai.response.model", "gpt-5-mini-2026-01-01"),
        ("gen_ai.response.time_to_first_chunk", "0.3"),
        ("gen_ai.usage.audio.input_tokens", "25"),
        ("gen_ai.usage.cache_read.input_tokens", "40"),
        ("gen_ai.usage.cache_write.input_tokens", "10"),
        ("gen_ai.usage.input_tokens", "100"),
        ("gen_ai.usage.output_tokens", "20"),
        ("gen_ai.usage.reasoning.output_tokens", "5"),
        ("server.address", "api.openai.com"),
        ("server.port", "8443"),
        ("yw.attempts", "2"),
        ("yw.key", "app"),
        ("yw.route", "fast"),
        ("yw.usd", "0.25"),
    ];
    let expected: BTreeMap<String, String> = expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    assert_eq!(attributes, expected);

    let request = asked.iter().find(|asked| asked.line == "POST /v1/traces").unwrap();
    let request = ExportTraceServiceRequest::decode(&request.bytes[..]).unwrap();
    let resource = text(&request.resource_spans[0].resource.as_ref().unwrap().attributes);
    assert_eq!(resource["service.name"], "yellowwood");
    assert!(resource.contains_key("service.version") && resource.contains_key("service.instance.id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_sum_the_calls_under_both_names_or_the_latest_alone() {
    let counted = async |names| {
        let (server, _) = collector(200).await;
        let config = TelemetryConfig { names, ..TelemetryConfig::new(&server.address) };
        let telemetry = Telemetry::start(config).unwrap();
        telemetry.record(call(TraceContext::root(true)));
        // Not sampled: no span, but counted.
        telemetry.record(call(TraceContext::root(false)));
        let failed = CallSpan {
            error_type: Some("503".to_owned()),
            usage: None,
            first_chunk: None,
            ..call(TraceContext::root(true))
        };
        telemetry.record(failed);
        let usage = Some(TokenUsage { input_tokens: 7, ..TokenUsage::default() });
        telemetry.record(CallSpan { operation: Operation::Embeddings, usage, ..call(TraceContext::root(true)) });
        let telemetry = flushed(telemetry).await;
        assert_eq!((telemetry.stats().calls, telemetry.stats().spans_sent), (4, 3));
        let failed =
            spans(&server.asked()).into_iter().filter(|span| span.status.as_ref().is_some_and(|s| s.code == 2));
        assert_eq!(failed.map(|span| text(&span.attributes)["error.type"].clone()).collect::<Vec<_>>(), ["503"]);
        points(&server.asked())
    };
    let latest = [
        ("gen_ai.client.inference.duration 503,chat", "1.5:1"),
        ("gen_ai.client.inference.duration chat", "3:2"),
        ("gen_ai.client.inference.operation.input_tokens chat", "200:2"),
        ("gen_ai.client.inference.operation.output_tokens chat", "40:2"),
        ("gen_ai.client.inference.time_to_first_chunk chat", "0.6:2"),
        ("gen_ai.client.inference.usage.cache_read.input_tokens chat,unknown", "80"),
        ("gen_ai.client.inference.usage.cache_write.input_tokens chat,unknown", "20"),
        ("gen_ai.client.inference.usage.input_tokens chat,audio", "50"),
        ("gen_ai.client.inference.usage.input_tokens chat,text", "150"),
        ("gen_ai.client.inference.usage.output_tokens chat,unknown", "40"),
        ("gen_ai.client.inference.usage.reasoning.output_tokens chat,unknown", "10"),
        ("gen_ai.client.operation.duration embeddings", "1.5:1"),
    ];
    let earlier = [
        ("gen_ai.client.operation.duration 503,chat", "1.5:1"),
        ("gen_ai.client.operation.duration chat", "3:2"),
        ("gen_ai.client.token.usage chat,input", "200:2"),
        ("gen_ai.client.token.usage chat,output", "40:2"),
        ("gen_ai.client.token.usage embeddings,input", "7:1"),
    ];
    let owned = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    };
    assert_eq!(counted(MetricNames::Latest).await, owned(&latest));
    assert_eq!(counted(MetricNames::WithEarlier).await, owned(&[&latest[..], &earlier].concat()));
    assert_eq!(MetricNames::from_opt_in(Some("http, gen_ai_latest_experimental")), MetricNames::Latest);
    assert_eq!(MetricNames::from_opt_in(None), MetricNames::WithEarlier);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_gets_what_waited_and_holds_nobody_up() {
    let (server, status) = collector(503).await;
    let config = TelemetryConfig { max_waiting: 1000, ..TelemetryConfig::new(&server.address) };
    let telemetry = Telemetry::start(config).unwrap();
    let start = Instant::now();
    for _ in 0..1500 {
        telemetry.record(call(TraceContext::root(true)));
    }
    assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());
    let telemetry = flushed(telemetry).await;
    let stats = telemetry.stats();
    assert_eq!((stats.spans_sent, stats.spans_dropped), (0, 0));
    assert_eq!(stats.calls + stats.calls_dropped, 1500);
    assert!(stats.calls >= 1000 && stats.failures >= 1);

    status.store(200, Ordering::SeqCst);
    let telemetry = flushed(telemetry).await;
    assert_eq!(telemetry.stats().spans_sent, stats.calls - telemetry.stats().spans_dropped);
    let points = points(&server.asked());
    assert_eq!(
        points["gen_ai.client.inference.operation.input_tokens chat"],
        format!("{}:{}", 100 * stats.calls, stats.calls)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_collector_refuses_is_dropped_and_nobody_there_is_survived() {
    let (server, _) = collector(400).await;
    let telemetry = Telemetry::start(TelemetryConfig::new(&server.address)).unwrap();
    telemetry.record(call(TraceContext::root(true)));
    let telemetry = flushed(telemetry).await;
    assert_eq!((telemetry.stats().spans_dropped, telemetry.stats().spans_sent), (1, 0));

    let nobody = Telemetry::start(TelemetryConfig::new("http://127.0.0.1:1")).unwrap();
    nobody.record(call(TraceContext::root(true)));
    let nobody = flushed(nobody).await;
    assert!(nobody.stats().failures >= 1);
    let start = Instant::now();
    drop(nobody);
    assert!(start.elapsed() < Duration::from_secs(6));

    for endpoint in ["", "collector:4318", "ftp://collector", "http://"] {
        let error = Telemetry::start(TelemetryConfig::new(endpoint)).unwrap_err();
        assert!(matches!(error, TelemetryError::Endpoint { .. }), "{endpoint}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_are_sent_without_being_asked_for_and_at_the_end() {
    let (server, _) = collector(200).await;
    let telemetry = Telemetry::start(TelemetryConfig::new(&server.address)).unwrap();
    telemetry.record(call(TraceContext::root(true)));
    let patience = Instant::now() + Duration::from_secs(10);
    while telemetry.stats().spans_sent == 0 && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    telemetry.record(call(TraceContext::root(true)));
    tokio::task::spawn_blocking(move || drop(telemetry)).await.unwrap();
    assert_eq!(spans(&server.asked()).len(), 2);
    assert_eq!(points(&server.asked())["gen_ai.client.operation.duration chat"], "3:2");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_traces_that_begin_here_a_share_is_recorded() {
    let (server, _) = collector(200).await;
    let config = TelemetryConfig { sample: 0.25, ..TelemetryConfig::new(&server.address) };
    let telemetry = Telemetry::start(config).unwrap();
    let sampled = (0..4000).filter(|_| telemetry.begin(&HeaderMap::new()).0.is_sampled()).count();
    // Binomial with 4,000 and 1/4: five deviations are 137.
    assert!((863..=1137).contains(&sampled), "{sampled}");
    // What a client decided is not decided again.
    for (parent, is_sampled) in [(PARENT.to_owned(), true), (PARENT.replace("-01", "-00"), false)] {
        assert_eq!(telemetry.begin(&headers(&[("traceparent", &parent)])).0.is_sampled(), is_sampled);
    }
}
