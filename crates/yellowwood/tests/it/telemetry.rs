//! `otlp` in `[serve]`: what a collector is sent of calls, and what providers are told of the trace.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value, json};
use yw_testkit::{Script, ScriptedServer, Workspace};

use crate::proxy::{PROVIDER_KEY, Proxy, project};
use crate::support::yw;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT_SPAN: &str = "00f067aa0ba902b7";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACING: [(&str, &str); 2] = [("traceparent", PARENT), ("tracestate", "vendor=1")];
const CHAT: &str = "/v1/chat/completions";

/// The path and the body of a request.
type Taken = (String, Vec<u8>);

/// A collector that takes everything. Its thread ends with the process.
struct Collector {
    address: String,
    taken: Arc<Mutex<Vec<Taken>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let taken = Arc::new(Mutex::new(Vec::new()));
        let kept = taken.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let Some(request) = read_request(&mut stream) else { continue };
                kept.lock().expect("no test panics with it").push(request);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        });
        Collector { address, taken }
    }

    fn bodies(&self, path: &str) -> Vec<Vec<u8>> {
        let taken = self.taken.lock().expect("no test panics with it");
        taken.iter().filter(|(asked, _)| asked == path).map(|(_, body)| body.clone()).collect()
    }

    /// In the order in which the calls began.
    fn spans(&self) -> Vec<Span> {
        let requests = self.bodies("/v1/traces").into_iter();
        let requests = requests.map(|body| ExportTraceServiceRequest::decode(&body[..]).expect("a request of OTLP"));
        let scopes = requests.flat_map(|r| r.resource_spans).flat_map(|r| r.scope_spans);
        let mut spans: Vec<Span> = scopes.flat_map(|scope| scope.spans).collect();
        spans.sort_by_key(|span| span.start_time_unix_nano);
        spans
    }

    fn metrics(&self) -> Vec<String> {
        let last = self.bodies("/v1/metrics").pop().expect("metrics were sent");
        let last = ExportMetricsServiceRequest::decode(&last[..]).expect("a request of OTLP");
        let scopes = last.resource_metrics.into_iter().flat_map(|r| r.scope_metrics);
        scopes.flat_map(|scope| scope.metrics).map(|metric| metric.name).collect()
    }
}

fn read_request(stream: &mut impl Read) -> Option<Taken> {
    let mut bytes = Vec::new();
    let mut block = [0; 8192];
    loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..at]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok())?;
            if bytes.len() >= at + 4 + length {
                return Some((head.split(' ').nth(1)?.to_owned(), bytes[at + 4..].to_vec()));
            }
        }
        let n_bytes = stream.read(&mut block).ok().filter(|&n| n > 0)?;
        bytes.extend_from_slice(&block[..n_bytes]);
    }
}

