//! Running programs, with the shell in the part of `yw`.

use std::time::{Duration, Instant};

use yw_testkit::{Workspace, Yw};

fn shell(script: &str) -> Yw {
    Yw::new("/bin/sh").arg("-c").arg(script)
}

#[test]
fn output_and_code_are_captured() {
    let captured = shell("cat; echo oops >&2; exit 3").stdin("hello\n").run();
    assert_eq!((captured.code, captured.stdout.as_str(), captured.stderr.as_str()), (Some(3), "hello\n", "oops\n"));
    captured.exits_with(3);
}

#[test]
fn the_environment_is_clean() {
    let captured = shell("env").env("OPENAI_API_KEY", "scripted").run().success();
    let names: Vec<&str> = captured.stdout.lines().filter_map(|l| l.split('=').next()).collect();
    assert!(names.contains(&"OPENAI_API_KEY") && names.contains(&"NO_COLOR"));
    assert!(!names.iter().any(|n| n.starts_with("CARGO")), "cargo's variables of this test stay out: {names:?}");
}

#[test]
fn snapshots_have_no_folder_and_no_time() {
    let workspace = Workspace::new();
    let captured = shell("echo \"wrote $(pwd -P)/report.html in 12 ms\"").dir(workspace.path()).run();
    assert_eq!(captured.masked(), "exit code: 0\n--- stdout\nwrote [dir]/report.html in [duration]\n--- stderr\n");
}

#[test]
#[should_panic(expected = "expected exit code 0")]
fn failures_fail_the_test() {
    shell("exit 1").run().success();
}

#[test]
fn a_server_is_waited_for_and_killed() {
    let mut running = shell("echo listening on http://127.0.0.1:7878, press; exec sleep 60").spawn();
    assert_eq!(running.wait_for_address(), "http://127.0.0.1:7878");
    let captured = running.kill();
    assert_eq!(captured.code, None);
    assert!(captured.stdout.starts_with("listening"));
}

#[test]
fn a_server_may_end_gracefully() {
    let script = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.02; done";
    let mut running = shell(script).spawn();
    running.wait_for(|text| text.contains("ready").then_some(()));
    assert_eq!(running.terminate().success().stdout, "ready\nbye\n");
}

#[test]
fn waiting_has_an_end() {
    let started = Instant::now();
    let outcome = std::panic::catch_unwind(|| shell("exec sleep 60").timeout(Duration::from_millis(50)).run());
    assert!(outcome.is_err() && started.elapsed() < Duration::from_secs(10));
}
