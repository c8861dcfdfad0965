//! How long a large project takes to load: `cargo bench -p yw-config`.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figure")]

use std::time::{Duration, Instant};

/// Tasks of the project; each has five candidates.
const N_TASKS: usize = 200;
const N_RUNS: usize = 50;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let text = project();
    std::fs::write(folder.path().join(yw_config::FILE_NAME), &text)?;
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..N_RUNS {
        let start = Instant::now();
        let project = yw_config::load(folder.path())?;
        times.push(start.elapsed());
        assert_eq!(project.tasks.len(), N_TASKS);
    }
    times.sort();
    let (best, median) = (times[0], times[N_RUNS / 2]);
    println!("load {N_TASKS} tasks, {} bytes: best {best:.2?}, median {median:.2?}", text.len());
    Ok(())
}

fn project() -> String {
    let example = include_str!("../src/reference/example.toml");
    let start = example.find("[task.").unwrap_or_default();
    let end = example.find("[provider.").unwrap_or(example.len());
    let task = |i: usize| example[start..end].replace("task.triage", &format!("task.triage{i}"));
    (0..N_TASKS).map(task).collect::<String>() + &example[end..]
}
