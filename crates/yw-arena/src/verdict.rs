//! The verdict: from scores, paired differences, costs and latencies to the candidate that ships.
//!
//! The rule, in order:
//!
//! 1. Candidates that keep the limits are preferred to those that do not. A candidate whose score is not defined on these
//!    rows is out.
//! 2. The best of them by score is the reference. The others are compared with it row by row, paired; p values carry
//!    Holm's correction over the comparisons that choosing the best among all of them amounts to.
//! 3. Among the reference and those not significantly worse than it, the cheapest ships; of equally cheap ones the
//!    fastest, counted in whole milliseconds at the median, since a finer difference is noise; of equally fast ones
//!    the best by score.

use std::cmp::Ordering;
use std::time::Duration;

use yw_config::Limits;
use yw_stats::{BootstrapParams, Difference, Estimate, Statistic, bootstrap_difference, holm_versus_best, mcnemar};
use yw_task::Metric;

use crate::report::{Latency, Verdict};

/// Significance level of the paired tests, over all comparisons of a run.
pub(crate) const ALPHA: f64 = 0.05;

/// What the verdict must know of one scored candidate.
pub(crate) struct Contender<'a> {
    pub(crate) name: &'a str,
    pub(crate) score: Estimate,
    /// The deciding metric over the test rows, for paired resampling.
    pub(crate) statistic: &'a dyn Statistic,
    /// For metrics that are rates: which rows are right.
    pub(crate) right: Option<&'a [bool]>,
    pub(crate) usd_per_1000: f64,
    pub(crate) latency: Option<Latency>,
}

impl Contender<'_> {
    /// The median latency in whole milliseconds, rounded up.
    fn median_millis(&self) -> u128 {
        self.latency.map_or(u128::MAX, |l| l.p50.as_micros().div_ceil(1000))
    }
}

