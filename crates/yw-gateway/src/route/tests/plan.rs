use super::*;

fn steps(plan: &mut Plan, now: Instant) -> Vec<(usize, u32)> {
    let mut steps = Vec::new();
    while let Some(step) = plan.next_attempt(now) {
        steps.push((step.target, step.round));
        step.attempt.finish(now, AttemptOutcome::Cancelled);
    }
    steps
}

fn plan(router: &Router, now: Instant) -> Plan {
    router.plan(now, None, &mut Dice::seeded(1))
}

/// Opens the breaker of a target for so many seconds.
fn shut(router: &Router, target: usize, now: Instant, for_seconds: f64) {
    let health = router.health().nth(target).unwrap();
    let attempt = health.begin(now, true).unwrap();
    attempt.finish(now, AttemptOutcome::Failed { retry_after: Some(seconds(for_seconds)) });
}

#[test]
fn every_target_is_tried_before_any_is_tried_again() {
    let now = Instant::now();
    let router = router(RouteSpec { retries: 4, ..route(Strategy::Order, &[1.0, 1.0, 1.0]) });
    let expected = [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1), (0, 2)];
    assert_eq!(steps(&mut plan(&router, now), now), expected);
}

#[test]
fn without_retries_each_target_is_tried_once() {
    let now = Instant::now();
    let router = router(RouteSpec { retries: 0, ..route(Strategy::Order, &[1.0, 1.0]) });
    assert_eq!(steps(&mut plan(&router, now), now), [(0, 0), (1, 0)]);
}

#[test]
fn what_is_left_alone_is_tried_last() {
    let now = Instant::now();
    let router = router(RouteSpec { retries: 2, ..route(Strategy::Order, &[1.0, 1.0, 1.0]) });
    shut(&router, 0, now, 5.0);
    // Once, as a last resort, and not in the rounds after that.
    assert_eq!(steps(&mut plan(&router, now), now), [(1, 0), (2, 0), (0, 0), (1, 1), (2, 1)]);
    shut(&router, 1, now, 5.0);
    shut(&router, 2, now, 5.0);
    // If all are left alone, each is tried, and then the first.
    assert_eq!(steps(&mut plan(&router, now), now), [(0, 0), (1, 0), (2, 0), (0, 1), (0, 2)]);
}

#[test]
fn a_probe_that_another_call_makes_is_not_waited_for() {
    let now = Instant::now();
    let router = router(RouteSpec { retries: 0, ..route(Strategy::Order, &[1.0, 1.0]) });
    shut(&router, 0, now, 5.0);
    let later = now + seconds(5.0);
    let (mut first, mut second) = (plan(&router, later), plan(&router, later));
    assert_eq!((first.order().next(), second.order().next()), (Some(0), Some(0)));
    let probe = first.next_attempt(later).unwrap();
    assert!(probe.target == 0 && probe.attempt.is_probe());
    // The plan was made before the probe began.
    assert_eq!(steps(&mut second, later), [(1, 0), (0, 0)]);
    assert_eq!(plan(&router, later).order().next(), Some(1));
}

#[test]
fn what_cannot_succeed_is_given_up() {
    let now = Instant::now();
    let router = router(RouteSpec { retries: 3, ..route(Strategy::Order, &[1.0, 1.0, 1.0]) });
    let mut plan = plan(&router, now);
    assert_eq!(plan.next_attempt(now).unwrap().target, 0);
    plan.give_up_on(0);
    assert_eq!(steps(&mut plan, now), [(1, 0), (2, 0), (1, 1), (2, 1), (1, 2)]);
    [1, 2, 2].into_iter().for_each(|target| plan.give_up_on(target));
    assert!(plan.next_attempt(now).is_none());
}

#[test]
fn hedges_go_to_fresh_targets_only() {
    let now = Instant::now();
    let router = router(route(Strategy::Order, &[1.0, 1.0, 1.0]));
    shut(&router, 1, now, 5.0);
    let mut plan = plan(&router, now);
    let slow = plan.next_attempt(now).unwrap();
    let hedge = plan.hedge(now).unwrap();
    assert_eq!((slow.target, hedge.target), (0, 2));
    assert!(plan.hedge(now).is_none());
    // The loser would have taken longer than it was waited for.
    slow.attempt.finish(now + seconds(2.0), AttemptOutcome::Cancelled);
    let health = router.health().next().unwrap();
    assert_eq!(health.latency(now + seconds(2.0)), Some(seconds(2.0)));
}

#[test]
fn pauses_come_between_rounds() {
    let now = Instant::now();
    let router = router(RouteSpec { retries: 6, ..route(Strategy::Order, &[1.0]) });
    let mut dice = Dice::seeded(1);
    let mut plan = plan(&router, now);
    for full in [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0] {
        let step = plan.next_attempt(now).unwrap();
        let pause = step.pause(&mut dice).as_secs_f64();
        assert!(pause <= full && pause >= 0.75 * full, "{pause} of {full}");
        step.attempt.finish(now, failed());
    }
    assert!(plan.next_attempt(now).is_none());
}

