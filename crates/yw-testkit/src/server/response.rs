//! Responses as bytes, and the faults that break them.

use std::io;
use std::time::Duration;

use yw_task::Dialect;

use super::connection::Connection;
use crate::dialect::{self, Completion};
use crate::fault::Fault;
use crate::request::ChatRequest;

/// A response in the pieces that it is written in.
#[derive(Debug)]
pub(super) struct Response {
    status: u16,
    content_type: &'static str,
    headers: Vec<(&'static str, String)>,
    pieces: Vec<Vec<u8>>,
    /// Whether the body is sent chunked instead of with its length.
    chunked: bool,
    /// Bytes without meaning that are sent before the pieces.
    n_padding_bytes: usize,
    /// How long each piece takes.
    pace: Duration,
    /// Whether the connection is closed halfway.
    cut: bool,
}

impl Response {
    pub(super) fn json(status: u16, body: String) -> Self {
        Response {
            status,
            content_type: "application/json",
            headers: Vec::new(),
            pieces: vec![body.into_bytes()],
            chunked: false,
            n_padding_bytes: 0,
            pace: Duration::ZERO,
            cut: false,
        }
    }

    /// An error in the dialect's shape.
    pub(super) fn error(dialect: Dialect, status: u16, message: &str) -> Self {
        Response::json(status, dialect::error(dialect, status, message).to_string())
    }

    /// An error status as scripted.
    pub(super) fn scripted_error(
        dialect: Dialect,
        code: u16,
        retry_after: Option<Duration>,
        body: Option<&str>,
    ) -> Self {
        let mut response = Response::error(dialect, code, "a scripted error");
        if let Some(body) = body {
            response.content_type = "text/html";
            response.pieces = vec![body.as_bytes().to_vec()];
        }
        if let Some(wait) = retry_after {
            // Seconds, as the standard has them; with decimals only where they are needed, as the SDKs read them.
            let millis = wait.as_nanos().div_ceil(1_000_000);
            response.headers.push(("retry-after", format!("{}", millis as f64 / 1e3)));
        }
        response
    }

    /// The reply to a chat request, as a body or as a stream.
    pub(super) fn completion(request: &ChatRequest, completion: &Completion) -> Self {
        let mut response = if request.stream {
            let events = dialect::events(request.dialect, completion, request.include_usage);
            Response {
                content_type: "text/event-stream",
                headers: vec![("cache-control", "no-cache".to_owned())],
                pieces: events.into_iter().map(String::into_bytes).collect(),
                chunked: true,
                ..Response::json(200, String::new())
            }
        } else {
            Response::json(200, dialect::body(request.dialect, completion))
        };
        response.headers.push((dialect::request_id_header(request.dialect), format!("req_{}", completion.id)));
        response
    }

    /// Breaks the body; faults that do not concern it leave it as it is.
    pub(super) fn break_body(&mut self, fault: &Fault, request: &ChatRequest) {
        let middle = self.pieces.len() / 2;
        match fault {
            Fault::CutMidBody => self.cut = true,
            Fault::SlowBody(pace) => {
                self.pace = *pace;
                if !request.stream {
                    self.split(self.n_bytes().div_ceil(4));
                }
            }
            Fault::Fragments(n_bytes) => {
                self.split(*n_bytes);
                self.chunked = true;
            }
            Fault::HugeBody(n_bytes) => self.n_padding_bytes = *n_bytes,
            Fault::InvalidUtf8 => self.break_utf8(),
            Fault::MalformedJson => {
                let broken = &mut self.pieces[middle];
                broken.truncate(broken.len() * 2 / 3);
                broken.extend_from_slice(b"\n\n");
            }
            Fault::ErrorInReply if request.stream => {
                let event = dialect::error_event(request.dialect, "a scripted error");
                self.pieces.truncate(middle);
                self.pieces.push(event.into_bytes());
            }
            Fault::ErrorInReply => {
                self.pieces = Response::error(request.dialect, 500, "a scripted error").pieces;
            }
            _ => {}
        }
    }

