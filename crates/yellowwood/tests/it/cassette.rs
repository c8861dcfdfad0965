//! `yw serve --record` and `--replay`: what providers answered once is answered again, without them.

use serde_json::{Value, json};
use yw_testkit::{Captured, Fault, Reply, Script, Workspace};

use crate::proxy::{Got, PROVIDER_KEY, Proxy, project};
use crate::support::{AskProject, AskSetup, files_below, yw};

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";

fn chat(model: &str, stream: bool) -> Value {
    json!({ "model": model, "stream": stream, "max_tokens": 50, "messages": [{ "role": "user", "content": "Hi" }] })
}

/// One call of each kind. All but the translated one are passed on byte by byte.
fn calls() -> Vec<(&'static str, Value, u16)> {
    let vectors = json!({ "model": "scripted/e", "input": ["one", "two"] });
    vec![
        (CHAT, chat("scripted/say:hello", false), 200),
        (CHAT, chat("scripted/long:40+think", true), 200),
        (CHAT, chat("scripted/status:400", false), 400),
        (CHAT, chat("scripted/cut:2+long:9", true), 200),
        (CHAT, chat("spare", false), 200),
        (MESSAGES, chat("claude/long:9", true), 200),
        (MESSAGES, chat("scripted/long:7", true), 200),
        ("/v1/messages/count_tokens", chat("claude/say:hello", false), 200),
        ("/v1/embeddings", vectors, 200),
    ]
}

/// Every call of [`calls`], as its client sees it, but for the ids that the gateway gives, and for how a connection that
/// broke is described.
fn make_calls(proxy: &Proxy, token: &str) -> Vec<(u16, String)> {
    let ask = |(path, body, status): (&str, Value, u16)| {
        let got = proxy.post(path, &[("authorization", &format!("Bearer {token}"))], &body).has_status(status);
        let id = got.header("x-yw-id").map(|id| id.replace('-', "")).unwrap_or_default();
        let body = if id.is_empty() { got.body } else { got.body.replace(&id, "ID") };
        match body.split_once("data: {\"error\":{\"message\":") {
            Some((answered, error)) if error.contains("\"type\":\"server_error\"") => {
                (got.status, format!("{answered}, and then an error"))
            }
            _ => (got.status, body),
        }
    };
    calls().into_iter().map(ask).collect()
}

fn make_key(workspace: &Workspace) -> String {
    let made = yw(["key", "create", "--name", "app", "--format", "json"]).dir(workspace.path()).run().success();
    let made: Value = serde_json::from_str(&made.stdout).expect("a key as JSON");
    made["token"].as_str().expect("a token").to_owned()
}

#[test]
fn recorded_calls_are_answered_again_without_the_provider() {
    let (workspace, server) = project(Script::by_model(1), "keys = true");
    let token = make_key(&workspace);
    let recording = Proxy::start(&workspace, &["--record", "tape"], true);
    let first = make_calls(&recording, &token);
    let said = recording.stop().stderr;
    // The route asks two, of which the first gives no response.
    assert!(said.contains("recorded 10 exchanges in tape"), "{said}");
    assert!(first[1].1.ends_with("data: [DONE]\n\n") && first[4].1.contains("spare"), "{first:?}");
    assert!(first[3].1.ends_with(", and then an error") && first[3].1.contains("word"), "{first:?}");
    let asked = server.requests();
    assert!(asked.iter().all(|request| format!("{request:?}").contains(PROVIDER_KEY)), "the key is sent");
    drop(server);

    let tape = files_below(&workspace.join("tape"));
    assert_eq!(tape.len(), 1, "{tape:?}");
    let text = String::from_utf8_lossy(&tape[0].1);
    assert!(!text.contains("canary") && !text.contains(&token), "{text}");
    assert!(text.contains("\"authorization\",\"***\"") && text.contains("\"x-api-key\",\"***\""), "{text}");

    let replaying = Proxy::start(&workspace, &["--replay", "tape"], false);
    assert_eq!(make_calls(&replaying, &token), first);
    // And again, as often as one likes.
    assert_eq!(make_calls(&replaying, &token), first);
    let unknown = replaying.post(CHAT, &[("authorization", &format!("Bearer {token}"))], &chat("scripted/new", false));
    let message = unknown.has_status(404).json()["error"]["message"].as_str().unwrap_or_default().to_owned();
    let expected = "the cassette has no exchange like POST /v1/chat/completions with the body {\"model\":\"new\"";
    assert!(message.starts_with(expected), "{message}");
    // Requests that are not there say nothing against the provider of those that are.
    for _ in 0..10 {
        replaying
            .post(CHAT, &[("authorization", &format!("Bearer {token}"))], &chat("scripted/new", false))
            .has_status(404);
    }
    assert_eq!(make_calls(&replaying, &token), first);
    assert!(replaying.stop().stderr.contains("replaying 10 exchanges"));
    assert_eq!(files_below(&workspace.join("tape")), tape, "a replay records nothing");
}

