//! The dialect of OpenAI's chat completions, which most other servers speak too.

mod decode;
mod encode;
mod stream;

pub use decode::{decode_error, decode_response};
pub use encode::encode_request;
pub(crate) use stream::ChunkReader;

/// The path below a base URL such as `https://api.openai.com/v1`.
pub const REQUEST_PATH: &str = "/chat/completions";
