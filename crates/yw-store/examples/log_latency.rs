//! How long opening a store takes, and how long an append to the serving log takes, at 1,000 appends a second, beside the obvious alternative: one SQLite
//! transaction per record (WAL, `synchronous=NORMAL`, checkpoints from another connection).
//!
//! Each is measured alone and with another thread that writes and syncs a megabyte ten times a second. The load is open:
//! an append that should have begun while an earlier one stalled counts from when it should have begun.
//!
//! ```sh
//! cargo run --release -p yw-store --example log_latency -- [SECONDS] [FOLDER]
//! chrt -f 10 taskset -c 0 target/release/examples/log_latency   # everything on one core, before other processes
//! ```

#![allow(clippy::print_stdout, reason = "a program that prints")]

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use tokio::runtime::Runtime;
use yw_store::{LogRecord, LogWriter, Store, new_id};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const INTERVAL: Duration = Duration::from_millis(1);

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let seconds: u64 = arguments.next().map_or(Ok(10), |s| s.parse())?;
    let parent = arguments.next().map_or_else(|| PathBuf::from("."), PathBuf::from);
    let [new, existing] = measure_opening(tempfile::tempdir_in(&parent)?.path())?;
    println!("opening a new store takes {new:.1?}, an existing one {existing:.1?} (medians)");
    println!("{seconds} s at 1,000 records a second of {} bytes; microseconds", serde_json::to_vec(&record())?.len());
    println!("{:<32} {:>8} {:>8} {:>8} {:>8}", "", "p50", "p99", "p99.9", "max");
    for is_loaded in [false, true] {
        let suffix = if is_loaded { ", syncs beside" } else { "" };
        let dir = tempfile::tempdir_in(&parent)?;
        print(&format!("no log at all{suffix}"), &measure_nothing(dir.path(), seconds, is_loaded)?);
        let dir = tempfile::tempdir_in(&parent)?;
        print(&format!("segment{suffix}"), &measure_segment(dir.path(), seconds, is_loaded)?);
        let dir = tempfile::tempdir_in(&parent)?;
        print(&format!("sqlite{suffix}"), &measure_sqlite(dir.path(), seconds, is_loaded)?);
    }
    Ok(())
}

fn print(name: &str, micros: &Histogram<u64>) {
    let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|q| micros.value_at_quantile(q));
    println!("{name:<32} {p50:>8} {p99:>8} {p999:>8} {:>8}", micros.max());
}

/// The median time to make a store, and to open one again.
fn measure_opening(dir: &Path) -> Result<[Duration; 2]> {
    const N: usize = 11;
    let runtime = one_worker()?;
    let time = |n: usize| -> Result<Duration> {
        let begin = Instant::now();
        let store = runtime.block_on(Store::open(&dir.join(n.to_string())))?;
        let elapsed = begin.elapsed();
        runtime.block_on(store.close())?;
        Ok(elapsed)
    };
    let mut medians = [Duration::ZERO; 2];
    for median in &mut medians {
        let mut times = (0..N).map(time).collect::<Result<Vec<_>>>()?;
        times.sort();
        *median = times[N / 2];
    }
    Ok(medians)
}

/// What the machine does to a thread that only makes the record.
fn measure_nothing(dir: &Path, seconds: u64, is_loaded: bool) -> Result<Histogram<u64>> {
    with_load(dir, is_loaded, || {
        at_rate(seconds, || {
            std::hint::black_box(serde_json::to_vec(&record())?);
            Ok(())
        })
    })
}

fn measure_segment(dir: &Path, seconds: u64, is_loaded: bool) -> Result<Histogram<u64>> {
    let runtime = one_worker()?;
    let (store, log) = runtime.block_on(async {
        let store = Store::open(dir).await?;
        let log = store.log().await?;
        Ok::<(Store, LogWriter), yw_store::StoreError>((store, log))
    })?;
    let micros = with_load(dir, is_loaded, || at_rate(seconds, || Ok(runtime.block_on(log.append(&[record()]))?)))?;
    runtime.block_on(store.close())?;
    Ok(micros)
}

