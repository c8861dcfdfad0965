//! Streams that end early, on either side, and answers that come by another way: fallback, hedging, stickiness.

use std::time::{Duration, Instant};

use serde_json::Value;
use yw_task::{Dialect, Usd};
use yw_testkit::{Fault, Reply, Script, ScriptedServer, When};

use super::dialect::{self, CLIENTS, ask};
use super::rig::{Rig, price, provider, scripted, usd};
use crate::support::wait_until;

/// What providers of these tests speak.
const UPSTREAMS: [Dialect; 5] = Dialect::ALL;

const LONG: &str = "Once upon a time there was an answer that took its time, and nobody waited for its end.";

/// A provider of every dialect at one server, all with the model `m`, called `x-openai` and so on.
fn everyone(server: &ScriptedServer) -> Rig {
    let entry = |dialect: Dialect| {
        let name = format!("x-{}", dialect.name());
        provider(&name, dialect, server) + &price(&format!("{name}/m"))
    };
    let mut rig = Rig::new(UPSTREAMS.into_iter().map(entry).collect::<String>()).env("X_BEDROCK_API_KEY", "key");
    rig.serve();
    rig
}

#[test]
fn a_client_that_leaves_stops_the_provider_and_pays_for_what_it_saw() {
    let script = Script::new(|_| Reply::text(LONG)).pace(Duration::from_millis(40));
    let server = scripted(script);
    let mut rig = everyone(&server);
    let mut n_left = 0;
    for upstream in UPSTREAMS {
        for client in CLIENTS {
            let body = ask(client, &format!("x-{}/m", upstream.name()), "Tell me a story.", true).to_string();
            let mut wire = rig.wire();
            wire.post(dialect::path(client), &[], body.as_bytes()).expect("sent");
            let mut head = wire.head().expect("a head");
            assert_eq!(head.status, 200, "{client} from {upstream}");
            let mut seen = Vec::new();
            while !String::from_utf8_lossy(&seen).contains("n a time") {
                seen.extend(wire.piece(&mut head).expect("more").expect("it has not ended"));
            }
            let id = head.header("x-yw-id").expect("an id").to_owned();
            drop(wire);
            n_left += 1;
            wait_until("the provider was told to stop", || server.in_flight() == 0);
            wait_until("the provider saw the client go", || server.bill().abandoned.calls == n_left);
            let call = rig.call(&id);
            let what = format!("{client} from {upstream}: {call:#}");
            assert_eq!(call["error"]["kind"], "client_gone", "{what}");
            assert!(call["estimated"] == true && call["priced"] == true, "{what}");
            let (input, output) = (call["tokens"]["input"].as_u64(), call["tokens"]["output"].as_u64());
            assert!(input > Some(0) && output > Some(0) && output < Some(24), "{what}");
            assert!(usd(&call["usd"]) > Usd::ZERO, "{what}");
        }
    }
    assert_eq!(rig.calls().len() as u64, n_left);
    assert_eq!(server.bill().usage.calls, 0, "none was finished");
    rig.stop();
}

#[test]
fn a_client_that_leaves_before_the_answer_is_recorded_too() {
    let server = scripted(Script::new(|_| Reply::text(LONG)).latency(Duration::from_secs(30)));
    let mut rig = everyone(&server);
    for (n_before, (client, stream)) in CLIENTS.into_iter().flat_map(|c| [(c, false), (c, true)]).enumerate() {
        let body = ask(client, "x-openai/m", "Tell me a story.", stream).to_string();
        let mut wire = rig.wire();
        wire.post(dialect::path(client), &[], body.as_bytes()).expect("sent");
        wait_until("the provider is asked", || server.in_flight() == 1);
        drop(wire);
        wait_until("the provider was told to stop", || server.in_flight() == 0);
        wait_until("the call is in the records", || rig.calls().len() == n_before + 1);
        let call = rig.calls().remove(0);
        assert_eq!(call["error"]["kind"], "client_gone", "{client}: {call:#}");
        assert!(call["estimated"] == true && call["tokens"]["input"].as_u64() > Some(0), "{client}: {call:#}");
        assert_eq!(call["requested"], "x-openai/m");
    }
    rig.stop();
}

/// A server with the route `both`, first to a provider with a fault and then to one without.
fn both(dialect: Dialect, faulty: &ScriptedServer, sound: &ScriptedServer, route: &str) -> Rig {
    let providers = provider("faulty", dialect, faulty) + &provider("sound", dialect, sound);
    let prices = price("faulty/m") + &price("sound/m");
    let toml =
        format!("{providers}{prices}[route.both]\nmodels = [\"faulty/m\", \"sound/m\"]\nbreaker = false\n{route}\n");
    let mut rig = Rig::new(toml).env("FAULTY_API_KEY", "key").env("SOUND_API_KEY", "key");
    rig.serve();
    rig
}

