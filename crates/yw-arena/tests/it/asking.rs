//! The ask road against the scripted server: prompts, faults, money.

use std::time::Duration;

use yw_arena::report::Status;
use yw_task::{Dialect, RowErrorKind, Usage, Usd};
use yw_testkit::{Fault, Fixture, Reply, Script, ScriptedServer, When, Workspace};

use crate::support::{asking, candidate, load, project_of, provider, run, run_with, store};

const ASK: &str = "[task.t.candidate.asked]\nask = \"scripted/m\"\n";

/// Answers every ticket rightly.
fn right(fixture: &Fixture) -> Script {
    let truths = fixture.clone();
    Script::answer(move |request| truths.truth_in(&request.prompt()).unwrap()).row_prefix(fixture.mark_prefix())
}

async fn spawn(script: Script) -> ScriptedServer {
    ScriptedServer::start(script).await.unwrap()
}

/// A project that asks the server about the fixture, with more keys for the candidate.
fn project(fixture: &Fixture, server: &ScriptedServer, keys: &str) -> Workspace {
    project_of(fixture, &format!("{ASK}{keys}\n{}", provider(server, Dialect::OpenAi)))
}

/// The prompts that the server was sent, as the bodies' messages.
fn messages(server: &ScriptedServer) -> Vec<serde_json::Value> {
    server.requests().into_iter().map(|r| r.body["messages"].clone()).collect()
}

#[tokio::test]
async fn every_row_is_asked_once_and_the_dollars_are_the_bills() {
    let fixture = Fixture::tickets(80, 3);
    let server = spawn(right(&fixture)).await;
    let finished = run(&project(&fixture, &server, "")).await;
    let asked = candidate(&finished, "asked");
    assert_eq!((asked.status, asked.n_failures()), (Status::Ok, 0));
    assert_eq!(asked.score.unwrap().value, 1.0);
    let bill = server.bill();
    assert_eq!(asked.usage, bill.usage);
    assert_eq!((asked.usage.calls, asked.usd.evaluation), (20, bill.usage.usd));
    assert_eq!(asked.usd.spent_now, bill.usage.usd);
    assert_eq!(asked.usd.per_1000, Some(bill.usage.usd.as_dollars() * 50.0));
    assert!(asked.latency.is_some() && asked.predict_rows_per_second.is_some());
    assert_eq!(asked.notes, Vec::<String>::new());
}

#[tokio::test]
async fn a_second_run_pays_nothing_and_says_so() {
    let fixture = Fixture::tickets(40, 3);
    let server = spawn(right(&fixture)).await;
    let workspace = project(&fixture, &server, "examples = { nearest = 2 }");
    let store = store(&workspace).await;
    let first = run_with(&workspace, Some(&store), None).await;
    let paid = server.bill();
    let second = run_with(&workspace, Some(&store), None).await;
    assert_eq!(server.bill(), paid);
    let (first, second) = (candidate(&first, "asked"), candidate(&second, "asked"));
    assert_eq!(second.usd.evaluation, first.usd.evaluation);
    assert_eq!((second.usd.spent_now, second.predict_rows_per_second), (Usd::ZERO, None));
    assert_eq!(second.score, first.score);
    // The store keeps microseconds.
    assert_eq!(second.latency.unwrap().p50.as_micros(), first.latency.unwrap().p50.as_micros());
}

