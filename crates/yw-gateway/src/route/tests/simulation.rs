//! Whole routes under load, in virtual time.

use std::collections::BTreeMap;

use super::*;

/// What was asked of a target.
#[derive(Debug, Clone, Copy)]
struct Asked {
    target: usize,
    /// Seconds since the start.
    at: f64,
    is_probe: bool,
}

/// How long a target takes at some second, and what comes of it.
type Behaviour<'a> = &'a dyn Fn(usize, f64) -> (f64, AttemptOutcome);

struct Simulation {
    asked: Vec<Asked>,
    n_unanswered: usize,
}

/// Sends a call every `every` seconds until `until`, and goes through its plan without pauses.
fn simulate(router: &Router, every: f64, until: f64, behaviour: Behaviour<'_>) -> Simulation {
    let start = Instant::now();
    let mut dice = Dice::seeded(17);
    let mut simulation = Simulation { asked: Vec::new(), n_unanswered: 0 };
    // What ends when, in nanoseconds; the number keeps those apart that end together.
    let mut under_way: BTreeMap<(u64, usize), (Plan, Attempt, AttemptOutcome)> = BTreeMap::new();
    let begin = |mut plan: Plan, now: f64, under_way: &mut BTreeMap<_, _>, simulation: &mut Simulation| {
        let Some(step) = plan.next_attempt(start + seconds(now)) else {
            simulation.n_unanswered += 1;
            return;
        };
        simulation.asked.push(Asked { target: step.target, at: now, is_probe: step.attempt.is_probe() });
        let (takes, outcome) = behaviour(step.target, now);
        let ends = ((now + takes) * 1e9) as u64;
        under_way.insert((ends, simulation.asked.len()), (plan, step.attempt, outcome));
    };
    for n in 0..(until / every) as u64 {
        let now = n as f64 * every;
        while let Some(entry) = under_way.first_entry().filter(|entry| entry.key().0 as f64 / 1e9 <= now) {
            let ((ends, _), (plan, attempt, outcome)) = entry.remove_entry();
            let at = ends as f64 / 1e9;
            attempt.finish(start + seconds(at), outcome);
            if outcome != AttemptOutcome::Answered {
                begin(plan, at, &mut under_way, &mut simulation);
            }
        }
        let plan = router.plan(start + seconds(now), None, &mut dice);
        begin(plan, now, &mut under_way, &mut simulation);
    }
    simulation
}

impl Simulation {
    fn count(&self, target: usize, from: f64, to: f64) -> u64 {
        self.asked.iter().filter(|a| a.target == target && from <= a.at && a.at < to).count() as u64
    }

    fn share(&self, target: usize, from: f64, to: f64) -> f64 {
        let all = self.asked.iter().filter(|a| from <= a.at && a.at < to).count();
        self.count(target, from, to) as f64 / all as f64
    }

    fn probes(&self, target: usize, from: f64, to: f64) -> u64 {
        let probes = self.asked.iter().filter(|a| a.target == target && a.is_probe);
        probes.filter(|a| from <= a.at && a.at < to).count() as u64
    }
}

/// Target 0 is dead for five minutes; else all answer, everything within 10 ms.
fn dead_for_five_minutes(target: usize, at: f64) -> (f64, AttemptOutcome) {
    if target == 0 && (60.0..360.0).contains(&at) { (0.01, failed()) } else { (0.01, AttemptOutcome::Answered) }
}

/// Open for 5, 10, 20, 40 and then 60 s each: probes after 5, 15, 35, 75, 135, 195, 255 s, and then one that succeeds.
const N_PROBES: u64 = 7;

/// With a call every 20 ms, each has ended before the next begins.
const N_BEFORE_OPEN: u64 = 5;

