//! `/metrics`: counters and histograms in Prometheus' text format, version 0.0.4.

mod calls;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use yw_store::CallRecord;
use yw_task::Outcome;

use self::calls::Calls;
use crate::App;

/// Upper bounds of the duration buckets, in seconds.
const BUCKETS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 60.0];

/// What the server counts.
#[derive(Debug, Default)]
pub(crate) struct Metrics(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// By route and status.
    requests: BTreeMap<(String, u16), Histogram>,
    /// By task and outcome: `ok` or the kind of failure.
    answers: BTreeMap<(String, &'static str), u64>,
    tokens: BTreeMap<(String, &'static str), u64>,
    usd: BTreeMap<String, f64>,
    calls: Calls,
}

#[derive(Debug, Default, Clone)]
struct Histogram {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    seconds: f64,
}

impl Histogram {
    fn observe(&mut self, seconds: f64) {
        if let Some(bucket) = BUCKETS.iter().position(|&bound| seconds <= bound) {
            self.buckets[bucket] += 1;
        }
        self.count += 1;
        self.seconds += seconds;
    }

    /// Its lines under `name`; `labels` may not be empty.
    fn write(&self, text: &mut String, name: &str, labels: &str) -> std::fmt::Result {
        let mut below = 0;
        for (bound, n) in BUCKETS.iter().zip(self.buckets) {
            below += n;
            writeln!(text, "{name}_bucket{{{labels},le=\"{bound}\"}} {below}")?;
        }
        writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} {}", self.count)?;
        writeln!(text, "{name}_sum{{{labels}}} {}", self.seconds)?;
        writeln!(text, "{name}_count{{{labels}}} {}", self.count)
    }
}

impl Metrics {
    pub(crate) fn request(&self, route: &str, status: u16, elapsed: Duration) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.requests.entry((route.to_owned(), status)).or_default().observe(elapsed.as_secs_f64());
    }

    pub(crate) fn answer(&self, task: &str, outcome: &Outcome) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let word = outcome.result.as_ref().map_or_else(|e| e.kind.name(), |_| "ok");
        *counts.answers.entry((task.to_owned(), word)).or_default() += 1;
        let usage = &outcome.usage;
        if usage.calls > 0 {
            for (word, n) in [("input", usage.input_tokens), ("output", usage.output_tokens)] {
                *counts.tokens.entry((task.to_owned(), word)).or_default() += n;
            }
            *counts.usd.entry(task.to_owned()).or_default() += usage.usd.as_dollars();
        }
    }

    /// Counts a call of the gateway.
    pub(crate) fn call(&self, record: &CallRecord) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).calls.count(record);
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = "yw_http_request_duration_seconds";
        family(text, name, "histogram", "Time from the head of a request to its response.")?;
        for ((route, status), histogram) in &counts.requests {
            let labels = format!("route=\"{}\",status=\"{status}\"", escaped(route));
            histogram.write(text, name, &labels)?;
        }
        family(text, "yw_answers_total", "counter", "Rows by task and outcome: ok, or the kind of failure.")?;
        for ((task, outcome), n) in &counts.answers {
            writeln!(text, "yw_answers_total{{task=\"{}\",outcome=\"{outcome}\"}} {n}", escaped(task))?;
        }
        family(text, "yw_tokens_total", "counter", "Tokens that providers counted.")?;
        for ((task, kind), n) in &counts.tokens {
            writeln!(text, "yw_tokens_total{{task=\"{}\",type=\"{kind}\"}} {n}", escaped(task))?;
        }
        family(text, "yw_usd_total", "counter", "Dollars that answers cost.")?;
        for (task, usd) in &counts.usd {
            writeln!(text, "yw_usd_total{{task=\"{}\"}} {usd}", escaped(task))?;
        }
        counts.calls.write(text)
    }
}

/// All metrics, and which versions answer.
pub(crate) async fn show(State(app): State<App>) -> impl IntoResponse {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = app.metrics.write(&mut text);
    let _ = family(&mut text, "yw_champion_info", "gauge", "The version that answers a task.");
    for (task, version) in app.champions.all() {
        let Some(version) = version else { continue };
        let (candidate, artifact) = (&version.champion.candidate, version.champion.artifact.as_str());
        let _ = writeln!(
            text,
            "yw_champion_info{{task=\"{}\",candidate=\"{}\",version=\"{artifact}\"}} 1",
            escaped(&task),
            escaped(candidate)
        );
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

fn family(text: &mut String, name: &str, kind: &str, help: &str) -> std::fmt::Result {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

/// A label value as the text format wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative() {
        let metrics = Metrics::default();
        metrics.request("/a", 200, Duration::from_micros(700));
        metrics.request("/a", 200, Duration::from_millis(3));
        metrics.request("/a", 200, Duration::from_secs(100));
        let mut text = String::new();
        metrics.write(&mut text).unwrap();
        for line in [
            r#"yw_http_request_duration_seconds_bucket{route="/a",status="200",le="0.0005"} 0"#,
            r#"yw_http_request_duration_seconds_bucket{route="/a",status="200",le="0.001"} 1"#,
            r#"yw_http_request_duration_seconds_bucket{route="/a",status="200",le="60"} 2"#,
            r#"yw_http_request_duration_seconds_bucket{route="/a",status="200",le="+Inf"} 3"#,
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn label_values_are_escaped() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }
}
