//! What kind of thing media are, where the client did not say.

use crate::{Media, MediaSource};

/// The media type of `media`: what the client said, or what the first bytes or the ending of the name tell.
pub(crate) fn media_type(media: &Media) -> Option<&str> {
    if !media.media_type.is_empty() {
        return Some(&media.media_type);
    }
    let told = match &media.source {
        MediaSource::Base64(data) => of_base64(data),
        MediaSource::Url(url) | MediaSource::File(url) => of_name(url.split(['?', '#']).next().unwrap_or_default()),
        MediaSource::Text(_) => Some("text/plain"),
    };
    told.or_else(|| of_name(media.name.as_deref()?))
}

/// What the first characters of base64 stand for.
fn of_base64(data: &str) -> Option<&'static str> {
    const STARTS: [(&str, &str); 6] = [
        ("iVBORw0KGgo", "image/png"),
        ("/9j/", "image/jpeg"),
        ("R0lGOD", "image/gif"),
        ("JVBERi0", "application/pdf"),
        ("SUQz", "audio/mpeg"),
        ("T2dnUw", "audio/ogg"),
    ];
    if data.starts_with("UklGR") {
        // RIFF holds several kinds; bytes 8 to 11 say which.
        return match data.get(11..16)? {
            "XRUJQ" => Some("image/webp"),
            "XQVZF" => Some("audio/wav"),
            _ => None,
        };
    }
    STARTS.into_iter().find(|(start, _)| data.starts_with(start)).map(|(_, media_type)| media_type)
}

/// What the ending of a name or an address stands for.
fn of_name(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "pdf" => "application/pdf",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "md" => "text/markdown",
        "txt" => "text/plain",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "ogg" => "audio/ogg",
        "flac" => "audio/flac",
        "m4a" => "audio/m4a",
        "mp4" => "video/mp4",
        _ => return None,
    })
}
