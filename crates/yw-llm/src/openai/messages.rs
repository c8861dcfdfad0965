//! The messages of a chat-completions request.

use std::borrow::Cow;

use serde::Serialize;

use super::details::DetailOut;
use crate::attachment::{audio_format, data_url};
use crate::dialect::system_text;
use crate::gemini::plain_call_id;
use crate::{
    CacheTime, EncodeOptions, JsonMode, Media, MediaSource, Message, Output, Part, Reasoning, ReasoningField, Request,
    Role, ToolResult,
};

/// The messages; one of ours is several of theirs where it holds results of tools.
pub(super) fn encode_messages<'a>(request: &'a Request, options: &EncodeOptions) -> Vec<WireMessage<'a>> {
    let mut messages = Vec::with_capacity(request.messages.len() + 1);
    messages.extend(system_message(request, options));
    for message in &request.messages {
        match message.role {
            Role::Assistant => messages.push(assistant_message(message, options)),
            Role::User => push_user_messages(message, options, &mut messages),
        }
    }
    messages
}

#[derive(Serialize)]
pub(super) struct WireMessage<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    content: Content<'a>,
    #[serde(skip_serializing_if = "String::is_empty")]
    reasoning_content: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<DetailOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<WireCall<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Null,
    Text(Cow<'a, str>),
    Parts(Vec<ContentPart<'a>>),
}

#[derive(Serialize)]
struct ContentPart<'a> {
    #[serde(flatten)]
    kind: PartKind<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum PartKind<'a> {
    Text { text: Cow<'a, str> },
    ImageUrl { image_url: ImageUrl<'a> },
    InputAudio { input_audio: InputAudio<'a> },
    File { file: File<'a> },
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    url: Cow<'a, str>,
}

#[derive(Serialize)]
struct InputAudio<'a> {
    data: &'a str,
    format: &'a str,
}

#[derive(Serialize)]
struct File<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<&'a str>,
}

/// Anthropic's mark of a cache point, which OpenRouter and some gateways understand in this dialect too.
#[derive(Serialize, Clone, Copy)]
pub(crate) struct CacheControl {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'static str>,
}

impl From<CacheTime> for CacheControl {
    fn from(time: CacheTime) -> Self {
        CacheControl { r#type: "ephemeral", ttl: (time == CacheTime::Hour).then_some("1h") }
    }
}

#[derive(Serialize)]
struct WireCall<'a> {
    id: &'a str,
    r#type: &'static str,
    function: CalledFunction<'a>,
}

#[derive(Serialize)]
struct CalledFunction<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<'a> WireMessage<'a> {
    fn new(role: &'static str, content: Content<'a>) -> Self {
        WireMessage {
            role,
            tool_call_id: None,
            content,
            reasoning_content: String::new(),
            reasoning_details: Vec::new(),
            tool_calls: Vec::new(),
        }
    }
}

fn system_message<'a>(request: &'a Request, options: &EncodeOptions) -> Option<WireMessage<'a>> {
    let has_cache_points = request.system.iter().any(|part| matches!(part, Part::CachePoint(_)));
    // In the plain JSON mode the schema is part of the text.
    let puts_schema = matches!(request.output, Output::Json { .. }) && options.json_mode == JsonMode::Instructed;
    let content = match options.cache_control && has_cache_points && !puts_schema {
        true => content(&request.system, options),
        false => Content::Text(system_text(request, options)?.into()),
    };
    Some(WireMessage::new("system", content))
}

fn assistant_message<'a>(message: &'a Message, options: &EncodeOptions) -> WireMessage<'a> {
    let mut text = Cow::Borrowed("");
    let mut encoded = WireMessage::new("assistant", Content::Null);
    for part in &message.content {
        match part {
            Part::Text(more) if text.is_empty() => text = Cow::Borrowed(more),
            Part::Text(more) => text.to_mut().push_str(more),
            Part::Reasoning(reasoning) => encoded.add_reasoning(reasoning, options),
            Part::ToolCall(call) => encoded.tool_calls.push(WireCall {
                id: plain_call_id(&call.id),
                r#type: "function",
                function: CalledFunction { name: &call.name, arguments: &call.arguments },
            }),
            _ => {}
        }
    }
    if !text.is_empty() || encoded.tool_calls.is_empty() {
        encoded.content = Content::Text(text);
    }
    encoded
}

impl<'a> WireMessage<'a> {
    fn add_reasoning(&mut self, reasoning: &'a Reasoning, options: &EncodeOptions) {
        match options.reasoning_field {
            ReasoningField::Omit => {}
            ReasoningField::Content => self.reasoning_content.push_str(&reasoning.text),
            ReasoningField::Details => {
                let index = self.reasoning_details.len();
                self.reasoning_details.push(DetailOut::new(index, reasoning, &reasoning.text));
            }
        }
    }
}

