//! The ask road against a scripted provider: every row is accounted for, every cent too.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use yw_task::Dialect;
use yw_testkit::{Fault, Fixture, RecordedRequest, Script, Tokens, When};

use crate::support::{AskProject, AskSetup, Candidate, assert_usd, record, right_answers, tickets};

/// What a provider does on a bad day.
fn bad_day(test: &Fixture, seed: u64) -> Script {
    right_answers(test)
        .seed(seed)
        .fault(When::Chance(0.10), Fault::rate_limited(Duration::from_millis(30)))
        .fault(When::Chance(0.08), Fault::status(500))
        .fault(When::Chance(0.05), Fault::CutBeforeHeaders)
        .fault(When::Chance(0.05), Fault::CutMidBody)
        .fault(When::Chance(0.05), Fault::MalformedJson)
        .fault(When::Chance(0.10), Fault::WrongLabel)
        .fault(When::Chance(0.05), Fault::NotJsonContent)
        .fault(When::Chance(0.05), Fault::EmptyContent)
        .fault(When::Chance(0.05), Fault::Truncated)
        .fault(When::Chance(0.10), Fault::SlowHeaders(Duration::from_millis(150)))
        .fault(When::Chance(0.05), Fault::SlowBody(Duration::from_millis(10)))
        .fault(When::Chance(0.05), Fault::Fragments(7))
        .tokens(|request, content| {
            let counted = Tokens::count(request, content);
            Tokens { cached: counted.input / 3, reasoning: 5, output: counted.output + 5, ..counted }
        })
}

/// Everything that the report says of `asked` is what the server knows of it.
#[track_caller]
fn agrees_with_the_server(project: &AskProject, asked: &Candidate) {
    let bill = project.server.bill();
    assert_usd(asked.number("/usd/evaluation"), bill.usage.usd.as_dollars(), "evaluation");
    for (pointer, expected) in [
        ("/usage/calls", bill.usage.calls),
        ("/usage/input_tokens", bill.usage.input_tokens),
        ("/usage/cached_tokens", bill.usage.cached_tokens),
        ("/usage/output_tokens", bill.usage.output_tokens),
    ] {
        assert_eq!(asked.count(pointer), expected, "{pointer}");
    }
    // The server answers right or not at all, and a row without an answer counts as wrong.
    let n_rows = project.test.n_rows() as f64;
    let right = 1.0 - asked.number("/failures") / n_rows;
    assert!((asked.number("/metrics/accuracy") - right).abs() < 1e-9, "every row is right or a failure: {:#}", asked.0);
}

fn survives_bad_days(dialect: Dialect, seeds: [u64; 2]) {
    let setup = AskSetup { dialect, n_test: 60, provider: "concurrency = 32", ..AskSetup::default() };
    let projects = seeds.map(|seed| AskProject::new(setup, |test| bad_day(test, seed)));
    let running = projects.each_ref().map(|project| project.yw(&["run", "--format", "json"]).spawn());
    for (project, running) in projects.iter().zip(running) {
        let asked = Candidate::of(&record(&running.wait().success()), "asked");
        assert_eq!(asked.status(), "ok", "{:#}", asked.0);
        agrees_with_the_server(project, &asked);
        let bill = project.server.bill();
        assert!(bill.refused > 0 && bill.cut > 0 && bill.unreadable > 0, "a bad day indeed: {bill:?}");
        assert!(asked.number("/failures") <= 12.0, "retries and the second question bring most answers: {:#}", asked.0);
        asked_again_at_most_once(project);
    }
}

#[test]
fn openai_survives_bad_days() {
    survives_bad_days(Dialect::OpenAi, [1, 2]);
}

#[test]
fn anthropic_survives_bad_days() {
    survives_bad_days(Dialect::Anthropic, [3, 4]);
}

