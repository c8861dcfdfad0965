use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::content::{BlockWriter, cache_point, check_media};
use super::model::Family;
use super::wire::{
    Block, Body, InferenceConfig, InputSchema, OutputConfig, Structure, TextFormat, Tool, ToolChoice, ToolConfig,
    ToolSpec,
};
use crate::dialect::ANSWER_TOOL;
use crate::{Effort, EncodeOptions, JsonMode, Output, Part, Request, RequestError, Sampling, Thinking};

/// The body of a Converse request; the path says whether it is streamed, and names the model, of which the body depends where
/// makers differ. The dialect has no seed, no penalties, no name of an end user and no say about parallel calls.
pub fn encode_request(model: &str, request: &Request, options: &EncodeOptions) -> Vec<u8> {
    let family = Family::of(model);
    let mut writer = BlockWriter::new(family);
    let instruction = json_instruction(request, options.json_mode);
    let mut system: Vec<Block<'_>> = request.system.iter().filter_map(|part| writer.block(part)).collect();
    system.extend(instruction.map(Block::Text));
    let mut fields = Map::new();
    insert_sampling(&mut fields, family, &request.sampling);
    let effort = insert_thinking(&mut fields, family, request);
    let text_format = text_format(&request.output, options.json_mode);
    let has_output_config = effort.is_some() || text_format.is_some();
    let asks_for_stop = !request.stop.is_empty() && matches!(family, Family::Claude(_));
    let body = Body {
        system,
        messages: writer.messages(request),
        inference_config: InferenceConfig {
            max_tokens: request.max_tokens,
            temperature: request.sampling.temperature,
            top_p: request.sampling.top_p,
            stop_sequences: &request.stop,
        },
        tool_config: tool_config(request, options.json_mode, family),
        output_config: has_output_config.then_some(OutputConfig { text_format, effort }),
        additional_model_request_fields: fields,
        additional_model_response_field_paths: if asks_for_stop { &["/stop_sequence"] } else { &[] },
    };
    // Maps have text keys and numbers are finite or null, so that there is nothing to fail.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// Whether everything of the request can be said.
///
/// # Errors
/// Names media at an address that is not a bucket of Amazon's, or of a kind that no model here reads.
pub(crate) fn check_request(request: &Request) -> Result<(), RequestError> {
    crate::check::check_media(request, check_media)
}

/// What must be said in words, because the dialect has no field for it.
fn json_instruction(request: &Request, json_mode: JsonMode) -> Option<Cow<'_, str>> {
    const JSON: &str = "Answer with one JSON object and nothing else.";
    match (&request.output, json_mode) {
        (Output::JsonObject, _) => Some(JSON.into()),
        (Output::Json { schema, .. }, JsonMode::Instructed) => {
            Some(format!("{JSON} It must match this JSON schema:\n{schema}").into())
        }
        _ => None,
    }
}

fn text_format(output: &Output, json_mode: JsonMode) -> Option<TextFormat<'_>> {
    match (output, json_mode) {
        (Output::Json { name, schema }, JsonMode::Schema) => Some(TextFormat {
            r#type: "json_schema",
            structure: Structure::JsonSchema { schema: schema.to_string(), name },
        }),
        _ => None,
    }
}

/// Where makers have a field for the most likely tokens, each has its own.
fn insert_sampling(fields: &mut Map<String, Value>, family: Family, sampling: &Sampling) {
    let Some(top_k) = sampling.top_k else {
        return;
    };
    match family {
        Family::Claude(_) | Family::Mistral | Family::Unknown => fields.insert("top_k".into(), top_k.into()),
        Family::Nova => fields.insert("inferenceConfig".into(), json!({ "topK": top_k })),
        Family::OpenAi | Family::Other => None,
    };
}

