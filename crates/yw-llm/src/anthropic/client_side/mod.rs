//! Clients that speak messages.

mod blocks;
mod conversation;
mod events;
mod request;
mod response;

pub(crate) use events::EventWriter;
pub(crate) use request::decode_request;
pub(crate) use response::encode_response;

use crate::Finish;

/// The word for the end of an answer; the SDKs know these and no others.
fn stop_word(finish: &Finish, has_stop_sequence: bool, has_calls: bool) -> &'static str {
    match finish {
        Finish::Length => "max_tokens",
        Finish::Refused => "refusal",
        Finish::Other(word) if word == "pause_turn" => "pause_turn",
        Finish::ToolCalls | Finish::Other(_) if has_calls => "tool_use",
        _ if has_stop_sequence => "stop_sequence",
        _ => "end_turn",
    }
}
