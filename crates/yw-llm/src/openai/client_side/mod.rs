//! Clients that speak chat completions.

mod chunks;
mod content;
mod conversation;
mod request;
mod response;

pub(crate) use chunks::ChunkWriter;
pub(crate) use request::decode_request;
pub(crate) use response::encode_response;

use crate::{ClientRequest, Finish};

/// The mark in [`ClientRequest::echo`] of a client that knows functions, not tools.
const LEGACY_FUNCTIONS: &str = "functions";

fn knows_functions_only(client: &ClientRequest) -> bool {
    client.echo.contains_key(LEGACY_FUNCTIONS)
}

/// The word for the end of an answer; the SDKs know these and no others.
fn finish_word(finish: &Finish, has_calls: bool, legacy: bool) -> &'static str {
    match finish {
        Finish::Length => "length",
        Finish::Refused => "content_filter",
        Finish::ToolCalls | Finish::Other(_) if has_calls => {
            if legacy {
                "function_call"
            } else {
                "tool_calls"
            }
        }
        Finish::ToolCalls | Finish::Stop | Finish::Other(_) => "stop",
    }
}
