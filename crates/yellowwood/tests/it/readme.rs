//! The commands in the README run, and print what it shows.
//!
//! In a ```` ```console ```` block a line that starts with `$ ` is a command, a line that ends in `\` goes on, and what
//! follows up to the next command is its output. A line `…` or `...` stands for any number of lines. In other shell
//! blocks every line that starts with a command of ours is one, and its output is not shown.

use std::collections::BTreeMap;

use yw_testkit::{Captured, Running, Workspace, mask};

use crate::http::Client;
use crate::support::{repository, yw};

/// A command and what the README shows under it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Shown {
    command: String,
    output: Vec<String>,
}

#[test]
fn the_commands_of_the_readme_work() {
    let text = std::fs::read_to_string(repository().join("README.md")).expect("there is a README.md");
    let ours: Vec<Shown> = shown(&text).into_iter().filter(|s| our_arguments(&s.command).is_some()).collect();
    assert!(ours.len() >= 3, "the README shows what to do: {ours:#?}");

    let project = Workspace::new();
    copy_examples(&project);
    let mut session = Session { project, server: None };
    for shown in shown(&text) {
        if let Some(args) = our_arguments(&shown.command) {
            session.run(&shown, args);
        } else if shown.command.starts_with("curl ") {
            session.curl(&shown);
        }
    }
    if let Some((running, _)) = session.server {
        running.terminate().success();
    }
}

/// The commands of all shell blocks with what is shown under them.
fn shown(text: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    let mut block: Option<String> = None;
    let mut goes_on = false;
    for line in text.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            block = if block.is_some() { None } else { Some(language.trim().to_owned()) };
            goes_on = false;
            continue;
        }
        let command = match block.as_deref() {
            Some("console") => line.strip_prefix("$ "),
            Some("sh" | "bash" | "shell" | "") => Some(line.trim()).filter(|l| our_arguments(l).is_some()),
            _ => continue,
        };
        match (command, found.last_mut()) {
            (_, Some(last)) if goes_on => {
                last.command.push(' ');
                last.command.push_str(line.trim().trim_end_matches('\\').trim_end());
            }
            (Some(command), _) => {
                found.push(Shown { command: command.trim_end_matches('\\').trim().to_owned(), output: Vec::new() });
            }
            (None, Some(last)) if block.as_deref() == Some("console") => last.output.push(line.to_owned()),
            _ => continue,
        }
        goes_on = line.ends_with('\\') && (goes_on || command.is_some());
    }
    found
}

/// The arguments for our binary, if the command is one of ours. A comment at the end is none.
fn our_arguments(command: &str) -> Option<Vec<String>> {
    let args = command.strip_prefix("yw ").or_else(|| command.strip_prefix("cargo run --release -- "))?;
    Some(words(args))
}

/// The words of a simple command, as a shell splits them: quotes hold words together, `#` begins a comment.
fn words(command: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut quote, mut in_word) = (None, false);
    for c in command.chars() {
        match (quote, c) {
            (None, '#') if !in_word => break,
            (None, c) if c.is_whitespace() => in_word = false,
            (None, '\'' | '"') => {
                quote = Some(c);
                if !in_word {
                    words.push(String::new());
                }
                in_word = true;
            }
            (Some(open), c) if c == open => quote = None,
            (_, c) => {
                if !in_word {
                    words.push(String::new());
                }
                in_word = true;
                words.last_mut().expect("a word was begun").push(c);
            }
        }
    }
    words
}

fn copy_examples(project: &Workspace) {
    for (path, contents) in crate::support::files_below(&repository().join("examples")) {
        let of_a_run = path.components().any(|c| c.as_os_str() == ".yellowwood") || path.ends_with("report.html");
        if !of_a_run {
            project.write(std::path::Path::new("examples").join(path), contents);
        }
    }
}

/// A reader who tries one command after the other, in one folder.
struct Session {
    project: Workspace,
    server: Option<(Running, Client)>,
}

impl Session {
    fn run(&mut self, shown: &Shown, mut args: Vec<String>) {
        if args.first().is_some_and(|verb| verb == "serve") {
            // On a free port, and it goes on while the reader tries it.
            args.extend(["--address", "127.0.0.1:0"].map(str::to_owned));
            let mut running = yw(args).dir(self.project.path()).spawn();
            let address = running.wait_for_address();
            let expected = shown.output.iter().find_map(|l| l.strip_prefix("listening on http://127.0.0.1:"));
            assert!(shown.output.is_empty() || expected.is_some(), "`{}` says where it listens", shown.command);
            self.server = Some((running, Client(address.trim_start_matches("http://").to_owned())));
            return;
        }
        let captured = yw(args).dir(self.project.path()).run().success();
        if !shown.output.iter().all(|line| line.is_empty()) {
            compare(shown, &captured);
        }
    }

    /// Asks the server that was started before as the README does, and compares the JSON that it shows.
    fn curl(&self, shown: &Shown) {
        let words = words(&shown.command);
        let Some((_, client)) = &self.server else { panic!("no server runs for: {}", shown.command) };
        let address =
            words.iter().find_map(|w| w.split_once("localhost:7878").or_else(|| w.split_once("127.0.0.1:7878")));
        let (_, path) = address.unwrap_or_else(|| panic!("no address of ours in: {}", shown.command));
        let data = words.iter().skip_while(|w| !matches!(w.as_str(), "-d" | "--data" | "--json")).nth(1);
        let is_known = |word: &&String| matches!(word.as_str(), "|" | "-X" | "-o" | "-i");
        assert_eq!(words.iter().find(is_known), None, "not understood: {}", shown.command);
        let response = match data {
            Some(data) => client.post(path, data),
            None => client.get(path),
        };
        let response = response.has_status(if path == "/v1/feedback" { 201 } else { 200 });
        let expected = shown.output.join("\n");
        if !expected.trim().is_empty() {
            let expected: serde_json::Value = serde_json::from_str(&expected)
                .unwrap_or_else(|e| panic!("what is shown under `{}` is no JSON: {e}", shown.command));
            assert_eq!(without_chance(&expected), without_chance(&response.json()), "`{}`", shown.command);
        }
    }
}

