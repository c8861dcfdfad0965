//! How a stream of bytes falls into events.

use crate::bedrock::FrameDecoder;
use crate::{SseDecoder, SseEvent, StreamError};

/// Splits a streamed body into events, by the framing of its dialect.
#[derive(Debug)]
pub(crate) enum Framing {
    /// Server-sent events.
    Sse(SseDecoder),
    /// Amazon's binary event stream.
    Frames(FrameDecoder),
}

impl Framing {
    /// Takes the next bytes and shows `each` the events that they complete, with the number of `bytes` up to and including
    /// the event's end. Stops at the first error.
    pub(crate) fn feed(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(&SseEvent, usize) -> Result<(), StreamError>,
    ) -> Result<(), StreamError> {
        match self {
            Framing::Sse(decoder) => decoder.feed(bytes, each),
            // Frames are always translated, so nobody asks where each of them ends.
            Framing::Frames(decoder) => decoder.push(bytes)?.iter().try_for_each(|event| each(event, bytes.len())),
        }
    }

    /// Ends the stream; an event that was not ended counts where the framing lets it. A frame that is cut does not.
    pub(crate) fn finish(&mut self) -> Option<SseEvent> {
        match self {
            Framing::Sse(decoder) => decoder.finish(),
            Framing::Frames(_) => None,
        }
    }
}
