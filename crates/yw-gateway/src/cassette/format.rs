//! An exchange, and the line that holds it.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The version that is written and read.
const VERSION: u32 = 1;

/// What was asked and answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// When the request was sent.
    pub at: Timestamp,
    /// What was asked.
    pub request: RecordedRequest,
    /// What was answered; none if nothing came.
    pub response: Option<RecordedResponse>,
    /// Whether the response came to its end.
    pub is_complete: bool,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRequest {
    /// The HTTP method.
    pub method: String,
    /// The whole address, secrets removed.
    pub url: String,
    /// Names and values in the order sent, secrets removed.
    pub headers: Vec<(String, String)>,
    /// The body, secrets removed.
    pub body: Bytes,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedResponse {
    /// The HTTP status.
    pub status: u16,
    /// From the request to the headers.
    pub after: Duration,
    /// Names and values in the order received, secrets removed.
    pub headers: Vec<(String, String)>,
    /// The pieces of the body, each with the time from the request to its arrival.
    pub body: Vec<(Duration, Bytes)>,
}

/// Why a line is not an exchange.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    #[error("it is version {0}, and this program reads version {VERSION}")]
    Version(u32),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("the {0} is not base64")]
    Base64(&'static str),
}

/// The exchange as a line, without the line end.
pub(super) fn to_line(exchange: &Exchange) -> serde_json::Result<Vec<u8>> {
    let request = &exchange.request;
    serde_json::to_vec(&Line {
        v: VERSION,
        at: exchange.at,
        request: RequestLine {
            method: Cow::Borrowed(&request.method),
            url: Cow::Borrowed(&request.url),
            headers: Cow::Borrowed(&request.headers),
            body: Body::new(&request.body),
        },
        response: exchange.response.as_ref().map(|response| ResponseLine {
            status: response.status,
            after_ms: milliseconds(response.after),
            headers: Cow::Borrowed(&response.headers),
            body: response.body.iter().map(|(at, piece)| (milliseconds(*at), Body::new(piece))).collect(),
        }),
        end: if exchange.is_complete { End::Complete } else { End::Cut },
    })
}

/// Reads a line.
pub(super) fn from_line(line: &[u8]) -> Result<Exchange, LineError> {
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    // A later version may have anything in its other fields.
    let Version { v } = serde_json::from_slice(line)?;
    if v != VERSION {
        return Err(LineError::Version(v));
    }
    let line: Line<'_> = serde_json::from_slice(line)?;
    let response = line.response.map(|response| {
        let pieces = response.body.into_iter().map(|(at, piece)| Ok((duration(at), piece.bytes("response's body")?)));
        Ok::<_, LineError>(RecordedResponse {
            status: response.status,
            after: duration(response.after_ms),
            headers: response.headers.into_owned(),
            body: pieces.collect::<Result<_, LineError>>()?,
        })
    });
    Ok(Exchange {
        at: line.at,
        request: RecordedRequest {
            method: line.request.method.into_owned(),
            url: line.request.url.into_owned(),
            headers: line.request.headers.into_owned(),
            body: line.request.body.bytes("request's body")?,
        },
        response: response.transpose()?,
        is_complete: matches!(line.end, End::Complete),
    })
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    v: u32,
    at: Timestamp,
    request: RequestLine<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response: Option<ResponseLine<'a>>,
    end: End,
}

#[derive(Serialize, Deserialize)]
struct RequestLine<'a> {
    method: Cow<'a, str>,
    url: Cow<'a, str>,
    headers: Cow<'a, [(String, String)]>,
    body: Body<'a>,
}

#[derive(Serialize, Deserialize)]
struct ResponseLine<'a> {
    status: u16,
    after_ms: f64,
    headers: Cow<'a, [(String, String)]>,
    body: Vec<(f64, Body<'a>)>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum End {
    Complete,
    Cut,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Body<'a> {
    Text(Cow<'a, str>),
    Other { base64: String },
}

impl<'a> Body<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Body::Text(Cow::Borrowed(text)),
            Err(_) => Body::Other { base64: STANDARD.encode(bytes) },
        }
    }

    fn bytes(self, what: &'static str) -> Result<Bytes, LineError> {
        match self {
            Body::Text(text) => Ok(text.into_owned().into()),
            Body::Other { base64 } => STANDARD.decode(base64).map(Bytes::from).map_err(|_| LineError::Base64(what)),
        }
    }
}

/// To a microsecond, which keeps the lines short.
fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1e3
}

fn duration(milliseconds: f64) -> Duration {
    let micros = (milliseconds * 1e3).round();
    if micros.is_finite() && micros > 0.0 { Duration::from_micros(micros as u64) } else { Duration::ZERO }
}
