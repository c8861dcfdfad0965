//! From a client's request to a provider's.

use bytes::Bytes;
use reqwest::Url;
use reqwest::header::HeaderMap;
use yw_llm::{
    EncodeOptions, Hosting, RequestError, check_request, embedding, encode_request, rewrite_request, vertex_body,
};
use yw_task::{Dialect, ModelRef};

use super::{ClientCall, Operation};
use crate::provider::Provider;

/// A request as the provider gets it.
#[derive(Debug)]
pub(super) struct Prepared {
    /// What the provider speaks.
    pub(super) dialect: Dialect,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// One, or for vectors from some providers several.
    pub(super) bodies: Vec<Bytes>,
    /// Whether the bytes pass through, because the client speaks the same.
    pub(super) passes: bool,
    /// Whether the usage at the end of the stream was asked for by us, and is not for the client.
    pub(super) hides_usage: bool,
}

/// The request of `call` to one model of `provider`.
pub(super) fn prepare(provider: &Provider, call: &ClientCall, model: &ModelRef) -> Result<Prepared, RequestError> {
    let dialect = provider.dialect_for(call.client, &model.model);
    let passes = dialect == call.client;
    let stream = call.peek.stream;
    // A provider of the dialect says so itself. Requests to count tokens, which have no limit, do not come here.
    if !passes && call.client == Dialect::Anthropic && call.peek.max_tokens.is_none() {
        return Err(RequestError::at("max_tokens", "max_tokens: Field required"));
    }
    let mut hides_usage = false;
    let bodies: Vec<Bytes> = match (call.operation, passes) {
        (_, true) => {
            hides_usage = call.operation == Operation::Chat && stream && !call.peek.has_stream_usage;
            let body = rewrite_request(&call.body, &call.peek, Some(&model.model), hides_usage);
            vec![match provider.config.encoding.hosting {
                Hosting::Own => body.into(),
                Hosting::Vertex => vertex_body(&body)?.into(),
            }]
        }
        (Operation::Embeddings, false) => {
            let request = call.decoded_embedding().map_err(Clone::clone)?;
            embedding::encode_requests(dialect, &model.model, request)?.into_iter().map(Bytes::from).collect()
        }
        (Operation::Chat, false) => {
            let options = EncodeOptions { stream, ..provider.config.encoding };
            let decoded = call.decoded().map_err(Clone::clone)?;
            check_request(dialect, &decoded.request)?;
            vec![encode_request(dialect, &model.model, &decoded.request, &options).into()]
        }
    };
    let mut headers = provider.headers(dialect).clone();
    if passes {
        headers.extend(call.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    if let Some(trace) = &call.trace {
        trace.write(&mut headers);
    }
    let url = match call.operation {
        Operation::Chat => provider.chat_url(dialect, &model.model, stream),
        Operation::Embeddings => provider.embeddings_url(dialect, &model.model)?,
    };
    Ok(Prepared { dialect, url, headers, bodies, passes, hides_usage })
}