#[tokio::test]
async fn a_bad_reply_is_asked_again_once_with_the_reason() {
    let fixture = Fixture::tickets(40, 4);
    // Each first body is answered badly; the second has other words, and is answered well.
    let truths = fixture.clone();
    let script = Script::new(move |request| match request.messages.len() {
        1 => Reply::text(r#"{"team":"plumbing"}"#),
        _ => Reply::answer(truths.truth_in(&request.prompt()).unwrap()),
    });
    let server = spawn(script).await;
    let finished = run(&project(&fixture, &server, "")).await;
    let asked = candidate(&finished, "asked");
    assert_eq!((asked.n_failures(), asked.score.unwrap().value), (0, 1.0));
    assert_eq!((asked.usage, asked.usage.calls), (server.bill().usage, 20));
    let again = messages(&server).into_iter().find(|m| m.as_array().unwrap().len() == 4).unwrap();
    assert_eq!(again[2]["content"], r#"{"team":"plumbing"}"#);
    assert_eq!(
        again[3]["content"],
        "That reply cannot be used: \"team\" must be one of: account, billing, technical. Reply again with the JSON object only."
    );
}

#[tokio::test]
async fn two_bad_replies_are_the_rows_failure_and_are_paid() {
    let fixture = Fixture::tickets(40, 4);
    for (fault, expect) in [
        (
            Fault::WrongLabel,
            "scripted/m gave no usable answer when asked twice: \"team\" must be one of: account, billing, technical",
        ),
        (
            Fault::NotJsonContent,
            "scripted/m gave no usable answer when asked twice: \"team\" must be one of: account, billing, technical",
        ),
        (Fault::EmptyContent, "scripted/m gave no usable answer when asked twice: the reply is empty"),
        (
            Fault::Truncated,
            "scripted/m gave no usable answer when asked twice: the reply is cut or broken JSON (it was cut off at max_tokens = 2048)",
        ),
        (Fault::Refusal, "scripted/m gave no usable answer when asked twice: the model declined to answer"),
    ] {
        let server = spawn(right(&fixture).fault(When::Always, fault.clone())).await;
        let finished = run(&project(&fixture, &server, "")).await;
        let asked = candidate(&finished, "asked");
        assert_eq!(asked.failures, [(RowErrorKind::Violation, 10)], "{fault:?}");
        assert_eq!((asked.usage, asked.usage.calls), (server.bill().usage, 20), "{fault:?}");
        assert_eq!(asked.metrics.iter().find(|(m, _)| m.name() == "accuracy").unwrap().1.value, 0.0);
        assert_eq!(asked.details.worst[0].answer, expect);
        assert!(asked.details.worst[0].failed);
        let unanswered = &asked.details.confusion.as_ref().unwrap().unanswered;
        assert_eq!(unanswered.iter().sum::<u32>(), 10);
    }
}

#[tokio::test]
async fn what_passes_is_waited_for() {
    let fixture = Fixture::tickets(40, 5);
    let script = right(&fixture).fault(When::FirstAttempts(1), Fault::rate_limited(Duration::from_millis(20)));
    let server = spawn(script).await;
    let finished = run(&project(&fixture, &server, "")).await;
    let asked = candidate(&finished, "asked");
    assert_eq!((asked.n_failures(), asked.score.unwrap().value), (0, 1.0));
    assert_eq!((asked.usage, server.bill().refused), (server.bill().usage, 10));
}

#[tokio::test]
async fn a_slow_reply_is_given_up_after_the_candidates_own_timeout() {
    let fixture = Fixture::tickets(40, 5);
    let mark = "T-31 "; // ends its row's prompt line only in part: other marks go on with a digit
    let server = spawn(right(&fixture).fault(When::Asking(mark.trim().to_owned()), Fault::Hang)).await;
    let keys = format!("timeout_ms = 150\n{}", provider(&server, Dialect::OpenAi))
        .replace("max_retries = 2", "max_retries = 0");
    let finished = run(&project_of(&fixture, &format!("{ASK}{keys}"))).await;
    let asked = candidate(&finished, "asked");
    assert_eq!((asked.status, &*asked.failures), (Status::Ok, &[(RowErrorKind::Provider, 1)][..]));
    let worst = &asked.details.worst[0];
    assert!(worst.failed && worst.answer.starts_with("`scripted/m` gave no answer in 1 attempt"), "{}", worst.answer);
}

#[tokio::test]
async fn a_refused_request_is_every_rows_failure_and_not_the_runs() {
    let fixture = Fixture::tickets(40, 6);
    let server = spawn(right(&fixture).fault(When::Always, Fault::status(400))).await;
    let finished = run(&project(&fixture, &server, "")).await;
    let asked = candidate(&finished, "asked");
    assert_eq!((asked.status, &*asked.failures), (Status::Ok, &[(RowErrorKind::Provider, 10)][..]));
    assert_eq!(asked.latency, None, "nothing was answered, and nothing is asked again to time it");
    assert_eq!(server.bill().refused, 10);
    assert_eq!(finished.report.verdict.champion.as_deref(), Some("baseline"));
}

#[tokio::test]
async fn money_that_runs_out_stops_the_candidate() {
    let fixture = Fixture::tickets(200, 7);
    let server = spawn(right(&fixture)).await;
    let workspace = project(&fixture, &server, "max_tokens = 50");
    let store = store(&workspace).await;
    let limit = 0.006;
    let finished = run_with(&workspace, Some(&store), Some(limit)).await;
    let asked = candidate(&finished, "asked");
    assert_eq!((asked.status, asked.score), (Status::Stopped, None));
    let n_unasked = 50 - asked.usage.calls;
    assert!((1..50).contains(&n_unasked), "{n_unasked}");
    assert_eq!(asked.failures, [(RowErrorKind::Budget, n_unasked as usize)]);
    assert!(asked.reason.as_ref().unwrap().starts_with(&format!("{n_unasked} of 50 rows were not asked")));
    assert_eq!(asked.usd.spent_now, server.bill().usage.usd);
    assert!(server.bill().usage.usd <= Usd::from_dollars(limit));
    assert_eq!(finished.report.verdict.champion.as_deref(), Some("baseline"));

    let finished = run_with(&workspace, Some(&store), None).await;
    let asked = candidate(&finished, "asked");
    assert_eq!(
        (asked.status, asked.usage),
        (Status::Ok, Usage { usd_reused: asked.usage.usd_reused, ..server.bill().usage })
    );
    assert_eq!(server.bill().rows_paid_twice(), Vec::<&str>::new());
}

#[tokio::test]
async fn money_that_runs_out_while_a_cascade_is_tuned_stops_it() {
    let fixture = Fixture::tickets(200, 7);
    let server = spawn(right(&fixture)).await;
    let candidates = format!(
        "{ASK}max_tokens = 50\n[task.t.candidate.words]\nfit = \"linear\"\n[task.t.candidate.pair]\nfirst = \"words\"\nthen = \"asked\"\n{}",
        provider(&server, Dialect::OpenAi)
    );
    let finished = run_with(&project_of(&fixture, &candidates), None, Some(0.009)).await;
    let pair = candidate(&finished, "pair");
    assert_eq!(pair.status, Status::Stopped, "{:?}", pair.reason);
    assert!(pair.reason.as_ref().unwrap().starts_with("the money limit was reached"), "{:?}", pair.reason);
    let spent: Usd = finished.report.candidates.iter().map(|c| c.usd.spent_now).sum();
    assert_eq!(spent, server.bill().usage.usd);
}

#[tokio::test]
async fn a_candidate_that_cannot_ask_is_skipped() {
    let fixture = Fixture::tickets(40, 8);
    let server = spawn(right(&fixture)).await;
    let locked = provider(&server, Dialect::OpenAi).replace("max_retries = 2", "key = true");
    let finished = run(&project_of(&fixture, &format!("{ASK}{locked}"))).await;
    let asked = candidate(&finished, "asked");
    assert_eq!(asked.status, Status::Skipped);
    assert_eq!(asked.reason.as_deref(), Some("set SCRIPTED_API_KEY to ask scripted/m"));

    let provider = provider(&server, Dialect::OpenAi);
    let unpriced = &provider[..provider.find("[price").unwrap()];
    let workspace = project_of(&fixture, &format!("{ASK}{unpriced}"));
    let finished = run_with(&workspace, None, Some(1.0)).await;
    let asked = candidate(&finished, "asked");
    assert_eq!(asked.status, Status::Skipped);
    assert!(asked.reason.as_ref().unwrap().contains("has no known price"), "{:?}", asked.reason);
    assert_eq!(server.bill().usage.calls, 0);
    // Without a money limit it runs, and the report says that it looks free.
    let finished = run(&workspace).await;
    let asked = candidate(&finished, "asked");
    assert_eq!((asked.status, asked.usd.evaluation), (Status::Ok, Usd::ZERO));
    assert!(asked.notes[0].contains("has no known price"), "{:?}", asked.notes);
}

#[tokio::test]
async fn a_template_that_does_not_fit_is_the_candidates_failure_or_its_rows() {
    let fixture = Fixture::tickets(40, 8);
    let server = spawn(right(&fixture)).await;
    let workspace = project(&fixture, &server, "prompt = \"prompt.md\"");
    for (template, reason) in [
        ("{{ body", "the prompt template is not valid: "),
        ("{{ boddy }}", "the prompt template cannot be rendered: undefined value: `boddy` is undefined"),
    ] {
        workspace.write("prompt.md", template);
        let finished = run(&workspace).await;
        let asked = candidate(&finished, "asked");
        assert_eq!(asked.status, Status::Failed);
        assert!(asked.reason.as_ref().unwrap().starts_with(reason), "{:?}", asked.reason);
        assert_eq!(server.bill().usage.calls, 0);
    }
    workspace.write("prompt.md", "{{ body }}{% if plan == 'free' %}{{ boddy }}{% endif %}");
    let finished = run(&workspace).await;
    let asked = candidate(&finished, "asked");
    let [(RowErrorKind::Input, n_failed)] = *asked.failures else { panic!("{:?}", asked.failures) };
    assert!((1..10).contains(&n_failed));
    assert_eq!((asked.status, asked.usage.calls), (Status::Ok, 10 - n_failed as u64));
}

#[tokio::test]
async fn examples_come_from_the_training_rows_and_depend_on_the_seed_alone() {
    let fixture = Fixture::tickets(80, 9);
    let server = spawn(right(&fixture)).await;
    let first_examples = |n_turns: usize| {
        let all = messages(&server);
        let last = all.last().unwrap().as_array().unwrap().clone();
        assert_eq!(last.len(), n_turns);
        last[1..n_turns - 1].to_vec()
    };
    let random = project(&fixture, &server, "examples = { random = 3 }");
    run(&random).await;
    let shown = first_examples(8);
    run(&random).await;
    assert_eq!(first_examples(8), shown);
    let other_seed = random.read("yellowwood.toml").replace("question", "seed = 5\nquestion");
    random.write("yellowwood.toml", other_seed);
    run(&random).await;
    assert_ne!(first_examples(8), shown);

    run(&project(&fixture, &server, "examples = { nearest = 2 }")).await;
    let (train, _) = fixture.split_at(60);
    for turn in first_examples(6).iter().filter(|m| m["role"] == "user") {
        assert!(train.truth_in(turn["content"].as_str().unwrap()).is_some(), "{turn}");
    }
}

#[tokio::test]
async fn examples_with_unknown_answers_are_refused_before_anything_is_asked() {
    let fixture = Fixture::tickets(40, 9);
    let server = spawn(right(&fixture)).await;
    let workspace = project(&fixture, &server, "examples = { fixed = \"shown.csv\" }")
        .file("shown.csv", "subject,body,plan,seats,team\nHelp,My sink leaks,free,1,plumbing\n");
    let project = load(&workspace);
    let result = yw_arena::run(&project, &project.tasks[0], &asking(&project), yw_arena::nobody()).await;
    let error = result.err().unwrap().to_string();
    assert_eq!(error, "candidate `asked`: the examples have the answer `plumbing`, which no training row has");
}

#[tokio::test]
async fn a_cascade_asks_only_where_it_is_unsure() {
    let fixture = Fixture::tickets(400, 10);
    let server = spawn(right(&fixture)).await;
    let candidates = format!(
        "{ASK}[task.t.candidate.words]\nfit = \"linear\"\n[task.t.candidate.pair]\nfirst = \"words\"\nthen = \"asked\"\n{}",
        provider(&server, Dialect::OpenAi)
    );
    let workspace = project_of(&fixture, &candidates);
    let store = store(&workspace).await;
    let finished = run_with(&workspace, Some(&store), None).await;
    let (words, asked, pair) =
        (candidate(&finished, "words"), candidate(&finished, "asked"), candidate(&finished, "pair"));
    assert_eq!(pair.status, Status::Ok, "{:?}", pair.reason);
    assert!(pair.score.unwrap().value >= words.score.unwrap().value);
    assert!(pair.usage.calls < asked.usage.calls, "{} calls", pair.usage.calls);
    // What it asked about test rows had been asked before, in the same words; tuning was paid now, for 60 rows.
    assert_eq!(pair.usage.usd_reused, pair.usage.usd);
    assert_eq!(server.bill().usage.calls, 100 + 60);
    assert_eq!(pair.usd.spent_now, pair.usd.fit);
    assert!(pair.notes[0].starts_with("asks the second candidate below a confidence of"), "{:?}", pair.notes);
    assert_eq!(server.bill().rows_paid_twice(), Vec::<&str>::new());
}

#[tokio::test]
async fn a_cascade_needs_a_first_that_knows_how_sure_it_is() {
    let fixture = Fixture::tickets(40, 10);
    let server = spawn(right(&fixture)).await;
    let candidates = format!(
        "{ASK}[task.t.candidate.words]\nfit = \"linear\"\n[task.t.candidate.pair]\nfirst = \"asked\"\nthen = \"words\"\n{}",
        provider(&server, Dialect::OpenAi)
    );
    let finished = run(&project_of(&fixture, &candidates)).await;
    let pair = candidate(&finished, "pair");
    assert_eq!(pair.status, Status::Failed);
    assert!(pair.reason.as_ref().unwrap().contains("gives no confidence"), "{:?}", pair.reason);
}

#[tokio::test]
async fn estimates_are_within_a_factor_of_two_of_the_bill() {
    let fixture = Fixture::tickets(160, 11);
    for keys in ["", "examples = { nearest = 4 }", "examples = { random = 8 }"] {
        let server = spawn(right(&fixture)).await;
        let workspace = project(&fixture, &server, keys);
        let project = load(&workspace);
        let estimates = yw_arena::estimate(&project, &project.tasks[0], &asking(&project)).await.unwrap();
        let [estimate] = estimates.as_slice() else { panic!("{estimates:?}") };
        assert_eq!(server.bill().usage.calls, 0);
        assert_eq!((estimate.rows, &estimate.obstacle), (40, &None));
        run(&workspace).await;
        let bill = server.bill().usage;
        let near = |a: f64, b: f64| (0.5..=2.0).contains(&(a / b));
        assert!(near(estimate.input_tokens as f64, bill.input_tokens as f64), "{estimate:?} {bill:?}");
        assert!(near(estimate.usd.unwrap().as_dollars(), bill.usd.as_dollars()), "{estimate:?} {bill:?}");
    }
}

#[tokio::test]
async fn an_estimate_names_what_keeps_a_candidate_from_running_and_counts_tuning() {
    let fixture = Fixture::tickets(160, 11);
    let server = spawn(right(&fixture)).await;
    let provider = provider(&server, Dialect::OpenAi).replace("max_retries = 2", "key = true");
    let candidates = format!(
        "{ASK}[task.t.candidate.words]\nfit = \"linear\"\n[task.t.candidate.pair]\nfirst = \"words\"\nthen = \"asked\"\n{provider}"
    );
    let workspace = project_of(&fixture, &candidates);
    let project = load(&workspace);
    let estimates = yw_arena::estimate(&project, &project.tasks[0], &asking(&project)).await.unwrap();
    let rows: Vec<(&str, usize)> = estimates.iter().map(|e| (e.candidate.as_str(), e.rows)).collect();
    assert_eq!(rows, [("asked", 40), ("pair", 40 + 24)]);
    assert_eq!(estimates[0].obstacle.as_deref(), Some("set SCRIPTED_API_KEY to ask scripted/m"));
    assert!(estimates[1].usd > estimates[0].usd);
}