/// The results of tools come first, as messages of their own. The dialect has only texts there: pictures and documents
/// of a result follow in the message of the user.
fn push_user_messages<'a>(message: &'a Message, options: &EncodeOptions, out: &mut Vec<WireMessage<'a>>) {
    let n_before = out.len();
    let mut rest = Vec::new();
    for part in &message.content {
        match part {
            Part::ToolResult(result) => {
                out.push(tool_message(result));
                let media = result.content.iter().filter(|part| !matches!(part, Part::Text(_) | Part::CachePoint(_)));
                media.for_each(|part| push_part(part, options, &mut rest));
            }
            part => push_part(part, options, &mut rest),
        }
    }
    // Results alone are not followed by an empty text.
    if !rest.is_empty() || out.len() == n_before {
        out.push(WireMessage::new("user", unwrap_text(rest)));
    }
}

fn tool_message(result: &ToolResult) -> WireMessage<'_> {
    let texts: Vec<&str> = result.content.iter().filter_map(text_of).collect();
    let content = match texts.as_slice() {
        [text] => Cow::Borrowed(*text),
        texts => texts.join("\n").into(),
    };
    WireMessage {
        tool_call_id: Some(plain_call_id(&result.call_id)),
        ..WireMessage::new("tool", Content::Text(content))
    }
}

fn text_of(part: &Part) -> Option<&str> {
    match part {
        Part::Text(text) => Some(text),
        _ => None,
    }
}

fn content<'a>(parts: &'a [Part], options: &EncodeOptions) -> Content<'a> {
    let mut encoded = Vec::with_capacity(parts.len());
    parts.iter().for_each(|part| push_part(part, options, &mut encoded));
    unwrap_text(encoded)
}

/// A text alone is sent as a string, which every server understands.
fn unwrap_text(mut parts: Vec<ContentPart<'_>>) -> Content<'_> {
    match parts.pop() {
        None => Content::Text("".into()),
        Some(ContentPart { kind: PartKind::Text { text }, cache_control: None }) if parts.is_empty() => {
            Content::Text(text)
        }
        Some(last) => {
            parts.push(last);
            Content::Parts(parts)
        }
    }
}

fn push_part<'a>(part: &'a Part, options: &EncodeOptions, out: &mut Vec<ContentPart<'a>>) {
    let kind = match part {
        Part::Text(text) => PartKind::Text { text: Cow::Borrowed(text) },
        Part::Image(media) => PartKind::ImageUrl { image_url: ImageUrl { url: address(media) } },
        Part::Document(media) => document(media),
        Part::Audio(media) => {
            let (MediaSource::Base64(data)
            | MediaSource::Url(data)
            | MediaSource::File(data)
            | MediaSource::Text(data)) = &media.source;
            PartKind::InputAudio { input_audio: InputAudio { data, format: audio_format(&media.media_type) } }
        }
        Part::CachePoint(time) => {
            if let (true, Some(last)) = (options.cache_control, out.last_mut()) {
                last.cache_control = Some((*time).into());
            }
            return;
        }
        Part::Reasoning(_) | Part::ToolCall(_) | Part::ToolResult(_) => return,
    };
    out.push(ContentPart { kind, cache_control: None });
}

fn document(media: &Media) -> PartKind<'_> {
    let name = media.name.as_deref();
    match &media.source {
        MediaSource::Text(text) => PartKind::Text {
            text: match name {
                Some(name) => format!("{name}\n\n{text}").into(),
                None => Cow::Borrowed(text),
            },
        },
        MediaSource::File(id) => PartKind::File { file: File { filename: None, file_data: None, file_id: Some(id) } },
        // OpenRouter fetches an address here; OpenAI refuses it, which is better than an answer without the document.
        MediaSource::Base64(_) | MediaSource::Url(_) => {
            let filename =
                name.or(Some(if media.media_type == "application/pdf" { "document.pdf" } else { "document" }));
            PartKind::File { file: File { filename, file_data: Some(address(media)), file_id: None } }
        }
    }
}

/// Where media are, as one text: an address that may hold them.
fn address(media: &Media) -> Cow<'_, str> {
    match &media.source {
        MediaSource::Base64(data) => data_url(&media.media_type, data).into(),
        MediaSource::Url(text) | MediaSource::File(text) | MediaSource::Text(text) => Cow::Borrowed(text),
    }
}
