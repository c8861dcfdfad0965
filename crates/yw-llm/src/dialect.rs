//! One entrance for every dialect.

use yw_task::Dialect;

use crate::{DecodeError, Finish, Output, ProviderError, Request, Response, anthropic, openai};

/// What servers of one dialect disagree about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EncodeOptions {
    /// The name of the output limit. OpenAI dialect only.
    pub max_tokens_field: MaxTokensField,
    /// The name of the seed. OpenAI dialect only.
    pub seed_field: SeedField,
    /// How JSON is asked for.
    pub json_mode: JsonMode,
    /// Whether the answer is asked for as a stream of events.
    pub stream: bool,
}

impl Default for EncodeOptions {
    /// What OpenAI and Anthropic themselves understand.
    fn default() -> Self {
        EncodeOptions {
            max_tokens_field: MaxTokensField::MaxCompletionTokens,
            seed_field: SeedField::Seed,
            json_mode: JsonMode::Schema,
            stream: false,
        }
    }
}

impl EncodeOptions {
    /// The options for a provider by its name. For one that is not well known: the default, but with `max_tokens`, which
    /// every server of the OpenAI dialect understands, while some ignore or refuse the newer name.
    pub fn for_provider(name: &str) -> Self {
        let max_tokens_field = match name {
            "openai" | "groq" | "xai" | "openrouter" => MaxTokensField::MaxCompletionTokens,
            _ => MaxTokensField::MaxTokens,
        };
        let seed_field = if name == "mistral" { SeedField::RandomSeed } else { SeedField::Seed };
        // DeepSeek's API refuses schemas and knows only `json_object`.
        let json_mode = if name == "deepseek" { JsonMode::Instructed } else { JsonMode::Schema };
        EncodeOptions { max_tokens_field, seed_field, json_mode, stream: false }
    }
}

/// The name of the output limit in the OpenAI dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MaxTokensField {
    /// `max_completion_tokens`, which OpenAI's reasoning models demand.
    MaxCompletionTokens,
    /// `max_tokens`, the older name.
    MaxTokens,
}

/// The name of the seed in the OpenAI dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SeedField {
    /// `seed`.
    Seed,
    /// `random_seed`, as Mistral calls it.
    RandomSeed,
}

/// How an answer in JSON is asked for. The decoded text is the JSON in every mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JsonMode {
    /// By the dialect's structured output: the provider guarantees the schema.
    Schema,
    /// By forcing a call of a tool whose arguments have the schema; for servers that lack structured output. The request's
    /// own tools are not offered.
    ForcedTool,
    /// By instructions that carry the schema, and the plain JSON mode where the dialect has one; nothing is guaranteed.
    Instructed,
}

impl JsonMode {
    /// Every mode.
    pub const ALL: [JsonMode; 3] = [JsonMode::Schema, JsonMode::ForcedTool, JsonMode::Instructed];

    /// The word the project file uses.
    pub fn name(self) -> &'static str {
        match self {
            JsonMode::Schema => "schema",
            JsonMode::ForcedTool => "tool",
            JsonMode::Instructed => "instructed",
        }
    }

    /// The mode a word of the project file names, if any.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.name() == name)
    }
}

/// The path to append to a provider's base URL.
pub fn request_path(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAi => openai::REQUEST_PATH,
        Dialect::Anthropic => anthropic::REQUEST_PATH,
    }
}

/// The headers that a request needs besides `content-type`, in lower case; the one that holds the key comes first.
/// Without a key there is no header for it.
pub fn auth_headers(dialect: Dialect, key: Option<&str>) -> Vec<(&'static str, String)> {
    match dialect {
        Dialect::OpenAi => key.map(|key| ("authorization", format!("Bearer {key}"))).into_iter().collect(),
        Dialect::Anthropic => {
            let key = key.map(|key| ("x-api-key", key.to_owned()));
            key.into_iter().chain([("anthropic-version", anthropic::VERSION.to_owned())]).collect()
        }
    }
}

/// The body of a request to `model`. The same arguments give the same bytes.
pub fn encode_request(dialect: Dialect, model: &str, request: &Request, options: &EncodeOptions) -> Vec<u8> {
    match dialect {
        Dialect::OpenAi => openai::encode_request(model, request, options),
        Dialect::Anthropic => anthropic::encode_request(model, request, options),
    }
}

/// Reads the body of a reply whose status said success.
pub fn decode_response(dialect: Dialect, body: &[u8]) -> Result<Response, DecodeError> {
    match dialect {
        Dialect::OpenAi => openai::decode_response(body),
        Dialect::Anthropic => anthropic::decode_response(body),
    }
}

/// Reads the body of a reply whose status said failure. Any body will do: one that is not of the dialect (a proxy's page,
/// say) is quoted, shortened.
pub fn decode_error(dialect: Dialect, status: u16, body: &[u8]) -> ProviderError {
    match dialect {
        Dialect::OpenAi => openai::decode_error(status, body),
        Dialect::Anthropic => anthropic::decode_error(status, body),
    }
}

/// The tool that [`JsonMode::ForcedTool`] forces; the decoders turn a call of it back into text.
pub(crate) const ANSWER_TOOL: &str = "give_answer";

/// The system text of a request, with the schema in it where [`JsonMode::Instructed`] needs that.
pub(crate) fn system_text(request: &Request, options: &EncodeOptions) -> Option<String> {
    let Output::Json { schema, .. } = &request.output else { return request.system.clone() };
    if options.json_mode != JsonMode::Instructed {
        return request.system.clone();
    }
    let instruction =
        format!("Answer with one JSON object and nothing else. It must match this JSON schema:\n{schema}");
    Some(match &request.system {
        Some(system) => format!("{system}\n\n{instruction}"),
        None => instruction,
    })
}

/// A call of the answer tool is the answer, and ends like one.
pub(crate) fn answer_finish(finish: Finish) -> Finish {
    if finish == Finish::ToolCalls { Finish::Stop } else { finish }
}
