//! What a client asks.

use serde_json::json;

use super::answer::append_json;
use super::fields::{Fields, Path};
use super::input::Conversation;
use super::tree::Tree;
use crate::client::ClientRequest;
use crate::{Effort, Output, Part, Request, RequestError, Sampling, Thinking, Tool, ToolChoice};

/// Members of a request that its answer repeats as they were sent.
const ECHOED: [&str; 14] = [
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_p",
    "user",
];

/// Members that refer to what only the provider has, and how to do without.
const STORED: [(&str, &str); 3] = [
    ("previous_response_id", "send the earlier items of the conversation in `input` instead"),
    ("conversation", "send the items of the conversation in `input` instead"),
    ("prompt", "send the prompt itself in `instructions` and `input` instead"),
];

/// Members that say how the provider should work rather than what it should answer, with the value that says nothing.
const HOW_NOT_WHAT: [(&str, &str); 8] = [
    ("context_management", ""),
    ("moderation", ""),
    ("prompt_cache_key", ""),
    ("prompt_cache_options", ""),
    ("prompt_cache_retention", ""),
    ("service_tier", "auto"),
    ("top_logprobs", "0"),
    ("truncation", "disabled"),
];

/// Reads the body of a request.
pub(crate) fn decode_request(body: &[u8]) -> Result<ClientRequest, RequestError> {
    let body: Tree<'_> = serde_json::from_slice(body)
        .map_err(|error| RequestError::new(format!("the body is not valid JSON: {error}")))?;
    let mut body = Fields::of(Path::Root, body)?;
    refuse_what_is_stored(&mut body)?;

    let echo = ECHOED.iter().filter_map(|name| Some(((*name).to_owned(), body.peek(name)?.to_value()))).collect();
    let mut dropped = dropped(&mut body)?;
    let model = body.required_text("model")?;
    let conversation = conversation(&mut body)?;
    dropped.extend(conversation.dropped);
    let (output, dropped_of_text) = output(&mut body)?;
    dropped.extend(dropped_of_text);
    let (tools, tool_choice) = tools(&mut body)?;
    let request = Request {
        system: conversation.system,
        messages: conversation.messages,
        max_tokens: body.count("max_output_tokens")?,
        sampling: Sampling {
            temperature: body.number("temperature")?,
            top_p: body.number("top_p")?,
            ..Sampling::default()
        },
        stop: Vec::new(),
        reasoning: thinking(&mut body)?,
        output,
        tools,
        tool_choice,
        parallel_tool_calls: body.flag("parallel_tool_calls")?,
        // The newer name of the two.
        user: body.text("safety_identifier")?.or(body.text("user")?),
    };
    Ok(ClientRequest {
        model,
        request,
        stream: body.flag("stream")?.unwrap_or(false),
        include_usage: false,
        echo,
        dropped: dropped.into_iter().map(str::to_owned).collect(),
    })
}

fn refuse_what_is_stored(body: &mut Fields<'_, '_>) -> Result<(), RequestError> {
    for (name, remedy) in STORED {
        if body.peek(name).is_some() {
            return Err(body.at(name).refuse(format_args!("names something that is stored with OpenAI; {remedy}")));
        }
    }
    if body.flag("background")? == Some(true) {
        return Err(body
            .at("background")
            .refuse("needs a provider that stores the answer; leave it out, or use `stream`"));
    }
    Ok(())
}

fn dropped(body: &mut Fields<'_, '_>) -> Result<Vec<&'static str>, RequestError> {
    let mut dropped = Vec::new();
    // An answer is stored unless the client says otherwise; only who says that it counts on it is told.
    if body.flag("store")? == Some(true) {
        dropped.push("store");
    }
    for (name, nothing) in HOW_NOT_WHAT {
        match body.peek(name) {
            None => {}
            Some(Tree::Text(word)) if word == nothing => {}
            Some(Tree::Number(number)) if number.to_string() == nothing => {}
            Some(_) => dropped.push(name),
        }
    }
    // Thoughts in the provider's cipher are given whenever there are any.
    if body.list("include")?.iter().any(|name| name.as_str() != Some("reasoning.encrypted_content")) {
        dropped.push("include");
    }
    Ok(dropped)
}

fn conversation(body: &mut Fields<'_, '_>) -> Result<Conversation, RequestError> {
    let mut conversation = Conversation::default();
    conversation.system.extend(body.text("instructions")?.map(Part::Text));
    let input = body.take("input").ok_or_else(|| body.at("input").refuse("is missing; it says what is asked"))?;
    conversation.read(&body.at("input"), input)?;
    // Thoughts that say nothing, and texts without text, may be all of a turn.
    conversation.messages.retain(|message| !message.content.is_empty());
    if conversation.messages.is_empty() && conversation.system.is_empty() {
        return Err(body.at("input").refuse("is empty"));
    }
    Ok(conversation)
}

fn thinking(body: &mut Fields<'_, '_>) -> Result<Option<Thinking>, RequestError> {
    let Some(reasoning) = body.take("reasoning") else { return Ok(None) };
    let mut reasoning = Fields::of(body.at("reasoning"), reasoning)?;
    let Some(word) = reasoning.text("effort")? else { return Ok(None) };
    if word == "none" {
        return Ok(Some(Thinking::Off));
    }
    let effort = Effort::from_name(&word).ok_or_else(|| {
        let known: Vec<&str> = Effort::ALL.into_iter().map(Effort::name).collect();
        reasoning.at("effort").refuse(format_args!("is `{word}`; it must be none, {} or max", known.join(", ")))
    })?;
    Ok(Some(Thinking::Effort(effort)))
}

