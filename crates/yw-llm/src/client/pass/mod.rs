//! Requests and replies that pass through in their own dialect: what must be known of them is read without building a
//! tree, and what must change is cut in, so that every other byte stays.

mod filter;
mod peek;
mod reply;

pub use filter::UsageChunkFilter;
pub use peek::{Peek, ask_for_usage, peek_request, replace_model, rewrite_request};
pub use reply::{ReplyHead, decode_usage, encode_usage, peek_response, read_usage};
