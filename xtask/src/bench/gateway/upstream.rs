//! The scripted provider, as a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::bench::program::{build_release_example, target_dir};

/// A running scripted server; dropping it kills it.
#[derive(Debug)]
pub(super) struct Upstream {
    child: Child,
    /// Kept open: a server must not fail because nobody reads what it says.
    _stdout: BufReader<ChildStdout>,
    pub(super) address: SocketAddr,
}

impl Upstream {
    /// Builds it and starts it on a free port, on the given core if one is given.
    pub(super) fn start(root: &Path, core: Option<usize>) -> Result<Self, String> {
        build_release_example(root, "yw-testkit", "scripted_server")?;
        let program = target_dir(root)?.join("release/examples/scripted_server");
        let mut command = match core {
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["--cpu-list", &core.to_string()]).arg(&program);
                command
            }
            None => Command::new(&program),
        };
        command
            .args(["--port", "0", "--instant", "It was delivered to your neighbour this morning."])
            .stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|e| format!("{}: {e}", program.display()))?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or("its output is not ours to read")?);
        let mut line = String::new();
        stdout.read_line(&mut line).map_err(|e| e.to_string())?;
        let address = line.trim().rsplit("http://").next().and_then(|rest| rest.split('/').next()?.parse().ok());
        let address = address.ok_or_else(|| format!("the scripted server does not say where it is: `{line}`"))?;
        Ok(Upstream { child, _stdout: stdout, address })
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
