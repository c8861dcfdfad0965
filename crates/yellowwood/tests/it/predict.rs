//! `yw predict`: files of any format and size in, the same rows with answers out.

use std::io::Write;

use yw_testkit::{Fixture, Workspace};

use crate::support::{files_below, fitted_project, yw};

/// A fitted project with 25 new rows in `new.csv`, that have two more columns than the task has fields.
fn project_with_rows() -> Workspace {
    let project = fitted_project();
    let rows = new_rows(25);
    project.file("new.csv", rows)
}

fn new_rows(n_rows: usize) -> String {
    let csv = Fixture::tickets(n_rows, 77).csv();
    let mut lines = csv.lines();
    let header = lines.next().expect("a header").trim_end_matches(",team").to_owned();
    let mut text = format!("ticket,{header},team\n");
    for (i, line) in lines.enumerate() {
        text += &format!("\"No. {i}, new\",{line}\n");
    }
    text
}

/// What `new.csv` gives as JSON lines.
fn answers(project: &Workspace, file: &str) -> Vec<serde_json::Value> {
    let printed = yw(["predict", "triage", file, "--format", "jsonl"]).dir(project.path()).run().success().stdout;
    printed.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{l}: {e}"))).collect()
}

#[test]
fn rows_keep_their_order_and_their_columns() {
    let project = project_with_rows();
    let captured = yw(["predict", "triage", "new.csv"]).dir(project.path()).run().success();
    let mut lines = captured.stdout.lines();
    assert_eq!(lines.next(), Some("ticket,subject,body,plan,seats,team,answer,confidence,error"));
    let input = project.read("new.csv");
    for (line, given) in lines.by_ref().zip(input.lines().skip(1)) {
        assert!(line.starts_with(&format!("{given},")), "{line}\nis not the row\n{given}");
    }
    assert_eq!(lines.next(), None);
    assert!(captured.stderr.contains("25 rows by `words`, 0 without an answer"), "{}", captured.stderr);
}

#[test]
fn every_format_gives_the_same_answers() {
    let project = project_with_rows();
    let expected = answers(&project, "new.csv");
    assert_eq!(expected.len(), 25);
    for row in &expected {
        assert!(["account", "billing", "technical"].contains(&row["answer"].as_str().unwrap_or_default()), "{row}");
        assert!(row["confidence"].as_f64().is_some_and(|c| c > 1.0 / 3.0 && c <= 1.0), "{row}");
    }
    // A copy of the rows in each format, made by the program itself; its answers are input columns then.
    for name in ["copy.csv", "copy.jsonl", "copy.parquet"] {
        yw(["predict", "triage", "new.csv", "-o", name]).dir(project.path()).run().success();
        let again = answers(&project, name);
        assert_eq!(again.len(), 25, "{name}");
        for (row, expected) in again.iter().zip(&expected) {
            assert_eq!(row["answer"], expected["answer"], "{name}");
            assert_eq!(row["input_answer"], expected["answer"], "{name}: a column of that name was there");
            assert_eq!(row["ticket"], expected["ticket"], "{name}");
        }
    }
    project.write("zip.csv.gz", gzipped(&project.read("new.csv")));
    assert_eq!(answers(&project, "zip.csv.gz"), expected);
    // Half of the rows in each of two files, by a glob.
    let csv = project.read("new.csv");
    let lines: Vec<&str> = csv.lines().collect();
    project.write("part-1.csv", format!("{}\n", lines[..13].join("\n")));
    project.write("part-2.csv", format!("{}\n{}\n", lines[0], lines[13..].join("\n")));
    assert_eq!(answers(&project, "part-*.csv"), expected);
}