/// No row is billed more than twice: for its first answer, and for the one after a complaint.
#[track_caller]
fn asked_again_at_most_once(project: &AskProject) {
    let bill = project.server.bill();
    assert!(bill.calls_by_row.values().all(|n| *n <= 2), "{:?}", bill.calls_by_row);
}

#[test]
fn what_never_works_is_one_rows_failure() {
    let setup = AskSetup { provider: "max_retries = 1", ..AskSetup::default() };
    let project = AskProject::new(setup, |test| {
        right_answers(test)
            .fault(When::Asking("T-61\n".to_owned()), Fault::status(500))
            .fault(When::Asking("T-62\n".to_owned()), Fault::status(400))
            .fault(When::Asking("T-63\n".to_owned()), Fault::CutMidBody)
            .fault(When::Asking("T-64\n".to_owned()), Fault::MalformedJson)
    });
    let asked = project.run(&[]);
    assert_eq!((asked.status(), asked.count("/failures")), ("ok", 4));
    agrees_with_the_server(&project, &asked);
    let n_requests = |mark: &str| chats(&project).iter().filter(|r| own_mark(r).as_deref() == Some(mark)).count();
    assert_eq!(["T-61", "T-62", "T-63", "T-64", "T-65"].map(n_requests), [2, 1, 2, 2, 1], "400 is final");
}

#[test]
fn a_wrong_answer_is_complained_about_once() {
    for dialect in [Dialect::OpenAi, Dialect::Anthropic] {
        let setup = AskSetup { dialect, n_test: 10, ..AskSetup::default() };
        let project = AskProject::new(setup, |test| {
            // The complaint is the last message then, so that only first questions are hit.
            right_answers(test).fault(When::Asking("T-61\n".to_owned()), Fault::WrongLabel)
        });
        let asked = project.run(&[]);
        assert_eq!((asked.count("/failures"), asked.count("/usage/calls")), (0, 11));
        agrees_with_the_server(&project, &asked);
        let second = chats(&project).into_iter().find(|r| messages(r).len() > 1).expect("a second question");
        let roles: Vec<&str> = messages(&second).iter().map(|m| m["role"].as_str().unwrap_or_default()).collect();
        assert_eq!(roles, ["user", "assistant", "user"]);
        let complaint = text(&messages(&second)[2]);
        assert!(complaint.contains("must be one of: account, billing, technical"), "{complaint}");
    }
}

#[test]
fn always_wrong_answers_are_asked_for_twice_and_paid_for() {
    let setup = AskSetup { n_test: 10, ..AskSetup::default() };
    let project = AskProject::new(setup, |test| right_answers(test).fault(When::Always, Fault::WrongLabel));
    let asked = project.run(&[]);
    assert_eq!((asked.status(), asked.count("/failures"), asked.count("/usage/calls")), ("ok", 10, 20));
    agrees_with_the_server(&project, &asked);
    assert_eq!(chats(&project).len(), 20);
}

#[test]
fn late_answers_are_asked_for_again() {
    let setup = AskSetup { n_test: 10, candidate: "timeout_ms = 300", ..AskSetup::default() };
    let project = AskProject::new(setup, |test| {
        right_answers(test)
            .fault(When::Nth(3), Fault::Hang)
            .fault(When::Nth(5), Fault::SlowHeaders(Duration::from_secs(5)))
    });
    let asked = project.run(&[]);
    assert_eq!((asked.status(), asked.count("/failures")), ("ok", 0));
    assert_eq!(chats(&project).len(), 12);
    agrees_with_the_server(&project, &asked);
}

