use serde::Serialize;
use serde_json::{Value, json};

use super::messages::{CacheControl, WireMessage, encode_messages};
use crate::dialect::ANSWER_TOOL;
use crate::{EncodeOptions, JsonMode, MaxTokensField, Output, Request, SeedField, Thinking, Tool, ToolChoice};

/// The body of a chat-completions request.
pub fn encode_request(model: &str, request: &Request, options: &EncodeOptions) -> Vec<u8> {
    let sampling = &request.sampling;
    let mut body = Body {
        model,
        messages: encode_messages(request, options),
        max_completion_tokens: None,
        max_tokens: None,
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        frequency_penalty: sampling.frequency_penalty,
        presence_penalty: sampling.presence_penalty,
        seed: None,
        random_seed: None,
        stop: &request.stop,
        reasoning_effort: request.reasoning.map(effort_word),
        user: request.user.as_deref().filter(|_| options.sends_user),
        response_format: None,
        tools: Vec::new(),
        tool_choice: None,
        parallel_tool_calls: None,
        stream: options.stream,
        stream_options: options.stream.then_some(StreamOptions { include_usage: true }),
    };
    match options.max_tokens_field {
        MaxTokensField::MaxCompletionTokens => body.max_completion_tokens = request.max_tokens,
        MaxTokensField::MaxTokens => body.max_tokens = request.max_tokens,
    }
    match options.seed_field {
        SeedField::Seed => body.seed = sampling.seed,
        SeedField::RandomSeed => body.random_seed = sampling.seed,
    }
    body.set_output_and_tools(request, options);
    // Strings, numbers and maps with string keys cannot fail to become JSON.
    serde_json::to_vec(&body).unwrap_or_default()
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<WireMessage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    random_seed: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat<'a> {
    JsonObject,
    JsonSchema { json_schema: JsonSchema<'a> },
}

#[derive(Serialize)]
struct JsonSchema<'a> {
    name: &'a str,
    strict: bool,
    schema: &'a Value,
}

#[derive(Serialize)]
struct WireTool<'a> {
    r#type: &'static str,
    function: Function<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    parameters: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

impl<'a> Body<'a> {
    fn set_output_and_tools(&mut self, request: &'a Request, options: &EncodeOptions) {
        match (&request.output, options.json_mode) {
            (Output::Text, _) => {}
            (Output::JsonObject, _) | (Output::Json { .. }, JsonMode::Instructed) => {
                self.response_format = Some(ResponseFormat::JsonObject);
            }
            (Output::Json { name, schema }, JsonMode::Schema) => {
                let json_schema = JsonSchema { name, strict: true, schema };
                self.response_format = Some(ResponseFormat::JsonSchema { json_schema });
            }
            (Output::Json { schema, .. }, JsonMode::ForcedTool) => {
                let description = "Gives the answer.";
                let function = Function { name: ANSWER_TOOL, description, parameters: schema, strict: None };
                self.tools = vec![WireTool { r#type: "function", function, cache_control: None }];
                self.tool_choice = Some(json!({"type": "function", "function": {"name": ANSWER_TOOL}}));
                return;
            }
        }
        if request.tools.is_empty() {
            return;
        }
        self.tools = request.tools.iter().map(|tool| wire_tool(tool, options)).collect();
        self.tool_choice = Some(match &request.tool_choice {
            ToolChoice::Auto => "auto".into(),
            ToolChoice::Never => "none".into(),
            ToolChoice::Required => "required".into(),
            ToolChoice::Named(name) => json!({"type": "function", "function": {"name": name}}),
        });
        self.parallel_tool_calls = request.parallel_tool_calls;
    }
}

fn wire_tool<'a>(tool: &'a Tool, options: &EncodeOptions) -> WireTool<'a> {
    let Tool { name, description, parameters, strict, cache } = tool;
    WireTool {
        r#type: "function",
        function: Function { name, description, parameters, strict: *strict },
        cache_control: cache.filter(|_| options.cache_control).map(CacheControl::from),
    }
}

fn effort_word(thinking: Thinking) -> &'static str {
    match thinking {
        Thinking::Off => "none",
        Thinking::Effort(effort) => effort.name(),
        Thinking::Tokens(tokens) => crate::Effort::of_tokens(tokens).name(),
    }
}
