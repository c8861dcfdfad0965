//! `yw predict` takes as much memory for a long file as for a short one. Linux only: the peak is read from /proc.

use std::time::Duration;

use yw_testkit::{Running, Workspace};

use crate::support::{fitted_project, yw};

#[test]
fn memory_does_not_grow_with_the_file() {
    let project = fitted_project();
    // What answers does not matter here, reading and writing do.
    yw(["promote", "triage", "baseline"]).dir(project.path()).run().success();
    let few = peak_kib(&project, 20_000);
    let many = peak_kib(&project, 200_000);
    let input_kib = std::fs::metadata(project.join("big.csv")).expect("it was written").len() / 1024;
    assert!(input_kib > 3 * 16 * 1024, "{input_kib} KiB");
    assert!(many < few + 16 * 1024, "{few} KiB for 20,000 rows, {many} KiB for 200,000");
}

/// The most memory that a prediction of so many rows takes.
fn peak_kib(project: &Workspace, n_rows: usize) -> u64 {
    let mut csv = String::from("subject,body,plan,seats,note\n");
    let filler = "All work and no play makes this a long column that the task does not read. ".repeat(3);
    for i in 0..n_rows {
        csv += &format!("Invoice,Ticket {i} about an invoice,free,{},{filler}{i}\n", i % 50);
    }
    project.write("big.csv", csv);
    let running = yw(["predict", "triage", "big.csv", "-o", "big.out.csv"]).dir(project.path()).spawn();
    let peak = watch_peak(&running);
    running.wait().success();
    let out = project.read("big.out.csv");
    assert_eq!(out.lines().count(), n_rows + 1);
    assert!(out.lines().last().is_some_and(|l| l.contains(&format!("{},", n_rows - 1))), "the last row is the last");
    peak
}

fn watch_peak(running: &Running) -> u64 {
    let mut peak = 0;
    // A process that ended has no memory, and no such line.
    while let Some(kib) = high_water_mark(running.id()) {
        peak = kib;
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(peak > 0, "it was watched");
    peak
}

fn high_water_mark(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
