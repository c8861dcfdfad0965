use std::borrow::Cow;

use serde_json::{Value, json};

use super::signature::{NO_SIGNATURE, call_signature, provider_id, unmarked};
use super::thinking::{Generation, thinking_config};
use super::wire::{
    Body, Content, FileData, FunctionCall, FunctionCallingConfig, FunctionDeclaration, FunctionResponse,
    GenerationConfig, InlineData, Part, ToolConfig, Tools,
};
use crate::check::check_media;
use crate::dialect::{ANSWER_TOOL, system_text};
use crate::json::Arguments;
use crate::media::media_type;
use crate::{
    EncodeOptions, JsonMode, Media, MediaSource, Message, Output, Request, RequestError, Role, ToolCall, ToolChoice,
    ToolResult,
};

/// The body of a request for `generateContent` or `streamGenerateContent`; the path says which, and names the model, of
/// which the body depends in how it asks for thinking. The dialect has no name of an end user and no say about parallel
/// calls.
pub fn encode_request(model: &str, request: &Request, options: &EncodeOptions) -> Vec<u8> {
    let generation = Generation::of(model);
    let system = system_text(request, options).map(|text| Content { role: None, parts: vec![text_part(text)] });
    let mut body = Body {
        contents: contents(request, generation),
        system_instruction: system,
        tools: None,
        tool_config: None,
        generation_config: generation_config(model, request, options),
    };
    insert_tools(&mut body, request, options.json_mode);
    // Maps have text keys and numbers are finite or null, so that there is nothing to fail.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// Whether everything of the request can be said.
///
/// # Errors
/// Names a file that is not Google's.
pub(crate) fn check_request(request: &Request) -> Result<(), RequestError> {
    check_media(request, |media| match &media.source {
        MediaSource::File(id) if file_uri(id).is_none() => {
            Err(format!("the provider of this model knows no file `{id}`; send the content instead"))
        }
        _ => Ok(()),
    })
}

fn generation_config<'a>(model: &str, request: &'a Request, options: &EncodeOptions) -> GenerationConfig<'a> {
    let sampling = &request.sampling;
    let (mime_type, schema) = match (&request.output, options.json_mode) {
        (Output::Text, _) | (Output::Json { .. }, JsonMode::ForcedTool) => (None, None),
        (Output::JsonObject, _) | (Output::Json { .. }, JsonMode::Instructed) => (Some("application/json"), None),
        (Output::Json { schema, .. }, JsonMode::Schema) => (Some("application/json"), Some(schema)),
    };
    GenerationConfig {
        max_output_tokens: request.max_tokens,
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k,
        frequency_penalty: sampling.frequency_penalty,
        presence_penalty: sampling.presence_penalty,
        seed: sampling.seed,
        stop_sequences: &request.stop,
        response_mime_type: mime_type,
        response_json_schema: schema,
        thinking_config: request.reasoning.and_then(|thinking| thinking_config(model, thinking)),
    }
}

fn insert_tools<'a>(body: &mut Body<'a>, request: &'a Request, json_mode: JsonMode) {
    let (declarations, mode, allowed) = match (&request.output, json_mode) {
        (Output::Json { schema, .. }, JsonMode::ForcedTool) => {
            let answer = FunctionDeclaration {
                name: ANSWER_TOOL,
                description: "Gives the answer.",
                parameters_json_schema: schema,
            };
            (vec![answer], "ANY", Some([ANSWER_TOOL]))
        }
        _ if request.tools.is_empty() => return,
        _ => {
            let declarations = request.tools.iter().map(|tool| FunctionDeclaration {
                name: &tool.name,
                description: &tool.description,
                parameters_json_schema: &tool.parameters,
            });
            let (mode, allowed) = match &request.tool_choice {
                ToolChoice::Auto => ("AUTO", None),
                ToolChoice::Never => ("NONE", None),
                ToolChoice::Required => ("ANY", None),
                ToolChoice::Named(name) => ("ANY", Some([name.as_str()])),
            };
            (declarations.collect(), mode, allowed)
        }
    };
    body.tools = Some([Tools { function_declarations: declarations }]);
    let function_calling_config = FunctionCallingConfig { mode, allowed_function_names: allowed };
    body.tool_config = Some(ToolConfig { function_calling_config });
}

fn contents(request: &Request, generation: Generation) -> Vec<Content<'_>> {
    let mut contents = Vec::with_capacity(request.messages.len());
    for (message_idx, message) in request.messages.iter().enumerate() {
        match message.role {
            Role::Assistant => {
                let parts = model_parts(message, generation);
                contents.extend((!parts.is_empty()).then_some(Content { role: Some("model"), parts }));
            }
            Role::User => user_contents(&request.messages[..message_idx], message, generation, &mut contents),
        }
    }
    contents
}

