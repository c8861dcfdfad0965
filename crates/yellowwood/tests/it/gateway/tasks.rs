//! `model = "task:NAME"`: the champion of a task, for clients of chats.

use serde_json::{Value, json};
use yw_task::Dialect;

use super::dialect::{self, CLIENTS, ask};
use super::rig::Rig;
use crate::support::fitted_project;

const ROW: &str = r#"{"subject": "Invoice", "body": "My card was charged twice", "plan": "free", "seats": 2}"#;

#[test]
fn a_task_answers_in_every_dialect() {
    let mut rig = Rig::at(fitted_project());
    rig.serve();
    for client in CLIENTS {
        for stream in [false, true] {
            let answer = rig.ask(client, &ask(client, "task:triage", ROW, stream)).has_status(200);
            let what = format!("{client}, stream {stream}: {}", answer.text());
            let text: Value = serde_json::from_str(&dialect::text(client, &answer)).expect(&what);
            assert_eq!(text, json!({ "team": "billing" }), "{what}");
            assert!(!stream || dialect::is_whole(client, &answer.body), "{what}");
            let call = rig.call(&answer.id());
            assert_eq!((&call["operation"], &call["requested"]), (&json!("task"), &json!("task:triage")), "{call}");
            assert_eq!((&call["status"], &call["client"]), (&json!(200), &json!(client.name())), "{call}");
            assert!(call.get("error").is_none() && call["usd"] == "0", "{call}");
        }
    }
    let models = rig.get("/v1/models").has_status(200).json();
    assert!(models["data"].as_array().is_some_and(|all| all.iter().any(|m| m["id"] == "task:triage")), "{models}");
    rig.stop();
}

#[test]
fn what_a_task_cannot_answer_is_the_dialects_error() {
    let mut rig = Rig::at(fitted_project());
    rig.serve();
    for client in CLIENTS {
        for stream in [false, true] {
            for (model, row, status, message) in [
                ("task:nothing", ROW, 404, "nothing"),
                ("task:", ROW, 404, ""),
                ("task:triage", "Where is my invoice?", 400, "subject, body, plan, seats"),
                ("task:triage", r#"{"sobject": "Invoice"}"#, 400, "sobject"),
                ("task:triage", r#"{"seats": "many"}"#, 400, "seats"),
            ] {
                let answer = rig.ask(client, &ask(client, model, row, stream));
                let what = format!("{client}: {model} {row}: {} {}", answer.status, answer.text());
                assert!(answer.status == status || (status == 400 && answer.status == 422), "{what}");
                let (kind, said) = dialect::error(client, &answer);
                assert_eq!(kind, dialect::error_type(client, status), "{what}");
                assert!(said.contains(message), "{what}");
                assert_eq!(rig.call(&answer.id())["status"], answer.status, "{what}");
            }
        }
    }
    rig.stop();
}

#[test]
fn a_key_needs_the_tasks_scope() {
    let project = fitted_project();
    let toml = project.read("yellowwood.toml");
    project.write("yellowwood.toml", format!("{toml}\n[serve]\nkeys = true\n"));
    let mut rig = Rig::at(project);
    let (may, may_not) = (rig.key("may", &["--tasks", "tri*"]), rig.key("may-not", &["--models", "openai/*"]));
    rig.serve();
    let status = |token: &str| {
        let bearer = format!("Bearer {token}");
        let body = ask(Dialect::OpenAi, "task:triage", ROW, false);
        rig.ask_with(Dialect::OpenAi, &[("authorization", &bearer)], &body).status
    };
    assert_eq!((status(&may), status(&may_not), status("yw-nobody")), (200, 403, 401));
    rig.stop();
}
