//! Bad data and a damaged state: each with its exit code and a message that names the place, and nothing lost.

use yw_testkit::{Fault, When, Workspace};

use crate::support::{
    AskProject, AskSetup, Candidate, files_below, fit_project, fitted_project, record, right_answers, skipped,
    wait_until, yw,
};

/// Runs `yw check` and `yw run` on a project that ran before, after `spoil` changed its files. Both must end with `code`
/// and say all of `messages`; what the first run left must be untouched.
#[track_caller]
fn refused(spoil: impl Fn(&Workspace), code: i32, messages: &[&str]) {
    let project = fitted_project();
    let report = project.read("report.html");
    spoil(&project);
    for command in ["check", "run"] {
        let captured = yw([command]).dir(project.path()).run().exits_with(code);
        says(&captured.stderr, command, messages);
        assert_eq!(captured.stdout, "", "`yw {command}` has nothing to show");
    }
    assert_eq!(n_runs(&project), 1);
    assert_eq!(project.read("report.html"), report);
    answers(&project);
}

/// Runs `yw check`, which says all of `messages`, and `yw run`, which goes on without the bad rows and says `note`.
#[track_caller]
fn goes_on(spoil: impl Fn(&Workspace), messages: &[&str], note: &str) -> serde_json::Value {
    let project = fit_project();
    spoil(&project);
    let checked = yw(["check"]).dir(project.path()).run().success();
    says(&checked.stdout, "check", messages);
    let captured = yw(["run", "--format", "json"]).dir(project.path()).run().success();
    assert!(captured.stderr.contains(note), "{}", captured.stderr);
    record(&captured)
}

#[track_caller]
fn says(text: &str, command: &str, messages: &[&str]) {
    for message in messages {
        assert!(text.contains(message), "`yw {command}` does not say {message:?}:\n{text}");
    }
}

fn n_runs(project: &Workspace) -> usize {
    let list = yw(["runs", "--format", "json"]).dir(project.path()).run().success().stdout;
    list.matches("\"verdict\"").count().max(list.matches("\"champion\"").count())
}

/// The champion still answers.
#[track_caller]
fn answers(project: &Workspace) {
    project.write("new.csv", "subject,body,plan,seats\nInvoice,Charged twice,free,2\n");
    let out = yw(["predict", "triage", "new.csv"]).dir(project.path()).run().success().stdout;
    assert!(out.contains("billing"), "{out}");
}

/// The training file with each line changed.
fn edit(project: &Workspace, file: &str, change: impl Fn(usize, &str) -> String) {
    let text = project.read(file);
    let lines: Vec<String> = text.lines().enumerate().map(|(i, line)| change(i + 1, line)).collect();
    project.write(file, lines.join("\n") + "\n");
}

/// A line with its last cells replaced.
fn with_end(line: &str, n_cells: usize, end: &str) -> String {
    let cells: Vec<&str> = line.rsplitn(n_cells + 1, ',').collect();
    format!("{},{end}", cells[n_cells])
}

#[test]
fn a_missing_file() {
    let remove = |p: &Workspace| std::fs::remove_file(p.join("train.csv")).expect("it was there");
    refused(remove, 4, &["no such file: train.csv", "test.csv", "task `triage`"]);
    let misspell = |p: &Workspace| {
        p.write("yellowwood.toml", p.read("yellowwood.toml").replace("\"test.csv\"", "\"tset.csv\""));
    };
    refused(misspell, 4, &["no such file: tset.csv; did you mean test.csv?"]);
    let glob = |p: &Workspace| {
        p.write("yellowwood.toml", p.read("yellowwood.toml").replace("\"train.csv\"", "\"2024/*.csv\""));
    };
    refused(glob, 4, &["no file matches 2024/*.csv"]);
}

#[test]
fn files_without_rows() {
    refused(|p| p.write("train.csv", ""), 4, &["train.csv is empty"]);
    refused(|p| p.write("train.csv", "\u{feff}\n\n"), 4, &["train.csv is empty"]);
    let header = |file: &'static str| move |p: &Workspace| p.write(file, "subject,body,plan,seats,team\n");
    refused(header("train.csv"), 4, &["train.csv has no rows"]);
    refused(header("test.csv"), 4, &["test.csv has no rows"]);
    let all_bad = |p: &Workspace| p.write("test.csv", "subject,body,plan,seats,team\na,b,free,many,billing\n");
    refused(all_bad, 4, &["none of the 1 rows of test.csv can be used", "line 2, column `seats`"]);
}

#[test]
fn another_delimiter() {
    // Found out from the header, unless the project file says what it is.
    let semicolons = |p: &Workspace| edit(p, "train.csv", |_, line| line.replace(", ", " ").replace(',', ";"));
    let record = goes_on(semicolons, &["90 train rows"], "");
    assert_eq!(record["data"]["train_rows"], 90);
    let wrong = |p: &Workspace| {
        semicolons(p);
        let told = "train = { path = \"train.csv\", delimiter = \",\" }";
        p.write("yellowwood.toml", p.read("yellowwood.toml").replace("train = \"train.csv\"", told));
    };
    refused(wrong, 4, &["train.csv has one column", "they seem to be separated by `;`"]);
}

