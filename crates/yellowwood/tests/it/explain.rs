//! `yw explain`, as a whole and row by row.

use std::io::Write;
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use serde_json::Value;
use yw_testkit::Workspace;

use crate::support::{AskProject, AskSetup, fit_project, fitted_project, right_answers, yw};

const ROW: &str =
    "{\"subject\": \"Invoice\", \"body\": \"My card was charged twice\", \"plan\": \"free\", \"seats\": 2}\n";

fn json(project: &Workspace, args: &[&str]) -> Value {
    let printed = yw(args).dir(project.path()).run().success().stdout;
    serde_json::from_str(&printed).unwrap_or_else(|e| panic!("{printed}: {e}"))
}

/// The sum of what an explanation lists, which is its score.
#[track_caller]
fn check_sum(explanation: &Value) {
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("no number in {explanation}"));
    let contributions = explanation["contributions"].as_array().expect("a list");
    let listed: f64 = contributions.iter().map(|c| number(&c["contribution"])).sum();
    let sum = number(&explanation["expected"]) + listed + number(&explanation["rest"]);
    assert!((sum - number(&explanation["score"])).abs() < 1e-9, "{explanation}");
}

#[test]
fn the_keys_of_a_whole_explanation_are_those_of_the_contract() {
    let project = fitted_project();
    let found = json(&project, &["explain", "triage", "--format", "json", "--top", "3"]);
    let keys: Vec<&String> = found.as_object().expect("an object").keys().collect();
    let expected = [
        "artifact",
        "candidate",
        "contributions",
        "dependence",
        "effects",
        "importance",
        "in_sample",
        "metric",
        "run",
        "score",
        "task",
        "version",
    ];
    let mut sorted = keys.clone();
    sorted.sort();
    assert_eq!(sorted, expected);
    assert_eq!((&found["candidate"], &found["version"]), (&"words".into(), &1.into()));
    assert_eq!(found["importance"]["rows"], 30);
    assert_eq!(found["importance"]["fields"].as_array().map(Vec::len), Some(4));
    let contributions = &found["contributions"];
    assert_eq!(contributions["unit"], "log_probability");
    assert_eq!(contributions["features"].as_array().map(Vec::len), Some(3));
    assert_eq!(contributions["classes"].as_array().map(Vec::len), Some(3));
    assert!(contributions["rest"].as_f64().is_some_and(|rest| rest > 0.0));
    let feature = &contributions["features"][0];
    let by_class: f64 = feature["by_class"].as_object().into_iter().flatten().filter_map(|(_, v)| v.as_f64()).sum();
    assert!((by_class - feature["mean_absolute"].as_f64().unwrap_or_default()).abs() < 1e-12);
    for curves in [&found["dependence"][0], &found["effects"][0]] {
        let n_values = curves["values"].as_array().map(Vec::len);
        assert!(n_values.is_some_and(|n| (2..=20).contains(&n)), "{curves}");
        assert_eq!(curves["curves"][0]["means"].as_array().map(Vec::len), n_values);
        assert_eq!(curves["curves"][0]["class"], "account");
    }
    assert_eq!(found["dependence"][0]["curves"][0]["rows"].as_array().map(Vec::len), Some(20));
    // The text decides; the number of seats does not.
    let fields = found["importance"]["fields"].as_array().expect("a list");
    assert!(["subject", "body"].contains(&fields[0]["field"].as_str().unwrap_or_default()), "{fields:?}");
    assert!(fields[0]["low"].as_f64().is_some_and(|low| low > 0.0), "{fields:?}");
}

