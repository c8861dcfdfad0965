//! How much the model is asked to think.

use serde::Serialize;

use super::generation::Generation;
use crate::{Effort, JsonMode, Message, Output, Part, Request, Role, Thinking, ToolChoice};

/// The least budget that the provider accepts.
const MIN_BUDGET: u32 = 1_024;

/// The `thinking` of a request, and the `effort` of its `output_config`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ThinkingOut {
    pub(super) mode: Option<Mode>,
    pub(super) effort: Option<&'static str>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Mode {
    Disabled,
    Enabled { budget_tokens: u32 },
    Adaptive,
}

impl ThinkingOut {
    /// What to say to a model of this generation that may write `max_tokens` tokens.
    ///
    /// Where the provider would refuse thinking together with the rest of the request, the rest counts and thinking is
    /// left out.
    pub(super) fn of(request: &Request, generation: Generation, max_tokens: u32, json_mode: JsonMode) -> Self {
        let Some(thinking) = request.reasoning else { return ThinkingOut::default() };
        if generation.is_adaptive {
            let effort = match thinking {
                // These models think only when asked to, and some refuse to be told not to.
                Thinking::Off => return ThinkingOut::default(),
                Thinking::Effort(effort) => effort,
                Thinking::Tokens(tokens) => Effort::of_tokens(tokens),
            };
            let mode = (!forces_a_tool(request, json_mode)).then_some(Mode::Adaptive);
            return ThinkingOut { mode, effort: Some(effort_word(effort)) };
        }
        let wanted = match thinking {
            Thinking::Off => return ThinkingOut { mode: Some(Mode::Disabled), effort: None },
            Thinking::Effort(effort) => effort.tokens(),
            Thinking::Tokens(tokens) => tokens.max(MIN_BUDGET),
        };
        // The budget must be less than the limit.
        let budget_tokens = wanted.min(max_tokens.saturating_sub(1));
        let is_refused = budget_tokens < MIN_BUDGET || forces_a_tool(request, json_mode) || lacks_thoughts(request);
        ThinkingOut { mode: (!is_refused).then_some(Mode::Enabled { budget_tokens }), effort: None }
    }

    /// Whether the model will think within a budget, which excludes other temperatures than its own.
    pub(super) fn has_budget(&self) -> bool {
        matches!(self.mode, Some(Mode::Enabled { .. }))
    }
}

/// The provider's words begin at `low` and end at `xhigh`, which only the newest know; `max` is understood by all of them.
fn effort_word(effort: Effort) -> &'static str {
    match effort {
        Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::ExtraHigh => "max",
    }
}

fn forces_a_tool(request: &Request, json_mode: JsonMode) -> bool {
    let is_answer_tool = matches!(request.output, Output::Json { .. }) && json_mode == JsonMode::ForcedTool;
    let is_demanded = matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_));
    is_answer_tool || (is_demanded && !request.tools.is_empty())
}

/// Whether the model is in the middle of calling tools and its thoughts before the calls are lost, as they are when
/// another provider made the calls; then the provider refuses to go on thinking.
fn lacks_thoughts(request: &Request) -> bool {
    let last = request.messages.iter().rev().find(|message| message.role == Role::Assistant);
    let has = |message: &Message, is: fn(&Part) -> bool| message.content.iter().any(is);
    last.is_some_and(|message| {
        has(message, |part| matches!(part, Part::ToolCall(_)))
            && !has(message, |part| matches!(part, Part::Reasoning(reasoning) if reasoning.signature.is_some()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ToolCall;

    fn check(model: &str, thinking: Thinking, max_tokens: u32, mode: Option<Mode>, effort: Option<&'static str>) {
        let request = Request { reasoning: Some(thinking), ..Request::new("", max_tokens) };
        let out = ThinkingOut::of(&request, Generation::of(model), max_tokens, JsonMode::Schema);
        assert_eq!(out, ThinkingOut { mode, effort }, "{model} {thinking:?}");
    }

    #[test]
    fn each_generation_is_asked_in_its_words() {
        let (old, new) = ("claude-sonnet-4-5", "claude-sonnet-5");
        check(old, Thinking::Effort(Effort::Medium), 20_000, Some(Mode::Enabled { budget_tokens: 8_192 }), None);
        check(old, Thinking::Effort(Effort::High), 4_000, Some(Mode::Enabled { budget_tokens: 3_999 }), None);
        check(old, Thinking::Tokens(10), 4_000, Some(Mode::Enabled { budget_tokens: 1_024 }), None);
        check(old, Thinking::Tokens(5_000), 1_024, None, None);
        check(old, Thinking::Off, 100, Some(Mode::Disabled), None);
        check(new, Thinking::Effort(Effort::ExtraHigh), 100, Some(Mode::Adaptive), Some("max"));
        check(new, Thinking::Tokens(2_000), 100, Some(Mode::Adaptive), Some("low"));
        check(new, Thinking::Off, 100, None, None);
    }

    #[test]
    fn what_excludes_thinking_comes_first() {
        let call = ToolCall { id: "1".into(), name: "f".into(), arguments: "{}".into() };
        let mut request = Request { reasoning: Some(Thinking::Tokens(2_000)), ..Request::new("", 9_000) };
        request.messages.push(Message { role: Role::Assistant, content: vec![Part::ToolCall(call)] });
        let old = Generation::of("claude-sonnet-4-5");
        assert_eq!(ThinkingOut::of(&request, old, 9_000, JsonMode::Schema).mode, None);
        let signed = crate::Reasoning { signature: Some("s".into()), ..Default::default() };
        request.messages[1].content.insert(0, Part::Reasoning(signed));
        assert!(ThinkingOut::of(&request, old, 9_000, JsonMode::Schema).has_budget());
    }
}
