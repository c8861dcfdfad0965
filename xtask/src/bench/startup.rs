//! `cargo xtask bench startup`: how long until `yw` is there.
//!
//! Every measurement is of a new process whose files the system has read before; it includes starting the process.

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use super::cores::load_average;
use super::figures::{Bar, Figure, table};
use super::program::Program;
use super::quantile::median;

const N_RUNS: usize = 20;

pub(crate) fn run(root: &Path) -> Result<String, String> {
    let program = Program::find(root)?;
    let project = program.fresh_dir("startup")?;
    copy_dir(&root.join("examples/tickets"), &project)?;
    crate::report("fitting the tickets example");
    program.run(&["run"], &project)?;

    let others = load_average();
    let help = time_runs(&program, &["--help"], &project)?;
    let check = time_runs(&program, &["check"], &project)?;
    let ready: Result<Vec<f64>, String> =
        (0..N_RUNS).map(|_| Ok(program.serve(&project, None)?.time_to_ready.as_secs_f64() * 1e3)).collect();
    let figure =
        |what: &str, times: &[f64], bar: f64| Figure::new(what, median(times), "ms").with_bar(Bar::AtMost(bar));
    let mut figures = vec![
        figure("yw --help", &help, 10.0),
        figure("yw check", &check, 100.0),
        figure("yw serve, until it listens", &ready?, 200.0),
    ];
    figures.extend(others.map(|load| Figure::new("load average before", load, "")));
    Ok(table(&format!("start of yw in examples/tickets, medians of {N_RUNS}"), &figures))
}

/// Wall times in milliseconds.
fn time_runs(program: &Program, args: &[&str], dir: &Path) -> Result<Vec<f64>, String> {
    let time = |_| {
        let mut command = program.command();
        command.args(args).current_dir(dir).stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        let status = command.status().map_err(|e| e.to_string())?;
        let elapsed = started.elapsed().as_secs_f64() * 1e3;
        if status.success() { Ok(elapsed) } else { Err(format!("yw {}: {status}", args.join(" "))) }
    };
    (0..N_RUNS).map(time).collect()
}

/// Copies what is in a folder; state and reports of earlier runs stay behind.
fn copy_dir(from: &Path, to: &Path) -> Result<(), String> {
    let failed = |e| format!("{}: {e}", from.display());
    std::fs::create_dir_all(to).map_err(failed)?;
    for entry in std::fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_file() {
            std::fs::copy(&source, &target).map_err(failed)?;
        } else if entry.file_name() != ".yellowwood" {
            copy_dir(&source, &target)?;
        }
    }
    Ok(())
}
