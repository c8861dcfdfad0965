//! `[models]` and `[embedding_models]`: routes over providers.

use yw_task::{ProviderAddress, WellKnownProvider};

use super::Context;
use crate::moving::address::{clean, is_header, is_openai, placeholder, server_name};
use crate::moving::draft::{Price, Route, Target};
use crate::moving::providers::{Account, Key};
use crate::moving::tree::Node;

/// A model of the source.
pub(super) struct Model {
    pub(super) route: Route,
}

/// TensorZero's types of providers, what they are here, and the variable that TensorZero reads their key from.
const TYPES: &[(&str, &str, &str)] = &[
    ("anthropic", "anthropic", "ANTHROPIC_API_KEY"),
    ("aws_bedrock", "bedrock", ""),
    ("azure", "azure", "AZURE_API_KEY"),
    ("deepseek", "deepseek", "DEEPSEEK_API_KEY"),
    ("fireworks", "fireworks", "FIREWORKS_API_KEY"),
    ("gcp_vertex_gemini", "vertex", ""),
    ("google_ai_studio_gemini", "gemini", "GOOGLE_AI_STUDIO_API_KEY"),
    ("groq", "groq", "GROQ_API_KEY"),
    ("hyperbolic", "hyperbolic", "HYPERBOLIC_API_KEY"),
    ("mistral", "mistral", "MISTRAL_API_KEY"),
    ("openai", "openai", "OPENAI_API_KEY"),
    ("openrouter", "openrouter", "OPENROUTER_API_KEY"),
    ("sglang", "sglang", "SGLANG_API_KEY"),
    ("tgi", "tgi", "TGI_API_KEY"),
    ("together", "together", "TOGETHER_API_KEY"),
    ("vllm", "vllm", "VLLM_API_KEY"),
    ("xai", "xai", "XAI_API_KEY"),
];

pub(super) fn models(root: &Node, context: &mut Context<'_>) -> Vec<Model> {
    let mut models = Vec::new();
    for section in ["models", "embedding_models"] {
        for (name, node) in root.map(section) {
            models.push(Model { route: route(name, node, root, context) });
        }
    }
    models
}

fn route(name: &str, node: &Node, root: &Node, context: &mut Context<'_>) -> Route {
    let mut route = Route { name: name.to_owned(), ..Route::default() };
    let mut attempts: Vec<Option<f64>> = Vec::new();
    for item in node.list("routing") {
        let Some(wanted) = item.as_text() else { continue };
        let Some((_, provider)) = node.map("providers").iter().find(|(name, _)| name == wanted) else {
            context.leave(item, "there is no provider of that name");
            continue;
        };
        if let Some(target) = target(provider, root, context) {
            attempts.push(provider.number("timeout_ms").or_else(|| timeouts(provider).total));
            route.add(target);
        }
    }
    let Timeouts { total, first_token } = timeouts(node);
    route.retries = node.get("retries").and_then(|r| r.number("num_retries")).map(|n| n.clamp(0.0, 20.0) as u32);
    route.timeout_ms = total.or_else(|| node.number("timeout_ms")).and_then(time);
    route.first_token_timeout_ms = first_token.and_then(time);
    // The longest, if every provider has one.
    let longest = attempts.into_iter().reduce(|a, b| Some(a?.max(b?))).flatten();
    route.attempt_timeout_ms = longest.and_then(time);
    route
}

/// Milliseconds as the project file takes them.
pub(super) fn time(ms: f64) -> Option<u64> {
    (ms >= 1.0).then_some(ms.min(86_400_000.0) as u64)
}

/// `timeouts`, in milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Timeouts {
    /// Of the whole answer: the longer one of streams and others.
    pub(super) total: Option<f64>,
    /// Of the first token of a stream.
    pub(super) first_token: Option<f64>,
}

pub(super) fn timeouts(node: &Node) -> Timeouts {
    let Some(timeouts) = node.get("timeouts") else { return Timeouts::default() };
    let streaming = timeouts.get("streaming");
    let whole = timeouts.get("non_streaming").and_then(|t| t.number("total_ms"));
    let stream = streaming.and_then(|t| t.number("total_ms"));
    let total = whole.zip(stream).map(|(a, b)| a.max(b)).or(whole).or(stream);
    Timeouts { total, first_token: streaming.and_then(|t| t.number("ttft_ms")) }
}

