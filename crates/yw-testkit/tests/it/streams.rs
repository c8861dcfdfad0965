//! Streams that break, stall, are odd, or are left by their client.

use std::time::Duration;

use serde_json::Value;
use yw_task::Dialect;
use yw_testkit::{Fault, Prices, Reply, Script, ScriptedServer, Tokens, When};

use crate::client::{
    Client, DIALECTS, Received, as_stream, ask, ask_plainly, ask_stream, eventually, path, payloads, post, said, send,
};

const TEXT: &str = "one two three four five six seven eight";

fn server(fault: Fault) -> ScriptedServer {
    ScriptedServer::spawn_thread(Script::new(|_| Reply::text(TEXT)).fault(When::Always, fault)).unwrap()
}

fn stream(server: &ScriptedServer, dialect: Dialect) -> Received {
    send(server, dialect, &as_stream(dialect, ask_plainly(dialect, "q"))).unwrap()
}

/// How much of the text came; it comes in pieces of eight bytes.
fn n_pieces(dialect: Dialect, received: &Received) -> usize {
    let said = said(dialect, received).replace("a scripted error", "");
    assert!(TEXT.starts_with(&said), "{said}");
    said.len().div_ceil(8)
}

#[test]
fn streams_die_before_and_after_their_first_content() {
    for dialect in DIALECTS {
        for n in [0, 1, 3] {
            let cut = server(Fault::CutAfterContent(n));
            let received = stream(&cut, dialect);
            assert_eq!((received.complete, n_pieces(dialect, &received)), (false, n), "{dialect}");
            eventually("the cut is counted", || cut.bill().cut == 1);

            let error = server(Fault::ErrorAfterContent(n));
            let received = stream(&error, dialect);
            assert_eq!((received.complete, n_pieces(dialect, &received)), (true, n), "{dialect}");
            let last: Value = serde_json::from_str(&received.events().last().unwrap().1).unwrap();
            assert_eq!(last.get("error").unwrap_or(&last)["message"], "a scripted error", "{dialect}");
            assert_eq!((error.bill().unreadable, error.bill().usage.calls), (1, 0));
        }
    }
}

#[test]
fn bodies_are_cut_at_any_byte() {
    for dialect in DIALECTS {
        for body in [ask(dialect, "q"), ask_stream(dialect, "q")] {
            let whole = ScriptedServer::spawn_thread(Script::answer(|_| "billing")).unwrap();
            let whole = send(&whole, dialect, &body).unwrap().body;
            for n_bytes in [0, 1, 20, whole.len() - 1] {
                let script = Script::answer(|_| "billing").fault(When::Always, Fault::CutAfter(n_bytes));
                let server = ScriptedServer::spawn_thread(script).unwrap();
                let received = send(&server, dialect, &body).unwrap();
                assert!(!received.complete);
                assert_eq!(received.body, whole[..n_bytes], "{dialect} {n_bytes}");
                eventually("the cut is counted", || server.bill().cut == 1);
                assert_eq!(server.bill().usage.calls, 0);
            }
        }
    }
}

#[test]
fn bodies_are_split_at_every_byte() {
    let body = ask_stream(Dialect::OpenAi, "q");
    let server = ScriptedServer::spawn_thread(Script::answer(|_| "billing")).unwrap();
    let whole = send(&server, Dialect::OpenAi, &body).unwrap().body;
    for at in [1, 7, whole.len() - 1] {
        let script = Script::answer(|_| "billing").fault(When::Always, Fault::SplitAt(at));
        let received = send(&ScriptedServer::spawn_thread(script).unwrap(), Dialect::OpenAi, &body).unwrap();
        assert_eq!((received.body, received.n_chunks), (whole.clone(), 2));
    }
    let script = Script::answer(|_| "billing").fault(When::Always, Fault::Fragments(1));
    let received = send(&ScriptedServer::spawn_thread(script).unwrap(), Dialect::OpenAi, &body).unwrap();
    assert_eq!((received.n_chunks, received.body), (whole.len(), whole));
}

#[test]
fn streams_stall_and_go_on() {
    for dialect in DIALECTS {
        let server = server(Fault::StallAfterContent(2, Duration::from_millis(60)));
        let received = stream(&server, dialect);
        assert!(received.took >= Duration::from_millis(55), "{dialect}: {:?}", received.took);
        assert_eq!(said(dialect, &received), TEXT, "{dialect}");
        assert_eq!(server.bill().usage.calls, 1);
    }
}

