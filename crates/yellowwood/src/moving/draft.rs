//! A project file in the making.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::left::Left;
use super::providers::Providers;
use super::tree::Node;

/// What a source was translated to.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// The program that it comes from.
    pub(super) program: &'static str,
    pub(super) providers: Providers,
    pub(super) routes: Vec<Route>,
    /// Dollars per million tokens, by provider and model.
    pub(super) prices: Vec<Price>,
    pub(super) serve: Serve,
    /// Blocks that are written as comments.
    pub(super) remarks: Vec<String>,
    pub(super) left: Vec<Left>,
}

/// A route with what every one of its keys says.
#[derive(Debug, Clone, Default)]
pub(super) struct Route {
    pub(super) name: String,
    pub(super) comment: Option<String>,
    pub(super) targets: Vec<Target>,
    pub(super) by: By,
    pub(super) retries: Option<u32>,
    pub(super) attempt_timeout_ms: Option<u64>,
    pub(super) first_token_timeout_ms: Option<u64>,
    pub(super) timeout_ms: Option<u64>,
    pub(super) cache_minutes: Option<f64>,
    pub(super) breaker: Option<Breaker>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum By {
    #[default]
    Order,
    Weight,
    Latency,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    /// Its place among the providers.
    pub(super) provider: usize,
    pub(super) model: String,
    pub(super) weight: f64,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Breaker {
    Off,
    On { failures: Option<u32>, cooldown_ms: Option<u64> },
}

#[derive(Debug, Clone)]
pub(super) struct Price {
    pub(super) provider: usize,
    pub(super) model: String,
    pub(super) input: f64,
    pub(super) output: f64,
    pub(super) cached_input: Option<f64>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Serve {
    pub(super) comments: Vec<String>,
    pub(super) address: Option<String>,
    pub(super) keys: bool,
    /// `dollars`, `requests` or `tokens`, and limits as the file says them.
    pub(super) limits: BTreeMap<&'static str, Vec<String>>,
    pub(super) keep_days: Option<u64>,
    pub(super) content: Option<bool>,
    pub(super) timeout_ms: Option<u64>,
    pub(super) otlp: Option<String>,
}

impl Draft {
    /// Notes that a setting has no translation, and that enough was said of it.
    pub(super) fn leave(&mut self, file: &str, node: &Node, why: impl Into<String>) {
        node.see();
        self.left.push(Left::new(file, node, why));
    }

    /// The project file.
    pub(super) fn write(&self, source: &str) -> String {
        let mut out = format!(
            "# Made by `yw init --from` of {}'s {}. `yw check` says whether it is sound, `yw serve` gives\n\
             # applications one address for every model. Every key is explained in docs/project-file.md.\n",
            self.program,
            printable(source)
        );
        self.serve.write(&mut out);
        self.providers.write(&mut out);
        let names = self.providers.names();
        for route in &self.routes {
            route.write(&names, &mut out);
        }
        for price in &self.prices {
            price.write(&names, &mut out);
        }
        for remark in &self.remarks {
            out.push('\n');
            comment(&mut out, remark);
        }
        if !self.left.is_empty() {
            out.push_str("\n# What has no translation:\n");
            self.left.iter().for_each(|left| comment(&mut out, &format!("- {left}")));
        }
        out
    }
}

impl Serve {
    fn write(&self, out: &mut String) {
        out.push_str("\n[serve]\n");
        self.comments.iter().for_each(|line| comment(out, line));
        let mut line = |key: &str, value: String| put(out, format_args!("{key} = {value}\n"));
        if let Some(address) = &self.address {
            line("address", quoted(address));
        }
        if self.keys {
            line("keys", "true".into());
        }
        if !self.limits.is_empty() {
            let limit = |(kind, rates): (&&str, &Vec<String>)| {
                let rates: Vec<String> = rates.iter().map(|rate| quoted(rate)).collect();
                let list = if rates.len() == 1 { rates.concat() } else { format!("[{}]", rates.join(", ")) };
                format!("{kind} = {list}")
            };
            line("limits", format!("{{ {} }}", self.limits.iter().map(limit).collect::<Vec<_>>().join(", ")));
        }
        let days = self.keep_days.map(|days| format!("keep_days = {days}"));
        let content = self.content.map(|content| format!("content = {content}"));
        let calls: Vec<String> = days.into_iter().chain(content).collect();
        if !calls.is_empty() {
            line("calls", format!("{{ {} }}", calls.join(", ")));
        }
        if let Some(ms) = self.timeout_ms {
            line("timeout_ms", ms.to_string());
        }
        if let Some(otlp) = &self.otlp {
            line("otlp", quoted(otlp));
        }
    }
}

impl Route {
    /// Adds a model, or its weight to that of the same model.
    pub(super) fn add(&mut self, target: Target) {
        let same = |t: &&mut Target| t.provider == target.provider && t.model == target.model;
        match self.targets.iter_mut().find(same) {
            Some(known) => known.weight += target.weight,
            None => self.targets.push(target),
        }
    }

    /// Adds models that are asked when all others have failed.
    pub(super) fn add_spares(&mut self, spares: &[Target]) {
        for spare in spares {
            if !self.targets.iter().any(|t| t.provider == spare.provider && t.model == spare.model) {
                self.targets.push(Target { weight: 0.0, ..spare.clone() });
            }
        }
    }

    fn write(&self, names: &[String], out: &mut String) {
        out.push('\n');
        if let Some(line) = &self.comment {
            comment(out, line);
        }
        put(out, format_args!("[route.{}]\n", key(&self.name)));
        // Equal weights need not be said.
        let positive: Vec<f64> = self.targets.iter().map(|t| t.weight).filter(|w| *w > 0.0).collect();
        let equal = positive.windows(2).all(|pair| pair[0] == pair[1]);
        let target = |t: &Target| {
            let model = quoted(&format!("{}/{}", names[t.provider], t.model));
            match self.by {
                By::Weight | By::Latency if t.weight == 0.0 || (!equal && self.by == By::Weight) => {
                    format!("{{ model = {model}, weight = {} }}", t.weight)
                }
                By::Weight | By::Order | By::Latency => model,
            }
        };
        let models: Vec<String> = self.targets.iter().map(target).collect();
        match models.as_slice() {
            [one] => put(out, format_args!("models = [{one}]\n")),
            many => put(out, format_args!("models = [\n    {},\n]\n", many.join(",\n    "))),
        }
        match self.by {
            By::Order => {}
            By::Weight => out.push_str("by = \"weight\"\n"),
            By::Latency => out.push_str("by = \"latency\"\n"),
        }
        let numbers = [
            ("retries", self.retries.map(|n| u64::from(n.min(20)))),
            ("attempt_timeout_ms", self.attempt_timeout_ms),
            ("first_token_timeout_ms", self.first_token_timeout_ms),
            ("timeout_ms", self.timeout_ms),
        ];
        for (key, number) in numbers {
            if let Some(number) = number {
                put(out, format_args!("{key} = {number}\n"));
            }
        }
        if let Some(minutes) = self.cache_minutes {
            put(out, format_args!("cache_minutes = {minutes}\n"));
        }
        match self.breaker {
            None => {}
            Some(Breaker::Off) => out.push_str("breaker = false\n"),
            Some(Breaker::On { failures, cooldown_ms }) => {
                let failures = failures.map(|n| format!("failures = {n}"));
                let cooldown = cooldown_ms.map(|ms| format!("cooldown_ms = {ms}"));
                let keys: Vec<String> = failures.into_iter().chain(cooldown).collect();
                put(out, format_args!("breaker = {{ {} }}\n", keys.join(", ")));
            }
        }
    }
}

impl Price {
    fn write(&self, names: &[String], out: &mut String) {
        let model = quoted(&format!("{}/{}", names[self.provider], self.model));
        put(out, format_args!("\n[price.{model}]\n"));
        put(out, format_args!("input = {}\noutput = {}\n", dollars(self.input), dollars(self.output)));
        if let Some(cached) = self.cached_input {
            put(out, format_args!("cached_input = {}\n", dollars(cached)));
        }
    }
}

/// An amount with at most six decimals, and no more than it has.
pub(super) fn dollars(amount: f64) -> String {
    let text = format!("{amount:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A time in milliseconds as the file takes it; none if it is no time at all.
pub(super) fn millis(seconds: f64) -> Option<u64> {
    (seconds > 0.0).then(|| ((seconds * 1000.0).round() as u64).clamp(1, 86_400_000))
}

/// A text in quotes, as TOML has it.
pub(super) fn quoted(text: &str) -> String {
    ::toml::Value::from(text).to_string()
}

/// A key, in quotes where TOML needs them.
pub(super) fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare { name.to_owned() } else { quoted_key(name) }
}

/// In basic quotes: multi-line and literal strings are no keys.
fn quoted_key(name: &str) -> String {
    let mut key = String::from("\"");
    for c in name.chars() {
        match c {
            '"' | '\\' => key.extend(['\\', c]),
            c if c.is_control() => put(&mut key, format_args!("\\u{:04X}", u32::from(c))),
            c => key.push(c),
        }
    }
    key + "\""
}

/// A text as comment lines.
fn comment(out: &mut String, text: &str) {
    for line in text.lines() {
        put(out, format_args!("# {}", printable(line)).to_string().trim_end());
        out.push('\n');
    }
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn put(out: &mut String, text: impl std::fmt::Display) {
    // Writing to a string never fails.
    let _ = write!(out, "{text}");
}
