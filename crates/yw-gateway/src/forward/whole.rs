//! Replies that come as a whole.

use bytes::Bytes;
use yw_llm::{
    AnswerHead, DecodeError, EmbeddingResponse, Finish, Response, TokenUsage, decode_response, embedding,
    encode_response, encode_response_as_stream, peek_response,
};
use yw_task::Dialect;

use super::prepare::Prepared;
use super::{ClientCall, Operation};

/// What was learned of an answer on its way.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) id: Option<String>,
    pub(super) model: Option<String>,
    pub(super) finish: Option<Finish>,
    pub(super) usage: Option<TokenUsage>,
}

/// The reply as the client gets it.
pub(super) fn answer(call: &ClientCall, prepared: &Prepared, reply: Bytes) -> Result<(Bytes, Facts), DecodeError> {
    match (call.operation, prepared.passes) {
        (_, true) => {
            let known = peek_response(prepared.dialect, &reply).ok_or(DecodeError::Missing { path: "object" })?;
            // What passes through is looked at as little as can be; these two no client could read as an answer.
            if known.has_error && call.operation == Operation::Chat {
                decode_response(prepared.dialect, &reply)?;
            }
            std::str::from_utf8(&reply).map_err(|error| DecodeError::Json(serde::de::Error::custom(error)))?;
            let some = |text: String| Some(text).filter(|text| !text.is_empty());
            let usage = match call.operation {
                Operation::Chat => known.usage,
                Operation::Embeddings => embedding::read_usage(&reply),
            };
            let facts = Facts { id: some(known.id), model: some(known.model), finish: None, usage };
            Ok((reply, facts))
        }
        (Operation::Embeddings, false) => vectors(call, prepared.dialect, &[reply]),
        (Operation::Chat, false) => {
            let response = decode_response(prepared.dialect, &reply)?;
            let head = head(call, &response.model);
            let bytes = match call.decoded() {
                Ok(client) => encode_response(call.client, client, &head, &response),
                Err(_) => return Err(DecodeError::Missing { path: "the request" }),
            };
            Ok((bytes.into(), facts(response)))
        }
    }
}

/// A whole reply as the stream that the client asked for: some servers do not stream, whatever they are asked.
pub(super) fn streamed(call: &ClientCall, prepared: &Prepared, reply: &[u8]) -> Result<(Bytes, Facts), DecodeError> {
    let response = decode_response(prepared.dialect, reply)?;
    let client = call.decoded().map_err(|_| DecodeError::Missing { path: "the request" })?;
    let body = encode_response_as_stream(call.client, client, head(call, &response.model), &response);
    Ok((body.unwrap_or_default().into(), facts(response)))
}

fn facts(response: Response) -> Facts {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    Facts { id: some(response.id), model: some(response.model), finish: Some(response.finish), usage: response.usage }
}

/// The vectors of several replies as one answer.
pub(super) fn vectors(call: &ClientCall, dialect: Dialect, replies: &[Bytes]) -> Result<(Bytes, Facts), DecodeError> {
    let request = call.decoded_embedding().map_err(|_| DecodeError::Missing { path: "the request" })?;
    let mut all: Option<EmbeddingResponse> = None;
    for reply in replies {
        let next = embedding::decode_response(dialect, reply)?;
        match &mut all {
            Some(all) => all.append(next),
            None => all = Some(next),
        }
    }
    let response = all.unwrap_or_default();
    let facts = Facts { usage: response.usage, ..Facts::default() };
    Ok((embedding::encode_response(&call.peek.model, request, &response).into(), facts))
}

/// What a translated answer carries that the provider's does not give.
pub(super) fn head(call: &ClientCall, model: &str) -> AnswerHead {
    let model = if model.is_empty() { call.peek.model.as_ref() } else { model };
    AnswerHead { id: call.id.clone(), created: call.created, model: model.to_owned() }
}