/// Decides among `contenders`. The differences are in the order of the contenders, None for the reference.
pub(crate) fn decide(
    contenders: &[Contender<'_>],
    metric: Metric,
    limits: &Limits,
    bootstrap: &BootstrapParams<'_>,
) -> (Vec<Option<Difference>>, Verdict) {
    let missed: Vec<Vec<String>> = contenders.iter().map(|c| missed_limits(c, metric, limits)).collect();
    let defined: Vec<usize> = (0..contenders.len()).filter(|&i| !contenders[i].score.value.is_nan()).collect();
    let within = defined.iter().any(|&i| missed[i].is_empty());
    let eligible: Vec<usize> = defined.into_iter().filter(|&i| !within || missed[i].is_empty()).collect();
    let worse = |a: f64, b: f64| if metric.higher_is_better() { a < b } else { a > b };

    // Of equal scores the first.
    let better = |best: usize, i: usize| {
        if worse(contenders[best].score.value, contenders[i].score.value) { i } else { best }
    };
    let Some(best) = eligible.iter().copied().reduce(better) else {
        return (vec![None; contenders.len()], undecided(contenders, metric));
    };

    let differences = compare_with(best, contenders, bootstrap);
    let is_worse = |i: usize| differences[i].is_some_and(|d| d.p_value < ALPHA && worse(d.difference, 0.0));
    let tied: Vec<usize> = eligible.iter().copied().filter(|&i| !is_worse(i)).collect();
    let order = |&a: &usize, &b: &usize| preference(&contenders[a], &contenders[b], metric);
    let champion = tied.iter().copied().min_by(order).unwrap_or(best);

    let verdict = Verdict {
        champion: Some(contenders[champion].name.to_owned()),
        tied: tied.iter().map(|&i| contenders[i].name.to_owned()).collect(),
        within_limits: within,
        reason: reason(contenders, &eligible, &tied, champion, best, within),
        missed: missed[champion].clone(),
    };
    (differences, verdict)
}

/// Every contender minus the one at `best`, Holm-corrected.
fn compare_with(best: usize, contenders: &[Contender<'_>], bootstrap: &BootstrapParams<'_>) -> Vec<Option<Difference>> {
    let reference = &contenders[best];
    let mut differences: Vec<Option<Difference>> = contenders
        .iter()
        .enumerate()
        .map(|(i, contender)| {
            (i != best).then(|| match (contender.right, reference.right, bootstrap.groups) {
                (Some(a), Some(b), None) => mcnemar(a, b, bootstrap.level),
                _ => bootstrap_difference(contender.statistic, reference.statistic, bootstrap),
            })
        })
        .collect();
    let raw: Vec<f64> = differences.iter().flatten().map(|d| d.p_value).collect();
    for (difference, adjusted) in differences.iter_mut().flatten().zip(holm_versus_best(&raw)) {
        difference.p_value = adjusted;
    }
    differences
}

/// Cheapest, then fastest, then best.
fn preference(a: &Contender<'_>, b: &Contender<'_>, metric: Metric) -> Ordering {
    let by_score = a.score.value.total_cmp(&b.score.value);
    a.usd_per_1000
        .total_cmp(&b.usd_per_1000)
        .then(a.median_millis().cmp(&b.median_millis()))
        .then(if metric.higher_is_better() { by_score.reverse() } else { by_score })
}

fn missed_limits(contender: &Contender<'_>, metric: Metric, limits: &Limits) -> Vec<String> {
    let mut missed = Vec::new();
    if let (Some(limit), Some(latency)) = (limits.p95, contender.latency)
        && latency.p95 > limit
    {
        missed.push(format!("p95 latency {} is over the limit of {}", millis(latency.p95), millis(limit)));
    }
    if let Some(limit) = limits.usd_per_1000
        && contender.usd_per_1000 > limit
    {
        missed.push(format!("${:.4} per 1000 answers is over the limit of ${limit}", contender.usd_per_1000));
    }
    if let Some(limit) = limits.min_score
        && contender.score.value < limit
    {
        missed.push(format!("{metric} {:.4} is under the limit of {limit}", contender.score.value));
    }
    if let Some(limit) = limits.max_score
        && contender.score.value > limit
    {
        missed.push(format!("{metric} {:.4} is over the limit of {limit}", contender.score.value));
    }
    missed
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn undecided(contenders: &[Contender<'_>], metric: Metric) -> Verdict {
    let why = match contenders {
        [] => "no candidate was scored".to_owned(),
        _ => format!("{metric} is not defined for any candidate on these rows"),
    };
    Verdict {
        champion: None,
        tied: Vec::new(),
        within_limits: false,
        missed: Vec::new(),
        reason: format!("No verdict: {why}."),
    }
}

fn reason(
    contenders: &[Contender<'_>],
    eligible: &[usize],
    tied: &[usize],
    champion: usize,
    best: usize,
    within: bool,
) -> String {
    let name = |i: usize| format!("`{}`", contenders[i].name);
    let others: Vec<usize> = tied.iter().copied().filter(|&i| i != champion).collect();
    let n_defined = contenders.iter().filter(|c| !c.score.value.is_nan()).count();
    let why = match others.as_slice() {
        [] if contenders.len() == 1 => "it is the only candidate that was scored".to_owned(),
        [] if eligible.len() > 1 => "every other candidate that could ship is significantly worse".to_owned(),
        [] if n_defined > 1 => "it is the only candidate that keeps the limits".to_owned(),
        [] => "it is the only candidate whose score is defined on these rows".to_owned(),
        others => {
            let names = join(&others.iter().map(|&i| name(i)).collect::<Vec<_>>());
            let verb = if others.len() == 1 { "is" } else { "are" };
            let compared = if champion == best { "not significantly worse" } else { "not significantly better" };
            format!("{names} {verb} {compared}, and it is the {} of them", distinction(contenders, champion, others))
        }
    };
    let limits = if within { "" } else { ", although no candidate keeps the limits" };
    format!("{} ships: {why}{limits}.", name(champion))
}

/// What sets the champion apart from the others it is tied with.
fn distinction(contenders: &[Contender<'_>], champion: usize, others: &[usize]) -> &'static str {
    let cost = |i: usize| contenders[i].usd_per_1000;
    let millis = |i: usize| contenders[i].median_millis();
    if others.iter().all(|&i| cost(i) > cost(champion)) {
        "cheapest"
    } else if others.iter().all(|&i| cost(i) > cost(champion) || millis(i) > millis(champion)) {
        "fastest of the cheapest"
    } else {
        "best by score of the cheapest and fastest"
    }
}

fn join(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests;
