//! Running the binary as a user does.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::mask::mask;

/// One call of the `yw` binary, to be run any number of times.
///
/// It inherits nothing of the environment but `PATH`, `HOME`, the folder for temporary files and where coverage goes:
/// no key of the person who tests gets in. Colours are off.
#[derive(Debug, Clone)]
pub struct Yw {
    program: PathBuf,
    args: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    dir: Option<PathBuf>,
    stdin: Vec<u8>,
    timeout: Duration,
}

/// What a finished call wrote and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output; bytes that are not UTF-8 are replaced.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
    dir: Option<PathBuf>,
}

impl Yw {
    /// A call of the binary at this path without arguments; tests of the binary's package pass
    /// `env!("CARGO_BIN_EXE_yw")`.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Yw {
            program: program.into(),
            args: Vec::new(),
            variables: Vec::new(),
            dir: None,
            stdin: Vec::new(),
            timeout: Duration::from_secs(120),
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Runs in this folder, which is masked in [`Captured::masked`].
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = Some(dir.as_ref().to_owned());
        self
    }

    /// Gives it this to read.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// How long it may take before it is killed and the test fails; two minutes unless set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs it to its end.
    pub fn run(&self) -> Captured {
        self.spawn().wait()
    }

    /// Starts it.
    pub fn spawn(&self) -> Running {
        const INHERITED: [&str; 4] = ["PATH", "HOME", "TMPDIR", "LLVM_PROFILE_FILE"];
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().env("NO_COLOR", "1");
        command.envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("cannot run {}: {e}", self.program.display()));

        let said = Arc::new(Said::default());
        let mut threads = Vec::new();
        if let Some(mut pipe) = child.stdin.take() {
            let bytes = self.stdin.clone();
            // A program that does not read its input closes the pipe early; that is its right.
            threads.push(std::thread::spawn(move || drop(pipe.write_all(&bytes))));
        }
        if let Some(pipe) = child.stdout.take() {
            threads.push(listen(pipe, said.clone(), |written| &mut written.stdout));
        }
        if let Some(pipe) = child.stderr.take() {
            threads.push(listen(pipe, said.clone(), |written| &mut written.stderr));
        }
        Running { child, said, threads, dir: self.dir.clone(), timeout: self.timeout }
    }
}

impl Captured {
    /// The same, if it succeeded; panics with all it wrote otherwise.
    #[track_caller]
    pub fn success(self) -> Self {
        self.exits_with(0)
    }

    /// The same, if it ended with this code; panics with all it wrote otherwise.
    #[track_caller]
    pub fn exits_with(self, code: i32) -> Self {
        assert!(self.code == Some(code), "expected exit code {code}\n{}", self.report());
        self
    }

    /// Exit code, standard output and standard error as one text for snapshots, with all that varies masked.
    pub fn masked(&self) -> String {
        let mut report = self.report();
        if let Some(dir) = &self.dir {
            // The program may have resolved links on the way to its folder.
            let resolved = dir.canonicalize().unwrap_or_else(|_| dir.clone());
            for dir in [&resolved, dir] {
                report = report.replace(&*dir.to_string_lossy(), "[dir]");
            }
        }
        mask(&report)
    }

    fn report(&self) -> String {
        let code = self.code.map_or("none, ended by a signal".to_owned(), |c| c.to_string());
        format!("exit code: {code}\n--- stdout\n{}\n--- stderr\n{}", self.stdout.trim_end(), self.stderr.trim_end())
    }
}

/// A call that goes on; dropping it kills it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    said: Arc<Said>,
    threads: Vec<JoinHandle<()>>,
    dir: Option<PathBuf>,
    timeout: Duration,
}

impl Running {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `find` finds something in all that it wrote so far, standard output first, then standard error.
    ///
    /// Panics with what it wrote, if it ends or the time is up first.
    #[track_caller]
    pub fn wait_for<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + self.timeout;
        loop {
            let written = self.said.written();
            let (stdout, stderr) = written.texts();
            if let Some(found) = find(&stdout).or_else(|| find(&stderr)) {
                return found;
            }
            let is_over = written.n_closed == 2 || Instant::now() > deadline;
            assert!(!is_over, "what was waited for was not written\n{stdout}\n{stderr}");
            let _ = self.said.changed.wait_timeout(written, Duration::from_millis(50));
        }
    }

    /// Waits until it has written an address like `http://127.0.0.1:7878`, and returns that.
    #[track_caller]
    pub fn wait_for_address(&mut self) -> String {
        self.wait_for(|text| {
            let start = text.find("http://127.0.0.1:")?;
            let rest = &text[start..];
            // Without anything after it, the number may still go on.
            let end = rest.find(|c: char| c.is_whitespace() || c == ',' || c == '"')?;
            Some(rest[..end].trim_end_matches(['/', '.']).to_owned())
        })
    }

    /// Waits for its end; kills it and panics if that takes too long.
    #[track_caller]
    pub fn wait(mut self) -> Captured {
        let deadline = Instant::now() + self.timeout;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return self.capture(status.code()),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(2)),
                outcome => {
                    let _ = self.child.kill();
                    let report = self.capture(None).report();
                    panic!("it did not end in time ({outcome:?})\n{report}");
                }
            }
        }
    }

    /// Kills it where it stands (SIGKILL on Unix).
    pub fn kill(mut self) -> Captured {
        let _ = self.child.kill();
        let code = self.child.wait().ok().and_then(|status| status.code());
        self.capture(code)
    }

    /// Asks it to end (SIGTERM) and waits for that. Unix only.
    #[track_caller]
    pub fn terminate(self) -> Captured {
        let sent = Command::new("kill").arg("-TERM").arg(self.id().to_string()).status();
        assert!(sent.as_ref().is_ok_and(|s| s.success()), "cannot send a signal: {sent:?}");
        self.wait()
    }

    fn capture(&mut self, code: Option<i32>) -> Captured {
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        let (stdout, stderr) = self.said.written().texts();
        Captured { code, stdout, stderr, dir: self.dir.clone() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a program has said, and a bell for those who wait for more.
#[derive(Debug, Default)]
struct Said {
    written: Mutex<Written>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Written {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// How many of the two were closed.
    n_closed: u32,
}

impl Said {
    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Written {
    fn texts(&self) -> (String, String) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&self.stdout), text(&self.stderr))
    }
}

/// Collects what comes out of a pipe, on a thread of its own.
fn listen(
    mut pipe: impl Read + Send + 'static,
    said: Arc<Said>,
    stream: fn(&mut Written) -> &mut Vec<u8>,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut block = [0; 8192];
        while let Ok(n_bytes @ 1..) = pipe.read(&mut block) {
            stream(&mut said.written()).extend_from_slice(&block[..n_bytes]);
            said.changed.notify_all();
        }
        said.written().n_closed += 1;
        said.changed.notify_all();
    })
}
