//! Server-sent events, as the HTML standard defines them (section 9.2.6), from bytes that arrive in pieces of any size.

use crate::StreamError;

/// More bytes than any provider puts into one event; a server that sends more is broken or hostile.
const MAX_EVENT_BYTES: usize = 16 << 20;

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SseEvent {
    /// Its name; empty where the server gave none.
    pub name: String,
    /// Its data, lines joined by `\n`. Bytes that are not UTF-8 are replaced.
    pub data: String,
}

/// Splits a stream of bytes into events. Line ends may be LF, CR or CRLF; comments, ids and retry times are skipped.
#[derive(Debug, Default)]
pub struct SseDecoder {
    /// The bytes of a line whose end has not come yet.
    line: Vec<u8>,
    /// Whether the last byte was a CR, so that an LF next belongs to it.
    after_cr: bool,
    /// Whether any line was read; a byte order mark may only stand before the first.
    started: bool,
    name: String,
    data: Option<Vec<u8>>,
}

impl SseDecoder {
    /// A decoder at the start of a stream.
    pub fn new() -> Self {
        SseDecoder::default()
    }

    /// Takes the next bytes and returns the events that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<SseEvent>, StreamError> {
        let mut events = Vec::new();
        for &byte in bytes {
            let is_rest_of_crlf = byte == b'\n' && std::mem::take(&mut self.after_cr);
            self.after_cr = byte == b'\r';
            match byte {
                b'\n' if is_rest_of_crlf => {}
                b'\n' | b'\r' => events.extend(self.end_line()),
                _ => self.line.push(byte),
            }
            if self.line.len() + self.data.as_ref().map_or(0, Vec::len) > MAX_EVENT_BYTES {
                return Err(StreamError::TooLong { limit: MAX_EVENT_BYTES });
            }
        }
        Ok(events)
    }

    /// Ends the stream. The standard drops an event that no empty line ends; providers have been seen to end so, hence it
    /// is returned.
    pub fn finish(&mut self) -> Option<SseEvent> {
        self.end_line().or_else(|| self.end_event())
    }

    fn end_line(&mut self) -> Option<SseEvent> {
        let line = std::mem::take(&mut self.line);
        let mut line = line.as_slice();
        if !std::mem::replace(&mut self.started, true) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            return self.end_event();
        }
        let (field, value) = match line.iter().position(|&b| b == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
            b"data" => match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            },
            _ => {}
        }
        None
    }

    fn end_event(&mut self) -> Option<SseEvent> {
        let name = std::mem::take(&mut self.name);
        let data = self.data.take()?;
        Some(SseEvent { name, data: String::from_utf8_lossy(&data).into_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let mut decoder = SseDecoder::new();
        let mut events: Vec<SseEvent> = pieces.iter().flat_map(|piece| decoder.push(piece).unwrap()).collect();
        events.extend(decoder.finish());
        events.into_iter().map(|e| (e.name, e.data)).collect()
    }

    #[test]
    fn reads_the_examples_of_the_standard() {
        let one = |data: &str| (String::new(), data.to_owned());
        assert_eq!(decode(&[b"data: YHOO\ndata: +2\ndata: 10\n\n"]), [one("YHOO\n+2\n10")]);
        assert_eq!(
            decode(&[b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"]),
            [one("first event"), one("second event"), one(" third event")]
        );
        assert_eq!(decode(&[b"data\n\ndata\ndata\n\ndata:"]), [one(""), one("\n"), one("")]);
    }

    #[test]
    fn all_line_ends_are_the_same_at_every_split() {
        let expected = [("a".to_owned(), "é\nx".to_owned()), (String::new(), "2".to_owned())];
        for end in ["\n", "\r", "\r\n"] {
            let text = "\u{feff}: hi\nevent: a\ndata: é\ndata: x\n\nretry: 3\ndata:2\n\n".replace('\n', end);
            let bytes = text.as_bytes();
            for split in 0..=bytes.len() {
                assert_eq!(decode(&[&bytes[..split], &bytes[split..]]), expected, "{end:?} at {split}");
            }
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(decode(&single), expected);
        }
    }

    #[test]
    fn an_endless_event_is_an_error() {
        let mut decoder = SseDecoder::new();
        let piece = vec![b'x'; 1 << 20];
        let result = (0..20).try_for_each(|_| decoder.push(&piece).map(drop));
        assert!(matches!(result, Err(StreamError::TooLong { .. })));
    }
}
