//! The OpenAI dialect, which most servers of vectors speak.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{EmbeddingInput, EmbeddingRequest, EmbeddingResponse, input_usage};
use crate::{DecodeError, TokenUsage, openai};

/// The path below a base URL such as `https://api.openai.com/v1`.
pub(super) const REQUEST_PATH: &str = "/embeddings";

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    input: Input<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
    encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Input<'a> {
    Texts(&'a [String]),
    Tokens(&'a [Vec<u32>]),
}

/// The body of one call. Numbers are asked for, since not every server knows base64.
pub(super) fn encode_request(model: &str, request: &EmbeddingRequest) -> Vec<u8> {
    let body = Body {
        model,
        input: match &request.input {
            EmbeddingInput::Texts(texts) => Input::Texts(texts),
            EmbeddingInput::Tokens(lists) => Input::Tokens(lists),
        },
        dimensions: request.dimensions,
        encoding_format: "float",
        input_type: request.input_type.as_deref(),
        user: request.user.as_deref(),
    };
    // Texts and numbers only: there is nothing to fail.
    serde_json::to_vec(&body).unwrap_or_default()
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    data: Option<Vec<Item<'a>>>,
    model: Option<String>,
    usage: Option<Usage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Item<'a> {
    index: Option<usize>,
    #[serde(borrow)]
    embedding: &'a RawValue,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u64>,
    total_tokens: Option<u64>,
}

impl Usage {
    fn total(&self) -> Option<TokenUsage> {
        self.prompt_tokens.or(self.total_tokens).map(input_usage)
    }
}

pub(super) fn decode_response(body: &[u8]) -> Result<EmbeddingResponse, DecodeError> {
    let reply: Reply<'_> = serde_json::from_slice(body)?;
    if let Some(error) = reply.error {
        let error = serde_json::json!({ "error": error }).to_string();
        return Err(DecodeError::Provider(openai::decode_error(0, error.as_bytes())));
    }
    let mut items = reply.data.ok_or(DecodeError::Missing { path: "data" })?;
    // In the order of the texts, whatever the order on the wire.
    items.sort_by_key(|item| item.index.unwrap_or(usize::MAX));
    let vectors = items.iter().map(|item| read_vector(item.embedding)).collect::<Result<_, _>>()?;
    let usage = reply.usage.and_then(|usage| usage.total());
    Ok(EmbeddingResponse { model: reply.model.unwrap_or_default(), vectors, usage })
}

/// A vector, as numbers or as base64 of little-endian floats.
fn read_vector(vector: &RawValue) -> Result<Vec<f32>, serde_json::Error> {
    if !vector.get().starts_with('"') {
        return serde_json::from_str(vector.get());
    }
    let text: String = serde_json::from_str(vector.get())?;
    let bytes = STANDARD.decode(text).map_err(Error::custom)?;
    let (floats, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(Error::custom("the bytes of a vector are not 32-bit floats"));
    }
    Ok(floats.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// The usage in the body of a reply in the OpenAI dialect, without reading its vectors; for replies that are passed on.
pub fn read_usage(body: &[u8]) -> Option<TokenUsage> {
    #[derive(Deserialize)]
    struct Tail {
        #[serde(rename = "data")]
        _data: Option<IgnoredAny>,
        usage: Option<Usage>,
    }
    serde_json::from_slice::<Tail>(body).ok()?.usage?.total()
}
