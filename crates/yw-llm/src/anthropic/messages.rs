//! The system text and the messages of a messages request.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::attachment::{decoded_text, sniffed_type};
use crate::dialect::system_text;
use crate::gemini::{is_own_signature, plain_call_id};
use crate::openai::CacheControl;
use crate::{EncodeOptions, JsonMode, Media, MediaSource, Message, Output, Part, Reasoning, Request, Role};

/// The dialect has no mode for JSON without a schema.
const ANY_JSON: &str = "Answer with one JSON object and nothing else.";

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum System<'a> {
    Text(String),
    Blocks(Vec<Block<'a>>),
}

#[derive(Serialize)]
pub(super) struct WireMessage<'a> {
    role: &'static str,
    content: Content<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Blocks(Vec<Block<'a>>),
}

#[derive(Serialize)]
pub(super) struct Block<'a> {
    #[serde(flatten)]
    kind: Kind<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Kind<'a> {
    Text {
        text: Cow<'a, str>,
    },
    Image {
        source: Source<'a>,
    },
    Document {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
    },
    /// The dialect has no sound; the provider's refusal says so better than an answer that ignores it.
    Audio {
        source: Source<'a>,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
    ToolUse {
        id: &'a str,
        name: &'a str,
        input: &'a RawValue,
    },
    ToolResult {
        tool_use_id: &'a str,
        content: Content<'a>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Source<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Url { url: &'a str },
    File { file_id: &'a str },
    Text { media_type: &'static str, data: Cow<'a, str> },
}

/// The instructions: one text, or blocks where cache points stand between them.
pub(super) fn encode_system<'a>(request: &'a Request, options: &EncodeOptions) -> Option<System<'a>> {
    let has_cache_points = request.system.iter().any(|part| matches!(part, Part::CachePoint(_)));
    let wants_any_json = request.output == Output::JsonObject;
    // In the plain JSON mode the schema is part of the text.
    let puts_schema = matches!(request.output, Output::Json { .. }) && options.json_mode == JsonMode::Instructed;
    if has_cache_points && !puts_schema {
        let mut blocks = blocks(&request.system);
        if wants_any_json {
            blocks.push(Kind::Text { text: ANY_JSON.into() }.into());
        }
        return (!blocks.is_empty()).then_some(System::Blocks(blocks));
    }
    let text = system_text(request, options);
    match (text, wants_any_json) {
        (Some(text), true) => Some(System::Text(format!("{text}\n\n{ANY_JSON}"))),
        (None, true) => Some(System::Text(ANY_JSON.to_owned())),
        (text, false) => text.map(System::Text),
    }
}

/// The messages. One of the model of which nothing can be said here is left out.
pub(super) fn encode_messages(messages: &[Message]) -> Vec<WireMessage<'_>> {
    messages.iter().filter_map(message).collect()
}

fn message(message: &Message) -> Option<WireMessage<'_>> {
    let content = content(&message.content);
    match message.role {
        Role::User => Some(WireMessage { role: "user", content }),
        Role::Assistant if matches!(&content, Content::Text("")) => None,
        Role::Assistant => Some(WireMessage { role: "assistant", content }),
    }
}

fn content(parts: &[Part]) -> Content<'_> {
    if let [Part::Text(text)] = parts {
        return Content::Text(text);
    }
    match blocks(parts) {
        blocks if blocks.is_empty() => Content::Text(""),
        blocks => Content::Blocks(blocks),
    }
}

fn blocks(parts: &[Part]) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Part::CachePoint(time) => {
                if let Some(last) = blocks.last_mut().filter(|last| last.takes_cache_control()) {
                    last.cache_control = Some((*time).into());
                }
            }
            part => blocks.extend(kind(part).map(Block::from)),
        }
    }
    blocks
}

impl<'a> From<Kind<'a>> for Block<'a> {
    fn from(kind: Kind<'a>) -> Self {
        Block { kind, cache_control: None }
    }
}

impl Block<'_> {
    fn takes_cache_control(&self) -> bool {
        !matches!(self.kind, Kind::Thinking { .. } | Kind::RedactedThinking { .. })
    }
}

fn kind(part: &Part) -> Option<Kind<'_>> {
    Some(match part {
        // The provider refuses empty texts.
        Part::Text(text) if text.is_empty() => return None,
        Part::Text(text) => Kind::Text { text: Cow::Borrowed(text) },
        Part::Image(media) => Kind::Image { source: source(media) },
        Part::Document(media) => Kind::Document { source: source(media), title: media.name.as_deref() },
        Part::Audio(media) => Kind::Audio { source: source(media) },
        Part::Reasoning(reasoning) => return thoughts(reasoning),
        Part::ToolCall(call) => {
            Kind::ToolUse { id: plain_call_id(&call.id), name: &call.name, input: input(&call.arguments) }
        }
        Part::ToolResult(result) => Kind::ToolResult {
            tool_use_id: plain_call_id(&result.call_id),
            content: content(&result.content),
            is_error: result.is_error,
        },
        Part::CachePoint(_) => return None,
    })
}

/// Only thoughts that this provider signed are taken back; others' have an id, or no signature.
fn thoughts(reasoning: &Reasoning) -> Option<Kind<'_>> {
    let signature = reasoning.signature.as_deref().filter(|text| reasoning.id.is_none() && !is_own_signature(text))?;
    Some(match reasoning.is_redacted {
        true => Kind::RedactedThinking { data: signature },
        false => Kind::Thinking { thinking: &reasoning.text, signature },
    })
}

fn source(media: &Media) -> Source<'_> {
    match &media.source {
        MediaSource::Url(url) => Source::Url { url },
        MediaSource::File(file_id) => Source::File { file_id },
        MediaSource::Text(text) => Source::Text { media_type: "text/plain", data: Cow::Borrowed(text) },
        MediaSource::Base64(data) => {
            // Documents in base64 must be PDFs; those of text are given as text.
            if let (true, Some(text)) = (media.media_type.starts_with("text/"), decoded_text(data)) {
                return Source::Text { media_type: "text/plain", data: text.into() };
            }
            let media_type = match media.media_type.as_str() {
                "" => sniffed_type(data),
                "image/jpg" => "image/jpeg",
                media_type => media_type,
            };
            Source::Base64 { media_type, data }
        }
    }
}

/// The arguments of a call as the dialect wants them: an object. Arguments that are none were the model's mistake and
/// cannot be said here.
pub(crate) fn input(arguments: &str) -> &RawValue {
    let input = serde_json::from_str::<&RawValue>(arguments).ok().filter(|input| input.get().starts_with('{'));
    // The second cannot fail.
    input.or_else(|| serde_json::from_str("{}").ok()).unwrap_or(RawValue::NULL)
}