#[test]
fn a_stream_that_dies_before_its_first_content_falls_back_silently() {
    let sound = scripted(Script::new(|_| Reply::text(LONG)));
    for upstream in UPSTREAMS {
        for fault in [
            Fault::CutAfterContent(0),
            Fault::ErrorAfterContent(0),
            Fault::CutBeforeHeaders,
            Fault::Reset,
            Fault::CutAfter(0),
            Fault::CutAfter(9),
            Fault::StallAfterContent(0, Duration::from_secs(30)),
            Fault::status(503),
        ] {
            let faulty = scripted(Script::new(|_| Reply::text("never seen")).fault(When::Always, fault.clone()));
            let mut rig = both(upstream, &faulty, &sound, "first_token_timeout_ms = 400");
            for client in CLIENTS {
                let answer = rig.ask(client, &ask(client, "both", "Tell me.", true)).has_status(200);
                let what = format!("{client} from {upstream} after {fault:?}: {}", answer.text());
                assert!(dialect::is_whole(client, &answer.body), "{what}");
                assert_eq!(dialect::text(client, &answer), LONG, "{what}");
                assert_eq!(answer.header("x-yw-model"), Some("sound/m"), "{what}");
                assert_eq!(answer.header("x-yw-attempts"), Some("2"), "{what}");
                let call = rig.call(&answer.id());
                assert_eq!(
                    (&call["attempts"][0]["model"], &call["model"]),
                    (&"faulty/m".into(), &"m".into()),
                    "{call}"
                );
                assert!(call.get("error").is_none() && call.get("estimated").is_none(), "{call}");
            }
            wait_until("nothing is in flight", || faulty.in_flight() == 0);
            rig.stop();
        }
    }
}

#[test]
fn after_the_first_content_the_client_gets_the_dialects_error_event() {
    let sound = scripted(Script::new(|_| Reply::text(LONG)));
    for upstream in UPSTREAMS {
        for fault in [
            Fault::CutAfterContent(3),
            Fault::ErrorAfterContent(3),
            Fault::StallAfterContent(3, Duration::from_secs(30)),
            Fault::MalformedJson,
        ] {
            let faulty = scripted(Script::new(|_| Reply::text(LONG)).fault(When::Always, fault.clone()));
            let mut rig = both(upstream, &faulty, &sound, "attempt_timeout_ms = 600");
            for client in CLIENTS {
                let answer = rig.ask(client, &ask(client, "both", "Tell me.", true)).has_status(200);
                let what = format!("{client} from {upstream} after {fault:?}: {}", answer.text());
                assert!(!dialect::is_whole(client, &answer.body), "{what}");
                assert!(dialect::stream_error(client, &answer.body).is_some_and(|m| !m.is_empty()), "{what}");
                let text = dialect::text(client, &answer);
                assert!(!text.is_empty() && LONG.starts_with(&text), "{what}");
                let call = rig.call(&answer.id());
                assert_eq!(call["error"]["kind"], "stream_broken", "{what}\n{call:#}");
                assert!(call["priced"] == true && call["tokens"]["output"].as_u64() > Some(0), "{what}\n{call:#}");
            }
            wait_until("nothing is in flight", || faulty.in_flight() == 0);
            rig.stop();
        }
    }
    assert!(sound.requests().is_empty(), "what a client has seen a part of is not begun anew");
}

#[test]
fn a_slow_model_is_overtaken_by_the_next() {
    let slow = scripted(Script::new(|_| Reply::text("slow")).latency(Duration::from_secs(30)));
    let quick = scripted(Script::new(|_| Reply::text("quick")));
    let mut rig = both(Dialect::OpenAi, &slow, &quick, "hedge_after_ms = 150");
    for client in CLIENTS {
        for stream in [false, true] {
            let started = Instant::now();
            let answer = rig.ask(client, &ask(client, "both", "Quick!", stream)).has_status(200);
            assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
            assert_eq!(dialect::text(client, &answer), "quick");
            assert_eq!(answer.header("x-yw-model"), Some("sound/m"));
            wait_until("the slow one was told to stop", || slow.in_flight() == 0);
        }
    }
    assert_eq!((slow.requests().len(), quick.requests().len()), (6, 6));
    rig.stop();
}

