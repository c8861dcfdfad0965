//! Whatever a provider does, the client gets an answer, or the error that its own package knows; and nothing is left
//! behind.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use yw_task::Dialect;
use yw_testkit::{ChatRequest, Fault, Reply, Script, ScriptedServer};

use super::dialect::{self, CLIENTS, ask};
use super::rig::{Rig, in_parallel, price, provider, scripted};
use super::wire::{Answer, Wire};
use crate::support::wait_until;

const TEXT: &str = "Straße, 東京 and 🦀: an answer.";

/// A scripted server whose faults are named by the model, as in `yw-testkit`'s scripts by model.
fn faulty() -> ScriptedServer {
    scripted(Script::by_model(1).models(["m"]))
}

/// For every dialect a provider, a route `once-…` to a faulty model without any retry, and a route `safe-…` on which a
/// sound model follows it. Faults are set by naming the models of routes.
fn project(server: &ScriptedServer, faults: &[(&str, &str)]) -> Rig {
    project_with(server, faults, 1_500)
}

fn project_with(server: &ScriptedServer, faults: &[(&str, &str)], timeout_ms: u64) -> Rig {
    let mut toml = String::new();
    for upstream in Dialect::ALL {
        let name = format!("x-{}", upstream.name());
        toml += &(provider(&name, upstream, server) + &price(&format!("{name}/say:sound")));
        for (fault, model) in faults {
            let route = |kind: &str, models: String| {
                format!(
                    "[route.\"{kind}-{fault}-{}\"]\nmodels = [{models}]\nretries = 0\nbreaker = false\n\
                     attempt_timeout_ms = {timeout_ms}\n",
                    upstream.name()
                )
            };
            toml += &route("once", format!("\"{name}/{model}\""));
            toml += &route("safe", format!("\"{name}/{model}\", \"{name}/say:sound\""));
        }
    }
    let mut rig = Rig::new(toml).env("X_BEDROCK_API_KEY", "key");
    rig.serve();
    rig
}

/// Asks over the route that ends with the fault, and over the one that falls back: every pair of dialects, at once.
#[track_caller]
fn check(rig: &Rig, fault: &str, expected: impl Fn(Dialect, Dialect, bool, &Answer) + Sync) {
    let n_pairs = Dialect::ALL.len() * CLIENTS.len();
    in_parallel(n_pairs, n_pairs, |pairs| {
        for pair in pairs {
            let (upstream, client) = (Dialect::ALL[pair / CLIENTS.len()], CLIENTS[pair % CLIENTS.len()]);
            for stream in [false, true] {
                let [once, safe] = ["once", "safe"].map(|kind| format!("{kind}-{fault}-{}", upstream.name()));
                let answer = rig.ask(client, &ask(client, &once, "Is it so?", stream));
                assert!(
                    std::str::from_utf8(&answer.body).is_ok(),
                    "{fault}: {client} from {upstream}: {}",
                    answer.text()
                );
                expected(client, upstream, stream, &answer);
                let answer = rig.ask(client, &ask(client, &safe, "Is it so?", stream)).has_status(200);
                let what = format!("{fault}: {client} from {upstream}, stream {stream}: {}", answer.text());
                assert_eq!(dialect::text(client, &answer), "sound", "{what}");
                assert!(!stream || dialect::is_whole(client, &answer.body), "{what}");
            }
        }
    });
    let calls = rig.calls();
    let failed: Vec<_> =
        calls.iter().filter(|call| call["requested"].as_str() == Some(&format!("once-{fault}-openai"))).collect();
    assert_eq!(failed.len(), 2 * CLIENTS.len());
    for call in failed {
        assert!(call["status"].as_u64() >= Some(400), "{call}");
        assert!(!call["error"]["message"].as_str().unwrap_or("").is_empty(), "{call}");
    }
}

#[test]
fn error_statuses_are_the_clients_own_or_unseen() {
    let statuses = [429, 500, 503, 529];
    let models = statuses.map(|status| (status.to_string(), format!("status:{status}:7")));
    let faults: Vec<(&str, &str)> = models.iter().map(|(name, model)| (name.as_str(), model.as_str())).collect();
    let server = faulty();
    let mut rig = project(&server, &faults);
    for status in statuses {
        check(&rig, &status.to_string(), |client, upstream, _, answer| {
            let what = format!("{client} from {upstream}: {} {}", answer.status, answer.text());
            assert_eq!(answer.status, status, "{what}");
            let (kind, message) = dialect::error(client, answer);
            // Of 503 some providers say that they have too much to do.
            let is_right =
                kind == dialect::error_type(client, status) || (status, kind.as_str()) == (503, "overloaded_error");
            assert!(is_right, "{what}");
            assert!(message.contains("a scripted error"), "{what}");
            assert_eq!(answer.header("retry-after"), Some("7"), "{what}");
        });
    }
    assert_eq!(server.in_flight(), 0);
    rig.stop();
}

