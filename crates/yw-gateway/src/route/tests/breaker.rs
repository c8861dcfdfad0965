use super::*;

/// One target behind a breaker, and a clock.
struct Bench {
    router: Router,
    start: Instant,
    at: f64,
}

impl Bench {
    fn new(breaker: BreakerSpec) -> Self {
        let spec = RouteSpec { breaker, retries: 0, ..route(Strategy::Order, &[1.0]) };
        Bench { router: router(spec), start: Instant::now(), at: 0.0 }
    }

    fn now(&self) -> Instant {
        self.start + seconds(self.at)
    }

    fn state(&self) -> BreakerState {
        self.router.health().next().unwrap().breaker(self.now())
    }

    /// Begins an attempt, forced if need be.
    fn begin(&self) -> Attempt {
        self.router.plan(self.now(), None, &mut Dice::seeded(0)).next_attempt(self.now()).unwrap().attempt
    }

    /// Begins an attempt if the breaker lets it through.
    fn begin_if_available(&self) -> Option<Attempt> {
        self.router.plan(self.now(), None, &mut Dice::seeded(0)).hedge(self.now()).map(|step| step.attempt)
    }

    fn call(&self, outcome: AttemptOutcome) {
        self.begin().finish(self.now(), outcome);
    }

    fn calls(&self, n: usize, outcome: AttemptOutcome) {
        (0..n).for_each(|_| self.call(outcome));
    }

    /// Sees that the breaker opens again in `open_for` seconds, and goes there.
    fn check_open_for(&mut self, open_for: f64) {
        assert_eq!(self.state(), BreakerState::Open, "at {}", self.at);
        self.at += open_for - 0.001;
        assert_eq!(self.state(), BreakerState::Open, "at {}", self.at);
        self.at += 0.001;
        assert_eq!(self.state(), BreakerState::HalfOpen, "at {}", self.at);
    }
}

fn three_in_a_row() -> BreakerSpec {
    BreakerSpec { consecutive_failures: Some(3), failure_share: None, ..BreakerSpec::default() }
}

fn half_of_ten() -> BreakerSpec {
    let window = seconds(10.0);
    BreakerSpec {
        consecutive_failures: None,
        failure_share: Some(0.5),
        min_calls: 10,
        window,
        ..BreakerSpec::default()
    }
}

fn asks(seconds: f64) -> AttemptOutcome {
    AttemptOutcome::Failed { retry_after: Some(Duration::from_secs_f64(seconds)) }
}

#[test]
fn failures_in_a_row_open_it() {
    let bench = Bench::new(three_in_a_row());
    bench.calls(2, failed());
    bench.call(AttemptOutcome::Answered);
    bench.calls(2, failed());
    bench.call(AttemptOutcome::ClientError);
    bench.calls(2, failed());
    bench.call(AttemptOutcome::Cancelled);
    assert_eq!(bench.state(), BreakerState::Closed);
    bench.call(failed());
    assert_eq!(bench.state(), BreakerState::Open);
}

#[test]
fn a_share_of_failures_opens_it() {
    let bench = Bench::new(half_of_ten());
    (0..4).for_each(|_| [failed(), AttemptOutcome::Answered].map(|o| bench.call(o)).into_iter().collect());
    bench.call(AttemptOutcome::Answered);
    // Nine calls are too few.
    assert_eq!(bench.state(), BreakerState::Closed);
    bench.call(failed());
    assert_eq!(bench.state(), BreakerState::Open);
}

#[test]
fn old_failures_are_forgotten() {
    let mut bench = Bench::new(half_of_ten());
    bench.calls(9, failed());
    bench.at = 11.0;
    bench.calls(6, AttemptOutcome::Answered);
    bench.calls(5, failed());
    assert_eq!(bench.state(), BreakerState::Closed);
    bench.call(failed());
    assert_eq!(bench.state(), BreakerState::Open);
    // Bit by bit as well as all at once.
    let mut bench = Bench::new(half_of_ten());
    for second in 0..60 {
        bench.at = f64::from(second);
        bench.call(if second % 5 < 2 { failed() } else { AttemptOutcome::Answered });
        assert_eq!(bench.state(), BreakerState::Closed, "at {second}");
    }
}

#[test]
fn one_probe_at_a_time() {
    let mut bench = Bench::new(three_in_a_row());
    bench.calls(3, failed());
    assert!(bench.begin_if_available().is_none());
    bench.check_open_for(5.0);
    let probe = bench.begin_if_available().unwrap();
    assert!(probe.is_probe());
    assert!(bench.begin_if_available().is_none());
    // A probe that is given up is no answer, but its place is free.
    drop(probe);
    let probe = bench.begin_if_available().unwrap();
    probe.finish(bench.now(), AttemptOutcome::Cancelled);
    let probe = bench.begin_if_available().unwrap();
    probe.finish(bench.now(), AttemptOutcome::Answered);
    assert_eq!(bench.state(), BreakerState::Closed);
    let attempts: Vec<Attempt> = (0..3).map(|_| bench.begin_if_available().unwrap()).collect();
    assert!(attempts.iter().all(|attempt| !attempt.is_probe()));
}

