mod model;
mod threads;

use std::time::Duration;

use jiff::Timestamp;
use yw_task::Usd;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn spec(requests: &str, tokens: &str, dollars: &str) -> LimitSpec {
    let mut spec = LimitSpec::default();
    for (measure, words) in Measure::ALL.into_iter().zip([requests, tokens, dollars]) {
        if !words.is_empty() {
            spec.add(measure, words).unwrap();
        }
    }
    spec
}

fn ask(tokens: u64, dollars: f64) -> Ask {
    Ask { input_tokens_bound: tokens / 2, output_tokens_bound: tokens - tokens / 2, dollars_bound: usd(dollars) }
}

fn usd(dollars: f64) -> Usd {
    Usd::from_dollars(dollars)
}

fn used(tokens: u64, dollars: f64) -> Used {
    Used { tokens, dollars: usd(dollars) }
}

const NOON: &str = "2026-11-22T12:00:00Z";

#[test]
fn requests_count_whatever_becomes_of_them() {
    let limiter = Limiter::new(LimitSpec::default());
    let limits = spec("2/min", "", "");
    let payer = Some(Payer { key: "a", limits: &limits });
    drop(limiter.admit(payer, at(NOON), &ask(0, 0.0)).unwrap());
    limiter.admit(payer, at(NOON), &ask(0, 0.0)).unwrap().release();
    let exceeded = limiter.admit(payer, at("2026-11-22T12:00:59.5Z"), &ask(0, 0.0)).unwrap_err();
    assert_eq!(
        exceeded.to_string(),
        "the limit of key a is 2 requests per minute: 2 used; it resets at 2026-11-22T12:01:00Z"
    );
    assert_eq!(exceeded.retry_after(at("2026-11-22T12:00:59.5Z")), Some(Duration::from_millis(500)));
    assert_eq!(exceeded.retry_after(at("2026-11-22T12:02:00Z")), Some(Duration::ZERO));
    limiter.admit(payer, at("2026-11-22T12:01:00Z"), &ask(0, 0.0)).unwrap().release();
    // What was refused was not counted.
    assert_eq!(limiter.used(Some("a"), at("2026-11-22T12:01:00Z")).total.requests, 3);
}

#[test]
fn what_is_set_aside_counts_until_it_is_known() {
    let limiter = Limiter::new(LimitSpec::default());
    let limits = spec("", "", "1 total");
    let payer = Some(Payer { key: "a", limits: &limits });
    let first = limiter.admit(payer, at(NOON), &ask(10, 0.7)).unwrap();
    let exceeded = limiter.admit(payer, at(NOON), &ask(10, 0.4)).unwrap_err();
    assert_eq!(
        exceeded.to_string(),
        "the limit of key a is $1.00 in total: $0.00 used, $0.70 set aside for calls under way, \
         and this call may use $0.40"
    );
    // The call under way may cost less than its bound.
    assert_eq!(exceeded.retry_after(at(NOON)), Some(Duration::from_secs(1)));
    first.settle(used(10, 0.6));
    let second = limiter.admit(payer, at(NOON), &ask(10, 0.4)).unwrap();
    second.settle(used(10, 0.4));
    let exceeded = limiter.admit(payer, at(NOON), &ask(10, 0.01)).unwrap_err();
    assert_eq!((exceeded.retry_after(at(NOON)), exceeded.limit.resets_at), (None, None));
}

#[test]
fn only_calls_that_were_sent_are_lost() {
    let limiter = Limiter::new(spec("", "100/day", ""));
    let spent = |limiter: &Limiter| limiter.used(None, at(NOON)).day;
    drop(limiter.admit(None, at(NOON), &ask(60, 0.5)).unwrap());
    assert_eq!(spent(&limiter), Spent { requests: 1, tokens: 0, dollars: Usd::ZERO });
    let mut sent = limiter.admit(None, at(NOON), &ask(60, 0.5)).unwrap();
    sent.mark_sent();
    sent.release();
    assert_eq!(spent(&limiter), Spent { requests: 2, tokens: 0, dollars: Usd::ZERO });
    let mut lost = limiter.admit(None, at(NOON), &ask(60, 0.5)).unwrap();
    lost.mark_sent();
    drop(lost);
    assert_eq!(spent(&limiter), Spent { requests: 3, tokens: 60, dollars: usd(0.5) });
}

