//! Every fault, as the bytes show it.

use std::time::Duration;

use serde_json::{Value, json};
use yw_task::Dialect;
use yw_testkit::{Fault, Script, ScriptedServer, When};

use crate::client::{Client, DIALECTS, Received, ask, ask_stream, eventually, path, payloads, post, said, send};

const RIGHT: &str = r#"{"team":"billing"}"#;

fn server(fault: Fault) -> ScriptedServer {
    let script = Script::echo_label(&[("invoice", "billing")], "technical").fault(When::Always, fault);
    ScriptedServer::spawn_thread(script).unwrap()
}

/// What each of the ten kinds of request gets under a fault.
fn each(fault: Fault, check: impl Fn(Dialect, bool, &ScriptedServer, Option<Received>)) {
    for dialect in DIALECTS {
        for stream in [false, true] {
            let server = server(fault.clone());
            let body = if stream { ask_stream(dialect, "an invoice") } else { ask(dialect, "an invoice") };
            let received = send(&server, dialect, &body);
            check(dialect, stream, &server, received);
        }
    }
}

/// What each of the ten kinds of request says about why the model stopped.
fn finish(dialect: Dialect, stream: bool, received: &Received) -> String {
    let payloads = if stream { payloads(received) } else { vec![received.json()] };
    let pointer = match (dialect, stream) {
        (Dialect::OpenAi, _) => "/choices/0/finish_reason",
        (Dialect::Responses, _) => {
            let last = payloads.last().unwrap();
            let response = last.get("response").unwrap_or(last);
            let is_refusal = response["output"][0]["content"][0]["type"] == "refusal";
            let word = if is_refusal { &json!("refusal") } else { &response["status"] };
            return response["incomplete_details"]["reason"].as_str().or(word.as_str()).unwrap().to_owned();
        }
        (Dialect::Anthropic, true) => "/delta/stop_reason",
        (Dialect::Anthropic, false) => "/stop_reason",
        (Dialect::Gemini, _) => "/candidates/0/finishReason",
        (Dialect::Bedrock, _) => "/stopReason",
    };
    payloads.iter().find_map(|p| p.pointer(pointer)?.as_str().map(str::to_owned)).unwrap()
}

#[test]
fn statuses_have_the_dialects_body() {
    each(Fault::rate_limited(Duration::from_millis(1500)), |dialect, _, server, received| {
        let received = received.unwrap();
        assert_eq!((received.status, received.header("retry-after")), (429, Some("1.5")));
        let body = received.json();
        match dialect {
            Dialect::Gemini => assert_eq!(body["error"]["status"], "RESOURCE_EXHAUSTED"),
            Dialect::Bedrock => assert_eq!(received.header("x-amzn-errortype"), Some("ThrottlingException")),
            _ => assert_eq!(body["error"]["type"], "rate_limit_error"),
        }
        assert_eq!(body["type"] == "error", dialect == Dialect::Anthropic);
        assert_eq!((server.bill().refused, server.bill().usage.calls), (1, 0));
    });
    let overloaded = server(Fault::status(529));
    let received = send(&overloaded, Dialect::Anthropic, &ask(Dialect::Anthropic, "q")).unwrap();
    assert_eq!((received.status, &received.json()["error"]["type"]), (529, &json!("overloaded_error")));
    assert_eq!(received.header("retry-after"), None);
}

#[test]
fn statuses_may_have_a_proxys_body() {
    let page = "<html>bad gateway</html>".to_owned();
    each(Fault::Status { code: 502, retry_after: None, body: Some(page.clone()) }, |_, _, _, received| {
        let received = received.unwrap();
        assert_eq!((received.status, received.header("content-type")), (502, Some("text/html")));
        assert_eq!(received.text(), page);
    });
}

fn has_message(error: &Value) -> bool {
    error.get("error").unwrap_or(error)["message"].is_string()
}

