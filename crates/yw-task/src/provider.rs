//! Names of the parties that serve models.

use std::fmt;

/// The wire shape that a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI chat completions, which most other servers speak too.
    OpenAi,
    /// OpenAI responses.
    Responses,
    /// Anthropic messages.
    Anthropic,
    /// Gemini's `generateContent`.
    Gemini,
    /// Converse of Amazon Bedrock.
    Bedrock,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Dialect; 5] =
        [Dialect::OpenAi, Dialect::Responses, Dialect::Anthropic, Dialect::Gemini, Dialect::Bedrock];

    /// The word the project file uses.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::OpenAi => "openai",
            Dialect::Responses => "responses",
            Dialect::Anthropic => "anthropic",
            Dialect::Gemini => "gemini",
            Dialect::Bedrock => "bedrock",
        }
    }

    /// The dialect a word of the project file names, if any.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.name() == name)
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One model of one provider, written `provider/model`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelRef {
    /// The provider's name in the project file, or a well-known one.
    pub provider: String,
    /// The model's name at that provider; may contain slashes.
    pub model: String,
}

impl ModelRef {
    /// Splits `provider/model` at the first slash; none if either part is empty, or if the model is `.` or `..`: in the
    /// addresses of some providers these would be steps to another place, however they are escaped.
    pub fn parse(text: &str) -> Option<Self> {
        let (provider, model) = text.split_once('/')?;
        let ok = !provider.is_empty() && !matches!(model, "" | "." | "..");
        ok.then(|| ModelRef { provider: provider.to_owned(), model: model.to_owned() })
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// The environment variable that holds a provider's key: `NAME_API_KEY`, other characters than letters and digits as `_`.
pub fn key_variable(provider: &str) -> String {
    let upper = provider.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    upper.chain("_API_KEY".chars()).collect()
}

/// How a provider's key travels with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyScheme {
    /// `authorization: Bearer KEY`.
    Bearer,
    /// The key alone in this header, whose name is in lower case.
    Header(&'static str),
    /// No key travels: the request is signed with AWS credentials (SigV4). A key that is there is sent as `Bearer`.
    SigV4,
    /// `authorization: Bearer TOKEN` with a short-lived token that Google's credentials are exchanged for.
    GoogleToken,
}

/// What a provider must be told before it has an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderAddress {
    /// Nothing: it is here. The dialect's path (`/chat/completions`, `/v1/messages`) is appended.
    At(&'static str),
    /// Its base address: every customer has one.
    Own,
    /// The AWS region.
    Region,
    /// The Google project, and where in the world.
    Project,
}

/// A provider whose name says how it is called.
#[derive(Debug, Clone, Copy)]
pub struct WellKnownProvider {
    /// Its name.
    pub name: &'static str,
    /// What it speaks at one address; at least one. The first is what other dialects are translated to.
    pub dialects: &'static [Dialect],
    /// Where it is.
    pub address: ProviderAddress,
    /// How its key is sent.
    pub key: KeyScheme,
}

impl WellKnownProvider {
    /// The provider of this name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        WELL_KNOWN_PROVIDERS.iter().find(|p| p.name == name)
    }

    /// What other dialects are translated to.
    pub fn dialect(&self) -> Dialect {
        self.dialects.first().copied().unwrap_or(Dialect::OpenAi)
    }

    /// Where it is, if it is there for everyone.
    pub fn base_url(&self) -> Option<&'static str> {
        match self.address {
            ProviderAddress::At(url) => Some(url),
            ProviderAddress::Own | ProviderAddress::Region | ProviderAddress::Project => None,
        }
    }

    /// The environment variable of its key: [`key_variable`] of its name, unless its own documentation has another.
    pub fn key_variable(&self) -> String {
        match self.key {
            KeyScheme::SigV4 => "AWS_BEARER_TOKEN_BEDROCK".to_owned(),
            KeyScheme::Bearer | KeyScheme::Header(_) | KeyScheme::GoogleToken => key_variable(self.name),
        }
    }
}

const fn provider(
    name: &'static str,
    dialects: &'static [Dialect],
    address: ProviderAddress,
    key: KeyScheme,
) -> WellKnownProvider {
    WellKnownProvider { name, dialects, address, key }
}