#[test]
fn without_its_key_a_candidate_is_skipped_and_the_run_goes_on() {
    let setup = AskSetup { n_test: 10, provider: "key = true", ..AskSetup::default() };
    let project = AskProject::new(setup, |test| right_answers(test).require_key("sk-secret"));
    let captured = project.yw(&["run", "--format", "json"]).run().success();
    let asked = Candidate::of(&record(&captured), "asked");
    assert_eq!(asked.status(), "skipped");
    assert!(asked.reason().contains("set SCRIPTED_API_KEY"), "{}", asked.reason());
    assert_eq!(record(&captured)["verdict"]["champion"], "baseline");
    assert!(project.server.requests().is_empty());
    let check = project.yw(&["check"]).run().success();
    assert!(check.stdout.contains("set SCRIPTED_API_KEY"), "{}", check.stdout);

    let with_key = project.yw(&["run", "--format", "json"]).env("SCRIPTED_API_KEY", "sk-secret").run().success();
    assert_eq!(Candidate::of(&record(&with_key), "asked").status(), "ok");

    // Another model's rows are not answered yet.
    let toml = project.workspace.read("yellowwood.toml").replace("scripted/model", "scripted/other");
    project.workspace.write("yellowwood.toml", toml);
    let wrong = project.yw(&["run", "--format", "json"]).env("SCRIPTED_API_KEY", "sk-wrong").run().success();
    let asked = Candidate::of(&record(&wrong), "asked");
    assert_eq!(asked.count("/failures"), 10, "{:#}", asked.0);
    for captured in [&with_key, &wrong] {
        assert!(!format!("{}{}", captured.stdout, captured.stderr).contains("sk-"), "keys are never printed");
    }
}

#[test]
fn the_answers_shape_is_demanded() {
    for dialect in [Dialect::OpenAi, Dialect::Anthropic] {
        let project = AskProject::new(AskSetup { dialect, n_test: 4, ..AskSetup::default() }, right_answers);
        project.run(&[]);
        let requests = chats(&project);
        assert_eq!(requests.len(), 4);
        for request in &requests {
            let schema = match dialect {
                Dialect::OpenAi => {
                    assert_eq!(request.body.pointer("/response_format/json_schema/strict"), Some(&json!(true)));
                    request.body.pointer("/response_format/json_schema/schema")
                }
                _ => request.body.pointer("/output_config/format/schema"),
            };
            let schema = schema.unwrap_or_else(|| panic!("no schema in {:#}", request.body));
            assert_eq!(schema["properties"]["team"]["enum"], json!(["account", "billing", "technical"]));
            assert_eq!((&schema["additionalProperties"], &schema["required"]), (&json!(false), &json!(["team"])));
            assert!(request.header("idempotency-key").is_some_and(|key| key.len() >= 32));
        }
    }
}

#[test]
fn a_prompt_of_ones_own() {
    let setup = AskSetup {
        n_test: 4,
        candidate: "prompt = \"p.md\"\nsystem = \"s.md\"\ntemperature = 0.0",
        ..AskSetup::default()
    };
    let project = AskProject::new(setup, right_answers);
    project.workspace.write("p.md", "{# not sent #}Plan {{ plan }}: {{ body }}\n");
    project.workspace.write("s.md", "Labels: {{ labels | join('/') }}");
    project.run(&[]);
    for request in chats(&project) {
        let [message] = messages(&request) else { panic!("one message: {:#}", request.body) };
        assert!(text(message).starts_with("Plan "), "{message}");
        assert!(request.body.to_string().contains("Labels: account/billing/technical"));
        assert_eq!(request.body["temperature"], json!(0.0));
    }
    // What a template gets wrong is the candidate's failure, and names the part and the line.
    project.workspace.write("p.md", "first\n{{ no_such_field }}");
    let captured = project.yw(&["run"]).run();
    let said = format!("{}{}", captured.stdout, captured.stderr);
    assert!(said.contains("asked failed: the prompt template") && said.contains("(in prompt:2)"), "{said}");
}