#[test]
fn a_refusal_by_all_leaves_the_key_as_it_was() {
    let limiter = Limiter::new(spec("1/day", "", ""));
    let limits = spec("5/min", "", "");
    let payer = Some(Payer { key: "a", limits: &limits });
    limiter.admit(payer, at(NOON), &ask(5, 0.0)).unwrap().release();
    let exceeded = limiter.admit(payer, at(NOON), &ask(5, 0.0)).unwrap_err();
    assert_eq!((exceeded.limit.scope.clone(), exceeded.limit.window), (Scope::All, Window::Day));
    assert_eq!(limiter.used(Some("a"), at(NOON)).minute.requests, 1);
}

#[test]
fn of_several_limits_the_longest_is_told() {
    let limiter = Limiter::new(LimitSpec::default());
    let limits = spec("1/min, 1/day, 1/hour", "", "");
    let payer = Some(Payer { key: "a", limits: &limits });
    limiter.admit(payer, at(NOON), &ask(0, 0.0)).unwrap().release();
    let exceeded = limiter.admit(payer, at(NOON), &ask(0, 0.0)).unwrap_err();
    assert_eq!(exceeded.retry_after(at(NOON)), Some(Duration::from_secs(12 * 3600)));
    // A call that fits no day is not told to come back tomorrow.
    let limits = spec("", "100/day", "");
    let payer = Some(Payer { key: "b", limits: &limits });
    let exceeded = limiter.admit(payer, at(NOON), &ask(101, 0.0)).unwrap_err();
    assert_eq!((exceeded.retry_after(at(NOON)), exceeded.can_ever_fit()), (None, false));
    let text = "the limit of key b is 100 tokens per day: 0 used, and this call may use 101";
    assert_eq!(exceeded.to_string(), text);
}

#[test]
fn another_attempt_needs_room_too() {
    let limiter = Limiter::new(LimitSpec::default());
    let limits = spec("1/day", "", "1/day");
    let payer = Some(Payer { key: "a", limits: &limits });
    let mut call = limiter.admit(payer, at(NOON), &ask(10, 0.4)).unwrap();
    limiter.admit_attempt(payer, &mut call, &ask(10, 0.4)).unwrap();
    assert_eq!(call.bound(), used(20, 0.8));
    let exceeded = limiter.admit_attempt(payer, &mut call, &ask(10, 0.4)).unwrap_err();
    assert_eq!((exceeded.limit.held, exceeded.asked), (Amount::Dollars(usd(0.8)), Amount::Dollars(usd(0.4))));
    assert_eq!(call.bound(), used(20, 0.8));
    call.settle(used(14, 0.5));
    let day = limiter.used(Some("a"), at(NOON)).day;
    assert_eq!(day, Spent { requests: 1, tokens: 14, dollars: usd(0.5) });
}

#[test]
fn a_call_settles_where_it_was_admitted() {
    let limiter = Limiter::new(LimitSpec::default());
    let limits = spec("", "", "1/day, 5 total");
    let payer = Some(Payer { key: "a", limits: &limits });
    let mut late = limiter.admit(payer, at("2026-12-31T23:59:59.999Z"), &ask(10, 1.0)).unwrap();
    late.mark_sent();
    let new_year = at("2027-01-01T00:00:00Z");
    let next = limiter.admit(payer, new_year, &ask(10, 1.0)).unwrap();
    late.settle(used(10, 1.0));
    next.settle(used(10, 0.3));
    let sums = limiter.used(Some("a"), new_year);
    assert_eq!((sums.day.dollars, sums.month.dollars, sums.total.dollars), (usd(0.3), usd(0.3), usd(1.3)));
}

