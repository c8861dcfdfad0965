//! Who may ask for what, and how often.

use std::time::{Duration, Instant};

use yw_task::Dialect;
use yw_testkit::{Reply, Script, ScriptedServer};

use super::dialect::{self, CLIENTS, ask};
use super::rig::{Rig, price, provider, scripted};
use super::wire::Answer;

fn project(server: &ScriptedServer, serve: &str) -> Rig {
    let toml = format!(
        "[serve]\nkeys = true\n{serve}\n{}{}{}[route.fast]\nmodels = [\"x/a\"]\n",
        provider("x", Dialect::OpenAi, server),
        price("x/a"),
        price("x/b")
    );
    Rig::new(toml)
}

fn yes() -> ScriptedServer {
    scripted(Script::new(|_| Reply::text("Yes.")))
}

fn ask_as(rig: &Rig, token: &str, client: Dialect, model: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    // Anthropic's clients have a header of their own.
    let header = if client == Dialect::Anthropic { ("x-api-key", token) } else { ("authorization", bearer.as_str()) };
    rig.ask_with(client, &[header], &ask(client, model, "May I?", false))
}

#[track_caller]
fn refused(client: Dialect, answer: Answer, status: u16) -> String {
    let answer = answer.has_status(status);
    let (kind, message) = dialect::error(client, &answer);
    let of_openai = if status == 403 { "permission_error" } else { dialect::error_type(client, status) };
    let expected = if client == Dialect::Anthropic { dialect::error_type(client, status) } else { of_openai };
    assert_eq!(kind, expected, "{client}: {}", answer.text());
    message
}

#[test]
fn over_a_rate_the_dialects_429_says_when_to_come_back() {
    let server = yes();
    let mut rig = project(&server, "");
    let tokens: Vec<String> = CLIENTS.iter().map(|c| rig.key(c.name(), &["--rate", "3/month"])).collect();
    rig.serve();
    for (client, token) in CLIENTS.into_iter().zip(&tokens) {
        (0..3).for_each(|_| drop(ask_as(&rig, token, client, "x/a").has_status(200)));
        for _ in 0..3 {
            let answer = ask_as(&rig, token, client, "x/a");
            let after: u64 = answer.header("retry-after").and_then(|s| s.parse().ok()).expect("seconds to wait");
            assert!((1..=31 * 24 * 3600).contains(&after), "{after} s");
            assert_eq!(answer.header("x-should-retry"), Some("false"), "the official clients wait no days");
            let message = refused(client, answer, 429);
            assert!(message.contains("3 requests per month"), "{message}");
        }
    }
    assert_eq!(server.requests().len(), 9, "refused calls reach nobody");
    rig.stop();
}

#[test]
fn limits_of_the_server_hold_for_all_keys_together() {
    let server = yes();
    let mut rig = project(&server, "limits = { requests = \"5/month\" }");
    let tokens = [rig.key("a", &[]), rig.key("b", &[]), rig.key("c", &["--rate", "1/month"])];
    rig.serve();
    let status = |key: usize| ask_as(&rig, &tokens[key], Dialect::OpenAi, "x/a").status;
    assert_eq!([status(2), status(2)], [200, 429]);
    assert_eq!(
        [0, 1, 0, 1, 0, 1].map(status),
        [200, 200, 200, 200, 429, 429],
        "what a key's own limit refuses takes nothing"
    );
    rig.stop();
}

#[test]
fn keys_open_what_they_were_made_for() {
    let server = yes();
    let mut rig = project(&server, "");
    let all = rig.key("all", &[]);
    let models = rig.key("models", &["--models", "x/a"]);
    let routes = rig.key("routes", &["--routes", "fast"]);
    let none = rig.key("none", &["--models", "y/*"]);
    rig.serve();
    for client in CLIENTS {
        for (token, may) in [
            (&all, [true, true, true]),
            (&models, [true, false, false]),
            (&routes, [false, false, true]),
            (&none, [false, false, false]),
        ] {
            for (model, may) in ["x/a", "x/b", "fast"].into_iter().zip(may) {
                let answer = ask_as(&rig, token, client, model);
                if may {
                    answer.has_status(200);
                } else {
                    let message = refused(client, answer, 403);
                    assert!(message.contains(model), "{message}");
                }
            }
        }
        for wrong in ["", "yw-", "sk-something", &all[..all.len() - 1], &format!("{}x", &all[..all.len() - 1])] {
            let message = refused(client, ask_as(&rig, wrong, client, "x/a"), 401);
            assert!(!message.contains(wrong) || wrong.len() < 4, "{message}");
        }
        let bare = rig.ask(client, &ask(client, "x/a", "May I?", false));
        refused(client, bare, 401);
    }
    assert!(rig.calls().iter().all(|call| call["status"] != 401), "strangers leave no records");
    for path in ["/metrics", "/v1/models", "/openapi.json", "/v1/tasks"] {
        assert_eq!(rig.get(path).status, 401, "{path}");
    }
    assert_eq!((rig.get("/healthz").status, rig.get("/readyz").status), (200, 200));
    rig.stop();
}

#[test]
fn a_revoked_key_is_refused_within_a_second() {
    let server = yes();
    let mut rig = project(&server, "");
    let token = rig.key("app", &[]);
    rig.serve();
    for n in 0..3 {
        let name = format!("later-{n}");
        let later = rig.key(&name, &[]);
        let made = Instant::now();
        while ask_as(&rig, &later, Dialect::OpenAi, "x/a").status != 200 {
            assert!(made.elapsed() < Duration::from_secs(1), "a new key opens within a second");
        }
        rig.yw(&["key", "revoke", &name]);
        let revoked = Instant::now();
        while ask_as(&rig, &later, Dialect::OpenAi, "x/a").status == 200 {
            assert!(revoked.elapsed() < Duration::from_secs(1), "a revoked key is refused within a second");
        }
        refused(Dialect::OpenAi, ask_as(&rig, &later, Dialect::OpenAi, "x/a"), 401);
    }
    ask_as(&rig, &token, Dialect::OpenAi, "x/a").has_status(200);
    rig.yw(&["key", "revoke", "app"]);
    rig.kill();
    rig.serve();
    refused(Dialect::OpenAi, ask_as(&rig, &token, Dialect::OpenAi, "x/a"), 401);
    rig.stop();
}
