//! The limiter against a list of everything that happened, summed anew each time.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

/// Instants around which windows of every length end.
const STARTS: [&str; 6] = [
    "2026-11-22T23:59:30Z",
    "2026-12-31T23:58:59Z",
    "2028-02-28T23:59:58Z",
    "2028-02-29T23:59:01Z",
    "2100-02-28T23:57:00Z",
    "2026-03-29T00:59:59Z",
];

const KEYS: [&str; 2] = ["a", "b"];

#[derive(Debug, Clone)]
enum Step {
    Wait {
        milliseconds: i64,
    },
    /// A call of a key, or of nobody.
    Admit {
        key: usize,
        tokens: u64,
        cents: u64,
    },
    Attempt {
        call: usize,
        tokens: u64,
        cents: u64,
    },
    /// A call ends and uses so many hundredths of its bound.
    Settle {
        call: usize,
        share: u64,
    },
    Release {
        call: usize,
    },
    Lose {
        call: usize,
    },
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![0..2_000i64, 0..90_000i64, 0..7_200_000i64, 0..100_000_000i64, 0..3_000_000_000i64];
    let step = prop_oneof![
        3 => wait.prop_map(|milliseconds| Step::Wait { milliseconds }),
        6 => (0..3usize, 0..40u64, 0..30u64).prop_map(|(key, tokens, cents)| Step::Admit { key, tokens, cents }),
        1 => (0..8usize, 0..40u64, 0..30u64).prop_map(|(call, tokens, cents)| Step::Attempt { call, tokens, cents }),
        4 => (0..8usize, 0..=100u64).prop_map(|(call, share)| Step::Settle { call, share }),
        1 => (0..8usize).prop_map(|call| Step::Release { call }),
        1 => (0..8usize).prop_map(|call| Step::Lose { call }),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..120)
}

/// Any limits, mostly none, and so tight that calls run into them.
fn limits() -> impl Strategy<Value = LimitSpec> {
    let per_window = |max: u64| prop::array::uniform5(prop::option::weighted(0.3, 0..max));
    (per_window(12), per_window(300), per_window(200)).prop_map(|(requests, tokens, cents)| {
        let pick = |from: [Option<u64>; 5]| PerWindow::from_fn(|window| from[window as usize]);
        let (requests, tokens, cents) = (pick(requests), pick(tokens), pick(cents));
        LimitSpec { requests, tokens, dollars: PerWindow::from_fn(|window| cents.get(window).map(money)) }
    })
}

fn money(cents: u64) -> Usd {
    Usd::from_picos(10_000_000_000).times(cents)
}

/// One call that was admitted.
struct Event {
    key: Option<usize>,
    at: Timestamp,
    bound: Used,
    /// None while it is under way.
    used: Option<Used>,
}

struct Model {
    limits: [LimitSpec; 2],
    all: LimitSpec,
    events: Vec<Event>,
}

