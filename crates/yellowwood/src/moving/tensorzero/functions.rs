//! `[functions]`: routes over the models of their variants.

use super::models::{Model, Timeouts, short, time, timeouts};
use super::{Context, task};
use crate::moving::draft::{By, Route, Target};
use crate::moving::tree::{Node, Value};

/// A way to answer a function: a prompt and a model.
pub(super) struct Variant<'a> {
    pub(super) name: &'a str,
    pub(super) node: &'a Node,
    /// Its model; the others follow when it fails.
    pub(super) targets: Vec<Target>,
    /// Its share; none if it is not drawn.
    weight: Option<f64>,
    is_fallback: bool,
}

pub(super) fn routes(root: &Node, models: &[Model], context: &mut Context<'_>) -> Vec<Route> {
    let mut functions = Vec::new();
    for (name, node) in root.map("functions") {
        let mut variants: Vec<Variant<'_>> = Vec::new();
        for (name, variant) in node.map("variants") {
            let targets = targets(variant, root, models, context);
            let weight = variant.number("weight").map(|w| w.clamp(0.0, 1e6));
            variants.push(Variant { name, node: variant, targets, weight, is_fallback: false });
        }
        experiment(node, &mut variants, context);
        functions.push((name, node, variants));
    }
    // Providers have their names when all are known.
    for (name, node, variants) in &functions {
        task::remark(name, node, variants, context);
    }
    functions.iter().map(|(name, _, variants)| route(name, variants)).collect()
}

/// The models of a variant: that of its name, or the short name of one.
fn targets(variant: &Node, root: &Node, models: &[Model], context: &mut Context<'_>) -> Vec<Target> {
    let Some(node) = variant.get("model") else {
        if let Some(kind) = variant.get("type") {
            context.leave(kind, "several answers are neither compared nor mixed; the variant is left out");
            variant.see();
        }
        return Vec::new();
    };
    let Some(name) = node.as_text().map(str::to_owned) else { return Vec::new() };
    match models.iter().find(|model| model.route.name == name) {
        Some(model) => model.route.targets.clone(),
        None if name.contains("::") => short(&name, node, root, context).into_iter().collect(),
        None => {
            context.leave(node, "there is no model of that name");
            Vec::new()
        }
    }
}

/// `experimentation`: which variants are drawn, and how often.
fn experiment(function: &Node, variants: &mut [Variant<'_>], context: &mut Context<'_>) {
    let Some(node) = function.get("experimentation") else { return };
    if let Some(kind) = node.get("type") {
        let word = kind.as_text().unwrap_or_default().to_owned();
        if !matches!(word.as_str(), "static" | "static_weights" | "uniform") {
            context.leave(
                kind,
                format!("there is no `{word}`: shares stay as they are; `yw run` finds the best on labelled rows"),
            );
        }
    }
    let mut draw = |name: &str, weight: f64| {
        if let Some(variant) = variants.iter_mut().find(|variant| variant.name == name) {
            variant.weight = Some(weight);
        }
    };
    if let Some(candidates) = node.get("candidate_variants") {
        match &candidates.value {
            Value::Map(entries) => {
                entries.iter().for_each(|(name, share)| draw(name, share.as_number().unwrap_or(1.0).clamp(0.0, 1e6)));
            }
            _ => candidates.items().iter().for_each(|name| draw(name.as_text().unwrap_or_default(), 1.0)),
        }
    }
    for fallback in node.list("fallback_variants") {
        let name = fallback.as_text().unwrap_or_default();
        if let Some(variant) = variants.iter_mut().find(|variant| variant.name == name) {
            variant.is_fallback = true;
        }
    }
}

fn route(name: &str, variants: &[Variant<'_>]) -> Route {
    let mut route = Route { name: name.to_owned(), ..Route::default() };
    let any_weight = variants.iter().any(|v| v.weight.is_some_and(|w| w > 0.0) && !v.targets.is_empty());
    let weight_of = |variant: &Variant<'_>| match (any_weight, variant.is_fallback) {
        (false, false) => 1.0,
        (false, true) => 0.0,
        (true, _) => variant.weight.unwrap_or(0.0),
    };
    for variant in variants {
        let weight = weight_of(variant);
        let wanted = weight > 0.0 || variant.is_fallback;
        if let Some(first) = variant.targets.first().filter(|_| wanted) {
            route.add(Target { weight, ..first.clone() });
        }
    }
    let drawn = variants.iter().filter(|v| weight_of(v) > 0.0 || v.is_fallback);
    let spares: Vec<Target> = drawn.flat_map(|v| v.targets.iter().skip(1).cloned()).collect();
    route.add_spares(&spares);
    if !route.targets.iter().any(|t| t.weight > 0.0) {
        route.targets.iter_mut().for_each(|t| t.weight = 1.0);
    }
    let several = route.targets.iter().filter(|t| t.weight > 0.0).count() > 1;
    route.by = if several { By::Weight } else { By::Order };
    if !several {
        // The one that is drawn comes first.
        route.targets.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    }
    let retries = |v: &Variant<'_>| v.node.get("retries").and_then(|r| r.number("num_retries"));
    let most = variants.iter().filter_map(retries).reduce(f64::max);
    route.retries = most.map(|n| n.clamp(0.0, 20.0) as u32);
    let times: Vec<Timeouts> = variants.iter().map(|v| timeouts(v.node)).collect();
    let longest = |of: fn(&Timeouts) -> Option<f64>| {
        times.iter().map(of).reduce(|a, b| Some(a?.max(b?))).flatten().and_then(time)
    };
    route.attempt_timeout_ms = longest(|times| times.total);
    route.first_token_timeout_ms = longest(|times| times.first_token);
    route
}
