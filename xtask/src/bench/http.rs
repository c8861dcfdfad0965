//! As much of an HTTP/1.1 client as a load generator needs: keep-alive connections, and bodies with a stated length or in
//! chunks.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a server may be silent.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Whether the server ends the connection after it.
    closes: bool,
}

/// A connection that is made when it is first needed, and made again after a failure.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Connection { address, stream: None, buffer: Vec::new() }
    }

    /// Sends a request made by [`request`] and waits for the whole response.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> io::Result<Response> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect()?,
        };
        stream.write_all(request)?;
        let response = read_response(&mut stream, &mut self.buffer)?;
        if !response.closes {
            self.stream = Some(stream);
        }
        Ok(response)
    }

    fn connect(&mut self) -> io::Result<TcpStream> {
        self.buffer.clear();
        let stream = TcpStream::connect_timeout(&self.address, TIMEOUT)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(stream)
    }
}

/// The bytes of a request; a body is JSON.
pub(crate) fn request(method: &str, path: &str, body: &str) -> Vec<u8> {
    request_with(method, path, &[], body)
}

/// The same with more headers.
pub(crate) fn request_with(method: &str, path: &str, headers: &[(&str, String)], body: &str) -> Vec<u8> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{headers}content-length: \
         {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Reads until `buffer` holds a whole response, and takes that out of it.
fn read_response(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<Response> {
    let mut block = [0; 16 * 1024];
    loop {
        let parsed = parse(buffer).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        if let Some((response, n_bytes)) = parsed {
            buffer.drain(..n_bytes);
            return Ok(response);
        }
        match stream.read(&mut block)? {
            0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")),
            n_bytes => buffer.extend_from_slice(&block[..n_bytes]),
        }
    }
}

/// The response at the beginning of `bytes` and its length, or none if there is more to come.
fn parse(bytes: &[u8]) -> Result<Option<(Response, usize)>, String> {
    const END_OF_HEAD: &[u8] = b"\r\n\r\n";
    let Some(head_len) = bytes.windows(END_OF_HEAD.len()).position(|w| w == END_OF_HEAD) else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..head_len]).map_err(|_| "the head is not UTF-8".to_owned())?;
    let mut lines = head.split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let status = status_line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.ok_or_else(|| format!("no status line of HTTP/1.1: `{status_line}`"))?;

    let mut body_len = None;
    let (mut closes, mut is_chunked) = (false, false);
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(|| format!("no header: `{line}`"))?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => body_len = Some(value.parse::<usize>().map_err(|_| format!("no length: `{value}`"))?),
            "connection" => closes = value.eq_ignore_ascii_case("close"),
            "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => is_chunked = true,
            "transfer-encoding" => return Err(format!("bodies in `{value}` form are not understood")),
            _ => {}
        }
    }
    let body_start = head_len + END_OF_HEAD.len();
    if is_chunked {
        let chunks = parse_chunks(&bytes[body_start..])?;
        return Ok(chunks.map(|(body, n_bytes)| (Response { status, body, closes }, body_start + n_bytes)));
    }
    let body_len = body_len.ok_or("a response without its length")?;
    let Some(body) = bytes.get(body_start..body_start + body_len) else { return Ok(None) };
    Ok(Some((Response { status, body: body.to_vec(), closes }, body_start + body_len)))
}

/// A body in chunks and how many bytes it takes, or none if there is more to come.
fn parse_chunks(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, String> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let Some(line_len) = bytes[at..].windows(2).position(|w| w == b"\r\n") else { return Ok(None) };
        let line = String::from_utf8_lossy(&bytes[at..at + line_len]);
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| format!("no size of a chunk: `{line}`"))?;
        let start = at + line_len + 2;
        let Some(chunk) = bytes.get(start..start + size + 2) else { return Ok(None) };
        body.extend_from_slice(&chunk[..size]);
        at = start + size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Response {
        /// One after which the connection stays open.
        pub(crate) fn new(status: u16, body: &[u8]) -> Self {
            Response { status, body: body.to_vec(), closes: false }
        }
    }

    const TWO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}\
        HTTP/1.1 404 Not Found\r\nconnection: Close\r\ncontent-length:0\r\n\r\n";

    /// Gives its bytes in two reads.
    struct Split<'a>(Vec<&'a [u8]>);

    impl Read for Split<'_> {
        fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
            let part = if self.0.is_empty() { &[][..] } else { self.0.remove(0) };
            block[..part.len()].copy_from_slice(part);
            Ok(part.len())
        }
    }

    #[test]
    fn responses_split_at_any_byte_are_whole() {
        for at in 1..TWO.len() {
            let (first, second) = TWO.split_at(at);
            let (mut stream, mut buffer) = (Split(vec![first, second]), Vec::new());
            let ok = read_response(&mut stream, &mut buffer).unwrap();
            assert_eq!(ok, Response::new(200, b"{\"a\":1}"), "split at {at}");
            let missing = read_response(&mut stream, &mut buffer).unwrap();
            assert_eq!(missing, Response { status: 404, body: Vec::new(), closes: true }, "split at {at}");
            assert!(buffer.is_empty());
        }
    }

    #[test]
    fn chunks_are_joined_at_every_split() {
        let bytes = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n1;x=y\r\ne\r\n0\r\n\r\n";
        for end in 0..bytes.len() {
            assert_eq!(parse(&bytes[..end]), Ok(None), "{end} bytes");
        }
        assert_eq!(parse(bytes), Ok(Some((Response::new(200, b"abcde"), bytes.len()))));
    }

    #[test]
    fn a_response_that_breaks_off_is_no_response() {
        let first_len = TWO.iter().position(|&b| b == b'}').unwrap() + 1;
        for end in 0..first_len {
            assert_eq!(parse(&TWO[..end]), Ok(None), "{end} bytes");
        }
        assert_eq!(parse(&TWO[..first_len]).unwrap().map(|(_, n_bytes)| n_bytes), Some(first_len));
        let error = read_response(&mut Split(vec![&TWO[..20]]), &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let check = |bytes: &[u8], expect: &str| assert_eq!(parse(bytes).unwrap_err(), expect);
        check(b"ICY 200 OK\r\n\r\n", "no status line of HTTP/1.1: `ICY 200 OK`");
        check(b"HTTP/1.1 20\r\n\r\n", "no status line of HTTP/1.1: `HTTP/1.1 20`");
        check(b"HTTP/1.1 200 OK\r\n\r\n", "a response without its length");
        check(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "no length: `x`");
        check(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "bodies in `gzip` form are not understood");
        check(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "no size of a chunk: `x`");
    }

    #[test]
    fn requests_state_their_length() {
        let request = String::from_utf8(request("POST", "/x", "{\"a\": \"ä\"}")).unwrap();
        assert!(request.starts_with("POST /x HTTP/1.1\r\nhost: localhost\r\n"));
        assert!(request.ends_with("content-length: 11\r\n\r\n{\"a\": \"ä\"}"));
    }
}
