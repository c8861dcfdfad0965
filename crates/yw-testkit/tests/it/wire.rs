//! HTTP/1.1 itself.

use std::time::Duration;

use serde_json::json;
use yw_task::Dialect;
use yw_testkit::{Script, ScriptedServer};

use crate::client::{Client, ask, eventually, path, post, said, send};

fn server() -> ScriptedServer {
    ScriptedServer::spawn_thread(Script::echo_label(&[("invoice", "billing")], "technical")).unwrap()
}

#[test]
fn one_connection_serves_many_requests() {
    let server = server();
    let mut client = Client::connect(server.address());
    for question in ["an invoice", "a crash", "an INVOICE"] {
        client.send(&post(path(Dialect::OpenAi), &ask(Dialect::OpenAi, question).to_string(), ""));
        let expected = if question == "a crash" { "technical" } else { "billing" };
        assert_eq!(said(Dialect::OpenAi, &client.receive().unwrap()), format!("{{\"team\":\"{expected}\"}}"));
    }
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = server();
    let mut client = Client::connect(server.address());
    let request = |question: &str| post(path(Dialect::OpenAi), &ask(Dialect::OpenAi, question).to_string(), "");
    client.send(&[request("an invoice"), request("a crash")].concat());
    assert_eq!(said(Dialect::OpenAi, &client.receive().unwrap()), r#"{"team":"billing"}"#);
    assert_eq!(said(Dialect::OpenAi, &client.receive().unwrap()), r#"{"team":"technical"}"#);
}

#[test]
fn bodies_may_come_in_chunks_and_bit_by_bit() {
    let server = server();
    let body = ask(Dialect::OpenAi, "an invoice").to_string();
    let (first, second) = body.split_at(33);
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: test\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:X};note=1\r\n{second}\r\n0\r\n\r\n",
        first.len(),
        second.len(),
    );
    let mut client = Client::connect(server.address());
    for piece in request.as_bytes().chunks(17) {
        client.send(piece);
        std::thread::sleep(Duration::from_micros(200));
    }
    assert_eq!(said(Dialect::OpenAi, &client.receive().unwrap()), r#"{"team":"billing"}"#);
}

#[test]
fn clients_that_ask_first_are_told_to_go_on() {
    let server = server();
    let body = ask(Dialect::OpenAi, "an invoice").to_string();
    let mut client = Client::connect(server.address());
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    client.send(head.as_bytes());
    assert_eq!(client.receive().unwrap().status, 100);
    client.send(body.as_bytes());
    assert_eq!(client.receive().unwrap().status, 200);
}

#[test]
fn connections_close_on_demand() {
    let server = server();
    let mut client = Client::connect(server.address());
    client.send(&post(path(Dialect::OpenAi), &ask(Dialect::OpenAi, "q").to_string(), "connection: close\r\n"));
    let received = client.receive().unwrap();
    assert_eq!((received.status, received.header("connection")), (200, Some("close")));
    assert!(client.receive().is_none());
}

#[test]
fn what_is_too_large_or_no_http_is_refused() {
    let script = Script::guess(1).max_body_bytes(100);
    let server = ScriptedServer::spawn_thread(script).unwrap();
    let refused = |bytes: &[u8]| {
        let mut client = Client::connect(server.address());
        client.send(bytes);
        let received = client.receive().unwrap();
        assert!(client.receive().is_none(), "the connection is closed");
        received.status
    };
    assert_eq!(refused(b"POST /v1/messages HTTP/1.1\r\ncontent-length: 101\r\n\r\n"), 413);
    assert_eq!(refused(b"POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nffffffff\r\n"), 413);
    assert_eq!(refused(b"POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"), 400);
    assert_eq!(refused(b"POST /v1/messages HTTP/1.1\r\ncontent-length: many\r\n\r\n"), 400);
    assert_eq!(refused(b"\x16\x03\x01 this is TLS\r\n\r\n"), 400);
    let long = [b"GET / HTTP/1.1\r\nx: ".to_vec(), vec![b'a'; 70_000]].concat();
    assert_eq!(refused(&long), 431);
    assert_eq!(server.bill().refused, 6);
}

#[test]
fn requests_are_recorded() {
    let server = server();
    let mut client = Client::connect(server.address());
    client.send(&post("/v1/chat/completions?beta=1", &ask(Dialect::OpenAi, "q").to_string(), "X-Custom: Yes\r\n"));
    client.receive().unwrap();
    let recorded = &server.requests()[0];
    assert_eq!((recorded.method.as_str(), recorded.path.as_str()), ("POST", "/v1/chat/completions?beta=1"));
    assert_eq!(recorded.header("x-custom"), Some("Yes"));
    assert_eq!(recorded.body["messages"][0]["content"], json!("q"));
}

#[test]
fn a_dropped_server_is_gone() {
    let server = server();
    let address = server.address();
    let mut idle = Client::connect(address);
    send(&server, Dialect::OpenAi, &ask(Dialect::OpenAi, "q")).unwrap();
    drop(server);
    assert!(idle.receive().is_none());
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[tokio::test]
async fn it_runs_on_the_runtime_of_a_test_too() {
    let server = ScriptedServer::start(Script::guess(1)).await.unwrap();
    let address = server.address();
    let status = tokio::task::spawn_blocking(move || {
        let mut client = Client::connect(address);
        client.send(&post(path(Dialect::Anthropic), &ask(Dialect::Anthropic, "q").to_string(), ""));
        client.receive().unwrap().status
    });
    assert_eq!(status.await.unwrap(), 200);
    drop(server);
    tokio::task::spawn_blocking(move || {
        eventually("the port is closed", || std::net::TcpStream::connect(address).is_err());
    })
    .await
    .unwrap();
}
