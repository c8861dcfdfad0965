//! What concerns the server: keys, budgets, records.

use super::Context;
use crate::moving::address::is_sound;
use crate::moving::draft::{dollars, millis};
use crate::moving::tree::{Node, Value};

pub(super) fn serve(root: &Node, context: &mut Context<'_>) {
    let empty = Node::new(0, Value::Null);
    let general = root.get("general_settings").unwrap_or(&empty);
    let library = root.get("litellm_settings").unwrap_or(&empty);
    context
        .draft
        .serve
        .comments
        .push("LiteLLM listens at 0.0.0.0:4000; beyond this machine, `keys = true` is needed.".into());
    if let Some(node) = general.get("master_key") {
        context.leave(node, "callers need keys, and there is none for everything: `yw key create --name NAME`");
        context.draft.serve.keys = true;
    }
    if let Some(node) = general.get("database_url") {
        context.leave(node, "state is in .yellowwood beside the project file; keys and records are not copied");
    }
    records(general, context);
    budget(library, context);
    keys(library, context);
    // One limit for a whole request, where LiteLLM has one for each try.
    if let Some(ms) = library.number("request_timeout").and_then(millis) {
        context.draft.serve.timeout_ms = Some(ms);
    }
    telemetry(root, context);
}

fn records(general: &Node, context: &mut Context<'_>) {
    if let Some(node) = general.get("maximum_spend_logs_retention_period") {
        match node.as_text().and_then(seconds) {
            Some(seconds) if seconds >= 86_400.0 => {
                context.draft.serve.keep_days = Some((seconds / 86_400.0).ceil().min(36_500.0) as u64);
            }
            _ => context.leave(node, "records are kept for days: calls = { keep_days = … }"),
        }
    }
    context.draft.serve.content = general.boolean("store_prompts_in_spend_logs").filter(|content| *content);
}

/// `max_budget` of the whole proxy.
fn budget(library: &Node, context: &mut Context<'_>) {
    let Some(node) = library.get("max_budget") else { return };
    let budget = node.as_number().filter(|usd| (0.000_001..=1e9).contains(usd));
    let window = window(library, "budget_duration", context);
    match budget {
        Some(usd) => {
            let limit = rate(&dollars(usd), window);
            context.draft.serve.limits.entry("dollars").or_default().push(limit);
        }
        None => context.leave(node, "it is no limit that this program takes; without models nothing is spent"),
    }
}

/// `100/month`, or `100 total`.
fn rate(amount: &str, window: &str) -> String {
    if window == "total" { format!("{amount} total") } else { format!("{amount}/{window}") }
}

/// The window of the calendar that comes nearest to a duration.
fn window(table: &Node, key: &str, context: &mut Context<'_>) -> &'static str {
    let Some(node) = table.get(key) else { return "total" };
    let seconds = node.as_text().and_then(seconds);
    let nearest = match seconds {
        Some(s) if s <= 60.0 => ("min", 60.0),
        Some(s) if s <= 3600.0 => ("hour", 3600.0),
        Some(s) if s <= 86_400.0 => ("day", 86_400.0),
        Some(_) => ("month", 30.0 * 86_400.0),
        None => {
            context.leave(node, "it is no duration that this program knows; the limit is for a month");
            return "month";
        }
    };
    if seconds.is_some_and(|s| s != nearest.1) {
        context.leave(
            node,
            format!("limits are for a minute, an hour, a day or a month; this one is for a {}", nearest.0),
        );
    }
    nearest.0
}

/// A duration: `30s`, `5m`, `2h`, `30d`, `1w`, `1mo`.
fn seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: f64 = text[..digits].parse().ok()?;
    let unit = match &text[digits..] {
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        "w" => 7.0 * 86_400.0,
        "mo" => 30.0 * 86_400.0,
        _ => return None,
    };
    Some(number * unit)
}

/// Limits that keys are made with: a command that makes such a key.
fn keys(library: &Node, context: &mut Context<'_>) {
    for section in ["default_key_generate_params", "upperbound_key_generate_params", "default_internal_user_params"] {
        let Some(params) = library.get(section) else { continue };
        let mut command = "yw key create --name NAME".to_owned();
        if let Some(usd) = params.number("max_budget") {
            let window = window(params, "budget_duration", context);
            command += &format!(" --budget {}", quoted_rate(&rate(&dollars(usd), window)));
        }
        for (key, flag) in [("rpm_limit", "--rate"), ("tpm_limit", "--tokens")] {
            if let Some(limit) = params.number(key) {
                command += &format!(" {flag} {}/min", limit.max(1.0) as u64);
            }
        }
        context.draft.remarks.push(format!("Keys as `{section}` makes them:\n    {command}"));
    }
}

fn quoted_rate(rate: &str) -> String {
    if rate.contains(' ') { format!("'{rate}'") } else { rate.to_owned() }
}

/// The collector, if traces were sent to one.
fn telemetry(root: &Node, context: &mut Context<'_>) {
    let Some(variables) = root.get("environment_variables") else { return };
    for name in ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_ENDPOINT"] {
        let Some(text) = variables.text(name) else { continue };
        let text = text.trim_end_matches('/');
        let url = text.trim_end_matches("/v1/traces").to_owned();
        let project = format!("[serve]\notlp = {}\n", crate::moving::draft::quoted(&url));
        if is_sound(&project) {
            context.draft.serve.otlp = Some(url);
        }
    }
}