/// A model by its short name: `openai::gpt-5`, `openai::responses::gpt-5`.
pub(super) fn short(text: &str, node: &Node, root: &Node, context: &mut Context<'_>) -> Option<Target> {
    let (word, model) = text.split_once("::")?;
    let model = model.strip_prefix("responses::").unwrap_or(model);
    let known = TYPES.iter().find(|(name, ..)| *name == word);
    let needs_more = |like: &str| WellKnownProvider::by_name(like).is_none_or(|known| known.base_url().is_none());
    match known.filter(|(_, like, _)| !needs_more(like) && !model.trim().is_empty()) {
        Some((word, like, variable)) => {
            let account =
                Account { like: (*like).to_owned(), key: usual_key(word, variable, root), ..Account::default() };
            let provider = context.draft.providers.add(account);
            Some(Target { provider, model: model.to_owned(), weight: 1.0 })
        }
        None => {
            context.leave(node, format!("`{word}` cannot be reached without settings of its own: add [provider.…]"));
            None
        }
    }
}

fn usual_key(word: &str, variable: &str, root: &Node) -> Key {
    let defaults = root.get("provider_types").and_then(|types| types.get(word)).and_then(|node| node.get("defaults"));
    let location = defaults.and_then(|defaults| defaults.get("api_key_location")).and_then(|node| {
        let node = node.get("default").unwrap_or(node);
        node.as_text()?.strip_prefix("env::").map(str::to_owned)
    });
    match location.or_else(|| (!variable.is_empty()).then(|| variable.to_owned())) {
        Some(variable) if is_variable(&variable) => Key::Environment(variable),
        _ => Key::Usual,
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A provider of a model; none if it cannot be reached from here, which is noted.
fn target(node: &Node, root: &Node, context: &mut Context<'_>) -> Option<Target> {
    let type_node = node.get("type")?;
    let word = type_node.as_text()?;
    let Some((_, like, variable)) = TYPES.iter().find(|(name, ..)| *name == word) else {
        context.leave(type_node, "providers of that type cannot be reached from here");
        node.see();
        return None;
    };
    let names = ["model_name", "deployment_id", "model_id"];
    let Some(model) =
        names.into_iter().find_map(|key| node.text(key)).filter(|name| !name.trim().is_empty()).map(str::to_owned)
    else {
        // A server with one model takes any name.
        let why = "it names no model; the route says `default`";
        if matches!(*like, "tgi" | "sglang" | "vllm") {
            context.leave(type_node, why);
            return finish(node, word, like, variable, "default", root, context);
        }
        context.leave(type_node, "it names no model that this program could ask for");
        node.see();
        return None;
    };
    finish(node, word, like, variable, &model, root, context)
}

fn finish(
    node: &Node,
    word: &str,
    like: &str,
    variable: &str,
    model: &str,
    root: &Node,
    context: &mut Context<'_>,
) -> Option<Target> {
    let mut account = Account { like: like.to_owned(), ..Account::default() };
    let known = WellKnownProvider::by_name(like);
    if known.is_none() {
        account.dialect = Some("openai");
        account.base_url = (like == "hyperbolic").then(|| "https://api.hyperbolic.xyz/v1".to_owned());
    }
    if let Some(base) = node.get("api_base").or_else(|| node.get("endpoint")) {
        account.base_url = address(base, like, context).or(account.base_url);
    }
    if let Some(url) = account.base_url.as_deref().filter(|url| like == "openai" && !is_openai(url)) {
        // A server that speaks as OpenAI does, and need not speak as it does otherwise.
        account.like = server_name(url);
        account.dialect = Some("openai");
    }
    if node.text("api_type") == Some("responses") {
        account.dialect = Some("responses");
    }
    account.region = name_in_cloud(node, "region", context).filter(|_| like == "bedrock");
    account.project = name_in_cloud(node, "project_id", context).filter(|_| like == "vertex");
    account.location = name_in_cloud(node, "location", context).filter(|_| like == "vertex");
    account.key = key(node, usual_key(word, variable, root), context);
    account.headers = headers(node, context);
    complete(&mut account, known, node, context);
    let provider = context.draft.providers.add(account);
    price(provider, model, node, context);
    Some(Target { provider, model: model.to_owned(), weight: 1.0 })
}

/// An address; a placeholder if it is said elsewhere.
fn address(node: &Node, like: &str, context: &mut Context<'_>) -> Option<String> {
    let text = node.as_text()?.trim().to_owned();
    let placeholder = Some(placeholder(text.strip_prefix("env::"), like));
    let value = match text.strip_prefix("env::") {
        Some(variable) => {
            let value = (context.environment)(variable);
            let why = match value {
                Some(_) => {
                    format!("taken from {variable} as it is now; the project file takes nothing from the environment")
                }
                None => format!("{variable} is not set; write its value where the file has a placeholder"),
            };
            context.leave(node, why);
            value
        }
        None if text.starts_with("dynamic::") => {
            context.leave(node, "addresses are not sent by clients; write one where the file has a placeholder");
            None
        }
        None => Some(text),
    };
    let Some(value) = value else { return placeholder };
    let url = clean(&value);
    if url.is_none() {
        context.leave(node, "it is no address that this program takes; write one where the file has a placeholder");
    }
    url.or(placeholder)
}

fn name_in_cloud(node: &Node, key: &str, context: &mut Context<'_>) -> Option<String> {
    let value = node.get(key)?;
    let text = value.as_text()?.to_owned();
    let sound = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !sound {
        context.leave(value, "write it into the project file: it is taken from nowhere else");
    }
    sound.then_some(text)
}

fn key(node: &Node, usual: Key, context: &mut Context<'_>) -> Key {
    let Some(location) = node.get("api_key_location").or_else(|| node.get("credential_location")) else { return usual };
    if let Some(fallback) = location.get("fallback") {
        context.leave(fallback, "a provider has one key; add a second provider with `like` for another");
    }
    let chosen = location.get("default").unwrap_or(location);
    let text = chosen.as_text().unwrap_or_default().to_owned();
    match text.split_once("::") {
        Some(("env", name)) if is_variable(name) => Key::Environment(name.to_owned()),
        Some(("path", path)) if !path.trim().is_empty() && !path.contains("${") => Key::File(path.to_owned()),
        None if text == "none" => Key::None,
        None if text == "sdk" => Key::Usual,
        _ => {
            context.leave(chosen, "keys come from this program's own environment or files, not from clients");
            usual
        }
    }
}

fn headers(node: &Node, context: &mut Context<'_>) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for header in node.list("extra_headers") {
        let (name, value) = (header.text("name").map(str::to_owned), header.text("value").map(str::to_owned));
        let Some((name, value)) = name.zip(value) else {
            context.leave(header, "headers can be added, not removed");
            continue;
        };
        let sound = is_header(&name, &value);
        if sound && !headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            headers.push((name, value));
        } else {
            context.leave(header, "the project file has no such headers; keys are named by `key`");
        }
    }
    headers
}

