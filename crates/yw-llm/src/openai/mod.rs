//! The dialect of OpenAI's chat completions, which most other servers speak too.

mod client_side;
mod decode;
mod details;
mod encode;
mod messages;
mod stream;
mod usage;
mod wire;

pub(crate) use client_side::{ChunkWriter, decode_request, encode_response};
pub use decode::{decode_error, decode_response};
pub use encode::encode_request;
pub(crate) use messages::CacheControl;
pub(crate) use stream::ChunkReader;
pub(crate) use usage::{ClientUsage, WireUsage};

/// The path below a base URL such as `https://api.openai.com/v1`.
pub const REQUEST_PATH: &str = "/chat/completions";
