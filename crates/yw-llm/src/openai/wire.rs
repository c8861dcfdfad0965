//! Chat completions, whole and in chunks, as servers send them. A chunk's `delta` is a message of which only a piece is
//! there, so both have one type.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess};
use serde_json::Value;

use super::usage::WireUsage;
use crate::lenient::{List, Num, Obj, Shape, Str, any_kind};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reply<'a> {
    #[serde(borrow)]
    pub(super) id: Str<'a>,
    #[serde(borrow)]
    pub(super) model: Str<'a>,
    #[serde(borrow)]
    pub(super) choices: List<Obj<Choice<'a>>>,
    pub(super) usage: Obj<WireUsage>,
    pub(super) error: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice<'a> {
    pub(super) index: Num,
    #[serde(borrow)]
    pub(super) message: Obj<Message<'a>>,
    #[serde(borrow)]
    pub(super) delta: Obj<Message<'a>>,
    #[serde(borrow)]
    pub(super) finish_reason: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) content: Content<'a>,
    #[serde(borrow)]
    pub(super) refusal: Str<'a>,
    #[serde(borrow)]
    pub(super) tool_calls: List<Obj<Call<'a>>>,
    /// The form before there were tools.
    #[serde(borrow)]
    pub(super) function_call: Obj<Function<'a>>,
    /// Thoughts, as DeepSeek, vLLM and most others name them.
    #[serde(borrow)]
    pub(super) reasoning_content: Str<'a>,
    /// The same at OpenRouter, Groq and newer vLLM.
    #[serde(borrow)]
    pub(super) reasoning: Str<'a>,
    /// Thoughts with what the provider wants back, at OpenRouter.
    #[serde(borrow)]
    pub(super) reasoning_details: List<Obj<ReasoningDetail<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Call<'a> {
    pub(super) index: Num,
    #[serde(borrow)]
    pub(super) id: Str<'a>,
    #[serde(borrow)]
    pub(super) function: Obj<Function<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Function<'a> {
    #[serde(borrow)]
    pub(super) name: Str<'a>,
    #[serde(borrow)]
    pub(super) arguments: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ReasoningDetail<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    text: Str<'a>,
    #[serde(borrow)]
    summary: Str<'a>,
    #[serde(borrow)]
    signature: Str<'a>,
    #[serde(borrow)]
    data: Str<'a>,
    #[serde(borrow)]
    id: Str<'a>,
}

impl<'a> Message<'a> {
    /// The thoughts, by whichever name.
    pub(super) fn take_thoughts(&mut self) -> Cow<'a, str> {
        let first = self.reasoning_content.0.take().filter(|text| !text.is_empty());
        first.or_else(|| self.reasoning.0.take()).unwrap_or_default()
    }
}

impl ReasoningDetail<'_> {
    pub(super) fn into_reasoning(self) -> crate::Reasoning {
        let id = self.id.non_empty();
        if self.kind.text() == "reasoning.encrypted" {
            let signature = self.data.non_empty();
            return crate::Reasoning { text: String::new(), is_redacted: signature.is_some(), signature, id };
        }
        let text = self.text.non_empty().or(self.summary.non_empty()).unwrap_or_default();
        crate::Reasoning { text, signature: self.signature.non_empty(), is_redacted: false, id }
    }
}

/// The content of a message: a string, or (Mistral's reasoning models) a list of parts of which some are text and some
/// thoughts.
#[derive(Debug, Default)]
pub(super) struct Content<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) thoughts: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ContentPart<'a> {
    #[serde(borrow)]
    text: Str<'a>,
    #[serde(borrow)]
    thinking: List<Obj<ThoughtPart<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ThoughtPart<'a> {
    #[serde(borrow)]
    text: Str<'a>,
}

impl<'de> Shape<'de> for Content<'de> {
    fn from_text(text: Cow<'de, str>) -> Self {
        Content { text, thoughts: String::new() }
    }

    fn from_seq<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        let (mut text, mut thoughts) = (String::new(), String::new());
        while let Some(part) = seq.next_element::<Obj<ContentPart<'de>>>()? {
            let part = part.0.unwrap_or_default();
            text.push_str(part.text.text());
            part.thinking
                .0
                .iter()
                .flat_map(|thought| &thought.0)
                .for_each(|thought| thoughts.push_str(thought.text.text()));
        }
        Ok(Content { text: text.into(), thoughts })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        any_kind::<D, Content<'de>>(deserializer)
    }
}
