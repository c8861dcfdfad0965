//! What is counted of the gateway's calls.

use std::collections::BTreeMap;
use std::fmt::Write;

use yw_store::{CallRecord, CallTokens};
use yw_task::Usd;

use super::{Histogram, escaped, family};

/// Counts by model. Names of models come from clients: beyond so many they are counted together.
#[derive(Debug, Default)]
pub(super) struct Calls(BTreeMap<(String, String), Model>);

const MAX_MODELS: usize = 500;

/// The name of a family of metrics, what it is, and what it is of a model.
type HistogramFamily = (&'static str, &'static str, fn(&Model) -> &Histogram);
type Family<T> = (&'static str, &'static str, fn(&Model) -> T);

#[derive(Debug, Default)]
struct Model {
    by_status: BTreeMap<u16, u64>,
    attempts: u64,
    cached: u64,
    tokens: [u64; CallTokens::NAMES.len()],
    usd: Usd,
    latency: Histogram,
    first_token: Histogram,
    overhead: Histogram,
}

impl Calls {
    pub(super) fn count(&mut self, record: &CallRecord) {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let mut key = (text(&record.provider), text(&record.model));
        if self.0.len() >= MAX_MODELS && !self.0.contains_key(&key) {
            key = ("other".to_owned(), "other".to_owned());
        }
        let model = self.0.entry(key).or_default();
        *model.by_status.entry(record.status).or_default() += 1;
        model.attempts += record.attempts.len() as u64;
        model.cached += u64::from(record.cached);
        for (sum, n) in model.tokens.iter_mut().zip(record.tokens.counts()) {
            *sum = sum.saturating_add(n);
        }
        model.usd += record.usd;
        model.latency.observe(record.latency_ms / 1e3);
        model.overhead.observe(record.overhead_ms / 1e3);
        if let Some(ms) = record.first_token_ms {
            model.first_token.observe(ms / 1e3);
        }
    }

    pub(super) fn write(&self, text: &mut String) -> std::fmt::Result {
        let label = |(provider, model): &(String, String)| {
            format!("provider=\"{}\",model=\"{}\"", escaped(provider), escaped(model))
        };
        family(text, "yw_calls_total", "counter", "Calls of the gateway by model and status.")?;
        for (key, model) in &self.0 {
            for (status, n) in &model.by_status {
                writeln!(text, "yw_calls_total{{{},status=\"{status}\"}} {n}", label(key))?;
            }
        }
        let counters: [Family<String>; 3] = [
            ("yw_call_attempts_total", "Requests to providers.", |model| model.attempts.to_string()),
            ("yw_call_cache_hits_total", "Calls answered from the response cache.", |model| model.cached.to_string()),
            ("yw_call_usd_total", "Dollars that calls cost.", |model| model.usd.to_string().replacen('$', "", 1)),
        ];
        for (name, help, value) in counters {
            family(text, name, "counter", help)?;
            for (key, model) in &self.0 {
                writeln!(text, "{name}{{{}}} {}", label(key), value(model))?;
            }
        }
        family(text, "yw_call_tokens_total", "counter", "Tokens of calls; parts are counted in their totals too.")?;
        for (key, model) in &self.0 {
            for (kind, n) in CallTokens::NAMES.iter().zip(model.tokens).filter(|(_, n)| *n > 0) {
                writeln!(text, "yw_call_tokens_total{{{},type=\"{kind}\"}} {n}", label(key))?;
            }
        }
        let histograms: [HistogramFamily; 3] = [
            ("yw_call_duration_seconds", "Time from request to the end of the answer.", |model| &model.latency),
            ("yw_call_first_token_seconds", "Time from request to the first token.", |model| &model.first_token),
            ("yw_call_overhead_seconds", "Time that was not spent waiting for providers.", |model| &model.overhead),
        ];
        for (name, help, histogram) in histograms {
            family(text, name, "histogram", help)?;
            for (key, model) in &self.0 {
                histogram(model).write(text, name, &label(key))?;
            }
        }
        Ok(())
    }
}
