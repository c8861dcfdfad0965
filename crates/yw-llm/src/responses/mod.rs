//! The dialect of OpenAI's responses, which some other servers speak too.
//!
//! It differs from chat completions in that input and output are lists of items (messages, calls, results, thoughts), in
//! that every piece of a stream is an event of its own type, and in that OpenAI can keep the conversation. The gateway
//! keeps none: what a request refers to instead of saying it cannot be translated, and is refused.

mod answer;
mod decode;
mod encode;
mod events;
mod fields;
mod input;
mod media;
mod reasoning;
mod request;
mod stream;
mod tree;

pub(crate) use answer::encode_response;
pub use decode::{decode_error, decode_response};
pub use encode::encode_request;
pub(crate) use events::EventWriter;
pub(crate) use request::decode_request;
pub(crate) use stream::EventReader;

/// The path to append to a provider's base URL.
pub const REQUEST_PATH: &str = "/responses";