#[test]
fn a_dead_first_choice_gets_its_probes_and_nothing_else() {
    let router = router(RouteSpec { retries: 0, ..route(Strategy::Order, &[1.0, 1.0]) });
    let run = simulate(&router, 0.02, 600.0, &dead_for_five_minutes);
    assert_eq!(run.count(0, 60.0, 360.0), N_BEFORE_OPEN + N_PROBES);
    assert_eq!(run.probes(0, 60.0, 360.0), N_PROBES);
    // Nobody noticed.
    assert_eq!(run.n_unanswered, 0);
    // The next probe is at most a minute away, and then everything is as before.
    assert_eq!((run.share(0, 0.0, 60.0), run.share(0, 421.0, 600.0)), (1.0, 1.0));
}

#[test]
fn a_dead_target_of_any_weight_gets_its_probes_and_its_share_back() {
    for strategy in [Strategy::Weight, Strategy::Latency] {
        let router = router(RouteSpec { retries: 0, ..route(strategy, &[0.6, 0.3, 0.1]) });
        let run = simulate(&router, 0.02, 900.0, &dead_for_five_minutes);
        // Chance may leave a probe a moment later than it could be.
        let asked = run.count(0, 60.0, 360.0);
        assert!(asked <= N_BEFORE_OPEN + N_PROBES, "{strategy:?}: {asked}");
        assert!(run.probes(0, 60.0, 360.0) >= N_PROBES - 2, "{strategy:?}");
        assert_eq!(run.n_unanswered, 0);
        let (before, after) = (run.share(0, 0.0, 60.0), run.share(0, 450.0, 900.0));
        assert!((before - after).abs() < 0.05, "{strategy:?}: {before} before, {after} after");
        if strategy == Strategy::Weight {
            let counts = [0, 1, 2].map(|target| run.count(target, 450.0, 900.0));
            let statistic = chi_squared(&counts, &[0.6, 0.3, 0.1]);
            // 13.8 for one of a thousand with two degrees of freedom.
            assert!(statistic < 13.8, "{counts:?}, {statistic}");
        }
    }
}

#[test]
fn failures_that_come_fast_attract_nobody() {
    let never = BreakerSpec { consecutive_failures: None, failure_share: None, ..BreakerSpec::default() };
    let router = router(RouteSpec { retries: 0, breaker: never, ..route(Strategy::Latency, &[1.0, 1.0]) });
    // Without a breaker, and failing half of the time within a millisecond.
    let run = simulate(&router, 0.02, 60.0, &|target, at| match target {
        0 if ((at * 50.0).round() as u64).is_multiple_of(2) => (0.001, failed()),
        _ => (0.1, AttemptOutcome::Answered),
    });
    let share = run.share(0, 10.0, 60.0);
    assert!(share < 0.7, "{share}");
}

#[test]
fn the_faster_target_gets_more_and_the_slower_is_not_forgotten() {
    let router = router(RouteSpec { retries: 0, ..route(Strategy::Latency, &[1.0, 1.0]) });
    // Ten times slower for five minutes, then as fast as the other.
    let slow = |target: usize, at: f64| {
        let takes = if target == 0 && at < 300.0 { 1.0 } else { 0.1 };
        (takes, AttemptOutcome::Answered)
    };
    let run = simulate(&router, 0.02, 600.0, &slow);
    let (slow, recovered) = (run.share(0, 30.0, 300.0), run.share(0, 400.0, 600.0));
    assert!(slow > 0.001 && slow < 0.2, "{slow}");
    assert!((0.4..0.6).contains(&recovered), "{recovered}");
}

#[test]
fn an_unknown_target_is_not_flooded() {
    let router = router(RouteSpec { retries: 0, ..route(Strategy::Latency, &[1.0, 1.0]) });
    // Target 0 answers nothing for its first ten seconds.
    let hangs = |target: usize, _: f64| (if target == 0 { 10.0 } else { 0.1 }, AttemptOutcome::Answered);
    let run = simulate(&router, 0.02, 10.0, &hangs);
    // Until the other answers for the first time, both are as good.
    assert!(run.count(0, 0.0, 10.0) <= 4, "{}", run.count(0, 0.0, 10.0));
}
