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
    data: Vec<u8>,
    has_data: bool,
    /// The event that is handed out; kept for its memory.
    event: SseEvent,
}

impl SseDecoder {
    /// A decoder at the start of a stream.
    pub fn new() -> Self {
        SseDecoder::default()
    }

    /// Takes the next bytes and returns the events that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<SseEvent>, StreamError> {
        let mut events = Vec::new();
        self.feed(bytes, |event, _| {
            events.push(event.clone());
            Ok(())
        })?;
        Ok(events)
    }

    /// Takes the next bytes and shows `each` the events that they complete, with the number of `bytes` up to and including
    /// the event's end (of a CRLF that ends it, the LF may come with what follows). Stops at the first error.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(&SseEvent, usize) -> Result<(), StreamError>,
    ) -> Result<(), StreamError> {
        let mut start = 0;
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            start = usize::from(bytes[0] == b'\n');
        }
        while let Some(length) = memchr::memchr2(b'\n', b'\r', &bytes[start..]) {
            let end = start + length;
            let has_event = self.end_line(&bytes[start..end])?;
            start = end + 1;
            if bytes[end] == b'\r' {
                match bytes.get(start) {
                    Some(b'\n') => start += 1,
                    Some(_) => {}
                    None => self.after_cr = true,
                }
            }
            if has_event {
                each(&self.event, start)?;
            }
        }
        self.line.extend_from_slice(&bytes[start..]);
        self.check_length(0)
    }

    /// Ends the stream. The standard drops an event that no empty line ends; providers have been seen to end so, hence it
    /// is returned.
    pub fn finish(&mut self) -> Option<SseEvent> {
        let has_event = self.end_line(&[]).unwrap_or(false) || self.end_event();
        has_event.then(|| std::mem::take(&mut self.event))
    }

    /// Reads a line of which `rest` had not been seen; whether it completes `self.event`.
    fn end_line(&mut self, rest: &[u8]) -> Result<bool, StreamError> {
        self.check_length(rest.len())?;
        if self.line.is_empty() {
            return Ok(self.read_line(rest));
        }
        let mut line = std::mem::take(&mut self.line);
        line.extend_from_slice(rest);
        let has_event = self.read_line(&line);
        line.clear();
        self.line = line;
        Ok(has_event)
    }

    fn check_length(&self, n_more: usize) -> Result<(), StreamError> {
        match self.line.len() + self.data.len() + n_more > MAX_EVENT_BYTES {
            true => Err(StreamError::TooLong { limit: MAX_EVENT_BYTES }),
            false => Ok(()),
        }
    }

    fn read_line(&mut self, mut line: &[u8]) -> bool {
        if !std::mem::replace(&mut self.started, true) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            return self.end_event();
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" => {
                self.name.clear();
                self.name.push_str(&String::from_utf8_lossy(value));
            }
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            _ => {}
        }
        false
    }

    fn end_event(&mut self) -> bool {
        let has_data = std::mem::take(&mut self.has_data);
        if has_data {
            std::mem::swap(&mut self.event.name, &mut self.name);
            self.event.data.clear();
            self.event.data.push_str(&String::from_utf8_lossy(&self.data));
            self.data.clear();
        }
        self.name.clear();
        has_data
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
    fn the_bytes_of_an_event_can_be_told_apart() {
        let bytes = b"data: 1\n\n: ping\n\ndata: 2\r\n\r\ndata: 3\r\rdata: 4\n";
        let mut ends = Vec::new();
        let mut decoder = SseDecoder::new();
        let result = decoder.feed(bytes, |event, end| {
            ends.push((event.data.clone(), end));
            Ok(())
        });
        assert!(result.is_ok());
        let text = |end: usize| String::from_utf8_lossy(&bytes[..end]).into_owned();
        assert_eq!(ends.iter().map(|(data, _)| data.as_str()).collect::<Vec<_>>(), ["1", "2", "3"]);
        assert!(text(ends[0].1).ends_with("data: 1\n\n"));
        assert!(text(ends[1].1).ends_with("data: 2\r\n\r\n"));
        assert!(text(ends[2].1).ends_with("data: 3\r\r"));
        assert_eq!(decoder.finish().map(|event| event.data).as_deref(), Some("4"));
    }

    #[test]
    fn an_endless_event_is_an_error() {
        let mut decoder = SseDecoder::new();
        let piece = vec![b'x'; 1 << 20];
        let result = (0..20).try_for_each(|_| decoder.push(&piece).map(drop));
        assert!(matches!(result, Err(StreamError::TooLong { .. })));
    }
}
