//! A server that sends the same bytes to everyone, for what the scripted server never says.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Starts it with these header lines (each ended by CRLF) and this body; returns the base URL.
pub(crate) async fn start(status: &'static str, headers: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut received = Vec::new();
            // Every request of these tests is a JSON object and comes alone on its connection.
            while !received.ends_with(b"}") && socket.read_buf(&mut received).await.is_ok_and(|n| n > 0) {}
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
            let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    format!("http://{address}/v1")
}
