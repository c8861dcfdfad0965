//! Responses as bytes, and the faults that break them.

use std::io;
use std::iter;
use std::time::Duration;

use serde_json::Value;
use yw_task::Dialect;

use super::connection::Connection;
use super::stream;
use crate::dialect::{self, Completion};
use crate::fault::Fault;
use crate::request::ChatRequest;

/// How much is gathered before it is written.
const MAX_GATHERED_BYTES: usize = 16 << 10;

const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// A response in the pieces that it is written in.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) headers: Vec<(String, String)>,
    pub(super) pieces: Vec<Piece>,
    /// Whether the body is sent chunked instead of with its length.
    pub(super) chunked: bool,
    /// The length that is promised; that of the body unless it is to be cut.
    promised: Option<usize>,
    /// Bytes without meaning that are sent before the pieces.
    n_padding_bytes: usize,
    /// Whether the connection is closed after the last piece, before the end that was promised.
    cut: bool,
    /// Whether pieces that are due at the same time may be written at once, as load tests like it.
    gathers: bool,
}

/// Bytes that are written at once.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    /// How many events with content have been sent when it has.
    pub(super) n_content: usize,
    /// What passes before it is written.
    pub(super) wait: Duration,
}

/// How far writing came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// To the end.
    Whole,
    /// To where a fault cut it.
    Cut,
    /// The client went away when so many events with content had been sent.
    Left { n_content: usize },
}

