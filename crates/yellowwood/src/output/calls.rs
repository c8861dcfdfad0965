//! Calls that went through the server.

use serde_json::{Map, Value, json};
use yw_store::{CallRecord, CallSum, CallTokens};
use yw_task::Usd;

use super::{table, trimmed};
use crate::cli::{CallsBy, CallsFormat};
use crate::exit;
use crate::failure::Failure;

/// Calls, in the order in which they are given.
pub(crate) fn list(calls: &[CallRecord], format: CallsFormat) -> Result<String, Failure> {
    match format {
        CallsFormat::Table if calls.is_empty() => Ok("there are no such calls".to_owned()),
        CallsFormat::Table => Ok(list_table(calls)),
        CallsFormat::Json => {
            let lines: Result<Vec<String>, _> = calls.iter().map(serde_json::to_string).collect();
            Ok(lines.map_err(|e| Failure::from_error(exit::FAILURE, &e))?.join("\n"))
        }
        CallsFormat::Csv => Ok(list_csv(calls)),
    }
}

fn list_table(calls: &[CallRecord]) -> String {
    let header = ["at", "key", "asked for", "answered by", "status", "in", "out", "dollars", "ms", "id"];
    let mut rows = table(&header, &[4, 5, 6, 7, 8]);
    for call in calls {
        rows.add_row([
            call.at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            call.key_name.clone().unwrap_or_else(|| "–".to_owned()),
            call.requested.clone(),
            answered_by(call),
            status(call),
            call.tokens.input.to_string(),
            call.tokens.output.to_string(),
            cost(call),
            format!("{:.0}", call.latency_ms),
            call.id.clone(),
        ]);
    }
    trimmed(&rows)
}

fn answered_by(call: &CallRecord) -> String {
    match (&call.provider, &call.model) {
        _ if call.cached => "cache".to_owned(),
        (Some(provider), Some(model)) => format!("{provider}/{model}"),
        _ => "–".to_owned(),
    }
}

fn status(call: &CallRecord) -> String {
    match &call.error {
        Some(error) => format!("{} {}", call.status, error.kind),
        None => call.status.to_string(),
    }
}

/// Dollars; `~` where tokens were estimated, `?` where the price is not known.
fn cost(call: &CallRecord) -> String {
    if !call.priced && (call.tokens.input > 0 || call.tokens.output > 0) {
        return "?".to_owned();
    }
    format!("{}{}", if call.estimated { "~" } else { "" }, dollars(call.usd))
}

const COLUMNS: [&str; 14] = [
    "id",
    "at",
    "key",
    "client",
    "operation",
    "requested",
    "route",
    "provider",
    "model",
    "status",
    "error",
    "usd",
    "latency_ms",
    "first_token_ms",
];

fn list_csv(calls: &[CallRecord]) -> String {
    let mut lines = vec![COLUMNS.into_iter().chain(CallTokens::NAMES).collect::<Vec<_>>().join(",")];
    for call in calls {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let cells = [
            call.id.clone(),
            call.at.to_string(),
            text(&call.key_name),
            call.client.clone(),
            call.operation.name().to_owned(),
            call.requested.clone(),
            text(&call.route),
            text(&call.provider),
            text(&call.model),
            call.status.to_string(),
            call.error.as_ref().map(|e| e.kind.clone()).unwrap_or_default(),
            if call.priced { dollars(call.usd) } else { String::new() },
            call.latency_ms.to_string(),
            call.first_token_ms.map(|ms| ms.to_string()).unwrap_or_default(),
        ];
        let cells = cells.into_iter().chain(call.tokens.counts().map(|n| n.to_string()));
        lines.push(cells.map(|cell| quoted(&cell)).collect::<Vec<_>>().join(","));
    }
    lines.join("\n")
}

