//! `router_settings`: how the members of a group are chosen, and what follows when they fail.

use super::Context;
use super::models::{Group, Member};
use crate::moving::draft::{Breaker, By, Route, Target, millis};
use crate::moving::names::named;
use crate::moving::tree::{Node, Value};

/// What all routes have in common.
#[derive(Default)]
struct Common {
    by: By,
    retries: Option<u32>,
    timeout_ms: Option<u64>,
    stream_timeout_ms: Option<u64>,
    cache_minutes: Option<f64>,
    breaker: Option<Breaker>,
}

pub(super) fn routes(root: &Node, groups: Vec<Group>, context: &mut Context<'_>) {
    let common = common(root, context);
    let mut routes: Vec<Route> = groups.iter().map(|group| route(group, &common)).collect();
    fallbacks(root, &groups, &mut routes, context);
    aliases(root, &mut routes, context);
    context.draft.routes = named(routes, &context.draft.providers.names());
}

fn common(root: &Node, context: &mut Context<'_>) -> Common {
    let empty = Node::new(0, Value::Null);
    let router = root.get("router_settings").unwrap_or(&empty);
    let library = root.get("litellm_settings").unwrap_or(&empty);
    let seconds = |value: Option<f64>| value.and_then(millis);
    Common {
        by: strategy(router, context),
        retries: router.number("num_retries").or_else(|| library.number("num_retries")).map(|n| n.max(0.0) as u32),
        timeout_ms: seconds(router.number("timeout").or_else(|| library.number("request_timeout"))),
        stream_timeout_ms: seconds(router.number("stream_timeout")),
        cache_minutes: cache(library, context),
        breaker: breaker(router, library),
    }
}

fn strategy(router: &Node, context: &mut Context<'_>) -> By {
    let Some(node) = router.get("routing_strategy") else { return By::Weight };
    match node.as_text().unwrap_or_default() {
        "simple-shuffle" => By::Weight,
        "latency-based-routing" | "lowest-latency" => By::Latency,
        "least-busy" => {
            context.leave(node, "`by = \"latency\"` counts calls under way too, and takes their times into account");
            By::Latency
        }
        other => {
            let why = format!("there is no `{other}`: routes spread `by = \"weight\"` instead");
            context.leave(node, why);
            By::Weight
        }
    }
}

fn breaker(router: &Node, library: &Node) -> Option<Breaker> {
    if router.boolean("disable_cooldowns") == Some(true) {
        return Some(Breaker::Off);
    }
    let fails = router.number("allowed_fails").or_else(|| library.number("allowed_fails"));
    let cooldown_ms = router.number("cooldown_time").and_then(millis);
    // So many may fail; the next one is too many.
    let failures = fails.map(|n| n.clamp(0.0, 1e5) as u32 + 1);
    (failures.is_some() || cooldown_ms.is_some()).then_some(Breaker::On { failures, cooldown_ms })
}

/// How long LiteLLM's memory keeps an answer where nothing else is said, in seconds.
const CACHE_SECONDS: f64 = 600.0;

fn cache(library: &Node, context: &mut Context<'_>) -> Option<f64> {
    let on = library.boolean("cache")?;
    let params = library.get("cache_params");
    if let Some(node) = params.and_then(|params| params.get("type")) {
        let why = match node.as_text().unwrap_or_default() {
            "local" | "disk" => return minutes(params, on),
            kind if kind.contains("semantic") => "answers are remembered for equal requests alone",
            _ => "answers are remembered in the project's own store",
        };
        context.leave(node, why);
    }
    if let Some(node) =
        params.and_then(|params| params.get("mode")).filter(|mode| mode.as_text() == Some("default_off"))
    {
        context.leave(node, "no route has `cache_minutes`; requests ask for it by a header");
        return None;
    }
    minutes(params, on)
}

fn minutes(params: Option<&Node>, on: bool) -> Option<f64> {
    let seconds = params.and_then(|params| params.number("ttl")).filter(|ttl| *ttl > 0.0);
    on.then(|| (seconds.unwrap_or(CACHE_SECONDS) / 60.0 * 1000.0).round().clamp(1.0, 5e8) / 1000.0)
}

fn route(group: &Group, common: &Common) -> Route {
    let mut members: Vec<&Member> = group.members.iter().collect();
    let ordered = members.iter().any(|m| m.order.is_some());
    members.sort_by(|a, b| a.order.unwrap_or(f64::MAX).total_cmp(&b.order.unwrap_or(f64::MAX)));
    let weighted = members.iter().any(|m| m.target.weight > 0.0);
    let mut route = Route { name: group.name.clone(), ..Route::default() };
    for member in &members {
        // Next to weights, LiteLLM never draws one without; here it is asked when the others have failed.
        let weight = if weighted { member.target.weight } else { 1.0 };
        route.add(Target { weight, ..member.target.clone() });
    }
    let several = route.targets.len() > 1;
    route.by = match (several, ordered) {
        (false, _) | (true, true) => By::Order,
        (true, false) => common.by,
    };
    let longest = |of: fn(&Member) -> Option<f64>| {
        members.iter().map(|m| of(m)).reduce(|a, b| Some(a?.max(b?))).flatten().and_then(millis)
    };
    route.retries = common.retries;
    route.attempt_timeout_ms = longest(|m| m.timeout).or(common.timeout_ms);
    route.first_token_timeout_ms = longest(|m| m.stream_timeout).or(common.stream_timeout_ms);
    route.cache_minutes = common.cache_minutes;
    route.breaker = common.breaker;
    route
}

/// `model_group_alias`: other names of groups.
fn aliases(root: &Node, routes: &mut Vec<Route>, context: &mut Context<'_>) {
    let Some(router) = root.get("router_settings") else { return };
    for (alias, node) in router.map("model_group_alias") {
        let target = node.as_text().or_else(|| node.text("model"));
        let known = target.and_then(|target| routes.iter().find(|route| route.name == target)).cloned();
        match known {
            Some(known) if !routes.iter().any(|route| route.name == *alias) => {
                node.see();
                let comment = Some(format!("Another name of {}.", known.name));
                routes.push(Route { name: alias.clone(), comment, ..known });
            }
            Some(_) => context.leave(node, "there are models of that name, which count"),
            None => context.leave(node, "there are no models of the name that it stands for"),
        }
    }
}

/// `fallbacks` and `default_fallbacks`, of the router and of the library.
fn fallbacks(root: &Node, groups: &[Group], routes: &mut [Route], context: &mut Context<'_>) {
    for section in ["router_settings", "litellm_settings"] {
        let Some(section) = root.get(section) else { continue };
        for rule in section.list("fallbacks") {
            for (name, others) in rule.entries() {
                let Some(place) = routes.iter().position(|route| route.name == *name) else {
                    context.leave(others, format!("there are no models of the name `{name}`"));
                    continue;
                };
                let spares = spares(others, groups, context);
                routes[place].add_spares(&spares);
            }
        }
        if let Some(others) = section.get("default_fallbacks") {
            let spares = spares(others, groups, context);
            routes.iter_mut().for_each(|route| route.add_spares(&spares));
        }
    }
}

/// The models of the groups that a list names.
fn spares(names: &Node, groups: &[Group], context: &mut Context<'_>) -> Vec<Target> {
    let mut spares = Vec::new();
    for node in names.items() {
        let name = node.as_text().unwrap_or_default();
        match groups.iter().find(|group| group.name == name) {
            Some(group) => spares.extend(group.members.iter().map(|m| m.target.clone())),
            None => context.leave(node, "there are no models of that name"),
        }
    }
    spares
}
