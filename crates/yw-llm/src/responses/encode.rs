use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use super::media::{DataUrl, audio_format, default_name};
use super::reasoning;
use crate::dialect::{ANSWER_TOOL, system_text};
use crate::gemini::plain_call_id;
use crate::{
    EncodeOptions, JsonMode, Media, MediaSource, Message, Output, Part, Request, Role, Thinking, Tool, ToolChoice,
};

/// The body of a responses request. The dialect has no seed, no stop texts, no penalties, and no word for a tool that
/// failed; the provider is asked to store nothing.
pub fn encode_request(model: &str, request: &Request, options: &EncodeOptions) -> Vec<u8> {
    let is_forced = matches!(request.output, Output::Json { .. }) && options.json_mode == JsonMode::ForcedTool;
    let text = text(request, options.json_mode);
    let system = system_text(request, options);
    // Plain JSON is given only if the word stands in the input, and there the instructions do not count.
    let is_plain_json = text.as_ref().is_some_and(|text| text.pointer("/format/type") == Some(&json!("json_object")));
    let (instructions, first) = if is_plain_json { (None, system) } else { (system, None) };
    let mut input = Vec::with_capacity(request.messages.len() + 1);
    input.extend(first.map(|text| Item::Message { role: "system", content: Content::Text(text.into()) }));
    request.messages.iter().for_each(|message| push_items(message, &mut input));

    let has_tools = !is_forced && !request.tools.is_empty();
    let body = Body {
        model,
        input,
        instructions,
        max_output_tokens: request.max_tokens,
        temperature: request.sampling.temperature,
        top_p: request.sampling.top_p,
        reasoning: request.reasoning.map(thinking),
        // Models that cannot think refuse to be asked for it.
        include: thinks(request).then_some(["reasoning.encrypted_content"]),
        text,
        tools: match is_forced {
            true => answer_tool(&request.output).into_iter().collect(),
            false => request.tools.iter().map(tool).collect(),
        },
        tool_choice: match &request.tool_choice {
            _ if is_forced => Some(json!({"type": "function", "name": ANSWER_TOOL})),
            choice => has_tools.then(|| tool_choice(choice)),
        },
        parallel_tool_calls: request.parallel_tool_calls.filter(|_| has_tools),
        user: request.user.as_deref(),
        store: false,
        stream: options.stream.then_some(true),
    };
    super::answer::to_json(&body)
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<String>,
    input: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include: Option<[&'static str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<FunctionTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    store: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Item<'a> {
    Message {
        role: &'static str,
        content: Content<'a>,
    },
    Reasoning {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        summary: Vec<InputPart<'a>>,
        encrypted_content: Option<&'a str>,
    },
    FunctionCall {
        call_id: &'a str,
        name: &'a str,
        arguments: &'a str,
    },
    FunctionCallOutput {
        call_id: &'a str,
        output: Content<'a>,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<InputPart<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum InputPart<'a> {
    InputText {
        text: &'a str,
    },
    SummaryText {
        text: &'a str,
    },
    InputImage {
        detail: &'static str,
        #[serde(flatten)]
        source: ImageSource<'a>,
    },
    InputFile {
        #[serde(skip_serializing_if = "Option::is_none")]
        filename: Option<&'a str>,
        #[serde(flatten)]
        source: FileSource<'a>,
    },
    InputAudio {
        input_audio: Sound<'a>,
    },
}

#[derive(Serialize)]
enum ImageSource<'a> {
    #[serde(rename = "image_url")]
    Data(DataUrl<'a>),
    #[serde(rename = "image_url")]
    Url(&'a str),
    #[serde(rename = "file_id")]
    File(&'a str),
}

#[derive(Serialize)]
enum FileSource<'a> {
    #[serde(rename = "file_data")]
    Data(DataUrl<'a>),
    #[serde(rename = "file_url")]
    Url(&'a str),
    #[serde(rename = "file_id")]
    File(&'a str),
}

#[derive(Serialize)]
struct Sound<'a> {
    data: &'a str,
    format: &'a str,
}

#[derive(Serialize)]
struct FunctionTool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    parameters: &'a Value,
    strict: bool,
}

/// One message of ours is several items of theirs where it holds thoughts, calls or results.
fn push_items<'a>(message: &'a Message, items: &mut Vec<Item<'a>>) {
    let mut said = Vec::new();
    for part in &message.content {
        let item = match part {
            Part::ToolResult(result) => {
                let parts = result.content.iter().filter_map(input_part).collect();
                Item::FunctionCallOutput { call_id: plain_call_id(&result.call_id), output: content(parts) }
            }
            Part::ToolCall(call) => {
                let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments };
                Item::FunctionCall { call_id: plain_call_id(&call.id), name: &call.name, arguments }
            }
            Part::Reasoning(thoughts) => {
                if !reasoning::can_go_back(thoughts) {
                    continue;
                }
                let summary = (!thoughts.text.is_empty()).then(|| InputPart::SummaryText { text: &thoughts.text });
                let summary = summary.into_iter().collect();
                Item::Reasoning {
                    id: thoughts.id.as_deref(),
                    summary,
                    encrypted_content: thoughts.signature.as_deref(),
                }
            }
            // The model's own texts are messages of their own: as strings they are understood everywhere, while as parts
            // they would be `output_text`, of which some servers demand the id.
            Part::Text(text) if message.role == Role::Assistant => {
                Item::Message { role: "assistant", content: Content::Text(text.into()) }
            }
            other => {
                said.extend(input_part(other));
                continue;
            }
        };
        push_said(&mut said, items);
        items.push(item);
    }
    push_said(&mut said, items);
}

/// What the user says is one message, up to where something else comes between.
fn push_said<'a>(said: &mut Vec<InputPart<'a>>, items: &mut Vec<Item<'a>>) {
    if !said.is_empty() {
        items.push(Item::Message { role: "user", content: content(std::mem::take(said)) });
    }
}

fn content(parts: Vec<InputPart<'_>>) -> Content<'_> {
    match parts.as_slice() {
        [] => Content::Text("".into()),
        [InputPart::InputText { text }] => Content::Text((*text).into()),
        _ => Content::Parts(parts),
    }
}

/// None for what the dialect cannot say. Cache points are left out too: what they ask for happens by itself, and servers
/// refuse the mark where they do not know it.
fn input_part(part: &Part) -> Option<InputPart<'_>> {
    match part {
        Part::Text(text) => Some(InputPart::InputText { text }),
        Part::Image(image) => {
            let source = match &image.source {
                MediaSource::Base64(data) => {
                    ImageSource::Data(DataUrl { media_type: media_type(image, "image/png"), data })
                }
                MediaSource::Url(url) => ImageSource::Url(url),
                MediaSource::File(id) => ImageSource::File(id),
                MediaSource::Text(text) => return Some(InputPart::InputText { text }),
            };
            Some(InputPart::InputImage { detail: "auto", source })
        }
        Part::Document(document) => {
            let media_type = media_type(document, "application/pdf");
            let name = document.name.as_deref();
            let (filename, source) = match &document.source {
                MediaSource::Base64(data) => {
                    (name.or(Some(default_name(media_type))), FileSource::Data(DataUrl { media_type, data }))
                }
                MediaSource::Url(url) => (None, FileSource::Url(url)),
                MediaSource::File(id) => (None, FileSource::File(id)),
                MediaSource::Text(text) => return Some(InputPart::InputText { text }),
            };
            Some(InputPart::InputFile { filename, source })
        }
        Part::Audio(sound) => match &sound.source {
            MediaSource::Base64(data) => {
                Some(InputPart::InputAudio { input_audio: Sound { data, format: audio_format(&sound.media_type) } })
            }
            MediaSource::Text(text) => Some(InputPart::InputText { text }),
            MediaSource::Url(_) | MediaSource::File(_) => None,
        },
        Part::Reasoning(_) | Part::ToolCall(_) | Part::ToolResult(_) | Part::CachePoint(_) => None,
    }
}

fn media_type<'a>(media: &'a Media, default: &'static str) -> &'a str {
    if media.media_type.is_empty() { default } else { &media.media_type }
}

fn thinking(thinking: Thinking) -> Value {
    match thinking {
        Thinking::Off => json!({"effort": "none"}),
        Thinking::Effort(effort) => json!({"effort": effort.name()}),
        // Dialects that count tokens show the thoughts, so whoever asks in one expects to see something of them.
        Thinking::Tokens(tokens) => json!({"effort": crate::Effort::of_tokens(tokens).name(), "summary": "auto"}),
    }
}

/// Whether thoughts are asked for or given back, so that they should come in the cipher that can be given back.
fn thinks(request: &Request) -> bool {
    matches!(request.reasoning, Some(Thinking::Effort(_) | Thinking::Tokens(_)))
        || request.messages.iter().flat_map(|message| &message.content).any(|part| match part {
            Part::Reasoning(thoughts) => reasoning::can_go_back(thoughts),
            _ => false,
        })
}

fn text(request: &Request, json_mode: JsonMode) -> Option<Value> {
    let format = match (&request.output, json_mode) {
        (Output::Text, _) | (Output::Json { .. }, JsonMode::ForcedTool) => return None,
        (Output::Json { name, schema }, JsonMode::Schema) => {
            json!({"type": "json_schema", "name": name, "schema": schema, "strict": true})
        }
        (Output::JsonObject, _) | (Output::Json { .. }, JsonMode::Instructed) => json!({"type": "json_object"}),
    };
    Some(json!({"format": format}))
}

fn answer_tool(output: &Output) -> Option<FunctionTool<'_>> {
    let Output::Json { schema, .. } = output else { return None };
    Some(FunctionTool {
        kind: "function",
        name: ANSWER_TOOL,
        description: "Gives the answer.",
        parameters: schema,
        strict: false,
    })
}

fn tool(tool: &Tool) -> FunctionTool<'_> {
    FunctionTool {
        kind: "function",
        name: &tool.name,
        description: &tool.description,
        parameters: &tool.parameters,
        // Here the default is to hold the arguments to the schema and to rewrite it to that end, so that what is optional
        // comes as null; in the other dialects the default is not to.
        strict: tool.strict.unwrap_or(false),
    }
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::Never => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Named(name) => json!({"type": "function", "name": name}),
    }
}
