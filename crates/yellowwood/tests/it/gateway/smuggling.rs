//! Requests in odd frames, names that lead elsewhere, and headers that would like to be two.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use yw_task::Dialect;
use yw_testkit::{Reply, Script};

use super::dialect::{self, CLIENTS, ask};
use super::rig::{Rig, price, provider, scripted};
use super::wire::Wire;
use crate::support::fitted_project;

/// Sends bytes, and reads all that comes until the server closes or is silent.
fn exchange(rig: &Rig, request: &[u8]) -> String {
    let mut wire = rig.wire();
    wire.stream.set_read_timeout(Some(Duration::from_millis(400))).expect("a socket has time limits");
    wire.raw(request);
    String::from_utf8_lossy(&wire.rest()).into_owned()
}

fn statuses(said: &str) -> Vec<&str> {
    said.split("HTTP/1.1 ").skip(1).filter_map(|rest| rest.get(..3)).collect()
}

#[test]
fn odd_framing_is_refused_and_smuggles_nothing() {
    let server = scripted(Script::new(|_| Reply::text("Yes.")));
    let mut rig = Rig::start(provider("x", Dialect::OpenAi, &server));
    let body = ask(Dialect::OpenAi, "x/m", "May I?", false).to_string();
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n";
    let (n_bytes, hex) = (body.len(), format!("{:x}", body.len()));
    // A request hidden in the body of another: whoever counts otherwise would serve it.
    let hidden = "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 4\r\n\r\nhide";
    let chunks = format!("{hex}\r\n{body}\r\n0\r\n\r\n");
    let refused: &[(&str, String)] = &[
        (
            "two lengths",
            format!(
                "{head}content-length: {n_bytes}\r\ncontent-length: {}\r\n\r\n{body}{hidden}",
                n_bytes + hidden.len()
            ),
        ),
        ("two lengths in one", format!("{head}content-length: {n_bytes}, {}\r\n\r\n{body}", n_bytes + 1)),
        ("a signed length", format!("{head}content-length: +{n_bytes}\r\n\r\n{body}")),
        ("a negative length", format!("{head}content-length: -1\r\n\r\n{body}")),
        ("a length in hex", format!("{head}content-length: 0x{hex}\r\n\r\n{body}")),
        ("a huge length", format!("{head}content-length: 99999999999999999999\r\n\r\n{body}")),
        ("a space before the colon", format!("{head}content-length : {n_bytes}\r\n\r\n{body}")),
        ("a folded header", format!("{head}x-folded: a\r\n b\r\ncontent-length: {n_bytes}\r\n\r\n{body}")),
        ("a folded encoding", format!("{head}transfer-encoding:\r\n chunked\r\n\r\n{chunks}")),
        ("an unknown encoding", format!("{head}transfer-encoding: xchunked\r\n\r\n{chunks}")),
        ("chunked before the last", format!("{head}transfer-encoding: chunked, identity\r\n\r\n{chunks}")),
        ("a nul in a header", format!("{head}x-a: b\0c\r\ncontent-length: {n_bytes}\r\n\r\n{body}")),
        ("a bare CR in a header", format!("{head}x-a: b\rc\r\ncontent-length: {n_bytes}\r\n\r\n{body}")),
        (
            "chunks in HTTP/1.0",
            format!("{}transfer-encoding: chunked\r\n\r\n{chunks}", head.replace("1.1\r\n", "1.0\r\n")),
        ),
        ("a huge chunk", format!("{head}transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n{body}")),
        ("a chunk of more", format!("{head}transfer-encoding: chunked\r\n\r\nfffffffffffffffff1\r\n{body}")),
        ("a chunk of no number", format!("{head}transfer-encoding: chunked\r\n\r\n-1\r\n{body}\r\n0\r\n\r\n")),
        ("a chunk in 0x", format!("{head}transfer-encoding: chunked\r\n\r\n0x{hex}\r\n{body}\r\n0\r\n\r\n")),
        (
            "a chunk that is longer",
            format!("{head}transfer-encoding: chunked\r\n\r\n{hex}\r\n{body}too long\r\n0\r\n\r\n"),
        ),
        ("no version", format!("POST /v1/chat/completions\r\ncontent-length: {n_bytes}\r\n\r\n{body}")),
        ("two spaces", format!("{}content-length: {n_bytes}\r\n\r\n{body}", head.replace(" HTTP", "  HTTP"))),
    ];
    for (what, request) in refused {
        let said = exchange(&rig, request.as_bytes());
        let statuses = statuses(&said);
        assert!(statuses.len() <= 1, "{what}: one request, and so one answer: {said}");
        assert!(statuses.iter().all(|status| status.starts_with('4')), "{what}: {said}");
    }
    assert_eq!(server.requests().len(), 0, "no provider saw any of that");

    // With both lengths, the chunks count, and the connection ends with the answer: nothing after it is a request.
    for (what, request) in [
        (
            "both lengths, short",
            format!("{head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n{chunks}{hidden}"),
        ),
        (
            "both lengths, long",
            format!(
                "{head}transfer-encoding: chunked\r\ncontent-length: {}\r\n\r\n{chunks}{hidden}",
                chunks.len() + hidden.len()
            ),
        ),
    ] {
        let n_before = server.requests().len();
        let mut wire = rig.wire();
        wire.raw(request.as_bytes());
        let said = String::from_utf8_lossy(&wire.rest()).into_owned();
        assert!(statuses(&said).len() == 1 && said.to_lowercase().contains("connection: close"), "{what}: {said}");
        assert!(server.requests().len() <= n_before + 1, "{what}: {said}");
    }

    // Odd, and allowed: all ends where the client says, and nothing is left on the connection.
    let extension = format!("{hex};name=\"value\"\r\n{body}\r\n0;last\r\nx-trailer: yes\r\n\r\n");
    let leading = format!("000{hex}\r\n{body}\r\n000\r\n\r\n");
    let twice = format!("{head}content-length: {n_bytes}\r\ncontent-length: {n_bytes}\r\n\r\n{body}");
    for (what, request) in [
        ("extensions of chunks", format!("{head}transfer-encoding: chunked\r\n\r\n{extension}")),
        ("zeros before a size", format!("{head}transfer-encoding: chunked\r\n\r\n{leading}")),
        ("one length twice", twice),
    ] {
        let said = exchange(&rig, request.as_bytes());
        assert!(statuses(&said).len() == 1, "{what}: {said}");
    }
    // Lines that end in LF alone: read as lines or refused, and nothing else.
    let bare = format!("{head}content-length: {n_bytes}\r\n\r\n{body}").replace("\r\n", "\n");
    let said = exchange(&rig, bare.as_bytes());
    assert_eq!(statuses(&said).len(), 1, "{said}");
    // An endless extension or trailer does not fill the memory.
    let endless = "x".repeat(1 << 20);
    for rest in [format!("{hex};{endless}"), format!("{hex}\r\n{body}\r\n0\r\n{endless}")] {
        let said = exchange(&rig, format!("{head}transfer-encoding: chunked\r\n\r\n{rest}").as_bytes());
        assert!(statuses(&said).iter().all(|status| status.starts_with('4')), "{said}");
    }
    let n_headers = format!("{head}{}content-length: {n_bytes}\r\n\r\n{body}", "x-a: b\r\n".repeat(10_000));
    assert!(statuses(&exchange(&rig, n_headers.as_bytes())).iter().all(|status| *status == "431" || *status == "400"));
    rig.ask(Dialect::OpenAi, &ask(Dialect::OpenAi, "x/m", "And now?", true)).has_status(200);
    rig.stop();
}