#[test]
fn fixed_examples_are_shown_to_every_row() {
    for dialect in [Dialect::OpenAi, Dialect::Anthropic] {
        let setup = AskSetup {
            dialect,
            n_test: 5,
            candidate: "examples = { fixed = \"examples.csv\" }",
            ..AskSetup::default()
        };
        let project = AskProject::new(setup, right_answers);
        let examples = Fixture::tickets(3, 99);
        project.workspace.write("examples.csv", examples.csv().replace("T-", "E-"));
        project.run(&[]);
        for request in chats(&project) {
            let shown = shown_examples(&request, "E-");
            let marks: Vec<&str> = shown.iter().map(|(mark, _)| mark.as_str()).collect();
            assert_eq!(marks, ["E-1", "E-2", "E-3"], "in the file's order");
            for (mark, reply) in &shown {
                let truth = examples.truth_in(&mark.replace("E-", "T-")).expect("a row of the file");
                assert_eq!(reply, &json!({ "team": truth }));
            }
        }
    }
}

#[test]
fn random_examples_are_the_same_for_every_row() {
    let setup = AskSetup { n_test: 6, candidate: "examples = { random = 4 }", ..AskSetup::default() };
    let project = AskProject::new(setup, right_answers);
    project.run(&[]);
    let (train, _) = tickets(60, 6);
    let requests = chats(&project);
    let first = shown_examples(&requests[0], "T-");
    assert_eq!(first.len(), 4);
    for (mark, reply) in &first {
        let truth = train.truth_in(mark).expect("a training row");
        assert_eq!(reply, &json!({ "team": truth }));
    }
    assert!(requests.iter().all(|r| shown_examples(r, "T-") == first));
    let distinct: BTreeSet<&String> = first.iter().map(|(mark, _)| mark).collect();
    assert_eq!(distinct.len(), 4, "drawn without replacement");
}

#[test]
fn nearest_examples_are_like_the_row() {
    let setup = AskSetup { n_test: 8, candidate: "examples = { nearest = 3 }", ..AskSetup::default() };
    let project = AskProject::new(setup, right_answers);
    // A training row that says the same as the first test row, but for its mark.
    let (train, test) = tickets(60, 8);
    let twin = test.csv().lines().nth(1).expect("a row").replace("T-61", "T-1000");
    project.workspace.write("train.csv", format!("{}{twin}\n", train.csv()));
    project.run(&[]);
    let requests = chats(&project);
    assert!(requests.iter().all(|r| shown_examples(r, "T-").len() == 3));
    let first = requests.iter().find(|r| own_mark(r).as_deref() == Some("T-61")).expect("the first test row");
    let shown = shown_examples(first, "T-");
    assert_eq!(shown[2].0, "T-1000", "the most similar stands next to the question: {shown:?}");
    let sets: BTreeSet<String> = requests.iter().map(|r| format!("{:?}", shown_examples(r, "T-"))).collect();
    assert!(sets.len() > 1, "each row has its own");
}

#[test]
fn an_estimate_is_free_and_near_the_bill() {
    for (dialect, candidate) in [(Dialect::OpenAi, ""), (Dialect::Anthropic, "examples = { nearest = 4 }")] {
        let project = AskProject::new(AskSetup { dialect, candidate, ..AskSetup::default() }, right_answers);
        let printed = project.yw(&["run", "--estimate"]).run().success().stdout;
        assert!(project.server.requests().is_empty(), "an estimate asks nothing");
        assert!(!project.workspace.join(".yellowwood").exists(), "and keeps nothing");
        let line = printed.lines().find(|l| l.trim_start().starts_with("asked ")).expect("the candidate's line");
        let estimate: f64 = line.split_whitespace().last().expect("dollars").parse().expect("a number");
        project.run(&[]);
        let billed = project.billed();
        assert!(
            estimate > billed / 2.0 && estimate < billed * 2.0,
            "estimated ${estimate}, billed ${billed}\n{printed}"
        );
    }
}

