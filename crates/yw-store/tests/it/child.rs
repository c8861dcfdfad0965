//! Other processes: this test binary again, with a role.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use yw_store::{Store, new_id};

use crate::support::{at, call_record, log_record, new_artifact, promotion, run_record};

const ROLE: &str = "YW_STORE_TEST_ROLE";
const STATE_DIR: &str = "YW_STORE_TEST_STATE_DIR";

/// What a child does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Writes a bit of everything for ever, and says what was acknowledged.
    Write,
    /// Holds the run lock for ever.
    Lock,
    /// Fills a small disk; see `disk.rs`.
    FillDisk,
}

/// The command that runs this binary in a role.
pub(crate) fn command(role: Role, state_dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child::in_a_role", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, format!("{role:?}")).env(STATE_DIR, state_dir).stdout(Stdio::piped());
    command
}

/// A child, and the lines that it says.
pub(crate) struct Talker {
    pub(crate) process: Child,
    pub(crate) lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Talker {
    pub(crate) fn start(role: Role, state_dir: &Path) -> Self {
        let mut process = command(role, state_dir).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Talker { process, lines }
    }

    /// Kills it with a signal that it cannot see coming, and returns what it had still said.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        // The last line may be half; a half line acknowledges nothing.
        let mut said = Vec::new();
        let reader = &mut self.lines;
        for line in reader {
            said.push(line.unwrap());
        }
        said
    }
}

/// Says a line. One write, so that it is said whole or not at all.
pub(crate) fn say(line: &str) {
    std::io::stdout().write_all(format!("{line};\n").as_bytes()).unwrap();
}

#[test]
fn in_a_role() {
    let (Ok(role), Some(state_dir)) = (std::env::var(ROLE), std::env::var_os(STATE_DIR)) else { return };
    let state_dir = Path::new(&state_dir);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    say("\nbegun");
    match role.as_str() {
        "Write" => runtime.block_on(write(state_dir)),
        "Lock" => runtime.block_on(async {
            let store = Store::open(state_dir).await.unwrap();
            let _lock = store.lock_run().await.unwrap();
            say("locked");
            std::future::pending::<()>().await;
        }),
        "FillDisk" => runtime.block_on(crate::disk::fill(state_dir)),
        other => panic!("no role {other}"),
    }
}

async fn write(state_dir: &Path) {
    let store = Store::open(state_dir).await.unwrap();
    let log = store.log().await.unwrap();
    let fitted = tempfile::tempdir().unwrap();
    for n in 0.. {
        for _ in 0..20 {
            let id = new_id();
            log.append(&[log_record(&id, n)]).await.unwrap();
            say(&format!("log {id}"));
            log.append_call(&call_record(&id, n)).unwrap();
            say(&format!("call {id}"));
        }
        let id = new_id();
        let key = *blake3::hash(id.as_bytes()).as_bytes();
        store.replies_put(&key, id.as_bytes()).await.unwrap();
        say(&format!("reply {id}"));
        store.insert_run(&run_record(&id, at(n))).await.unwrap();
        say(&format!("run {id}"));
        std::fs::write(fitted.path().join("weights"), &id).unwrap();
        let artifact = store.put_artifact(fitted.path(), new_artifact()).await.unwrap();
        say(&format!("artifact {artifact}"));
        store.promote(&promotion(&id, &artifact, n)).await.unwrap();
        say(&format!("champion {id}"));
    }
}