/// The window around an instant, by what a calendar calls it.
fn label(window: Window, at: Timestamp) -> String {
    let format = match window {
        Window::Minute => "%Y-%m-%d %H:%M",
        Window::Hour => "%Y-%m-%d %H",
        Window::Day => "%Y-%m-%d",
        Window::Month => "%Y-%m",
        Window::Total => "",
    };
    at.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

impl Model {
    /// Requests, tokens and picodollars used and held in the window around `at`.
    fn sums(&self, scope: Option<usize>, window: Window, at: Timestamp) -> [(i128, i128); 3] {
        let of = |event: &&Event| scope.is_none() || event.key == scope;
        let mut sums = [(0, 0); 3];
        for event in self.events.iter().filter(of).filter(|event| label(window, event.at) == label(window, at)) {
            sums[0].0 += 1;
            match event.used {
                Some(used) => {
                    sums[1].0 += i128::from(used.tokens);
                    sums[2].0 += used.dollars.picos();
                }
                None => {
                    sums[1].1 += i128::from(event.bound.tokens);
                    sums[2].1 += event.bound.dollars.picos();
                }
            }
        }
        sums
    }

    /// The limits that a call of `key` in the windows around `at` would pass.
    fn passed(&self, key: Option<usize>, at: Timestamp, asked: [i128; 3]) -> Vec<(Option<usize>, usize, Window)> {
        let mut passed = Vec::new();
        let own = key.map(|key| (Some(key), &self.limits[key]));
        for (scope, limits) in own.into_iter().chain([(None, &self.all)]) {
            for window in Window::ALL {
                let sums = self.sums(scope, window, at);
                let allowed = [
                    limits.requests.get(window).map(i128::from),
                    limits.tokens.get(window).map(i128::from),
                    limits.dollars.get(window).map(|usd| usd.picos()),
                ];
                for measure in 0..3 {
                    let (used, held) = sums[measure];
                    if allowed[measure].is_some_and(|allowed| used + held + asked[measure] > allowed) {
                        passed.push((scope, measure, window));
                    }
                }
            }
        }
        passed
    }

    fn check_sums(&self, limiter: &Limiter, now: Timestamp) {
        for scope in [None, Some(0), Some(1)] {
            let counted = limiter.used(scope.map(|key| KEYS[key]), now);
            for window in Window::ALL {
                let [requests, tokens, picos] = self.sums(scope, window, now).map(|(used, _)| used);
                let Spent { requests: r, tokens: t, dollars } = *counted.get(window);
                let counted = (i128::from(r), i128::from(t), dollars.picos());
                assert_eq!(counted, (requests, tokens, picos), "{scope:?} {window} {now}");
            }
        }
    }

    /// A limiter that is told the sums of the records since the start of each window.
    fn restarted(&self, now: Timestamp) -> Limiter {
        let limiter = Limiter::new(self.all.clone());
        for scope in [None, Some(0), Some(1)] {
            let sums = PerWindow::from_fn(|window| {
                let since = window.starts(now).unwrap_or(Timestamp::MIN);
                let events = self.events.iter().filter(|event| scope.is_none() || event.key == scope);
                let mut spent = Spent::default();
                for event in events.filter(|event| event.at >= since) {
                    let used = event.used.unwrap();
                    spent.requests += 1;
                    spent.tokens += used.tokens;
                    spent.dollars += used.dollars;
                }
                spent
            });
            limiter.restore(scope.map(|key| KEYS[key]), now, &sums);
        }
        limiter
    }
}

/// The limiter and the model, side by side.
struct Run {
    model: Model,
    limiter: Limiter,
    now: Timestamp,
    under_way: Vec<(usize, Reservation)>,
}

impl Run {
    fn step(&mut self, step: Step) {
        match step {
            Step::Wait { milliseconds } => self.now += jiff::SignedDuration::from_millis(milliseconds),
            Step::Admit { key, tokens, cents } => self.admit((key < 2).then_some(key), tokens, cents),
            Step::Attempt { call, tokens, cents } => self.attempt(call, tokens, cents),
            Step::Settle { call, share } => self.end(call, |bound| {
                let dollars = Usd::from_picos(bound.dollars.picos() * i128::from(share) / 100);
                Some(Used { tokens: bound.tokens * share / 100, dollars })
            }),
            Step::Release { call } => self.end(call, |_| Some(Used::default())),
            Step::Lose { call } => self.end(call, |_| None),
            Step::Restart => {
                (0..self.under_way.len()).for_each(|_| self.end(0, |_| None));
                self.limiter = self.model.restarted(self.now);
            }
        }
        self.model.check_sums(&self.limiter, self.now);
    }

    fn admit(&mut self, key: Option<usize>, tokens: u64, cents: u64) {
        let ask = Ask { input_tokens_bound: tokens, output_tokens_bound: 1, dollars_bound: money(cents) };
        let bound = Used { tokens: tokens + 1, dollars: money(cents) };
        let asked = [1, i128::from(bound.tokens), bound.dollars.picos()];
        let passed = self.model.passed(key, self.now, asked);
        let limits = self.model.limits.clone();
        let payer = key.map(|key| Payer { key: KEYS[key], limits: &limits[key] });
        match self.limiter.admit(payer, self.now, &ask) {
            Ok(reservation) => {
                assert!(passed.is_empty(), "admitted over {passed:?}");
                assert_eq!(reservation.admitted_at(), self.now);
                self.under_way.push((self.model.events.len(), reservation));
                self.model.events.push(Event { key, at: self.now, bound, used: None });
            }
            Err(exceeded) => self.check_told(&exceeded, &passed),
        }
    }

    fn attempt(&mut self, call: usize, tokens: u64, cents: u64) {
        let Some((event, reservation)) = self.under_way.get_mut(call) else { return };
        let (key, at) = (self.model.events[*event].key, self.model.events[*event].at);
        let asked = [0, i128::from(tokens), money(cents).picos()];
        // Windows that are over limit nothing.
        let mut passed = self.model.passed(key, at, asked);
        passed.retain(|(.., window)| label(*window, at) == label(*window, self.now));
        // A window of the call's that is over is only known to be so once another call came.
        let limits = self.model.limits.clone();
        let payer = key.map(|key| Payer { key: KEYS[key], limits: &limits[key] });
        let ask = Ask { input_tokens_bound: tokens, output_tokens_bound: 0, dollars_bound: money(cents) };
        self.limiter.used(None, self.now);
        key.map(|key| self.limiter.used(Some(KEYS[key]), self.now));
        match self.limiter.admit_attempt(payer, reservation, &ask) {
            Ok(()) => {
                assert!(passed.is_empty(), "admitted over {passed:?}");
                let bound = &mut self.model.events[*event].bound;
                bound.tokens += tokens;
                bound.dollars += money(cents);
            }
            Err(_) => assert!(!passed.is_empty(), "refused for nothing"),
        }
    }

    /// Ends a call with what it used; none loses it.
    fn end(&mut self, call: usize, used: impl FnOnce(Used) -> Option<Used>) {
        if call >= self.under_way.len() {
            return;
        }
        let (event, mut reservation) = self.under_way.remove(call);
        let bound = self.model.events[event].bound;
        assert_eq!(reservation.bound(), bound);
        reservation.mark_sent();
        let used = used(bound);
        self.model.events[event].used = Some(used.unwrap_or(bound));
        match used {
            Some(used) if used == Used::default() => reservation.release(),
            Some(used) => reservation.settle(used),
            None => drop(reservation),
        }
    }

    /// The limit that is told is one that is passed, with the right numbers, and none resets later.
    fn check_told(&self, exceeded: &Exceeded, passed: &[(Option<usize>, usize, Window)]) {
        let told = &exceeded.limit;
        let scope = match &told.scope {
            Scope::Key(id) => KEYS.iter().position(|key| key == id),
            Scope::All => None,
        };
        assert!(passed.contains(&(scope, told.measure as usize, told.window)), "{told:?} of {passed:?}");
        let (used, held) = self.model.sums(scope, told.window, self.now)[told.measure as usize];
        let number = |amount: Amount| match amount {
            Amount::Count(n) => i128::from(n),
            Amount::Dollars(usd) => usd.picos(),
        };
        assert_eq!((number(told.used), number(told.held)), (used, held), "{told:?}");
        let hard = |(scope, measure, window): &(Option<usize>, usize, Window)| {
            let (used, _) = self.model.sums(*scope, *window, self.now)[*measure];
            let limits = scope.map_or(&self.model.all, |key| &self.model.limits[key]);
            let allowed = limits.get(Measure::ALL[*measure], *window).map_or(0, number);
            let asked = if *measure == told.measure as usize { number(exceeded.asked) } else { 0 };
            used + asked > allowed
        };
        if let Some(wait) = exceeded.retry_after(self.now) {
            let until = self.now + jiff::SignedDuration::try_from(wait).unwrap();
            for other in passed.iter().filter(|other| hard(other)) {
                assert!(other.2.ends(self.now).is_some_and(|end| end <= until), "{told:?} hides {other:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_a_list_of_events(
        start in prop::sample::select(&STARTS[..]),
        own in [limits(), limits()],
        all in limits(),
        steps in steps(),
    ) {
        let limiter = Limiter::new(all.clone());
        let model = Model { limits: own, all, events: Vec::new() };
        let mut run = Run { model, limiter, now: at(start), under_way: Vec::new() };
        steps.into_iter().for_each(|step| run.step(step));
    }
}
