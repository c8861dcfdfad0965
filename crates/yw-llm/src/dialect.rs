//! One entrance for every dialect.

use std::borrow::Cow;

use yw_task::Dialect;

use crate::{
    DecodeError, Finish, Hosting, Output, Part, ProviderError, Request, Response, anthropic, bedrock, gemini, openai,
    responses, vertex_body,
};

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
    /// The output limit to send where the dialect demands one and the request has none.
    pub default_max_tokens: u32,
    /// Who hosts the model.
    pub hosting: Hosting,
    /// How earlier thoughts of the model are given back. OpenAI dialect only.
    pub reasoning_field: ReasoningField,
    /// Whether cache points are marked as Anthropic marks them. OpenAI dialect only.
    pub cache_control: bool,
    /// Whether the end user is named. OpenAI dialect only.
    pub sends_user: bool,
}

/// As much as every current model of a dialect that demands a limit can write.
const DEFAULT_MAX_TOKENS: u32 = 8_192;

impl Default for EncodeOptions {
    /// What OpenAI and Anthropic themselves understand.
    fn default() -> Self {
        EncodeOptions {
            max_tokens_field: MaxTokensField::MaxCompletionTokens,
            seed_field: SeedField::Seed,
            json_mode: JsonMode::Schema,
            stream: false,
            default_max_tokens: DEFAULT_MAX_TOKENS,
            hosting: Hosting::Own,
            reasoning_field: ReasoningField::Omit,
            cache_control: false,
            sends_user: true,
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
        let reasoning_field = match name {
            "openai" | "azure" | "groq" | "mistral" | "xai" | "together" | "cohere" => ReasoningField::Omit,
            "openrouter" => ReasoningField::Details,
            // DeepSeek demands the thoughts back between calls of tools; most servers that people run accept them.
            _ => ReasoningField::Content,
        };
        EncodeOptions {
            max_tokens_field,
            seed_field,
            json_mode,
            reasoning_field,
            cache_control: name == "openrouter",
            // Mistral refuses fields that it does not know.
            sends_user: name != "mistral",
            ..EncodeOptions::default()
        }
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

/// How earlier thoughts of the model are given back in the OpenAI dialect, which has no field of its own for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReasoningField {
    /// Not at all: OpenAI, Groq and Mistral do not want them.
    Omit,
    /// As `reasoning_content`, the text alone: DeepSeek, Moonshot, vLLM, SGLang, llama.cpp.
    Content,
    /// As `reasoning_details`, with signatures: OpenRouter.
    Details,
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

/// The path, and the query if there is one, to append to a provider's base URL for an answer of `model`.
pub fn request_path(dialect: Dialect, model: &str, stream: bool) -> Cow<'static, str> {
    match dialect {
        Dialect::OpenAi => openai::REQUEST_PATH.into(),
        Dialect::Responses => responses::REQUEST_PATH.into(),
        Dialect::Anthropic => anthropic::REQUEST_PATH.into(),
        Dialect::Gemini => gemini::request_path(model, stream).into(),
        Dialect::Bedrock => bedrock::request_path(model, stream).into(),
    }
}

/// The headers that a request needs besides `content-type`, in lower case; the one that holds the key comes first.
/// Without a key there is no header for it.
pub fn auth_headers(dialect: Dialect, key: Option<&str>) -> Vec<(&'static str, String)> {
    match dialect {
        Dialect::OpenAi | Dialect::Responses | Dialect::Bedrock => {
            key.map(|key| ("authorization", format!("Bearer {key}"))).into_iter().collect()
        }
        Dialect::Gemini => key.map(|key| ("x-goog-api-key", key.to_owned())).into_iter().collect(),
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
        Dialect::Responses => responses::encode_request(model, request, options),
        Dialect::Anthropic => {
            let body = anthropic::encode_request(model, request, options);
            match options.hosting {
                Hosting::Vertex => vertex_body(&body).unwrap_or(body),
                Hosting::Own => body,
            }
        }
        Dialect::Gemini => gemini::encode_request(model, request, options),
        Dialect::Bedrock => bedrock::encode_request(model, request, options),
    }
}

/// Reads the body of a reply whose status said success.
pub fn decode_response(dialect: Dialect, body: &[u8]) -> Result<Response, DecodeError> {
    match dialect {
        Dialect::OpenAi => openai::decode_response(body),
        Dialect::Responses => responses::decode_response(body),
        Dialect::Anthropic => anthropic::decode_response(body),
        Dialect::Gemini => gemini::decode_response(body),
        Dialect::Bedrock => bedrock::decode_response(body),
    }
}

/// Reads the body of a reply whose status said failure. Any body will do: one that is not of the dialect (a proxy's page,
/// say) is quoted, shortened.
pub fn decode_error(dialect: Dialect, status: u16, body: &[u8]) -> ProviderError {
    match dialect {
        Dialect::OpenAi => openai::decode_error(status, body),
        Dialect::Responses => responses::decode_error(status, body),
        Dialect::Anthropic => anthropic::decode_error(status, body),
        Dialect::Gemini => gemini::decode_error(status, body),
        Dialect::Bedrock => bedrock::decode_error(status, body),
    }
}

/// The tool that [`JsonMode::ForcedTool`] forces; the decoders turn a call of it back into text.
pub(crate) const ANSWER_TOOL: &str = "give_answer";

/// The system text of a request, with the schema in it where [`JsonMode::Instructed`] needs that.
pub(crate) fn system_text(request: &Request, options: &EncodeOptions) -> Option<String> {
    let mut texts: Vec<Cow<'_, str>> = Vec::new();
    texts.extend(request.system.iter().filter_map(|part| match part {
        Part::Text(text) => Some(Cow::Borrowed(text.as_str())),
        _ => None,
    }));
    if let (Output::Json { schema, .. }, JsonMode::Instructed) = (&request.output, options.json_mode) {
        texts.push(
            format!("Answer with one JSON object and nothing else. It must match this JSON schema:\n{schema}").into(),
        );
    }
    (!texts.is_empty()).then(|| texts.join("\n\n"))
}

/// A call of the answer tool is the answer, and ends like one.
pub(crate) fn answer_finish(finish: Finish) -> Finish {
    if finish == Finish::ToolCalls { Finish::Stop } else { finish }
}
