//! The server.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::address::address;
use crate::grammar::{CALLS, RATES, RESPONSES, SERVE};
use crate::project::{CallsSpec, LimitSpec, LimitsSpec, ServeSpec, Window};
use crate::rate;
use crate::raw::{At, Place, Report, View};

const MEGABYTE: u64 = 1 << 20;

pub(super) fn serve(root: &View<'_>, report: &mut Report<'_>) -> Option<ServeSpec> {
    let view = root.table_or_empty("serve", &SERVE)?;
    let keys = view.boolean("keys").map(|keys| keys.value);
    let address = listening(&view, keys, report);
    let limits = limits(&view, report);
    let otlp = view.text("otlp").map(|text| collector(&text, report));
    Some(ServeSpec {
        address: address?,
        keys: keys?,
        limits: limits?,
        default_output_tokens: view.integer("default_output_tokens")?.value,
        calls: calls(&view)?,
        cache_max_bytes: megabytes(&view.table_or_empty("cache", &RESPONSES)?)?,
        otlp: otlp.map_or(Some(None), |url| url.map(Some))?,
        max_body_bytes: view.integer("max_body_bytes")?.value,
        timeout: Duration::from_millis(view.integer("timeout_ms")?.value),
    })
}

fn listening(view: &View<'_>, keys: Option<bool>, report: &mut Report<'_>) -> Option<SocketAddr> {
    let text = view.text("address")?;
    let Ok(address) = text.value.parse::<SocketAddr>() else {
        let hint = match text.value.parse::<IpAddr>() {
            Ok(ip) => format!("add a port: \"{}\"", SocketAddr::new(ip, 7878)),
            Err(_) => "write an IP address and a port: \"127.0.0.1:7878\"".to_owned(),
        };
        report.error(&text.place, format!("`{}` is no address to listen on", text.value)).hint(hint);
        return None;
    };
    if keys == Some(false) && !address.ip().is_loopback() {
        let message = format!("other machines can reach `{address}`, and nobody would be asked for a key");
        let hint = "add `keys = true`, and make keys with `yw key create`; or listen on 127.0.0.1";
        report.error(&text.place, message).hint(hint);
    }
    Some(address)
}

fn collector(text: &At<String>, report: &mut Report<'_>) -> Option<String> {
    let address = address(text, report)?;
    for ending in ["/v1/traces", "/v1/metrics"] {
        if address.url.ends_with(ending) {
            let hint = "leave that out; it is appended";
            report.error(&text.place, format!("the address ends in `{ending}`")).hint(hint);
            return None;
        }
    }
    Some(address.url)
}

fn calls(view: &View<'_>) -> Option<CallsSpec> {
    let calls = view.table_or_empty("calls", &CALLS)?;
    let days: u64 = calls.integer("keep_days")?.value;
    Some(CallsSpec {
        keep: Duration::from_secs(days * 24 * 60 * 60),
        max_bytes: megabytes(&calls)?,
        content: calls.boolean("content")?.value,
    })
}

fn megabytes(view: &View<'_>) -> Option<u64> {
    view.integer::<u64>("max_mb").map(|mb| mb.value * MEGABYTE)
}

fn limits(view: &View<'_>, report: &mut Report<'_>) -> Option<LimitsSpec> {
    let view = view.table_or_empty("limits", &RATES)?;
    let dollars = rates(&view, "dollars", rate::dollars, report);
    let requests = rates(&view, "requests", rate::count, report);
    let tokens = rates(&view, "tokens", rate::count, report);
    Some(LimitsSpec { dollars: dollars?, requests: requests?, tokens: tokens? })
}

/// The limits of a key, each window once; none if one was reported.
fn rates<T>(
    view: &View<'_>,
    key: &str,
    amount: impl Fn(&str) -> Result<T, &'static str>,
    report: &mut Report<'_>,
) -> Option<Vec<LimitSpec<T>>> {
    if !view.table.contains_key(key) {
        return Some(Vec::new());
    }
    let mut limits: Vec<LimitSpec<T>> = Vec::new();
    for text in texts(view, key)? {
        let (digits, window) = rate::split(&text.value).ok()?;
        match amount(digits) {
            Ok(_) if limits.iter().any(|known| known.window == window) => twice(&text.place, key, window, report),
            Ok(amount) => limits.push(LimitSpec { amount, window }),
            Err(flaw) => {
                let message = format!("`{}` {flaw}", text.place.path);
                report.error(&text.place, message).hint("for example \"60/min\", \"100/day\" or \"500 total\"");
            }
        }
    }
    Some(limits)
}

fn twice(place: &Place, key: &str, window: Window, report: &mut Report<'_>) {
    let message = format!("`{key}` has two limits for the window `{}`", window.name());
    report.error(place, message).hint("remove one of the two");
}

/// One text, or those of a list.
fn texts(view: &View<'_>, key: &str) -> Option<Vec<At<String>>> {
    let at = view.get(key)?;
    let Some(list) = at.value.as_array() else {
        return Some(vec![At { value: at.value.as_str()?.to_owned(), place: at.place }]);
    };
    let text = |item: &toml::Spanned<toml::de::DeValue<'_>>| {
        let place = Place { path: at.place.path.clone(), span: item.span() };
        Some(At { value: item.get_ref().as_str()?.to_owned(), place })
    };
    list.iter().map(text).collect()
}