impl Response {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Response {
            status,
            content_type: "application/json",
            headers: Vec::new(),
            pieces: vec![Piece { bytes: body.to_string().into_bytes(), ..Piece::default() }],
            chunked: false,
            promised: None,
            n_padding_bytes: 0,
            cut: false,
            gathers: false,
        }
    }

    /// An error in the dialect's shape.
    pub(super) fn error(dialect: Dialect, status: u16, message: &str) -> Self {
        let mut response = Response::json(status, &dialect::error(dialect, status, message));
        response.headers = dialect::headers(dialect, status, "req_scripted".to_owned());
        response
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
            response.set_body(body.as_bytes().to_vec());
        }
        if let Some(wait) = retry_after {
            // Seconds, as the standard has them; with decimals only where they are needed, as the SDKs read them.
            let millis = wait.as_nanos().div_ceil(1_000_000);
            response.headers.push(("retry-after".to_owned(), format!("{}", millis as f64 / 1e3)));
        }
        response
    }

    /// The reply to a chat request, as a body or as a stream, with what the fault does to it.
    pub(super) fn completion(
        request: &ChatRequest,
        completion: &Completion,
        fault: Option<&Fault>,
        pace: Duration,
    ) -> Self {
        let mut response = match request.stream {
            true => stream::response(request, completion, fault),
            false => Response::whole(request, completion, fault),
        };
        response.gathers = fault.is_none();
        response.headers.extend(dialect::headers(request.dialect, 200, format!("req_{}", completion.id)));
        if request.stream && !pace.is_zero() {
            response.pieces.iter_mut().for_each(|piece| piece.wait = pace);
        }
        if let Some(fault) = fault {
            response.break_transfer(fault, request);
        }
        response
    }

    fn whole(request: &ChatRequest, completion: &Completion, fault: Option<&Fault>) -> Self {
        let mut response = Response::json(200, &dialect::body(request, completion));
        let bytes = &mut response.pieces[0].bytes;
        match fault {
            Some(Fault::MalformedJson) => {
                bytes.truncate(bytes.len() * 2 / 3);
                bytes.extend_from_slice(b"\n\n");
            }
            Some(Fault::InvalidUtf8) => drop(stream::break_utf8(bytes)),
            Some(Fault::HugeEvent(n_bytes)) => stream::pad(bytes, *n_bytes),
            Some(Fault::ErrorInReply | Fault::ErrorAfterContent(_)) => {
                let error = dialect::error(request.dialect, 500, stream::ERROR_MESSAGE);
                *bytes = error.to_string().into_bytes();
            }
            _ => {}
        }
        response
    }

    pub(super) fn set_body(&mut self, bytes: Vec<u8>) {
        self.pieces = vec![Piece { bytes, ..Piece::default() }];
    }

    /// Events with content in all of it.
    pub(super) fn n_content(&self) -> usize {
        self.pieces.last().map_or(0, |piece| piece.n_content)
    }

    /// What faults do to the way the bytes go; those that do something else leave it as it is.
    fn break_transfer(&mut self, fault: &Fault, request: &ChatRequest) {
        match fault {
            Fault::CutMidBody => self.cut_after(self.n_bytes() / 2),
            Fault::CutAfter(n_bytes) => self.cut_after(*n_bytes),
            Fault::CutAfterContent(n) => self.cut_after(self.bytes_before_content(*n)),
            Fault::StallAfterContent(n, wait) => {
                let after = self.pieces.iter_mut().find(|piece| piece.n_content > *n || !request.stream);
                if let Some(piece) = after {
                    piece.wait = *wait;
                }
            }
            Fault::SlowBody(pace) => {
                if !request.stream {
                    self.split(iter::repeat(self.n_bytes().div_ceil(4)));
                }
                self.pieces.iter_mut().for_each(|piece| piece.wait = *pace);
            }
            Fault::Fragments(n_bytes) => {
                self.split(iter::repeat(*n_bytes));
                self.chunked = true;
            }
            Fault::SplitAt(n_bytes) => {
                self.split(iter::once(*n_bytes).chain(iter::repeat(usize::MAX)));
                self.chunked = true;
            }
            // Frames and lists have no place for bytes without meaning before them; their first event was padded.
            Fault::HugeBody(n_bytes) if !request.stream || self.content_type == stream::SSE => {
                self.n_padding_bytes = *n_bytes;
            }
            Fault::ManyHeaders(n) => {
                self.headers.extend((0..*n).map(|idx| (format!("x-filler-{idx}"), "0123456789".to_owned())));
            }
            _ => {}
        }
    }

    /// Sends the body in pieces of these sizes instead.
    fn split(&mut self, mut sizes: impl Iterator<Item = usize>) {
        let mut n_bytes = 0;
        let ends: Vec<(usize, usize)> = self
            .pieces
            .iter()
            .map(|piece| {
                n_bytes += piece.bytes.len();
                (n_bytes, piece.n_content)
            })
            .collect();
        let all: Vec<u8> = std::mem::take(&mut self.pieces).into_iter().flat_map(|piece| piece.bytes).collect();
        let mut rest = all.as_slice();
        while !rest.is_empty() {
            let size = sizes.next().unwrap_or(usize::MAX).clamp(1, rest.len());
            let (piece, after) = rest.split_at(size);
            let n_whole = ends.partition_point(|(end, _)| *end <= all.len() - after.len());
            let n_content = n_whole.checked_sub(1).map_or(0, |idx| ends[idx].1);
            self.pieces.push(Piece { bytes: piece.to_vec(), n_content, wait: Duration::ZERO });
            rest = after;
        }
    }

    /// Nothing is sent after so many bytes, though more was promised.
    fn cut_after(&mut self, n_bytes: usize) {
        self.promised = Some(self.n_bytes());
        self.cut = true;
        let mut n_left = n_bytes;
        for piece in &mut self.pieces {
            piece.bytes.truncate(n_left);
            n_left -= piece.bytes.len();
        }
        self.pieces.retain(|piece| !piece.bytes.is_empty());
    }

    /// Everything before the event with content after the `n`th; nothing of a body.
    fn bytes_before_content(&self, n: usize) -> usize {
        let before = self.pieces.iter().take_while(|piece| piece.n_content <= n && self.n_content() > 0);
        before.map(|piece| piece.bytes.len()).sum()
    }

    fn n_bytes(&self) -> usize {
        self.pieces.iter().map(|piece| piece.bytes.len()).sum()
    }

    fn head(&self, keep_alive: bool, more: &[(String, String)]) -> Vec<u8> {
        let mut head = String::with_capacity(256);
        head.push_str("HTTP/1.1 ");
        head.push_str(&self.status.to_string());
        let mut push = |texts: [&str; 4]| texts.into_iter().for_each(|text| head.push_str(text));
        push([" ", reason_phrase(self.status), "\r\ncontent-type: ", self.content_type]);
        for (name, value) in self.headers.iter().chain(more) {
            push(["\r\n", name, ": ", value]);
        }
        let length = self.n_padding_bytes + self.promised.unwrap_or_else(|| self.n_bytes());
        match self.chunked {
            true => push(["\r\ntransfer-encoding: chunked", "", "", ""]),
            false => push(["\r\ncontent-length: ", &length.to_string(), "", ""]),
        }
        push([if keep_alive { "" } else { "\r\nconnection: close" }, "\r\n\r\n", "", ""]);
        head.into_bytes()
    }

    /// All that would be written on a connection that is kept, with these headers more.
    pub(super) fn to_bytes(&self, more_headers: &[(String, String)]) -> Vec<u8> {
        let mut bytes = self.head(true, more_headers);
        self.pieces.iter().for_each(|piece| self.frame_into(&mut bytes, &piece.bytes));
        if self.chunked {
            bytes.extend_from_slice(LAST_CHUNK);
        }
        bytes
    }

    /// Writes the response, with these headers more.
    ///
    /// `before_end` is called just before the last bytes are handed over, so that whoever has read the whole response
    /// finds its effects.
    pub(super) async fn write(
        &self,
        connection: &mut Connection,
        keep_alive: bool,
        more_headers: &[(String, String)],
        before_end: impl FnOnce(),
    ) -> Written {
        let mut n_content = 0;
        match self.try_write(connection, keep_alive, more_headers, before_end, &mut n_content).await {
            Ok(()) if self.cut => Written::Cut,
            Ok(()) => Written::Whole,
            Err(_) => Written::Left { n_content },
        }
    }

    async fn try_write(
        &self,
        connection: &mut Connection,
        keep_alive: bool,
        more_headers: &[(String, String)],
        before_end: impl FnOnce(),
        n_content: &mut usize,
    ) -> io::Result<()> {
        let mut pending = self.head(keep_alive, more_headers);
        if self.n_padding_bytes > 0 {
            connection.write(&std::mem::take(&mut pending)).await?;
            self.write_padding(connection).await?;
        }
        let mut before_end = Some(before_end).filter(|_| !self.cut);
        for (idx, piece) in self.pieces.iter().enumerate() {
            let is_last = idx + 1 == self.pieces.len();
            if !piece.wait.is_zero() {
                connection.write(&std::mem::take(&mut pending)).await?;
                *n_content = idx.checked_sub(1).map_or(0, |before| self.pieces[before].n_content);
                connection.pause(piece.wait).await?;
            }
            self.frame_into(&mut pending, &piece.bytes);
            if is_last && let Some(before_end) = before_end.take() {
                if self.chunked {
                    pending.extend_from_slice(LAST_CHUNK);
                }
                before_end();
            }
            if self.gathers && !is_last && pending.len() < MAX_GATHERED_BYTES {
                continue;
            }
            connection.write(&pending).await?;
            pending.clear();
            *n_content = piece.n_content;
        }
        connection.write(&pending).await
    }

    fn frame_into(&self, out: &mut Vec<u8>, bytes: &[u8]) {
        if self.chunked {
            out.extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
            out.extend_from_slice(bytes);
            out.extend_from_slice(b"\r\n");
        } else {
            out.extend_from_slice(bytes);
        }
    }

    /// White space before JSON; one long comment line before events.
    async fn write_padding(&self, connection: &mut Connection) -> io::Result<()> {
        const BLOCK_BYTES: usize = 64 << 10;
        let blank = vec![b' '; BLOCK_BYTES];
        let framed = |bytes: &[u8]| {
            let mut frame = Vec::with_capacity(bytes.len() + 16);
            self.frame_into(&mut frame, bytes);
            frame
        };
        if self.chunked {
            connection.write(&framed(b":")).await?;
        }
        let mut n_left = self.n_padding_bytes;
        while n_left > 0 {
            let n_bytes = n_left.min(BLOCK_BYTES);
            connection.write(&framed(&blank[..n_bytes])).await?;
            n_left -= n_bytes;
        }
        if self.chunked {
            connection.write(&framed(b"\n\n")).await?;
        }
        Ok(())
    }
}

fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
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
