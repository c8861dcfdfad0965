//! Routes, a line each.

use serde_json::json;
use yw_config::{RouteBy, RouteSpec, RouteTarget};

use super::number;

/// `route fast: openai/gpt-5-mini, then anthropic/claude-haiku-4-5`, and what it lacks.
pub(crate) fn route_line(route: &RouteSpec, missing_keys: &[String]) -> String {
    let names = |targets: &[&RouteTarget], between: &str| {
        targets.iter().map(|t| t.model.to_string()).collect::<Vec<_>>().join(between)
    };
    let all: Vec<&RouteTarget> = route.targets.iter().collect();
    let models = match route.by {
        RouteBy::Order => names(&all, ", then "),
        RouteBy::Latency if all.len() > 1 => format!("the fastest of {}", names(&all, ", ")),
        RouteBy::Latency => names(&all, ", "),
        RouteBy::Weight => {
            let total: f64 = all.iter().map(|t| t.weight).sum();
            let share = |t: &&RouteTarget| format!("{} % {}", number(100.0 * t.weight / total), t.model);
            let shares: Vec<String> = all.iter().filter(|t| t.weight > 0.0).map(share).collect();
            let spare: Vec<&RouteTarget> = all.iter().copied().filter(|t| t.weight == 0.0).collect();
            let spare = if spare.is_empty() { String::new() } else { format!(", then {}", names(&spare, ", then ")) };
            format!("{}{spare}", shares.join(", "))
        }
    };
    let cached = route.cache.map(|age| format!("; cached for {} min", age.as_secs_f64() / 60.0));
    let missing = match missing_keys {
        [] => String::new(),
        keys => format!("\n! set {} to use all of it", keys.join(", ")),
    };
    format!("route {}: {models}{}{missing}", route.name, cached.unwrap_or_default())
}

/// One JSON object.
pub(crate) fn route_json(route: &RouteSpec, missing_keys: &[String]) -> String {
    let target = |t: &RouteTarget| json!({ "model": t.model.to_string(), "weight": t.weight });
    json!({
        "route": route.name,
        "by": route.by.name(),
        "models": route.targets.iter().map(target).collect::<Vec<_>>(),
        "missing_keys": missing_keys,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(keys: &str) -> String {
        let text = format!("[provider.a]\nbase_url = \"http://localhost/v1\"\n[route.r]\n{keys}\n");
        let project = yw_config::parse(&text, "yellowwood.toml".as_ref()).expect("a sound project");
        route_line(&project.routes[0], &[])
    }

    #[test]
    fn routes_in_words() {
        assert_eq!(said("models = [\"a/x\", \"a/y\"]"), "route r: a/x, then a/y");
        assert_eq!(said("models = [\"a/x\", \"a/y\"]\nby = \"latency\""), "route r: the fastest of a/x, a/y");
        let models = "[{ model = \"a/x\", weight = 3 }, \"a/y\", { model = \"a/z\", weight = 0 }]";
        let line = said(&format!("models = {models}\nby = \"weight\"\ncache_minutes = 1.5"));
        assert_eq!(line, "route r: 75.00 % a/x, 25.00 % a/y, then a/z; cached for 1.5 min");
    }
}
