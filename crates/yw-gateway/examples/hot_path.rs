//! What the gateway's own decisions cost for each call: who calls, whether the limits allow it, and which model is next.
//!
//! ```text
//! cargo run --release -p yw-gateway --example hot_path
//! ```
//!
//! It also shows that the time of a wrong key does not depend on where it is wrong.

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use yw_gateway::keys::{Key, KeyRing, KeySpec, NewKey};
use yw_gateway::limits::{Ask, LimitSpec, Limiter, Measure, Used};
use yw_gateway::route::{AttemptOutcome, Dice, HealthBook, RouteSpec, Router, Strategy, Target};
use yw_task::Usd;

const N_ROUNDS: usize = 31;
const N_PER_ROUND: u32 = 20_000;

fn main() {
    let (ring, tokens) = ring(1_000);
    keys(&ring, &tokens);
    let key = ring.authenticate(tokens.first().map(String::as_str), Timestamp::now()).expect("it is in the ring");
    for n_threads in [1, 2, 4] {
        limits(&key, n_threads);
    }
    routes();
}

/// Keys with limits in every window, and their tokens.
fn ring(n_keys: usize) -> (KeyRing, Vec<String>) {
    let mut spec = KeySpec::new("app");
    for (measure, words) in [
        (Measure::Requests, "1000000000/min,1000000000/hour,1000000000/day"),
        (Measure::Tokens, "1000000000000/min,1000000000000/month"),
        (Measure::Dollars, "1000000000/day,1000000000/month,1000000000 total"),
    ] {
        spec.limits.add(measure, words).expect("these are limits");
    }
    let made = (0..n_keys).map(|_| NewKey::generate().expect("random numbers"));
    let (keys, tokens): (Vec<Key>, Vec<String>) = made
        .map(|NewKey { id, token, hash }| {
            (Key { id, hash, spec: spec.clone(), is_revoked: false }, token.reveal().to_owned())
        })
        .unzip();
    (KeyRing::new(keys), tokens)
}

fn keys(ring: &KeyRing, tokens: &[String]) {
    let now = Timestamp::now();
    let right = tokens.first().cloned().unwrap_or_default();
    let changed = |at: usize| {
        let mut wrong = right.clone().into_bytes();
        if let Some(byte) = wrong.get_mut(at) {
            *byte = if *byte == b'a' { b'b' } else { b'a' };
        }
        String::from_utf8(wrong).unwrap_or_default()
    };
    let unlike = NewKey::generate().expect("random numbers").token.reveal().to_owned();
    let cases = [
        ("a right key", right.clone()),
        ("wrong in the id", changed(3)),
        ("wrong at first", changed(14)),
        ("wrong in the middle", changed(35)),
        ("wrong at last", changed(right.len() - 1)),
        ("wrong everywhere", unlike),
    ];
    // In turn, so that what else happens on the machine is the same for all.
    let mut times = vec![Vec::new(); cases.len()];
    for _ in 0..N_ROUNDS {
        for ((_, token), times) in cases.iter().zip(&mut times) {
            times.push(nanoseconds(|| ring.authenticate(Some(black_box(token)), now)));
        }
    }
    for ((name, _), times) in cases.iter().zip(times) {
        report(&format!("authenticate, {name}"), times);
    }
}

fn limits(key: &Key, n_threads: usize) {
    let limiter = Limiter::new(LimitSpec::default().with(Measure::Requests, "1000000000/min").expect("a limit"));
    let ask = Ask { input_tokens_bound: 1_000, output_tokens_bound: 500, dollars_bound: Usd::from_dollars(0.01) };
    let used = Used { tokens: 1_100, dollars: Usd::from_dollars(0.004) };
    let now = Timestamp::now();
    let times = std::thread::scope(|scope| {
        let work = || {
            let call = || {
                let mut call = limiter.admit(Some(key.payer()), black_box(now), &ask).expect("within its limits");
                call.mark_sent();
                call.settle(used);
            };
            (0..N_ROUNDS).map(|_| nanoseconds(call)).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..n_threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("it does not panic")).collect()
    });
    report(&format!("admit and settle, one key, {n_threads} threads"), times);
}

fn routes() {
    for (strategy, sticky) in [
        (Strategy::Order, None),
        (Strategy::Weight, None),
        (Strategy::Latency, None),
        (Strategy::Weight, Some("user-1234567")),
    ] {
        let target = |i: usize| Target::parse(&format!("provider/model-{i}")).expect("a model");
        let spec = RouteSpec { strategy, ..RouteSpec::new("fast", (0..4).map(target).collect()) };
        let router = Router::new(spec, &HealthBook::default()).expect("a route");
        let mut dice = Dice::seeded(1);
        let now = Instant::now();
        let mut call = || {
            let mut plan = router.plan(black_box(now), sticky, &mut dice);
            if let Some(step) = plan.next_attempt(now) {
                step.attempt.finish(now + Duration::from_millis(3), AttemptOutcome::Answered);
            }
        };
        let times = (0..N_ROUNDS).map(|_| nanoseconds(&mut call)).collect();
        let sticky = if sticky.is_some() { ", sticky" } else { "" };
        report(&format!("plan, attempt, finish: {strategy:?}{sticky}, 4 targets"), times);
    }
}

/// How long one of many takes on average.
fn nanoseconds<T>(mut call: impl FnMut() -> T) -> f64 {
    let start = Instant::now();
    for _ in 0..N_PER_ROUND {
        black_box(call());
    }
    start.elapsed().as_nanos() as f64 / f64::from(N_PER_ROUND)
}

fn report(what: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
    println!("{what:<50} {:>8.1} ns, {:>8.1} ns in the fastest of {} rounds", at(0.5), at(0.0), times.len());
}
