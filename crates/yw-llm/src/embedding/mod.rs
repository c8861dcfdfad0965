//! Texts as vectors: what clients ask (`/v1/embeddings`), and how each dialect is asked.
//!
//! Some providers take fewer texts at once than clients send, so that one request becomes several calls
//! ([`encode_requests`]), whose replies are put together again with [`EmbeddingResponse::append`].

mod bedrock;
mod client;
mod gemini;
mod openai;

use yw_task::Dialect;

pub use client::{decode_request, encode_response};
pub use openai::read_usage;

use crate::{DecodeError, RequestError, TokenUsage};

/// What a client wants as vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingRequest {
    /// The model, as the client names it.
    pub model: String,
    /// The texts.
    pub input: EmbeddingInput,
    /// The length of the vectors; none leaves it to the model.
    pub dimensions: Option<u32>,
    /// How the client wants its vectors written.
    pub format: EmbeddingFormat,
    /// What the vectors are for, such as `search_query`, where the client says so; Cohere and Gemini care.
    pub input_type: Option<String>,
    /// The end user on whose behalf is asked, as the client names them.
    pub user: Option<String>,
}

/// The texts of an embedding request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbeddingInput {
    /// As text.
    Texts(Vec<String>),
    /// As tokens of the model.
    Tokens(Vec<Vec<u32>>),
}

impl EmbeddingInput {
    /// How many texts there are.
    pub fn len(&self) -> usize {
        match self {
            EmbeddingInput::Texts(texts) => texts.len(),
            EmbeddingInput::Tokens(lists) => lists.len(),
        }
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The texts; an error where they are tokens, which only the OpenAI dialect takes.
    fn texts(&self) -> Result<&[String], RequestError> {
        match self {
            EmbeddingInput::Texts(texts) => Ok(texts),
            EmbeddingInput::Tokens(_) => {
                Err(RequestError::at("input", "the provider of this model takes no tokens; send the texts instead"))
            }
        }
    }
}

/// How vectors are written to a client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EmbeddingFormat {
    /// As an array of numbers.
    #[default]
    Float,
    /// As base64 of little-endian 32-bit floats.
    Base64,
}

/// The vectors of a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EmbeddingResponse {
    /// The model, as the provider names it; empty where it does not.
    pub model: String,
    /// One vector for each text, in the order of the texts.
    pub vectors: Vec<Vec<f32>>,
    /// The tokens read; none where the body does not say. Amazon says it of Cohere's models in the header
    /// `x-amzn-bedrock-input-token-count` only.
    pub usage: Option<TokenUsage>,
}

impl EmbeddingResponse {
    /// Adds the reply of the next call of the same request. The usage is known only if it is of both.
    pub fn append(&mut self, next: EmbeddingResponse) {
        self.vectors.extend(next.vectors);
        self.usage = match (self.usage, next.usage) {
            (Some(usage), Some(more)) => Some(input_usage(usage.input_tokens.saturating_add(more.input_tokens))),
            _ => None,
        };
    }
}

/// Usage of an embedding: there is nothing but input.
fn input_usage(input_tokens: u64) -> TokenUsage {
    TokenUsage { input_tokens, ..TokenUsage::default() }
}

/// The path to append to a provider's base URL for vectors of `model`.
///
/// # Errors
/// If the dialect has no vectors.
pub fn request_path(dialect: Dialect, model: &str) -> Result<String, RequestError> {
    match dialect {
        Dialect::OpenAi | Dialect::Responses => Ok(openai::REQUEST_PATH.to_owned()),
        Dialect::Gemini => Ok(gemini::request_path(model)),
        Dialect::Bedrock => Ok(bedrock::request_path(model)),
        Dialect::Anthropic => Err(no_vectors(dialect)),
    }
}

/// The bodies of the calls that together answer `request`, in order; at least one.
///
/// # Errors
/// If the dialect has no vectors, or not for such input, or if the model is of a maker whose shape is not known.
pub fn encode_requests(
    dialect: Dialect,
    model: &str,
    request: &EmbeddingRequest,
) -> Result<Vec<Vec<u8>>, RequestError> {
    match dialect {
        Dialect::OpenAi | Dialect::Responses => Ok(vec![openai::encode_request(model, request)]),
        Dialect::Gemini => gemini::encode_requests(model, request),
        Dialect::Bedrock => bedrock::encode_requests(model, request),
        Dialect::Anthropic => Err(no_vectors(dialect)),
    }
}

/// Reads the reply of one call.
pub fn decode_response(dialect: Dialect, body: &[u8]) -> Result<EmbeddingResponse, DecodeError> {
    match dialect {
        Dialect::OpenAi | Dialect::Responses | Dialect::Anthropic => openai::decode_response(body),
        Dialect::Gemini => gemini::decode_response(body),
        Dialect::Bedrock => bedrock::decode_response(body),
    }
}

fn no_vectors(dialect: Dialect) -> RequestError {
    RequestError::at("model", format!("providers of the dialect `{dialect}` have no embeddings; choose another model"))
}
