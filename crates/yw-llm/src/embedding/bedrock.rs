//! Models of vectors on Amazon Bedrock: each maker has its own shape, below `invoke`.

use serde::{Deserialize, Serialize};

use super::{EmbeddingRequest, EmbeddingResponse, input_usage};
use crate::path::segment;
use crate::{DecodeError, RequestError};

/// The most texts in one call of Cohere's.
const MAX_COHERE_TEXTS: usize = 96;

pub(super) fn request_path(model: &str) -> String {
    format!("/model/{}/invoke", segment(model, b""))
}

pub(super) fn encode_requests(model: &str, request: &EmbeddingRequest) -> Result<Vec<Vec<u8>>, RequestError> {
    let texts = request.input.texts()?;
    let bodies = if model.contains("amazon.titan-embed-text") {
        texts.iter().map(|text| titan(model, text, request.dimensions)).collect()
    } else if model.contains("cohere.embed") {
        texts.chunks(MAX_COHERE_TEXTS).map(|texts| cohere(texts, request)).collect()
    } else {
        let message = format!("how to ask `{model}` for vectors is not known; use a Titan text or Cohere model");
        return Err(RequestError::at("model", message));
    };
    Ok(bodies)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Titan<'a> {
    input_text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
}

/// The body for one text; Titan takes no more.
fn titan(model: &str, text: &str, dimensions: Option<u32>) -> Vec<u8> {
    // The first version has one length only, and refuses the field.
    let dimensions = dimensions.filter(|_| !model.contains("titan-embed-text-v1"));
    serde_json::to_vec(&Titan { input_text: text, dimensions }).unwrap_or_default()
}

#[derive(Serialize)]
struct Cohere<'a> {
    texts: &'a [String],
    input_type: &'a str,
    embedding_types: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimension: Option<u32>,
}

fn cohere(texts: &[String], request: &EmbeddingRequest) -> Vec<u8> {
    let body = Cohere {
        texts,
        // The dialect demands one; clients of OpenAI's do not know it, and mostly fill an index.
        input_type: request.input_type.as_deref().unwrap_or("search_document"),
        embedding_types: ["float"],
        output_dimension: request.dimensions,
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

/// A reply of either maker.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    embedding: Option<Vec<f32>>,
    input_text_token_count: Option<u64>,
    embeddings: Option<Embeddings>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Embeddings {
    ByType { float: Vec<Vec<f32>> },
    Floats(Vec<Vec<f32>>),
}

pub(super) fn decode_response(body: &[u8]) -> Result<EmbeddingResponse, DecodeError> {
    let reply: Reply = serde_json::from_slice(body)?;
    let vectors = match (reply.embedding, reply.embeddings) {
        (Some(vector), _) => vec![vector],
        (None, Some(Embeddings::ByType { float } | Embeddings::Floats(float))) => float,
        (None, None) => return Err(DecodeError::Missing { path: "embedding" }),
    };
    Ok(EmbeddingResponse { model: String::new(), vectors, usage: reply.input_text_token_count.map(input_usage) })
}