#[test]
fn limits_hold_over_a_restart() {
    let limits = spec("", "", "1/day");
    let payer = Some(Payer { key: "a", limits: &limits });
    let restarted = |now: &str| {
        let limiter = Limiter::new(LimitSpec::default());
        let day = Spent { requests: 9, tokens: 900, dollars: usd(0.9) };
        let sums = PerWindow { day, month: day, total: day, ..PerWindow::default() };
        limiter.restore(Some("a"), at("2026-11-22T23:59:58Z"), &sums);
        limiter.admit(payer, at(now), &ask(10, 0.2)).map(Reservation::release).is_ok()
    };
    assert!(!restarted("2026-11-22T23:59:59Z"));
    assert!(restarted("2026-11-23T00:00:00Z"));
}

#[test]
fn a_thread_that_was_overtaken_counts_in_the_new_window() {
    let limiter = Limiter::new(spec("2/min", "", ""));
    limiter.admit(None, at("2026-11-22T12:01:00.001Z"), &ask(0, 0.0)).unwrap().release();
    let late = limiter.admit(None, at("2026-11-22T12:00:59.999Z"), &ask(0, 0.0)).unwrap();
    assert_eq!(late.admitted_at(), at("2026-11-22T12:01:00Z"));
    assert!(limiter.admit(None, at("2026-11-22T12:01:01Z"), &ask(0, 0.0)).is_err());
}

#[test]
fn a_clock_that_is_set_back_neither_opens_nor_locks_a_limit() {
    let limiter = Limiter::new(spec("2/min", "", ""));
    limiter.admit(None, at("2031-01-01T00:00:00Z"), &ask(0, 0.0)).unwrap().release();
    limiter.admit(None, at(NOON), &ask(0, 0.0)).unwrap().release();
    assert!(limiter.admit(None, at(NOON), &ask(0, 0.0)).is_err());
    limiter.admit(None, at("2026-11-22T12:01:00Z"), &ask(0, 0.0)).unwrap().release();
}

#[test]
fn states_show_every_limit() {
    let limiter = Limiter::new(spec("10/min", "", ""));
    let limits = spec("", "1000/day", "");
    let payer = Some(Payer { key: "a", limits: &limits });
    let _call = limiter.admit(payer, at(NOON), &ask(100, 0.0)).unwrap();
    let states = limiter.states(payer, at(NOON));
    let shown: Vec<_> = states.iter().map(|s| (s.measure, s.window, s.allowed, s.used, s.held)).collect();
    let count = Amount::Count;
    let expected = [
        (Measure::Tokens, Window::Day, count(1000), count(0), count(100)),
        (Measure::Requests, Window::Minute, count(10), count(1), count(0)),
    ];
    assert_eq!(shown, expected);
    assert_eq!(states[0].resets_at, Some(at("2026-11-23T00:00:00Z")));
}

#[test]
fn an_attempt_of_yesterdays_call_is_not_held_to_todays_limit() {
    let limiter = Limiter::new(LimitSpec::default());
    let limits = spec("", "", "0.5/day, 1/month");
    let payer = Some(Payer { key: "a", limits: &limits });
    let mut late = limiter.admit(payer, at("2026-11-22T20:00:00Z"), &ask(10, 0.4)).unwrap();
    limiter.admit(payer, at("2026-11-23T00:00:01Z"), &ask(10, 0.5)).unwrap().settle(used(10, 0.5));
    limiter.admit_attempt(payer, &mut late, &ask(1, 0.05)).unwrap();
    let exceeded = limiter.admit_attempt(payer, &mut late, &ask(1, 0.2)).unwrap_err();
    // Today's is used up, but what stands in the way is this month's.
    assert_eq!((exceeded.limit.window, exceeded.limit.held), (Window::Month, Amount::Dollars(usd(0.45))));
    assert!(exceeded.waits_for_calls_under_way());
}
