//! What the scripted model says.

use std::time::Duration;

use serde_json::Value;

use crate::fault::Fault;
use crate::tokens::Tokens;

/// What the script answers to one request: reasoning, then text, then tool calls, each of them optional.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(crate) content: Content,
    pub(crate) reasoning: Option<String>,
    pub(crate) calls: Vec<ToolCall>,
    pub(crate) stop: Stop,
    pub(crate) tokens: Option<Tokens>,
    pub(crate) delay: Duration,
    pub(crate) fault: Option<Fault>,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// Sent as it is, fitting or not.
    Text(String),
    /// Put into the schema of the request.
    Answer(Value),
}

/// A call of one of the client's tools.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// The tool's name.
    pub name: String,
    /// Its arguments, an object.
    pub arguments: Value,
}

/// Why the model stopped, said in each dialect's own word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// It had said all, or waits for its tools.
    End,
    /// It ran into the token limit.
    Length,
    /// It came upon this stop sequence.
    Sequence(String),
    /// It would not answer; its text is the refusal.
    Refusal,
    /// A filter stopped it.
    Filter,
}

impl Reply {
    /// This text, whatever the request's schema says.
    pub fn text(text: impl Into<String>) -> Self {
        Reply::new(Content::Text(text.into()))
    }

    /// This value as JSON that fits the request's schema.
    ///
    /// A bare value goes into the first property that takes it, and the other required properties get harmless values;
    /// an object is sent as it is. Without a schema a string is sent bare and anything else as JSON.
    pub fn answer(value: impl Into<Value>) -> Self {
        Reply::new(Content::Answer(value.into()))
    }

    /// These tool calls and no text.
    pub fn calls(calls: impl IntoIterator<Item = ToolCall>) -> Self {
        Reply { calls: calls.into_iter().collect(), ..Reply::text("") }
    }

    fn new(content: Content) -> Self {
        Reply {
            content,
            reasoning: None,
            calls: Vec::new(),
            stop: Stop::End,
            tokens: None,
            delay: Duration::ZERO,
            fault: None,
        }
    }

    /// The same reply, after this reasoning. It is signed where the dialect signs it.
    pub fn with_reasoning(mut self, reasoning: impl Into<String>) -> Self {
        self.reasoning = Some(reasoning.into());
        self
    }

    /// The same reply, and one tool call more.
    pub fn with_call(mut self, name: impl Into<String>, arguments: Value) -> Self {
        self.calls.push(ToolCall { name: name.into(), arguments });
        self
    }

    /// The same reply, stopped by something else.
    pub fn with_stop(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// The same reply, with this usage instead of the counted one.
    pub fn with_tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// The same reply, after this much more time.
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The same reply with a fault, unless the script has one for the request.
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }
}
