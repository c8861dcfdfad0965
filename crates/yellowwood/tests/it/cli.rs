//! What the commands print, and how they end.

use insta::assert_snapshot;
use yw_testkit::Workspace;

use crate::support::{files_below, fit_project, fitted_project, repository, yw};

#[test]
fn help() {
    assert_snapshot!("help", yw(["--help"]).run().success().masked());
    assert_snapshot!("help_run", yw(["run", "--help"]).run().success().masked());
}

#[test]
fn every_command_has_an_example_in_its_help() {
    let help = yw(["--help"]).run().success().stdout;
    let commands: Vec<&str> =
        help.lines().skip_while(|l| *l != "Commands:").skip(1).map_while(|l| l.split_whitespace().next()).collect();
    assert!(commands.len() >= 7, "{help}");
    for command in commands {
        let help = yw([command, "--help"]).run().success().stdout;
        assert!(help.contains(&format!("\n  yw {command}")), "no example:\n{help}");
    }
}

#[test]
fn a_first_session() {
    let folder = Workspace::new();
    let call = |args: &[&str]| yw(args).dir(folder.path()).run().success().masked();
    assert_snapshot!("init_example", call(&["init", "--example", "tickets"]));
    assert_snapshot!("check_tickets", call(&["check", "tickets"]));
    assert_snapshot!("init", call(&["init"]));
    assert_snapshot!("runs_before_the_first", call(&["runs", "-p", "tickets"]));
}

#[test]
fn a_checked_project_as_json() {
    let project = fit_project();
    let text = yw(["check", "--format", "json"]).dir(project.path()).run().success().stdout;
    let checked: serde_json::Value = serde_json::from_str(&text).expect("one JSON object");
    assert_eq!((&checked["train_rows"], &checked["test_rows"]), (&90.into(), &30.into()));
    assert_eq!(checked["fields"].as_array().map(Vec::len), Some(4));
}

#[test]
fn all_mistakes_of_a_project_file_are_told_at_once() {
    let project = Workspace::new().file(
        "yellowwood.toml",
        r#"[task.triage]
question = "Which team?"
inputs = { subject = "text" }
input = { subject = "txt", body = "text" }
answer = { team = "label" }
train = "train.csv"
metric = "macro_f2"

[task.triage.candidate.words]
fit = "linaer"

[task.triage.candidate.both]
first = "wrods"
then = "words"

[provider.local]
dialect = "openai"
base_url = "localhost"
"#,
    );
    assert_snapshot!("broken_project", yw(["check"]).dir(project.path()).run().exits_with(3).masked());
    let run = yw(["run"]).dir(project.path()).run().exits_with(3);
    let check = yw(["check"]).dir(project.path()).run();
    assert_eq!(run.stderr, check.stderr, "both say the same");
    assert!(!project.join(".yellowwood").exists(), "nothing is made of a broken project");
}

#[test]
fn a_file_that_is_no_toml() {
    let project = Workspace::new().file("yellowwood.toml", "[task.triage\nquestion = 3\n");
    assert_snapshot!("no_toml", yw(["check"]).dir(project.path()).run().exits_with(3).masked());
}

#[test]
fn names_that_do_not_exist() {
    let project = fitted_project();
    let check = |name: &str, args: &[&str], code: i32| {
        assert_snapshot!(name, yw(args).dir(project.path()).run().exits_with(code).masked());
    };
    check("unknown_task", &["run", "--task", "billing"], 3);
    check("unknown_example", &["init", "--example", "cars"], 2);
    check("unknown_candidate", &["promote", "triage", "prompted"], 1);
    check("unknown_run", &["runs", "show", "ffff"], 1);
    check("nothing_to_go_back_to", &["promote", "triage", "--back"], 1);
    for command in ["check", "serve"] {
        let code = yw([command, "--task", "billing"]).dir(project.path()).run().code;
        assert_eq!(code, Some(3), "{command}");
    }
    assert_eq!(yw(["predict", "billing", "test.csv"]).dir(project.path()).run().code, Some(3));
}

#[test]
fn no_project() {
    let folder = Workspace::new();
    assert_snapshot!("no_project_here", yw(["run"]).dir(folder.path()).run().exits_with(3).masked());
    assert_snapshot!("no_project_there", yw(["run", "elsewhere"]).dir(folder.path()).run().exits_with(3).masked());
    for command in [&["check"][..], &["serve"], &["runs"], &["promote", "triage"], &["predict", "triage", "x.csv"]] {
        yw(command).dir(folder.path()).run().exits_with(3);
    }
    assert!(files_below(folder.path()).is_empty(), "looking for a project makes nothing");
}