fn gzipped(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

#[test]
fn scores_are_columns_if_asked_for() {
    let project = project_with_rows();
    let captured = yw(["predict", "triage", "new.csv", "--scores"]).dir(project.path()).run().success();
    let header = captured.stdout.lines().next().expect("a header");
    assert!(header.ends_with("answer,confidence,score_account,score_billing,score_technical,error"), "{header}");
}

#[test]
fn a_bad_row_has_an_error_in_its_place() {
    let project = fitted_project();
    let csv =
        b"subject,body,plan,seats\nInvoice,Charged twice,free,2\nInvoice,x,free,many\nInvoice,x\n\xff,x,free,1\n,,,\n\
                Invoice,x,free,inf\nInvoice,Charged twice,free,2\n";
    project.write("new.csv", csv);
    for name in ["out.csv", "out.jsonl", "out.parquet"] {
        let captured = yw(["predict", "triage", "new.csv", "-o", name]).dir(project.path()).run().exits_with(6);
        assert!(captured.stderr.contains("7 rows by `words`, 4 without an answer"), "{}", captured.stderr);
    }
    let rows: Vec<serde_json::Value> =
        project.read("out.jsonl").lines().map(|l| serde_json::from_str(l).expect("a JSON line")).collect();
    let errors: Vec<&str> = rows.iter().map(|row| row["error"].as_str().unwrap_or("")).collect();
    assert_eq!(rows.len(), 7);
    for (i, place) in [(1, "line 3, column `seats`"), (2, "line 4"), (3, "line 5, column `subject`"), (5, "line 7")] {
        assert!(errors[i].contains("new.csv") && errors[i].contains(place), "{i}: {}", errors[i]);
        assert!(rows[i]["answer"].is_null());
    }
    for i in [0, 4, 6] {
        assert!(rows[i]["answer"].is_string() && rows[i]["error"].is_null(), "{}", rows[i]);
    }
    assert_eq!(rows[0]["answer"], rows[6]["answer"]);
}

#[test]
fn inputs_that_cannot_be_read_leave_no_output() {
    let project = fitted_project();
    project.write("renamed.csv", "subject,text,plan,seats\nInvoice,x,free,2\n");
    project.write("empty.csv", "");
    project.write("out.csv", "of yesterday");
    for (file, message) in
        [("missing.csv", "no such file"), ("renamed.csv", "no column `body`"), ("empty.csv", "empty.csv is empty")]
    {
        let captured = yw(["predict", "triage", file, "-o", "out.csv"]).dir(project.path()).run().exits_with(4);
        assert!(captured.stderr.contains(message), "{file}: {}", captured.stderr);
        assert_eq!(project.read("out.csv"), "of yesterday");
    }
    let unknown = yw(["predict", "triage", "test.csv", "-o", "out.txt"]).dir(project.path()).run().exits_with(1);
    assert!(unknown.stderr.contains(".csv, .jsonl or .parquet"), "{}", unknown.stderr);
    project.write("header.csv", "subject,body,plan,seats\n");
    yw(["predict", "triage", "header.csv", "-o", "none.csv"]).dir(project.path()).run();
    let parts: Vec<_> =
        files_below(project.path()).into_iter().filter(|(p, _)| p.to_string_lossy().ends_with(".part")).collect();
    assert!(parts.is_empty(), "{parts:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_crash() {
    let project = fitted_project();
    project.write("new.csv", new_rows(20_000));
    let program = env!("CARGO_BIN_EXE_yw");
    let script = format!("'{program}' predict triage new.csv | head -n 2");
    let output = std::process::Command::new("sh").arg("-c").arg(script).current_dir(project.path()).output();
    let output = output.expect("there is a shell");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2);
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn a_killed_predict_leaves_no_half_file() {
    let project = fitted_project();
    project.write("new.csv", new_rows(60_000));
    project.write("old.csv", "of yesterday");
    for name in ["out.csv", "old.csv"] {
        let running = yw(["predict", "triage", "new.csv", "-o", name]).dir(project.path()).spawn();
        wait_for_part(&project);
        let killed = running.kill();
        assert_eq!(killed.code, None, "it ended before it was killed");
        assert!(!project.join("out.csv").exists());
        assert_eq!(project.read("old.csv"), "of yesterday");
    }
}

/// Waits until something was written beside the file that is to come.
fn wait_for_part(project: &Workspace) {
    let is_part = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().ends_with(".part");
    let grown = || {
        let entries = std::fs::read_dir(project.path()).expect("the folder can be listed");
        entries.flatten().filter(is_part).any(|e| e.metadata().is_ok_and(|m| m.len() > 0))
    };
    crate::support::wait_until("a part is written", grown);
    for entry in std::fs::read_dir(project.path()).expect("the folder can be listed").flatten().filter(is_part) {
        // The next call is told from this one by its part.
        let _ = std::fs::remove_file(entry.path());
    }
}
