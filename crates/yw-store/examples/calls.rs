//! How long it takes to append calls of the gateway, to bring them into the database, and to sum them up.
//!
//! Calls are appended as fast as they can be, by one thread; the background brings them in meanwhile, if it can. They are
//! spread over a month, twenty keys and four models.
//!
//! ```sh
//! cargo run --release -p yw-store --example calls -- [CALLS] [FOLDER]
//! ```

#![allow(clippy::print_stdout, reason = "a program that prints")]

use std::error::Error;
use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use jiff::Timestamp;
use yw_store::{
    CallAttempt, CallFilter, CallGroup, CallOperation, CallRecord, CallTokens, LogWriter, Store, StoreError, new_id,
};
use yw_task::Usd;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const MONTH: Duration = Duration::from_secs(30 * 86_400);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let n_calls: u32 = arguments.next().map_or(Ok(1_000_000), |s| s.parse())?;
    let parent = arguments.next().map_or_else(|| PathBuf::from("."), PathBuf::from);
    let dir = tempfile::tempdir_in(&parent)?;
    let store = Store::open(dir.path()).await?;
    let log = store.log().await?;
    let now = Timestamp::now();

    let begin = Instant::now();
    append(&log, n_calls, now).await?;
    println!(
        "{n_calls} calls of {} bytes appended in {:.1?}",
        serde_json::to_vec(&record(1, now))?.len(),
        begin.elapsed()
    );
    time("to bring the rest into the database", store.calls(&CallFilter { limit: Some(1), ..Default::default() }))
        .await?;
    println!("{:.1} s for all, appending included", begin.elapsed().as_secs_f64());

    let all = CallFilter::default();
    let days = CallFilter { since: Some(now - MONTH / 3), until: Some(now - MONTH / 5), ..CallFilter::default() };
    let last = CallFilter { key: Some("app-3".into()), limit: Some(50), newest_first: true, ..CallFilter::default() };
    let none = CallFilter { key: Some("nobody".into()), ..last.clone() };
    time("the sum of all", store.call_sums(&all, &[])).await?;
    time("sums by key", store.call_sums(&all, &[CallGroup::Key])).await?;
    time("sums by key, model and day", store.call_sums(&all, &[CallGroup::Key, CallGroup::Model, CallGroup::Day]))
        .await?;
    time("sums by key over some days", store.call_sums(&days, &[CallGroup::Key])).await?;
    time("the last 50 calls of a key", store.calls(&last)).await?;
    time("to find that a key has no calls", store.calls(&none)).await?;
    time("what was spent in a month", store.spent_since(now - MONTH)).await?;
    let begin = Instant::now();
    let trimmed = store.trim_calls(Some(MONTH * 9 / 10), None).await?;
    println!("{:>9.1?}  to trim {} calls", begin.elapsed(), trimmed.calls);
    store.close().await?;
    let n_bytes = std::fs::metadata(dir.path().join("state.db"))?.len();
    println!("{} bytes on the disk for each call", n_bytes / u64::from(n_calls));
    Ok(())
}

async fn append(log: &LogWriter, n_calls: u32, now: Timestamp) -> Result<()> {
    let mut nanos = Histogram::<u64>::new(3)?;
    for n in 0..n_calls {
        let call = record(n, now - MONTH + MONTH / n_calls * n);
        let begin = Instant::now();
        log.append_call(&call)?;
        nanos.record(begin.elapsed().as_nanos() as u64)?;
        if n.is_multiple_of(1_000) {
            tokio::task::yield_now().await; // segments are finished by the runtime
        }
    }
    let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|q| nanos.value_at_quantile(q) as f64 / 1e3);
    println!("an append takes {p50:.1} µs, {p99:.1} at the 99th percentile, {p999:.1} at the 99.9th");
    Ok(())
}

async fn time<T>(what: &str, work: impl Future<Output = std::result::Result<T, StoreError>>) -> Result<()> {
    let begin = Instant::now();
    work.await?;
    println!("{:>9.1?}  {what}", begin.elapsed());
    Ok(())
}

fn record(n: u32, at: Timestamp) -> CallRecord {
    let (provider, model) = [
        ("anthropic", "claude-haiku-4-5"),
        ("openai", "gpt-5-mini"),
        ("gemini", "gemini-3-flash"),
        ("mistral", "mistral-large-2512"),
    ][n as usize % 4];
    let key = n / 7 % 20;
    let attempt =
        CallAttempt { model: format!("{provider}/{model}"), status: Some(200), error: None, latency_ms: 811.25 };
    CallRecord {
        id: new_id(),
        at,
        key: Some(format!("key_{key:08x}")),
        key_name: Some(format!("app-{key}")),
        client: "openai".into(),
        operation: CallOperation::Chat,
        requested: "fast".into(),
        route: Some("fast".into()),
        provider: Some(provider.into()),
        model: Some(model.into()),
        provider_request_id: Some("req_011CVH5sYyDPyjJqXk1rF4Lm".into()),
        attempts: vec![attempt],
        tokens: CallTokens { input: 1_200, output: 80, cached: 1_024, ..CallTokens::default() },
        usd: Usd::from_picos(678_400_000 + i128::from(n)),
        priced: true,
        estimated: false,
        cached: false,
        status: if n.is_multiple_of(37) { 503 } else { 200 },
        error: None,
        stream: true,
        first_token_ms: Some(301.5),
        latency_ms: 812.5,
        overhead_ms: 0.2125,
        trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
        tags: [("team".to_owned(), "blue".to_owned())].into(),
        request: None,
        response: None,
    }
}
