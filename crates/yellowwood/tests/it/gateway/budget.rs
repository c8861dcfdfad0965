//! A budget is a promise: under concurrency, and over the death of the server.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use yw_task::{Dialect, Usd};
use yw_testkit::{Reply, Rng, Script, ScriptedServer, Tokens};

use super::dialect::{self, CLIENTS, limited};
use super::rig::{Rig, price, provider, scripted, usd};
use super::wire::Answer;

/// What a call may write at most: a cent's worth.
const MAX_TOKENS: u64 = 2_000;

/// The most that a call of these tests can cost: 10,000 millionths of a dollar for what it may write, and some 2,300 for
/// what it sends, of which 2,048 are for what providers add.
const BOUND: Usd = Usd::from_picos(12_500_000_000);

const DOLLAR: Usd = Usd::from_picos(1_000_000_000_000);

/// A provider whose answers use between nothing and all of what they may.
fn spender() -> ScriptedServer {
    scripted(
        Script::new(|request| {
            let mut rng = Rng::new(request.ordinal);
            let output = 1 + rng.below(MAX_TOKENS as usize) as u64;
            Reply::text("Thank you.").with_tokens(Tokens { input: 20, cached: 5, output, ..Tokens::default() })
        })
        .latency(Duration::from_millis(400))
        .without_records(),
    )
}

fn project(server: &ScriptedServer) -> Rig {
    Rig::new(format!("[serve]\nkeys = true\n{}{}", provider("x", Dialect::OpenAi, server), price("x/m")))
}

fn spend(rig: &Rig, token: &str, client: Dialect, number: usize, max_tokens: u64) -> Answer {
    let bearer = format!("Bearer {token}");
    let body = limited(client, "x/m", &format!("Spend {number}."), number.is_multiple_of(2), max_tokens);
    rig.ask_with(client, &[("authorization", &bearer)], &body)
}

#[test]
fn two_hundred_clients_at_once_do_not_overspend_a_dollar() {
    const N_CLIENTS: usize = 200;
    let server = spender();
    let mut rig = project(&server);
    let token = rig.key("app", &["--budget", "1 total"]);
    rig.serve();
    let n_sent = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for n_client in 0..N_CLIENTS {
            let (rig, token, n_sent) = (&rig, &token, &n_sent);
            scope.spawn(move || {
                let client = CLIENTS[n_client % CLIENTS.len()];
                // Those who are refused while much is set aside come back, as clients do.
                let mut n_refused = 0;
                while n_refused < 3 {
                    let answer = spend(rig, token, client, n_sent.fetch_add(1, Ordering::Relaxed), MAX_TOKENS);
                    match answer.status {
                        200 => n_refused = 0,
                        _ => {
                            check_refusal(client, &answer.has_status(429));
                            n_refused += 1;
                            std::thread::sleep(Duration::from_millis(30));
                        }
                    }
                }
            });
        }
    });
    assert!(server.peak_in_flight() > 40, "{} calls at once", server.peak_in_flight());
    while spend(&rig, &token, Dialect::OpenAi, 0, MAX_TOKENS).status == 200 {}
    let spent = server.bill().usage.usd;
    assert!(spent <= DOLLAR, "{spent} of a dollar");
    assert!(spent > DOLLAR + Usd::from_picos(-BOUND.picos()), "{spent} of a dollar, though another call was to be had");

    // Nothing of that is forgotten when the server dies.
    rig.kill();
    rig.serve();
    assert_eq!(spend(&rig, &token, Dialect::OpenAi, 0, MAX_TOKENS).status, 429);
    while spend(&rig, &token, Dialect::OpenAi, 0, 50).status == 200 {}
    assert!(server.bill().usage.usd <= DOLLAR, "{}", server.bill().usage.usd);
    rig.kill();
    let bill = server.bill().usage;
    let sums = rig.sums("key");
    let recorded = sums.iter().find(|sum| sum["key"] == "app").expect("sums of the key");
    assert_eq!(usd(&recorded["usd"]), bill.usd, "{recorded}");
    let n_answered = recorded["calls"].as_u64().unwrap_or(0) - recorded["failures"].as_u64().unwrap_or(0);
    assert_eq!(n_answered, bill.calls);
}

/// What is set aside may come back in a moment; what is used of a budget in total never does.
#[track_caller]
fn check_refusal(client: Dialect, answer: &Answer) {
    let (kind, message) = dialect::error(client, answer);
    assert_eq!(kind, "rate_limit_error");
    assert!(message.contains("$1.00 in total"), "{message}");
    assert_eq!(answer.header("x-should-retry"), Some("false"));
    let after = message.contains("set aside for calls under way").then_some("1");
    assert_eq!(answer.header("retry-after"), after, "{message}");
}

#[test]
fn limits_are_exact_over_the_death_of_the_server() {
    let server = scripted(Script::new(|_| {
        Reply::text("Yes.").with_tokens(Tokens { input: 60, output: 40, ..Tokens::default() })
    }));
    let mut rig = project(&server);
    // A call uses 100 tokens, or 260 millionths of a dollar; the last that is let in is the last whose bound fits.
    for (option, amount, expected) in [
        ("--rate", "20/month", Some(20)),
        ("--tokens", "4000/month", None),
        ("--budget", "0.007/month", None),
        ("--budget", "0.007 total", None),
    ] {
        let name = format!("{}{}", option.trim_start_matches('-'), amount.replace([' ', '/', '.'], "-"));
        let [lives, dies] = ["lives", "dies"].map(|fate| rig.key(&format!("{name}-{fate}"), &[option, amount]));
        let n_in_one_life = n_let_in(&mut rig, &lives, usize::MAX);
        let n_in_many = n_let_in(&mut rig, &dies, 5);
        assert_eq!(n_in_many, n_in_one_life, "{option} {amount}");
        assert!(n_in_many > 12 && expected.is_none_or(|n| n == n_in_many), "{option} {amount}: {n_in_many}");
    }
    let n_answered = rig.calls().iter().filter(|call| call["status"] == 200).count();
    assert_eq!(n_answered as u64, server.bill().usage.calls);
}

/// How many calls a key is let in for, by a server that is killed after every `per_life` of them.
fn n_let_in(rig: &mut Rig, token: &str, per_life: usize) -> usize {
    let mut n_answered = 0;
    loop {
        rig.serve();
        for _ in 0..per_life {
            let answer = spend(rig, token, Dialect::OpenAi, 2 * n_answered, 40);
            if answer.status == 429 {
                dialect::error(Dialect::OpenAi, &answer);
                rig.kill();
                return n_answered;
            }
            answer.has_status(200);
            n_answered += 1;
        }
        rig.kill();
    }
}