fn measure_sqlite(dir: &Path, seconds: u64, is_loaded: bool) -> Result<Histogram<u64>> {
    let runtime = one_worker()?;
    let _context = runtime.enter(); // connections are given back in one
    let pool = runtime.block_on(sqlite_log(dir))?;
    let checkpoints = runtime.spawn({
        let pool = pool.clone();
        async move {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)").execute(&pool).await?;
            }
            #[allow(unreachable_code, reason = "names the error type")]
            Ok::<(), sqlx::Error>(())
        }
    });
    let mut writer = runtime.block_on(pool.acquire())?;
    let micros = with_load(dir, is_loaded, || {
        at_rate(seconds, || {
            let record = record();
            let json = serde_json::to_string(&record)?;
            let insert = sqlx::query("INSERT INTO log (id, task, at, record) VALUES (?, ?, ?, ?)")
                .bind(record.id)
                .bind(record.task)
                .bind(record.at.as_microsecond())
                .bind(json)
                .execute(&mut *writer);
            runtime.block_on(insert)?;
            Ok(())
        })
    })?;
    checkpoints.abort();
    Ok(micros)
}

/// The table of the store, with nothing else in the database.
async fn sqlite_log(dir: &Path) -> Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(dir.join("log.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .pragma("wal_autocheckpoint", "0");
    let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await?;
    sqlx::raw_sql(
        "CREATE TABLE log (
             position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, task TEXT NOT NULL,
             at INTEGER NOT NULL, record TEXT NOT NULL) STRICT;
         CREATE INDEX log_by_task ON log (task, position);
         CREATE INDEX log_by_time ON log (task, at);",
    )
    .execute(&pool)
    .await?;
    Ok(pool)
}

fn one_worker() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
}

/// Appends on schedule, and collects how long each took in microseconds.
fn at_rate(seconds: u64, mut append: impl FnMut() -> Result<()>) -> Result<Histogram<u64>> {
    let mut micros = Histogram::new(3)?;
    let mut due = Instant::now();
    for _ in 0..seconds * 1_000 {
        due += INTERVAL;
        // Late because of the append before: it counts from when it was due. Otherwise the timer's slack is not ours.
        let ahead = due.saturating_duration_since(Instant::now());
        let begin = if ahead.is_zero() {
            due
        } else {
            std::thread::sleep(ahead);
            Instant::now()
        };
        append()?;
        micros.record(begin.elapsed().as_micros() as u64)?;
    }
    Ok(micros)
}

/// Runs `work`, if asked with a thread beside it that writes and syncs a megabyte every tenth of a second.
fn with_load<T>(dir: &Path, is_loaded: bool, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let is_done = AtomicBool::new(!is_loaded);
    std::thread::scope(|scope| {
        let load = scope.spawn(|| -> std::io::Result<()> {
            let megabyte = vec![7; 1 << 20];
            while !is_done.load(Ordering::Relaxed) {
                let mut file = File::create(dir.join("load"))?;
                file.write_all(&megabyte)?;
                file.sync_all()?;
                std::thread::sleep(Duration::from_millis(100));
            }
            Ok(())
        });
        let result = work();
        is_done.store(true, Ordering::Relaxed);
        load.join().map_err(|_| "the load panicked")??;
        result
    })
}

fn record() -> LogRecord {
    LogRecord {
        id: new_id(),
        at: Timestamp::now(),
        task: "triage".into(),
        candidate: "words".into(),
        artifact: "0123456789abcdef0123456789abcdef".into(),
        input: serde_json::json!({
            "subject": "Cannot sign in since the update",
            "body": "After the update of last night the app asks for the password again and again. I tried two phones.",
            "plan": "team",
            "seats": 12,
        }),
        answer: Some("accounts".into()),
        scores: Some(serde_json::json!({ "accounts": 0.81, "billing": 0.11, "bugs": 0.08 })),
        error: None,
        latency_ms: Some(0.212),
        usage: None,
        usd: Some(0.0),
    }
}