/// What the model said. The signature of a text belongs to the last one; see `signature.rs`.
fn model_parts(message: &Message, generation: Generation) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::with_capacity(message.content.len());
    let mut text_signature = None;
    let mut has_calls = false;
    for part in &message.content {
        match part {
            crate::Part::Text(text) if !text.is_empty() => parts.push(text_part(text.as_str())),
            crate::Part::Reasoning(reasoning) => {
                text_signature = reasoning.signature.as_deref().and_then(unmarked).or(text_signature);
            }
            crate::Part::ToolCall(call) => {
                let mut signature = call_signature(&call.id).map(Cow::Owned);
                // Of calls made at once, the first carries the signature.
                if signature.is_none() && !has_calls && generation == Generation::Level {
                    signature = Some(NO_SIGNATURE.into());
                }
                has_calls = true;
                let function_call = Some(function_call(call));
                parts.push(Part { function_call, thought_signature: signature, ..Part::default() });
            }
            other => parts.extend(media_part(other)),
        }
    }
    if let Some(signature) = text_signature {
        match parts.iter_mut().rfind(|part| part.text.is_some()) {
            Some(part) => part.thought_signature = Some(signature),
            None => parts.push(Part { thought_signature: Some(signature), ..text_part("") }),
        }
    }
    parts
}

fn function_call(call: &ToolCall) -> FunctionCall<'_> {
    FunctionCall { id: provider_id(&call.id), name: &call.name, args: Arguments::of(&call.arguments) }
}

/// What the user said: results of tools in a turn of their own, since that is where they are looked for.
fn user_contents<'a>(
    before: &'a [Message],
    message: &'a Message,
    generation: Generation,
    contents: &mut Vec<Content<'a>>,
) {
    let mut results = Vec::new();
    let mut parts = Vec::new();
    for part in &message.content {
        match part {
            crate::Part::Text(text) => parts.extend((!text.is_empty()).then(|| text_part(text.as_str()))),
            crate::Part::ToolResult(result) => {
                let media: Vec<Part<'_>> = result.content.iter().filter_map(media_part).collect();
                // Earlier generations read no media inside a result.
                let (inside, beside) = if generation == Generation::Level { (media, vec![]) } else { (vec![], media) };
                let function_response = Some(FunctionResponse {
                    id: provider_id(&result.call_id),
                    name: called_name(before, &result.call_id),
                    response: response_of(result),
                    parts: inside,
                });
                results.push(Part { function_response, ..Part::default() });
                parts.extend(beside);
            }
            other => parts.extend(media_part(other)),
        }
    }
    let nothing = results.is_empty() && parts.is_empty() && !message.content.is_empty();
    if nothing {
        parts.push(text_part(""));
    }
    for parts in [results, parts] {
        contents.extend((!parts.is_empty()).then_some(Content { role: Some("user"), parts }));
    }
}

/// The name of the tool that a call named; Gemini wants it said again.
fn called_name<'a>(before: &'a [Message], call_id: &'a str) -> &'a str {
    let mut calls = before.iter().rev().flat_map(|message| &message.content).filter_map(|part| match part {
        crate::Part::ToolCall(call) => Some(call),
        _ => None,
    });
    calls.find(|call| call.id == call_id).map_or(call_id, |call| call.name.as_str())
}

/// A result as the object that the dialect wants; JSON stays JSON.
fn response_of(result: &ToolResult) -> Value {
    let text: String = result
        .content
        .iter()
        .filter_map(|part| match part {
            crate::Part::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let value = match serde_json::from_str::<Value>(&text) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => value,
        _ => text.into(),
    };
    let key = if result.is_error { "error" } else { "output" };
    json!({ key: value })
}

fn text_part<'a>(text: impl Into<Cow<'a, str>>) -> Part<'a> {
    Part { text: Some(text.into()), ..Part::default() }
}

fn media_part(part: &crate::Part) -> Option<Part<'_>> {
    let (media, usual) = match part {
        crate::Part::Image(media) => (media, "image/png"),
        crate::Part::Document(media) => (media, "application/pdf"),
        crate::Part::Audio(media) => (media, "audio/wav"),
        _ => return None,
    };
    Some(media_source_part(media, usual))
}

fn media_source_part<'a>(media: &'a Media, usual: &'static str) -> Part<'a> {
    match &media.source {
        MediaSource::Base64(data) => {
            let mime_type = media_type(media).unwrap_or(usual);
            Part { inline_data: Some(InlineData { mime_type, data }), ..Part::default() }
        }
        MediaSource::Url(url) => file_part(media_type(media).unwrap_or(usual), url.as_str()),
        MediaSource::File(id) => match file_uri(id) {
            Some(uri) => {
                Part { file_data: Some(FileData { mime_type: media_type(media), file_uri: uri }), ..Part::default() }
            }
            None => text_part(format!("[file {id}]")),
        },
        MediaSource::Text(text) => text_part(text.as_str()),
    }
}

fn file_part<'a>(mime_type: &'a str, uri: impl Into<Cow<'a, str>>) -> Part<'a> {
    Part { file_data: Some(FileData { mime_type: Some(mime_type), file_uri: uri.into() }), ..Part::default() }
}

/// The address of an uploaded file; none if the id is not one of Google's.
fn file_uri(id: &str) -> Option<Cow<'_, str>> {
    if id.starts_with("files/") {
        return Some(format!("https://generativelanguage.googleapis.com/v1beta/{id}").into());
    }
    ["gs://", "https://"].iter().any(|start| id.starts_with(start)).then_some(id.into())
}