#[test]
fn connections_that_fail_are_errors_or_unseen() {
    let server = faulty();
    let faults = [("closed", "close"), ("reset", "reset"), ("slow", "slow:30000"), ("bytes", "bytes:40+say:word")];
    let mut rig = project(&server, &faults);
    for (fault, _) in faults {
        check(&rig, fault, |client, upstream, _, answer| {
            let what = format!("{fault}: {client} from {upstream}: {} {}", answer.status, answer.text());
            let expected = if fault == "slow" { [504, 408] } else { [502, 500] };
            assert!(expected.contains(&answer.status), "{what}");
            assert_eq!(dialect::error(client, answer).0, dialect::error_type(client, answer.status), "{what}");
        });
    }
    wait_until("nothing is in flight", || server.in_flight() == 0);
    rig.stop();
}

#[test]
fn answers_that_cannot_be_read_are_errors_or_unseen() {
    let server = faulty();
    let mut rig = project(&server, &[("json", "malformed"), ("error", "error:0"), ("many", "headers:10000")]);
    for fault in ["error", "many"] {
        check(&rig, fault, |client, upstream, _, answer| {
            let what = format!("{fault}: {client} from {upstream}: {} {}", answer.status, answer.text());
            assert!(answer.status >= 500, "{what}");
            assert_eq!(dialect::error(client, answer).0, dialect::error_type(client, answer.status), "{what}");
        });
    }
    // The middle of a stream is behind its first content: the client has seen a part, and gets an event.
    for upstream in Dialect::ALL {
        for client in CLIENTS {
            let [once, safe] = ["once", "safe"].map(|kind| format!("{kind}-json-{}", upstream.name()));
            let answer = rig.ask(client, &ask(client, &once, "Is it so?", false));
            assert_eq!(dialect::error(client, &answer).0, dialect::error_type(client, 502), "{}", answer.text());
            assert_eq!(
                dialect::text(client, &rig.ask(client, &ask(client, &safe, "So?", false)).has_status(200)),
                "sound"
            );
        }
    }
    assert_eq!(server.in_flight(), 0);
    rig.stop();
}

#[test]
fn no_client_gets_bytes_that_are_no_utf8() {
    let server = faulty();
    let mut rig = project(&server, &[("utf8", "utf8")]);
    for upstream in Dialect::ALL {
        for client in CLIENTS {
            for stream in [false, true] {
                let model = format!("once-utf8-{}", upstream.name());
                let answer = rig.ask(client, &ask(client, &model, "Is it so?", stream));
                let what = format!("{client} from {upstream}, stream {stream}: {} {:?}", answer.status, answer.text());
                assert!(std::str::from_utf8(&answer.body).is_ok(), "{what}");
                let is_error = answer.status >= 500 || dialect::stream_error(client, &answer.body).is_some();
                assert!(is_error || dialect::text(client, &answer).contains('\u{fffd}'), "{what}");
            }
        }
    }
    rig.stop();
}

#[test]
fn nobody_there_is_an_error_or_unseen() {
    let server = faulty();
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("it has one").port()
    };
    let mut toml = provider("sound", Dialect::OpenAi, &server);
    for (name, address) in
        [("refusing", format!("http://127.0.0.1:{closed}/v1")), ("unknown", "http://no-such-host.invalid/v1".into())]
    {
        toml += &format!("[provider.{name}]\nbase_url = \"{address}\"\nkey = false\n");
        toml += &format!("[route.once-{name}]\nmodels = [\"{name}/m\"]\nretries = 0\nbreaker = false\n");
        toml += &format!(
            "[route.safe-{name}]\nmodels = [\"{name}/m\", \"sound/say:sound\"]\nretries = 0\nbreaker = false\n"
        );
    }
    let mut rig = Rig::start(toml);
    for name in ["refusing", "unknown"] {
        for client in CLIENTS {
            for stream in [false, true] {
                let started = Instant::now();
                let answer = rig.ask(client, &ask(client, &format!("once-{name}"), "Hello?", stream)).has_status(502);
                assert_eq!(dialect::error(client, &answer).0, dialect::error_type(client, 502), "{}", answer.text());
                let answer = rig.ask(client, &ask(client, &format!("safe-{name}"), "Hello?", stream)).has_status(200);
                assert_eq!(dialect::text(client, &answer), "sound");
                assert!(started.elapsed() < Duration::from_secs(20), "{name}: {:?}", started.elapsed());
            }
        }
    }
    rig.stop();
}

/// Splits a stream where the question says.
fn split(request: &ChatRequest) -> Reply {
    let reply = Reply::text(TEXT);
    match request.question().rsplit(' ').next().and_then(|word| word.parse().ok()) {
        Some(0) => reply.with_fault(Fault::Fragments(1)),
        Some(at) => reply.with_fault(Fault::SplitAt(at)),
        None => reply,
    }
}

