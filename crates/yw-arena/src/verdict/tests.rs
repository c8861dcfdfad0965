//! The rule of the verdict, case by case, on made-up rows.

use std::time::Duration;

use super::*;

/// Rows that are right with the given frequency, spread evenly, the first `shift` positions aside.
fn right_rows(n: usize, share: f64, shift: usize) -> Vec<bool> {
    (0..n).map(|i| ((((i + shift) * 7919) % n) as f64) < share * n as f64).collect()
}

struct Case {
    name: &'static str,
    right: Vec<bool>,
    usd: f64,
    p50_ms: f64,
}

fn case(name: &'static str, right: Vec<bool>, usd: f64, p50_ms: f64) -> Case {
    Case { name, right, usd, p50_ms }
}

fn verdict_of(cases: &[Case], limits: Limits) -> (Vec<Option<Difference>>, Verdict) {
    let statistics: Vec<Box<dyn Statistic>> =
        cases.iter().map(|c| yw_stats::mean(c.right.iter().map(|&r| f64::from(u8::from(r))).collect())).collect();
    let contenders: Vec<Contender<'_>> = cases
        .iter()
        .zip(&statistics)
        .map(|(c, statistic)| {
            let value = statistic.value(None);
            let time = Duration::from_secs_f64(c.p50_ms / 1e3);
            Contender {
                name: c.name,
                score: Estimate { value, low: value, high: value },
                statistic: &**statistic,
                right: Some(&c.right),
                usd_per_1000: c.usd,
                latency: Some(Latency { p50: time, p95: time * 2 }),
            }
        })
        .collect();
    decide(&contenders, Metric::Accuracy, &limits, &BootstrapParams::default())
}

#[test]
fn a_significantly_better_candidate_ships_whatever_it_costs() {
    let cases = [case("cheap", right_rows(400, 0.6, 0), 0.0, 0.1), case("dear", right_rows(400, 0.9, 0), 5.0, 800.0)];
    let (differences, verdict) = verdict_of(&cases, Limits::default());
    assert_eq!(verdict.champion.as_deref(), Some("dear"));
    assert_eq!(verdict.tied, ["dear"]);
    assert_eq!(verdict.reason, "`dear` ships: every other candidate that could ship is significantly worse.");
    let cheap = differences[0].unwrap();
    assert!((cheap.difference + 0.3).abs() < 1e-9 && cheap.p_value < 0.001 && cheap.high < 0.0);
    assert_eq!(differences[1], None);
}

#[test]
fn among_equals_the_cheapest_ships() {
    let cases = [case("cheap", right_rows(100, 0.80, 0), 0.0, 0.1), case("dear", right_rows(100, 0.82, 3), 5.0, 800.0)];
    let (_, verdict) = verdict_of(&cases, Limits::default());
    assert_eq!(verdict.champion.as_deref(), Some("cheap"));
    assert_eq!(verdict.tied, ["cheap", "dear"]);
    assert_eq!(verdict.reason, "`cheap` ships: `dear` is not significantly better, and it is the cheapest of them.");
}

#[test]
fn latency_below_a_millisecond_is_noise_and_the_score_decides() {
    let cases = [
        case("faster", right_rows(100, 0.80, 0), 0.0, 0.02),
        case("better", right_rows(100, 0.82, 3), 0.0, 0.30),
        case("slow", right_rows(100, 0.83, 5), 0.0, 30.0),
    ];
    let (_, verdict) = verdict_of(&cases, Limits::default());
    assert_eq!(verdict.champion.as_deref(), Some("better"));
}

#[test]
fn limits_come_before_scores() {
    let limits = Limits { p95: Some(Duration::from_millis(300)), usd_per_1000: Some(1.0), ..Limits::default() };
    let cases = [case("cheap", right_rows(400, 0.6, 0), 0.0, 0.1), case("dear", right_rows(400, 0.9, 0), 5.0, 800.0)];
    let (_, verdict) = verdict_of(&cases, limits);
    assert_eq!(verdict.champion.as_deref(), Some("cheap"));
    assert!(verdict.within_limits && verdict.missed.is_empty());
    assert_eq!(verdict.tied, ["cheap"]);
}

#[test]
fn when_nobody_keeps_the_limits_the_verdict_says_so() {
    let limits = Limits { min_score: Some(0.95), p95: Some(Duration::from_millis(300)), ..Limits::default() };
    let cases = [case("dear", right_rows(400, 0.9, 0), 5.0, 800.0)];
    let (_, verdict) = verdict_of(&cases, limits);
    assert_eq!(verdict.champion.as_deref(), Some("dear"));
    assert!(!verdict.within_limits);
    assert_eq!(
        verdict.missed,
        ["p95 latency 1600.0 ms is over the limit of 300.0 ms", "accuracy 0.9000 is under the limit of 0.95"]
    );
    assert_eq!(
        verdict.reason,
        "`dear` ships: it is the only candidate that was scored, although no candidate keeps the limits."
    );
}

