//! One deployment: whose model it is, and how its server is reached.

use yw_task::{ProviderAddress, WellKnownProvider};

use super::{Context, variable_of};
use crate::moving::address::{clean, is_header, is_openai, placeholder, server_name};
use crate::moving::providers::{Account, Key};
use crate::moving::tree::Node;

/// LiteLLM's word for a provider, the well-known provider that it is, and the variable that LiteLLM reads its key from.
const PROVIDERS: &[(&str, &str, &str)] = &[
    ("anthropic", "anthropic", "ANTHROPIC_API_KEY"),
    ("azure", "azure", "AZURE_API_KEY"),
    ("azure_text", "azure", "AZURE_API_KEY"),
    ("bedrock", "bedrock", ""),
    ("bedrock_converse", "bedrock", ""),
    ("cerebras", "cerebras", "CEREBRAS_API_KEY"),
    ("cohere", "cohere", "COHERE_API_KEY"),
    ("cohere_chat", "cohere", "COHERE_API_KEY"),
    ("deepseek", "deepseek", "DEEPSEEK_API_KEY"),
    ("fireworks_ai", "fireworks", "FIREWORKS_AI_API_KEY"),
    ("gemini", "gemini", "GEMINI_API_KEY"),
    ("groq", "groq", "GROQ_API_KEY"),
    ("hosted_vllm", "vllm", ""),
    ("lm_studio", "lmstudio", ""),
    ("mistral", "mistral", "MISTRAL_API_KEY"),
    ("ollama", "ollama", ""),
    ("ollama_chat", "ollama", ""),
    ("openai", "openai", "OPENAI_API_KEY"),
    ("openrouter", "openrouter", "OPENROUTER_API_KEY"),
    ("perplexity", "perplexity", "PERPLEXITYAI_API_KEY"),
    ("text-completion-openai", "openai", "OPENAI_API_KEY"),
    ("together_ai", "together", "TOGETHERAI_API_KEY"),
    ("vertex_ai", "vertex", ""),
    ("vertex_ai_beta", "vertex", ""),
    ("vllm", "vllm", ""),
    ("xai", "xai", "XAI_API_KEY"),
];

