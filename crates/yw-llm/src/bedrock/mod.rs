//! The dialect of Amazon Bedrock: Converse, which is the same for the models of every maker, and its binary streams.
//!
//! Signing a request is not here (`yw-gateway`).

mod content;
mod decode;
mod encode;
mod error;
mod frame;
mod model;
mod stream;
mod wire;

pub use decode::decode_response;
pub(crate) use encode::check_request;
pub use encode::encode_request;
pub use error::{decode_error, decode_named_error};
pub(crate) use frame::FrameDecoder;
pub use frame::{encode_exception_frame, encode_frame};
pub(crate) use stream::EventReader;

use crate::path::segment;

/// The path below a base URL such as `https://bedrock-runtime.us-east-1.amazonaws.com`.
pub(crate) fn request_path(model: &str, stream: bool) -> String {
    let method = if stream { "converse-stream" } else { "converse" };
    format!("/model/{}/{method}", segment(model, b""))
}
