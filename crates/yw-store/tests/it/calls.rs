//! Calls of the gateway: what is kept of them, and what they sum up to.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use yw_store::{
    CallAttempt, CallFilter, CallGroup, CallOutcome, CallPosition, CallRecord, CallSum, CallTokens, LogError, Spent,
    Store, StoreError,
};
use yw_task::Usd;

use crate::support::{Project, at, call_record, log_record};

async fn ids(store: &Store, filter: &CallFilter) -> Vec<String> {
    store.calls(filter).await.unwrap().into_iter().map(|call| call.id).collect()
}

#[tokio::test]
async fn a_call_is_read_as_it_was_appended() {
    let project = Project::new();
    let store = project.open().await;
    let log = store.log().await.unwrap();
    let call = CallRecord {
        key: Some("k1".into()),
        key_name: Some("app \"é\"\n".into()),
        provider_request_id: Some("req_1".into()),
        attempts: vec![
            CallAttempt {
                model: "openai/gpt".into(),
                status: Some(529),
                error: Some("overloaded".into()),
                latency_ms: 12.5,
            },
            CallAttempt { model: "anthropic/haiku".into(), status: None, error: None, latency_ms: 3.0 },
        ],
        tokens: CallTokens::from_counts([10, 20, 3, 0, 4, 0, 0, 0, 1]),
        usd: Usd::from_picos(123_456_789_012_345),
        estimated: true,
        cached: true,
        error: Some(LogError { kind: "cut".into(), message: "the stream broke".into() }),
        stream: true,
        first_token_ms: Some(0.125),
        trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
        tags: [("team".to_owned(), "blue".to_owned())].into(),
        request: Some("what?".into()),
        response: Some("that.".into()),
        ..call_record("a", 1)
    };
    log.append_call(&call).unwrap();
    log.append(&[log_record("answer", 1)]).await.unwrap();
    log.append_call(&call_record("b", 2)).unwrap();
    assert_eq!(store.call("a").await.unwrap(), Some(call.clone()));
    assert_eq!(store.calls(&CallFilter::default()).await.unwrap(), [call, call_record("b", 2)]);
    assert_eq!(store.call("c").await.unwrap(), None);
    assert!(store.log_record("answer").await.unwrap().is_some());
}

#[tokio::test]
async fn filters_say_which() {
    let project = Project::new();
    let store = project.open().await;
    let log = store.log().await.unwrap();
    let error = Some(LogError { kind: "cut".into(), message: "the stream broke".into() });
    for call in [
        CallRecord { key: Some("k1".into()), key_name: Some("app".into()), ..call_record("a", 1) },
        CallRecord { key: Some("k2".into()), key_name: Some("k1".into()), ..call_record("b", 2) },
        CallRecord { provider: Some("openai".into()), model: Some("gpt".into()), route: None, ..call_record("c", 3) },
        CallRecord { status: 429, provider: None, model: None, ..call_record("d", 4) },
        CallRecord { error, ..call_record("e", 4) },
        CallRecord { model: Some("anthropic/haiku".into()), provider: None, ..call_record("f", 5) },
    ] {
        log.append_call(&call).unwrap();
    }
    let all = CallFilter::default();
    let some = |text: &str| Some(text.to_owned());
    for (filter, expected) in [
        (all.clone(), "abcdef"),
        (CallFilter { newest_first: true, ..all.clone() }, "fedcba"),
        (CallFilter { limit: Some(2), ..all.clone() }, "ab"),
        (CallFilter { limit: Some(2), newest_first: true, ..all.clone() }, "fe"),
        (CallFilter { since: Some(at(2)), until: Some(at(4)), ..all.clone() }, "bc"),
        (CallFilter { since: Some(at(6)), ..all.clone() }, ""),
        (CallFilter { key: some("k1"), ..all.clone() }, "ab"),
        (CallFilter { key: some("app"), ..all.clone() }, "a"),
        (CallFilter { model: some("gpt"), ..all.clone() }, "c"),
        (CallFilter { model: some("openai/gpt"), ..all.clone() }, "c"),
        (CallFilter { model: some("anthropic/haiku"), ..all.clone() }, "abef"),
        (CallFilter { provider: some("anthropic"), ..all.clone() }, "abe"),
        (CallFilter { route: some("fast"), ..all.clone() }, "abdef"),
        (CallFilter { route: some(""), ..all.clone() }, "c"),
        (CallFilter { key: some(""), since: Some(at(2)), ..all.clone() }, "cdef"),
        (CallFilter { outcome: Some(CallOutcome::Failure), ..all.clone() }, "de"),
        (CallFilter { outcome: Some(CallOutcome::Success), ..all.clone() }, "abcf"),
        (CallFilter { outcome: Some(CallOutcome::Status(429)), ..all.clone() }, "d"),
        (CallFilter { outcome: Some(CallOutcome::Failure), route: some("slow' OR 1 --"), ..all.clone() }, ""),
    ] {
        let sums = store.call_sums(&filter, &[]).await.unwrap();
        if filter.limit.is_none() {
            assert_eq!(sums[0].calls, expected.len() as u64, "{filter:?}");
        }
        assert_eq!(ids(&store, &filter).await.concat(), expected, "{filter:?}");
    }
}

