//! The project that most benchmarks run on: which of 77 intents has a bank's customer?

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::options::Options;
use super::program::Program;

/// The one task.
pub(crate) const TASK: &str = "intent";

/// The one candidate beside the baseline.
pub(crate) const CANDIDATE: &str = "words";

const PROJECT_FILE: &str = r#"
name = "banking77"

[task.intent]
question = "What does this customer of a bank want?"
input    = { text = "text" }
answer   = { category = "label" }
train    = "train.csv"
test     = "test.csv"
metric   = "accuracy"

[task.intent.candidate.words]
fit = "linear"
"#;

/// The folder with `train.csv` and `test.csv` that `--banking77` names.
pub(crate) fn data_dir(options: &Options<'_>) -> Result<PathBuf, String> {
    options.path("banking77").ok_or_else(|| {
        "--banking77 DIR is missing: a folder with train.csv and test.csv, columns text and category \
         (github.com/PolyAI-LDN/task-specific-datasets)"
            .to_owned()
    })
}

/// Writes the project to a fresh folder `name` and returns that.
pub(crate) fn write(program: &Program, data_dir: &Path, name: &str) -> Result<PathBuf, String> {
    let dir = program.fresh_dir(name)?;
    for file in ["train.csv", "test.csv"] {
        let from = data_dir.join(file);
        // Read and written, not copied: the copy of a file that may not be written could not be replaced.
        let bytes = std::fs::read(&from).map_err(|e| format!("{}: {e}", from.display()))?;
        std::fs::write(dir.join(file), bytes).map_err(|e| format!("{}: {e}", dir.display()))?;
    }
    std::fs::write(dir.join("yellowwood.toml"), PROJECT_FILE).map_err(|e| format!("{}: {e}", dir.display()))?;
    Ok(dir)
}

/// Runs the project, so that it has a champion, and returns the JSON of the run.
pub(crate) fn run(program: &Program, project: &Path) -> Result<Value, String> {
    let json = program.run(&["run", "--format", "json"], project)?;
    serde_json::from_str(&json).map_err(|e| format!("yw run --format json: {e}\n{json}"))
}