/// Says how much to think in the maker's words; the effort, where the dialect has a field for it.
fn insert_thinking(fields: &mut Map<String, Value>, family: Family, request: &Request) -> Option<&'static str> {
    // Not to think is what these models do unless they are told, and some refuse to be told so.
    let thinking = request.reasoning.filter(|thinking| *thinking != Thinking::Off)?;
    let effort = match thinking {
        Thinking::Effort(effort) => effort,
        Thinking::Tokens(tokens) => Effort::of_tokens(tokens),
        Thinking::Off => return None,
    };
    match family {
        _ if family.thinks_adaptively() => {
            fields.insert("thinking".into(), json!({"type": "adaptive"}));
            return Some(adaptive_effort(family, effort));
        }
        Family::Claude(_) | Family::Unknown => {
            let tokens = match thinking {
                Thinking::Tokens(tokens) => tokens,
                _ => effort.tokens(),
            };
            if let Some(budget) = budget(tokens, request.max_tokens) {
                fields.insert("thinking".into(), json!({"type": "enabled", "budget_tokens": budget}));
            }
        }
        Family::Nova => {
            let config = json!({"type": "enabled", "maxReasoningEffort": three_steps(effort)});
            fields.insert("reasoningConfig".into(), config);
        }
        Family::OpenAi => {
            fields.insert("reasoning_effort".into(), three_steps(effort).into());
        }
        Family::Mistral | Family::Other => {}
    }
    None
}

/// A budget that Anthropic accepts: at least 1,024 tokens and less than the whole answer may have; none if there is no such.
fn budget(tokens: u32, max_tokens: Option<u32>) -> Option<u32> {
    const LEAST: u32 = 1_024;
    let most = max_tokens.unwrap_or(u32::MAX).saturating_sub(1);
    (most >= LEAST).then(|| tokens.clamp(LEAST, most))
}

fn adaptive_effort(family: Family, effort: Effort) -> &'static str {
    match effort {
        // The word came with 4.7.
        Effort::ExtraHigh if matches!(family, Family::Claude(Some(version)) if version >= (4, 7)) => "xhigh",
        _ => three_steps(effort),
    }
}

fn three_steps(effort: Effort) -> &'static str {
    match effort {
        Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High | Effort::ExtraHigh => "high",
    }
}

fn tool_config<'a>(request: &'a Request, json_mode: JsonMode, family: Family) -> Option<ToolConfig<'a>> {
    if let (Output::Json { schema, .. }, JsonMode::ForcedTool) = (&request.output, json_mode) {
        let answer = tool_spec(ANSWER_TOOL, "Gives the answer.", Cow::Borrowed(schema), None);
        let tool_choice = Some(ToolChoice::Tool { name: ANSWER_TOOL });
        return Some(ToolConfig { tools: vec![answer], tool_choice });
    }
    let mut tools = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        tools.push(tool_spec(&tool.name, &tool.description, Cow::Borrowed(&tool.parameters), tool.strict));
        tools.extend(tool.cache.and_then(|time| cache_point(family, time)).map(Tool::CachePoint));
    }
    let called = called_tools(request);
    let tool_choice = match &request.tool_choice {
        // There is no such choice: not to offer any tool is the same, unless calls in the conversation demand them.
        crate::ToolChoice::Never if called.is_empty() => return None,
        crate::ToolChoice::Never | crate::ToolChoice::Auto => ToolChoice::Auto {},
        crate::ToolChoice::Required => ToolChoice::Any {},
        crate::ToolChoice::Named(name) => ToolChoice::Tool { name },
    };
    if !tools.is_empty() {
        return Some(ToolConfig { tools, tool_choice: Some(tool_choice) });
    }
    // The dialect refuses a conversation with calls of tools unless tools are offered.
    let stand_in = |name| tool_spec(name, "No longer there.", Cow::Owned(json!({"type": "object"})), None);
    let tools: Vec<Tool<'_>> = called.into_iter().map(stand_in).collect();
    (!tools.is_empty()).then_some(ToolConfig { tools, tool_choice: None })
}

fn tool_spec<'a>(name: &'a str, description: &'a str, schema: Cow<'a, Value>, strict: Option<bool>) -> Tool<'a> {
    Tool::ToolSpec(ToolSpec { name, description, input_schema: InputSchema { json: schema }, strict })
}

/// The names of the tools that the conversation called, each once.
fn called_tools(request: &Request) -> Vec<&str> {
    let mut names = Vec::new();
    for part in request.messages.iter().flat_map(|message| &message.content) {
        if let Part::ToolCall(call) = part
            && !names.contains(&call.name.as_str())
        {
            names.push(call.name.as_str());
        }
    }
    names
}
