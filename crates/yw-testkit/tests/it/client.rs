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

    pub(crate) fn is_stream(&self) -> bool {
        matches!(self.header("content-type"), Some("text/event-stream" | EVENT_STREAM))
    }

    /// The payloads of the events, with their names; comments left out.
    pub(crate) fn events(&self) -> Vec<(Option<String>, String)> {
        if self.header("content-type") == Some(EVENT_STREAM) {
            return frames(&self.body);
        }
        let read = |event: &str| {
            let name = event.lines().find_map(|l| l.strip_prefix("event: ")).map(str::to_owned);
            let data = event.lines().find_map(|l| l.strip_prefix("data: "))?;
            Some((name, data.to_owned()))
        };
        self.text().split("\n\n").filter(|e| !e.is_empty()).filter_map(read).collect()
    }
}

const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";

/// The names and payloads of binary frames, whose lengths and checksums must be right.
fn frames(mut bytes: &[u8]) -> Vec<(Option<String>, String)> {
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes[..4].try_into().unwrap());
    let mut events = Vec::new();
    while bytes.len() > 16 {
        let (n_bytes, n_header_bytes) = (number(bytes) as usize, number(&bytes[4..]) as usize);
        if bytes.len() < n_bytes {
            break;
        }
        let (frame, rest) = bytes.split_at(n_bytes);
        assert_eq!(number(&frame[8..]), checksum(&frame[..8]));
        assert_eq!(number(&frame[n_bytes - 4..]), checksum(&frame[..n_bytes - 4]));
        let (mut headers, payload) = frame[12..n_bytes - 4].split_at(n_header_bytes);
        let mut name = None;
        while !headers.is_empty() {
            let (key, rest) = headers[1..].split_at(usize::from(headers[0]));
            assert_eq!(rest[0], 7, "headers are text");
            let (value, rest) = rest[3..].split_at(usize::from(u16::from_be_bytes([rest[1], rest[2]])));
            if key == b":event-type" || key == b":exception-type" {
                name = Some(String::from_utf8(value.to_vec()).unwrap());
            }
            headers = rest;
        }
        events.push((name, String::from_utf8(payload.to_vec()).unwrap()));
        bytes = rest;
    }
    events
}

/// CRC-32, a bit at a time.
fn checksum(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
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

    /// Reads until this text has come.
    pub(crate) fn wait_for(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.bytes).contains(text) {
            assert!(self.more(), "{text} never came");
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

pub(crate) const DIALECTS: [Dialect; 5] = Dialect::ALL;

/// Where a request that is no stream goes.
pub(crate) fn path(dialect: Dialect) -> &'static str {
    path_for(dialect, false)
}

fn path_for(dialect: Dialect, stream: bool) -> &'static str {
    match (dialect, stream) {
        (Dialect::OpenAi, _) => "/v1/chat/completions",
        (Dialect::Responses, _) => "/v1/responses",
        (Dialect::Anthropic, _) => "/v1/messages",
        (Dialect::Gemini, false) => "/v1beta/models/m:generateContent",
        (Dialect::Gemini, true) => "/v1beta/models/m:streamGenerateContent?alt=sse",
        (Dialect::Bedrock, false) => "/model/m/converse",
        (Dialect::Bedrock, true) => "/model/m/converse-stream",
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
    let mut body = ask_plainly(dialect, question);
    match dialect {
        Dialect::OpenAi => {
            let wanted = json!({ "name": "answer", "strict": true, "schema": schema() });
            body["response_format"] = json!({ "type": "json_schema", "json_schema": wanted });
        }
        Dialect::Responses => {
            let format = json!({ "type": "json_schema", "name": "answer", "strict": true, "schema": schema() });
            body["text"] = json!({ "format": format });
        }
        Dialect::Anthropic => {
            body["output_config"] = json!({ "format": { "type": "json_schema", "schema": schema() } });
        }
        Dialect::Gemini => {
            body["generationConfig"] =
                json!({ "responseMimeType": "application/json", "responseJsonSchema": schema() });
        }
        Dialect::Bedrock => {
            let structure = json!({ "jsonSchema": { "name": "answer", "schema": schema().to_string() } });
            body["outputConfig"] = json!({ "textFormat": { "type": "json_schema", "structure": structure } });
        }
    }
    body
}

/// A question and nothing else.
pub(crate) fn ask_plainly(dialect: Dialect, question: &str) -> Value {
    let messages = json!([{ "role": "user", "content": question }]);
    match dialect {
        Dialect::OpenAi => json!({ "model": "m", "messages": messages }),
        Dialect::Responses => json!({ "model": "m", "input": messages }),
        Dialect::Anthropic => json!({ "model": "m", "max_tokens": 100, "messages": messages }),
        Dialect::Gemini => json!({ "contents": [{ "role": "user", "parts": [{ "text": question }] }] }),
        Dialect::Bedrock => json!({ "messages": [{ "role": "user", "content": [{ "text": question }] }] }),
    }
}

/// The same as a stream.
pub(crate) fn ask_stream(dialect: Dialect, question: &str) -> Value {
    as_stream(dialect, ask(dialect, question))
}

/// The request as one for a stream; where the path says so, the body tells [`send`].
pub(crate) fn as_stream(dialect: Dialect, mut body: Value) -> Value {
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
    let path = path_for(dialect, body["stream"] == true);
    let anyone = if dialect == Dialect::Bedrock && !headers.contains("authorization") {
        "authorization: Bearer any\r\n"
    } else {
        ""
    };
    client.send(&post(path, &body.to_string(), &format!("{headers}{anyone}")));
    client.receive()
}

/// The text that the model said, from a whole reply or a stream.
pub(crate) fn said(dialect: Dialect, received: &Received) -> String {
    if received.is_stream() {
        let payloads = received.events().into_iter().filter_map(|(_, data)| serde_json::from_str::<Value>(&data).ok());
        let pointer = match dialect {
            Dialect::OpenAi => "/choices/0/delta/content",
            Dialect::Responses => "/delta",
            Dialect::Anthropic | Dialect::Bedrock => "/delta/text",
            Dialect::Gemini => "/candidates/0/content/parts/0/text",
        };
        return payloads.filter_map(|p| Some(p.pointer(pointer)?.as_str()?.to_owned())).collect();
    }
    let pointer = match dialect {
        Dialect::OpenAi => "/choices/0/message/content",
        Dialect::Responses => "/output/0/content/0/text",
        Dialect::Anthropic => "/content/0/text",
        Dialect::Gemini => "/candidates/0/content/parts/0/text",
        Dialect::Bedrock => "/output/message/content/0/text",
    };
    received.json().pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The payloads of a stream.
pub(crate) fn payloads(received: &Received) -> Vec<Value> {
    received.events().iter().filter_map(|(_, data)| serde_json::from_str(data).ok()).collect()
}

/// Waits for something that happens in another thread.
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
