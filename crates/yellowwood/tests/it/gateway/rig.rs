//! A server in front of scripted providers, and what its commands say of it.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use yw_task::{Dialect, Usd};
use yw_testkit::{Captured, Running, Script, ScriptedServer, Workspace};

use super::dialect;
use super::wire::{Answer, Wire};
use crate::support::yw;

/// A project whose server can be started, killed and started again.
pub(super) struct Rig {
    pub(super) workspace: Workspace,
    environment: Vec<(String, String)>,
    running: Option<Running>,
    pub(super) address: String,
}

impl Rig {
    /// A project of this file, with its server started.
    #[track_caller]
    pub(super) fn start(toml: impl AsRef<str>) -> Self {
        let mut rig = Rig::new(toml);
        rig.serve();
        rig
    }

    /// A project of this file.
    pub(super) fn new(toml: impl AsRef<str>) -> Self {
        Rig::at(Workspace::new().file("yellowwood.toml", toml.as_ref()))
    }

    /// The project in this folder.
    pub(super) fn at(workspace: Workspace) -> Self {
        Rig { workspace, environment: Vec::new(), running: None, address: String::new() }
    }

    /// The same with this variable in the environment of all its commands.
    pub(super) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the server.
    #[track_caller]
    pub(super) fn serve(&mut self) {
        let mut running = self.command(&["serve", "--address", "127.0.0.1:0"]).spawn();
        self.address = running.wait_for_address().trim_start_matches("http://").to_owned();
        self.running = Some(running);
    }

    /// Kills the server where it stands.
    pub(super) fn kill(&mut self) -> Captured {
        self.running.take().expect("a server runs").kill()
    }

    /// Asks the server to end, and expects an orderly one.
    #[track_caller]
    pub(super) fn stop(&mut self) -> Captured {
        self.running.take().expect("a server runs").terminate().success()
    }

    /// The id of the server's process.
    pub(super) fn process_id(&self) -> u32 {
        self.running.as_ref().expect("a server runs").id()
    }

    fn command(&self, args: &[&str]) -> yw_testkit::Yw {
        let call = yw(args).dir(self.workspace.path());
        self.environment.iter().fold(call, |call, (name, value)| call.env(name, value))
    }

    /// Runs a command to its end.
    #[track_caller]
    pub(super) fn yw(&self, args: &[&str]) -> Captured {
        self.command(args).run().success()
    }

    /// Makes a key.
    #[track_caller]
    pub(super) fn key(&self, name: &str, args: &[&str]) -> String {
        let args = [&["key", "create", "--name", name, "--format", "json"], args].concat();
        let made: Value = serde_json::from_str(&self.yw(&args).stdout).expect("a key as JSON");
        let token = ["token", "key"].iter().find_map(|field| made[field].as_str().filter(|t| t.starts_with("yw-")));
        token.unwrap_or_else(|| panic!("no token in {made}")).to_owned()
    }

    /// A new connection.
    #[track_caller]
    pub(super) fn wire(&self) -> Wire {
        Wire::connect(&self.address).unwrap_or_else(|e| panic!("cannot connect: {e}"))
    }

    /// Asks once, on a connection of its own.
    #[track_caller]
    pub(super) fn ask(&self, client: Dialect, body: &Value) -> Answer {
        self.ask_with(client, &[], body)
    }

    #[track_caller]
    pub(super) fn ask_with(&self, client: Dialect, headers: &[(&str, &str)], body: &Value) -> Answer {
        self.send("POST", dialect::path(client), headers, body.to_string().as_bytes())
    }

    #[track_caller]
    pub(super) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut wire = self.wire();
        wire.send(method, path, headers, body).unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        wire.answer().unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    #[track_caller]
    pub(super) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    /// All records, the latest first.
    #[track_caller]
    pub(super) fn calls(&self) -> Vec<Value> {
        lines(&self.yw(&["calls", "--limit", "1000000", "--format", "json"]).stdout)
    }

    /// The record of one call.
    #[track_caller]
    pub(super) fn call(&self, id: &str) -> Value {
        serde_json::from_str(&self.yw(&["calls", "--id", id]).stdout).expect("a record as JSON")
    }

    /// The sums of the records.
    #[track_caller]
    pub(super) fn sums(&self, by: &str) -> Vec<Value> {
        lines(&self.yw(&["calls", "--by", by, "--format", "json"]).stdout)
    }

    /// What the server holds in memory, in KiB.
    #[cfg(target_os = "linux")]
    pub(super) fn rss_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process_id()))
            .expect("the system tells of processes");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
        line.trim().trim_end_matches("kB").trim().parse().expect("a number")
    }
}

fn lines(text: &str) -> Vec<Value> {
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
}

/// Exact dollars, in text as records have them.
#[track_caller]
pub(super) fn usd(value: &Value) -> Usd {
    let text = value.as_str().unwrap_or_else(|| panic!("no dollars: {value}"));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = format!("{fraction:0<12}");
    let (whole, fraction): (i128, i128) = (whole.parse().expect("dollars"), fraction.parse().expect("picodollars"));
    Usd::from_picos(whole * 1_000_000_000_000 + fraction)
}

/// A scripted provider on a thread of its own.
pub(super) fn scripted(script: Script) -> ScriptedServer {
    ScriptedServer::spawn_thread(script).expect("a scripted server starts")
}

/// The entry of a provider in a project file.
pub(super) fn provider(name: &str, dialect: Dialect, server: &ScriptedServer) -> String {
    let base_url = server.base_url(dialect);
    format!("[provider.{name}]\ndialect = \"{}\"\nbase_url = \"{base_url}\"\ntimeout_ms = 10_000\n", dialect.name())
}

/// The entry of a model's price: that of the scripted server, without writes to a cache.
pub(super) fn price(model: &str) -> String {
    format!("[price.\"{model}\"]\ninput = 1.0\ncached_input = 0.1\noutput = 5.0\n")
}

/// Runs `work` on `n_threads` threads until `n_jobs` numbers have been given out.
pub(super) fn in_parallel(n_threads: usize, n_jobs: usize, work: impl Fn(&mut dyn Iterator<Item = usize>) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..n_threads {
            scope.spawn(|| {
                let mut jobs =
                    std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)).filter(|job| *job < n_jobs));
                work(&mut jobs);
            });
        }
    });
}
