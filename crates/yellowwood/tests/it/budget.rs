//! `--max-usd` is a promise.

use std::time::Duration;

use yw_testkit::{Fault, When};

use crate::support::{AskProject, AskSetup, Candidate, assert_usd, record, right_answers, tickets};

/// Replies are short: a small bound on their length lets more calls fit under a limit.
const SHORT: &str = "max_tokens = 32";

#[test]
fn a_limit_stops_a_candidate_and_a_higher_one_continues_it() {
    let setup = AskSetup { candidate: SHORT, n_test: 80, ..AskSetup::default() };
    let project = AskProject::new(setup, right_answers);
    let whole = {
        let twin = AskProject::new(setup, right_answers);
        twin.run(&[]);
        twin.billed()
    };
    let mut n_before = 0;
    // Most of a small limit stays unspent: the most that the last call could cost must fit, too.
    for share in [0.4, 0.5] {
        let limit = whole * share;
        let spent_before = project.billed();
        let asked = project.run(&["--max-usd", &format!("{limit}")]);
        let spent = project.billed() - spent_before;
        assert!(spent <= limit, "spent ${spent} of ${limit}");
        assert!(spent > 0.0, "a limit of ${limit} allows some calls");
        assert_eq!(asked.status(), "stopped");
        assert!(asked.0.get("score").is_none(), "half a test is no score");
        assert_usd(asked.number("/usd/spent_now"), spent, "spent now");
        let n_asked = project.server.bill().usage.calls;
        assert!(n_asked > n_before, "it goes on where it stopped");
        n_before = n_asked;
        let left = format!("{} of 80 rows were not asked", 80 - n_asked);
        assert!(asked.reason().contains(&left) && asked.reason().contains("--max-usd"), "{left}: {}", asked.reason());
    }
    let asked = project.run(&["--max-usd", "1"]);
    assert_eq!(asked.status(), "ok");
    let bill = project.server.bill();
    assert_eq!(bill.usage.calls, 80);
    assert!(bill.rows_paid_twice().is_empty(), "{:?}", bill.rows_paid_twice());
    assert_usd(asked.number("/usd/evaluation"), whole, "the whole test");
}

#[test]
fn a_stopped_candidate_keeps_the_others_and_the_champion() {
    let project = AskProject::new(AskSetup { candidate: SHORT, n_test: 10, ..AskSetup::default() }, right_answers);
    let captured = project.yw(&["run", "--max-usd", "0", "--format", "json"]).run().success();
    assert_eq!(Candidate::of(&record(&captured), "asked").status(), "stopped");
    assert_eq!(record(&captured)["verdict"]["champion"], "baseline");
    assert!(project.server.requests().is_empty(), "a limit of nothing asks nothing");
    let table = project.yw(&["run", "--max-usd", "$0.00"]).run().success().stdout;
    assert!(table.contains("asked was stopped: 10 of 10 rows were not asked"), "{table}");
}

#[test]
fn faults_do_not_break_the_limit() {
    for seed in [1, 2] {
        let setup = AskSetup {
            candidate: SHORT,
            n_test: 60,
            provider: "concurrency = 16\nmax_retries = 2",
            ..AskSetup::default()
        };
        let project = AskProject::new(setup, |test| {
            right_answers(test)
                .seed(seed)
                // Every retry is billed anew by a provider without memory, replies that nobody can read too.
                .idempotent(false)
                .fault(When::Chance(0.1), Fault::rate_limited(Duration::from_millis(10)))
                .fault(When::Chance(0.1), Fault::status(500))
                .fault(When::Chance(0.1), Fault::CutMidBody)
                .fault(When::Chance(0.1), Fault::MalformedJson)
                .fault(When::Chance(0.2), Fault::WrongLabel)
        });
        for limit in [0.004, 0.008] {
            let before = project.server.bill();
            let spent_before = project.billed();
            project.run(&["--max-usd", &limit.to_string()]);
            let bill = project.server.bill();
            let spent = project.billed() - spent_before;
            // A reply that was lost may have been billed: at the price of an average one, it must fit too.
            let n_lost = (bill.cut + bill.unreadable) - (before.cut + before.unreadable);
            let average = spent / (bill.usage.calls - before.usage.calls).max(1) as f64;
            let at_worst = spent + n_lost as f64 * average;
            assert!(at_worst <= limit, "seed {seed}: ${at_worst} of ${limit}, {n_lost} replies lost");
        }
    }
}

#[test]
fn candidates_share_the_limit() {
    let more = "[task.triage.candidate.other]\nask = \"scripted/model\"\nmax_tokens = 32\nexamples = { random = 2 }\n";
    let project = AskProject::new(AskSetup { candidate: SHORT, more, ..AskSetup::default() }, right_answers);
    let limit = 0.014;
    let captured = project.yw(&["run", "--format", "json", "--max-usd", &limit.to_string()]).run().success();
    let spent = project.billed();
    assert!(spent <= limit, "${spent}");
    let spent_now: f64 =
        ["asked", "other"].map(|name| Candidate::of(&record(&captured), name).number("/usd/spent_now")).iter().sum();
    assert_usd(spent_now, spent, "both together");
    assert_eq!(Candidate::of(&record(&captured), "other").status(), "stopped", "{spent}");
}

#[test]
fn a_model_without_a_price_is_not_asked_under_a_limit() {
    let project = AskProject::new(AskSetup { n_test: 5, priced: false, ..AskSetup::default() }, right_answers);
    let asked = project.run(&["--max-usd", "5"]);
    assert_eq!(asked.status(), "skipped");
    assert!(asked.reason().contains("[price.\"scripted/model\"]"), "{}", asked.reason());
    assert!(project.server.requests().is_empty());
    let estimate = project.yw(&["run", "--estimate"]).run().success().stdout;
    assert!(estimate.contains("no price known"), "{estimate}");
    // Without a limit it is asked; that its price is not known must be said, since zero dollars would be a lie.
    let captured = project.yw(&["run"]).run().success();
    assert_eq!(project.server.bill().usage.calls, 5);
    let said = format!("{}{}", captured.stdout, captured.stderr);
    assert!(said.contains("price"), "{said}");
}

#[test]
fn predict_keeps_a_limit_too() {
    let (fresh, _) = tickets(200, 0);
    let setup = AskSetup { candidate: SHORT, n_test: 20, ..AskSetup::default() };
    let project = AskProject::new(setup, |_| right_answers(&fresh));
    project.run(&[]);
    let spent_before = project.billed();
    project.workspace.write("new.csv", fresh.csv());
    let limit = 0.005;
    let args = ["predict", "triage", "new.csv", "-o", "out.csv", "--max-usd", "0.005"];
    project.yw(&args).run().exits_with(6);
    let spent = project.billed() - spent_before;
    assert!(spent > 0.0 && spent <= limit, "${spent}");
    let out = project.workspace.read("out.csv");
    assert_eq!(out.lines().count(), 201);
    assert!(out.contains("was not asked"), "rows without an answer say why");
}
