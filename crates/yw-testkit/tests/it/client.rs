//! A client that reads bytes and believes nothing.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use yw_task::Dialect;
use yw_testkit::ScriptedServer;

/// What came back for one request.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: u16,
    pub(crate) head: String,
    /// Without the framing of chunks.
    pub(crate) body: Vec<u8>,
    /// Whether all came that the head promised.
    pub(crate) complete: bool,
    /// How many chunks came, if it came in chunks.
    pub(crate) n_chunks: usize,
    pub(crate) took: Duration,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|l| l.split_once(": "));
        lines.into_iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The payloads of the server-sent events, with their names; comments left out.
    pub(crate) fn events(&self) -> Vec<(Option<String>, String)> {
        let read = |event: &str| {
            let name = event.lines().find_map(|l| l.strip_prefix("event: ")).map(str::to_owned);
            let data = event.lines().find_map(|l| l.strip_prefix("data: "))?;
            Some((name, data.to_owned()))
        };
        self.text().split("\n\n").filter(|e| !e.is_empty()).filter_map(read).collect()
    }
}

/// A connection that is kept.
pub(crate) struct Client {
    stream: TcpStream,
    /// What came and was not looked at yet.
    bytes: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Client { stream, bytes: Vec::new() }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Reads one response; none if the connection ends before its head does.
    pub(crate) fn receive(&mut self) -> Option<Received> {
        let started = Instant::now();
        let head = loop {
            if let Some(at) = self.bytes.windows(4).position(|w| w == b"\r\n\r\n") {
                break String::from_utf8(self.bytes.drain(..at + 4).collect()).unwrap();
            }
            if !self.more() {
                return None;
            }
        };
        let status = head[9..12].parse().unwrap();
        let mut received =
            Received { status, head, body: Vec::new(), complete: false, n_chunks: 0, took: Duration::ZERO };
        let n_bytes = received.header("content-length").map(|n| n.parse::<usize>().unwrap());
        match n_bytes {
            _ if status == 100 => received.complete = true,
            Some(n_bytes) => {
                while self.bytes.len() < n_bytes && self.more() {}
                received.complete = self.bytes.len() >= n_bytes;
                received.body = self.bytes.drain(..n_bytes.min(self.bytes.len())).collect();
            }
            None => self.receive_chunks(&mut received),
        }
        received.took = started.elapsed();
        Some(received)
    }

    fn receive_chunks(&mut self, received: &mut Received) {
        loop {
            if let Some(at) = self.bytes.windows(2).position(|w| w == b"\r\n") {
                let n_bytes = usize::from_str_radix(std::str::from_utf8(&self.bytes[..at]).unwrap(), 16).unwrap();
                let end = at + 2 + n_bytes + 2;
                if self.bytes.len() >= end {
                    assert_eq!(&self.bytes[end - 2..end], b"\r\n");
                    received.body.extend_from_slice(&self.bytes[at + 2..end - 2]);
                    self.bytes.drain(..end);
                    if n_bytes == 0 {
                        received.complete = true;
                        return;
                    }
                    received.n_chunks += 1;
                    continue;
                }
            }
            if !self.more() {
                return;
            }
        }
    }

    /// Reads what is there; false at the end of the connection.
    fn more(&mut self) -> bool {
        let mut block = [0; 4096];
        match self.stream.read(&mut block) {
            Ok(n_bytes) => {
                self.bytes.extend_from_slice(&block[..n_bytes]);
                n_bytes > 0
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("nothing came: {error}"),
        }
    }

    /// Whether the connection ends, and with a reset.
    pub(crate) fn is_reset(&mut self) -> bool {
        let outcome = self.stream.read(&mut [0; 16]);
        outcome.is_err_and(|e| e.kind() == ErrorKind::ConnectionReset)
    }
}

pub(crate) const DIALECTS: [Dialect; 2] = Dialect::ALL;

pub(crate) fn path(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAi => "/v1/chat/completions",
        Dialect::Anthropic => "/v1/messages",
    }
}

/// The schema of a triage answer.
pub(crate) fn schema() -> Value {
    json!({
        "type": "object",
        "properties": { "team": { "type": "string", "enum": ["billing", "technical"] } },
        "required": ["team"],
        "additionalProperties": false,
    })
}

/// A request for a structured answer to this question.
pub(crate) fn ask(dialect: Dialect, question: &str) -> Value {
    let messages = json!([{ "role": "user", "content": question }]);
    match dialect {
        Dialect::OpenAi => json!({
            "model": "m",
            "messages": messages,
            "response_format": {
                "type": "json_schema",
                "json_schema": { "name": "answer", "strict": true, "schema": schema() },
            },
        }),
        Dialect::Anthropic => json!({
            "model": "m",
            "max_tokens": 100,
            "messages": messages,
            "output_config": { "format": { "type": "json_schema", "schema": schema() } },
        }),
    }
}

/// The same as a stream.
pub(crate) fn ask_stream(dialect: Dialect, question: &str) -> Value {
    let mut body = ask(dialect, question);
    body["stream"] = true.into();
    if dialect == Dialect::OpenAi {
        body["stream_options"] = json!({ "include_usage": true });
    }
    body
}

/// The request as bytes.
pub(crate) fn post(path: &str, body: &str, headers: &str) -> Vec<u8> {
    format!("POST {path} HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()).into_bytes()
}

/// Sends one request on a connection of its own.
pub(crate) fn send(server: &ScriptedServer, dialect: Dialect, body: &Value) -> Option<Received> {
    send_with(server, dialect, body, "")
}

/// The same with more header lines.
pub(crate) fn send_with(server: &ScriptedServer, dialect: Dialect, body: &Value, headers: &str) -> Option<Received> {
    let mut client = Client::connect(server.address());
    client.send(&post(path(dialect), &body.to_string(), headers));
    client.receive()
}

/// The text that the model said, from a whole reply or a stream.
pub(crate) fn said(dialect: Dialect, received: &Received) -> String {
    if received.header("content-type") == Some("text/event-stream") {
        let payloads = received.events().into_iter().filter_map(|(_, data)| serde_json::from_str::<Value>(&data).ok());
        let pointer = match dialect {
            Dialect::OpenAi => "/choices/0/delta/content",
            Dialect::Anthropic => "/delta/text",
        };
        return payloads.filter_map(|p| Some(p.pointer(pointer)?.as_str()?.to_owned())).collect();
    }
    let pointer = match dialect {
        Dialect::OpenAi => "/choices/0/message/content",
        Dialect::Anthropic => "/content/0/text",
    };
    received.json().pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Waits for something that happens in another thread.
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