const CHAT: &[Dialect] = &[Dialect::OpenAi];
const CHAT_AND_RESPONSES: &[Dialect] = &[Dialect::OpenAi, Dialect::Responses];
const ALL_THREE: &[Dialect] = &[Dialect::OpenAi, Dialect::Responses, Dialect::Anthropic];

/// The well-known providers, by name. Dialects that a provider speaks at another address are left out.
pub const WELL_KNOWN_PROVIDERS: &[WellKnownProvider] = {
    use KeyScheme::{Bearer, GoogleToken, Header, SigV4};
    use ProviderAddress::{At, Own, Project, Region};
    &[
        provider("anthropic", &[Dialect::Anthropic], At("https://api.anthropic.com"), Header("x-api-key")),
        provider("azure", CHAT_AND_RESPONSES, Own, Header("api-key")),
        provider("bedrock", &[Dialect::Bedrock], Region, SigV4),
        provider("cerebras", CHAT, At("https://api.cerebras.ai/v1"), Bearer),
        provider("cohere", CHAT, At("https://api.cohere.ai/compatibility/v1"), Bearer),
        provider("deepseek", CHAT, At("https://api.deepseek.com/v1"), Bearer),
        provider("fireworks", ALL_THREE, At("https://api.fireworks.ai/inference/v1"), Bearer),
        provider(
            "gemini",
            &[Dialect::Gemini],
            At("https://generativelanguage.googleapis.com/v1beta"),
            Header("x-goog-api-key"),
        ),
        provider("groq", CHAT_AND_RESPONSES, At("https://api.groq.com/openai/v1"), Bearer),
        provider("llamacpp", &[Dialect::OpenAi, Dialect::Anthropic], At("http://127.0.0.1:8080/v1"), Bearer),
        provider("lmstudio", ALL_THREE, At("http://127.0.0.1:1234/v1"), Bearer),
        provider("mistral", CHAT, At("https://api.mistral.ai/v1"), Bearer),
        provider("ollama", ALL_THREE, At("http://127.0.0.1:11434/v1"), Bearer),
        provider("openai", CHAT_AND_RESPONSES, At("https://api.openai.com/v1"), Bearer),
        provider("openrouter", ALL_THREE, At("https://openrouter.ai/api/v1"), Bearer),
        provider("perplexity", CHAT, At("https://api.perplexity.ai"), Bearer),
        provider("sglang", CHAT, At("http://127.0.0.1:30000/v1"), Bearer),
        provider("together", CHAT, At("https://api.together.xyz/v1"), Bearer),
        provider("vertex", &[Dialect::Gemini], Project, GoogleToken),
        provider("vllm", ALL_THREE, At("http://127.0.0.1:8000/v1"), Bearer),
        provider("xai", CHAT_AND_RESPONSES, At("https://api.x.ai/v1"), Bearer),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_names_may_contain_slashes() {
        let model = ModelRef::parse("openrouter/meta/llama-4").unwrap();
        assert_eq!((model.provider.as_str(), model.model.as_str()), ("openrouter", "meta/llama-4"));
        assert_eq!(model.to_string(), "openrouter/meta/llama-4");
        assert_eq!(ModelRef::parse("gpt-5"), None);
        assert_eq!(ModelRef::parse("openai/"), None);
    }

    #[test]
    fn key_variables_are_shouted() {
        assert_eq!(key_variable("openai"), "OPENAI_API_KEY");
        assert_eq!(key_variable("my-vllm.2"), "MY_VLLM_2_API_KEY");
        let of = |name| WellKnownProvider::by_name(name).map(WellKnownProvider::key_variable);
        assert_eq!(of("gemini").as_deref(), Some("GEMINI_API_KEY"));
        assert_eq!(of("bedrock").as_deref(), Some("AWS_BEARER_TOKEN_BEDROCK"));
        assert_eq!(of("acme"), None);
    }

    #[test]
    fn well_known_providers_are_sorted_and_speak_something() {
        assert!(WELL_KNOWN_PROVIDERS.is_sorted_by(|a, b| a.name < b.name));
        for provider in WELL_KNOWN_PROVIDERS {
            assert!(!provider.dialects.is_empty(), "{}", provider.name);
            if let KeyScheme::Header(name) = provider.key {
                assert_eq!(name, name.to_ascii_lowercase());
            }
            // The dialect appends its path, and the first slash after it.
            assert!(provider.base_url().is_none_or(|url| url.starts_with("http") && !url.ends_with('/')));
        }
    }
}
