use yw_task::Dialect;

use crate::{StreamDecoder, StreamError, StreamEvent};

/// Passes a stream of chat completions on to a client that did not ask for its usage: the chunk that tells nothing else is
/// left out, every other byte stays. What is passed on ends with an event, so a piece may wait for the next.
#[derive(Debug)]
pub struct UsageChunkFilter {
    decoder: StreamDecoder,
    /// The bytes of an event whose end has not come yet.
    held: Vec<u8>,
    /// Where the last piece ended with the CR of an event's end, whose LF may follow: whether the event was passed on.
    after_cr: Option<bool>,
}

impl Default for UsageChunkFilter {
    fn default() -> Self {
        UsageChunkFilter::new()
    }
}

impl UsageChunkFilter {
    /// A filter at the start of a stream.
    pub fn new() -> Self {
        UsageChunkFilter { decoder: StreamDecoder::new(Dialect::OpenAi), held: Vec::new(), after_cr: None }
    }

    /// Takes the next bytes; appends to `out` those that the client gets, and to `steps` what they mean. After an error
    /// the stream is lost.
    ///
    /// # Errors
    /// Those of [`StreamDecoder::push`].
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>, steps: &mut Vec<StreamEvent>) -> Result<(), StreamError> {
        let UsageChunkFilter { decoder, held, after_cr } = self;
        let mut passed = 0;
        if let (Some(is_passed), Some(b'\n')) = (*after_cr, bytes.first()) {
            out.extend_from_slice(&bytes[..usize::from(is_passed)]);
            passed = 1;
        }
        if !bytes.is_empty() {
            *after_cr = None;
        }
        let result = decoder.push_each(bytes, steps, |end, is_usage_only| {
            if !is_usage_only {
                out.extend_from_slice(held);
                out.extend_from_slice(&bytes[passed..end]);
            }
            held.clear();
            passed = end;
            *after_cr = bytes[..end].ends_with(b"\r").then_some(!is_usage_only).filter(|_| end == bytes.len());
        });
        held.extend_from_slice(&bytes[passed..]);
        result
    }

    /// How many bytes wait for the end of their event.
    pub fn n_held(&self) -> usize {
        self.held.len()
    }

    /// As [`StreamDecoder::has_ended`].
    pub fn has_ended(&self) -> bool {
        self.decoder.has_ended()
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// Those of [`StreamDecoder::finish`].
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<Vec<StreamEvent>, StreamError> {
        let steps = self.decoder.finish()?;
        let is_usage_only = matches!(steps.as_slice(), [StreamEvent::Usage(_)]);
        if !is_usage_only {
            out.append(&mut self.held);
        }
        Ok(steps)
    }
}
