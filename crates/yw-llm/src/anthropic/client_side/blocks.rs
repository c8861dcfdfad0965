//! The content blocks of a message.

use serde_json::{Value, json};

use crate::client::cache_control;
use crate::client::fields::{Fields, objects, wrong_kind};
use crate::{Media, MediaSource, Part, Reasoning, RequestError, ToolCall, ToolResult};

/// The parts of a field that holds a string or a list of blocks. An empty string is no part.
pub(super) fn blocks(fields: &mut Fields, key: &str, dropped: &mut Vec<String>) -> Result<Vec<Part>, RequestError> {
    let path = fields.at(key);
    match fields.take(key) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) if text.is_empty() => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![Part::Text(text)]),
        Some(Value::Array(values)) => {
            let mut parts = Vec::with_capacity(values.len());
            for mut block in objects(&path, values)? {
                let cache_point = cache_control(&mut block)?.map(Part::CachePoint);
                parts.push(part(block, dropped)?);
                parts.extend(cache_point);
            }
            Ok(parts)
        }
        Some(other) => Err(wrong_kind(path, "a string or a list of blocks", &other)),
    }
}

fn part(mut block: Fields, dropped: &mut Vec<String>) -> Result<Part, RequestError> {
    let kind = block.required_text("type")?;
    Ok(match kind.as_str() {
        "text" => Part::Text(block.required_text("text")?),
        "image" => Part::Image(media(&mut block)?),
        "document" => document(block, dropped)?,
        "search_result" => search_result(block)?,
        "thinking" => Part::Reasoning(Reasoning {
            text: block.required_text("thinking")?,
            signature: block.text("signature")?.filter(|signature| !signature.is_empty()),
            ..Reasoning::default()
        }),
        "redacted_thinking" => Part::Reasoning(Reasoning {
            signature: Some(block.required_text("data")?),
            is_redacted: true,
            ..Reasoning::default()
        }),
        "tool_use" => Part::ToolCall(ToolCall {
            id: block.required_text("id")?,
            name: block.required_text("name")?,
            arguments: block.take("input").unwrap_or_else(|| json!({})).to_string(),
        }),
        "tool_result" => Part::ToolResult(ToolResult {
            call_id: block.required_text("tool_use_id")?,
            is_error: block.flag("is_error")?.unwrap_or(false),
            content: result_content(&mut block, dropped)?,
        }),
        other => {
            let message = format!("blocks of type `{other}` cannot be given to a provider of another dialect");
            return Err(block.error("type", message));
        }
    })
}

/// What a tool gave; marks of the cache inside it mean nothing elsewhere.
fn result_content(block: &mut Fields, dropped: &mut Vec<String>) -> Result<Vec<Part>, RequestError> {
    let path = block.at("content");
    let mut content = blocks(block, "content", dropped)?;
    content.retain(|part| !matches!(part, Part::CachePoint(_)));
    let is_media = |part: &Part| matches!(part, Part::Text(_) | Part::Image(_) | Part::Document(_));
    match content.iter().all(is_media) {
        true => Ok(content),
        false => Err(RequestError::at(path, "a result may hold texts, pictures and documents only")),
    }
}

fn media(block: &mut Fields) -> Result<Media, RequestError> {
    let missing = block.error("source", "the source is missing: give a base64, url, text or file source");
    let mut source = block.object("source")?.ok_or(missing)?;
    let kind = source.required_text("type")?;
    let media_type = source.text_or_empty("media_type")?;
    let source = match kind.as_str() {
        "base64" => MediaSource::Base64(source.required_text("data")?),
        "url" => MediaSource::Url(source.required_text("url")?),
        "file" => MediaSource::File(source.required_text("file_id")?),
        "text" => MediaSource::Text(source.required_text("data")?),
        "content" => MediaSource::Text(joined_texts(&mut source)?),
        other => return Err(source.error("type", format!("`{other}` is no source: use base64, url, text or file"))),
    };
    Ok(Media { media_type, name: None, source })
}

fn joined_texts(fields: &mut Fields) -> Result<String, RequestError> {
    let path = fields.at("content");
    let parts = blocks(fields, "content", &mut Vec::new())?;
    let mut texts = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Part::Text(text) => texts.push(text),
            Part::CachePoint(_) => {}
            _ => {
                let message = "pictures inside a document cannot be given to a provider of another dialect";
                return Err(RequestError::at(path, message));
            }
        }
    }
    Ok(texts.join("\n\n"))
}

fn document(mut block: Fields, dropped: &mut Vec<String>) -> Result<Part, RequestError> {
    let mut media = media(&mut block)?;
    media.name = block.text("title")?;
    if media.media_type.is_empty() && matches!(media.source, MediaSource::Text(_)) {
        media.media_type = "text/plain".to_owned();
    }
    for key in ["context", "citations"] {
        if block.take(key).is_some_and(|value| value["enabled"] != Value::Bool(false))
            && !dropped.iter().any(|d| d == key)
        {
            dropped.push(key.to_owned());
        }
    }
    Ok(Part::Document(media))
}

/// A result of a search by the client is a document with a name.
fn search_result(mut block: Fields) -> Result<Part, RequestError> {
    let (title, source) = (block.text_or_empty("title")?, block.text_or_empty("source")?);
    let name = [title, source].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ");
    let source = MediaSource::Text(joined_texts(&mut block)?);
    Ok(Part::Document(Media { media_type: "text/plain".to_owned(), name: Some(name), source }))
}