#[test]
fn a_renamed_column() {
    let rename =
        |p: &Workspace| edit(p, "test.csv", |i, line| if i == 1 { line.replace("seats", "seat") } else { line.into() });
    refused(
        rename,
        4,
        &["test.csv has no column `seats` (did you mean `seat`?)", "it has subject, body, plan, seat, team"],
    );
    let no_answer =
        |p: &Workspace| edit(p, "train.csv", |i, line| if i == 1 { line.replace("team", "desk") } else { line.into() });
    refused(no_answer, 4, &["train.csv has no column `team`", "desk"]);
    let twice =
        |p: &Workspace| edit(p, "train.csv", |i, line| if i == 1 { line.replace("plan", "body") } else { line.into() });
    refused(twice, 4, &["train.csv has more than one column named `body`"]);
}

#[test]
fn ragged_rows() {
    let ragged = |p: &Workspace| {
        edit(p, "train.csv", |i, line| match i {
            5 => format!("{line},extra"),
            7 => with_end(line, 1, "").trim_end_matches(',').to_owned(),
            _ => line.to_owned(),
        });
    };
    let messages = [
        "2 train rows are left out",
        "train.csv line 5: expected 5 cells, found 6",
        "train.csv line 7: expected 5 cells, found 4",
    ];
    let record = goes_on(ragged, &messages, "2 training rows were left out; `yw check` lists them");
    assert_eq!(record["data"]["train_rows"], 88);
    let open_quote = |p: &Workspace| {
        edit(p, "train.csv", |i, line| if i < 80 { line.to_owned() } else { line.replace('"', "").replace(", ", " ") });
        edit(p, "train.csv", |i, line| if i == 80 { format!("\"{line}") } else { line.to_owned() });
    };
    let record = goes_on(open_quote, &["train.csv line 80", "quote"], "1 training rows were left out");
    assert_eq!(record["data"]["train_rows"], 78);
}

#[test]
fn bytes_that_are_no_text() {
    let spoil = |p: &Workspace| {
        let mut bytes = p.read("train.csv").into_bytes();
        let line_4 = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').nth(2).map_or(0, |(i, _)| i + 1);
        bytes.insert(line_4 + 1, 0xff);
        p.write("train.csv", bytes);
    };
    let record =
        goes_on(spoil, &["train.csv line 4, column `subject`: the bytes are not valid UTF-8"], "1 training rows");
    assert_eq!(record["data"]["train_rows"], 89);
    // A file that is no text at all.
    refused(|p| p.write("train.csv", (0..=255).cycle().take(5000).collect::<Vec<u8>>()), 4, &["train.csv"]);
    refused(|p| p.write("train.csv", b"PAR1 is how Parquet begins"), 4, &["train.csv"]);
}

#[test]
fn numbers_that_are_none() {
    let spoil = |p: &Workspace| {
        edit(p, "train.csv", |i, line| {
            let (rest, team) = line.rsplit_once(',').unwrap_or_default();
            let end = |cell: &str| with_end(rest, 1, cell) + "," + team;
            match i {
                3 => end("NaN"),
                4 => end("inf"),
                5 => end("-Infinity"),
                6 => end("1e999"),
                7 => end("many"),
                _ => line.to_owned(),
            }
        });
    };
    let messages = [
        "line 4, column `seats`: `inf` is not a finite number",
        "line 5, column `seats`: `-Infinity` is not a finite number",
        "line 6, column `seats`: `1e999` is not a finite number",
        "line 7, column `seats`: `many`",
    ];
    let record = goes_on(spoil, &messages, "4 training rows were left out");
    assert_eq!(record["data"]["train_rows"], 86, "NaN is how many programs write a missing number");
}

#[test]
fn one_class_only() {
    let one =
        |p: &Workspace| edit(p, "train.csv", |i, line| if i == 1 { line.into() } else { with_end(line, 1, "billing") });
    let record = goes_on(one, &["all train rows have the same answer"], "");
    let words = Candidate::of(&record, "words");
    assert_eq!(words.status(), "failed");
    assert!(words.reason().contains("all training rows have the answer `billing`"), "{}", words.reason());
    assert_eq!(record["verdict"]["champion"], "baseline");
}

#[test]
fn a_label_that_only_test_rows_have() {
    let legal =
        |p: &Workspace| edit(p, "test.csv", |i, line| if i == 4 { with_end(line, 1, "legal") } else { line.into() });
    let record = goes_on(legal, &["labels that only test rows have", "legal (1 rows)"], "");
    assert_eq!(record["data"]["test_rows"], 30, "it counts, and nobody gets it right");
    let accuracy = Candidate::of(&record, "words").number("/metrics/accuracy");
    assert!(accuracy <= 29.0 / 30.0, "{accuracy}");
}