#[test]
fn equal_values_of_a_header_stay_with_one_model() {
    let server = scripted(Script::new(|_| Reply::text("here")));
    let toml = format!(
        "{}{}{}[route.split]\nmodels = [\"x/a\", \"x/b\"]\nby = \"weight\"\nsticky = \"x-conversation\"\n",
        provider("x", Dialect::OpenAi, &server),
        price("x/a"),
        price("x/b")
    );
    let mut rig = Rig::start(toml);
    let model = |conversation: &str| {
        let body = ask(Dialect::OpenAi, "split", "Go on.", false);
        let answer = rig.ask_with(Dialect::OpenAi, &[("x-conversation", conversation)], &body).has_status(200);
        answer.header("x-yw-model").expect("a model").to_owned()
    };
    let mut seen = std::collections::BTreeSet::new();
    for conversation in 0..16 {
        let conversation = conversation.to_string();
        let first = model(&conversation);
        assert!((0..3).all(|_| model(&conversation) == first), "{conversation}");
        seen.insert(first);
    }
    assert_eq!(seen.len(), 2, "both models have their share of the conversations");
    rig.stop();
}

#[test]
fn answers_come_from_the_cache_whole_and_streamed() {
    let server = scripted(Script::new(|request| Reply::text(format!("an answer to {}", request.question()))));
    let route = "[route.kept]\nmodels = [\"x/m\"]\ncache_minutes = 5\n[serve]\nkeys = true\n";
    let mut rig = Rig::start(provider("x", Dialect::OpenAi, &server) + &price("x/m") + route);
    let (token, other) = (rig.key("app", &[]), rig.key("other", &[]));
    let bearers = [format!("Bearer {token}"), format!("Bearer {other}")];
    wait_until("the keys are known", || {
        rig.send("GET", "/v1/models", &[("authorization", &bearers[1])], b"").status == 200
    });
    for client in CLIENTS {
        for stream in [false, true] {
            let headers = |key: usize, more: &[(&'static str, &'static str)]| {
                let mut headers = vec![("authorization", bearers[key].as_str())];
                headers.extend(more);
                headers
            };
            let kept = ask(client, "kept", "Again?", stream);
            let send = |key, more: &[(&'static str, &'static str)], body: &Value| {
                rig.ask_with(client, &headers(key, more), body).has_status(200)
            };
            let first = send(0, &[], &kept);
            assert_eq!(first.header("x-yw-cache"), None);
            // An answer is put into the cache while its client already reads it.
            let mut hit = send(0, &[], &kept);
            wait_until("the answer is in the cache", || {
                hit = send(0, &[], &kept);
                hit.header("x-yw-cache") == Some("hit")
            });
            assert_eq!(hit.header("content-type"), first.header("content-type"));
            let n_asked = server.requests().len();
            let again = send(0, &[], &kept);
            assert_eq!((again.header("x-yw-cache"), server.requests().len()), (Some("hit"), n_asked));
            assert_eq!(dialect::text(client, &again), dialect::text(client, &first));
            assert!(!stream || dialect::is_whole(client, &again.body));
            assert!(dialect::text(client, &again).ends_with("to Again?"), "{}", again.text());
            let call = rig.call(&again.id());
            assert!(call["cached"] == true && usd(&call["usd"]) == Usd::ZERO, "{call}");

            let fresh = send(0, &[("cache-control", "no-cache")], &kept);
            assert_eq!((fresh.header("x-yw-cache"), server.requests().len()), (None, n_asked + 1));
            assert_eq!(send(1, &[], &kept).header("x-yw-cache"), None, "another key has its own answers");
            let other = send(0, &[], &ask(client, "kept", "Something else?", stream));
            assert_eq!(other.header("x-yw-cache"), None);

            // Where the route has no cache, a client can ask for one.
            let plain = ask(client, "x/m", "And now?", stream);
            let asked = send(0, &[("x-yw-cache", "60")], &plain);
            assert_eq!(asked.header("x-yw-cache"), None);
            wait_until("the answer is in the cache", || {
                send(0, &[("x-yw-cache", "60")], &plain).header("x-yw-cache") == Some("hit")
            });
            assert_eq!(send(0, &[], &plain).header("x-yw-cache"), None, "without the header it is asked anew");
        }
    }
    let (n_paid, n_cached) = {
        let calls = rig.calls();
        let n_cached = calls.iter().filter(|call| call["cached"] == true).count();
        (calls.len() - n_cached, n_cached)
    };
    assert!(n_cached >= 12);
    assert_eq!(server.bill().usage.calls, n_paid as u64, "what came from the cache was not paid for");
    rig.stop();
}
