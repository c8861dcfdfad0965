//! The bill says what a provider would charge.

use std::time::Duration;

use yw_task::{Dialect, Usd};
use yw_testkit::{Fault, Fixture, Prices, Reply, Script, ScriptedServer, Tokens, When};

use crate::client::{Client, DIALECTS, ask, ask_stream, eventually, path, post, said, send, send_with};

#[test]
fn tokens_and_dollars_add_up() {
    let tokens = Tokens { input: 1000, cached: 400, output: 50, reasoning: 20, ..Tokens::default() };
    let script = Script::new(move |_| Reply::answer("billing").with_tokens(tokens))
        .prices(Prices::per_million(3.0, 0.3, 15.0))
        .fault(When::Nth(2), Fault::status(500));
    let server = ScriptedServer::spawn_thread(script).unwrap();
    for dialect in [Dialect::OpenAi, Dialect::Anthropic] {
        for body in [ask(dialect, "q"), ask_stream(dialect, "q")] {
            send(&server, dialect, &body).unwrap();
        }
    }
    let bill = server.bill();
    // Three calls; one is 600 × 3 + 400 × 0.3 + 50 × 15 dollars per million.
    assert_eq!(bill.usage.usd, Usd::from_dollars(3.0 * 2670e-6));
    assert_eq!((bill.usage.calls, bill.usage.input_tokens, bill.usage.cached_tokens), (3, 3000, 1200));
    assert_eq!((bill.usage.output_tokens, bill.usage.reasoning_tokens), (150, 60));
    assert_eq!((bill.refused, bill.cut, bill.unreadable, bill.replayed), (1, 0, 0, 0));
}

#[test]
fn counted_tokens_are_on_the_wire_and_on_the_bill() {
    let server = ScriptedServer::spawn_thread(Script::echo_label(&[], "technical")).unwrap();
    let received = send(&server, Dialect::OpenAi, &ask(Dialect::OpenAi, "a question of some length")).unwrap();
    let usage = &received.json()["usage"];
    assert_eq!(usage["prompt_tokens"], server.bill().usage.input_tokens);
    assert_eq!(usage["completion_tokens"], server.bill().usage.output_tokens);
    // {"team":"technical"} has 20 bytes.
    assert_eq!(server.bill().usage.output_tokens, 6);
}

#[test]
fn a_key_that_was_answered_is_answered_again_for_nothing() {
    for dialect in DIALECTS {
        let script = Script::guess(1).fault(When::Nth(1), Fault::status(500)).fault(When::Nth(3), Fault::status(500));
        let server = ScriptedServer::spawn_thread(script).unwrap();
        let body = ask(dialect, "q");
        let send = || send_with(&server, dialect, &body, "Idempotency-Key: k1\r\n").unwrap();
        assert_eq!(send().status, 500, "an error is no answer");
        let first = send();
        let again = send();
        assert_eq!((first.status, again.status), (200, 200));
        assert_eq!(first.body, again.body);
        let bill = server.bill();
        assert_eq!((bill.usage.calls, bill.replayed, bill.calls_by_key["k1"]), (1, 1, 1));
    }
}

#[test]
fn a_key_is_good_for_one_body() {
    let server = ScriptedServer::spawn_thread(Script::guess(1)).unwrap();
    let send = |question: &str| {
        let body = ask(Dialect::OpenAi, question);
        send_with(&server, Dialect::OpenAi, &body, "Idempotency-Key: k1\r\n").unwrap().status
    };
    assert_eq!((send("one"), send("two"), send("one")), (200, 422, 200));
    assert_eq!(server.bill().usage.calls, 1);
}

#[test]
fn keys_can_be_ignored() {
    let server = ScriptedServer::spawn_thread(Script::guess(1).idempotent(false)).unwrap();
    for _ in 0..2 {
        send_with(&server, Dialect::OpenAi, &ask(Dialect::OpenAi, "q"), "Idempotency-Key: k1\r\n").unwrap();
    }
    assert_eq!((server.bill().usage.calls, server.bill().calls_by_key["k1"]), (2, 2));
}

#[test]
fn a_cut_reply_leaves_its_key_free() {
    let script = Script::guess(1).fault(When::Nth(1), Fault::CutMidBody).fault(When::Nth(2), Fault::MalformedJson);
    let server = ScriptedServer::spawn_thread(script).unwrap();
    let send = || send_with(&server, Dialect::OpenAi, &ask(Dialect::OpenAi, "q"), "Idempotency-Key: k1\r\n").unwrap();
    let (cut, malformed, whole) = (send(), send(), send());
    assert!(!cut.complete && malformed.complete && whole.complete);
    let bill = server.bill();
    assert_eq!((bill.cut, bill.unreadable, bill.usage.calls, bill.replayed), (1, 1, 1, 0));
}

#[test]
fn rows_are_told_apart_by_their_marks() {
    let tickets = Fixture::tickets(5, 1);
    let truth = tickets.clone();
    let script = Script::answer(move |request| truth.truth_in(request.question()).unwrap_or_default())
        .row_prefix(tickets.mark_prefix());
    let server = ScriptedServer::spawn_thread(script).unwrap();
    for question in ["example T-1, then T-2", "T-3", "T-2 again"] {
        send(&server, Dialect::OpenAi, &ask(Dialect::OpenAi, question)).unwrap();
    }
    let bill = server.bill();
    assert_eq!((bill.calls_by_row["T-2"], bill.calls_by_row["T-3"], bill.calls_by_row.len()), (2, 1, 2));
    assert_eq!(bill.rows_paid_twice(), ["T-2"]);
}

#[test]
fn a_client_that_goes_away_pays_nothing() {
    let script = Script::guess(1).latency(Duration::from_secs(30));
    let server = ScriptedServer::spawn_thread(script).unwrap();
    let mut clients: Vec<Client> = (0..5).map(|_| Client::connect(server.address())).collect();
    for client in &mut clients {
        client.send(&post(path(Dialect::OpenAi), &ask(Dialect::OpenAi, "q").to_string(), ""));
    }
    eventually("all are in flight", || server.in_flight() == 5);
    drop(clients);
    eventually("none is", || server.in_flight() == 0);
    assert_eq!((server.bill().cut, server.bill().usage.calls, server.peak_in_flight()), (5, 0, 5));
}

#[test]
fn a_reply_that_was_read_is_on_the_bill() {
    let server = ScriptedServer::spawn_thread(Script::guess(1)).unwrap();
    for n in 1..=300 {
        let body = if n % 2 == 0 { ask(Dialect::OpenAi, "q") } else { ask_stream(Dialect::OpenAi, "q") };
        let received = send(&server, Dialect::OpenAi, &body).unwrap();
        assert_eq!(server.bill().usage.calls, n, "{}", said(Dialect::OpenAi, &received));
    }
}
