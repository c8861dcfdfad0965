//! What the tests share: calls of the binary, projects, and what they print.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use yw_task::Dialect;
use yw_testkit::{Captured, Fixture, Reply, Script, ScriptedServer, Workspace, Yw};

/// Dollars are written as `f64`; two ways to add up the same picodollars differ by less.
const USD_TOLERANCE: f64 = 1e-9;

/// A call of the binary under test.
pub(crate) fn yw<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Yw {
    Yw::new(env!("CARGO_BIN_EXE_yw")).args(args)
}

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the crate lies in its repository")
}

/// Support tickets, to learn from and to be tested on.
pub(crate) fn tickets(n_train: usize, n_test: usize) -> (Fixture, Fixture) {
    Fixture::tickets(n_train + n_test, 11).split_at(n_train)
}

/// A project whose only candidate is fitted, so that it runs in a fraction of a second.
pub(crate) fn fit_project() -> Workspace {
    let (train, test) = tickets(90, 30);
    let candidate = "\n[task.triage.candidate.words]\nfit = \"linear\"\n";
    Workspace::new()
        .file("yellowwood.toml", train.task_toml("triage", "train.csv", "test.csv") + candidate)
        .file("train.csv", train.csv())
        .file("test.csv", test.csv())
}

/// The same after a run: `words` answers `triage`.
pub(crate) fn fitted_project() -> Workspace {
    let project = fit_project();
    yw(["run"]).dir(project.path()).run().success();
    project
}

/// A script that knows the right answer to every row of `test`.
pub(crate) fn right_answers(test: &Fixture) -> Script {
    let (rows, prefix) = (test.clone(), test.mark_prefix());
    let reply = move |request: &yw_testkit::ChatRequest| {
        let truth = request.mark(prefix).and_then(|mark| rows.truth_in(&mark));
        truth.map_or_else(|| Reply::text("which row is that?"), Reply::answer)
    };
    Script::new(reply).row_prefix(prefix)
}

/// A project with the candidate `asked`, whose provider is a scripted server.
pub(crate) struct AskProject {
    pub(crate) workspace: Workspace,
    pub(crate) server: ScriptedServer,
    pub(crate) test: Fixture,
}

/// How an [`AskProject`] differs from the simplest one.
#[derive(Clone, Copy)]
pub(crate) struct AskSetup<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) n_test: usize,
    /// More lines of the candidate.
    pub(crate) candidate: &'a str,
    /// More lines of the provider.
    pub(crate) provider: &'a str,
    /// Whether the model has a price.
    pub(crate) priced: bool,
    /// More of the project file.
    pub(crate) more: &'a str,
}

impl Default for AskSetup<'_> {
    fn default() -> Self {
        let dialect = Dialect::OpenAi;
        AskSetup { dialect, n_test: 40, candidate: "", provider: "", priced: true, more: "" }
    }
}

/// The price of the scripted model, which is what the scripted server charges.
const PRICE: &str = "[price.\"scripted/model\"]\ninput = 1.0\ncached_input = 0.1\noutput = 5.0\n";

impl AskProject {
    /// A project over `n_test` rows; `script` gets those rows and makes the provider.
    pub(crate) fn new(setup: AskSetup<'_>, script: impl FnOnce(&Fixture) -> Script) -> Self {
        let (train, test) = tickets(60, setup.n_test);
        let server = ScriptedServer::spawn_thread(script(&test)).expect("a scripted server starts");
        let AskSetup { dialect, candidate, provider, more, .. } = setup;
        let task = train.task_toml("triage", "train.csv", "test.csv");
        let base_url = server.base_url(dialect);
        let price = if setup.priced { PRICE } else { "" };
        let toml = format!(
            "{task}\n[task.triage.candidate.asked]\nask = \"scripted/model\"\n{candidate}\n\n[provider.scripted]\n\
             dialect = \"{dialect}\"\nbase_url = \"{base_url}\"\n{provider}\n\n{price}\n{more}\n",
            dialect = dialect.name(),
        );
        let workspace =
            Workspace::new().file("yellowwood.toml", toml).file("train.csv", train.csv()).file("test.csv", test.csv());
        AskProject { workspace, server, test }
    }

    /// A call of the binary in the project's folder.
    pub(crate) fn yw(&self, args: &[&str]) -> Yw {
        yw(args).dir(self.workspace.path())
    }

    /// Runs the project to its end, and returns the candidate `asked` of its record.
    pub(crate) fn run(&self, args: &[&str]) -> Candidate {
        let captured = self.yw(&["run", "--format", "json"]).args(args).run().success();
        Candidate::of(&record(&captured), "asked")
    }

    /// What the server charged, in dollars.
    pub(crate) fn billed(&self) -> f64 {
        self.server.bill().usage.usd.as_dollars()
    }
}

/// The record that `yw run --format json` printed.
pub(crate) fn record(captured: &Captured) -> Value {
    serde_json::from_str(&captured.stdout).unwrap_or_else(|e| panic!("no record: {e}\n{}", captured.stdout))
}

/// A candidate of a run's record.
#[derive(Debug, Clone)]
pub(crate) struct Candidate(pub(crate) Value);

impl Candidate {
    #[track_caller]
    pub(crate) fn of(record: &Value, name: &str) -> Self {
        let candidates = record["candidates"].as_array().expect("a record has candidates");
        let found = candidates.iter().find(|c| c["name"] == name);
        Candidate(found.unwrap_or_else(|| panic!("no candidate {name} in {record:#}")).clone())
    }

    pub(crate) fn status(&self) -> &str {
        self.0["status"].as_str().unwrap_or_default()
    }

    pub(crate) fn reason(&self) -> &str {
        self.0["reason"].as_str().unwrap_or_default()
    }

    /// The number at a JSON pointer.
    #[track_caller]
    pub(crate) fn number(&self, pointer: &str) -> f64 {
        self.0.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {pointer} in {:#}", self.0))
    }

    /// The whole number at a JSON pointer.
    #[track_caller]
    pub(crate) fn count(&self, pointer: &str) -> u64 {
        self.0.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("no {pointer} in {:#}", self.0))
    }
}

#[track_caller]
pub(crate) fn assert_usd(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() < USD_TOLERANCE, "{what}: ${found} and not ${expected}");
}

/// Waits until `is_so`, and panics if that takes more than ten seconds.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Says why a test proves nothing on this machine.
#[expect(clippy::print_stderr, reason = "a test that passes has no other way to say something")]
pub(crate) fn skipped(why: impl std::fmt::Display) {
    eprintln!("skipped: {why}");
}

/// All files below a folder, as sorted paths relative to it, with what they hold.
pub(crate) fn files_below(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("cannot list {}: {e}", folder.display())) {
            let path = entry.expect("a folder can be listed to its end").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let relative = path.strip_prefix(dir).expect("it lies below").to_owned();
                let contents = std::fs::read(&path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()));
                files.push((relative, contents));
            }
        }
    }
    files.sort();
    files
}
