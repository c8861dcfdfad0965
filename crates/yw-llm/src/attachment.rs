//! Pictures, documents and sound as the dialects write them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::{Media, MediaSource};

/// `data:` and what follows it.
pub(crate) fn data_url(media_type: &str, base64: &str) -> String {
    let media_type = if media_type.is_empty() { sniffed_type(base64) } else { media_type };
    format!("data:{media_type};base64,{base64}")
}

/// What an address is: data in base64, or somewhere to fetch from.
pub(crate) fn media_of_url(url: String) -> Media {
    let parsed = url.strip_prefix("data:").and_then(|rest| {
        let (head, data) = rest.split_once(',')?;
        let media_type = head.strip_suffix(";base64")?;
        // Parameters such as a character set are no part of what providers take for the type.
        let media_type = media_type.split(';').next().unwrap_or_default();
        Some((media_type.to_owned(), url.len() - data.len()))
    });
    match parsed {
        Some((media_type, start)) => {
            let mut data = url;
            data.drain(..start);
            Media { media_type, name: None, source: MediaSource::Base64(data) }
        }
        None => Media { media_type: String::new(), name: None, source: MediaSource::Url(url) },
    }
}

/// OpenAI's word for a kind of sound.
pub(crate) fn audio_format(media_type: &str) -> &str {
    match media_type.strip_prefix("audio/").unwrap_or(media_type) {
        "mpeg" | "mp3" => "mp3",
        "wav" | "x-wav" | "wave" | "" => "wav",
        other => other,
    }
}

/// The kind of sound that is OpenAI's word.
pub(crate) fn audio_type(format: &str) -> String {
    match format {
        "mp3" => "audio/mpeg".to_owned(),
        other => format!("audio/{other}"),
    }
}

/// The kind of a file by its first bytes.
pub(crate) fn sniffed_type(base64: &str) -> &'static str {
    const STARTS: [(&str, &str); 5] = [
        ("/9j/", "image/jpeg"),
        ("iVBORw0KGgo", "image/png"),
        ("R0lGOD", "image/gif"),
        ("UklGR", "image/webp"),
        ("JVBERi0", "application/pdf"),
    ];
    STARTS.iter().find(|(start, _)| base64.starts_with(start)).map_or("application/octet-stream", |(_, kind)| kind)
}

/// The text that base64 stands for, if it is one.
pub(crate) fn decoded_text(base64: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(base64).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_urls_there_and_back() {
        let media = media_of_url("data:image/png;base64,aGk=".to_owned());
        assert_eq!((media.media_type.as_str(), &media.source), ("image/png", &MediaSource::Base64("aGk=".into())));
        assert_eq!(data_url("image/png", "aGk="), "data:image/png;base64,aGk=");
        assert_eq!(data_url("", "/9j/4AAQ"), "data:image/jpeg;base64,/9j/4AAQ");
        let charset = media_of_url("data:text/plain;charset=utf-8;base64,aGk=".to_owned());
        assert_eq!(charset.media_type, "text/plain");
        for url in ["https://example.org/a.png", "data:text/plain,hi", "data:", "data:x;base64"] {
            assert_eq!(media_of_url(url.to_owned()).source, MediaSource::Url(url.to_owned()), "{url}");
        }
    }

    #[test]
    fn sound_has_two_names() {
        for format in ["mp3", "wav", "flac"] {
            assert_eq!(audio_format(&audio_type(format)), format);
        }
    }
}