    /// Sends the body in pieces of `n_bytes` bytes instead.
    fn split(&mut self, n_bytes: usize) {
        self.pieces = self.pieces.concat().chunks(n_bytes.max(1)).map(<[u8]>::to_vec).collect();
    }

    /// Overwrites the first [`INVALID_MARK`] with bytes that never stand in UTF-8.
    fn break_utf8(&mut self) {
        let mark = INVALID_MARK.as_bytes();
        for piece in &mut self.pieces {
            if let Some(at) = piece.windows(mark.len()).position(|w| w == mark) {
                piece[at..at + mark.len()].fill(0xff);
                return;
            }
        }
    }

    fn n_bytes(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum()
    }

    fn head(&self, keep_alive: bool) -> String {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason_phrase(self.status));
        head += &format!("content-type: {}\r\n", self.content_type);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &match self.chunked {
            true => "transfer-encoding: chunked\r\n".to_owned(),
            false => format!("content-length: {}\r\n", self.n_padding_bytes + self.n_bytes()),
        };
        if !keep_alive {
            head += "connection: close\r\n";
        }
        head + "\r\n"
    }

    /// Writes the response; true if all of it was written. An error means that the client went away.
    ///
    /// `before_end` is called just before the last bytes are handed over, so that whoever has read the whole response
    /// finds its effects.
    pub(super) async fn write(
        &self,
        connection: &mut Connection,
        keep_alive: bool,
        before_end: impl FnOnce(),
    ) -> io::Result<bool> {
        let mut pending = self.head(keep_alive).into_bytes();
        if self.n_padding_bytes > 0 {
            connection.write(&std::mem::take(&mut pending)).await?;
            self.write_padding(connection).await?;
        }
        let mut frames = self.frames();
        let last = frames.pop().unwrap_or_default();
        for frame in frames {
            self.keep_pace(connection, &mut pending).await?;
            pending.extend_from_slice(&frame);
            connection.write(&std::mem::take(&mut pending)).await?;
        }
        self.keep_pace(connection, &mut pending).await?;
        pending.extend_from_slice(&last);
        if !self.cut {
            before_end();
        }
        connection.write(&pending).await?;
        Ok(!self.cut)
    }

    /// Waits before the next piece, where pieces take their time, and sends what is ready first.
    async fn keep_pace(&self, connection: &mut Connection, pending: &mut Vec<u8>) -> io::Result<()> {
        if self.pace.is_zero() {
            return Ok(());
        }
        connection.write(&std::mem::take(pending)).await?;
        connection.pause(self.pace).await
    }

    /// The pieces as they go over the wire.
    fn frames(&self) -> Vec<Vec<u8>> {
        let mut frames: Vec<Vec<u8>> = self.pieces.iter().map(|piece| self.frame(piece)).collect();
        if self.chunked {
            frames.push(b"0\r\n\r\n".to_vec());
        }
        if self.cut {
            let mut sent = frames.concat();
            sent.truncate(sent.len() / 2);
            frames = vec![sent];
        }
        frames
    }

    fn frame(&self, piece: &[u8]) -> Vec<u8> {
        if !self.chunked {
            return piece.to_vec();
        }
        [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
    }

    /// White space before JSON; one long comment line before events.
    async fn write_padding(&self, connection: &mut Connection) -> io::Result<()> {
        const BLOCK_BYTES: usize = 64 << 10;
        let blank = vec![b' '; BLOCK_BYTES];
        if self.chunked {
            connection.write(&self.frame(b":")).await?;
        }
        let mut n_left = self.n_padding_bytes;
        while n_left > 0 {
            let n_bytes = n_left.min(BLOCK_BYTES);
            connection.write(&self.frame(&blank[..n_bytes])).await?;
            n_left -= n_bytes;
        }
        if self.chunked {
            connection.write(&self.frame(b"\n\n")).await?;
        }
        Ok(())
    }
}

/// Stands in the content where [`Fault::InvalidUtf8`] is to break it; three bytes long in UTF-8.
pub(super) const INVALID_MARK: &str = "\u{fffd}";

fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        529 => "Overloaded",
        _ => "Scripted",
    }
}
