//! Thoughts as OpenRouter writes them, and as we give them to clients: with what the provider wants back.

use serde::Serialize;

use crate::Reasoning;

/// One stretch of thoughts in `reasoning_details`.
#[derive(Serialize)]
pub(super) struct DetailOut<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    /// Where a client puts the pieces of a stream together, the same index means the same stretch.
    index: usize,
}

impl<'a> DetailOut<'a> {
    pub(super) fn new(index: usize, reasoning: &'a Reasoning, text: &'a str) -> Self {
        let signature = reasoning.signature.as_deref();
        let id = reasoning.id.as_deref();
        if reasoning.is_redacted {
            return DetailOut {
                r#type: "reasoning.encrypted",
                text: None,
                signature: None,
                data: signature,
                id,
                index,
            };
        }
        DetailOut { r#type: "reasoning.text", text: Some(text), signature, data: None, id, index }
    }
}
