//! What is asked: a conversation, limits and the form of the answer.

use serde_json::Value;

/// One question to a model; whom to ask is not part of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Instructions that stand above the conversation.
    pub system: Option<String>,
    /// The conversation so far, oldest first; the last message is the user's.
    pub messages: Vec<Message>,
    /// The most tokens the model may write, reasoning included.
    pub max_tokens: u32,
    /// Sampling temperature; none leaves it to the provider (some models accept no other value).
    pub temperature: Option<f64>,
    /// Seed of the sampling, where the dialect has one; elsewhere it is left out.
    pub seed: Option<u64>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// The form of the answer.
    pub output: Output,
    /// Tools the model may call.
    pub tools: Vec<Tool>,
    /// Whether it may, must or must not call them.
    pub tool_choice: ToolChoice,
}

impl Request {
    /// A request with one user message and a free-text answer of at most `max_tokens` tokens.
    pub fn new(user: impl Into<String>, max_tokens: u32) -> Self {
        Request {
            system: None,
            messages: vec![Message::user(user)],
            max_tokens,
            temperature: None,
            seed: None,
            stop: Vec::new(),
            output: Output::Text,
            tools: Vec::new(),
            tool_choice: ToolChoice::Auto,
        }
    }

    /// The same request under these instructions.
    pub fn with_system(mut self, system: impl Into<String>) -> Self {
        self.system = Some(system.into());
        self
    }

    /// The same request with its answer in this form.
    pub fn with_output(mut self, output: Output) -> Self {
        self.output = output;
        self
    }

    /// The same request at this sampling temperature.
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub content: Vec<Part>,
}

impl Message {
    /// A text of the user.
    pub fn user(text: impl Into<String>) -> Self {
        Message { role: Role::User, content: vec![Part::Text(text.into())] }
    }

    /// A text of the model.
    pub fn assistant(text: impl Into<String>) -> Self {
        Message { role: Role::Assistant, content: vec![Part::Text(text.into())] }
    }
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The one who asks, and who reports what tools gave.
    User,
    /// The model.
    Assistant,
}

/// One piece of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text.
    Text(String),
    /// A call that the model made; only in its own messages.
    ToolCall(ToolCall),
    /// What a call gave; only in the user's messages.
    ToolResult {
        /// The id of the call.
        call_id: String,
        /// The result, as text.
        content: String,
    },
}

/// A call of a tool by the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The provider's id of the call, to be given back with the result.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments as JSON text, exactly as the model wrote them; not necessarily valid.
    pub arguments: String,
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Its name: letters, digits, `_` and `-`.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// JSON schema of its arguments, an object.
    pub parameters: Value,
}

/// Whether the model calls a tool.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ToolChoice {
    /// As it likes.
    #[default]
    Auto,
    /// Never.
    Never,
    /// At least one.
    Required,
    /// This one.
    Named(String),
}

/// The form of the answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Free text.
    Text,
    /// A JSON object that matches a schema. Providers demand of the schema that every object lists all its properties as
    /// `required` and sets `additionalProperties` to false.
    Json {
        /// A name for the schema: letters, digits, `_` and `-`.
        name: String,
        /// The schema.
        schema: Value,
    },
}
