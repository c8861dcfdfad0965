//! An HTTP client of a hundred lines: one request a connection, nothing hidden.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// A response that was read to its end.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("no JSON ({e}): {self:?}"))
    }

    /// The same, if it has this status; panics with all of it otherwise.
    #[track_caller]
    pub(crate) fn has_status(self, status: u16) -> Self {
        assert!(self.status == status, "expected status {status}: {self:?}");
        self
    }

    /// The stable code of an error.
    #[track_caller]
    pub(crate) fn error_code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_else(|| panic!("no error code: {self:?}")).to_owned()
    }
}

/// A server's address, `127.0.0.1:7878`.
#[derive(Debug, Clone)]
pub(crate) struct Client(pub(crate) String);

impl Client {
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], b"").unwrap_or_else(|e| panic!("GET {path}: {e}"))
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Response {
        self.try_post(path, body).unwrap_or_else(|e| panic!("POST {path}: {e}"))
    }

    pub(crate) fn try_post(&self, path: &str, body: impl AsRef<[u8]>) -> io::Result<Response> {
        self.send("POST", path, &[("content-type", "application/json")], body.as_ref())
    }

    /// Sends a request; headers given here replace those that every request has.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Response> {
        let length = body.len().to_string();
        let mut all = vec![("host", self.0.as_str()), ("connection", "close"), ("content-length", length.as_str())];
        all.retain(|(name, _)| !headers.iter().any(|(given, _)| given == name));
        all.extend(headers);
        let mut request = format!("{method} {path} HTTP/1.1\r\n").into_bytes();
        for (name, value) in all {
            write!(request, "{name}: {value}\r\n")?;
        }
        request.extend(b"\r\n");
        request.extend(body);
        let mut stream = self.connect()?;
        // A server that refuses early may stop reading; what it says counts.
        let _ = stream.write_all(&request);
        read_response(stream)
    }

    pub(crate) fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(&self.0)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.set_write_timeout(Some(Duration::from_secs(30)))?;
        Ok(stream)
    }
}

/// Reads until the server closes or the promised length is there.
pub(crate) fn read_response(mut stream: TcpStream) -> io::Result<Response> {
    let mut bytes = Vec::new();
    let mut block = [0; 8192];
    loop {
        if let Some(response) = parse(&bytes) {
            return Ok(response);
        }
        match stream.read(&mut block)? {
            0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the response broke off")),
            n_bytes => bytes.extend_from_slice(&block[..n_bytes]),
        }
    }
}

fn parse(bytes: &[u8]) -> Option<Response> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let lower = head.to_ascii_lowercase();
    let length: usize = lower.lines().find_map(|l| l.strip_prefix("content-length:")?.trim().parse().ok())?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    (body.len() >= length).then(|| Response { status, head: lower, body: body.to_owned() })
}