#[test]
fn streams_may_be_split_at_any_byte() {
    let server = scripted(Script::new(split).without_records());
    let entry = |upstream: Dialect| provider(&format!("x-{}", upstream.name()), upstream, &server);
    let mut rig = Rig::new(Dialect::ALL.into_iter().map(entry).collect::<String>()).env("X_BEDROCK_API_KEY", "key");
    rig.serve();
    let stream = |wire: &mut Wire, client: Dialect, upstream: Dialect, at: usize| {
        let body = ask(client, &format!("x-{}/m", upstream.name()), &format!("Split at {at}"), true).to_string();
        wire.post(dialect::path(client), &[], body.as_bytes()).expect("sent");
        let answer = wire.answer().expect("an answer").has_status(200);
        assert!(dialect::is_whole(client, &answer.body), "{client} from {upstream} at {at}: {}", answer.text());
        assert_eq!(dialect::text(client, &answer), TEXT, "{client} from {upstream} at {at}");
        answer.body.len()
    };
    // A byte at a time, which is every position at once, for all pairs.
    for upstream in Dialect::ALL {
        CLIENTS.into_iter().for_each(|client| _ = stream(&mut rig.wire(), client, upstream, 0));
    }
    // And each position for itself, where bytes pass through and where they are translated.
    let pairs = [
        (Dialect::OpenAi, Dialect::OpenAi),
        (Dialect::Anthropic, Dialect::Anthropic),
        (Dialect::OpenAi, Dialect::Bedrock),
    ];
    let n_bytes = stream(&mut rig.wire(), Dialect::Anthropic, Dialect::Anthropic, 100_000) + 200;
    in_parallel(6, pairs.len() * n_bytes, |jobs| {
        let mut wire = rig.wire();
        for job in jobs {
            let (client, upstream) = pairs[job % pairs.len()];
            stream(&mut wire, client, upstream, 1 + job / pairs.len());
        }
    });
    assert_eq!(server.bill().usage.calls as usize, 16 + pairs.len() * n_bytes);
    assert_eq!(server.in_flight(), 0);
    rig.stop();
}

const MIB: usize = 1 << 20;

#[cfg(target_os = "linux")]
#[test]
fn large_bodies_pass_and_larger_ones_are_refused_without_being_kept() {
    let server = scripted(Script::by_model(1).without_records());
    let huge = format!("huge:{}+say:large", 50 * MIB);
    let too_huge = format!("huge:{}+say:large", 80 * MIB);
    let mut rig = project_with(&server, &[("huge", &huge), ("too-huge", &too_huge)], 60_000);
    let small = |rig: &Rig| {
        for client in CLIENTS {
            rig.ask(client, &ask(client, "x-openai/say:sound", "Small.", true)).has_status(200);
        }
    };
    let round = |rig: &Rig| {
        let client = Dialect::OpenAi;
        let answer = rig.ask(client, &with_picture(client, "x-openai/say:seen", 50 * MIB)).has_status(200);
        assert_eq!(dialect::text(client, &answer), "seen");
        let client = Dialect::Anthropic;
        let answer = rig.ask(client, &ask(client, "once-huge-openai", "Large?", false)).has_status(200);
        assert_eq!(dialect::text(client, &answer), "large");
        (0..20).for_each(|_| small(rig));
        rig.rss_kib()
    };
    (0..20).for_each(|_| small(&rig));
    let before = rig.rss_kib();
    let client = Dialect::Anthropic;
    let answer = rig.ask(client, &with_picture(client, "x-anthropic/say:seen", 70 * MIB)).has_status(413);
    assert_eq!(dialect::error(client, &answer).0, dialect::error_type(client, 413));
    assert!(rig.ask(client, &ask(client, "safe-too-huge-openai", "Larger?", false)).status >= 500);
    // No event is so long: a stream that never comes to its first content is given up on.
    let answer = rig.ask(client, &ask(client, "safe-too-huge-openai", "Larger?", true)).has_status(200);
    assert_eq!(dialect::text(client, &answer), "sound");
    wait_until("nothing is in flight", || server.in_flight() == 0);
    let rounds = [round(&rig), round(&rig), round(&rig)];
    // The system's allocator keeps some of what was freed for the next large body; that must not add up.
    let report = format!("{before} KiB before, {rounds:?} after rounds of bodies of 50 MiB");
    assert!(rounds[2] < before + 128 * 1024 && rounds[2] < rounds[0].max(rounds[1]) + 24 * 1024, "{report}");
    rig.stop();
}

/// A question with a picture of so many bytes.
fn with_picture(client: Dialect, model: &str, n_bytes: usize) -> Value {
    let data = "A".repeat(n_bytes);
    let picture = match client {
        Dialect::Anthropic => {
            json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": data } })
        }
        _ => json!({ "type": "image_url", "image_url": { "url": format!("data:image/png;base64,{data}") } }),
    };
    let mut body = ask(client, model, "", false);
    body["messages"][0]["content"] = json!([{ "type": "text", "text": "What is it?" }, picture]);
    body
}
