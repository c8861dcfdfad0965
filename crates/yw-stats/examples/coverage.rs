//! Prints how often 95 % intervals cover and how often equal candidates are declared different, on simulated data whose
//! truth is known: `cargo run --release -p yw-stats --example coverage [RUNS] [REPLICATES]`. The README has its output.
#![allow(clippy::print_stdout)]

#[path = "../tests/it/scenarios.rs"]
mod scenarios;
#[path = "../tests/it/simulation.rs"]
mod simulation;

use scenarios::{Random, Sample, Scenario};
use simulation::{Coverage, Reference};
use yw_stats::{Interval, Statistic};

fn main() {
    let mut arguments =
        std::env::args().skip(1).map(|argument| argument.parse().expect("RUNS and REPLICATES are numbers"));
    let n_runs: u64 = arguments.next().unwrap_or(5000);
    let replicates = arguments.next().unwrap_or(600) as u32;
    println!("{n_runs} runs of {replicates} replicates; all figures in %\n");
    print_bootstrap(n_runs, replicates);
    print_rates(n_runs);
    print_duels(n_runs, replicates);
    print_families(n_runs, replicates);
}

fn print_bootstrap(n_runs: u64, replicates: u32) {
    println!("| bootstrap interval of | covers | too high | too low | percentile covers |");
    println!("|---|---:|---:|---:|---:|");
    for scenario in scenarios::scenarios() {
        let Coverage { covered, above, below } = simulation::coverage(&scenario, n_runs, replicates);
        let percentile = percentile_coverage(&scenario, n_runs, replicates).covered;
        let [covered, above, below, percentile] = [covered, above, below, percentile].map(|share| 100.0 * share);
        println!("| {} | {covered:.1} | {above:.1} | {below:.1} | {percentile:.1} |", scenario.name);
    }
}

fn print_rates(n_runs: u64) {
    println!("\n| Wilson interval of | covers |\n|---|---:|");
    for (rate, n_rows) in [(0.5, 100), (0.8, 150), (0.9, 300), (0.97, 1000)] {
        let covered = 100.0 * simulation::wilson_coverage(rate, n_rows, n_runs).covered;
        println!("| a rate of {rate}, {n_rows} rows | {covered:.1} |");
    }
}

fn print_duels(n_runs: u64, replicates: u32) {
    println!("\n| two equal candidates | declared different | interval covers |\n|---|---:|---:|");
    for duel in scenarios::duels() {
        let different = 100.0 * simulation::false_alarms(&duel, n_runs, replicates);
        println!("| {} | {different:.1} | {:.1} |", duel.name, 100.0 - different);
    }
    for n_rows in [50, 100, 200, 1000] {
        let (different, Coverage { covered, .. }) = simulation::mcnemar_errors(n_rows, n_runs);
        println!("| right or wrong (McNemar), {n_rows} rows | {:.1} | {:.1} |", 100.0 * different, 100.0 * covered);
    }
}

fn print_families(n_runs: u64, replicates: u32) {
    println!("\n| four comparisons among five equal candidates | `holm` | `holm_versus_best` |\n|---|---:|---:|");
    let references = [("one decided before", Reference::Fixed), ("whichever scored best", Reference::Best)];
    for (name, reference) in references {
        let [holm, versus_best] = simulation::family_wise_errors(reference, n_runs, replicates);
        println!("| any declared different from {name} | {:.1} | {:.1} |", 100.0 * holm, 100.0 * versus_best);
    }
}

/// The coverage of the plain percentile bootstrap, for comparison.
fn percentile_coverage(scenario: &Scenario, n_runs: u64, replicates: u32) -> Coverage {
    Coverage::of(scenario.truth, n_runs, |run| {
        let mut random = Random::new(run);
        let sample = (scenario.sample)(&mut random);
        percentile_interval(&sample, replicates, &mut random)
    })
}

fn percentile_interval(sample: &Sample, replicates: u32, random: &mut Random) -> Interval {
    let n_rows = sample.statistic.n_rows();
    let group_of = |row: usize| sample.groups.as_ref().map_or(row, |groups| groups[row] as usize);
    let n_groups = (0..n_rows).map(group_of).max().map_or(0, |last| last + 1);
    let (mut of_group, mut counts) = (vec![0; n_groups], vec![0; n_rows]);
    let mut draws: Vec<f64> = (0..replicates)
        .map(|_| {
            of_group.fill(0);
            (0..n_groups).for_each(|_| of_group[random.below(n_groups)] += 1);
            counts.iter_mut().enumerate().for_each(|(row, count)| *count = of_group[group_of(row)]);
            sample.statistic.value(Some(&counts))
        })
        .collect();
    draws.sort_by(f64::total_cmp);
    let at = |share: f64| draws[(share * f64::from(replicates)) as usize];
    Interval { low: at(0.025), high: at(0.975) }
}
