//! What `yw check` saw, for people and for programs.

use std::fmt::Write;

use serde_json::{Value, json};
use yw_table::{AnswerProfile, FieldProfile, GiveawayKind, Problems, Profile, Table};

use super::{number, table, trimmed};
use crate::command::check::Checked;

/// Bad cells listed in full.
const SHOWN_PROBLEMS: usize = 8;

/// Labels listed by name.
const SHOWN_LABELS: usize = 20;

pub(crate) fn check_table(checked: &Checked<'_>, obstacles: &[String]) -> String {
    let Checked { task, train, test, profile } = checked;
    let mut text = String::new();
    let rows = match profile.n_test_rows {
        Some(n_test) => format!("{} train rows, {n_test} test rows", profile.n_train_rows),
        None => format!("{} rows, the test rows are taken from them", profile.n_train_rows),
    };
    let _ = writeln!(text, "{}: {rows}, {} candidates and the baseline", task.name, task.candidates.len());
    let _ = writeln!(text, "\n{}", trimmed(&fields_table(&profile.fields)));
    if let Some(answers) = &profile.answers {
        let _ = writeln!(text, "\nanswer `{}`: {}", task.answer.name, describe_answers(answers));
    }
    let problems = [("train", Some(train)), ("test", test.as_ref())];
    for (part, problems) in problems.into_iter().filter_map(|(part, t)| Some((part, &t?.problems))) {
        text.push_str(&describe_problems(part, problems));
    }
    let findings: Vec<String> =
        findings(profile, train, test.as_ref()).into_iter().chain(obstacles.iter().cloned()).collect();
    if findings.is_empty() {
        text.push_str("\nnothing suspicious");
    } else {
        for finding in findings {
            let _ = write!(text, "\n! {finding}");
        }
    }
    text
}

fn fields_table(fields: &[FieldProfile]) -> comfy_table::Table {
    let mut rows = table(&["field", "type", "missing", "distinct", "range"], &[2, 3]);
    for field in fields {
        let range = match (&field.numbers, field.times) {
            (Some(n), _) => format!("{} … {}, mean {}", number(n.min), number(n.max), number(n.mean)),
            (None, Some((first, last))) => format!("{} … {}", date(first), date(last)),
            (None, None) => String::new(),
        };
        rows.add_row([
            field.name.clone(),
            field.field_type.to_string(),
            field.n_missing.to_string(),
            field.n_distinct.to_string(),
            range,
        ]);
    }
    rows
}

fn date(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| "?".to_owned(), |t| t.strftime("%Y-%m-%d").to_string())
}

fn describe_answers(answers: &AnswerProfile) -> String {
    match answers {
        AnswerProfile::Label(counts) => {
            let named = counts.iter().take(SHOWN_LABELS).map(|(label, n)| format!("{label} {n}"));
            let more = counts.len().saturating_sub(SHOWN_LABELS);
            let rest = (more > 0).then(|| format!("and {more} more labels"));
            named.chain(rest).collect::<Vec<_>>().join(", ")
        }
        AnswerProfile::Boolean { n_true, n_false } => format!("true {n_true}, false {n_false}"),
        AnswerProfile::Number(n) => format!("{} … {}, mean {}", number(n.min), number(n.max), number(n.mean)),
        AnswerProfile::Text { n_distinct, mean_chars } => {
            format!("{n_distinct} distinct texts of {mean_chars:.0} characters on average")
        }
        AnswerProfile::Json { n_distinct } => format!("{n_distinct} distinct objects"),
    }
}

fn describe_problems(part: &str, problems: &Problems) -> String {
    if problems.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{} {part} rows are left out, for {} problems:", problems.n_rows(), problems.n_problems());
    for problem in problems.shown().iter().take(SHOWN_PROBLEMS) {
        let _ = write!(text, "\n  {problem}");
    }
    let more = problems.n_problems().saturating_sub(SHOWN_PROBLEMS as u64);
    if more > 0 {
        let _ = write!(text, "\n  and {more} more");
    }
    text.push('\n');
    text
}

