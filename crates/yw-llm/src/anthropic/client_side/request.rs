use serde_json::{Map, Value, json};

use super::conversation::{Conversation, system};
use crate::client::cache_control;
use crate::client::fields::Fields;
use crate::{
    CacheTime, ClientRequest, Effort, Output, Part, Request, RequestError, Sampling, Thinking, Tool, ToolChoice,
};

/// Fields whose loss makes a call slower or dearer, or leaves no trace at the provider, but does not change what is asked.
const DROPPED: [&str; 10] = [
    "billing_policy",
    "context_management",
    "diagnostics",
    "fallback_credit_token",
    "fallbacks",
    "inference_geo",
    "service_tier",
    "speed",
    "user_profile_id",
    "workspace_id",
];

/// Fields that hold a part of the question which only the provider itself can read.
const REFUSED: [(&str, &str); 4] = [
    ("container", "containers"),
    ("mcp_servers", "MCP servers that the provider calls"),
    ("thread", "threads that the provider keeps"),
    ("compaction", "conversations that the provider shortens"),
];

/// Reads a messages request that a provider of another dialect will answer. Without `max_tokens` it may be a request to
/// count tokens.
pub(crate) fn decode_request(body: &[u8]) -> Result<ClientRequest, RequestError> {
    let mut body = Fields::of_body(body)?;
    for (key, what) in REFUSED {
        if body.take(key).is_some_and(|value| value != Value::Array(Vec::new())) {
            return Err(body.error(key, format!("{what} only work with Anthropic's own models: leave out `{key}`")));
        }
    }
    let mut dropped: Vec<String> =
        DROPPED.into_iter().filter(|key| body.take(key).is_some()).map(str::to_owned).collect();
    let model = body.required_text("model")?;
    let mut system = system(&mut body)?;
    let Conversation { messages, system: later, dropped: lost } = Conversation::decode(&mut body)?;
    system.extend(later);
    dropped.extend(lost);
    let mut config = body.object("output_config")?;
    let effort = config.as_mut().map(effort).transpose()?.flatten();
    let (tool_choice, parallel_tool_calls) = tool_choice(&mut body)?;
    let mut request = Request {
        system,
        messages,
        max_tokens: body.token_limit("max_tokens")?,
        sampling: Sampling {
            temperature: body.number("temperature")?,
            top_p: body.number("top_p")?,
            top_k: body.count("top_k")?,
            ..Sampling::default()
        },
        stop: body.texts("stop_sequences")?,
        reasoning: thinking(&mut body, effort, &mut dropped)?,
        output: output(&mut body, config)?,
        tools: tools(&mut body)?,
        tool_choice,
        parallel_tool_calls,
        user: body.object("metadata")?.map(|mut metadata| metadata.text("user_id")).transpose()?.flatten(),
    };
    if let Some(time) = cache_control(&mut body)? {
        mark_the_end(&mut request, time);
    }
    let stream = body.flag("stream")?.unwrap_or(false);
    Ok(ClientRequest { model, request, stream, include_usage: true, echo: Map::new(), dropped })
}

/// A mark on the request as a whole stands at its end.
fn mark_the_end(request: &mut Request, time: CacheTime) {
    if let Some(last) = request.messages.last_mut()
        && !matches!(last.content.last(), Some(Part::CachePoint(_)))
    {
        last.content.push(Part::CachePoint(time));
    }
}

fn effort(config: &mut Fields) -> Result<Option<Effort>, RequestError> {
    let Some(word) = config.text("effort")? else { return Ok(None) };
    match Effort::from_name(&word) {
        Some(effort) => Ok(Some(effort)),
        None => Err(config.error("effort", format!("`{word}` is no effort: use low, medium, high, xhigh or max"))),
    }
}

fn thinking(
    body: &mut Fields,
    effort: Option<Effort>,
    dropped: &mut Vec<String>,
) -> Result<Option<Thinking>, RequestError> {
    let by_effort = effort.map(Thinking::Effort);
    let Some(mut thinking) = body.object("thinking")? else { return Ok(by_effort) };
    match thinking.required_text("type")?.as_str() {
        "disabled" => Ok(Some(Thinking::Off)),
        "enabled" => {
            let missing =
                thinking.error("budget_tokens", "`thinking.budget_tokens` is missing: give a number of tokens");
            Ok(Some(Thinking::Tokens(thinking.token_limit("budget_tokens")?.ok_or(missing)?)))
        }
        // The provider's own default.
        "adaptive" => Ok(by_effort.or(Some(Thinking::Effort(Effort::High)))),
        _ => {
            dropped.push("thinking".to_owned());
            Ok(by_effort)
        }
    }
}

/// `output_config.format`, or `output_format` as it was called before.
fn output(body: &mut Fields, config: Option<Fields>) -> Result<Output, RequestError> {
    let format = match config {
        Some(mut config) => config.object("format")?,
        None => None,
    };
    let Some(mut format) = format.or(body.object("output_format")?) else { return Ok(Output::Text) };
    match format.required_text("type")?.as_str() {
        "json_schema" => {
            let missing = format.error("schema", "the schema is missing: give a JSON schema");
            Ok(Output::Json { name: "answer".to_owned(), schema: format.take("schema").ok_or(missing)? })
        }
        "text" => Ok(Output::Text),
        other => Err(format.error("type", format!("`{other}` is no format: use json_schema"))),
    }
}

fn tools(body: &mut Fields) -> Result<Vec<Tool>, RequestError> {
    body.objects("tools")?.into_iter().map(tool).collect()
}

fn tool(mut wire: Fields) -> Result<Tool, RequestError> {
    if let Some(kind) = wire.text("type")?.filter(|kind| kind != "custom") {
        let message =
            format!("tools of type `{kind}` only work with Anthropic's own models: describe it as a custom tool");
        return Err(wire.error("type", message));
    }
    Ok(Tool {
        name: wire.required_text("name")?,
        description: wire.text_or_empty("description")?,
        parameters: wire.take("input_schema").unwrap_or_else(|| json!({"type": "object", "properties": {}})),
        strict: wire.flag("strict")?,
        cache: cache_control(&mut wire)?,
    })
}

fn tool_choice(body: &mut Fields) -> Result<(ToolChoice, Option<bool>), RequestError> {
    let Some(mut choice) = body.object("tool_choice")? else { return Ok((ToolChoice::Auto, None)) };
    let parallel = choice.flag("disable_parallel_tool_use")?.map(|disable| !disable);
    let choice = match choice.required_text("type")?.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::Never,
        "tool" => ToolChoice::Named(choice.required_text("name")?),
        other => return Err(choice.error("type", format!("`{other}` is no choice: use auto, any, none or tool"))),
    };
    Ok((choice, parallel))
}