/// Providers that speak as OpenAI does and are not well known here, with their address and the variable of their key.
const OTHERS: &[(&str, &str, &str)] = &[
    ("custom_openai", "", "OPENAI_API_KEY"),
    ("openai_like", "", "OPENAI_LIKE_API_KEY"),
    ("llamafile", "http://127.0.0.1:8080/v1", ""),
    ("deepinfra", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
    ("moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
    ("nvidia_nim", "https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY"),
    ("sambanova", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
];

/// What names of models without a provider begin with, and whose they are.
const FAMILIES: &[(&str, &str)] = &[
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("ft:gpt-", "openai"),
    ("text-embedding-", "openai"),
    ("claude-", "anthropic"),
    ("command-", "cohere"),
    ("gemini-", "vertex_ai"),
];

/// Texts that stand where a key would, for servers that want none.
const NO_KEYS: &[&str] = &[
    "",
    "none",
    "empty",
    "null",
    "dummy",
    "fake",
    "fake-key",
    "anything",
    "not-needed",
    "no-key",
    "ollama",
    "lm-studio",
];

/// A deployment, and what stands in the way of it.
pub(super) struct Deployment {
    pub(super) account: Account,
    pub(super) model: String,
}

/// What `litellm_params` say; none if it cannot be reached from here, which is noted.
pub(super) fn deployment(params: &Node, context: &mut Context<'_>) -> Option<Deployment> {
    let named = params.get("model")?;
    let text = named.as_text()?.trim().to_owned();
    let custom = params.text("custom_llm_provider").map(str::to_owned);
    let (word, model) = split(&text, custom.as_deref(), params.get("api_base").is_some());
    let known = PROVIDERS.iter().find(|(name, ..)| *name == word);
    let other = OTHERS.iter().find(|(name, ..)| *name == word);
    let base = params.get("api_base").or_else(|| params.get("base_url"));
    let (like, address, variable) = match (known, other) {
        (Some((_, like, variable)), _) => (*like, None, *variable),
        (None, Some((name, address, variable))) => (*name, Some(*address).filter(|a| !a.is_empty()), *variable),
        (None, None) => {
            let why = format!(
                "`{word}` is no provider that this program knows; if it speaks as OpenAI does, add \
                               [provider.{word}] with its base_url"
            );
            context.leave(named, why);
            params.see();
            return None;
        }
    };
    let (model, region) = model_at(like, &model);
    if model.trim().is_empty() {
        context.leave(named, "it names no model");
        params.see();
        return None;
    }
    if like == "vertex" && !model.starts_with("gemini") {
        context.leave(named, "of Vertex, only Gemini's own dialect is spoken here");
        params.see();
        return None;
    }
    let mut account = Account { like: like.to_owned(), ..Account::default() };
    account.base_url = base.and_then(|node| self::address(node, like, context)).or(address.map(str::to_owned));
    if known.is_none() {
        account.dialect = Some("openai");
    }
    if let Some(url) = account.base_url.as_deref().filter(|url| like == "openai" && !is_openai(url)) {
        // A server that speaks as OpenAI does, and need not speak as it does otherwise.
        account.like = server_name(url);
        account.dialect = Some("openai");
    }
    place(&mut account, params, region, context);
    account.key = key_of(params, &account, variable, context);
    account.headers = headers(params, context);
    complete(&mut account, named, context);
    Some(Deployment { account, model })
}

/// The provider's word and the model's name.
fn split(text: &str, custom: Option<&str>, has_base: bool) -> (String, String) {
    let is_provider = |word: &str| PROVIDERS.iter().chain(OTHERS).any(|(name, ..)| *name == word);
    if let Some(custom) = custom {
        let own = text.strip_prefix(custom).and_then(|rest| rest.strip_prefix('/'));
        return (custom.to_owned(), own.unwrap_or(text).to_owned());
    }
    match text.split_once('/') {
        Some((word, model)) if is_provider(word) || !has_base => (word.to_owned(), model.to_owned()),
        _ => {
            let family = FAMILIES.iter().find(|(start, _)| text.starts_with(start));
            let word = if has_base { "openai" } else { family.map_or("openai", |(_, word)| word) };
            (word.to_owned(), text.to_owned())
        }
    }
}

/// The model's name at its provider, without LiteLLM's words for how it is called; of Bedrock, with the region in it.
fn model_at(like: &str, model: &str) -> (String, Option<String>) {
    let ways: &[&str] = match like {
        "openai" => &["responses/"],
        "azure" => &["responses/", "o_series/", "gpt5_series/"],
        "bedrock" => &["converse/", "invoke/", "converse_like/"],
        _ => &[],
    };
    let model = ways.iter().find_map(|way| model.strip_prefix(way)).unwrap_or(model);
    let is_region = |word: &str| word.split('-').count() >= 3 && word.ends_with(|c: char| c.is_ascii_digit());
    match model.split_once('/') {
        Some((region, rest)) if like == "bedrock" && is_region(region) => (rest.to_owned(), Some(region.to_owned())),
        _ => (model.to_owned(), None),
    }
}

/// An address as this program takes it; a placeholder if it is not known.
fn address(node: &Node, like: &str, context: &mut Context<'_>) -> Option<String> {
    let variable = node.as_text().and_then(variable_of).map(str::to_owned);
    let placeholder = Some(placeholder(variable.as_deref(), like));
    let Some(text) = context.resolved(node) else { return placeholder };
    let Some(url) = clean(&text) else {
        context.leave(node, "it is no address that this program takes; write one where the file has a placeholder");
        return placeholder;
    };
    // LiteLLM appends the version for these.
    let wants_version = like == "ollama" && !url.ends_with("/v1");
    Some(if wants_version { format!("{url}/v1") } else { url })
}

/// Regions, projects and versions.
fn place(account: &mut Account, params: &Node, region: Option<String>, context: &mut Context<'_>) {
    let mut read = |key: &str| {
        let node = params.get(key)?;
        let value = context.resolved(node)?;
        let sound = !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if !sound {
            context.leave(node, "it has characters that names in the cloud do not have");
        }
        sound.then_some(value)
    };
    match account.like.as_str() {
        "azure" => account.api_version = read("api_version").filter(|version| version != "v1" && version != "preview"),
        "bedrock" => account.region = region.or_else(|| read("aws_region_name")),
        "vertex" => {
            account.project = read("vertex_project").or_else(|| read("vertex_ai_project"));
            account.location = read("vertex_location").or_else(|| read("vertex_ai_location"));
        }
        _ => {}
    }
}

fn key_of(params: &Node, account: &Account, variable: &str, context: &mut Context<'_>) -> Key {
    let usual = match variable {
        "" => Key::Usual,
        name => Key::Environment(name.to_owned()),
    };
    let has_key = !matches!(account.like.as_str(), "vertex");
    let Some(node) = params.get("api_key").filter(|_| has_key) else { return usual };
    let Some(text) = node.as_text() else { return usual };
    if let Some(variable) = variable_of(text) {
        return Key::Environment(variable.to_owned());
    }
    if account.base_url.is_some() && NO_KEYS.contains(&text.trim().to_ascii_lowercase().as_str()) {
        return Key::None;
    }
    // A key of another server's own: the well-known company's must not be sent there.
    let usual = if account.base_url.is_some() { Key::Usual } else { usual };
    let why = match &usual {
        Key::Environment(name) => format!("a key stood in the file; set {name} to it"),
        _ => "a key stood in the file; set the variable that `yw check` names to it".to_owned(),
    };
    context.leave(node, why);
    usual
}

/// Headers, without those that carry keys.
fn headers(params: &Node, context: &mut Context<'_>) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    if let Some(organization) = params.get("organization")
        && let Some(value) = context.resolved(organization)
    {
        push_header(&mut headers, "OpenAI-Organization", &value, organization, context);
    }
    for (name, node) in params.map("extra_headers") {
        if let Some(value) = context.resolved(node) {
            push_header(&mut headers, name, &value, node, context);
        }
    }
    headers
}

/// Adds a header if the project file may have it.
fn push_header(headers: &mut Vec<(String, String)>, name: &str, value: &str, node: &Node, context: &mut Context<'_>) {
    if headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
        return;
    }
    if is_header(name, value) {
        headers.push((name.to_owned(), value.to_owned()));
    } else {
        context.leave(node, "the project file has no such headers; keys are named by `key`");
    }
}

/// Fills in what must not be missing, and says so.
fn complete(account: &mut Account, named: &Node, context: &mut Context<'_>) {
    let address = WellKnownProvider::by_name(&account.like).map(|known| known.address);
    let mut lacks = |what: &str, value: &str| {
        context.leave(named, format!("its {what} is not in the file; write it where `{value}` stands"));
        Some(value.to_owned())
    };
    match address {
        Some(ProviderAddress::Own) if account.base_url.is_none() => {
            account.base_url = lacks("address", "https://azure.invalid");
        }
        Some(ProviderAddress::Region) if account.region.is_none() => account.region = lacks("region", "us-east-1"),
        Some(ProviderAddress::Project) if account.project.is_none() => account.project = lacks("project", "my-project"),
        None if account.base_url.is_none() => account.base_url = lacks("address", "https://server.invalid/v1"),
        _ => {}
    }
}
