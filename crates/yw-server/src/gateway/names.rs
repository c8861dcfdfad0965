//! What the `model` of a request means.

use std::sync::Arc;

use yw_llm::ClientErrorKind;
use yw_task::{Dialect, ModelRef};

use super::error::Refusal;
use super::{Caller, Proxy, Route};

/// Who is to answer.
pub(super) enum Destination {
    /// Models of providers.
    Route(Arc<Route>),
    /// The champion of a task.
    Task(String),
}

/// The prefix of names of tasks.
pub(super) const TASK_PREFIX: &str = "task:";

/// Finds who is meant by `name`: a route of the project file, `task:NAME`, `provider/model`, or the bare name of a model
/// at the provider that has given the client's dialect its shape.
pub(super) fn resolve(proxy: &Proxy, caller: &Caller, client: Dialect, name: &str) -> Result<Destination, Refusal> {
    if let Some(task) = name.strip_prefix(TASK_PREFIX) {
        return match caller.may_use_task(task) {
            true => Ok(Destination::Task(task.to_owned())),
            false => Err(forbidden(&format!("the task `{task}`"))),
        };
    }
    let route_name = name.strip_prefix("route:").unwrap_or(name);
    if let Some(route) = proxy.routes.get(route_name) {
        return match caller.may_use_route(route_name) {
            true => Ok(Destination::Route(route.clone())),
            false => Err(forbidden(&format!("the route `{route_name}`"))),
        };
    }
    let home = if client == Dialect::Anthropic { "anthropic" } else { "openai" };
    let known = |model: &ModelRef| proxy.gateway.has_provider(&model.provider);
    let model = ModelRef::parse(name).filter(known).or_else(|| {
        let bare = ModelRef { provider: home.to_owned(), model: name.to_owned() };
        // Only one that is known: anything else is more likely a route that is misspelt than a model.
        (!name.contains('/') && known(&bare) && proxy.gateway.price(&bare).is_some()).then_some(bare)
    });
    match model {
        Some(model) if caller.may_use_model(&model.to_string()) => {
            proxy.direct(&model).map(Destination::Route).ok_or_else(|| unknown(proxy, name))
        }
        Some(model) => Err(forbidden(&format!("the model `{model}`"))),
        None => Err(unknown(proxy, name)),
    }
}

fn forbidden(what: &str) -> Refusal {
    Refusal::new(ClientErrorKind::Permission, "not_allowed", format!("this key may not use {what}"))
}

fn unknown(proxy: &Proxy, name: &str) -> Refusal {
    let shown: String = name.chars().take(100).collect();
    let routes: Vec<&str> = proxy.routes.keys().map(String::as_str).take(10).collect();
    let known = if routes.is_empty() { String::new() } else { format!("; the routes are {}", routes.join(", ")) };
    let message = format!("there is no model `{shown}`: name a route, `provider/model` or `task:NAME`{known}");
    Refusal::new(ClientErrorKind::NotFound, "model_not_found", message)
}