/// The form of the answer, and what of `text` cannot be said elsewhere.
fn output(body: &mut Fields<'_, '_>) -> Result<(Output, Vec<&'static str>), RequestError> {
    let mut dropped = Vec::new();
    let Some(text) = body.take("text") else { return Ok((Output::Text, dropped)) };
    let mut text = Fields::of(body.at("text"), text)?;
    // Medium is what goes without saying.
    if text.text("verbosity")?.is_some_and(|word| word != "medium") {
        dropped.push("text.verbosity");
    }
    let Some(format) = text.take("format") else { return Ok((Output::Text, dropped)) };
    let mut format = Fields::of(text.at("format"), format)?;
    let output = match format.required_text("type")?.as_str() {
        "text" => Output::Text,
        "json_object" => Output::JsonObject,
        "json_schema" => {
            if format.flag("strict")? == Some(false) {
                dropped.push("text.format.strict");
            }
            if format.text("description")?.is_some() {
                dropped.push("text.format.description");
            }
            let name = format.required_text("name")?;
            let schema = format.take("schema").unwrap_or_default();
            let schema = Fields::of(format.at("schema"), schema)?.into_value();
            Output::Json { name, schema }
        }
        other => {
            let problem = format!("is `{other}`; it must be text, json_object or json_schema");
            return Err(format.at("type").refuse(problem));
        }
    };
    Ok((output, dropped))
}

fn tools(body: &mut Fields<'_, '_>) -> Result<(Vec<Tool>, ToolChoice), RequestError> {
    let tools = body.list("tools")?;
    let path = body.at("tools");
    let tools = tools.into_iter().enumerate().map(|(idx, value)| tool(Fields::of(Path::Item(&path, idx), value)?));
    let mut tools = tools.collect::<Result<Vec<Tool>, RequestError>>()?;
    let choice = match body.take("tool_choice") {
        None => ToolChoice::Auto,
        Some(Tree::Text(word)) => tool_choice_word(&body.at("tool_choice"), &word)?,
        Some(choice) => tool_choice_object(Fields::of(body.at("tool_choice"), choice)?, &mut tools)?,
    };
    Ok((tools, choice))
}

fn tool(mut tool: Fields<'_, '_>) -> Result<Tool, RequestError> {
    let kind = tool.required_text("type")?;
    if kind != "function" {
        return Err(tool.path.refuse(format_args!(
            "is the tool `{kind}`, which OpenAI itself runs; leave it out, or ask a model of a provider that speaks the \
             responses dialect. Tools of type `function` work with every model"
        )));
    }
    let parameters = match tool.take("parameters") {
        None => json!({"type": "object", "properties": {}}),
        Some(schema) => Fields::of(tool.at("parameters"), schema)?.into_value(),
    };
    Ok(Tool {
        name: tool.required_text("name")?,
        description: tool.text("description")?.unwrap_or_default(),
        parameters,
        strict: tool.flag("strict")?,
        cache: None,
    })
}

fn tool_choice_word(path: &Path<'_>, word: &str) -> Result<ToolChoice, RequestError> {
    match word {
        "auto" => Ok(ToolChoice::Auto),
        "none" => Ok(ToolChoice::Never),
        "required" => Ok(ToolChoice::Required),
        other => Err(path.refuse(format_args!("is `{other}`; it must be auto, none, required or a function"))),
    }
}

fn tool_choice_object(mut choice: Fields<'_, '_>, tools: &mut Vec<Tool>) -> Result<ToolChoice, RequestError> {
    match choice.required_text("type")?.as_str() {
        "function" => Ok(ToolChoice::Named(choice.required_text("name")?)),
        // Other dialects cannot say that some tools are there and may not be called; not to offer them is the same.
        "allowed_tools" => {
            let mode = choice.required_text("mode")?;
            let allowed = choice.list("tools")?;
            tools.retain(|tool| {
                allowed.iter().any(|entry| entry.get("name").and_then(Tree::as_str) == Some(tool.name.as_str()))
            });
            tool_choice_word(&choice.at("mode"), &mode)
        }
        other => {
            let problem = format!("is `{other}`, a tool that OpenAI itself runs; it must be function or allowed_tools");
            Err(choice.at("type").refuse(problem))
        }
    }
}

/// The members of an answer that repeat its request, with what stands there for what the request does not say. Without
/// braces: `"name":value,...`.
pub(super) fn echo_members(client: &ClientRequest) -> Vec<u8> {
    let mut members = Vec::with_capacity(1_024);
    for name in ECHOED {
        members.push(b'"');
        members.extend_from_slice(name.as_bytes());
        members.extend_from_slice(b"\":");
        match client.echo.get(name) {
            Some(value) => append_json(value, &mut members),
            None => members.extend_from_slice(unsaid(name).as_bytes()),
        }
        members.push(b',');
    }
    members.extend_from_slice(
        br#""previous_response_id":null,"service_tier":"default","store":false,"top_logprobs":0,"truncation":"disabled""#,
    );
    members
}

/// What an answer has for a member that its request leaves out.
fn unsaid(name: &str) -> &'static str {
    match name {
        "metadata" => "{}",
        "parallel_tool_calls" => "true",
        "reasoning" => r#"{"effort":null,"summary":null}"#,
        "text" => r#"{"format":{"type":"text"}}"#,
        "tool_choice" => r#""auto""#,
        "tools" => "[]",
        _ => "null",
    }
}
