//! The parts of messages as blocks.

use std::borrow::Cow;

use super::model::Family;
use super::wire::{Block, CachePoint, Document, Image, Message, Reasoning, Source, ToolResult, ToolUse};
use crate::gemini::{is_own_signature, plain_call_id};
use crate::json::Arguments;
use crate::media::media_type;
use crate::{CacheTime, Media, MediaSource, Part, Request, Role};

/// What is remembered while a request is written.
pub(super) struct BlockWriter<'a> {
    family: Family,
    /// The ids of calls that had to be replaced, by the number that replaces them.
    long_ids: Vec<&'a str>,
    n_documents: usize,
}

impl<'a> BlockWriter<'a> {
    pub(super) fn new(family: Family) -> Self {
        BlockWriter { family, long_ids: Vec::new(), n_documents: 0 }
    }

    /// The conversation, in turns: the dialect refuses two messages of one side after each other, and empty ones.
    pub(super) fn messages(&mut self, request: &'a Request) -> Vec<Message<'a>> {
        let mut messages: Vec<Message<'a>> = Vec::with_capacity(request.messages.len());
        for message in &request.messages {
            let role = match message.role {
                Role::User => "user",
                Role::Assistant => "assistant",
            };
            let blocks = self.blocks(&message.content);
            match messages.last_mut() {
                Some(last) if last.role == role => last.content.extend(blocks),
                _ if blocks.is_empty() => {}
                _ => messages.push(Message { role, content: blocks }),
            }
        }
        // Results must stand before everything else in their turn.
        for message in messages.iter_mut().filter(|message| message.role == "user") {
            message.content.sort_by_key(|block| !matches!(block, Block::ToolResult(_)));
        }
        messages
    }

    fn blocks(&mut self, parts: &'a [Part]) -> Vec<Block<'a>> {
        parts.iter().filter_map(|part| self.block(part)).collect()
    }

    pub(super) fn block(&mut self, part: &'a Part) -> Option<Block<'a>> {
        Some(match part {
            // Refused by the dialect.
            Part::Text(text) if text.trim().is_empty() => return None,
            Part::Text(text) => Block::Text(text.into()),
            Part::Image(media) => self.media(media, Kind::Image),
            Part::Document(media) => self.media(media, Kind::Document),
            Part::Audio(media) => self.media(media, Kind::Audio),
            Part::Reasoning(reasoning) => return self.reasoning(reasoning),
            Part::ToolCall(call) => Block::ToolUse(ToolUse {
                tool_use_id: self.call_id(&call.id),
                name: &call.name,
                input: Arguments::of(&call.arguments),
            }),
            Part::ToolResult(result) => Block::ToolResult(ToolResult {
                tool_use_id: self.call_id(&result.call_id),
                content: self.blocks(&result.content),
                status: result.is_error.then_some("error"),
            }),
            Part::CachePoint(time) => Block::CachePoint(cache_point(self.family, *time)?),
        })
    }

    /// Only Claude wants its thoughts back, and only those that it or Anthropic's own service signed.
    fn reasoning(&self, reasoning: &'a crate::Reasoning) -> Option<Block<'a>> {
        let signature = reasoning.signature.as_deref()?;
        let is_of_responses = reasoning.id.is_some();
        if !self.family.may_be_claude() || is_own_signature(signature) || is_of_responses {
            return None;
        }
        Some(Block::ReasoningContent(if reasoning.is_redacted {
            Reasoning::RedactedContent(signature)
        } else {
            Reasoning::ReasoningText { text: &reasoning.text, signature }
        }))
    }

    /// The id of a call as the dialect allows it: at most 64 letters, digits and `_.:-`. Others, of calls that another
    /// provider's model made, are replaced.
    fn call_id(&mut self, call_id: &'a str) -> Cow<'a, str> {
        let id = plain_call_id(call_id);
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.:-".contains(&b);
        if (1..=64).contains(&id.len()) && id.bytes().all(is_allowed) {
            return id.into();
        }
        let known = self.long_ids.iter().position(|long| *long == id);
        let number = known.unwrap_or_else(|| {
            self.long_ids.push(id);
            self.long_ids.len() - 1
        });
        format!("yw-call-{number}").into()
    }

    fn media(&mut self, media: &'a Media, kind: Kind) -> Block<'a> {
        match (source(media, kind), kind) {
            (Some((format, source)), Kind::Document) => {
                self.n_documents += 1;
                let name = document_name(media.name.as_deref(), self.n_documents);
                Block::Document(Document { format, name, source })
            }
            (Some((format, source)), Kind::Image) => Block::Image(Image { format, source }),
            (Some((format, source)), Kind::Audio) => Block::Audio(Image { format, source }),
            (None, _) => Block::Text(match &media.source {
                MediaSource::Text(text) => text.into(),
                MediaSource::Url(address) | MediaSource::File(address) => address.into(),
                MediaSource::Base64(_) => {
                    format!("[{} that cannot be read]", media_type(media).unwrap_or("data")).into()
                }
            }),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Image,
    Document,
    Audio,
}

/// Why media cannot be said, and what to do.
pub(super) fn check_media(media: &Media) -> Result<(), String> {
    match &media.source {
        MediaSource::Url(address) | MediaSource::File(address) if !is_bucket(address) => {
            Err("the provider of this model fetches nothing but `s3://` addresses; send the content instead".to_owned())
        }
        MediaSource::Base64(_) => {
            let is_known = [Kind::Image, Kind::Document, Kind::Audio].iter().any(|kind| format(media, *kind).is_some());
            let message =
                || format!("the provider of this model reads no `{}`", media_type(media).unwrap_or("unknown"));
            if is_known { Ok(()) } else { Err(message()) }
        }
        _ => Ok(()),
    }
}

/// The format and the place of media; none if the dialect cannot say them.
fn source(media: &Media, kind: Kind) -> Option<(&'static str, Source<'_>)> {
    let format = format(media, kind);
    Some(match &media.source {
        MediaSource::Base64(data) => (format?, Source::Bytes(data)),
        MediaSource::Url(address) | MediaSource::File(address) if is_bucket(address) => {
            (format?, Source::S3Location { uri: address })
        }
        MediaSource::Text(text) if kind == Kind::Document => (format.unwrap_or("txt"), Source::Text(text)),
        _ => return None,
    })
}

fn is_bucket(address: &str) -> bool {
    address.starts_with("s3://")
}

/// The dialect's word for a media type.
fn format(media: &Media, kind: Kind) -> Option<&'static str> {
    let usual = match kind {
        Kind::Image => "image/png",
        Kind::Document => "application/pdf",
        Kind::Audio => "audio/wav",
    };
    let media_type = media_type(media).unwrap_or(usual);
    // Parameters such as a character set follow a semicolon.
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    let formats: &[(&str, &'static str)] = match kind {
        Kind::Image => &IMAGE_FORMATS,
        Kind::Document => &DOCUMENT_FORMATS,
        Kind::Audio => &AUDIO_FORMATS,
    };
    formats.iter().find(|(name, _)| name.eq_ignore_ascii_case(media_type)).map(|(_, format)| *format)
}

const IMAGE_FORMATS: [(&str, &str); 5] =
    [("image/png", "png"), ("image/jpeg", "jpeg"), ("image/jpg", "jpeg"), ("image/gif", "gif"), ("image/webp", "webp")];

const DOCUMENT_FORMATS: [(&str, &str); 9] = [
    ("application/pdf", "pdf"),
    ("text/csv", "csv"),
    ("application/msword", "doc"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.ms-excel", "xls"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("text/html", "html"),
    ("text/plain", "txt"),
    ("text/markdown", "md"),
];

const AUDIO_FORMATS: [(&str, &str); 14] = [
    ("audio/wav", "wav"),
    ("audio/x-wav", "wav"),
    ("audio/wave", "wav"),
    ("audio/mpeg", "mp3"),
    ("audio/mp3", "mp3"),
    ("audio/opus", "opus"),
    ("audio/aac", "aac"),
    ("audio/flac", "flac"),
    ("audio/ogg", "ogg"),
    ("audio/mp4", "mp4"),
    ("audio/m4a", "m4a"),
    ("audio/x-m4a", "m4a"),
    ("audio/webm", "webm"),
    ("audio/pcm", "pcm"),
];

/// A name within the dialect's alphabet, and unlike those of the request's other documents.
fn document_name(name: Option<&str>, number: usize) -> String {
    let kept = name
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-()[]".contains(c) { c } else { ' ' });
    let kept: String = kept.take(180).collect();
    let words: Vec<&str> = kept.split_whitespace().collect();
    match words.join(" ") {
        words if words.is_empty() => format!("document {number}"),
        words if number == 1 => words,
        words => format!("{words} {number}"),
    }
}

/// A mark for the cache, where the model reads one. Only Claude keeps anything for an hour.
pub(super) fn cache_point(family: Family, time: CacheTime) -> Option<CachePoint> {
    let ttl = (time == CacheTime::Hour && family.may_be_claude()).then_some("1h");
    family.has_cache_points().then_some(CachePoint { r#type: "default", ttl })
}
