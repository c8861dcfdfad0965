//! Limits under calls at the same time.

use std::sync::Barrier;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

use proptest::prelude::*;

use super::*;

/// Numbers that differ from thread to thread and are the same in each run.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

#[test]
fn two_hundred_clients_spend_their_dollar_and_no_more() {
    let limiter = Limiter::new(LimitSpec::default());
    let limits = spec("", "", "1 total");
    let payer = Some(Payer { key: "a", limits: &limits });
    let barrier = Barrier::new(200);
    let bill = Mutex::new(Usd::ZERO);
    thread::scope(|scope| {
        for client in 0..200 {
            let (limiter, barrier, bill) = (&limiter, &barrier, &bill);
            scope.spawn(move || {
                let mut dice = Lcg(client);
                barrier.wait();
                for _ in 0..100 {
                    let Ok(mut call) = limiter.admit(payer, at(NOON), &ask(100, 0.01)) else { continue };
                    call.mark_sent();
                    thread::yield_now();
                    // A tenth is lost; the provider bills some of those all the same.
                    let cost = Usd::from_picos(i128::from(dice.below(10_000_000_001)));
                    *bill.lock().unwrap() += cost;
                    if dice.below(10) > 0 {
                        call.settle(Used { tokens: 10, dollars: cost });
                    }
                    assert!(*bill.lock().unwrap() <= usd(1.0));
                }
            });
        }
    });
    let counted = limiter.used(Some("a"), at(NOON)).total;
    assert!(*bill.lock().unwrap() <= counted.dollars && counted.dollars <= usd(1.0), "{counted:?}");
    // It goes on until the next call might not fit.
    assert!(counted.dollars > usd(0.99), "{counted:?}");
}

/// What one thread saw of one call.
#[derive(Debug, Clone, Copy)]
struct Seen {
    key: usize,
    at: Timestamp,
    used: Used,
}

/// Runs calls of two keys on many threads while a clock goes over a boundary. Returns all that were admitted, and when
/// it ended.
fn race(limiter: &Limiter, limits: &[LimitSpec; 2], start: Timestamp, seed: u64) -> (Vec<Seen>, Timestamp) {
    let clock = AtomicI64::new(0);
    let seen = Mutex::new(Vec::new());
    // No thread is overtaken by more than a round, which is less than what counts as a clock that was set back.
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        for client in 0..8 {
            let (clock, seen, barrier) = (&clock, &seen, &barrier);
            scope.spawn(move || {
                let mut dice = Lcg(seed ^ client);
                for _ in 0..60 {
                    barrier.wait();
                    let key = dice.below(2) as usize;
                    // Read, and then used a little later: some threads are overtaken.
                    let tick = clock.fetch_add(dice.below(500) as i64, Ordering::Relaxed);
                    let now = start + jiff::SignedDuration::from_millis(tick);
                    let payer = Payer { key: ["a", "b"][key], limits: &limits[key] };
                    let (tokens, cost) = (dice.below(50), dice.below(1_000) as f64 / 1e4);
                    if dice.below(4) == 0 {
                        thread::yield_now();
                    }
                    let Ok(mut call) = limiter.admit(Some(payer), now, &ask(tokens, cost)) else { continue };
                    call.mark_sent();
                    let share = dice.below(11);
                    let dollars = Usd::from_picos(usd(cost).picos() * i128::from(share) / 10);
                    let used = Used { tokens: tokens * share / 10, dollars };
                    seen.lock().unwrap().push(Seen { key, at: call.admitted_at(), used });
                    call.settle(used);
                }
            });
        }
    });
    let end = start + jiff::SignedDuration::from_millis(clock.into_inner());
    (seen.into_inner().unwrap(), end)
}

/// What the calls in the window around `at` used.
fn sum(seen: &[Seen], key: Option<usize>, window: Window, at: Timestamp) -> Spent {
    let mut spent = Spent::default();
    let same = |one: &&Seen| window.starts(one.at) == window.starts(at) && key.is_none_or(|key| one.key == key);
    for one in seen.iter().filter(same) {
        spent.requests += 1;
        spent.tokens += one.used.tokens;
        spent.dollars += one.used.dollars;
    }
    spent
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn no_window_is_passed_on_many_threads(
        start in prop::sample::select(vec!["2028-02-29T23:59:30Z", "2026-12-31T23:59:10Z", "2026-06-30T22:59:40Z"]),
        seed in any::<u64>(),
    ) {
        let start = at(start);
        let limits = [spec("50/min", "800/min,1500/day", "4/hour"), spec("90/hour", "", "2/day,3/month")];
        let all = spec("80/min", "", "5/day");
        let limiter = Limiter::new(all.clone());
        let (seen, end) = race(&limiter, &limits, start, seed);
        for (key, limits) in [(Some(0), &limits[0]), (Some(1), &limits[1]), (None, &all)] {
            for one in &seen {
                for (measure, window, allowed) in limits.iter() {
                    let spent = sum(&seen, key, window, one.at);
                    let used = match measure {
                        Measure::Requests => Amount::Count(spent.requests),
                        Measure::Tokens => Amount::Count(spent.tokens),
                        Measure::Dollars => Amount::Dollars(spent.dollars),
                    };
                    prop_assert!(used <= allowed, "{used} of {allowed} {measure:?}/{window}");
                }
            }
            let counted = limiter.used(key.map(|key| ["a", "b"][key]), end);
            for window in Window::ALL {
                prop_assert_eq!(*counted.get(window), sum(&seen, key, window, end));
            }
        }
        // Nothing is left set aside.
        let payer = Payer { key: "a", limits: &limits[0] };
        let held = limiter.states(Some(payer), end).into_iter().map(|state| state.held);
        prop_assert!(held.into_iter().all(|held| held == Amount::Count(0) || held == Amount::Dollars(Usd::ZERO)));
    }
}
