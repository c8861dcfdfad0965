//! What a reply costs the server: it is the upstream of load tests and must not be what they measure.

use std::fs;

use serde_json::json;
use yw_task::Dialect;
use yw_testkit::{Reply, Script, ScriptedServer, Tokens};

use crate::client::{Client, DIALECTS, as_stream, ask_plainly, path, post, said, send};

/// CPU time of the server's thread so far, in nanoseconds, and of that the kernel's, in steps of 10 ms.
fn server_cpu_ns() -> (u64, u64) {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|entry| entry.unwrap().path());
    let of_server =
        |task: &std::path::PathBuf| fs::read_to_string(task.join("comm")).unwrap().trim() == "scripted-server";
    let task = tasks.into_iter().find(of_server).expect("the server has a thread");
    let read = |file: &str| fs::read_to_string(task.join(file)).unwrap();
    let ticks = read("stat").rsplit_once(") ").unwrap().1.split(' ').nth(12).unwrap().parse::<u64>().unwrap();
    (read("schedstat").split(' ').next().unwrap().parse().unwrap(), ticks * 10_000_000)
}

/// Run alone, and with optimisation: `cargo test --release -p yw-testkit --test it -- --ignored --nocapture speed`.
#[test]
#[ignore = "a measurement"]
fn a_reply_costs_little() {
    let tokens = Tokens { input: 250, output: 5, ..Tokens::default() };
    let scripts = [
        ("instant", Script::instant("A short answer.", tokens)),
        ("scripted", Script::new(|_| Reply::text("A short answer.")).without_records()),
    ];
    for (name, script) in scripts {
        measure(name, &ScriptedServer::spawn_thread(script).unwrap());
    }
}

#[allow(clippy::print_stdout, reason = "it measures")]
fn measure(script: &str, server: &ScriptedServer) {
    const N_REQUESTS: u32 = 5_000;
    let plain = json!({ "model": "m", "messages": [{ "role": "user", "content": "x".repeat(960) }] });
    for (name, body) in [("whole", plain.clone()), ("stream", as_stream(Dialect::OpenAi, plain))] {
        let request = post(path(Dialect::OpenAi), &body.to_string(), "content-type: application/json\r\n");
        let mut client = Client::connect(server.address());
        let mut ask = || {
            client.send(&request);
            assert_eq!(client.receive().unwrap().status, 200);
        };
        (0..500).for_each(|_| ask());
        let before = server_cpu_ns();
        (0..N_REQUESTS).for_each(|_| ask());
        let after = server_cpu_ns();
        let micros = |ns: u64| ns as f64 / 1e3 / f64::from(N_REQUESTS);
        let (all, kernel) = (micros(after.0 - before.0), micros(after.1 - before.1));
        println!(
            "{script} {name}: {all:.1} µs of CPU, {kernel:.0} in the kernel, for a request of {} bytes",
            request.len()
        );
    }
}

#[test]
fn instant_replies_are_replies() {
    let tokens = Tokens { input: 250, output: 5, ..Tokens::default() };
    let instant = ScriptedServer::spawn_thread(Script::instant("A short answer.", tokens)).unwrap();
    let usual =
        ScriptedServer::spawn_thread(Script::new(move |_| Reply::text("A short answer.").with_tokens(tokens))).unwrap();
    for dialect in DIALECTS {
        for body in [ask_plainly(dialect, "q"), as_stream(dialect, ask_plainly(dialect, "q"))] {
            let [found, expected] = [&instant, &usual].map(|server| send(server, dialect, &body).unwrap());
            assert!(found.complete && found.status == 200);
            assert_eq!(found.header("content-type"), expected.header("content-type"));
            assert_eq!((said(dialect, &found), found.n_chunks), (said(dialect, &expected), expected.n_chunks));
        }
    }
    assert_eq!(instant.bill().usage, usual.bill().usage);
    let unread = send(&instant, Dialect::OpenAi, &json!({})).unwrap();
    assert_eq!(unread.status, 200, "a body is not read");
}