#[test]
fn pauses_are_as_long_as_the_provider_asks() {
    let now = Instant::now();
    let router = router(route(Strategy::Order, &[1.0]));
    let mut plan = plan(&router, now);
    let asked = AttemptOutcome::Failed { retry_after: Some(seconds(7.0)) };
    plan.next_attempt(now).unwrap().attempt.finish(now, asked);
    let step = plan.next_attempt(now + seconds(1.0)).unwrap();
    assert_eq!((step.round, step.asked), (1, seconds(6.0)));
    let pause = step.pause(&mut Dice::seeded(1));
    assert!(pause > seconds(6.0) && pause < seconds(6.2), "{pause:?}");
}

#[test]
fn the_pause_is_no_latency() {
    let now = Instant::now();
    let router = router(route(Strategy::Order, &[1.0]));
    let mut step = plan(&router, now).next_attempt(now).unwrap();
    step.attempt.sent_at(now + seconds(3.0));
    step.attempt.first_token(now + seconds(3.5));
    // Nor is what comes after the first token.
    step.attempt.finish(now + seconds(60.0), AttemptOutcome::Answered);
    assert_eq!(router.health().next().unwrap().latency(now + seconds(3.5)), Some(seconds(0.5)));
}

#[test]
fn the_same_value_goes_to_the_same_target() {
    let now = Instant::now();
    let router = router(route(Strategy::Weight, &[1.0, 1.0, 1.0]));
    for user in 0..50 {
        let mut dice = Dice::seeded(user);
        let name = format!("user-{user}");
        let mut order = || router.plan(now, Some(&name), &mut dice).order().collect::<Vec<_>>();
        let first = order();
        assert!((0..20).all(|_| order() == first));
    }
}

#[test]
fn routes_that_cannot_be_are_refused() {
    let refused = |spec: RouteSpec| Router::new(spec, &HealthBook::default()).unwrap_err().to_string();
    let base = || route(Strategy::Weight, &[1.0, 1.0]);
    assert_eq!(refused(route(Strategy::Order, &[])), "route `fast` has no models");
    let negative = route(Strategy::Weight, &[1.0, -1.0]);
    assert_eq!(refused(negative), "route `fast`: the weight of p/m1 is -1; expected a number of at least 0");
    assert!(refused(route(Strategy::Weight, &[f64::NAN])).contains("is NaN"));
    let mut twice = base();
    twice.targets[1] = twice.targets[0].clone();
    assert_eq!(refused(twice), "route `fast` lists p/m0 twice");
    let hasty = RouteSpec { total_timeout: Duration::ZERO, ..base() };
    assert_eq!(refused(hasty), "route `fast`: `total_timeout` is zero; expected a duration such as 30 s");
    let breaker = BreakerSpec { failure_share: Some(1.5), ..BreakerSpec::default() };
    assert_eq!(
        refused(RouteSpec { breaker, ..base() }),
        "route `fast`: `failure_share` of its breaker is 1.5; expected more than 0 and at most 1"
    );
    let breaker = BreakerSpec { consecutive_failures: Some(0), ..BreakerSpec::default() };
    assert!(refused(RouteSpec { breaker, ..base() }).contains("`consecutive_failures` of its breaker is 0"));
}

#[test]
fn without_weights_the_list_is_the_order() {
    let now = Instant::now();
    let router = router(route(Strategy::Weight, &[0.0, 0.0, 0.0]));
    assert_eq!(plan(&router, now).order().collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn neither_failures_nor_those_that_leave_make_a_target_look_faster() {
    let now = Instant::now();
    let router = router(route(Strategy::Latency, &[1.0]));
    let begin = |at: Instant| plan(&router, at).next_attempt(at).unwrap().attempt;
    begin(now).finish(now + seconds(1.0), AttemptOutcome::Answered);
    for (i, outcome) in [failed(), AttemptOutcome::Cancelled, AttemptOutcome::ClientError].into_iter().enumerate() {
        let at = now + seconds(2.0 + i as f64);
        begin(at).finish(at + seconds(0.001), outcome);
    }
    let latency = router.health().next().unwrap().latency(now + seconds(11.0)).unwrap().as_secs_f64();
    assert!((latency - (-1.0f64).exp()).abs() < 1e-9, "{latency}");
}

#[test]
fn only_one_call_finds_out_whether_a_slow_target_is_faster_now() {
    let now = Instant::now();
    let router = router(route(Strategy::Latency, &[1.0, 1.0]));
    let later = now + seconds(100.0);
    let slow = router.health().next().unwrap().begin(now, true).unwrap();
    slow.finish(now + seconds(1.0), AttemptOutcome::Answered);
    let fast = router.health().nth(1).unwrap().begin(later - seconds(0.1), true).unwrap();
    fast.finish(later, AttemptOutcome::Answered);
    let first = plan(&router, later).next_attempt(later).unwrap();
    assert_eq!(first.target, 0);
    assert_eq!(plan(&router, later).order().next(), Some(1));
    drop(first);
    assert_eq!(plan(&router, later).order().next(), Some(0));
}
