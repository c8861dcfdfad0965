//! Answers that are texts and objects, on every road that can give them.

use serde_json::json;
use yw_arena::report::Status;
use yw_task::{Dialect, Metric, Value};
use yw_testkit::{Script, ScriptedServer, Workspace};

use crate::support::{candidate, provider, run};

const CITIES: [(&str, &str, &str); 4] =
    [("France", "Paris", "euro"), ("Japan", "Tokyo", "yen"), ("Peru", "Lima", "sol"), ("Kenya", "Nairobi", "shilling")];

/// Questions about four countries, asked in several words: `country` → an answer.
fn rows(answer: impl Fn(&(&str, &str, &str)) -> serde_json::Value, wordings: &[&str]) -> String {
    let line = |wording: &&str| {
        CITIES
            .iter()
            .map(|city| json!({ "text": wording.replace("{}", city.0), "said": answer(city) }).to_string() + "\n")
            .collect::<String>()
    };
    wordings.iter().map(line).collect()
}

fn project(
    answer_type: &str,
    answer: impl Fn(&(&str, &str, &str)) -> serde_json::Value,
    server: &ScriptedServer,
) -> Workspace {
    let train = rows(&answer, &["about {}", "tell me of {}", "{} please", "and {}?", "what of {}"]);
    let test = rows(&answer, &["well, {}?", "now {}"]);
    let toml = format!(
        "[task.t]\nquestion = \"What is said?\"\ninput = {{ text = \"text\" }}\nanswer = {{ said = {answer_type} }}\n\
         train = \"train.jsonl\"\ntest = \"test.jsonl\"\n\
         [task.t.candidate.similar]\nfit = \"nearest\"\n\
         [task.t.candidate.asked]\nask = \"scripted/m\"\nexamples = {{ nearest = 2 }}\n{}",
        provider(server, Dialect::OpenAi)
    );
    Workspace::new().file("train.jsonl", train).file("test.jsonl", test).file("yellowwood.toml", toml)
}

fn city_in(text: &str) -> &'static (&'static str, &'static str, &'static str) {
    CITIES.iter().find(|city| text.contains(city.0)).unwrap()
}

#[tokio::test]
async fn texts() {
    let server = ScriptedServer::start(Script::answer(|r| format!("The {}.", city_in(r.question()).1))).await.unwrap();
    let finished = run(&project("\"text\"", |city| city.1.into(), &server)).await;
    assert_eq!(finished.report.metric, Metric::TokenF1);
    for (name, score) in [("baseline", 0.25), ("similar", 1.0), ("asked", 1.0)] {
        let report = candidate(&finished, name);
        assert_eq!((report.status, report.score.unwrap().value), (Status::Ok, score), "{name}: {:?}", report.reason);
        assert_eq!(
            report.metrics.iter().map(|(m, _)| *m).collect::<Vec<_>>(),
            Metric::of_kind(yw_task::AnswerKind::Text)
        );
    }
    // Exact match forgives articles, case and punctuation.
    assert_eq!(candidate(&finished, "asked").metrics[1].1.value, 1.0);
}

#[tokio::test]
async fn objects() {
    let object = |city: &(&str, &str, &str)| json!({ "capital": city.1, "money": city.2 });
    let answer_type = "{ capital = \"text\", money = \"text\" }";
    let reply = |text: &str| {
        let city = city_in(text);
        json!({ "capital": city.1, "money": if city.0 == "Peru" { "gold" } else { city.2 } })
    };
    let server = ScriptedServer::start(Script::answer(move |r| reply(r.question()))).await.unwrap();
    let finished = run(&project(answer_type, object, &server)).await;
    assert_eq!(finished.report.metric, Metric::FieldAccuracy);
    for (name, fields, exact) in [("baseline", 0.25, 0.25), ("similar", 1.0, 1.0), ("asked", 0.875, 0.75)] {
        let report = candidate(&finished, name);
        assert_eq!(report.status, Status::Ok, "{name}: {:?}", report.reason);
        let found: Vec<f64> = report.metrics.iter().map(|(_, e)| e.value).collect();
        assert_eq!(found, [fields, exact], "{name}");
    }
    let worst = &candidate(&finished, "asked").details.worst;
    assert_eq!(worst.len(), 2);
    assert_eq!(worst[0].answer, Value::Json(reply("Peru")).to_string());
}

#[tokio::test]
async fn a_linear_model_of_texts_is_refused_by_the_project_file() {
    let server = ScriptedServer::start(Script::answer(|_| "")).await.unwrap();
    let workspace = project("\"text\"", |city| city.1.into(), &server);
    workspace.write("yellowwood.toml", workspace.read("yellowwood.toml").replace("\"nearest\"", "\"linear\""));
    assert!(yw_config::load(workspace.path()).unwrap_err().to_string().contains("a linear model has no text answers"));
}
