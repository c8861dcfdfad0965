//! Mistakes: each section of `mistakes.txt` is a project file with one or several, and the snapshot is what is said.

use crate::parse;

const MISTAKES: &str = include_str!("mistakes.txt");

/// The sections of the file: a name after `## `, then the text.
fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    MISTAKES.split("## ").skip(1).map(|section| section.split_once('\n').unwrap())
}

/// A section that starts with `...` follows a sound task.
fn complete(text: &str) -> String {
    const TASK: &str = "[task.t.candidate.sound]\nfit = \"linear\"\n[task.t]\nquestion = \"Which?\"\n\
                        input = { body = \"text\" }\nanswer = { team = \"label\" }\ntrain = \"t.csv\"\n";
    match text.strip_prefix("...\n") {
        Some(rest) => format!("{TASK}{rest}"),
        None => text.to_owned(),
    }
}

#[test]
fn mistakes_are_explained() {
    let mut said = String::new();
    for (name, text) in sections() {
        let text = complete(text.trim_end());
        let problems = match parse(&text) {
            Ok(project) => project.warnings,
            Err(problems) => problems,
        };
        assert!(!problems.is_empty(), "nothing is said of: {name}");
        said += &format!("## {name}\n\n{problems}\n\n\n");
    }
    let said = said.replace("/nowhere/support/", "");
    insta::assert_snapshot!("mistakes", said.trim_end());
}

#[test]
fn there_are_enough_of_them() {
    assert!(sections().count() >= 60, "{}", sections().count());
}

#[test]
fn every_problem_of_a_bad_file_is_said_at_once() {
    let text = sections().find(|(name, _)| *name == "many mistakes at once").unwrap().1;
    let problems = parse(text).unwrap_err();
    let lines: Vec<usize> = problems.iter().map(|p| p.line).collect();
    assert_eq!(lines, [2, 3, 4, 5, 7, 8, 10, 13, 16, 20, 23], "{problems}");
}
