use serde_json::{Map, Value};

use super::LEGACY_FUNCTIONS;
use super::content::cache_time;
use super::conversation::Conversation;
use crate::client::fields::{Fields, wrong_kind};
use crate::{ClientRequest, Effort, Output, Request, RequestError, Sampling, Thinking, Tool, ToolChoice};

/// Fields whose loss makes a call slower or dearer, or leaves no trace at the provider, but does not change what is asked.
const DROPPED: [&str; 9] = [
    "metadata",
    "moderation",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "service_tier",
    "store",
    "verbosity",
];

/// Reads a chat-completions request that a provider of another dialect will answer.
pub(crate) fn decode_request(body: &[u8]) -> Result<ClientRequest, RequestError> {
    let mut body = Fields::of_body(body)?;
    refuse_what_others_cannot(&mut body)?;
    let mut dropped = dropped(&mut body);
    let model = body.required_text("model")?;
    let stream = body.flag("stream")?.unwrap_or(false);
    let include_usage = match body.object("stream_options")? {
        Some(mut options) => options.flag("include_usage")?.unwrap_or(false),
        None => false,
    };
    let is_legacy = body.has(LEGACY_FUNCTIONS);
    let (tools, tool_choice) = if is_legacy { functions(&mut body)? } else { tools(&mut body)? };
    let conversation = Conversation::decode(&mut body)?;
    dropped.extend(conversation.dropped);
    let max_tokens = body.token_limit("max_completion_tokens")?.or(body.token_limit("max_tokens")?);
    let request = Request {
        system: conversation.system,
        messages: conversation.messages,
        max_tokens,
        sampling: sampling(&mut body, &mut dropped)?,
        stop: body.texts("stop")?,
        reasoning: thinking(&mut body)?,
        output: output(&mut body)?,
        tools,
        tool_choice,
        // A legacy answer has room for one call.
        parallel_tool_calls: if is_legacy { Some(false) } else { body.flag("parallel_tool_calls")? },
        user: body.text("user")?.or(body.text("safety_identifier")?),
    };
    let mut echo = Map::new();
    if is_legacy {
        echo.insert(LEGACY_FUNCTIONS.to_owned(), Value::Bool(true));
    }
    Ok(ClientRequest { model, request, stream, include_usage, echo, dropped })
}

fn refuse_what_others_cannot(body: &mut Fields) -> Result<(), RequestError> {
    let only_openai = |body: &Fields, key: &str, what: &str| {
        let message =
            format!("{what} only from providers that speak chat completions: leave out `{key}` or use such a model");
        Err(body.error(key, message))
    };
    if body.count("n")?.is_some_and(|n| n != 1) {
        return only_openai(body, "n", "several answers at once come");
    }
    if body.flag("logprobs")? == Some(true) || body.count("top_logprobs")?.is_some_and(|n| n > 0) {
        return only_openai(body, "logprobs", "log probabilities come");
    }
    if body.object("logit_bias")?.is_some_and(|bias| bias.into_value() != Value::Object(Map::new())) {
        return only_openai(body, "logit_bias", "a bias of single tokens is taken");
    }
    if body.take("audio").is_some() || body.texts("modalities")?.iter().any(|modality| modality != "text") {
        return only_openai(body, "modalities", "answers other than text come");
    }
    if body.take("web_search_options").is_some() {
        return only_openai(body, "web_search_options", "built-in web search comes");
    }
    Ok(())
}

fn dropped(body: &mut Fields) -> Vec<String> {
    let has = |key: &&str| body.take(key).is_some_and(|value| value != Value::Bool(false));
    DROPPED.into_iter().filter(has).map(str::to_owned).collect()
}

fn sampling(body: &mut Fields, dropped: &mut Vec<String>) -> Result<Sampling, RequestError> {
    let seed = body.take("seed");
    // Negative seeds are a peculiarity of this dialect.
    let is_negative = seed.as_ref().is_some_and(Value::is_i64) && !seed.as_ref().is_some_and(Value::is_u64);
    if is_negative {
        dropped.push("seed".to_owned());
    }
    let seed = match seed {
        Some(seed) if !is_negative => {
            Some(seed.as_u64().ok_or_else(|| wrong_kind(body.at("seed"), "a whole number", &seed))?)
        }
        _ => None,
    };
    Ok(Sampling {
        temperature: body.number("temperature")?,
        top_p: body.number("top_p")?,
        top_k: body.count("top_k")?,
        frequency_penalty: body.number("frequency_penalty")?,
        presence_penalty: body.number("presence_penalty")?,
        seed,
    })
}