#[test]
fn unusual_replies_are_right() {
    for dialect in DIALECTS {
        let received = stream(&server(Fault::HugeEvent(30_000)), dialect);
        assert_eq!(said(dialect, &received), TEXT, "{dialect}");
        assert!(received.body.len() > 30_000);
        let received = send(&server(Fault::HugeEvent(30_000)), dialect, &ask_plainly(dialect, "q")).unwrap();
        assert_eq!((said(dialect, &received).as_str(), received.body.len() > 30_000), (TEXT, true), "{dialect}");

        let received = stream(&server(Fault::ManyHeaders(10_000)), dialect);
        assert_eq!(received.head.matches("x-filler-").count(), 10_000);
        assert_eq!(said(dialect, &received), TEXT, "{dialect}");
    }
}

/// What a reader that keeps to the standard makes of server-sent events.
fn events_by_the_standard(body: &str) -> Vec<String> {
    let mut events = Vec::new();
    let mut data: Vec<&str> = Vec::new();
    for line in body.replace("\r\n", "\n").leak().split('\n') {
        match line.split_once(':') {
            _ if line.is_empty() && !data.is_empty() => events.push(std::mem::take(&mut data).join("\n")),
            Some(("data", value)) => data.push(value.strip_prefix(' ').unwrap_or(value)),
            _ => {}
        }
    }
    events
}

#[test]
fn odd_events_say_the_same() {
    for dialect in DIALECTS.into_iter().filter(|d| *d != Dialect::Bedrock) {
        let received = stream(&server(Fault::OddEvents), dialect);
        assert!(received.text().contains("\r\n\r\n: a comment\r\n"));
        let odd: Vec<Value> =
            events_by_the_standard(received.text()).iter().filter_map(|e| serde_json::from_str(e).ok()).collect();
        let plain = stream(&server(Fault::SlowHeaders(Duration::ZERO)), dialect);
        assert_eq!(odd, payloads(&plain), "{dialect}");
    }
}

#[test]
fn what_is_not_reported_is_charged_apart() {
    for dialect in DIALECTS {
        let whole = stream(&server(Fault::SlowHeaders(Duration::ZERO)), dialect).events();
        let no_end = server(Fault::NoEnd);
        let received = stream(&no_end, dialect);
        assert!(received.complete);
        assert_eq!(received.events(), whole[..whole.len() - 1], "{dialect}");
        assert_eq!((no_end.bill().unreported.calls, no_end.bill().usage.calls), (1, 0));

        let no_usage = server(Fault::NoUsage);
        let streamed = stream(&no_usage, dialect);
        let received = send(&no_usage, dialect, &ask_plainly(dialect, "q")).unwrap();
        for text in [received.body, streamed.body].map(|body| String::from_utf8_lossy(&body).into_owned()) {
            let n_usages = text.matches("usage\":{").count() + text.matches("usageMetadata").count();
            assert_eq!(n_usages, 0, "{dialect}: {text}");
        }
        let line = no_usage.bill().unreported;
        assert_eq!((line.calls, line.usd), (2, Prices::default().cost(line.tokens)));
    }
}

#[test]
fn a_stream_that_its_client_leaves_has_a_line_of_its_own() {
    let tokens = Tokens { input: 1_000, output: 500, ..Tokens::default() };
    for dialect in [Dialect::OpenAi, Dialect::Responses, Dialect::Anthropic] {
        let script = Script::new(move |_| Reply::text(TEXT).with_tokens(tokens)).pace(Duration::from_millis(20));
        let server = ScriptedServer::spawn_thread(script).unwrap();
        let mut client = Client::connect(server.address());
        let body = as_stream(dialect, ask_plainly(dialect, "q")).to_string();
        client.send(&post(path(dialect), &body, ""));
        client.wait_for("three");
        drop(client);
        eventually("the stream is given up", || server.bill().abandoned.calls == 1);
        let bill = server.bill();
        // 39 bytes are five pieces; two or three had been sent.
        assert_eq!((bill.usage.calls, bill.cut, bill.abandoned.tokens.input), (0, 0, 1_000), "{dialect}");
        assert!([200, 300, 400].contains(&bill.abandoned.tokens.output), "{dialect}: {:?}", bill.abandoned);
        assert_eq!(bill.abandoned.usd, Prices::default().cost(bill.abandoned.tokens));
    }
}
