//! Pictures, documents and sound in the shapes of this dialect.

use serde::{Serialize, Serializer};

use super::fields::Fields;
use crate::{Media, MediaSource, RequestError};

/// A `data:` URL with base64 in it; written without being put together first, because it may have megabytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct DataUrl<'a> {
    pub(super) media_type: &'a str,
    pub(super) data: &'a str,
}

impl Serialize for DataUrl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("data:{};base64,{}", self.media_type, self.data))
    }
}

/// The kind and the base64 of a `data:` URL.
fn parse_data_url(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let media_type = head.strip_suffix(";base64")?;
    // Parameters, such as a character set, are not part of the kind.
    Some((media_type.split(';').next().unwrap_or(media_type), data))
}

/// Reads an `input_image`.
pub(super) fn read_image(part: &mut Fields<'_, '_>) -> Result<Media, RequestError> {
    let source = match (part.text("image_url")?, part.text("file_id")?) {
        (Some(url), _) => return media_at(part, "image_url", url),
        (None, Some(id)) => MediaSource::File(id),
        (None, None) => return Err(part.path.refuse("has neither `image_url` nor `file_id`")),
    };
    Ok(Media { media_type: String::new(), name: None, source })
}

/// Reads an `input_file`.
pub(super) fn read_file(part: &mut Fields<'_, '_>) -> Result<Media, RequestError> {
    let name = part.text("filename")?;
    let mut media = match (part.text("file_data")?, part.text("file_url")?, part.text("file_id")?) {
        (Some(data), ..) if data.starts_with("data:") => media_at(part, "file_data", data)?,
        (Some(data), ..) => {
            let media_type = name.as_deref().and_then(type_of_name).unwrap_or_default().to_owned();
            Media { media_type, name: None, source: MediaSource::Base64(data) }
        }
        (None, Some(url), _) => media_at(part, "file_url", url)?,
        (None, None, Some(id)) => Media { media_type: String::new(), name: None, source: MediaSource::File(id) },
        (None, None, None) => return Err(part.path.refuse("has none of `file_data`, `file_url` and `file_id`")),
    };
    media.name = name;
    Ok(media)
}

/// Reads an `input_audio`.
pub(super) fn read_audio(part: &mut Fields<'_, '_>) -> Result<Media, RequestError> {
    let sound = part.take("input_audio").unwrap_or_default();
    let mut sound = Fields::of(part.at("input_audio"), sound)?;
    let media_type = format!("audio/{}", sound.required_text("format")?);
    Ok(Media { media_type, name: None, source: MediaSource::Base64(sound.required_text("data")?) })
}

fn media_at(part: &Fields<'_, '_>, name: &str, url: String) -> Result<Media, RequestError> {
    let (media_type, source) = match parse_data_url(&url) {
        Some((media_type, data)) => (media_type.to_owned(), MediaSource::Base64(data.to_owned())),
        None if url.starts_with("data:") => {
            return Err(part.at(name).refuse("must be an address or `data:TYPE;base64,DATA`"));
        }
        None => (String::new(), MediaSource::Url(url)),
    };
    Ok(Media { media_type, name: None, source })
}

/// The kinds of documents that providers read, by the ending of their names.
const DOCUMENT_TYPES: [(&str, &str); 6] = [
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
];

fn type_of_name(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    DOCUMENT_TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(ending)).map(|(_, media_type)| *media_type)
}

/// A name for a document that has none, since the dialect wants one with the data.
pub(super) fn default_name(media_type: &str) -> &'static str {
    match DOCUMENT_TYPES.iter().find(|(_, known)| *known == media_type).map(|(ending, _)| *ending) {
        Some("txt") => "document.txt",
        Some("md") => "document.md",
        Some("csv") => "document.csv",
        Some("html") => "document.html",
        Some("docx") => "document.docx",
        _ => "document.pdf",
    }
}

/// The dialect's word for a kind of sound.
pub(super) fn audio_format(media_type: &str) -> &str {
    match media_type {
        "audio/mpeg" | "audio/mp3" => "mp3",
        "audio/x-wav" | "audio/wave" | "audio/vnd.wave" | "" => "wav",
        other => other.strip_prefix("audio/").unwrap_or(other),
    }
}