#[test]
fn a_project_is_run_by_one_process_at_a_time() {
    let project = AskProject::new(AskSetup { n_test: 5, ..AskSetup::default() }, |test| {
        right_answers(test).fault(When::FirstAttempts(1), Fault::Hang)
    });
    let first = project.yw(&["run"]).spawn();
    wait_until("the first run asks about every row", || project.server.in_flight() == 5);
    let n_requests = project.server.requests().len();
    let second = project.yw(&["run"]).run().exits_with(1);
    let pid = format!("another run works on this project (process {})", first.id());
    assert!(second.stderr.contains(&pid) && second.stderr.contains("wait for it to finish"), "{}", second.stderr);
    assert_eq!(project.server.requests().len(), n_requests, "the second run asks nothing");
    for command in ["check", "runs"] {
        project.yw(&[command]).run().success();
    }
    first.kill();
    project.yw(&["run"]).run().success();
}

#[test]
fn a_truncated_database() {
    let project = fitted_project();
    let file = project.join(".yellowwood/state.db");
    let whole = std::fs::read(&file).expect("there is a database");
    for n_bytes in [0, 1, 99, 100, 4096, whole.len() / 2, whole.len() - 1] {
        let damaged = fresh_copy(&project);
        let file = damaged.join(".yellowwood/state.db");
        std::fs::write(&file, &whole[..n_bytes]).expect("it can be written");
        refuses_the_state(&damaged, &format!("{n_bytes} of {} bytes", whole.len()));
        assert_eq!(std::fs::read(&file).ok().as_deref(), Some(&whole[..n_bytes]), "what is left stays for experts");
    }
}

#[test]
fn a_database_that_is_none() {
    let project = fitted_project();
    let file = project.join(".yellowwood/state.db");
    let garbage: Vec<u8> = (0..9000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let n_bytes = std::fs::metadata(&file).expect("there is a database").len() as usize;
    for contents in [garbage, vec![0; n_bytes], b"my notes".to_vec()] {
        let damaged = fresh_copy(&project);
        std::fs::write(damaged.join(".yellowwood/state.db"), &contents).expect("it can be written");
        refuses_the_state(&damaged, "garbage");
    }
    // As the message says: without the state, everything starts afresh.
    std::fs::remove_dir_all(project.join(".yellowwood")).expect("it can be removed");
    yw(["run"]).dir(project.path()).run().success();
}

/// Every command that needs the state says that it is damaged, and what to do.
#[track_caller]
fn refuses_the_state(project: &Workspace, what: &str) {
    let report = project.read("report.html");
    for args in [
        &["run"][..],
        &["runs"],
        &["serve", "--address", "127.0.0.1:0"],
        &["predict", "triage", "test.csv"],
        &["promote", "triage"],
    ] {
        let captured = yw(args).dir(project.path()).run();
        assert_eq!(captured.code, Some(1), "{what}, {args:?}: {captured:?}");
        says(&captured.stderr, args[0], &[".yellowwood is damaged: state.db", "move the folder away"]);
    }
    yw(["check"]).dir(project.path()).run().success();
    assert_eq!(project.read("report.html"), report);
}

/// A copy with its state, and without what an open database leaves beside it.
fn fresh_copy(project: &Workspace) -> Workspace {
    let copy = Workspace::new();
    for (path, contents) in files_below(project.path()) {
        let name = path.to_string_lossy();
        if !name.ends_with("-wal") && !name.ends_with("-shm") {
            copy.write(&path, contents);
        }
    }
    copy
}

#[test]
fn a_damaged_artifact() {
    let project = fitted_project();
    let dir = project.join(".yellowwood/artifacts");
    let artifact = files_below(&dir).into_iter().filter(|(p, _)| p.components().any(|c| c.as_os_str() == "files"));
    for (path, mut contents) in artifact {
        let middle = contents.len() / 2;
        contents[middle] ^= 1;
        std::fs::write(dir.join(path), contents).expect("it can be written");
    }
    let captured = yw(["predict", "triage", "test.csv", "-o", "out.csv"]).dir(project.path()).run().exits_with(1);
    assert!(captured.stderr.contains("the artifact in "), "{}", captured.stderr);
    assert!(!project.join("out.csv").exists());
    // The same run writes the same artifact, sound.
    yw(["run"]).dir(project.path()).run().success();
    answers(&project);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written() {
    use std::os::unix::fs::PermissionsExt;
    let project = fit_project();
    let permit = |mode: u32| {
        std::fs::set_permissions(project.path(), std::fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    permit(0o555);
    if std::fs::write(project.join("probe"), "").is_ok() {
        skipped("this user can write to read-only folders");
        permit(0o755);
        return;
    }
    let captured = yw(["run"]).dir(project.path()).run();
    let checked = yw(["check"]).dir(project.path()).run();
    permit(0o755);
    assert_eq!(captured.code, Some(1), "{captured:?}");
    assert!(captured.stderr.contains("cannot be opened for writing"), "{}", captured.stderr);
    checked.success();
}