/// Sums, one a line.
pub(crate) fn sums(by: &[CallsBy], sums: &[CallSum], format: CallsFormat) -> Result<String, Failure> {
    let names: Vec<&str> = by.iter().map(|by| name(*by)).collect();
    match format {
        CallsFormat::Table if sums.is_empty() => Ok("there are no such calls".to_owned()),
        CallsFormat::Table => Ok(sums_table(&names, sums)),
        CallsFormat::Json => {
            Ok(sums.iter().map(|sum| sum_json(&names, sum).to_string()).collect::<Vec<_>>().join("\n"))
        }
        CallsFormat::Csv => Ok(sums_csv(&names, sums)),
    }
}

fn sums_table(names: &[&str], sums: &[CallSum]) -> String {
    let header: Vec<&str> =
        names.iter().copied().chain(["calls", "failed", "in", "cached", "out", "dollars"]).collect();
    let right: Vec<usize> = (names.len()..header.len()).collect();
    let mut rows = table(&header, &right);
    let mut total = Usd::ZERO;
    for sum in sums {
        total += sum.usd;
        let group = sum.group.iter().map(|value| value.clone().unwrap_or_else(|| "–".to_owned()));
        let unpriced = if sum.unpriced > 0 { " + ?" } else { "" };
        let figures = [
            sum.calls.to_string(),
            sum.failures.to_string(),
            sum.tokens.input.to_string(),
            sum.tokens.cached.to_string(),
            sum.tokens.output.to_string(),
            format!("{}{unpriced}", dollars(sum.usd)),
        ];
        rows.add_row(group.chain(figures).collect::<Vec<_>>());
    }
    let calls: u64 = sums.iter().map(|sum| sum.calls).sum();
    format!("{}\n\n{calls} calls, {total}", trimmed(&rows))
}

fn sum_json(names: &[&str], sum: &CallSum) -> Value {
    let mut line: Map<String, Value> =
        names.iter().zip(&sum.group).map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let tokens: Map<String, Value> =
        CallTokens::NAMES.iter().zip(sum.tokens.counts()).map(|(name, n)| ((*name).to_owned(), n.into())).collect();
    line.insert("calls".into(), sum.calls.into());
    line.insert("failures".into(), sum.failures.into());
    line.insert("cached".into(), sum.cached.into());
    line.insert("estimated".into(), sum.estimated.into());
    line.insert("unpriced".into(), sum.unpriced.into());
    line.insert("tokens".into(), tokens.into());
    line.insert("usd".into(), dollars(sum.usd).into());
    line.into()
}

fn sums_csv(names: &[&str], sums: &[CallSum]) -> String {
    let figures = ["calls", "failures", "usd"].into_iter().chain(CallTokens::NAMES);
    let mut lines = vec![names.iter().copied().chain(figures).collect::<Vec<_>>().join(",")];
    for sum in sums {
        let group = sum.group.iter().map(|value| quoted(value.as_deref().unwrap_or_default()));
        let figures = [sum.calls.to_string(), sum.failures.to_string(), dollars(sum.usd)];
        let tokens = sum.tokens.counts().map(|n| n.to_string());
        lines.push(group.chain(figures).chain(tokens).collect::<Vec<_>>().join(","));
    }
    lines.join("\n")
}

fn name(by: CallsBy) -> &'static str {
    match by {
        CallsBy::Key => "key",
        CallsBy::Model => "model",
        CallsBy::Provider => "provider",
        CallsBy::Route => "route",
        CallsBy::Day => "day",
        CallsBy::Status => "status",
    }
}

fn dollars(usd: Usd) -> String {
    usd.to_string().replacen('$', "", 1)
}

/// A cell of a CSV file. What a spreadsheet would take for a formula is told from one by a quote before it: names come
/// from clients.
fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '@', '\t', '\r']) || (cell.starts_with('-') && cell.len() > 1);
    let cell = if is_formula { format!("'{cell}") } else { cell.to_owned() };
    // Neither may names move a terminal's cursor.
    let cell = cell.replace(|c: char| c.is_control(), " ");
    match cell.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_safe_in_spreadsheets() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=HYPERLINK(1,2)"), "\"'=HYPERLINK(1,2)\"");
        assert_eq!(quoted("-"), "-");
    }
}