#[test]
fn the_only_one_within_the_limits_is_not_called_the_better_one() {
    let limits = Limits { usd_per_1000: Some(1.0), ..Limits::default() };
    let cases = [case("cheap", right_rows(400, 0.6, 0), 0.0, 0.1), case("dear", right_rows(400, 0.9, 0), 5.0, 800.0)];
    let (differences, verdict) = verdict_of(&cases, limits);
    assert_eq!(verdict.reason, "`cheap` ships: it is the only candidate that keeps the limits.");
    assert!(differences[1].unwrap().difference > 0.29, "the one that may not ship is still compared");
}

#[test]
fn ties_are_told_apart_by_speed_and_then_by_score() {
    let rows = || right_rows(100, 0.80, 0);
    let better = || right_rows(100, 0.82, 3);
    let reason = |cases: &[Case]| verdict_of(cases, Limits::default()).1.reason;
    assert_eq!(
        reason(&[case("slow", better(), 0.0, 30.0), case("fast", rows(), 0.0, 2.0), case("dear", rows(), 1.0, 2.0)]),
        "`fast` ships: `slow` and `dear` are not significantly better, and it is the fastest of the cheapest of them."
    );
    assert_eq!(
        reason(&[case("a", rows(), 0.0, 2.0), case("b", better(), 0.0, 2.0), case("c", rows(), 0.0, 2.0)]),
        "`b` ships: `a` and `c` are not significantly worse, and it is the best by score of the cheapest and fastest of them."
    );
}

/// A candidate whose score is not defined takes part in nothing, not even in keeping the limits.
#[test]
fn an_undefined_score_is_out() {
    let undefined = || case("undefined", Vec::new(), 0.0, 0.1);
    let with_rows = |name, usd| case(name, right_rows(100, 0.8, 0), usd, 1.0);
    let statistics: Vec<Box<dyn Statistic>> = vec![yw_stats::mean(vec![f64::NAN; 100]), yw_stats::mean(vec![0.8; 100])];
    let cases = [undefined(), with_rows("dear", 5.0)];
    let contenders: Vec<Contender<'_>> = cases
        .iter()
        .zip(&statistics)
        .map(|(c, statistic)| {
            let value = statistic.value(None);
            let score = Estimate { value, low: value, high: value };
            Contender { name: c.name, score, statistic: &**statistic, right: None, usd_per_1000: c.usd, latency: None }
        })
        .collect();
    let limits = Limits { usd_per_1000: Some(1.0), ..Limits::default() };
    for (limits, within, reason) in [
        (Limits::default(), true, "`dear` ships: it is the only candidate whose score is defined on these rows."),
        (
            limits,
            false,
            "`dear` ships: it is the only candidate whose score is defined on these rows, although no candidate keeps \
             the limits.",
        ),
    ] {
        let (differences, verdict) = decide(&contenders, Metric::RocAuc, &limits, &BootstrapParams::default());
        assert_eq!((verdict.champion.as_deref(), verdict.within_limits), (Some("dear"), within));
        assert_eq!(verdict.tied, ["dear"]);
        assert_eq!(verdict.reason, reason);
        assert!(differences[0].unwrap().p_value.is_nan());
    }
}

#[test]
fn a_lower_error_is_better() {
    let errors = |worst: f64| yw_stats::mean((0..200).map(|i| f64::from(i % 20) * worst).collect());
    let statistics = [errors(2.0), errors(1.0)];
    let contenders: Vec<Contender<'_>> = ["wide", "close"]
        .iter()
        .zip(&statistics)
        .map(|(name, statistic)| {
            let value = statistic.value(None);
            let score = Estimate { value, low: value, high: value };
            Contender { name, score, statistic: &**statistic, right: None, usd_per_1000: 0.0, latency: None }
        })
        .collect();
    let limits = Limits { max_score: Some(5.0), ..Limits::default() };
    let (differences, verdict) = decide(&contenders, Metric::Mae, &limits, &BootstrapParams::default());
    assert_eq!(verdict.champion.as_deref(), Some("close"));
    assert!(differences[0].unwrap().difference > 0.0);
    assert_eq!(verdict.missed, ["mae 9.5000 is over the limit of 5"]);
}

#[test]
fn no_score_no_champion() {
    let (differences, verdict) = verdict_of(&[], Limits::default());
    assert!(differences.is_empty());
    assert_eq!(verdict.champion, None);
    assert_eq!(verdict.reason, "No verdict: no candidate was scored.");
    let (_, verdict) = verdict_of(&[case("empty", Vec::new(), 0.0, 1.0)], Limits::default());
    assert_eq!(verdict.champion, None);
    assert_eq!(verdict.reason, "No verdict: accuracy is not defined for any candidate on these rows.");
}

/// Four candidates of equal quality on fresh rows, many times: the chance of calling any of them significantly worse is
/// at most 5 %.
#[test]
fn equal_candidates_are_rarely_declared_different() {
    let mut state = 7_u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    let (runs, mut declared) = (400, 0);
    for _ in 0..runs {
        let mut rows = || -> Vec<bool> { (0..120).map(|_| next() < 0.75).collect() };
        let cases = ["a", "b", "c", "d"].map(|name| case(name, rows(), 0.0, 1.0));
        let (differences, _) = verdict_of(&cases, Limits::default());
        declared += usize::from(differences.iter().flatten().any(|d| d.p_value < ALPHA));
    }
    assert!(declared as f64 <= 0.05 * f64::from(runs), "{declared} of {runs}");
}
