//! How each generation of Gemini is told how much to think.

use super::wire::ThinkingConfig;
use crate::{Effort, Thinking};

/// What the name of a model tells about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generation {
    /// Up to 2.0, and models that are not Gemini: no thinking to configure.
    Simple,
    /// 2.5: a budget in tokens.
    Budget,
    /// 3 and later, and names without a number, which stand for the latest: a level.
    Level,
}

impl Generation {
    pub(super) fn of(model: &str) -> Self {
        let Some((_, rest)) = model.split_once("gemini-") else {
            return Generation::Simple;
        };
        let number: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        match number.parse::<f32>() {
            Ok(version) if version < 2.5 => Generation::Simple,
            Ok(version) if version < 3.0 => Generation::Budget,
            _ => Generation::Level,
        }
    }
}

/// What to say about thinking to `model`; none where there is nothing to say.
pub(super) fn thinking_config(model: &str, thinking: Thinking) -> Option<ThinkingConfig> {
    let include_thoughts = (thinking != Thinking::Off).then_some(true);
    match Generation::of(model) {
        Generation::Simple => None,
        Generation::Budget => Some(ThinkingConfig {
            include_thoughts,
            thinking_budget: Some(budget(model, thinking)),
            thinking_level: None,
        }),
        Generation::Level => Some(ThinkingConfig {
            include_thoughts,
            thinking_budget: None,
            thinking_level: Some(level(model, thinking)),
        }),
    }
}

/// A budget within what the model allows; only the larger one cannot do without thinking.
fn budget(model: &str, thinking: Thinking) -> u32 {
    let (least, most) = if model.contains("pro") {
        (128, 32_768)
    } else if model.contains("lite") {
        (512, 24_576)
    } else {
        (1, 24_576)
    };
    match thinking {
        Thinking::Off if model.contains("pro") => least,
        Thinking::Off | Thinking::Tokens(0) => 0,
        Thinking::Effort(effort) => effort.tokens().clamp(least, most),
        Thinking::Tokens(tokens) => tokens.clamp(least, most),
    }
}

/// The nearest level. No model of this generation can be told not to think at all, and only the small ones and the first
/// Flash know less than `low`; more than `high` none of them does.
fn level(model: &str, thinking: Thinking) -> &'static str {
    let least = if model.contains("lite") || model.contains("gemini-3-flash") { "minimal" } else { "low" };
    let effort = match thinking {
        Thinking::Off => return least,
        Thinking::Effort(effort) => effort,
        Thinking::Tokens(tokens) => Effort::of_tokens(tokens),
    };
    match effort {
        Effort::Minimal => least,
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High | Effort::ExtraHigh => "high",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(model: &str, thinking: Thinking, budget: Option<u32>, level: Option<&str>) {
        let config = thinking_config(model, thinking);
        let told = config.map(|c| (c.thinking_budget, c.thinking_level)).unwrap_or_default();
        assert_eq!(told, (budget, level), "{model} {thinking:?}");
    }

    #[test]
    fn each_generation_is_told_in_its_words() {
        check("gemini-2.5-flash", Thinking::Off, Some(0), None);
        check("gemini-2.5-pro", Thinking::Off, Some(128), None);
        check("gemini-2.5-pro", Thinking::Effort(Effort::ExtraHigh), Some(32_768), None);
        check("gemini-2.5-flash", Thinking::Effort(Effort::ExtraHigh), Some(24_576), None);
        check("gemini-2.5-flash-lite", Thinking::Tokens(100), Some(512), None);
        check("models/gemini-2.5-flash", Thinking::Tokens(100), Some(100), None);
        check("gemini-3-pro-preview", Thinking::Off, None, Some("low"));
        check("gemini-3-flash-preview", Thinking::Effort(Effort::Minimal), None, Some("minimal"));
        check("gemini-3.8-flash", Thinking::Effort(Effort::Minimal), None, Some("low"));
        check("gemini-3.1-pro", Thinking::Tokens(8_000), None, Some("medium"));
        check("gemini-flash-latest", Thinking::Effort(Effort::ExtraHigh), None, Some("high"));
        check("gemini-2.0-flash", Thinking::Effort(Effort::High), None, None);
        check("gemma-3-27b-it", Thinking::Effort(Effort::High), None, None);
    }
}
