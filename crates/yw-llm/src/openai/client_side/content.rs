//! The parts of a message.

use serde_json::Value;

use crate::attachment::{audio_type, media_of_url};
use crate::client::fields::{Fields, objects, wrong_kind};
use crate::{CacheTime, Media, MediaSource, Part, RequestError};

/// The parts of `content`: a string, or a list. An empty string is no part.
pub(super) fn parts(fields: &mut Fields, dropped: &mut Vec<String>) -> Result<Vec<Part>, RequestError> {
    let path = fields.at("content");
    match fields.take("content") {
        None => Ok(Vec::new()),
        Some(Value::String(text)) if text.is_empty() => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![Part::Text(text)]),
        Some(Value::Array(values)) => {
            let mut parts = Vec::with_capacity(values.len());
            for mut wire in objects(&path, values)? {
                parts.push(part(&mut wire, dropped)?);
                parts.extend(cache_time(&mut wire)?.map(Part::CachePoint));
            }
            Ok(parts)
        }
        Some(other) => Err(wrong_kind(path, "a string or a list of parts", &other)),
    }
}

/// The texts of `content`; other parts are refused.
pub(super) fn texts(fields: &mut Fields, dropped: &mut Vec<String>) -> Result<Vec<Part>, RequestError> {
    let path = fields.at("content");
    let parts = parts(fields, dropped)?;
    match parts.iter().all(|part| matches!(part, Part::Text(_) | Part::CachePoint(_))) {
        true => Ok(parts),
        false => Err(RequestError::at(path, "only texts may stand here: move the rest to a message of the user")),
    }
}

fn part(wire: &mut Fields, dropped: &mut Vec<String>) -> Result<Part, RequestError> {
    match wire.required_text("type")?.as_str() {
        "text" => Ok(Part::Text(wire.required_text("text")?)),
        "refusal" => Ok(Part::Text(wire.required_text("refusal")?)),
        "image_url" => image(wire, dropped),
        "input_audio" => {
            let missing = wire.error("input_audio", "the sound is missing: give its data and format");
            let mut audio = wire.object("input_audio")?.ok_or(missing)?;
            let media_type = audio_type(&audio.required_text("format")?);
            let source = MediaSource::Base64(audio.required_text("data")?);
            Ok(Part::Audio(Media { media_type, name: None, source }))
        }
        "file" => file(wire),
        other => {
            let message = format!("parts of type `{other}` cannot be given to a provider of another dialect");
            Err(wire.error("type", message))
        }
    }
}

fn image(wire: &mut Fields, dropped: &mut Vec<String>) -> Result<Part, RequestError> {
    // Some clients put the address where the object should stand.
    if let Some(Value::String(url)) = wire.take_if("image_url", Value::is_string) {
        return Ok(Part::Image(media_of_url(url)));
    }
    let missing = wire.error("image_url", "the picture is missing: give its `url`");
    let mut image = wire.object("image_url")?.ok_or(missing)?;
    if image.text("detail")?.is_some_and(|detail| detail != "auto") && !dropped.iter().any(|name| name == "detail") {
        dropped.push("detail".to_owned());
    }
    Ok(Part::Image(media_of_url(image.required_text("url")?)))
}

fn file(wire: &mut Fields) -> Result<Part, RequestError> {
    let missing = wire.error("file", "the file is missing: give its `file_data` or `file_id`");
    let mut file = wire.object("file")?.ok_or(missing)?;
    let name = file.text("filename")?;
    let media = match (file.text("file_data")?, file.text("file_id")?) {
        (Some(data), _) => {
            let mut media = media_of_url(data);
            // Bare base64 is accepted by OpenAI too.
            if let MediaSource::Url(text) = &mut media.source
                && !text.contains(':')
            {
                media.source = MediaSource::Base64(std::mem::take(text));
                media.media_type = type_of_name(name.as_deref()).to_owned();
            }
            media
        }
        (None, Some(id)) => Media { media_type: String::new(), name: None, source: MediaSource::File(id) },
        (None, None) => return Err(file.error("file_data", "the file is missing: give its `file_data` or `file_id`")),
    };
    Ok(Part::Document(Media { name, ..media }))
}

fn type_of_name(name: Option<&str>) -> &'static str {
    match name.and_then(|name| name.rsplit_once('.')).map(|(_, end)| end) {
        Some("txt") => "text/plain",
        Some("csv") => "text/csv",
        Some("html") => "text/html",
        Some("md") => "text/markdown",
        _ => "application/pdf",
    }
}

/// The mark of a cache point on a part: OpenAI's `prompt_cache_breakpoint`, or Anthropic's `cache_control`, which many
/// clients send in this dialect too.
pub(super) fn cache_time(wire: &mut Fields) -> Result<Option<CacheTime>, RequestError> {
    if let Some(mut mark) = wire.object("prompt_cache_breakpoint")? {
        let is_long = mark.text("ttl")?.is_some_and(|time| time == "12h");
        return Ok(Some(if is_long { CacheTime::Hour } else { CacheTime::Short }));
    }
    crate::client::cache_control(wire)
}
