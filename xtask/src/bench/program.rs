//! The program under test: the release build of `yw`, and a server that it runs.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use cargo_metadata::MetadataCommand;
use serde_json::{Map, Value};

use super::http::{self, Connection};

/// The release build of `yw`.
#[derive(Debug)]
pub(crate) struct Program {
    yw: PathBuf,
    /// Where benchmarks keep their projects.
    bench_dir: PathBuf,
}

impl Program {
    /// Finds the binary in cargo's target folder; builds it if it is not there.
    pub(crate) fn find(root: &Path) -> Result<Self, String> {
        let target_dir = target_dir(root)?;
        let yw = target_dir.join("release").join(format!("yw{}", std::env::consts::EXE_SUFFIX));
        if !yw.is_file() {
            crate::report("there is no release build of yw yet; building it");
            build_release(root, "yellowwood")?;
        }
        Ok(Program { yw, bench_dir: target_dir.join("bench") })
    }

    /// An empty folder for a benchmark's project; what an earlier run left there is gone.
    pub(crate) fn fresh_dir(&self, name: &str) -> Result<PathBuf, String> {
        let dir = self.bench_dir.join(name);
        let failed = |e| format!("{}: {e}", dir.display());
        if dir.exists() {
            std::fs::remove_dir_all(&dir).map_err(failed)?;
        }
        std::fs::create_dir_all(&dir).map_err(failed)?;
        Ok(dir)
    }

    /// A call of `yw`, without the keys of whoever runs the benchmark: nothing here may cost money.
    pub(crate) fn command(&self) -> Command {
        without_keys(Command::new(&self.yw))
    }

    /// Runs `yw` to its end and returns what it wrote to standard output.
    pub(crate) fn run(&self, args: &[&str], dir: &Path) -> Result<String, String> {
        let output = self.command().args(args).current_dir(dir).output();
        let output = output.map_err(|e| format!("{}: {e}", self.yw.display()))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(format!("yw {}: {}\n{}", args.join(" "), output.status, String::from_utf8_lossy(&output.stderr)))
        }
    }

    /// Starts `yw serve` on a free port, on the given core if one is given, and waits until it is ready.
    pub(crate) fn serve(&self, project: &Path, core: Option<usize>) -> Result<Server, String> {
        let mut command = match core {
            // taskset becomes the program it is given: the process is the server's.
            Some(core) => {
                let mut command = without_keys(Command::new("taskset"));
                command.args(["--cpu-list", &core.to_string()]).arg(&self.yw);
                command
            }
            None => self.command(),
        };
        std::fs::create_dir_all(&self.bench_dir).map_err(|e| format!("{}: {e}", self.bench_dir.display()))?;
        let notes = self.bench_dir.join("serve.stderr");
        let stderr = File::create(&notes).map_err(|e| format!("{}: {e}", notes.display()))?;
        command.arg("serve").arg(project).args(["--address", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(stderr);
        let started = Instant::now();
        let child = command.spawn().map_err(|e| format!("yw serve cannot be started: {e}"))?;
        Server::ready(child, started).map_err(|e| {
            let notes = std::fs::read_to_string(&notes).unwrap_or_default();
            format!("yw serve {}: {e}\n{notes}", project.display())
        })
    }
}

/// Cargo's target folder.
pub(crate) fn target_dir(root: &Path) -> Result<PathBuf, String> {
    let metadata = MetadataCommand::new().manifest_path(root.join("Cargo.toml")).no_deps().exec();
    Ok(metadata.map_err(|e| format!("cargo metadata failed: {e}"))?.target_directory.into_std_path_buf())
}

/// Makes the release build of a package, or finds it fresh.
pub(crate) fn build_release(root: &Path, package: &str) -> Result<(), String> {
    build(root, &["-p", package])
}

/// Makes the release build of an example, or finds it fresh.
pub(crate) fn build_release_example(root: &Path, package: &str, example: &str) -> Result<(), String> {
    build(root, &["-p", package, "--example", example])
}

fn build(root: &Path, what: &[&str]) -> Result<(), String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--release"]).args(what).current_dir(root);
    // What `cargo run` says about this package would make build scripts that look at it run again, and half of the
    // dependencies with them.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    let built = command.status();
    if built.as_ref().is_ok_and(|status| status.success()) {
        Ok(())
    } else {
        Err(format!("cargo build --release failed: {built:?}"))
    }
}

/// What /proc says of a process's memory, such as `VmRSS:`, in MB (10⁶ bytes); none where there is no /proc.
pub(crate) fn memory_mb(process: &str, entry: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kib: f64 =
        status.lines().find_map(|l| l.strip_prefix(entry))?.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

fn without_keys(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().ends_with("_API_KEY") {
            command.env_remove(name);
        }
    }
    command
}

/// A running `yw serve`; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Kept open: a server must not fail because nobody reads what it says.
    _stdout: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
    /// From the start of the process until it said that it listens.
    pub(crate) time_to_ready: Duration,
}

/// A served task.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) name: String,
    /// The type of each input field.
    pub(crate) input: Map<String, Value>,
}

impl Server {
    fn ready(mut child: Child, started: Instant) -> Result<Self, String> {
        let mut stdout = BufReader::new(child.stdout.take().ok_or("its output is not ours to read")?);
        let mut line = String::new();
        loop {
            line.clear();
            if stdout.read_line(&mut line).map_err(|e| e.to_string())? == 0 {
                let status = child.wait().map_err(|e| e.to_string())?;
                return Err(format!("it ended before it listened: {status}"));
            }
            if let Some(address) = line.trim_end().strip_prefix("listening on http://") {
                let time_to_ready = started.elapsed();
                let address = address.parse().map_err(|_| format!("no address: `{address}`"))?;
                return Ok(Server { child, _stdout: stdout, address, time_to_ready });
            }
        }
    }

    /// The task of this name, or the only one; it must have a champion.
    pub(crate) fn task(&self, name: Option<&str>) -> Result<Task, String> {
        let response = Connection::new(self.address).exchange(&http::request("GET", "/v1/tasks", ""));
        let body = response.map_err(|e| format!("GET /v1/tasks: {e}"))?.body;
        let body: Value = serde_json::from_slice(&body).map_err(|e| format!("GET /v1/tasks: {e}"))?;
        let tasks = body["tasks"].as_array().map(Vec::as_slice).unwrap_or_default();
        let task = match (name, tasks) {
            (Some(name), _) => tasks.iter().find(|t| t["task"] == name).ok_or(format!("there is no task `{name}`"))?,
            (None, [only]) => only,
            (None, _) => return Err(format!("choose one of the {} tasks with --task", tasks.len())),
        };
        let name = task["task"].as_str().unwrap_or_default().to_owned();
        let input = task["input"].as_object().cloned();
        Ok(Task { input: input.ok_or_else(|| format!("nothing answers `{name}` yet; `yw run` first"))?, name })
    }

    /// The memory that the process has, in MB (10⁶ bytes); none where there is no /proc.
    pub(crate) fn resident_mb(&self) -> Option<f64> {
        memory_mb(&self.child.id().to_string(), "VmRSS:")
    }

    /// Kills it where it stands (SIGKILL on Unix).
    pub(crate) fn kill(&mut self) {
        // It fails only if the process has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
