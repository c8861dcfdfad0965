//! What a client has seen the end of is in the records, whatever happens to the server then.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use yw_task::{Dialect, Usd};
use yw_testkit::{Reply, Rng, Script};

use super::dialect::{self, CLIENTS, ask};
use super::rig::{Rig, price, provider, scripted, usd};

const N_LIVES: usize = 12;
const N_CLIENTS: usize = 8;

#[test]
fn no_call_that_ended_is_lost_when_the_server_is_killed() {
    let server =
        scripted(Script::new(|request| Reply::text(format!("You said: {}", request.question()))).without_records());
    let mut rig = Rig::new(provider("x", Dialect::OpenAi, &server) + &price("x/m"));
    let mut rng = Rng::new(7);
    let mut ended: Vec<(String, String)> = Vec::new();
    for life in 0..N_LIVES {
        rig.serve();
        let seen = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            let (rig, seen) = (&rig, &seen);
            let clients: Vec<_> = (0..N_CLIENTS)
                .map(|client| scope.spawn(move || ask_until_it_dies(rig, life * N_CLIENTS + client, seen)))
                .collect();
            std::thread::sleep(Duration::from_millis(150 + rng.below(250) as u64));
            kill(rig);
            clients.into_iter().for_each(|client| client.join().expect("a client ends with its server"));
        });
        rig.kill();
        let seen = seen.into_inner().expect("no client panicked");
        assert!(!seen.is_empty(), "life {life} was too short");
        ended.extend(seen);
        if life % 4 == 3 {
            check(&rig, &ended);
        }
    }
    assert!(ended.len() > 200, "{} calls in all", ended.len());
    let recorded: Usd = rig.sums("model").iter().map(|sum| usd(&sum["usd"])).fold(Usd::ZERO, |sum, usd| sum + usd);
    let missing = server.bill().usage.usd.picos() - recorded.picos();
    // What the provider has billed and no client has seen the end of: at most a call for each client and life.
    assert!(missing <= (N_LIVES * N_CLIENTS) as i128 * 200_000_000, "{missing} picodollars are missing");
}

/// Asks one thing after another, and notes the ids of those calls whose end it sees.
fn ask_until_it_dies(rig: &Rig, number: usize, seen: &Mutex<Vec<(String, String)>>) {
    let Ok(mut wire) = super::wire::Wire::connect(&rig.address) else { return };
    for n in 0.. {
        let client = CLIENTS[(number + n) % CLIENTS.len()];
        let stream = n % 2 == 0;
        let question = format!("{number}, {n}");
        let body = ask(client, "x/m", &question, stream).to_string();
        let sent = wire.post(dialect::path(client), &[], body.as_bytes());
        let Ok(answer) = sent.and_then(|()| wire.answer()) else { return };
        let answer = answer.has_status(200);
        assert_eq!(dialect::text(client, &answer), format!("You said: {question}"));
        seen.lock().expect("no client panicked").push((answer.id(), client.name().to_owned()));
    }
}

/// Kills the server without waiting for its pipes.
fn kill(rig: &Rig) {
    let killed = std::process::Command::new("kill").arg("-KILL").arg(rig.process_id().to_string()).status();
    assert!(killed.is_ok_and(|status| status.success()));
}

fn check(rig: &Rig, ended: &[(String, String)]) {
    let calls = rig.calls();
    let by_id: BTreeMap<&str, &Value> = calls.iter().map(|call| (call["id"].as_str().unwrap_or(""), call)).collect();
    assert_eq!(by_id.len(), calls.len(), "no record is there twice");
    for (id, client) in ended {
        let call = by_id.get(id.as_str()).unwrap_or_else(|| panic!("the call {id} is lost"));
        assert_eq!((&call["client"], &call["status"]), (&client.as_str().into(), &200.into()), "{call}");
        assert!(usd(&call["usd"]) > Usd::ZERO && call.get("error").is_none(), "{call}");
    }
}