#[test]
fn only_this_machine_is_meant_by_a_host() {
    let server = scripted(Script::new(|_| Reply::text("Yes.")));
    let mut rig = Rig::start(provider("x", Dialect::OpenAi, &server));
    let body = ask(Dialect::OpenAi, "x/m", "May I?", false).to_string();
    let request = |line: &str, host: &str| {
        format!("POST {line} HTTP/1.1\r\n{host}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    };
    let path = "/v1/chat/completions";
    for (line, host) in [
        (path.to_owned(), "host: evil.example\r\n"),
        (path.to_owned(), "host: 127.0.0.1.evil.example\r\n"),
        (path.to_owned(), "host: 127.0.0.1\r\norigin: https://evil.example\r\n"),
        (path.to_owned(), "host: 127.0.0.1\r\nhost: evil.example\r\n"),
        (format!("http://evil.example{path}"), "host: 127.0.0.1\r\n"),
        (format!("http://evil.example{path}"), ""),
    ] {
        let said = exchange(&rig, request(&line, host).as_bytes());
        assert!(statuses(&said).iter().all(|status| status.starts_with('4')), "{line} {host}: {said}");
    }
    for target in
        ["/v1/../v1/chat/completions", "//v1/chat/completions", "/v1/chat/completions/", "/V1/chat/completions", "*"]
    {
        let said = exchange(&rig, request(target, "host: 127.0.0.1\r\n").as_bytes());
        assert!(statuses(&said).iter().all(|status| status.starts_with('4')), "{target}: {said}");
    }
    let connect = "CONNECT 169.254.169.254:80 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
    assert!(statuses(&exchange(&rig, connect.as_bytes())).iter().all(|status| status.starts_with('4')));
    assert!(server.requests().is_empty());
    rig.stop();
}

/// A server that counts who comes, and should count nobody.
fn trap() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it has one").port();
    let n_visits = Arc::new(AtomicUsize::new(0));
    let counter = n_visits.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            counter.fetch_add(1, Ordering::SeqCst);
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
        }
    });
    (port, n_visits)
}