#[test]
fn an_error_may_hide_in_a_reply() {
    each(Fault::ErrorInReply, |dialect, stream, server, received| {
        let received = received.unwrap();
        assert!(received.status == 200 && received.complete);
        if stream {
            let (name, data) = received.events().pop().unwrap();
            let expected = match dialect {
                Dialect::OpenAi | Dialect::Gemini => None,
                Dialect::Anthropic | Dialect::Responses => Some("error"),
                Dialect::Bedrock => Some("modelStreamErrorException"),
            };
            assert_eq!(name.as_deref(), expected);
            assert!(has_message(&serde_json::from_str(&data).unwrap()));
            assert!(received.events().len() > 2, "something came before it");
        } else {
            assert!(has_message(&received.json()));
        }
        assert_eq!((server.bill().unreadable, server.bill().usage.calls), (1, 0));
    });
}

#[test]
fn connections_are_cut() {
    each(Fault::CutBeforeHeaders, |_, _, server, received| {
        assert!(received.is_none());
        assert_eq!((server.bill().cut, server.bill().usage.calls), (1, 0));
    });
    each(Fault::CutMidBody, |_, _, server, received| {
        let received = received.unwrap();
        assert!(received.status == 200 && !received.complete && !received.body.is_empty());
        eventually("the cut is counted", || server.bill().cut == 1);
        assert_eq!(server.bill().usage.calls, 0);
    });
}

#[test]
fn connections_are_reset() {
    let server = server(Fault::Reset);
    let mut client = Client::connect(server.address());
    client.send(&post(path(Dialect::OpenAi), &ask(Dialect::OpenAi, "q").to_string(), ""));
    assert!(client.is_reset());
}

#[test]
fn slow_replies_are_right() {
    each(Fault::SlowHeaders(Duration::from_millis(60)), |dialect, _, _, received| {
        let received = received.unwrap();
        assert!(received.took >= Duration::from_millis(55), "{:?}", received.took);
        assert_eq!(said(dialect, &received), RIGHT);
    });
    each(Fault::SlowBody(Duration::from_millis(20)), |dialect, stream, server, received| {
        let received = received.unwrap();
        let n_pieces = if stream { received.n_chunks } else { 4 };
        assert!(received.took >= Duration::from_millis(19) * n_pieces as u32, "{:?}", received.took);
        assert_eq!(said(dialect, &received), RIGHT);
        assert_eq!(server.bill().usage.calls, 1);
    });
}

#[test]
fn fragments_split_lines_and_characters() {
    each(Fault::Fragments(7), |dialect, _, server, received| {
        let received = received.unwrap();
        assert!(received.complete && received.n_chunks == received.body.len().div_ceil(7));
        assert_eq!(said(dialect, &received), RIGHT);
        assert_eq!(server.bill().usage.calls, 1);
    });
}

#[test]
fn hanging_ends_when_the_client_does() {
    let server = server(Fault::Hang);
    let mut client = Client::connect(server.address());
    client.send(&post(path(Dialect::OpenAi), &ask(Dialect::OpenAi, "q").to_string(), ""));
    eventually("the request is in flight", || server.in_flight() == 1);
    std::thread::sleep(Duration::from_millis(30));
    assert_eq!((server.in_flight(), server.bill().cut), (1, 0));
    drop(client);
    eventually("the request is given up", || server.in_flight() == 0 && server.bill().cut == 1);
}

#[test]
fn json_breaks_off_in_a_whole_body() {
    each(Fault::MalformedJson, |_, stream, server, received| {
        let received = received.unwrap();
        assert!(received.status == 200 && received.complete);
        if stream {
            let bad = |data: &str| data != "[DONE]" && serde_json::from_str::<Value>(data).is_err();
            assert_eq!(received.events().iter().filter(|(_, data)| bad(data)).count(), 1);
        } else {
            assert!(serde_json::from_slice::<Value>(&received.body).is_err());
        }
        assert_eq!((server.bill().unreadable, server.bill().usage.calls), (1, 0));
    });
}

#[test]
fn bytes_are_no_text() {
    each(Fault::InvalidUtf8, |_, _, server, received| {
        let received = received.unwrap();
        assert!(received.complete && std::str::from_utf8(&received.body).is_err());
        assert_eq!((server.bill().unreadable, server.bill().usage.calls), (1, 0));
    });
}

#[test]
fn huge_bodies_are_right_in_the_end() {
    const N_BYTES: usize = 1_000_000;
    each(Fault::HugeBody(N_BYTES), |dialect, _, server, received| {
        let received = received.unwrap();
        assert!(received.complete && received.body.len() > N_BYTES);
        assert_eq!(said(dialect, &received), RIGHT);
        assert_eq!(server.bill().usage.calls, 1);
    });
}

