//! What concerns the server: where it listens, keys, limits.

use std::net::{Ipv4Addr, SocketAddr};

use super::Context;
use crate::moving::draft::dollars;
use crate::moving::tree::Node;

pub(super) fn serve(root: &Node, context: &mut Context<'_>) {
    if let Some(gateway) = root.get("gateway") {
        let auth = gateway.get("auth").and_then(|auth| auth.get("enabled"));
        if let Some(node) = auth.filter(|_| gateway.get("auth").and_then(|a| a.boolean("enabled")) == Some(true)) {
            context.leave(node, "keys are not copied: make new ones with `yw key create --name NAME`");
            context.draft.serve.keys = true;
        }
        address(gateway, context);
    }
    if let Some(limits) = root.get("rate_limiting") {
        if limits.boolean("enabled") == Some(false) {
            limits.see();
        }
        for rule in limits.list("rules") {
            self::rule(rule, context);
        }
        limits.text("backend");
    }
}

fn address(gateway: &Node, context: &mut Context<'_>) {
    let Some(node) = gateway.get("bind_address") else { return };
    let Some(address) = node.as_text().and_then(|text| text.parse::<SocketAddr>().ok()) else {
        context.leave(node, "it is no address to listen on");
        return;
    };
    let open = !address.ip().is_loopback();
    if open && !context.draft.serve.keys {
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
        context.leave(node, format!("beyond this machine, `keys = true` is needed; the file says {here}"));
        context.draft.serve.address = Some(here.to_string());
    } else {
        context.draft.serve.address = Some(address.to_string());
    }
}

/// Resources of the source, and the limits that they are here.
const RESOURCES: &[(&str, &str)] = &[("model_inferences", "requests"), ("tokens", "tokens"), ("cost", "dollars")];

/// Windows of the source, and those of the calendar.
const WINDOWS: &[(&str, &str)] = &[("minute", "min"), ("hour", "hour"), ("day", "day"), ("month", "month")];

/// A rule: of everyone if it has no scope, else of a key.
fn rule(rule: &Node, context: &mut Context<'_>) {
    let scope = rule.list("scope");
    rule.boolean("always");
    rule.number("priority");
    let of_keys = scope.iter().any(|s| s.get("api_key_public_id").is_some());
    if scope.iter().any(|s| s.get("tag_key").is_some()) {
        context.leave(rule, "limits are of all callers or of a key, not of tags");
        return;
    }
    let mut flags = Vec::new();
    for (key, node) in rule.entries() {
        let Some((resource, window)) = key.split_once("_per_") else { continue };
        let Some((_, limit)) = RESOURCES.iter().find(|(name, _)| *name == resource) else { continue };
        let capacity = node.as_number().or_else(|| {
            node.number("refill_rate");
            node.number("capacity")
        });
        let known = WINDOWS.iter().find(|(name, _)| *name == window).map(|(_, word)| *word);
        let (Some(amount), Some(window)) = (capacity.filter(|n| *n >= 0.000_001 && *n <= 1e9), known) else {
            context.leave(node, "limits are for a minute, an hour, a day or a month");
            continue;
        };
        let amount = if *limit == "dollars" { dollars(amount) } else { format!("{}", amount.max(1.0) as u64) };
        if of_keys {
            let flag = match *limit {
                "dollars" => "--budget",
                "tokens" => "--tokens",
                _ => "--rate",
            };
            flags.push(format!("{flag} {amount}/{window}"));
        } else {
            let rates = context.draft.serve.limits.entry(limit).or_default();
            // The file has one limit for each window: the first that applies.
            if rates.iter().any(|rate| rate.ends_with(&format!("/{window}"))) {
                context.leave(node, "there is another limit of everyone for that time, which counts");
            } else {
                context.draft.serve.limits.entry(limit).or_default().push(format!("{amount}/{window}"));
            }
        }
    }
    if of_keys {
        scope.iter().for_each(|s| {
            s.see();
        });
        let flags = flags.join(" ");
        context
            .draft
            .remarks
            .push(format!("Keys with the limits that each key had:\n    yw key create --name NAME {flags}"));
    }
}
