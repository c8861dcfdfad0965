//! Gemini's `batchEmbedContents`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{EmbeddingRequest, EmbeddingResponse, input_usage};
use crate::gemini::{decode_error, model_path};
use crate::{DecodeError, RequestError};

/// The most texts in one call.
const MAX_TEXTS: usize = 100;

pub(super) fn request_path(model: &str) -> String {
    format!("{}:batchEmbedContents", model_path(model))
}

#[derive(Serialize)]
struct Body<'a> {
    requests: Vec<One<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct One<'a> {
    model: &'a str,
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<u32>,
}

#[derive(Serialize)]
struct Content<'a> {
    parts: [Part<'a>; 1],
}

#[derive(Serialize)]
struct Part<'a> {
    text: &'a str,
}

pub(super) fn encode_requests(model: &str, request: &EmbeddingRequest) -> Result<Vec<Vec<u8>>, RequestError> {
    let texts = request.input.texts()?;
    let model = if model.contains('/') { Cow::Borrowed(model) } else { Cow::Owned(format!("models/{model}")) };
    let task_type = request.input_type.as_deref().map(task_type);
    let mut bodies = Vec::with_capacity(texts.len().div_ceil(MAX_TEXTS));
    for texts in texts.chunks(MAX_TEXTS) {
        let requests = texts.iter().map(|text| One {
            model: &model,
            content: Content { parts: [Part { text }] },
            task_type,
            output_dimensionality: request.dimensions,
        });
        let requests = requests.collect();
        // Texts and numbers only: there is nothing to fail.
        bodies.push(serde_json::to_vec(&Body { requests }).unwrap_or_default());
    }
    Ok(bodies)
}

/// Cohere's words, which other servers use too, as Gemini's; Gemini's own stay.
fn task_type(input_type: &str) -> &str {
    match input_type {
        "search_query" | "query" => "RETRIEVAL_QUERY",
        "search_document" | "document" | "passage" => "RETRIEVAL_DOCUMENT",
        "classification" => "CLASSIFICATION",
        "clustering" => "CLUSTERING",
        other => other,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    embeddings: Option<Vec<Embedding>>,
    usage_metadata: Option<UsageMetadata>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Embedding {
    values: Vec<f32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UsageMetadata {
    prompt_token_count: Option<u64>,
    total_token_count: Option<u64>,
}

pub(super) fn decode_response(body: &[u8]) -> Result<EmbeddingResponse, DecodeError> {
    let reply: Reply = serde_json::from_slice(body)?;
    if reply.error.is_some() {
        return Err(DecodeError::Provider(decode_error(0, body)));
    }
    let embeddings = reply.embeddings.ok_or(DecodeError::Missing { path: "embeddings" })?;
    let tokens = reply.usage_metadata.and_then(|usage| usage.prompt_token_count.or(usage.total_token_count));
    Ok(EmbeddingResponse {
        model: String::new(),
        vectors: embeddings.into_iter().map(|embedding| embedding.values).collect(),
        usage: tokens.map(input_usage),
    })
}
