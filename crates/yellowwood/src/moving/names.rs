//! Names that routes may have.

use yw_task::WellKnownProvider;

use super::draft::Route;

/// The routes under names that a project file may have, each once; without those to the one model that their name says,
/// because that is what happens without them.
///
/// `providers` are the names of the providers, by their place.
pub(super) fn named(routes: Vec<Route>, providers: &[String]) -> Vec<Route> {
    let mut named: Vec<Route> = Vec::new();
    for mut route in routes {
        let is_name = |t: &super::draft::Target| format!("{}/{}", providers[t.provider], t.model) == route.name;
        if matches!(route.targets.as_slice(), [one] if is_name(one)) && route.cache_minutes.is_none() {
            continue;
        }
        let valid = valid(&route.name, providers);
        let taken = |name: &String| named.iter().any(|known| known.name == *name);
        let numbered = (2..).map(|n| format!("{valid}-{n}"));
        let name = std::iter::once(valid.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or_default();
        if name != route.name {
            let before: String = route.name.chars().filter(|c| !c.is_control()).collect();
            route.comment = Some(format!("Called {before} before; clients that send that must send the name below."));
            route.name = name;
        }
        named.push(route);
    }
    named
}

/// A name without what routes cannot have in theirs.
fn valid(name: &str, providers: &[String]) -> String {
    // Room for a number at the end.
    let printable: String = name.chars().filter(|c| !c.is_control()).take(120).collect();
    let mut name = printable.trim().to_owned();
    if let Some(rest) = name.strip_prefix("task:") {
        name = format!("task-{rest}");
    }
    let provider = name.split_once('/').map(|(provider, _)| provider.to_owned());
    if provider.is_some_and(|p| providers.contains(&p) || WellKnownProvider::by_name(&p).is_some()) {
        name = name.replace('/', "-");
    }
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moving::draft::Target;

    #[test]
    fn names_become_valid_and_stay_unique() {
        let route = |name: &str, model: &str| Route {
            name: name.into(),
            targets: vec![Target { provider: 0, model: model.into(), weight: 1.0 }],
            ..Route::default()
        };
        let names =
            |routes: Vec<Route>| named(routes, &["openai".to_owned()]).into_iter().map(|r| r.name).collect::<Vec<_>>();
        let routes = vec![
            route("openai/x", "x"),
            route("openai/x", "y"),
            route("openai-x", "z"),
            route("task:a", "x"),
            route(" \u{7} ", "x"),
            route("team/x", "x"),
        ];
        assert_eq!(names(routes), ["openai-x", "openai-x-2", "task-a", "unnamed", "team/x"]);
    }
}
