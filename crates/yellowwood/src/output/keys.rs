//! Keys of the server's clients.

use jiff::Timestamp;
use serde_json::json;
use yw_gateway::keys::KeySpec;
use yw_gateway::limits::Measure;
use yw_store::{KeyRecord, SpentSince};

use super::{table, trimmed};
use crate::cli::Format;
use crate::exit;
use crate::failure::Failure;

/// A key that was just made, with its token.
pub(crate) fn new_key(record: &KeyRecord, spec: &KeySpec, token: &str, format: Format) -> String {
    match format {
        Format::Json => json!({"id": record.id, "name": record.name, "token": token, "spec": record.spec}).to_string(),
        Format::Table => format!(
            "{token}\n\nThis is the key `{}` ({}). It is shown this once; only a hash of it is kept.\nLimits: {}.",
            record.name,
            record.id,
            limits(spec)
        ),
    }
}

/// Keys with what they have used this month.
pub(crate) fn list(keys: &[KeyRecord], spent: &SpentSince, now: Timestamp, format: Format) -> Result<String, Failure> {
    match format {
        Format::Json => {
            let lines = keys.iter().map(|key| {
                let spent = spent.keys.get(&key.id).copied().unwrap_or_default();
                json!({
                    "id": key.id,
                    "name": key.name,
                    "created": key.created.to_string(),
                    "expires": key.expires.map(|at| at.to_string()),
                    "revoked": key.revoked.map(|at| at.to_string()),
                    "spec": key.spec,
                    "this_month": {"requests": spent.requests, "tokens": spent.tokens, "usd": dollars(spent.usd)},
                })
                .to_string()
            });
            Ok(lines.collect::<Vec<_>>().join("\n"))
        }
        Format::Table => list_table(keys, spent, now),
    }
}

fn list_table(keys: &[KeyRecord], spent: &SpentSince, now: Timestamp) -> Result<String, Failure> {
    if keys.is_empty() {
        return Ok("there are no keys; `yw key create --name NAME` makes one".to_owned());
    }
    let mut rows = table(&["id", "name", "state", "limits", "requests", "tokens", "dollars"], &[4, 5, 6]);
    for key in keys {
        let spec: KeySpec =
            serde_json::from_value(key.spec.clone()).map_err(|e| Failure::from_error(exit::FAILURE, &e))?;
        let used = spent.keys.get(&key.id).copied().unwrap_or_default();
        rows.add_row([
            key.id.clone(),
            key.name.clone(),
            state(key, now),
            limits(&spec),
            used.requests.to_string(),
            used.tokens.to_string(),
            dollars(used.usd),
        ]);
    }
    Ok(format!("{}\n\nrequests, tokens and dollars: this month (UTC)", trimmed(&rows)))
}

fn state(key: &KeyRecord, now: Timestamp) -> String {
    let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    match (key.revoked, key.expires) {
        (Some(at), _) => format!("revoked {}", day(at)),
        (None, Some(at)) if at <= now => format!("expired {}", day(at)),
        (None, Some(at)) => format!("until {}", day(at)),
        (None, None) => "valid".to_owned(),
    }
}

/// Limits and scopes in a line, in the words of the command line.
fn limits(spec: &KeySpec) -> String {
    let limits = spec.limits.iter().map(|(measure, window, amount)| match measure {
        Measure::Dollars => format!("{amount} / {window}"),
        _ => format!("{amount} {} / {window}", measure.name()),
    });
    let scopes = [("models", &spec.models), ("routes", &spec.routes), ("tasks", &spec.tasks)];
    let scopes = scopes.into_iter().filter_map(|(what, patterns)| {
        let patterns: Vec<String> = patterns.as_ref()?.iter().map(ToString::to_string).collect();
        Some(format!("{what} {}", patterns.join(" ")))
    });
    let all: Vec<String> = limits.chain(scopes).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

fn dollars(usd: yw_task::Usd) -> String {
    usd.to_string().replacen('$', "", 1)
}
