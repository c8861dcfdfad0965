//! A server for tests that answers each request as a function says, and keeps what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request that came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Method and path, such as `GET /x?y=z`.
    pub(crate) line: String,
    /// As sent, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// The same, where it is no text.
    pub(crate) bytes: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// What is answered, after how long.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) delay: Duration,
}

pub(crate) fn answer(status: u16, body: impl Into<String>) -> Answer {
    Answer { status, body: body.into(), delay: Duration::ZERO }
}

/// The server. It lives as long as the runtime.
pub(crate) struct Fake {
    /// `http://127.0.0.1:port`.
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    pub(crate) async fn start(respond: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (kept, respond) = (Arc::clone(&asked), Arc::new(respond));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&kept), Arc::clone(&respond)));
            }
        });
        Fake { address, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(mut socket: TcpStream, kept: Arc<Mutex<Vec<Asked>>>, respond: Arc<impl Fn(&Asked) -> Answer>) {
    let mut received = Vec::new();
    let asked = loop {
        if let Some(asked) = parse(&received) {
            break asked;
        }
        if socket.read_buf(&mut received).await.unwrap_or(0) == 0 {
            return;
        }
    };
    let Answer { status, body, delay } = respond(&asked);
    kept.lock().unwrap().push(asked);
    tokio::time::sleep(delay).await;
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
}

/// The request, once it is whole.
fn parse(received: &[u8]) -> Option<Asked> {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    let bytes = received[end + 4..].to_vec();
    let mut lines = head.lines();
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, n)| n.parse().unwrap());
    let body = String::from_utf8_lossy(&bytes).into_owned();
    (bytes.len() >= length).then_some(Asked { line, headers, body, bytes })
}