#[test]
fn a_project_is_found_upwards_or_by_name() {
    let project = fit_project().file("deep/er/note.txt", "");
    yw(["check"]).dir(project.join("deep/er")).run().success();
    let elsewhere = Workspace::new();
    let path = project.path().to_str().expect("a plain path");
    for args in [&["check", path][..], &["check", "-p", path], &["runs", "-p", path]] {
        yw(args).dir(elsewhere.path()).run().success();
    }
    let file = project.join("yellowwood.toml");
    yw(["check"]).arg(file).dir(elsewhere.path()).run().success();
}

#[test]
fn exit_codes() {
    let project = fitted_project();
    let check = |args: &[&str], code: i32| {
        yw(args).dir(project.path()).run().exits_with(code);
    };
    check(&["run", "--gate"], 0);
    check(&["run", "--max-usd", "many"], 2);
    check(&["run", "--no-such-flag"], 2);
    check(&[], 2);
    check(&["predict", "triage", "missing.csv"], 4);
    check(&["serve", "--address", "192.0.2.1:0"], 1);
    project.write("new.csv", "subject,body,plan,seats\nInvoice,Charged twice,free,many\n");
    check(&["predict", "triage", "new.csv"], 6);

    let limit = "test = \"test.csv\"\nlimits = { p95_ms = 0.000001 }";
    project.write("yellowwood.toml", project.read("yellowwood.toml").replace("test = \"test.csv\"", limit));
    check(&["run", "--gate"], 5);
    check(&["run"], 0);
}

#[test]
fn a_run_is_kept_and_shown_again() {
    let project = fitted_project();
    let call = |args: &[&str]| yw(args).dir(project.path()).run().success();
    let list: serde_json::Value = serde_json::from_str(&call(&["runs", "--format", "json"]).stdout).expect("JSON");
    let id = find_key(&list, "run").expect("a run with its id");
    let printed = call(&["runs", "show", &id[..13], "--format", "json"]).stdout;
    let record: serde_json::Value = serde_json::from_str(&printed).expect("a record");
    assert_eq!(record["run"], id.as_str());
    assert_eq!((&record["version"], &record["verdict"]["champion"]), (&1.into(), &"words".into()));
    assert!(call(&["runs", "show", &id]).stdout.contains("▸ words"));
    let page = project.read("report.html");
    assert!(page.contains("<svg") && page.contains("words") && !page.contains("http://"), "a page that stands alone");
}

/// The first text under `key`, at any depth.
fn find_key(value: &serde_json::Value, key: &str) -> Option<String> {
    match value {
        serde_json::Value::Object(map) => match map.get(key).and_then(|v| v.as_str()) {
            Some(text) => Some(text.to_owned()),
            None => map.values().find_map(|v| find_key(v, key)),
        },
        serde_json::Value::Array(items) => items.iter().find_map(|v| find_key(v, key)),
        _ => None,
    }
}

#[test]
fn examples_are_written_to_the_byte() {
    for name in ["tickets", "wine", "refunds"] {
        let folder = Workspace::new();
        yw(["init", "--example", name, "there"]).dir(folder.path()).run().success();
        // What runs leave in an example is in .gitignore: the state and the report.
        let of_a_run = |path: &std::path::Path| path.starts_with(".yellowwood") || path == "report.html";
        let mut expected = files_below(&repository().join("examples").join(name));
        expected.retain(|(path, _)| !of_a_run(path));
        let found = files_below(&folder.join("there"));
        let paths = |files: &[(std::path::PathBuf, Vec<u8>)]| files.iter().map(|(p, _)| p.clone()).collect::<Vec<_>>();
        assert_eq!(paths(&found), paths(&expected), "{name}");
        assert!(found == expected, "{name}: a file differs");
    }
}

#[test]
fn what_is_there_is_never_overwritten() {
    let folder = Workspace::new();
    for args in [&["init"][..], &["init", "--example", "wine", "."]] {
        let folder = Workspace::new();
        yw(args).dir(folder.path()).run().success();
        let before = files_below(folder.path());
        let second = yw(args).dir(folder.path()).run().exits_with(3);
        assert!(second.stderr.contains("is there already"), "{}", second.stderr);
        assert!(files_below(folder.path()) == before);
    }
    // One file in the way is enough, and keeps the others from being written.
    folder.write("data/wine.csv", "mine");
    yw(["init", "--example", "wine", "."]).dir(folder.path()).run().exits_with(3);
    assert_eq!(files_below(folder.path()), [("data/wine.csv".into(), b"mine".to_vec())]);
}

#[test]
fn a_minimal_project_can_be_checked_once_it_has_data() {
    let folder = Workspace::new();
    yw(["init"]).dir(folder.path()).run().success();
    let check = yw(["check"]).dir(folder.path()).run();
    assert_eq!(check.code, Some(4), "the template is valid, and names data that is not there: {}", check.stderr);
}
