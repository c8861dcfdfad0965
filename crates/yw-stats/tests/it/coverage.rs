//! Simulated data: 95 % intervals cover, and equal candidates are not declared different. These runs are as many as a
//! test may take; `examples/coverage.rs` makes more and prints them.

use crate::scenarios::{duels, scenarios};
use crate::simulation::{
    Coverage, Reference, coverage, false_alarms, family_wise_errors, mcnemar_errors, wilson_coverage,
};

const N_RUNS: u64 = 2000;
const REPLICATES: u32 = 400;
/// Where nothing is drawn again, runs are cheap.
const N_CHEAP_RUNS: u64 = 20_000;

/// Two standard errors of a share near 5 %.
fn noise(n_runs: u64) -> f64 {
    2.0 * (0.05 * 0.95 / n_runs as f64).sqrt()
}

/// Between 94 and 96 %, as far as so many runs can tell.
fn check_covers(name: &str, covered: f64, n_runs: u64) {
    let noise = noise(n_runs);
    assert!((0.94 - noise..=0.96 + noise).contains(&covered), "{name}: {covered}");
}

/// At most 5 %, as far as so many runs can tell.
fn check_rejects(name: &str, rejected: f64, n_runs: u64) {
    assert!(rejected <= 0.05 + noise(n_runs), "{name}: {rejected}");
}

fn mean(shares: &[f64]) -> f64 {
    shares.iter().sum::<f64>() / shares.len() as f64
}

#[test]
fn bootstrap_intervals_cover() {
    let shares = scenarios().into_iter().map(|scenario| {
        let Coverage { covered, above, below } = coverage(&scenario, N_RUNS, REPLICATES);
        check_covers(scenario.name, covered, N_RUNS);
        assert!(above < 0.04 && below < 0.04, "{}: too high {above}, too low {below}", scenario.name);
        covered
    });
    let covered = mean(&shares.collect::<Vec<_>>());
    assert!((0.945..=0.955).contains(&covered), "on average {covered}");
}

#[test]
fn wilson_intervals_cover() {
    for (rate, n_rows) in [(0.5, 100), (0.8, 150), (0.9, 300), (0.97, 1000)] {
        let covered = wilson_coverage(rate, n_rows, N_CHEAP_RUNS).covered;
        check_covers(&format!("rate {rate} of {n_rows}"), covered, N_CHEAP_RUNS);
    }
}

#[test]
fn equal_candidates_are_not_declared_different() {
    let shares = duels().into_iter().map(|duel| {
        let rejected = false_alarms(&duel, N_RUNS, REPLICATES);
        check_rejects(duel.name, rejected, N_RUNS);
        rejected
    });
    let rejected = mean(&shares.collect::<Vec<_>>());
    assert!((0.04..=0.05).contains(&rejected), "on average {rejected}");
}

#[test]
fn equally_right_candidates_are_not_declared_different() {
    for n_rows in [50, 100, 200, 1000] {
        let (rejected, interval) = mcnemar_errors(n_rows, N_CHEAP_RUNS);
        check_rejects(&format!("{n_rows} rows"), rejected, N_CHEAP_RUNS);
        check_covers(&format!("{n_rows} rows"), interval.covered, N_CHEAP_RUNS);
    }
}

#[test]
fn families_of_equal_candidates_are_not_declared_different() {
    let n_runs = 1000;
    let [holm, _] = family_wise_errors(Reference::Fixed, n_runs, REPLICATES);
    check_rejects("fixed reference", holm, n_runs);
    let [holm, versus_best] = family_wise_errors(Reference::Best, n_runs, REPLICATES);
    check_rejects("best as reference", versus_best, n_runs);
    assert!(holm > 0.065, "Holm over the comparisons made would do: {holm}");
}
