//! The dialect of Anthropic's messages.

mod decode;
mod encode;
mod stream;

pub use decode::{decode_error, decode_response};
pub use encode::encode_request;
pub(crate) use stream::EventReader;

/// The path below a base URL such as `https://api.anthropic.com`.
pub const REQUEST_PATH: &str = "/v1/messages";

/// The version of the interface, for the header `anthropic-version`.
pub const VERSION: &str = "2023-06-01";
