use std::sync::OnceLock;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use yw_llm::{ClientRequest, EmbeddingRequest, Peek, RequestError, decode_request, embedding, peek_request};
use yw_task::Dialect;

use crate::telemetry::TraceContext;

/// What a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// An answer of a model, whole or as a stream.
    Chat,
    /// Vectors of texts.
    Embeddings,
}

impl Operation {
    /// The word for records and telemetry.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Chat => "chat",
            Operation::Embeddings => "embeddings",
        }
    }
}

/// The longest name of a model.
const MAX_MODEL_BYTES: usize = 256;

/// A client's request, as it came.
#[derive(Debug)]
pub struct ClientCall {
    /// What is wanted.
    pub operation: Operation,
    /// The dialect that the client speaks; of embeddings always OpenAI's.
    pub client: Dialect,
    /// The body.
    pub body: Bytes,
    /// What was read off the body in passing.
    pub peek: Peek<'static>,
    /// Headers that go on to a provider of the same dialect, such as `anthropic-beta`. None of them is a secret.
    pub headers: HeaderMap,
    /// The call's place in its trace, which providers are told; none leaves them out of it.
    pub trace: Option<TraceContext>,
    /// The id of the call, letters and digits; becomes the id of translated answers.
    pub id: String,
    /// When it came, in seconds since 1970.
    pub created: u64,
    /// The request in the common form, read when a provider of another dialect is asked for the first time.
    decoded: OnceLock<Result<ClientRequest, RequestError>>,
    decoded_embedding: OnceLock<Result<EmbeddingRequest, RequestError>>,
}

impl ClientCall {
    /// A request in `client`'s dialect.
    ///
    /// # Errors
    /// If the body is not a JSON object that names a model.
    pub fn new(
        operation: Operation,
        client: Dialect,
        body: Bytes,
        id: String,
        created: u64,
    ) -> Result<Self, RequestError> {
        let peek = peek_request(client, &body)?.into_owned();
        // Names are kept: in records, metrics and routes. No model has one like this.
        if peek.model.len() > MAX_MODEL_BYTES || peek.model.chars().any(char::is_control) {
            let message =
                format!("`model` must be a name of at most {MAX_MODEL_BYTES} bytes, without control characters");
            return Err(RequestError::at("model", message));
        }
        Ok(ClientCall {
            operation,
            client,
            body,
            peek,
            headers: HeaderMap::new(),
            trace: None,
            id,
            created,
            decoded: OnceLock::new(),
            decoded_embedding: OnceLock::new(),
        })
    }

    /// The request in the common form.
    pub fn decoded(&self) -> Result<&ClientRequest, &RequestError> {
        self.decoded.get_or_init(|| decode_request(self.client, &self.body)).as_ref()
    }

    pub(super) fn decoded_embedding(&self) -> Result<&EmbeddingRequest, &RequestError> {
        self.decoded_embedding.get_or_init(|| embedding::decode_request(&self.body)).as_ref()
    }

    /// The names of the fields that were left out in translation; empty if the bytes passed through.
    pub fn dropped(&self) -> &[String] {
        match self.decoded.get() {
            Some(Ok(decoded)) => &decoded.dropped,
            _ => &[],
        }
    }
}
