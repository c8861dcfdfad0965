//! The dialect of Anthropic's messages.

mod client_side;
mod decode;
mod encode;
mod generation;
mod messages;
mod stream;
mod thinking;
mod usage;
mod wire;

pub(crate) use client_side::{EventWriter, decode_request, encode_response};
pub use decode::{decode_error, decode_response};
pub use encode::encode_request;
pub(crate) use messages::input;
pub(crate) use stream::EventReader;
pub(crate) use usage::{ClientUsage, UsageCounts, WireUsage};

/// The path below a base URL such as `https://api.anthropic.com`.
pub const REQUEST_PATH: &str = "/v1/messages";

/// The version of the interface, for the header `anthropic-version`.
pub const VERSION: &str = "2023-06-01";