#[test]
fn the_cool_down_grows_to_its_maximum_and_starts_over() {
    let mut bench = Bench::new(three_in_a_row());
    bench.calls(3, failed());
    for open_for in [5.0, 10.0, 20.0, 40.0, 60.0, 60.0] {
        bench.check_open_for(open_for);
        bench.call(failed());
    }
    bench.check_open_for(60.0);
    bench.call(AttemptOutcome::Answered);
    bench.calls(3, failed());
    bench.check_open_for(5.0);
}

#[test]
fn the_provider_says_how_long() {
    let mut bench = Bench::new(three_in_a_row());
    bench.call(asks(17.0));
    bench.check_open_for(17.0);
    bench.call(asks(2.0));
    bench.check_open_for(2.0);
    // It asked; the cool-down of failures has not grown by it.
    bench.call(failed());
    bench.check_open_for(5.0);
    bench.call(asks(1e9));
    bench.check_open_for(3600.0);
    bench.call(AttemptOutcome::Answered);
    bench.call(asks(0.0));
    assert_eq!(bench.state(), BreakerState::Closed);
}

#[test]
fn what_the_provider_asks_counts_from_older_attempts_too() {
    let mut bench = Bench::new(three_in_a_row());
    let [first, second, third] = [(); 3].map(|()| bench.begin());
    first.finish(bench.now(), asks(3.0));
    second.finish(bench.now(), asks(9.0));
    third.finish(bench.now(), asks(1.0));
    bench.check_open_for(9.0);
}

#[test]
fn attempts_from_before_tell_nothing() {
    let mut bench = Bench::new(three_in_a_row());
    let [good, bad] = [(); 2].map(|()| bench.begin());
    bench.calls(3, failed());
    good.finish(bench.now(), AttemptOutcome::Answered);
    bench.check_open_for(5.0);
    let probe = bench.begin();
    bad.finish(bench.now(), failed());
    assert_eq!(bench.state(), BreakerState::HalfOpen);
    probe.finish(bench.now(), AttemptOutcome::Answered);
    assert_eq!(bench.state(), BreakerState::Closed);
}

#[test]
fn forced_attempts_close_it_but_do_not_keep_it_open() {
    let mut bench = Bench::new(three_in_a_row());
    bench.calls(3, failed());
    bench.at += 4.0;
    bench.calls(100, failed());
    bench.check_open_for(1.0);
    bench.call(failed());
    bench.call(AttemptOutcome::Answered);
    assert_eq!(bench.state(), BreakerState::Closed);
}

#[test]
fn the_first_token_of_a_probe_closes_it() {
    let mut bench = Bench::new(three_in_a_row());
    bench.calls(3, failed());
    bench.check_open_for(5.0);
    let mut probe = bench.begin();
    probe.first_token(bench.now());
    assert_eq!(bench.state(), BreakerState::Closed);
    probe.finish(bench.now(), failed());
    assert_eq!(bench.state(), BreakerState::Closed);
    // Streams that begin well and break in the middle are failures all the same.
    for _ in 0..3 {
        let mut attempt = bench.begin();
        attempt.first_token(bench.now());
        attempt.finish(bench.now(), failed());
    }
    assert_eq!(bench.state(), BreakerState::Open);
}

#[test]
fn routes_share_a_model_and_its_strictest_breaker() {
    let book = HealthBook::default();
    let lax = RouteSpec { breaker: half_of_ten(), ..route(Strategy::Order, &[1.0]) };
    let strict = RouteSpec { breaker: three_in_a_row(), ..route(Strategy::Order, &[1.0, 1.0]) };
    let routers = [lax, strict].map(|spec| Router::new(spec, &book).unwrap());
    let now = Instant::now();
    for _ in 0..3 {
        let step = routers[0].plan(now, None, &mut Dice::seeded(0)).next_attempt(now).unwrap();
        step.attempt.finish(now, failed());
    }
    let order: Vec<usize> = routers[1].plan(now, None, &mut Dice::seeded(0)).order().collect();
    assert_eq!(order, [1, 0]);
    assert_eq!(book.all().len(), 2);
    assert_eq!(three_in_a_row().stricter(&half_of_ten()), half_of_ten().stricter(&three_in_a_row()));
}

#[test]
fn attempts_under_way_are_counted() {
    let bench = Bench::new(three_in_a_row());
    let health = bench.router.health().next().unwrap();
    let (first, second) = (bench.begin(), bench.begin());
    assert_eq!(health.n_under_way(), 2);
    first.finish(bench.now(), failed());
    drop(second);
    assert_eq!(health.n_under_way(), 0);
}

#[test]
fn a_breaker_that_closes_forgets_the_failures_that_opened_it() {
    let mut bench = Bench::new(half_of_ten());
    bench.calls(10, failed());
    bench.check_open_for(5.0);
    bench.call(AttemptOutcome::Answered);
    bench.calls(9, failed());
    assert_eq!(bench.state(), BreakerState::Closed);
    bench.call(failed());
    assert_eq!(bench.state(), BreakerState::Open);
}