/// `reasoning_effort`, or OpenRouter's `reasoning`.
fn thinking(body: &mut Fields) -> Result<Option<Thinking>, RequestError> {
    let mut options = body.object("reasoning")?;
    let budget = options.as_mut().map(|options| options.token_limit("max_tokens")).transpose()?.flatten();
    if let Some(tokens) = budget {
        return Ok(Some(Thinking::Tokens(tokens)));
    }
    let word = match (body.text("reasoning_effort")?, &mut options) {
        (None, Some(options)) => options.text("effort")?,
        (word, _) => word,
    };
    match word.as_deref() {
        None => Ok(None),
        Some("none") => Ok(Some(Thinking::Off)),
        Some(word) => match Effort::from_name(word) {
            Some(effort) => Ok(Some(Thinking::Effort(effort))),
            None => {
                let words: Vec<&str> = Effort::ALL.into_iter().map(Effort::name).collect();
                Err(body
                    .error("reasoning_effort", format!("`{word}` is no effort: use none, {} or max", words.join(", "))))
            }
        },
    }
}

fn output(body: &mut Fields) -> Result<Output, RequestError> {
    let Some(mut format) = body.object("response_format")? else { return Ok(Output::Text) };
    match format.required_text("type")?.as_str() {
        "text" => Ok(Output::Text),
        "json_object" => Ok(Output::JsonObject),
        "json_schema" => {
            let missing =
                format.error("json_schema", "`response_format.json_schema` is missing: give a name and a schema");
            let mut json_schema = format.object("json_schema")?.ok_or(missing)?;
            let name = json_schema.required_text("name")?;
            let missing = json_schema.error("schema", "the schema is missing: give a JSON schema");
            Ok(Output::Json { name, schema: json_schema.take("schema").ok_or(missing)? })
        }
        other => Err(format.error("type", format!("`{other}` is no format: use text, json_object or json_schema"))),
    }
}

fn tools(body: &mut Fields) -> Result<(Vec<Tool>, ToolChoice), RequestError> {
    let mut tools = Vec::new();
    for mut wire in body.objects("tools")? {
        match wire.required_text("type")?.as_str() {
            "function" => {}
            other => {
                let message =
                    format!("tools of type `{other}` only work with OpenAI's own models: describe it as a function");
                return Err(wire.error("type", message));
            }
        }
        let cache = cache_time(&mut wire)?;
        let missing = wire.error("function", "the function is missing: give its name and parameters");
        let mut tool = function(wire.object("function")?.ok_or(missing)?)?;
        tool.cache = cache;
        tools.push(tool);
    }
    let choice = match body.take("tool_choice") {
        None => ToolChoice::Auto,
        Some(Value::String(word)) => choice_word(&word)
            .ok_or_else(|| body.error("tool_choice", format!("`{word}` is no choice: use auto, none or required")))?,
        Some(choice) => choice_object(Fields::of(body.at("tool_choice"), choice)?, &mut tools)?,
    };
    Ok((tools, choice))
}

fn choice_word(word: &str) -> Option<ToolChoice> {
    match word {
        "auto" => Some(ToolChoice::Auto),
        "none" => Some(ToolChoice::Never),
        "required" | "any" => Some(ToolChoice::Required),
        _ => None,
    }
}

fn choice_object(mut choice: Fields, tools: &mut Vec<Tool>) -> Result<ToolChoice, RequestError> {
    match choice.required_text("type")?.as_str() {
        "function" => {
            let missing = choice.error("function", "the function is missing: name it");
            Ok(ToolChoice::Named(choice.object("function")?.ok_or(missing)?.required_text("name")?))
        }
        "allowed_tools" => {
            let missing = choice.error("allowed_tools", "the tools are missing: give a mode and a list");
            let mut allowed = choice.object("allowed_tools")?.ok_or(missing)?;
            let mut names = Vec::new();
            for mut tool in allowed.objects("tools")? {
                if let Some(mut function) = tool.object("function")? {
                    names.push(function.required_text("name")?);
                }
            }
            tools.retain(|tool| names.contains(&tool.name));
            let mode = allowed.text("mode")?;
            Ok(if mode.as_deref() == Some("required") { ToolChoice::Required } else { ToolChoice::Auto })
        }
        other => Err(choice.error("type", format!("a choice of type `{other}` cannot be translated: use a function"))),
    }
}

fn function(mut wire: Fields) -> Result<Tool, RequestError> {
    let parameters = wire.take("parameters").unwrap_or_else(|| serde_json::json!({"type": "object", "properties": {}}));
    Ok(Tool {
        name: wire.required_text("name")?,
        description: wire.text_or_empty("description")?,
        parameters,
        strict: wire.flag("strict")?,
        cache: None,
    })
}

/// The form before there were tools.
fn functions(body: &mut Fields) -> Result<(Vec<Tool>, ToolChoice), RequestError> {
    let tools = body.objects(LEGACY_FUNCTIONS)?.into_iter().map(function).collect::<Result<_, _>>()?;
    let choice = match body.take("function_call") {
        None => ToolChoice::Auto,
        Some(Value::String(word)) => choice_word(&word)
            .ok_or_else(|| body.error("function_call", format!("`{word}` is no choice: use auto or none")))?,
        Some(named) => ToolChoice::Named(Fields::of(body.at("function_call"), named)?.required_text("name")?),
    };
    Ok((tools, choice))
}