#[test]
fn what_the_model_says_wrong_is_billed() {
    each(Fault::WrongLabel, |dialect, _, server, received| {
        assert_eq!(said(dialect, &received.unwrap()), r#"{"team":"no-such-label"}"#);
        assert_eq!(server.bill().usage.calls, 1);
    });
    each(Fault::NotJsonContent, |dialect, _, server, received| {
        assert!(serde_json::from_str::<Value>(&said(dialect, &received.unwrap())).is_err());
        assert_eq!(server.bill().usage.calls, 1);
    });
    each(Fault::EmptyContent, |dialect, stream, server, received| {
        let received = received.unwrap();
        assert_eq!(said(dialect, &received), "");
        assert!(["stop", "end_turn", "STOP", "completed"].contains(&finish(dialect, stream, &received).as_str()));
        assert_eq!(server.bill().usage.calls, 1);
    });
}

#[test]
fn models_say_that_they_stopped_early() {
    each(Fault::Truncated, |dialect, stream, _, received| {
        let received = received.unwrap();
        assert_eq!(said(dialect, &received), &RIGHT[..RIGHT.len() / 2]);
        assert!(
            ["length", "max_tokens", "MAX_TOKENS", "max_output_tokens"]
                .contains(&finish(dialect, stream, &received).as_str())
        );
    });
    each(Fault::Refusal, |dialect, stream, _, received| {
        let words = ["content_filter", "refusal", "SAFETY", "content_filtered"];
        assert!(words.contains(&finish(dialect, stream, &received.unwrap()).as_str()));
    });
}

/// The statuses that a series of questions gets.
fn statuses(script: Script, questions: &[&str]) -> Vec<u16> {
    let server = ScriptedServer::spawn_thread(script).unwrap();
    let ask = |q: &&str| send(&server, Dialect::OpenAi, &ask(Dialect::OpenAi, q)).unwrap().status;
    questions.iter().map(ask).collect()
}

#[test]
fn faults_befall_the_requests_they_are_meant_for() {
    let check = |when: When, questions: &[&str], expected: &[u16]| {
        let script = Script::guess(1).fault(when.clone(), Fault::status(500));
        assert_eq!(statuses(script, questions), expected, "{when:?}");
    };
    check(When::Always, &["a", "b"], &[500, 500]);
    check(When::Nth(2), &["a", "b", "c"], &[200, 500, 200]);
    check(When::Every(2), &["a", "b", "c", "d"], &[200, 500, 200, 500]);
    check(When::FirstAttempts(2), &["a", "a", "b", "a", "b", "b"], &[500, 500, 500, 200, 500, 200]);
    check(When::Asking("row 7".into()), &["row 6", "row 7", "row 7"], &[200, 500, 500]);
    check(When::Chance(0.0), &["a", "b"], &[200, 200]);
    check(When::Chance(1.0), &["a", "b"], &[500, 500]);
}

#[test]
fn the_first_fault_that_fits_wins() {
    let script = Script::guess(1).fault(When::Nth(1), Fault::status(429)).fault(When::Always, Fault::status(503));
    assert_eq!(statuses(script, &["a", "b"]), [429, 503]);
}

#[test]
fn chance_depends_on_the_request_and_not_on_the_order() {
    let questions: Vec<String> = (0..200).map(|i| format!("question {i}")).collect();
    let mut questions: Vec<&str> = questions.iter().map(String::as_str).collect();
    let script = || Script::guess(1).seed(9).fault(When::Chance(0.3), Fault::status(500));
    let forwards = statuses(script(), &questions);
    questions.reverse();
    let mut backwards = statuses(script(), &questions);
    backwards.reverse();
    assert_eq!(forwards, backwards);
    let n_failed = forwards.iter().filter(|s| **s == 500).count();
    assert!((40..80).contains(&n_failed), "{n_failed} of 200 at a chance of 0.3");
    let other_seed = statuses(script().seed(10), &questions);
    assert_ne!(other_seed.into_iter().rev().collect::<Vec<_>>(), forwards);
}