fn attributes(span: &Span) -> BTreeMap<String, String> {
    let text = |value: Option<Any>| match value {
        Some(Any::StringValue(text)) => text,
        Some(Any::IntValue(n)) => n.to_string(),
        Some(Any::BoolValue(b)) => b.to_string(),
        Some(Any::DoubleValue(x)) => x.to_string(),
        Some(Any::ArrayValue(items)) => format!("{} values", items.values.len()),
        other => panic!("an unexpected value: {other:?}"),
    };
    span.attributes.iter().map(|kv| (kv.key.clone(), text(kv.value.clone().and_then(|v| v.value)))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn chat(model: &str, stream: bool) -> Value {
    json!({ "model": model, "stream": stream, "max_tokens": 50, "messages": [{ "role": "user", "content": "Hi" }] })
}

/// The records of all calls, the earliest first.
fn records(workspace: &Workspace) -> Vec<Value> {
    let listed = yw(["calls", "--format", "json", "--limit", "100"]).dir(workspace.path()).run().success();
    let mut records: Vec<Value> =
        listed.stdout.lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
    records.reverse();
    records
}

/// What the provider was told of the trace by the last request.
fn told(server: &ScriptedServer) -> (Option<String>, Option<String>) {
    let requests = server.requests();
    let last = requests.last().expect("the provider is asked");
    (last.header("traceparent").map(str::to_owned), last.header("tracestate").map(str::to_owned))
}

#[test]
fn every_call_is_one_span_below_the_clients() {
    let collector = Collector::start();
    let (workspace, server) = project(Script::by_model(1), &format!("otlp = \"{}\"", collector.address));
    let proxy = Proxy::start(&workspace, &[], true);
    proxy.post(CHAT, &TRACING, &chat("scripted/say:hello", false)).has_status(200);
    let (to_provider, state) = told(&server);
    proxy.post("/v1/messages", &[], &chat("claude/long:20", true)).has_status(200);
    proxy.post(CHAT, &[], &chat("spare", false)).has_status(200);
    proxy.post(CHAT, &[], &chat("scripted/status:400", false)).has_status(400);
    proxy.post(CHAT, &[], &chat("nobody/knows-this", false)).has_status(404);
    proxy.post("/v1/embeddings", &[], &json!({ "model": "scripted/e", "input": "one" })).has_status(200);
    proxy.post("/v1/messages/count_tokens", &[], &chat("claude/m", false)).has_status(200);
    proxy.stop();

    let spans = collector.spans();
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    let expected = [
        "chat say:hello",
        "chat long:20",
        "chat say:spare",
        "chat status:400",
        "chat unknown",
        "embeddings e",
        "count_tokens m",
    ];
    assert_eq!(names, expected);
    let first = &spans[0];
    assert_eq!((hex(&first.trace_id).as_str(), hex(&first.parent_span_id).as_str()), (TRACE, CLIENT_SPAN));
    assert_eq!((first.kind, first.trace_state.as_str()), (3, "vendor=1"));
    assert_eq!(to_provider, Some(format!("00-{TRACE}-{}-01", hex(&first.span_id))));
    assert_eq!(state.as_deref(), Some("vendor=1"));
    assert!(spans[1..].iter().all(|span| span.parent_span_id.is_empty() && hex(&span.trace_id) != TRACE));
    // Counts leave no record; every other call has its trace in it.
    let traces: Vec<String> = spans[..6].iter().map(|span| hex(&span.trace_id)).collect();
    let recorded: Vec<String> =
        records(&workspace).iter().map(|r| r["trace_id"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(recorded, traces);

    check_attributes(&spans, &server);
    let metrics = collector.metrics();
    for name in ["gen_ai.client.inference.duration", "gen_ai.client.operation.duration", "gen_ai.client.token.usage"] {
        assert!(metrics.iter().any(|metric| metric == name), "{name} in {metrics:?}");
    }
    let sent = [collector.bodies("/v1/traces"), collector.bodies("/v1/metrics")].concat();
    let has_key = |body: &Vec<u8>| body.windows(PROVIDER_KEY.len()).any(|part| part == PROVIDER_KEY.as_bytes());
    assert!(!sent.iter().any(has_key));
}

/// The attributes of the spans of the test above.
fn check_attributes(spans: &[Span], server: &ScriptedServer) {
    let of = |at: usize| attributes(&spans[at]);
    let mut first = of(0);
    for varies in ["gen_ai.response.id", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "yw.usd"] {
        assert!(first.remove(varies).is_some_and(|value| !value.is_empty() && value != "0"), "{varies}");
    }
    let port = server.address().port().to_string();
    let expected = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "scripted"),
        ("gen_ai.request.model", "say:hello"),
        ("gen_ai.response.model", "say:hello"),
        ("server.address", "127.0.0.1"),
        ("server.port", port.as_str()),
        ("yw.attempts", "1"),
    ];
    assert_eq!(first, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());

    let stream = of(1);
    assert_eq!((stream["gen_ai.provider.name"].as_str(), stream["gen_ai.request.stream"].as_str()), ("claude", "true"));
    assert_eq!(stream["gen_ai.response.finish_reasons"], "1 values");
    assert!(stream.contains_key("gen_ai.response.time_to_first_chunk"), "{stream:?}");
    let spare = of(2);
    assert_eq!((spare["yw.route"].as_str(), spare["yw.attempts"].as_str()), ("spare", "2"));
    assert_eq!(of(3)["error.type"], "400");
    let unknown = of(4);
    assert_eq!(
        (unknown["error.type"].as_str(), unknown["gen_ai.provider.name"].as_str()),
        ("model_not_found", "yellowwood")
    );
    let failed: Vec<bool> = spans.iter().map(|span| span.status.as_ref().is_some_and(|s| s.code == 2)).collect();
    assert_eq!(failed, [false, false, false, true, true, false, false]);
}

#[test]
fn without_a_collector_the_clients_trace_is_handed_on_as_it_came() {
    let (workspace, server) = project(Script::by_model(1), "");
    let proxy = Proxy::start(&workspace, &[], true);
    for (path, model) in [(CHAT, "scripted/say:hello"), ("/v1/messages", "scripted/say:hello")] {
        proxy.post(path, &TRACING, &chat(model, false)).has_status(200);
        assert_eq!(told(&server), (Some(PARENT.to_owned()), Some("vendor=1".to_owned())), "{path}");
    }
    proxy.post(CHAT, &[("traceparent", "nonsense")], &chat("scripted/say:hello", false)).has_status(200);
    assert_eq!(told(&server), (None, None));
    proxy.stop();
    let traces: Vec<Value> = records(&workspace).iter().map(|record| record["trace_id"].clone()).collect();
    assert_eq!(traces, [json!(TRACE), json!(TRACE), Value::Null]);
}

#[test]
fn a_collector_that_is_not_there_holds_nothing_up() {
    let (workspace, _server) = project(Script::by_model(1), "otlp = \"http://127.0.0.1:1\"");
    let proxy = Proxy::start(&workspace, &[], true);
    proxy.post(CHAT, &TRACING, &chat("scripted/say:hello", false)).has_status(200);
    proxy.stop();
    assert_eq!(records(&workspace)[0]["trace_id"], TRACE);
}
