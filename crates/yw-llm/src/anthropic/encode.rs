use serde::Serialize;
use serde_json::{Value, json};

use super::generation::Generation;
use super::messages::{System, WireMessage, encode_messages, encode_system};
use super::thinking::{Mode, ThinkingOut};
use crate::dialect::ANSWER_TOOL;
use crate::openai::CacheControl;
use crate::{EncodeOptions, JsonMode, Output, Request, Tool, ToolChoice};

/// The body of a messages request. The dialect has no seed and no penalties.
pub fn encode_request(model: &str, request: &Request, options: &EncodeOptions) -> Vec<u8> {
    let max_tokens = request.max_tokens.unwrap_or(options.default_max_tokens);
    let generation = Generation::of(model);
    let thinking = ThinkingOut::of(request, generation, max_tokens, options.json_mode);
    let sampling = request.sampling;
    let takes_sampling = generation.takes_sampling && !thinking.has_budget();
    let format = match (&request.output, options.json_mode) {
        (Output::Json { schema, .. }, JsonMode::Schema) => Some(Format { r#type: "json_schema", schema }),
        _ => None,
    };
    let effort = thinking.effort;
    let (tools, tool_choice) = tools(request, options.json_mode);
    let body = Body {
        model,
        max_tokens,
        system: encode_system(request, options),
        messages: encode_messages(&request.messages),
        temperature: sampling.temperature.filter(|_| takes_sampling),
        top_p: sampling.top_p.filter(|_| takes_sampling),
        top_k: sampling.top_k.filter(|_| takes_sampling),
        stop_sequences: &request.stop,
        thinking: thinking.mode,
        output_config: (effort.is_some() || format.is_some()).then_some(OutputConfig { effort, format }),
        metadata: request.user.as_deref().map(|user_id| Metadata { user_id }),
        tools,
        tool_choice,
        stream: options.stream,
    };
    // Strings, numbers and maps with string keys cannot fail to become JSON.
    serde_json::to_vec(&body).unwrap_or_default()
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<System<'a>>,
    messages: Vec<WireMessage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'a>>,
}

#[derive(Serialize)]
struct Format<'a> {
    r#type: &'static str,
    schema: &'a Value,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}

#[derive(Serialize)]
struct WireTool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    input_schema: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

impl<'a> From<&'a Tool> for WireTool<'a> {
    fn from(tool: &'a Tool) -> Self {
        let Tool { name, description, parameters, strict, cache } = tool;
        WireTool {
            name,
            description,
            input_schema: parameters,
            strict: *strict,
            cache_control: cache.map(CacheControl::from),
        }
    }
}

fn tools(request: &Request, json_mode: JsonMode) -> (Vec<WireTool<'_>>, Option<Value>) {
    if let (Output::Json { schema, .. }, JsonMode::ForcedTool) = (&request.output, json_mode) {
        let description = "Gives the answer.";
        let answer =
            WireTool { name: ANSWER_TOOL, description, input_schema: schema, strict: None, cache_control: None };
        return (vec![answer], Some(json!({"type": "tool", "name": ANSWER_TOOL})));
    }
    if request.tools.is_empty() {
        return (Vec::new(), None);
    }
    let mut choice = match &request.tool_choice {
        ToolChoice::Auto => json!({"type": "auto"}),
        ToolChoice::Never => json!({"type": "none"}),
        ToolChoice::Required => json!({"type": "any"}),
        ToolChoice::Named(name) => json!({"type": "tool", "name": name}),
    };
    if request.parallel_tool_calls == Some(false) && request.tool_choice != ToolChoice::Never {
        choice["disable_parallel_tool_use"] = true.into();
    }
    (request.tools.iter().map(WireTool::from).collect(), Some(choice))
}
