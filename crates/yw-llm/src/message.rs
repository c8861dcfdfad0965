//! What is asked: a conversation, limits and the form of the answer.

use serde_json::Value;

/// One question to a model; whom to ask is not part of it.
///
/// It holds what more than one dialect can say. What only one dialect knows reaches a provider of that dialect, because
/// there the client's own bytes are passed on.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Instructions that stand above the conversation: texts, and cache points between them. May be empty.
    pub system: Vec<Part>,
    /// The conversation so far, oldest first; the last message is the user's.
    pub messages: Vec<Message>,
    /// The most tokens the model may write, reasoning included. None leaves it to the provider, or, where a dialect
    /// demands a number, to [`EncodeOptions::default_max_tokens`](crate::EncodeOptions::default_max_tokens).
    pub max_tokens: Option<u32>,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// How much the model may think before it answers; none leaves it to the provider.
    pub reasoning: Option<Thinking>,
    /// The form of the answer.
    pub output: Output,
    /// Tools the model may call.
    pub tools: Vec<Tool>,
    /// Whether it may, must or must not call them.
    pub tool_choice: ToolChoice,
    /// Whether several tools may be called at once; none leaves it to the provider.
    pub parallel_tool_calls: Option<bool>,
    /// The end user on whose behalf is asked, as the client names them.
    pub user: Option<String>,
}

/// How tokens are drawn. What is none is left to the provider; what a dialect does not know is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sampling {
    /// Temperature (some models accept no other value than their own).
    pub temperature: Option<f64>,
    /// Smallest set of tokens with this much probability.
    pub top_p: Option<f64>,
    /// So many most likely tokens.
    pub top_k: Option<u64>,
    /// Penalty on tokens by how often they were used.
    pub frequency_penalty: Option<f64>,
    /// Penalty on tokens that were used at all.
    pub presence_penalty: Option<f64>,
    /// Seed.
    pub seed: Option<u64>,
}

/// How much a model may think before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thinking {
    /// Not at all.
    Off,
    /// In a word of OpenAI's; where a dialect wants tokens, [`Effort::tokens`].
    Effort(Effort),
    /// At most so many tokens, as Anthropic and Gemini have it; where a dialect wants a word, [`Effort::of_tokens`].
    Tokens(u32),
}

/// How hard a model should think.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// `minimal`.
    Minimal,
    /// `low`.
    Low,
    /// `medium`.
    Medium,
    /// `high`.
    High,
    /// `xhigh`, and Anthropic's `max`.
    ExtraHigh,
}

impl Effort {
    /// Every effort, least first.
    pub const ALL: [Effort; 5] = [Effort::Minimal, Effort::Low, Effort::Medium, Effort::High, Effort::ExtraHigh];

    /// The word of OpenAI's dialects.
    pub fn name(self) -> &'static str {
        match self {
            Effort::Minimal => "minimal",
            Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High => "high",
            Effort::ExtraHigh => "xhigh",
        }
    }

    /// The effort of a word, if it is one; `max` is the highest.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "max" {
            return Some(Effort::ExtraHigh);
        }
        Self::ALL.into_iter().find(|effort| effort.name() == name)
    }

    /// About how many tokens of thinking the word stands for: powers of two from Anthropic's least budget on.
    pub fn tokens(self) -> u32 {
        match self {
            Effort::Minimal => 1_024,
            Effort::Low => 2_048,
            Effort::Medium => 8_192,
            Effort::High => 16_384,
            Effort::ExtraHigh => 32_768,
        }
    }

    /// The least word that stands for so many tokens.
    pub fn of_tokens(tokens: u32) -> Self {
        Self::ALL.into_iter().find(|effort| effort.tokens() >= tokens).unwrap_or(Effort::ExtraHigh)
    }
}

impl Request {
    /// A request with one user message and a free-text answer of at most `max_tokens` tokens.
    pub fn new(user: impl Into<String>, max_tokens: u32) -> Self {
        Request { max_tokens: Some(max_tokens), messages: vec![Message::user(user)], ..Request::default() }
    }

    /// The same request under these instructions.
    pub fn with_system(mut self, system: impl Into<String>) -> Self {
        self.system = vec![Part::Text(system.into())];
        self
    }

    /// The same request with its answer in this form.
    pub fn with_output(mut self, output: Output) -> Self {
        self.output = output;
        self
    }

    /// The same request at this sampling temperature.
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.sampling.temperature = Some(temperature);
        self
    }
}

impl Default for Request {
    /// An empty conversation, with everything left to the provider.
    fn default() -> Self {
        Request {
            system: Vec::new(),
            messages: Vec::new(),
            max_tokens: None,
            sampling: Sampling::default(),
            stop: Vec::new(),
            reasoning: None,
            output: Output::Text,
            tools: Vec::new(),
            tool_choice: ToolChoice::Auto,
            parallel_tool_calls: None,
            user: None,
        }
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
    /// A picture.
    Image(Media),
    /// A document, such as a PDF.
    Document(Media),
    /// Sound.
    Audio(Media),
    /// What the model thought; only in its own messages.
    Reasoning(Reasoning),
    /// A call that the model made; only in its own messages.
    ToolCall(ToolCall),
    /// What a call gave; only in the user's messages.
    ToolResult(ToolResult),
    /// Everything up to here should be kept in the provider's cache. Left out where a dialect has no such mark.
    CachePoint(CacheTime),
}

/// How long a provider should keep what a cache point ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CacheTime {
    /// The provider's usual time, about five minutes.
    #[default]
    Short,
    /// An hour.
    Hour,
}

/// Something that is not text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Its kind, such as `image/png`; empty where the client did not say.
    pub media_type: String,
    /// Its name, of documents.
    pub name: Option<String>,
    /// What it is.
    pub source: MediaSource,
}

/// Where media are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaSource {
    /// Here, in base64.
    Base64(String),
    /// At an address that the provider fetches. The gateway itself never does.
    Url(String),
    /// With the provider, under an id of its own.
    File(String),
    /// Plain text, of documents.
    Text(String),
}

/// What a model thought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reasoning {
    /// The thoughts, or a summary of them; empty where the provider hides them.
    pub text: String,
    /// What the provider wants back with them unchanged: a signature, or the thoughts in its own cipher.
    pub signature: Option<String>,
    /// Whether the thoughts are there in `signature` only (Anthropic's `redacted_thinking`).
    pub is_redacted: bool,
    /// The provider's id of them, where it has one.
    pub id: Option<String>,
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

/// What a tool gave.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult {
    /// The id of the call.
    pub call_id: String,
    /// The result: texts, pictures and documents.
    pub content: Vec<Part>,
    /// Whether the tool failed.
    pub is_error: bool,
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
    /// Whether the provider should hold the arguments to the schema; none leaves it to the provider.
    pub strict: Option<bool>,
    /// Whether the list of tools up to this one should be kept in the provider's cache.
    pub cache: Option<CacheTime>,
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
    /// Any JSON object.
    JsonObject,
    /// A JSON object that matches a schema. Providers demand of the schema that every object lists all its properties as
    /// `required` and sets `additionalProperties` to false.
    Json {
        /// A name for the schema: letters, digits, `_` and `-`.
        name: String,
        /// The schema.
        schema: Value,
    },
}