#[test]
fn a_whole_explanation_is_readable() {
    let project = fitted_project();
    let printed = yw(["explain", "triage", "--top", "4"]).dir(project.path()).run().success().stdout;
    for part in ["what `words` of run", "macro_f1", "95 % interval", "mean magnitude of contributions", "more features"]
    {
        assert!(printed.contains(part), "{part}:\n{printed}");
    }
    let nearest = project.read("yellowwood.toml") + "\n[task.triage.candidate.similar]\nfit = \"nearest\"\n";
    project.write("yellowwood.toml", nearest);
    yw(["run"]).dir(project.path()).run().success();
    let printed = yw(["explain", "triage", "--candidate", "similar"]).dir(project.path()).run().success().stdout;
    assert!(printed.contains("does not tell what single answers"), "{printed}");
    project.write("row.jsonl", ROW);
    let args = ["explain", "triage", "--candidate", "similar", "--row", "row.jsonl"];
    let refused = yw(args).dir(project.path()).run().exits_with(1);
    assert!(refused.stderr.contains("only linear models and trees"), "{}", refused.stderr);
}

#[test]
fn rows_are_explained_from_any_format_and_from_standard_input() {
    let project = fitted_project();
    project.write("row.jsonl", ROW);
    project.write("row.csv", "subject,body,plan,seats\nInvoice,My card was charged twice,free,2\n");
    let args = ["explain", "triage", "--row", "row.jsonl", "--top", "5", "--format", "json"];
    let found = json(&project, &args);
    assert_eq!((&found["row"], &found["answer"]), (&1.into(), &"billing".into()));
    let explanation = &found["explanation"];
    assert_eq!(explanation["contributions"].as_array().map(Vec::len), Some(5));
    check_sum(explanation);
    let from_csv = json(&project, &["explain", "triage", "--row", "row.csv", "--top", "5", "--format", "json"]);
    assert_eq!(from_csv, found);

    let mut child = Command::new(env!("CARGO_BIN_EXE_yw"))
        .args(["explain", "triage", "--row", "-", "--top", "5", "--format", "json"])
        .current_dir(project.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(ROW.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).ok(), Some(found));
}

#[test]
fn an_explained_row_looks_like_this() {
    let project = fitted_project();
    project.write("rows.csv", "subject,body,plan,seats\nInvoice,Charged twice,free,2\nInvoice,x,free,many\n");
    let args = ["explain", "triage", "--row", "rows.csv", "--top", "3"];
    let captured = yw(args).dir(project.path()).run().exits_with(6);
    assert_snapshot!("explain_rows", captured.masked());
}

#[test]
fn what_cannot_be_explained_says_why() {
    let project = fit_project();
    let no_champion = yw(["explain", "triage"]).dir(project.path()).run().exits_with(1);
    assert!(no_champion.stderr.contains("nothing answers triage yet"), "{}", no_champion.stderr);
    let no_run = yw(["explain", "triage", "--candidate", "words"]).dir(project.path()).run().exits_with(1);
    assert!(no_run.stderr.contains("was never run"), "{}", no_run.stderr);

    let project = fitted_project();
    for (args, code, message) in [
        (["explain", "triage", "--candidate", "wrods"], 1, "no version of candidate `wrods`"),
        (["explain", "triage", "--row", "missing.csv"], 4, "no such file"),
        (["explain", "triage", "--row", "yellowwood.toml"], 4, "no column"),
        (["explain", "triage", "--top", "0"], 2, "whole number from 1 on"),
    ] {
        let captured = yw(args).dir(project.path()).run().exits_with(code);
        assert!(captured.stderr.contains(message), "{args:?}: {}", captured.stderr);
    }
    let changed = project.read("yellowwood.toml").replace("seats = \"number\"", "seats = \"category\"");
    project.write("yellowwood.toml", changed);
    let captured = yw(["explain", "triage"]).dir(project.path()).run().exits_with(1);
    assert!(captured.stderr.contains("fields were others when it was fitted"), "{}", captured.stderr);
}

#[test]
fn a_candidate_that_asks_is_refused_before_it_costs_anything() {
    let project = AskProject::new(AskSetup::default(), right_answers);
    yw(["run"]).dir(project.workspace.path()).run().success();
    let n_calls = project.server.bill().usage.calls;
    let args = ["explain", "triage", "--candidate", "asked"];
    let captured = yw(args).dir(project.workspace.path()).run().exits_with(1);
    assert!(captured.stderr.contains("would ask thousands of times"), "{}", captured.stderr);
    assert_eq!(project.server.bill().usage.calls, n_calls);
}
