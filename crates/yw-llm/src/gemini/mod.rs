//! The dialect of Gemini's `generateContent`, on Google's own address and on Vertex AI.
//!
//! Gemini signs what it thought and, from its third generation on, refuses calls of tools that come back without their
//! signature. How signatures travel through clients that know nothing of them is described in `signature.rs`.

mod decode;
mod encode;
mod error;
mod signature;
mod stream;
mod thinking;
mod wire;

pub use decode::decode_response;
pub(crate) use encode::check_request;
pub use encode::encode_request;
pub use error::{decode_error, retry_delay};
pub(crate) use signature::{is_own_signature, plain_call_id};
pub(crate) use stream::ChunkReader;

use crate::path::segment;

/// The path below a base URL such as `https://generativelanguage.googleapis.com/v1beta`.
pub(crate) fn request_path(model: &str, stream: bool) -> String {
    let method = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
    format!("{}:{method}", model_path(model))
}

/// The path of a model: `models/` unless its name says that it is tuned or deployed.
pub(crate) fn model_path(model: &str) -> String {
    let (folder, name) = match model.split_once('/') {
        Some((folder @ ("models" | "tunedModels" | "endpoints"), name)) => (folder, name),
        _ => ("models", model),
    };
    format!("/{folder}/{}", segment(name, b"@"))
}
