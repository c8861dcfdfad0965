//! `yw run` is killed at random moments; what was paid for is never paid for again.

use std::time::Duration;

use yw_testkit::{Rng, Script};

use crate::support::{AskProject, AskSetup, Candidate, assert_usd, record, right_answers, wait_until};

const KILLS: usize = 20;
const CONCURRENCY: u64 = 4;
const N_TEST: usize = 280;

/// A slow provider, so that most kills meet calls under way.
fn slow_project(script: impl FnOnce(Script) -> Script) -> AskProject {
    let provider = format!("concurrency = {CONCURRENCY}");
    let setup = AskSetup { n_test: N_TEST, provider: &provider, candidate: "max_tokens = 32", ..AskSetup::default() };
    AskProject::new(setup, |test| script(right_answers(test).latency(Duration::from_millis(15))))
}

/// Kills runs of the project: most after some more requests and a moment, each fourth after a moment from its start,
/// when it opens the store, reads the data, or fits.
fn kill_at_random_moments(project: &AskProject, seed: u64) {
    let mut rng = Rng::new(seed);
    for kill in 0..KILLS {
        let n_before = project.server.requests().len();
        let n_more = if kill % 4 == 3 { 0 } else { 1 + rng.below(16) };
        let running = project.yw(&["run"]).spawn();
        wait_until("requests came", || project.server.requests().len() >= n_before + n_more);
        std::thread::sleep(Duration::from_micros(rng.below(20_000) as u64));
        let killed = running.kill();
        assert_eq!(killed.code, None, "the run ended before it was killed:\n{}{}", killed.stdout, killed.stderr);
    }
}

/// How many rows' answers are kept, and no request is made for that.
fn n_durable(project: &AskProject) -> u64 {
    let n_requests = project.server.requests().len();
    let captured = project.yw(&["run", "--format", "json", "--max-usd", "0"]).run().success();
    assert_eq!(project.server.requests().len(), n_requests);
    Candidate::of(&record(&captured), "asked").count("/usage/calls")
}

/// Runs to the end: only the rows without a kept answer are asked, and the report is whole.
fn run_to_the_end(project: &AskProject) -> Candidate {
    let n_durable = n_durable(project);
    assert!(n_durable > 0 && n_durable < N_TEST as u64, "{n_durable} rows were answered, some should be left");
    let n_requests = project.server.requests().len() as u64;
    let asked = project.run(&[]);
    assert_eq!(
        project.server.requests().len() as u64 - n_requests,
        N_TEST as u64 - n_durable,
        "requests of the last run"
    );
    assert_eq!((asked.status(), asked.count("/failures")), ("ok", 0));
    assert_eq!(asked.count("/usage/calls"), N_TEST as u64);
    assert_eq!(asked.number("/metrics/accuracy"), 1.0);
    asked
}

#[test]
fn with_idempotency_keys_no_row_is_billed_twice() {
    let project = slow_project(|script| script);
    kill_at_random_moments(&project, 1);
    let asked = run_to_the_end(&project);
    let bill = project.server.bill();
    assert_eq!(bill.calls_by_key.len(), N_TEST);
    assert!(bill.calls_by_key.values().all(|n| *n == 1), "{:?}", bill.calls_by_key);
    assert!(bill.rows_paid_twice().is_empty(), "{:?}", bill.rows_paid_twice());
    assert_usd(asked.number("/usd/evaluation"), bill.usage.usd.as_dollars(), "the report and the bill");
}

#[test]
fn without_them_only_calls_under_way_are_billed_again() {
    let project = slow_project(|script| script.idempotent(false));
    kill_at_random_moments(&project, 2);
    run_to_the_end(&project);
    let bill = project.server.bill();
    assert_eq!(bill.calls_by_row.len(), N_TEST);
    let n_again: u64 = bill.calls_by_row.values().map(|n| n - 1).sum();
    assert!(n_again <= KILLS as u64 * CONCURRENCY, "{n_again} calls were billed again");
}
