//! How often intervals cover and comparisons are wrong, by repeated sampling.

use rayon::prelude::*;
use yw_stats::{
    BootstrapParams, Interval, Statistic, bootstrap, bootstrap_difference, holm, holm_versus_best, mcnemar, wilson,
};

use crate::scenarios::{Duel, Random, Scenario, equal_scores, rights};

const LEVEL: f64 = 0.05;

/// The share of runs where the interval holds the truth, lies above it, and lies below it.
pub(crate) struct Coverage {
    pub(crate) covered: f64,
    pub(crate) above: f64,
    pub(crate) below: f64,
}

impl Coverage {
    pub(crate) fn of(truth: f64, n_runs: u64, interval: impl Fn(u64) -> Interval + Sync + Send) -> Self {
        let share = |n: usize| n as f64 / n_runs as f64;
        let intervals: Vec<Interval> = (0..n_runs).into_par_iter().map(interval).collect();
        Coverage {
            covered: share(intervals.iter().filter(|interval| interval.contains(truth)).count()),
            above: share(intervals.iter().filter(|interval| interval.low > truth).count()),
            below: share(intervals.iter().filter(|interval| interval.high < truth).count()),
        }
    }
}

/// Of [`bootstrap`].
pub(crate) fn coverage(scenario: &Scenario, n_runs: u64, replicates: u32) -> Coverage {
    Coverage::of(scenario.truth, n_runs, |run| {
        let sample = (scenario.sample)(&mut Random::new(run));
        let groups = sample.groups.as_deref();
        let estimate =
            bootstrap(&sample.statistic, &BootstrapParams { replicates, seed: run, groups, ..Default::default() });
        Interval { low: estimate.low, high: estimate.high }
    })
}

/// Of [`wilson`].
pub(crate) fn wilson_coverage(rate: f64, n_rows: u64, n_runs: u64) -> Coverage {
    Coverage::of(rate, n_runs, |run| {
        let mut random = Random::new(run);
        let successes = (0..n_rows).filter(|_| random.chance(rate)).count();
        wilson(successes as u64, n_rows, 1.0 - LEVEL)
    })
}

/// The share of runs where [`bootstrap_difference`] declares equal candidates different.
pub(crate) fn false_alarms(duel: &Duel, n_runs: u64, replicates: u32) -> f64 {
    share_of_runs(n_runs, |run| {
        let [a, b] = (duel.sample)(&mut Random::new(run));
        let params = BootstrapParams { replicates, seed: run, ..Default::default() };
        bootstrap_difference(&a, &b, &params).p_value < LEVEL
    })
}

/// The share of runs where [`mcnemar`] declares equal candidates different, and the coverage of its interval.
pub(crate) fn mcnemar_errors(n_rows: usize, n_runs: u64) -> (f64, Coverage) {
    let compare = |run: u64| {
        let [a, b] = rights(&mut Random::new(run), n_rows);
        mcnemar(&a, &b, 1.0 - LEVEL)
    };
    let coverage = Coverage::of(0.0, n_runs, |run| {
        let difference = compare(run);
        Interval { low: difference.low, high: difference.high }
    });
    (share_of_runs(n_runs, |run| compare(run).p_value < LEVEL), coverage)
}

/// Against which of five equal candidates the others are compared.
#[derive(Clone, Copy)]
pub(crate) enum Reference {
    /// The first, decided before.
    Fixed,
    /// Whichever scored best.
    Best,
}

/// The share of runs where any of four comparisons declares a difference among five equal candidates: with Holm's
/// adjustment for those four, and with that for having picked the reference.
pub(crate) fn family_wise_errors(reference: Reference, n_runs: u64, replicates: u32) -> [f64; 2] {
    let p_values: Vec<Vec<f64>> = (0..n_runs)
        .into_par_iter()
        .map(|run| {
            let candidates: [Box<dyn Statistic>; 5] = equal_scores(&mut Random::new(run), 150);
            let values: Vec<f64> = candidates.iter().map(|candidate| candidate.value(None)).collect();
            let reference = match reference {
                Reference::Fixed => 0,
                Reference::Best => (0..5).fold(0, |best, i| if values[i] > values[best] { i } else { best }),
            };
            let params = BootstrapParams { replicates, seed: run, ..Default::default() };
            let compare =
                |other: usize| bootstrap_difference(&candidates[reference], &candidates[other], &params).p_value;
            (0..5).filter(|&other| other != reference).map(compare).collect()
        })
        .collect();
    [holm, holm_versus_best].map(|adjust| {
        let rejects = |p_values: &&Vec<f64>| adjust(p_values).iter().any(|&p| p < LEVEL);
        p_values.iter().filter(rejects).count() as f64 / n_runs as f64
    })
}

fn share_of_runs(n_runs: u64, happens: impl Fn(u64) -> bool + Sync) -> f64 {
    (0..n_runs).into_par_iter().filter(|&run| happens(run)).count() as f64 / n_runs as f64
}
