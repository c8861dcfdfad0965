//! Routes.

use std::time::Duration;

use toml::de::DeValue;
use yw_task::ModelRef;

use super::model::model;
use super::named;
use super::provider::Providers;
use crate::grammar::{BREAKER, ROUTE, TARGET};
use crate::project::{BreakerSpec, RouteBy, RouteSpec, RouteTarget};
use crate::raw::{At, Entry, Place, Report, View};

/// The words of `by`.
const ORDERS: &[(&str, RouteBy)] =
    &[("order", RouteBy::Order), ("weight", RouteBy::Weight), ("latency", RouteBy::Latency)];

/// What names of tasks begin with where clients name models.
const TASK_PREFIX: &str = "task:";

pub(super) fn routes(root: &View<'_>, providers: &mut Providers, report: &mut Report<'_>) -> Option<Vec<RouteSpec>> {
    let mut routes = Vec::new();
    for entry in root.map("route") {
        check_name(&entry, providers, report);
        let name = entry.key.to_owned();
        let view = root.view(entry.value, &ROUTE);
        routes.push(view.and_then(|view| route(name, &view, providers, report)));
    }
    routes.into_iter().collect()
}

/// Clients name tasks and models too: a route must not hide them.
fn check_name(entry: &Entry<'_>, providers: &Providers, report: &mut Report<'_>) {
    let name = entry.key;
    if name.starts_with(TASK_PREFIX) {
        let message = format!("`{name}` is the name of a task's champion, not of a route");
        report.error(&entry.key_place(), message).hint("clients reach tasks without a route; choose another name");
    } else if let Some(model) = ModelRef::parse(name).filter(|model| providers.knows(&model.provider)) {
        let message = format!("`{name}` is the name of a model of `{}`, not of a route", model.provider);
        let hint =
            "clients reach models without a route; choose another name, or one without a provider before a slash";
        report.error(&entry.key_place(), message).hint(hint);
    }
}

fn route(name: String, view: &View<'_>, providers: &mut Providers, report: &mut Report<'_>) -> Option<RouteSpec> {
    let by = view.text("by").and_then(|word| named(word, ORDERS));
    let targets = targets(view, by, providers, report);
    let millis = |key| view.integer(key).map(|ms| At { value: Duration::from_millis(ms.value), place: ms.place });
    let (attempt, first) = (millis("attempt_timeout_ms"), millis("first_token_timeout_ms"));
    let (total, hedge) = (millis("timeout_ms"), millis("hedge_after_ms"));
    warn_of_times([("attempt_timeout_ms", &attempt), ("first_token_timeout_ms", &first)], &total, report);
    let targets = targets?;
    if let Some(hedge) = hedge.as_ref().filter(|_| targets.len() == 1) {
        report.warning(&hedge.place, "there is no second model to ask").hint("add one to `models`");
    }
    Some(RouteSpec {
        name,
        by: by?,
        retries: view.integer("retries")?.value,
        attempt_timeout: attempt.map(|at| at.value),
        first_token_timeout: first.map(|at| at.value),
        timeout: total.map(|at| at.value),
        hedge_after: hedge.map(|at| at.value),
        sticky: view.text("sticky").map(|header| header.value.to_ascii_lowercase()),
        cache: view.number("cache_minutes").and_then(|m| Duration::try_from_secs_f64(m.value * 60.0).ok()),
        breaker: breaker(view)?,
        targets,
    })
}

fn targets(
    view: &View<'_>,
    by: Option<RouteBy>,
    providers: &mut Providers,
    report: &mut Report<'_>,
) -> Option<Vec<RouteTarget>> {
    let list = view.get("models")?;
    let mut targets: Vec<Option<RouteTarget>> = Vec::new();
    for item in list.value.as_array()? {
        let place = Place { path: list.place.path.clone(), span: item.span() };
        let target = target(view, At { value: item.get_ref(), place }, by, providers, report);
        let twin = |t: &RouteTarget| targets.iter().flatten().any(|other| other.model == t.model);
        if let Some(twice) = target.as_ref().filter(|t| twin(t)) {
            let place = Place { path: list.place.path.clone(), span: item.span() };
            let hint = "name it once; `retries` asks it again, and a `weight` gives it more";
            report.error(&place, format!("`{}` stands there twice", twice.model)).hint(hint);
        }
        targets.push(target);
    }
    if targets.iter().all(|t| t.as_ref().is_some_and(|t| t.weight == 0.0)) && !targets.is_empty() {
        report.error(&list.place, "all models have the weight 0").hint("give at least one a weight above 0");
    }
    targets.into_iter().collect()
}

fn target<'v>(
    view: &View<'v>,
    item: At<&'v DeValue<'v>>,
    by: Option<RouteBy>,
    providers: &mut Providers,
    report: &mut Report<'_>,
) -> Option<RouteTarget> {
    if let Some(name) = item.value.as_str() {
        let name = At { value: name.to_owned(), place: item.place };
        return Some(RouteTarget { model: model(&name, providers, report)?, weight: 1.0 });
    }
    let target = view.view(item, &TARGET)?;
    if let Some(weight) = target.get("weight").filter(|_| by == Some(RouteBy::Order)) {
        report.error(&weight.place, "weights count only where they decide").hint("add `by = \"weight\"` to the route");
    }
    let weight = target.number("weight")?.value;
    Some(RouteTarget { model: model(&target.text("model")?, providers, report)?, weight })
}

/// The breaker; none in it if there is none, none at all if it was reported.
fn breaker(view: &View<'_>) -> Option<Option<BreakerSpec>> {
    if view.get("breaker").is_some_and(|at| at.value.as_bool() == Some(false)) {
        return Some(None);
    }
    let breaker = view.table_or_empty("breaker", &BREAKER)?;
    let cooldown = Duration::from_millis(breaker.integer("cooldown_ms")?.value);
    Some(Some(BreakerSpec { failures: breaker.integer("failures")?.value, cooldown }))
}

/// Times of one try that are longer than those of all.
fn warn_of_times(tries: [(&str, &Option<At<Duration>>); 2], total: &Option<At<Duration>>, report: &mut Report<'_>) {
    let Some(total) = total else { return };
    for (key, at) in tries {
        if let Some(at) = at.as_ref().filter(|at| at.value > total.value) {
            let message = format!("`{key}` is longer than `timeout_ms`, so it never counts");
            report.warning(&at.place, message).hint("`timeout_ms` is the time of all tries together");
        }
    }
}