/// What is suspicious about the data as a whole, one sentence each.
fn findings(profile: &Profile, train: &Table, test: Option<&Table>) -> Vec<String> {
    let mut findings = Vec::new();
    for (part, answers) in [("train", &profile.answers), ("test", &profile.test_answers)] {
        if answers.as_ref().is_some_and(AnswerProfile::is_one_class) {
            findings.push(format!("all {part} rows have the same answer; there is nothing to learn or to compare"));
        }
    }
    for field in profile.fields.iter().filter(|f| f.is_constant()) {
        findings.push(format!("field `{}` has one value in all rows; no model can learn from it", field.name));
    }
    for giveaway in &profile.giveaways {
        let verb = match giveaway.kind {
            GiveawayKind::Equal => "equals the answer",
            GiveawayKind::OneToOne => "is the answer in other words",
            GiveawayKind::Determines => "determines the answer",
            GiveawayKind::Linear => "is the answer times a number",
        };
        findings.push(format!("field `{}` {verb} in every row; is it known before the answer is?", giveaway.field));
    }
    let duplicates = &profile.duplicates;
    if duplicates.n_rows > 0 {
        let example =
            duplicates.examples.first().map(|&(a, b)| format!(" (such as {} and {})", train.place(a), train.place(b)));
        let conflicting = match duplicates.n_conflicting {
            0 => String::new(),
            n => format!("; {n} rows have a twin with another answer"),
        };
        let example = example.unwrap_or_default();
        findings.push(format!("{} train rows stand there more than once{example}{conflicting}", duplicates.n_rows));
    }
    if let (Some(leakage), Some(test)) = (&profile.leakage, test)
        && leakage.n_rows > 0
    {
        let example = leakage
            .examples
            .first()
            .map(|&(t, r)| format!(" (such as {}, which is {})", test.place(t), train.place(r)));
        findings.push(format!(
            "{} test rows stand in the train rows too{}; scores will be too good",
            leakage.n_rows,
            example.unwrap_or_default()
        ));
    }
    if !profile.unseen_labels.is_empty() {
        let names: Vec<String> = profile.unseen_labels.iter().map(|(label, n)| format!("{label} ({n} rows)")).collect();
        findings.push(format!(
            "labels that only test rows have, and no fitted candidate can get right: {}",
            names.join(", ")
        ));
    }
    findings
}

/// One JSON object a task.
pub(crate) fn check_json(checked: &Checked<'_>) -> String {
    let Checked { task, train, test, profile } = checked;
    let field = |f: &FieldProfile| {
        json!({
            "name": f.name, "type": f.field_type.name(), "missing": f.n_missing, "distinct": f.n_distinct,
            "min": f.numbers.map(|n| n.min), "max": f.numbers.map(|n| n.max), "mean": f.numbers.map(|n| n.mean),
        })
    };
    let problems = |t: &Table| {
        json!({
            "rows_left_out": t.problems.n_rows(),
            "problems": t.problems.n_problems(),
            "first": t.problems.shown().iter().take(SHOWN_PROBLEMS).map(ToString::to_string).collect::<Vec<_>>(),
        })
    };
    let labels: Value = match &profile.answers {
        Some(AnswerProfile::Label(counts)) => counts.iter().map(|(l, n)| (l.to_string(), Value::from(*n))).collect(),
        _ => Value::Null,
    };
    json!({
        "task": task.name,
        "train_rows": profile.n_train_rows,
        "test_rows": profile.n_test_rows,
        "fields": profile.fields.iter().map(field).collect::<Vec<_>>(),
        "labels": labels,
        "train": problems(train),
        "test": test.as_ref().map(problems),
        "duplicate_rows": profile.duplicates.n_rows,
        "leaked_rows": profile.leakage.as_ref().map(|l| l.n_rows),
        "findings": findings(profile, train, test.as_ref()),
    })
    .to_string()
}
