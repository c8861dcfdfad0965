//! Models of one maker that another company hosts: the same dialect under another path, with small changes to the body.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use yw_task::Dialect;

use crate::path::segment;
use crate::{RequestError, request_path};

/// Who hosts the model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Hosting {
    /// The company whose dialect it is, or a server that imitates it.
    #[default]
    Own,
    /// Google's Vertex AI, for the dialects Anthropic and Gemini. The base URL ends in `/projects/P/locations/L`.
    Vertex,
}

/// The version of Anthropic's interface that Vertex speaks; it stands in the body there.
const VERTEX_ANTHROPIC_VERSION: &str = "vertex-2023-10-16";

/// As [`request_path`], for a model hosted by `hosting`. Vertex hosts no other dialects than Anthropic and Gemini; their
/// paths stay as they are.
pub fn hosted_request_path(dialect: Dialect, hosting: Hosting, model: &str, stream: bool) -> Cow<'static, str> {
    match (hosting, dialect) {
        (Hosting::Vertex, Dialect::Anthropic) => {
            let method = if stream { "streamRawPredict" } else { "rawPredict" };
            format!("/publishers/anthropic/models/{}:{method}", segment(model, b"@")).into()
        }
        (Hosting::Vertex, Dialect::Gemini) if model.starts_with("endpoints/") => request_path(dialect, model, stream),
        (Hosting::Vertex, Dialect::Gemini) => {
            format!("/publishers/google{}", request_path(dialect, model, stream)).into()
        }
        _ => request_path(dialect, model, stream),
    }
}

/// The path below `/projects/P/locations/L` where Vertex counts the tokens of a request in the dialect of Anthropic; the
/// body keeps its `model`, see [`vertex_count_body`].
pub const VERTEX_COUNT_TOKENS_PATH: &str = "/publishers/anthropic/models/count-tokens:rawPredict";

/// The body of a messages request for Vertex: `model` is taken out, since the path has it, and `anthropic_version` put in
/// unless it is there. Every other byte stays as it was.
///
/// # Errors
/// If the body is not a JSON object.
pub fn vertex_body(body: &[u8]) -> Result<Vec<u8>, RequestError> {
    spliced(body, true)
}

/// The body of a request to count tokens for Vertex: as [`vertex_body`], but `model` stays.
///
/// # Errors
/// If the body is not a JSON object.
pub fn vertex_count_body(body: &[u8]) -> Result<Vec<u8>, RequestError> {
    spliced(body, false)
}

/// The two members that matter, where they stand in the body.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    anthropic_version: Option<&'a RawValue>,
}

fn spliced(body: &[u8], without_model: bool) -> Result<Vec<u8>, RequestError> {
    let not_an_object = || RequestError::new("the body must be a JSON object");
    let members: Members<'_> = serde_json::from_slice(body).map_err(|_| not_an_object())?;
    // An array would be read as the members in order.
    let open = body.iter().position(|b| !b.is_ascii_whitespace()).filter(|&at| body[at] == b'{');
    let open = open.ok_or_else(not_an_object)?;
    let model = members.model.filter(|_| without_model).and_then(|value| member_span(body, value));
    let head = &body[open + 1..];
    let mut out = Vec::with_capacity(body.len() + 48);
    out.extend_from_slice(&body[..=open]);
    if members.anthropic_version.is_none() {
        out.extend_from_slice(format!(r#""anthropic_version":"{VERTEX_ANTHROPIC_VERSION}""#).as_bytes());
        let is_empty = match &model {
            Some(span) => is_blank(&body[open + 1..span.start]) && is_closing(&body[span.end..]),
            None => is_closing(head),
        };
        if !is_empty {
            out.push(b',');
        }
    }
    match model {
        Some(span) => {
            out.extend_from_slice(&body[open + 1..span.start]);
            out.extend_from_slice(&body[span.end..]);
        }
        None => out.extend_from_slice(head),
    }
    Ok(out)
}

/// Where the member with this value stands in `body`, with the comma that goes with it: the one after it, or for the last
/// member the one before it.
fn member_span(body: &[u8], value: &RawValue) -> Option<std::ops::Range<usize>> {
    // The value borrows from the body, so its address tells its place.
    let value_start = (value.get().as_ptr() as usize).checked_sub(body.as_ptr() as usize)?;
    let mut end = value_start + value.get().len();
    let before = trimmed_end(body.get(..value_start)?);
    let before = trimmed_end(before.strip_suffix(b":")?);
    // The key is the last string before the value; an escape in it would have made it another key.
    let mut start = before.strip_suffix(b"\"")?.iter().rposition(|&b| b == b'"')?;
    let after = body.get(end..)?;
    match after.iter().position(|b| !b.is_ascii_whitespace()) {
        Some(gap) if after[gap] == b',' => end += gap + 1,
        _ => {
            let before = trimmed_end(&body[..start]);
            if before.ends_with(b",") {
                start = before.len() - 1;
            }
        }
    }
    Some(start..end)
}

fn trimmed_end(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii_end()
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.trim_ascii().is_empty()
}

fn is_closing(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"}")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn check(body: &str, expect: &str) {
        let spliced = String::from_utf8(vertex_body(body.as_bytes()).unwrap()).unwrap();
        assert_eq!(spliced, expect);
        serde_json::from_str::<Value>(&spliced).unwrap();
    }

    const VERSION: &str = r#""anthropic_version":"vertex-2023-10-16""#;

    #[test]
    fn the_model_is_cut_out_and_the_rest_stays() {
        check(r#"{"model":"m","max_tokens":1}"#, &format!(r#"{{{VERSION},"max_tokens":1}}"#));
        check(r#"{ "a" : 1 , "model" : "m" }"#, &format!(r#"{{{VERSION}, "a" : 1  }}"#));
        check(
            "{\"a\":1.50,\n\"model\":\"m\",\n\"z\":[{\"model\":\"x\"}]}",
            &format!("{{{VERSION},\"a\":1.50,\n\n\"z\":[{{\"model\":\"x\"}}]}}"),
        );
        check(r#"{"model":"m"}"#, &format!("{{{VERSION}}}"));
        check("{}", &format!("{{{VERSION}}}"));
        check(r#"{"anthropic_version":"x","model":"m"}"#, r#"{"anthropic_version":"x"}"#);
    }

    #[test]
    fn counting_keeps_the_model() {
        let body = vertex_count_body(br#"{"model":"m"}"#).unwrap();
        assert_eq!(body, format!(r#"{{{VERSION},"model":"m"}}"#).into_bytes());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in ["", "[]", "[{},{}]", "nonsense", "{\"model\":", "3"] {
            assert!(vertex_body(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn paths_name_the_publisher() {
        let path = |dialect, model, stream| hosted_request_path(dialect, Hosting::Vertex, model, stream);
        assert_eq!(
            path(Dialect::Anthropic, "claude-haiku-4-5@20251001", true),
            "/publishers/anthropic/models/claude-haiku-4-5@20251001:streamRawPredict"
        );
        assert_eq!(
            path(Dialect::Gemini, "gemini-2.5-pro", false),
            "/publishers/google/models/gemini-2.5-pro:generateContent"
        );
        assert_eq!(path(Dialect::Gemini, "endpoints/12", false), "/endpoints/12:generateContent");
        assert_eq!(hosted_request_path(Dialect::Anthropic, Hosting::Own, "m", true), "/v1/messages");
    }
}
