//! Exchanges with providers, recorded on disk and played again without a network.
//!
//! A [`Recorder`] writes what was asked and answered, a [`Cassette`] reads it, a [`Player`] answers from it.
//!
//! # The format, version 1
//!
//! A file holds one JSON object a line, in the order in which the exchanges ended. Files of one folder are read in the
//! order of their names, `2026-11-23-4711.jsonl` for the day (UTC) and the process.
//!
//! ```json
//! {"v":1,"at":"2026-11-23T08:15:30.123456Z",
//!  "request":{"method":"POST","url":"https://api.openai.com/v1/chat/completions",
//!             "headers":[["authorization","***"],["content-type","application/json"]],
//!             "body":"{\"model\":\"gpt-5-mini\"}"},
//!  "response":{"status":200,"after_ms":312.5,"headers":[["content-type","text/event-stream"]],
//!              "body":[[312.7,"data: {}\n\n"],[340.1,{"base64":"/w=="}]]},
//!  "end":"complete"}
//! ```
//!
//! - `v` is 1. A reader refuses other versions; fields that it does not know it skips.
//! - `at` is when the request was sent; `after_ms` and the first number of each piece of `body` are milliseconds since then.
//! - A body, or a piece of one, is a text where it is UTF-8, else an object with its `base64`. Pieces are as they came from
//!   the network, so a character may be split between two.
//! - `end` is `complete`, or `cut` where the response did not come to its end. `response` is missing where none came.
//! - `***` stands where a secret was: the values of headers and query parameters that hold credentials, and every
//!   occurrence of a known secret anywhere, across the borders of pieces too.
//!
//! A last line that is not whole, of a process that was killed, is skipped.

mod canonical;
mod format;
mod load;
mod player;
mod recorder;
mod scrub;
#[cfg(test)]
mod tests;

pub use format::{Exchange, RecordedRequest, RecordedResponse};
pub use load::{Cassette, CassetteError};
pub use player::{Playback, Player};
pub use recorder::{Recorder, RecorderOptions, RecorderStats, Recording};
