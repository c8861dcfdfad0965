//! What the parts that every call passes cost: authorizing, trace context, telemetry, recording.
//!
//! `cargo run --release -p yw-gateway --example parts_speed`

#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use yw_gateway::Secret;
use yw_gateway::auth::{AwsSource, Credentials};
use yw_gateway::cassette::{Recorder, RecorderOptions};
use yw_gateway::telemetry::{CallSpan, Operation, Telemetry, TelemetryConfig, TraceContext};
use yw_llm::TokenUsage;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = Url::parse("https://bedrock-runtime.eu-west-1.amazonaws.com/model/a.b%3A0/converse")?;
    let body = Bytes::from(vec![b'x'; 1024]);
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));

    let key = Secret::new("sk-0123456789");
    let aws = AwsSource::fixed("AKIDEXAMPLE", Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), None);
    let kinds = [
        ("a key in a header", Credentials::bearer(&key)?, 200_000),
        ("a signature of 1 KB", Credentials::sigv4("eu-west-1", "bedrock", aws), 5_000),
    ];
    for (what, credentials, n) in kinds {
        let now = Timestamp::now();
        let start = Instant::now();
        for _ in 0..n {
            credentials.authorize(&Method::POST, &url, &mut headers, &body, now).await?;
        }
        show(what, start, n);
    }

    let mut came = HeaderMap::new();
    TraceContext::root(true).write(&mut came);
    let n = 100_000;
    let start = Instant::now();
    for _ in 0..n {
        let context = TraceContext::from_headers(&came).ok_or("no context")?;
        context.child().write(black_box(&mut headers));
    }
    show("trace context, read and written", start, n);

    let telemetry = Telemetry::start(TelemetryConfig::new(collector().await?))?;
    let calls: Vec<CallSpan> = (0..10_000).map(|_| call()).collect();
    let n = calls.len() as u32;
    let start = Instant::now();
    for call in calls {
        telemetry.record(call);
    }
    show("telemetry, for the call", start, n);
    let telemetry = tokio::task::spawn_blocking(move || {
        let start = Instant::now();
        telemetry.flush(Duration::from_secs(60));
        show("telemetry, for its thread (and the collector here)", start, n);
        telemetry
    });
    println!("{:?}", telemetry.await?);

    let folder = std::env::temp_dir().join(format!("yw-parts-speed-{}", std::process::id()));
    let options = RecorderOptions { secrets: vec![key], max_waiting: 20_000, ..RecorderOptions::default() };
    let recorder = Recorder::start(&folder, options)?;
    let n = 5_000;
    let start = Instant::now();
    for _ in 0..n {
        let mut recording = recorder.begin(&Method::POST, &url, &headers, body.clone());
        recording.response(200, &came);
        for _ in 0..5 {
            recording.piece(&body);
        }
        recording.finish();
    }
    show("recording, for the call", start, n);
    recorder.flush();
    show("recording, written", start, n);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn show(what: &str, start: Instant, n: u32) {
    println!("{what:52} {:9.2} us", start.elapsed().as_secs_f64() * 1e6 / f64::from(n));
}

fn call() -> CallSpan {
    CallSpan {
        response_model: "gpt-5-mini-2026-01-01".to_owned(),
        response_id: "chatcmpl-0123456789".to_owned(),
        finish_reasons: vec!["stop".to_owned()],
        usage: Some(TokenUsage { input_tokens: 100, cached_tokens: 40, output_tokens: 20, ..TokenUsage::default() }),
        server: Some(("api.openai.com".into(), None)),
        duration: Duration::from_millis(1500),
        ..CallSpan::new(TraceContext::root(true), Operation::Chat, "openai".into(), "gpt-5-mini".into())
    }
}

/// Takes everything and looks at nothing.
async fn collector() -> std::io::Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut received = Vec::new();
            let mut length = None;
            while length.is_none_or(|length| received.len() < length) {
                if socket.read_buf(&mut received).await.unwrap_or(0) == 0 {
                    break;
                }
                length = length.or_else(|| whole_length(&received));
            }
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        }
    });
    Ok(address)
}

/// The length of head and body, once the head is there.
fn whole_length(received: &[u8]) -> Option<usize> {
    let head = received.windows(4).position(|window| window == b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(received.get(..head)?).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    Some(head + 4 + length.unwrap_or(0))
}