/// Fills in what must not be missing, and says so.
fn complete(account: &mut Account, known: Option<&WellKnownProvider>, node: &Node, context: &mut Context<'_>) {
    let type_node = node.get("type").unwrap_or(node);
    let mut lacks = |what: &str, value: &str| {
        context.leave(type_node, format!("its {what} is not in the file; write it where `{value}` stands"));
        Some(value.to_owned())
    };
    match known.map(|known| known.address) {
        Some(ProviderAddress::Own) if account.base_url.is_none() => {
            account.base_url = lacks("address", "https://azure.invalid");
        }
        Some(ProviderAddress::Region) if account.region.is_none() => account.region = lacks("region", "us-east-1"),
        Some(ProviderAddress::Project) if account.project.is_none() => account.project = lacks("project", "my-project"),
        None if account.base_url.is_none() => account.base_url = lacks("address", "https://server.invalid/v1"),
        _ => {}
    }
}

/// `cost`: prices per million tokens, where they are of what prices here are of.
fn price(provider: usize, model: &str, node: &Node, context: &mut Context<'_>) {
    let (mut input, mut output, mut cached, mut less) = (None, None, None, None);
    for entry in node.list("cost") {
        let pointer =
            entry.text("pointer").or_else(|| entry.text("pointer_nonstreaming")).unwrap_or_default().to_owned();
        let Some(rate) = entry.number("cost_per_million") else { continue };
        entry.boolean("required");
        entry.text("pointer_streaming");
        match pointer.rsplit('/').next().unwrap_or_default() {
            "prompt_tokens" | "input_tokens" | "inputTokens" | "promptTokenCount" => input = Some(rate),
            "completion_tokens" | "output_tokens" | "outputTokens" | "candidatesTokenCount" => output = Some(rate),
            "cache_read_input_tokens" | "cacheReadInputTokens" => cached = Some(rate),
            "cached_tokens" | "prompt_cache_hit_tokens" if rate < 0.0 => less = Some(rate),
            _ => context.leave(entry, "prices are of tokens that are read, written, or read from a cache"),
        }
    }
    let known = context.draft.prices.iter().any(|p| p.provider == provider && p.model == model);
    if let Some((input, output)) = input.zip(output.or(Some(0.0))).filter(|_| !known) {
        let cached_input = cached.or_else(|| less.map(|less| input + less));
        let sound = |price: f64| (0.0..=100_000.0).contains(&price);
        if sound(input) && sound(output) && cached_input.is_none_or(sound) {
            context.draft.prices.push(Price { provider, model: model.to_owned(), input, output, cached_input });
        } else if let Some(cost) = node.get("cost") {
            context.leave(cost, "these are no prices that this program takes");
        }
    }
}
