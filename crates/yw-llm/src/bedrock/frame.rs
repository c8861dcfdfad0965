//! Amazon's binary event stream (`application/vnd.amazon.eventstream`).
//!
//! A frame is: its length and that of its headers (big-endian `u32` each), the CRC-32 of these eight bytes, the headers, the
//! payload, and the CRC-32 of everything before. A header is: the length of its name (one byte), the name, the type of its
//! value (one byte), the value. Headers that matter are strings, with a `u16` length.

use crate::{SseEvent, StreamError};

const PRELUDE_BYTES: usize = 12;
const CRC_BYTES: usize = 4;
/// More than Amazon allows a frame to have.
const MAX_FRAME_BYTES: usize = 24 << 20;
const STRING: u8 = 7;

/// In the name of an event: it is not one, but a failure.
pub(super) const EXCEPTION: &str = "!";

/// Splits a stream of bytes into events.
#[derive(Debug, Default)]
pub(crate) struct FrameDecoder {
    /// The bytes of a frame that has not ended.
    buffer: Vec<u8>,
}

impl FrameDecoder {
    /// Takes the next bytes and returns the events that they complete: their type as the name, `!` before it for a failure,
    /// and their payload as the data.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<SseEvent>, StreamError> {
        self.buffer.extend_from_slice(bytes);
        let mut events = Vec::new();
        let mut n_read = 0;
        while let Some(length) = frame_length(&self.buffer[n_read..])? {
            let Some(frame) = self.buffer.get(n_read..n_read + length) else {
                break;
            };
            events.extend(read_frame(frame)?);
            n_read += length;
        }
        self.buffer.drain(..n_read);
        Ok(events)
    }
}

/// The length of the frame at the start of `bytes`, once its prelude is there.
fn frame_length(bytes: &[u8]) -> Result<Option<usize>, StreamError> {
    let Some(prelude) = bytes.get(..PRELUDE_BYTES) else {
        return Ok(None);
    };
    check_crc(prelude)?;
    let length = number(prelude, 0);
    if length > MAX_FRAME_BYTES {
        return Err(StreamError::TooLong { limit: MAX_FRAME_BYTES });
    }
    if length < PRELUDE_BYTES + CRC_BYTES + number(prelude, 4) {
        return Err(StreamError::Corrupt { reason: "a frame is shorter than its headers" });
    }
    Ok(Some(length))
}

/// The event in a whole frame; none for frames of other kinds, which do not exist yet.
fn read_frame(frame: &[u8]) -> Result<Option<SseEvent>, StreamError> {
    check_crc(frame)?;
    let (headers, payload) = frame[PRELUDE_BYTES..frame.len() - CRC_BYTES].split_at(number(frame, 4));
    let headers = read_headers(headers)?;
    let header = |name: &str| headers.iter().find(|(n, _)| *n == name.as_bytes()).map(|(_, value)| lossy(value));
    let data = lossy(payload);
    Ok(match header(":message-type").as_deref() {
        Some("event") => Some(SseEvent { name: header(":event-type").unwrap_or_default(), data }),
        Some("exception") => {
            let name = header(":exception-type").unwrap_or_default();
            Some(SseEvent { name: format!("{EXCEPTION}{name}"), data })
        }
        Some("error") => {
            let name = header(":error-code").unwrap_or_default();
            let message = header(":error-message").unwrap_or_default();
            let data = serde_json::json!({ "message": message }).to_string();
            Some(SseEvent { name: format!("{EXCEPTION}{name}"), data })
        }
        _ => None,
    })
}

/// The name and the value of a header.
type Header<'a> = (&'a [u8], &'a [u8]);

/// The headers whose values are strings.
fn read_headers(mut rest: &[u8]) -> Result<Vec<Header<'_>>, StreamError> {
    const CUT: StreamError = StreamError::Corrupt { reason: "a header of a frame is cut off" };
    let mut headers = Vec::with_capacity(4);
    while let Some((&name_length, after)) = rest.split_first() {
        let (name, after) = after.split_at_checked(usize::from(name_length)).ok_or(CUT)?;
        let (&kind, after) = after.split_first().ok_or(CUT)?;
        let (length, after) = match kind {
            0 | 1 => (0, after),
            2 => (1, after),
            3 => (2, after),
            4 => (4, after),
            5 | 8 => (8, after),
            9 => (16, after),
            6 | STRING => {
                let (length, after) = after.split_at_checked(2).ok_or(CUT)?;
                (usize::from(u16::from_be_bytes([length[0], length[1]])), after)
            }
            _ => return Err(StreamError::Corrupt { reason: "a header of a frame has an unknown type" }),
        };
        let (value, after) = after.split_at_checked(length).ok_or(CUT)?;
        if kind == STRING {
            headers.push((name, value));
        }
        rest = after;
    }
    Ok(headers)
}

/// Compares the last four bytes with the checksum of those before.
fn check_crc(bytes: &[u8]) -> Result<(), StreamError> {
    let (covered, crc) = bytes.split_at(bytes.len() - CRC_BYTES);
    if crc_fast::crc32_iso_hdlc(covered).to_be_bytes() == *crc {
        Ok(())
    } else {
        Err(StreamError::Corrupt { reason: "the checksum of a frame is wrong" })
    }
}

/// The big-endian number at `at`, of a prelude.
fn number(bytes: &[u8], at: usize) -> usize {
    bytes[at..at + 4].iter().fold(0, |number, &byte| number << 8 | usize::from(byte))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A frame with an event, for servers that speak the dialect.
pub fn encode_frame(event_type: &str, payload: &[u8]) -> Vec<u8> {
    frame(&[(":event-type", event_type), (":content-type", "application/json"), (":message-type", "event")], payload)
}

/// A frame that ends a stream with a failure, such as `throttlingException`, for servers that speak the dialect.
pub fn encode_exception_frame(exception_type: &str, payload: &[u8]) -> Vec<u8> {
    let headers =
        [(":exception-type", exception_type), (":content-type", "application/json"), (":message-type", "exception")];
    frame(&headers, payload)
}

fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let headers: Vec<u8> = headers.iter().flat_map(|(name, value)| encode_header(name, value)).collect();
    let length = PRELUDE_BYTES + headers.len() + payload.len() + CRC_BYTES;
    let mut out = Vec::with_capacity(length);
    for number in [length, headers.len()] {
        out.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes());
    }
    out.extend_from_slice(&crc_fast::crc32_iso_hdlc(&out).to_be_bytes());
    out.extend_from_slice(&headers);
    out.extend_from_slice(payload);
    out.extend_from_slice(&crc_fast::crc32_iso_hdlc(&out).to_be_bytes());
    out
}

/// A header; names of more than 255 and values of more than 65,535 bytes are cut.
fn encode_header(name: &str, value: &str) -> Vec<u8> {
    let name = &name.as_bytes()[..name.len().min(usize::from(u8::MAX))];
    let value = &value.as_bytes()[..value.len().min(usize::from(u16::MAX))];
    let mut out = vec![name.len() as u8];
    out.extend_from_slice(name);
    out.push(STRING);
    out.extend_from_slice(&(value.len() as u16).to_be_bytes());
    out.extend_from_slice(value);
    out
}
