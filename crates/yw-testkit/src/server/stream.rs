//! Streams: events in their frames, and the faults that break them.

use std::mem;

use serde_json::Value;
use yw_task::Dialect;

use super::response::{Piece, Response};
use crate::dialect::{self, Completion, Event};
use crate::eventstream;
use crate::fault::Fault;
use crate::request::ChatRequest;

pub(super) const SSE: &str = "text/event-stream";

/// What scripted errors say.
pub(super) const ERROR_MESSAGE: &str = "a scripted error";

/// Stands in the content where [`Fault::InvalidUtf8`] is to break it; three bytes long in UTF-8.
pub(super) const INVALID_MARK: &str = "\u{fffd}";

/// The reply to a chat request as a stream, with what the fault does to its events.
pub(super) fn response(request: &ChatRequest, completion: &Completion, fault: Option<&Fault>) -> Response {
    let mut events = dialect::events(request, completion);
    let framing = Framing::of(request, fault);
    if let Some(fault) = fault {
        break_events(&mut events, request.dialect, framing, fault);
    }
    let n_events = events.len();
    let mut n_content = 0;
    let pieces = events.into_iter().enumerate().map(|(idx, event)| {
        n_content += usize::from(event.is_content);
        Piece { bytes: framing.frame(&event, idx, idx + 1 == n_events), n_content, ..Piece::default() }
    });
    let mut response = Response::json(200, &Value::Null);
    response.pieces = pieces.collect();
    response.content_type = framing.content_type();
    response.headers.push(("cache-control".to_owned(), "no-cache".to_owned()));
    response.chunked = true;
    response
}

fn break_events(events: &mut Vec<Event>, dialect: Dialect, framing: Framing, fault: &Fault) {
    let middle = events.len() / 2;
    match fault {
        Fault::ErrorInReply => fail_at(events, dialect, middle),
        Fault::ErrorAfterContent(n) => {
            let content = events.iter().enumerate().filter(|(_, event)| event.is_content);
            let at = content.map(|(idx, _)| idx).nth(*n).unwrap_or(events.len() - 1);
            fail_at(events, dialect, at);
        }
        Fault::MalformedJson => {
            let data = &mut events[middle].data;
            data.truncate(data.len() * 2 / 3);
        }
        Fault::InvalidUtf8 => {
            let _ = events.iter_mut().any(|event| break_utf8(&mut event.data));
        }
        Fault::HugeEvent(n_bytes) => pad(&mut events[middle].data, *n_bytes),
        Fault::HugeBody(n_bytes) if framing.content_type() != SSE => pad(&mut events[0].data, *n_bytes),
        Fault::NoEnd => drop(events.pop()),
        _ => {}
    }
}

/// An error comes instead of the event at `at` and of all after it.
fn fail_at(events: &mut Vec<Event>, dialect: Dialect, at: usize) {
    events.truncate(at);
    events.push(dialect::error_event(dialect, ERROR_MESSAGE, at));
}

/// Overwrites the first [`INVALID_MARK`] with bytes that never stand in UTF-8; false if there is none.
pub(super) fn break_utf8(data: &mut [u8]) -> bool {
    let mark = INVALID_MARK.as_bytes();
    let at = data.windows(mark.len()).position(|w| w == mark);
    if let Some(at) = at {
        data[at..at + mark.len()].fill(0xff);
    }
    at.is_some()
}

/// White space inside a JSON object.
pub(super) fn pad(data: &mut Vec<u8>, n_bytes: usize) {
    let rest = data.split_off(data.len().min(1));
    data.resize(data.len() + n_bytes, b' ');
    data.extend(rest);
}

/// How events are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// Server-sent events.
    Sse,
    /// The same in the least usual way that the standard allows.
    OddSse,
    /// Binary frames.
    EventStream,
    /// A JSON list.
    List,
}

impl Framing {
    fn of(request: &ChatRequest, fault: Option<&Fault>) -> Self {
        match request.dialect {
            Dialect::Bedrock => Framing::EventStream,
            Dialect::Gemini if !request.sse => Framing::List,
            _ if matches!(fault, Some(Fault::OddEvents)) => Framing::OddSse,
            _ => Framing::Sse,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Framing::Sse | Framing::OddSse => SSE,
            Framing::EventStream => "application/vnd.amazon.eventstream",
            Framing::List => "application/json",
        }
    }

    fn frame(self, event: &Event, event_idx: usize, is_last: bool) -> Vec<u8> {
        match self {
            Framing::Sse => {
                let mut frame = Vec::with_capacity(event.data.len() + event.name.len() + 20);
                if !event.name.is_empty() {
                    frame.extend_from_slice(format!("event: {}\n", event.name).as_bytes());
                }
                frame.extend_from_slice(b"data: ");
                frame.extend_from_slice(&event.data);
                frame.extend_from_slice(b"\n\n");
                frame
            }
            Framing::OddSse => odd_sse(event),
            Framing::EventStream => eventstream::frame(event.name, &event.data),
            Framing::List => {
                let (before, after): (&[u8], &[u8]) =
                    (if event_idx == 0 { b"[" } else { b",\r\n" }, if is_last { b"]" } else { b"" });
                [before, &event.data, after].concat()
            }
        }
    }
}

/// CRLF, a comment and an unknown field, no space after `data:`, and the payload over two lines.
fn odd_sse(event: &Event) -> Vec<u8> {
    let mut frame = b": a comment\r\nid:7\r\nretry: 3000\r\nunknown\r\n".to_vec();
    if !event.name.is_empty() {
        frame.extend_from_slice(format!("event:{}\r\n", event.name).as_bytes());
    }
    let mut data = event.data.clone();
    if data.starts_with(b"{") {
        // A line break may stand after the brace, and nothing else is known to be outside of a string.
        let rest = data.split_off(1);
        let first = mem::replace(&mut data, rest);
        frame.extend_from_slice(&[b"data: ", first.as_slice(), b"\r\n"].concat());
    }
    frame.extend_from_slice(&[b"data:", data.as_slice(), b"\r\n\r\n"].concat());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(data: &str) -> Event {
        Event { name: "delta", data: data.as_bytes().to_vec(), is_content: true }
    }

    #[test]
    fn odd_events_mean_the_same() {
        let frame = String::from_utf8(odd_sse(&event("{\"a\":1}"))).unwrap();
        assert!(frame.ends_with("event:delta\r\ndata: {\r\ndata:\"a\":1}\r\n\r\n"), "{frame}");
        let done = String::from_utf8(odd_sse(&event("[DONE]"))).unwrap();
        assert!(done.ends_with("data:[DONE]\r\n\r\n"), "{done}");
    }

    #[test]
    fn padding_stays_inside() {
        let mut data = b"{\"a\":1}".to_vec();
        pad(&mut data, 3);
        assert_eq!(data, b"{   \"a\":1}");
    }

    #[test]
    fn a_list_is_one_value() {
        let frames: Vec<Vec<u8>> = (0..3).map(|idx| Framing::List.frame(&event("{}"), idx, idx == 2)).collect();
        let list: Value = serde_json::from_slice(&frames.concat()).unwrap();
        assert_eq!(list.as_array().map(Vec::len), Some(3));
    }
}