#[test]
fn nothing_is_fetched_for_a_client() {
    let (port, n_visits) = trap();
    let server = scripted(Script::by_model(1));
    let entries: String = Dialect::ALL.iter().map(|u| provider(&format!("x-{}", u.name()), *u, &server)).collect();
    let mut rig = Rig::new(entries).env("X_BEDROCK_API_KEY", "key");
    rig.serve();
    let url = format!("http://127.0.0.1:{port}/picture.png");
    for client in CLIENTS {
        for upstream in Dialect::ALL {
            for address in
                [url.as_str(), "file:///etc/passwd", "http://169.254.169.254/latest/meta-data/", "gopher://127.0.0.1/"]
            {
                let model = format!("x-{}/say:fine", upstream.name());
                let mut body = ask(client, &model, "", false);
                match client {
                    Dialect::Anthropic => {
                        let source = json!({ "type": "url", "url": address });
                        let parts =
                            json!([{ "type": "image", "source": source }, { "type": "document", "source": source }]);
                        body["messages"][0]["content"] = parts;
                    }
                    Dialect::Responses => {
                        let parts = json!([{ "type": "input_image", "image_url": address }, { "type": "input_file", "file_url": address }]);
                        body["input"] = json!([{ "role": "user", "content": parts }]);
                    }
                    _ => {
                        body["messages"][0]["content"] =
                            json!([{ "type": "image_url", "image_url": { "url": address } }])
                    }
                }
                let answer = rig.ask(client, &body);
                assert!(
                    answer.status == 200 || answer.status == 400,
                    "{client} to {upstream}: {} {}",
                    answer.status,
                    answer.text()
                );
                assert!(!answer.text().contains("root:"), "{}", answer.text());
            }
        }
    }
    assert_eq!(n_visits.load(Ordering::SeqCst), 0, "addresses go to providers as they are");
    rig.stop();
}