/// A JSON answer without what differs from call to call.
fn without_chance(answer: &serde_json::Value) -> BTreeMap<String, String> {
    let object = answer.as_object().into_iter().flatten();
    let kept = object.filter(|(key, _)| !matches!(key.as_str(), "id" | "latency_ms" | "version"));
    kept.map(|(key, value)| (key.clone(), rounded(value))).collect()
}

/// JSON with numbers to three digits: what is shown may be shortened.
fn rounded(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Number(n) => format!("{:.3}", n.as_f64().unwrap_or(f64::NAN)),
        serde_json::Value::Object(map) => {
            map.iter().map(|(k, v)| format!("{k}: {}", rounded(v))).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// Both streams go to a terminal; which comes first there is a matter of buffers.
#[track_caller]
fn compare(shown: &Shown, captured: &Captured) {
    let orders = [
        captured.stdout.clone(),
        format!("{}{}", captured.stdout, captured.stderr),
        format!("{}{}", captured.stderr, captured.stdout),
    ];
    let expected = comparable(&shown.output.join("\n"));
    let is_equal = orders.iter().any(|text| matches_with_gaps(&expected, &comparable(text)));
    assert!(
        is_equal,
        "the README shows under `{}`\n{}\nbut it prints\n{}",
        shown.command,
        shown.output.join("\n"),
        orders[1]
    );
}

/// The lines of an output with what varies masked, without empty lines at its ends.
fn comparable(text: &str) -> Vec<String> {
    let masked = without_latencies(&mask(text));
    let lines: Vec<String> = masked.iter().map(|l| l.trim_end().to_owned()).collect();
    let start = lines.iter().position(|l| !l.is_empty()).unwrap_or(lines.len());
    let end = lines.iter().rposition(|l| !l.is_empty()).map_or(start, |i| i + 1);
    lines[start..end].to_vec()
}

/// Tables without the cells of columns in milliseconds. The widths of cells depend on them, so each line of such a table
/// becomes its cells with one bar between them.
fn without_latencies(text: &str) -> Vec<String> {
    // Places of the columns, counted from the right: a cell on the left may have a gap in it.
    let mut places: Vec<usize> = Vec::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.trim().split("  ").map(str::trim).filter(|c| !c.is_empty()).collect();
        if cells.iter().any(|c| c.ends_with(" ms")) {
            places = cells.iter().rev().enumerate().filter(|(_, c)| c.ends_with(" ms")).map(|(i, _)| i).collect();
        } else if line.trim().is_empty() {
            places.clear();
        }
        if places.is_empty() {
            lines.push(line.to_owned());
            continue;
        }
        let mut kept: Vec<&str> =
            cells.iter().rev().enumerate().map(|(i, c)| if places.contains(&i) { "[ms]" } else { c }).collect();
        kept.reverse();
        lines.push(kept.join(" | "));
    }
    lines
}

/// Whether `found` is `expected`, where a line of dots in `expected` stands for any lines.
fn matches_with_gaps(expected: &[String], found: &[String]) -> bool {
    match expected.split_first() {
        None => found.is_empty(),
        Some((gap, rest)) if matches!(gap.trim(), "…" | "...") => {
            (0..=found.len()).any(|n| matches_with_gaps(rest, &found[n..]))
        }
        Some((line, rest)) => {
            found.split_first().is_some_and(|(f, others)| f == line && matches_with_gaps(rest, others))
        }
    }
}

#[test]
fn blocks_are_read_as_a_person_reads_them() {
    let text = "yw not in a block\n```console\n$ yw check  # look\nfine\n\n$ cargo run --release -- run \\\n    examples/wine\nrow\n$ ls\n```\n\
                ```sh\nyw runs\nls\n```\n```toml\nyw = 1\n```\n";
    let found = shown(text);
    let commands: Vec<&str> = found.iter().map(|s| s.command.as_str()).collect();
    assert_eq!(commands, ["yw check  # look", "cargo run --release -- run examples/wine", "ls", "yw runs"]);
    assert_eq!(found[0].output, ["fine", ""]);
    assert_eq!(found[1].output, ["row"]);
    assert_eq!(our_arguments(&found[0].command), Some(vec!["check".to_owned()]));
    assert_eq!(words(r#"-d '{"a": "b c"}' x"y z""#), ["-d", r#"{"a": "b c"}"#, "xy z"]);
}

#[test]
fn outputs_are_compared_but_for_what_varies() {
    let table = |ms: &str| {
        format!(
            "triage\n\n a  score  versus best     p50 ms  $ / 1000\n b  0.5    -0.1  0 … 1  {ms}  0\n\nverdict: b\n"
        )
    };
    assert_eq!(comparable(&table("0.1")), comparable(&table("12345.6")));
    assert_ne!(comparable(&table("0.1")), comparable(&table("0.1").replace("0.5", "0.6")));
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(matches_with_gaps(&lines("a\n…\nd"), &lines("a\nb\nc\nd")));
    assert!(!matches_with_gaps(&lines("a\n…\nd"), &lines("a\nb\nc")));
    assert!(!matches_with_gaps(&lines("a"), &lines("a\nb")));
}
