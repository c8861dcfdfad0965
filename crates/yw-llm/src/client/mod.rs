//! The other side of the dialects: what clients ask of us, and how our answers look to them.
//!
//! [`decode_request`] reads what a client sent. Its answer goes back as a whole ([`encode_response`]), as a stream
//! ([`StreamEncoder`]) or as an error ([`encode_error`]), in the client's dialect whatever the provider spoke.

mod error;
pub(crate) mod fields;
mod pass;
mod stream;

use yw_task::Dialect;

pub use error::{ClientError, ClientErrorKind, RequestError, encode_error, encode_error_event};
pub use pass::{
    Peek, ReplyHead, UsageChunkFilter, ask_for_usage, decode_usage, encode_usage, peek_request, peek_response,
    read_usage, replace_model, rewrite_request,
};
pub use stream::{StreamEncoder, encode_response_as_stream};

use crate::{CacheTime, Request, Response, anthropic, openai, responses};

/// What a client asks, with what shapes the answer to it.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientRequest {
    /// The model, as the client names it.
    pub model: String,
    /// What is asked.
    pub request: Request,
    /// Whether the answer is to be a stream.
    pub stream: bool,
    /// Whether a stream of chat completions is to end with the usage.
    pub include_usage: bool,
    /// What of the request is repeated in the answer (responses dialect), as JSON members; else empty.
    pub echo: serde_json::Map<String, serde_json::Value>,
    /// The fields that were understood and cannot be said in another dialect, by name; a client is told of them.
    pub dropped: Vec<String>,
}

/// What an answer carries that no provider gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerHead {
    /// The id of the answer, without the prefix of a dialect; letters and digits.
    pub id: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// The model to name in the answer.
    pub model: String,
}

/// Reads the body of a request in one of the dialects that clients speak: chat completions, responses, messages.
/// Others are refused.
pub fn decode_request(dialect: Dialect, body: &[u8]) -> Result<ClientRequest, RequestError> {
    match dialect {
        Dialect::OpenAi => openai::decode_request(body),
        Dialect::Responses => responses::decode_request(body),
        Dialect::Anthropic => anthropic::decode_request(body),
        Dialect::Gemini | Dialect::Bedrock => Err(RequestError::not_spoken(dialect)),
    }
}

/// The body of a whole answer, in the dialect of the client. Dialects that clients cannot speak give an empty object.
pub fn encode_response(dialect: Dialect, client: &ClientRequest, head: &AnswerHead, response: &Response) -> Vec<u8> {
    match dialect {
        Dialect::OpenAi => openai::encode_response(client, head, response),
        Dialect::Responses => responses::encode_response(client, head, response),
        Dialect::Anthropic => anthropic::encode_response(head, response),
        Dialect::Gemini | Dialect::Bedrock => b"{}".to_vec(),
    }
}

/// The `cache_control` of a part or tool, as Anthropic marks cache points.
pub(crate) fn cache_control(wire: &mut fields::Fields) -> Result<Option<CacheTime>, RequestError> {
    let Some(mut mark) = wire.object("cache_control")? else { return Ok(None) };
    let is_hour = mark.text("ttl")?.is_some_and(|time| time == "1h");
    Ok(Some(if is_hour { CacheTime::Hour } else { CacheTime::Short }))
}
