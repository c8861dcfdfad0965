//! One HTTP/1.1 connection of a client, by hand: bodies of every framing, whole or a piece at a time.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// An answer that was read to its end.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// The head of an answer, and how its body is framed.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    framing: Framing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// So many bytes are still to come.
    Length(usize),
    /// So many bytes of a chunk are still to come; none before the first and between two.
    Chunked(Option<usize>),
    ToTheEnd,
    Over,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) stream: TcpStream,
    /// What came and was not read yet.
    buffer: Vec<u8>,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("no JSON ({e}): {} {}", self.status, self.text()))
    }

    /// The same, if it has this status; panics with all of it otherwise.
    #[track_caller]
    pub(super) fn has_status(self, status: u16) -> Self {
        assert!(self.status == status, "expected status {status}: {} {:?} {}", self.status, self.headers, self.text());
        self
    }

    /// The call's id.
    #[track_caller]
    pub(super) fn id(&self) -> String {
        let id = ["x-yw-id", "x-request-id", "request-id"].iter().find_map(|name| self.header(name));
        id.unwrap_or_else(|| panic!("no id: {:?}", self.headers)).to_owned()
    }
}

impl Head {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

impl Wire {
    pub(super) fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.set_write_timeout(Some(Duration::from_secs(60)))?;
        Ok(Wire { stream, buffer: Vec::new() })
    }

    /// Sends a request on the connection, which stays open.
    pub(super) fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
        self.send("POST", path, headers, body)
    }

    pub(super) fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {}\r\n", body.len());
        if !body.is_empty() {
            request += "content-type: application/json\r\n";
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += "\r\n";
        let mut request = request.into_bytes();
        request.extend_from_slice(body);
        // A server that refuses early may stop reading; what it says counts.
        let _ = self.stream.write_all(&request);
        Ok(())
    }

    /// Sends these bytes as they are.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Reads an answer to its end.
    pub(super) fn answer(&mut self) -> io::Result<Answer> {
        let mut head = self.head()?;
        let mut body = Vec::new();
        while let Some(piece) = self.piece(&mut head)? {
            body.extend_from_slice(&piece);
        }
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    /// Reads the head of the next answer.
    pub(super) fn head(&mut self) -> io::Result<Head> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                let text = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
                self.buffer.drain(..end + 4);
                return Ok(parse_head(&text));
            }
            self.fill()?;
        }
    }

    /// Reads some of the body; none at its end.
    pub(super) fn piece(&mut self, head: &mut Head) -> io::Result<Option<Vec<u8>>> {
        loop {
            match head.framing {
                Framing::Over | Framing::Length(0) => return Ok(None),
                Framing::Length(left) if !self.buffer.is_empty() => {
                    let piece: Vec<u8> = self.buffer.drain(..left.min(self.buffer.len())).collect();
                    head.framing = Framing::Length(left - piece.len());
                    return Ok(Some(piece));
                }
                Framing::ToTheEnd if !self.buffer.is_empty() => return Ok(Some(std::mem::take(&mut self.buffer))),
                Framing::ToTheEnd => match self.fill() {
                    Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => head.framing = Framing::Over,
                    other => other?,
                },
                Framing::Chunked(None) => match find(&self.buffer, b"\r\n") {
                    Some(end) => {
                        let size = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
                        let size = usize::from_str_radix(size.trim(), 16)
                            .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, format!("chunk {size:?}: {e}")))?;
                        self.buffer.drain(..end + 2);
                        head.framing = Framing::Chunked(Some(size));
                    }
                    None => self.fill()?,
                },
                Framing::Chunked(Some(size)) if self.buffer.len() >= size + 2 => {
                    let piece: Vec<u8> = self.buffer.drain(..size + 2).take(size).collect();
                    head.framing = if size == 0 { Framing::Over } else { Framing::Chunked(None) };
                    if size > 0 {
                        return Ok(Some(piece));
                    }
                }
                Framing::Length(_) | Framing::Chunked(Some(_)) => self.fill()?,
            }
        }
    }

    /// Everything until the server closes the connection.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        while self.fill().is_ok() {}
        std::mem::take(&mut self.buffer)
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut block = [0; 64 << 10];
        match self.stream.read(&mut block)? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the answer broke off")),
            n_bytes => {
                self.buffer.extend_from_slice(&block[..n_bytes]);
                Ok(())
            }
        }
    }
}

fn parse_head(text: &str) -> Head {
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let framing = match (header(&headers, "transfer-encoding"), header(&headers, "content-length")) {
        (Some(_), _) => Framing::Chunked(None),
        (None, Some(length)) => Framing::Length(length.parse().unwrap_or(0)),
        (None, None) => Framing::ToTheEnd,
    };
    Head { status, headers, framing }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