#[test]
fn a_key_that_a_provider_quotes_is_on_no_tape() {
    let quoting = Script::new(|_| {
        let body = json!({ "error": { "message": format!("wrong key {PROVIDER_KEY}"), "type": "x" } }).to_string();
        Reply::text("").with_fault(Fault::Status { code: 401, retry_after: None, body: Some(body) })
    });
    let (workspace, server) = project(quoting, "");
    let recording = Proxy::start(&workspace, &["--record", "tape"], true);
    let refused = |got: Got| {
        assert!(got.body.contains("wrong key ***"), "{got:?}");
        got.has_status(401).body
    };
    let first = refused(recording.post(CHAT, &[], &chat("scripted/m", false)));
    recording.stop();
    drop(server);
    assert!(files_below(&workspace.join("tape")).iter().all(|(_, text)| {
        let text = String::from_utf8_lossy(text);
        text.contains("wrong key ***") && !text.contains(PROVIDER_KEY)
    }));
    let replaying = Proxy::start(&workspace, &["--replay", "tape"], false);
    assert_eq!(refused(replaying.post(CHAT, &[], &chat("scripted/m", false))), first);
    replaying.stop();
}

#[test]
fn champions_that_ask_are_recorded_too() {
    let project = AskProject::new(AskSetup { n_test: 10, ..AskSetup::default() }, |test| {
        let test = test.clone();
        Script::answer(move |request| {
            let truth = request.mark("T-").and_then(|mark| test.truth_in(&mark));
            truth.unwrap_or_else(|| "billing".into())
        })
    });
    project.run(&[]);
    let row = json!({ "subject": "Invoice", "body": "Charged twice", "plan": "free", "seats": 2 });
    let predict = |proxy: &Proxy, row: &Value| proxy.post("/v1/tasks/triage/predict", &[], row);
    let recording = Proxy::start(&project.workspace, &["--record", "tape"], true);
    let first = predict(&recording, &row).has_status(200).json();
    recording.stop();
    let AskProject { workspace, server, .. } = project;
    drop(server);

    let replaying = Proxy::start(&workspace, &["--replay", "tape"], false);
    let again = predict(&replaying, &row).has_status(200).json();
    assert_eq!((&again["answer"], &again["usd"]), (&first["answer"], &first["usd"]));
    assert!(first["usd"].as_f64().is_some_and(|usd| usd > 0.0), "{first}");
    // What is replayed is not remembered as paid for, so it is played again.
    assert_eq!(predict(&replaying, &row).has_status(200).json()["usd"], first["usd"]);
    let unknown = predict(&replaying, &json!({ "subject": "Another" })).has_status(502).json();
    assert!(unknown["error"]["message"].as_str().is_some_and(|m| m.contains("no exchange like")), "{unknown}");
    replaying.stop();
}

#[test]
fn a_folder_without_a_tape_is_refused() {
    let (workspace, _server) = project(Script::by_model(1), "");
    let serve = |args: &[&str]| yw(["serve"]).args(args).dir(workspace.path()).run();
    let check = |captured: Captured, code: i32, message: &str| {
        let captured = captured.exits_with(code);
        assert!(captured.stderr.contains(message), "{}", captured.stderr);
    };
    check(serve(&["--replay", "nowhere"]), 1, "cannot read the cassette nowhere");
    check(serve(&["--replay", "."]), 1, "there is no cassette in .");
    workspace.write("broken/a.jsonl", "{}\n{}\n");
    check(serve(&["--replay", "broken"]), 1, "a.jsonl, line 1");
    check(serve(&["--record", "yellowwood.toml"]), 1, "cannot record into yellowwood.toml");
    check(serve(&["--record", "a", "--replay", "b"]), 2, "cannot be used with");
}
