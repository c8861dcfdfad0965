//! Names of the parties that serve models.

use std::fmt;

/// The wire shape that a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI chat completions.
    OpenAi,
    /// Anthropic messages.
    Anthropic,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Dialect; 2] = [Dialect::OpenAi, Dialect::Anthropic];

    /// The word the project file uses.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::OpenAi => "openai",
            Dialect::Anthropic => "anthropic",
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
    /// Splits `provider/model` at the first slash; none if either part is empty.
    pub fn parse(text: &str) -> Option<Self> {
        let (provider, model) = text.split_once('/')?;
        let ok = !provider.is_empty() && !model.is_empty();
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

/// A provider that needs no entry in the project file.
#[derive(Debug, Clone, Copy)]
pub struct WellKnownProvider {
    /// Its name.
    pub name: &'static str,
    /// What it speaks.
    pub dialect: Dialect,
    /// Where; the dialect's paths (`/chat/completions`, `/v1/messages`) are appended.
    pub base_url: &'static str,
}

/// The providers that only differ by address and key.
pub const WELL_KNOWN_PROVIDERS: &[WellKnownProvider] = &[
    WellKnownProvider { name: "anthropic", dialect: Dialect::Anthropic, base_url: "https://api.anthropic.com" },
    WellKnownProvider { name: "deepseek", dialect: Dialect::OpenAi, base_url: "https://api.deepseek.com/v1" },
    WellKnownProvider {
        name: "fireworks",
        dialect: Dialect::OpenAi,
        base_url: "https://api.fireworks.ai/inference/v1",
    },
    WellKnownProvider { name: "groq", dialect: Dialect::OpenAi, base_url: "https://api.groq.com/openai/v1" },
    WellKnownProvider { name: "mistral", dialect: Dialect::OpenAi, base_url: "https://api.mistral.ai/v1" },
    WellKnownProvider { name: "openai", dialect: Dialect::OpenAi, base_url: "https://api.openai.com/v1" },
    WellKnownProvider { name: "openrouter", dialect: Dialect::OpenAi, base_url: "https://openrouter.ai/api/v1" },
    WellKnownProvider { name: "together", dialect: Dialect::OpenAi, base_url: "https://api.together.xyz/v1" },
    WellKnownProvider { name: "xai", dialect: Dialect::OpenAi, base_url: "https://api.x.ai/v1" },
];

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
    }
}
