//! `model_list`: deployments, in groups of one name.

use super::Context;
use super::params::deployment;
use crate::moving::draft::{Price, Target};
use crate::moving::tree::Node;

/// Deployments that clients reach by one name.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) members: Vec<Member>,
}

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// With the weight that is given or follows from its limits, or 0 if there is none.
    pub(super) target: Target,
    /// Lower ones are asked first.
    pub(super) order: Option<f64>,
    pub(super) timeout: Option<f64>,
    pub(super) stream_timeout: Option<f64>,
}

/// The groups, in the order in which their names first stand.
pub(super) fn groups(root: &Node, context: &mut Context<'_>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for entry in root.list("model_list") {
        let name = entry.text("model_name").map(str::to_owned);
        let Some((params, name)) = entry.get("litellm_params").zip(name) else {
            context.leave(entry, "it has no `model_name`, or no `litellm_params`");
            continue;
        };
        let is_wildcard =
            name.contains('*') || params.get("model").is_some_and(|m| m.as_text().is_some_and(|m| m.contains('*')));
        if is_wildcard {
            wildcard(&name, entry, context);
            continue;
        }
        let Some(member) = member(params, entry.get("model_info"), context) else { continue };
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.members.push(member),
            None => groups.push(Group { name, members: vec![member] }),
        }
    }
    groups
}

/// Every model of a provider: reached without a route.
fn wildcard(name: &str, entry: &Node, context: &mut Context<'_>) {
    let why = match name.split_once('/') {
        Some((_, "*")) => {
            "models need no entry: clients name them as `provider/model`, whose key is in its usual variable"
        }
        _ => "there are no routes by pattern: clients name models as `provider/model`, or add a route for each name",
    };
    let node = entry.get("model_name").unwrap_or(entry);
    entry.see();
    context.leave(node, why);
}

fn member(params: &Node, info: Option<&Node>, context: &mut Context<'_>) -> Option<Member> {
    let deployment = deployment(params, context)?;
    let provider = context.draft.providers.add(deployment.account);
    // As LiteLLM's router does: the first of these that is given.
    let weight = ["weight", "rpm", "tpm"].into_iter().find_map(|key| params.number(key)).filter(|w| *w > 0.0);
    for limit in ["rpm", "tpm"] {
        if let Some(node) = params.get(limit) {
            context.leave(
                node,
                "limits are of keys, not of models; it counts as a weight where a route spreads by weight",
            );
        }
    }
    let target = Target { provider, model: deployment.model.clone(), weight: weight.unwrap_or(0.0).min(1e6) };
    price(provider, &deployment.model, params, info, context);
    if let Some(info) = info {
        info.text("id");
    }
    Some(Member {
        target,
        order: params.number("order"),
        timeout: params.number("timeout").or_else(|| params.number("request_timeout")),
        stream_timeout: params.number("stream_timeout"),
    })
}

/// Prices of one's own, dollars per token, in the parameters or beside them.
fn price(provider: usize, model: &str, params: &Node, info: Option<&Node>, context: &mut Context<'_>) {
    let mut of = |key: &str| {
        let node = params.get(key).or_else(|| info?.get(key))?;
        let price = node.as_number()? * 1e6;
        let sound = (0.0..=100_000.0).contains(&price);
        if !sound {
            context.leave(node, "it is no price that this program takes");
        }
        sound.then_some(price)
    };
    let (input, output) = (of("input_cost_per_token"), of("output_cost_per_token"));
    let cached_input = of("cache_read_input_token_cost");
    let known = context.draft.prices.iter().any(|p| p.provider == provider && p.model == model);
    if let Some((input, output)) = input.zip(output).filter(|_| !known) {
        context.draft.prices.push(Price { provider, model: model.to_owned(), input, output, cached_input });
    }
}