#[tokio::test]
async fn pages_go_on_after_the_last() {
    let project = Project::new();
    let store = project.open().await;
    let log = store.log().await.unwrap();
    // Several at the same moment.
    (0..50).for_each(|n| log.append_call(&call_record(&format!("{n:02}"), n / 7)).unwrap());
    let expected: Vec<String> = (0..50).map(|n| format!("{n:02}")).collect();
    for newest_first in [false, true] {
        let mut filter = CallFilter { limit: Some(4), newest_first, ..CallFilter::default() };
        let mut found = Vec::new();
        loop {
            let page = store.calls(&filter).await.unwrap();
            let Some(last) = page.last() else { break };
            filter.after = Some(CallPosition::from(last));
            found.extend(page.into_iter().map(|call| call.id));
        }
        if newest_first {
            found.reverse();
        }
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn sums_are_by_what_is_asked_for() {
    let project = Project::new();
    let store = project.open().await;
    let log = store.log().await.unwrap();
    let day = 86_400;
    for call in [
        CallRecord { key: Some("k1".into()), key_name: Some("app".into()), ..call_record("a", 0) },
        CallRecord { key: Some("k1".into()), key_name: Some("app".into()), cached: true, ..call_record("b", day) },
        CallRecord { key: Some("k2".into()), priced: false, ..call_record("c", day) },
        CallRecord { status: 503, estimated: true, ..call_record("d", day + 1) },
    ] {
        log.append_call(&call).unwrap();
    }
    let all = CallFilter::default();
    let sums = store.call_sums(&all, &[CallGroup::Day, CallGroup::Key]).await.unwrap();
    let some = |text: &str| Some(text.to_owned());
    let found: Vec<_> = sums.iter().map(|s| (s.group.clone(), s.calls)).collect();
    assert_eq!(
        found,
        [
            (vec![some("2025-06-15"), some("app")], 1),
            (vec![some("2025-06-16"), None], 1),
            (vec![some("2025-06-16"), some("app")], 1),
            (vec![some("2025-06-16"), some("k2")], 1),
        ]
    );
    let sums = store.call_sums(&all, &[]).await.unwrap();
    assert_eq!(sums.len(), 1);
    let sum = &sums[0];
    assert_eq!((sum.calls, sum.failures, sum.cached, sum.estimated, sum.unpriced), (4, 1, 1, 1, 1));
    assert_eq!(sum.usd, call_record("a", 0).usd.times(4));
    assert_eq!(sum.tokens.output, 4 * call_record("a", 0).tokens.output);
    for (group, expected) in
        [(CallGroup::Model, "anthropic/haiku"), (CallGroup::Provider, "anthropic"), (CallGroup::Route, "fast")]
    {
        let sums = store.call_sums(&all, &[group]).await.unwrap();
        assert_eq!(sums.iter().map(|s| s.group.clone()).collect::<Vec<_>>(), [[some(expected)]]);
    }
    let sums = store.call_sums(&all, &[CallGroup::Status]).await.unwrap();
    assert_eq!(
        sums.iter().map(|s| (s.group[0].as_deref(), s.calls)).collect::<Vec<_>>(),
        [(Some("200"), 3), (Some("503"), 1)]
    );
    let none = CallFilter { route: some("none"), ..all };
    assert_eq!(store.call_sums(&none, &[CallGroup::Key]).await.unwrap(), []);
    assert_eq!(store.call_sums(&none, &[]).await.unwrap()[0].usd, Usd::ZERO);
}

#[tokio::test]
async fn a_call_counts_once_however_often_it_is_brought_in() {
    let project = Project::new();
    let segment = {
        let store = project.open().await;
        let log = store.log().await.unwrap();
        log.append_call(&call_record("a", 1)).unwrap();
        let path = fs::read_dir(project.state_dir().join("log")).unwrap().next().unwrap().unwrap().path();
        fs::read(path).unwrap()
    };
    let store = project.open().await;
    for name in ["1", "2"] {
        fs::write(project.state_dir().join(format!("log/{name}.segment")), &segment).unwrap();
        let sums = store.call_sums(&CallFilter::default(), &[]).await.unwrap();
        assert_eq!((sums[0].calls, sums[0].usd), (1, call_record("a", 1).usd));
    }
    let spent = store.spent_since(at(0)).await.unwrap();
    assert_eq!(spent.total.requests, 1);
}

#[tokio::test]
async fn absurd_numbers_do_not_break_the_sums() {
    let project = Project::new();
    let store = project.open().await;
    let log = store.log().await.unwrap();
    let dear = Usd::from_picos(i128::from(i64::MAX));
    let tokens = CallTokens { input: u64::MAX, ..CallTokens::default() };
    for id in ["a", "b", "c"] {
        log.append_call(&CallRecord { usd: dear, tokens, key: Some("k".into()), ..call_record(id, 1) }).unwrap();
    }
    let too_dear = CallRecord { usd: dear + Usd::from_picos(1), ..call_record("d", 1) };
    assert!(matches!(log.append_call(&too_dear), Err(StoreError::Record { .. })));
    let sums = store.call_sums(&CallFilter::default(), &[]).await.unwrap();
    assert_eq!((sums[0].calls, sums[0].usd), (3, dear.times(3)));
    assert_eq!(store.spent_since(at(-1_000_000)).await.unwrap().keys["k"].usd, dear.times(3));
    assert_eq!(store.call("a").await.unwrap().unwrap().tokens.input, u64::MAX);
}

#[tokio::test]
async fn spending_is_remembered_when_its_calls_are_not() {
    let project = Project::new();
    let store = project.open().await;
    let log = store.log().await.unwrap();
    let now = Timestamp::now();
    for n in 0..300 {
        let at = now - Duration::from_secs(3 * 3600) + Duration::from_secs(n);
        log.append_call(&CallRecord { at, key: Some("k".into()), ..call_record(&format!("{n:03}"), 0) }).unwrap();
    }
    let refused = CallRecord { status: 429, attempts: vec![], at: now, key: Some("k".into()), ..call_record("r", 0) };
    log.append_call(&refused).unwrap();
    let one = call_record("a", 0);
    let spent = Spent { requests: 300, tokens: 300 * (one.tokens.input + one.tokens.output), usd: one.usd.times(300) };
    let since = now - Duration::from_secs(86_400);
    assert_eq!(store.spent_since(since).await.unwrap().keys["k"], spent);
    let trimmed = store.trim_calls(Some(Duration::from_secs(3600)), None).await.unwrap();
    assert_eq!(trimmed.calls, 300);
    assert_eq!(ids(&store, &CallFilter::default()).await, ["r"]);
    let after = store.spent_since(since).await.unwrap();
    assert_eq!((after.keys["k"], after.total), (spent, spent));
    assert_eq!(store.spent_since(now + Duration::from_secs(7200)).await.unwrap(), Default::default());
}

#[tokio::test]
async fn trimming_keeps_the_newest_that_fit() {
    let project = Project::new();
    let store = project.open().await;
    let log = store.log().await.unwrap();
    let now = Timestamp::now();
    for n in 0..1_000 {
        let at = now - Duration::from_secs(1_000 - n);
        log.append_call(&CallRecord { at, ..call_record(&format!("{n:04}"), 0) }).unwrap();
    }
    assert_eq!(ids(&store, &CallFilter::default()).await.len(), 1_000);
    let all = store.trim_calls(None, None).await.unwrap();
    assert_eq!(all.calls, 0);
    let trimmed = store.trim_calls(None, Some(all.bytes_left / 2)).await.unwrap();
    assert!(trimmed.bytes_left <= all.bytes_left / 2 && trimmed.bytes_left > all.bytes_left / 3, "{trimmed:?}");
    let left = ids(&store, &CallFilter::default()).await;
    assert_eq!(left.len() as u64 + trimmed.calls, 1_000);
    assert_eq!(left.first().unwrap(), &format!("{:04}", trimmed.calls));

    // The segment of a process that has nothing to say does not matter, however old.
    let idle = project.state_dir().join("log/0190163d-8694-739b-aea5-966c26f8ad90.segment");
    fs::write(&idle, b"YWlog\0\0\x02").unwrap();
    let of_idle = fs::File::open(&idle).unwrap();
    of_idle.lock().unwrap();
    assert!(store.trim_calls(None, Some(trimmed.bytes_left / 2)).await.unwrap().calls > 0);

    // What is still in a segment of another process stays: it would come back.
    log.append_call(&call_record("old", 0)).unwrap();
    let live = fs::read_dir(project.state_dir().join("log")).unwrap().map(|e| e.unwrap().path()).max().unwrap();
    let bytes = fs::read(live).unwrap();
    let segment = project.state_dir().join(format!("log/{}.segment", yw_store::new_id()));
    ids(&store, &CallFilter::default()).await;
    fs::write(&segment, bytes).unwrap();
    let holder = fs::File::open(&segment).unwrap();
    holder.lock().unwrap();
    tokio::time::sleep(Duration::from_millis(2)).await;
    log.append_call(&call_record("new", 0)).unwrap();
    ids(&store, &CallFilter::default()).await;
    let trimmed = store.trim_calls(None, Some(0)).await.unwrap();
    let left = ids(&store, &CallFilter::default()).await;
    assert!(trimmed.calls > 0 && left.contains(&"new".to_owned()), "{left:?}");
    drop(holder);
    ids(&store, &CallFilter::default()).await;
    store.trim_calls(None, Some(0)).await.unwrap();
}

#[tokio::test]
async fn trimming_and_serving_go_together() {
    let project = Project::new();
    let store = project.open().await;
    let log = store.log().await.unwrap();
    let trimming = tokio::spawn({
        let store = store.clone();
        async move {
            let mut n_trimmed = 0;
            for _ in 0..20 {
                n_trimmed += store.trim_calls(Some(Duration::ZERO), Some(10_000)).await.unwrap().calls;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            n_trimmed
        }
    });
    let mut n = 0_u64;
    while !trimming.is_finished() {
        log.append_call(&CallRecord { at: Timestamp::now(), ..call_record(&format!("{n:06}"), 0) }).unwrap();
        n += 1;
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    let n_trimmed = trimming.await.unwrap();
    let left = ids(&store, &CallFilter::default()).await.len() as u64;
    assert!(n_trimmed > 0);
    assert_eq!(n_trimmed + left, n);
    assert_eq!(store.call_sums(&CallFilter::default(), &[]).await.unwrap()[0].calls, n, "sums outlive their calls");
    let spent = store.spent_since(Timestamp::UNIX_EPOCH).await.unwrap().total;
    assert_eq!((spent.requests, spent.usd), (n, call_record("", 0).usd.times(n)));
}

fn any_call() -> impl Strategy<Value = CallRecord> {
    let names =
        || proptest::option::of(prop_oneof![Just("a".to_owned()), Just("b/c".to_owned()), Just("é\"".to_owned())]);
    let counts = proptest::array::uniform9(0..1_000_000_000_u64);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let status = prop_oneof![Just(200_u16), Just(429), Just(503)];
    (0..400_000_i64, names(), names(), names(), counts, any::<i64>(), flags, status, 0..2_usize).prop_map(
        |(seconds, key, provider, route, counts, picos, (cached, priced, estimated), status, n_attempts)| {
            let attempt = CallAttempt { model: "m".into(), status: Some(status), error: None, latency_ms: 1.0 };
            CallRecord {
                key_name: None,
                key,
                provider,
                route,
                tokens: CallTokens::from_counts(counts),
                usd: Usd::from_picos(i128::from(picos)),
                cached,
                priced,
                estimated,
                status,
                attempts: vec![attempt; n_attempts],
                ..call_record(&yw_store::new_id(), seconds)
            }
        },
    )
}

/// What a call is summed by, worked out from its record.
fn group_of(call: &CallRecord, group: CallGroup) -> Option<String> {
    match group {
        CallGroup::Key => call.key.clone(),
        CallGroup::Model => match (&call.provider, &call.model) {
            (Some(provider), Some(model)) => Some(format!("{provider}/{model}")),
            (_, model) => model.clone(),
        },
        CallGroup::Provider => call.provider.clone(),
        CallGroup::Route => call.route.clone(),
        CallGroup::Day => Some(call.at.strftime("%F").to_string()),
        CallGroup::Status => Some(call.status.to_string()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 100, ..ProptestConfig::default() })]
    #[test]
    fn sums_are_those_of_the_records(
        calls in proptest::collection::vec(any_call(), 0..300),
        by in proptest::sample::subsequence(
            vec![CallGroup::Key, CallGroup::Model, CallGroup::Provider, CallGroup::Route, CallGroup::Day, CallGroup::Status],
            0..4,
        ),
        since in 0..400_000_i64,
        seconds in prop_oneof![0..5_000_i64, 0..400_000_i64],
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let project = Project::new();
            let store = project.open().await;
            let log = store.log().await.unwrap();
            calls.iter().for_each(|call| log.append_call(call).unwrap());
            let until = at(since + seconds);
            let filter = CallFilter { since: Some(at(since)), until: Some(until), ..CallFilter::default() };
            let later = || calls.iter().filter(|call| call.at >= at(since));

            let mut expected: BTreeMap<Vec<Option<String>>, CallSum> = BTreeMap::new();
            for call in later().filter(|call| call.at < until) {
                let group: Vec<_> = by.iter().map(|group| group_of(call, *group)).collect();
                let sum = expected.entry(group.clone()).or_default();
                let plus = |(a, b): (u64, u64)| a + b;
                let tokens: Vec<u64> = sum.tokens.counts().into_iter().zip(call.tokens.counts()).map(plus).collect();
                *sum = CallSum {
                    group,
                    calls: sum.calls + 1,
                    failures: sum.failures + u64::from(call.status >= 400),
                    cached: sum.cached + u64::from(call.cached),
                    estimated: sum.estimated + u64::from(call.estimated),
                    unpriced: sum.unpriced + u64::from(!call.priced && call.tokens.input + call.tokens.output > 0),
                    tokens: CallTokens::from_counts(tokens.try_into().unwrap()),
                    usd: sum.usd + call.usd,
                };
            }
            if by.is_empty() {
                expected.entry(Vec::new()).or_default();
            }
            let sums = store.call_sums(&filter, &by).await.unwrap();
            assert_eq!(sums, expected.into_values().collect::<Vec<_>>());

            let mut keys: BTreeMap<String, Spent> = BTreeMap::new();
            let mut total = Spent::default();
            for call in later().filter(|call| !call.attempts.is_empty()) {
                let spend = |spent: &mut Spent| {
                    spent.requests += 1;
                    spent.tokens += call.tokens.input + call.tokens.output;
                    spent.usd += call.usd;
                };
                spend(&mut total);
                if let Some(key) = &call.key {
                    spend(keys.entry(key.clone()).or_default());
                }
            }
            let spent = store.spent_since(at(since)).await.unwrap();
            assert_eq!((spent.keys, spent.total), (keys, total));
        });
    }
}