#[test]
fn what_was_answered_is_not_asked_again() {
    let project = AskProject::new(AskSetup::default(), |test| {
        right_answers(test).fault(When::Asking("T-61\n".to_owned()), Fault::WrongLabel)
    });
    let first = project.run(&[]);
    let (n_requests, billed) = (project.server.requests().len(), project.billed());
    assert_eq!(n_requests, 41);
    assert_usd(first.number("/usd/spent_now"), billed, "spent by the first run");
    for args in [&[][..], &["--max-usd", "0"]] {
        let again = project.run(args);
        assert_eq!(project.server.requests().len(), n_requests, "no request at all");
        for key in ["status", "score", "metrics", "failures", "usage", "artifact"] {
            assert_eq!(again.0[key], first.0[key], "{key}");
        }
        assert_usd(again.number("/usd/evaluation"), billed, "the answers cost what they cost");
        assert_eq!(again.number("/usd/spent_now"), 0.0);
    }
}

#[test]
fn only_what_changed_is_asked() {
    let project = AskProject::new(AskSetup { n_test: 10, ..AskSetup::default() }, right_answers);
    project.run(&[]);
    // Nine rows are as they were, and no candidate's name is part of a question.
    let csv = project.workspace.read("test.csv").replacen("T-61", "again T-61", 1);
    project.workspace.write("test.csv", csv);
    let toml = project.workspace.read("yellowwood.toml").replace("candidate.asked", "candidate.prompted");
    project.workspace.write("yellowwood.toml", toml);
    project.yw(&["run"]).run().success();
    assert_eq!(chats(&project).len(), 11);
}

#[test]
fn a_cascade_asks_only_about_unsure_rows() {
    let more = "[task.triage.candidate.words]\nfit = \"linear\"\n\n[task.triage.candidate.both]\nfirst = \"words\"\n\
                then = \"asked\"\nthreshold = 0.8\n";
    let project = AskProject::new(AskSetup { more, ..AskSetup::default() }, right_answers);
    let captured = project.yw(&["run", "--format", "json"]).run().success();
    let both = Candidate::of(&record(&captured), "both");
    assert_eq!((both.status(), both.0["road"].as_str()), ("ok", Some("both")));
    let n_asked = both.count("/usage/calls");
    assert!(n_asked < 40, "{:#}", both.0);
    assert_eq!(chats(&project).len(), 40, "what `asked` was answered serves the cascade too");
    assert_eq!(both.number("/usd/spent_now"), 0.0);
}

/// The chat requests that came, in order.
fn chats(project: &AskProject) -> Vec<RecordedRequest> {
    project.server.requests().into_iter().filter(|r| r.method == "POST").collect()
}

/// The messages of a request without its system message.
fn messages(request: &RecordedRequest) -> &[Value] {
    let messages = request.body["messages"].as_array().map_or(&[][..], Vec::as_slice);
    match messages.split_first() {
        Some((first, rest)) if first["role"] == "system" || first["role"] == "developer" => rest,
        _ => messages,
    }
}

fn text(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The mark of the row that a first question is about.
fn own_mark(request: &RecordedRequest) -> Option<String> {
    mark_in(&text(messages(request).last()?), "T-")
}

fn mark_in(text: &str, prefix: &str) -> Option<String> {
    let start = text.rfind(prefix)?;
    let digits: String = text[start + prefix.len()..].chars().take_while(char::is_ascii_digit).collect();
    Some(format!("{prefix}{digits}"))
}

/// The marks and replies of the examples that stand before the question.
fn shown_examples(request: &RecordedRequest, prefix: &str) -> Vec<(String, Value)> {
    let turns = messages(request).split_last().map_or(&[][..], |(_, before)| before);
    let example = |pair: &[Value]| {
        assert_eq!((&pair[0]["role"], &pair[1]["role"]), (&json!("user"), &json!("assistant")));
        let mark = mark_in(&text(&pair[0]), prefix).unwrap_or_else(|| panic!("no mark in {}", pair[0]));
        (mark, serde_json::from_str(&text(&pair[1])).expect("an example's reply is JSON"))
    };
    turns.chunks(2).map(example).collect()
}
