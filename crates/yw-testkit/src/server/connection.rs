//! One HTTP/1.1 connection, by hand: requests are read whole, replies are written a piece at a time.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const MAX_HEAD_BYTES: usize = 64 << 10;
const MAX_HEADERS: usize = 100;
const READ_BYTES: usize = 16 << 10;

pub(super) struct Connection {
    stream: TcpStream,
    /// Bytes that came and were not consumed yet.
    buffer: Vec<u8>,
}

/// A request with its whole body.
#[derive(Debug)]
pub(super) struct HttpRequest {
    pub(super) method: String,
    pub(super) path: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) keep_alive: bool,
}

impl HttpRequest {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// Why no request could be read.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The client went away.
    Gone,
    /// What came is no request that this server takes.
    Refused { status: u16, reason: &'static str },
}

impl From<io::Error> for ReadError {
    fn from(_: io::Error) -> Self {
        ReadError::Gone
    }
}

const BAD_REQUEST: ReadError = ReadError::Refused { status: 400, reason: "the request is not HTTP/1.1" };
const TOO_LARGE: ReadError = ReadError::Refused { status: 413, reason: "the request body is too large" };

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        // A reply that waits for more bytes to send would blur every latency.
        let _ = stream.set_nodelay(true);
        Connection { stream, buffer: Vec::new() }
    }

    /// Reads the next request. Cancelling loses the connection.
    pub(super) async fn read_request(&mut self, max_body_bytes: usize) -> Result<HttpRequest, ReadError> {
        let (mut request, framing) = loop {
            if let Some(head) = parse_head(&self.buffer)? {
                self.buffer.drain(..head.n_bytes);
                break (head.request, head.framing);
            }
            if self.buffer.len() > MAX_HEAD_BYTES {
                return Err(ReadError::Refused { status: 431, reason: "the request's headers are too large" });
            }
            self.fill().await?;
        };
        if request.header("expect").is_some_and(|e| e.eq_ignore_ascii_case("100-continue")) {
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        request.body = match framing {
            Framing::Length(n_bytes) if n_bytes > max_body_bytes => return Err(TOO_LARGE),
            Framing::Length(n_bytes) => self.take(n_bytes).await?,
            Framing::Chunked => self.read_chunks(max_body_bytes).await?,
        };
        Ok(request)
    }

    async fn read_chunks(&mut self, max_body_bytes: usize) -> Result<Vec<u8>, ReadError> {
        let mut body = Vec::new();
        loop {
            let (n_head_bytes, n_bytes) = loop {
                match httparse::parse_chunk_size(&self.buffer) {
                    Ok(httparse::Status::Complete(found)) => break found,
                    Ok(httparse::Status::Partial) => self.fill().await?,
                    Err(_) => return Err(BAD_REQUEST),
                }
            };
            self.buffer.drain(..n_head_bytes);
            // Trailers are not read: no client of a model sends any.
            let n_bytes = usize::try_from(n_bytes).map_err(|_| TOO_LARGE)?;
            if n_bytes > max_body_bytes.saturating_sub(body.len()) {
                return Err(TOO_LARGE);
            }
            let mut chunk = self.take(n_bytes + 2).await?;
            if chunk.split_off(n_bytes) != b"\r\n" {
                return Err(BAD_REQUEST);
            }
            if n_bytes == 0 {
                return Ok(body);
            }
            body.append(&mut chunk);
        }
    }

    /// The next `n_bytes` bytes.
    async fn take(&mut self, n_bytes: usize) -> Result<Vec<u8>, ReadError> {
        while self.buffer.len() < n_bytes {
            self.fill().await?;
        }
        let after = self.buffer.split_off(n_bytes);
        Ok(std::mem::replace(&mut self.buffer, after))
    }

    /// Waits for more bytes; the end of the stream is an error.
    async fn fill(&mut self) -> io::Result<()> {
        self.buffer.reserve(READ_BYTES); // a full vector would offer 64 bytes
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::ConnectionAborted.into()),
            _ => Ok(()),
        }
    }

    /// Waits; an error as soon as the client hangs up. With no time to wait it still looks.
    pub(super) async fn pause(&mut self, duration: Duration) -> io::Result<()> {
        let sleep = tokio::time::sleep(duration);
        tokio::pin!(sleep);
        loop {
            tokio::select! {
                biased;
                filled = self.fill() => filled?,
                () = &mut sleep => return Ok(()),
            }
        }
    }

    /// Waits until the client hangs up.
    pub(super) async fn wait_for_hang_up(&mut self) {
        while self.fill().await.is_ok() {}
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Closes the connection with a reset instead of an orderly end.
    pub(super) fn reset(self) {
        let _ = self.stream.set_zero_linger();
    }
}

struct Head {
    request: HttpRequest,
    framing: Framing,
    n_bytes: usize,
}

enum Framing {
    Length(usize),
    Chunked,
}

/// The head of a request, if all of it has come; the body is still empty.
fn parse_head(buffer: &[u8]) -> Result<Option<Head>, ReadError> {
    let mut slots = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut slots);
    let n_bytes = match parsed.parse(buffer) {
        Ok(httparse::Status::Complete(n_bytes)) => n_bytes,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(BAD_REQUEST),
    };
    let owned = |h: &httparse::Header<'_>| (h.name.to_lowercase(), String::from_utf8_lossy(h.value).into_owned());
    let mut request = HttpRequest {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: parsed.path.unwrap_or_default().to_owned(),
        headers: parsed.headers.iter().map(owned).collect(),
        body: Vec::new(),
        keep_alive: parsed.version == Some(1),
    };
    if let Some(connection) = request.header("connection") {
        request.keep_alive = connection.eq_ignore_ascii_case("keep-alive")
            || (request.keep_alive && !connection.eq_ignore_ascii_case("close"));
    }
    let framing = match (request.header("transfer-encoding"), request.header("content-length")) {
        (Some(coding), _) if coding.eq_ignore_ascii_case("chunked") => Framing::Chunked,
        (Some(_), _) => return Err(BAD_REQUEST),
        (None, Some(length)) => Framing::Length(length.trim().parse().map_err(|_| BAD_REQUEST)?),
        (None, None) => Framing::Length(0),
    };
    Ok(Some(Head { request, framing, n_bytes }))
}