#[test]
fn names_of_models_lead_nowhere_else() {
    let (port, n_visits) = trap();
    let server = scripted(Script::new(|_| Reply::text("Yes.")));
    let project = fitted_project();
    let mut toml = project.read("yellowwood.toml");
    for upstream in Dialect::ALL {
        let name = format!("x-{}", upstream.name());
        toml += &format!("\n{}{}", provider(&name, upstream, &server), price(&format!("{name}/m")));
    }
    project.write("yellowwood.toml", toml);
    let mut rig = Rig::at(project).env("X_BEDROCK_API_KEY", "key");
    rig.serve();
    for client in CLIENTS {
        for model in [
            format!("http://127.0.0.1:{port}/x"),
            format!("//127.0.0.1:{port}/x"),
            format!("127.0.0.1:{port}/x"),
            "task:../../etc/passwd".into(),
            "task:triage/../../..".into(),
            "task:%2e%2e".into(),
            "route:../x".into(),
            "../../x".into(),
            "/etc/passwd".into(),
            "".into(),
            "x".repeat(100_000),
            "x-nobody/m\r\nx-injected: yes".into(),
        ] {
            let answer = rig.ask(client, &ask(client, &model, "May I?", false));
            assert!(matches!(answer.status, 400 | 404), "{model:.60}: {} {}", answer.status, answer.text());
            assert!(answer.header("x-injected").is_none() && answer.body.len() < 2_000, "{}", answer.text());
        }
    }
    assert!(server.requests().is_empty() && n_visits.load(Ordering::SeqCst) == 0);
    // A provider's own models may be called anything: it stays a name on its way.
    for upstream in Dialect::ALL {
        for model in [
            "../../admin",
            "..",
            "%2e%2e/x",
            "a?b=c",
            "a#b",
            "a b",
            "a\r\nx-injected: yes",
            "é\u{202e}",
            "@127.0.0.1/x",
            "\\..\\x",
        ] {
            let n_before = server.requests().len();
            let model = format!("x-{}/{model}", upstream.name());
            let answer = rig.ask(Dialect::OpenAi, &ask(Dialect::OpenAi, &model, "May I?", false));
            assert!(answer.header("x-injected").is_none(), "{model}: {:?}", answer.headers);
            for request in &server.requests()[n_before..] {
                let is_own = match upstream {
                    Dialect::OpenAi => request.path == "/v1/chat/completions",
                    Dialect::Responses => request.path == "/v1/responses",
                    Dialect::Anthropic => request.path == "/v1/messages",
                    Dialect::Gemini => {
                        request.path.starts_with("/v1beta/models/") && request.path.ends_with(":generateContent")
                    }
                    Dialect::Bedrock => request.path.starts_with("/model/") && request.path.ends_with("/converse"),
                };
                assert!(is_own && !request.path.contains("/../"), "{model}: {}", request.path);
                assert!(request.header("x-injected").is_none(), "{model}: {:?}", request.headers);
            }
        }
    }
    rig.stop();
}

#[test]
fn headers_of_providers_do_not_reach_clients() {
    let script = Script::new(|_| Reply::text("Yes."))
        .header("set-cookie", "session=of-the-provider")
        .header("location", "http://evil.example/")
        .header("x-yw-usd", "0")
        .header("x-yw-route", "forged")
        .header("access-control-allow-origin", "*")
        .header("x-request-id", "forged\tid");
    let server = scripted(script);
    let mut rig = Rig::start(provider("x", Dialect::OpenAi, &server) + &price("x/m"));
    for client in CLIENTS {
        for stream in [false, true] {
            let mut wire = Wire::connect(&rig.address).expect("a connection");
            let body = ask(client, "x/m", "May I?", stream).to_string();
            wire.post(dialect::path(client), &[], body.as_bytes()).expect("sent");
            let answer = wire.answer().expect("an answer").has_status(200);
            for name in ["set-cookie", "location", "access-control-allow-origin", "x-yw-route"] {
                assert_eq!(answer.header(name), None, "{name}");
            }
            assert!(answer.headers.iter().all(|(_, value)| !value.contains("forged")), "{:?}", answer.headers);
            assert!(answer.header("x-yw-usd") != Some("0"), "{:?}", answer.headers);
        }
    }
    rig.stop();
}
