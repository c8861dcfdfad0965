//! Where rows are, and how test rows are chosen.

use toml::de::DeValue;
use yw_task::{Field, FieldType};

use crate::grammar::{DATA, Default, FOLDS, FRACTION, TASK, TEST};
use crate::project::{DataSpec, SplitBy, TestSpec};
use crate::raw::{At, Report, View};
use crate::suggest::closest;

/// What the choice of rows must fit.
pub(super) struct Columns<'a> {
    pub(super) fields: &'a [Field],
    pub(super) answer: &'a str,
    pub(super) group: Option<&'a str>,
}

/// `"x.csv"`, `["a.csv", "b/*.csv"]` or `{ path = …, delimiter = ";" }`.
pub(super) fn data(at: At<&DeValue<'_>>, task: &View<'_>, report: &mut Report<'_>) -> Option<DataSpec> {
    if !at.value.is_table() {
        return Some(DataSpec { addresses: addresses(at.value)?, delimiter: None });
    }
    let view = task.view(at, &DATA)?;
    let addresses = addresses(view.get("path")?.value)?;
    let Some(text) = view.text("delimiter") else { return Some(DataSpec { addresses, delimiter: None }) };
    let mut characters = text.value.chars();
    match (characters.next(), characters.next()) {
        (Some(c), None) if c.is_ascii() && !matches!(c, '"' | '\n' | '\r') => {
            Some(DataSpec { addresses, delimiter: Some(c) })
        }
        _ => {
            report.error(&text.place, "the delimiter must be one ASCII character").hint("a tab is written \"\\t\"");
            None
        }
    }
}

fn addresses(value: &DeValue<'_>) -> Option<Vec<String>> {
    let one = |v: &DeValue<'_>| v.as_str().map(str::to_owned);
    match value {
        DeValue::Array(list) => list.iter().map(|v| one(v.get_ref())).collect(),
        other => Some(vec![one(other)?]),
    }
}

/// The `test` of a task, or what the grammar says for none.
pub(super) fn test(task: &View<'_>, columns: &Columns<'_>, report: &mut Report<'_>) -> Option<TestSpec> {
    if task.table.contains_key("test") {
        return test_of(task.get("test")?, task, columns, report);
    }
    let Default::Value(default) = TASK.key("test")?.default else { return None };
    let default = DeValue::parse(default).ok()?;
    test_of(At { value: default.get_ref(), place: task.place.clone() }, task, columns, report)
}

fn test_of<'v>(
    at: At<&'v DeValue<'v>>,
    task: &View<'v>,
    columns: &Columns<'_>,
    report: &mut Report<'_>,
) -> Option<TestSpec> {
    if !at.value.is_table() {
        return data(at, task, report).map(TestSpec::Data);
    }
    let view = task.variant(at.clone(), &TEST)?;
    if view.is(&FRACTION) {
        let by = split_by(&view, columns, report);
        Some(TestSpec::Fraction { fraction: view.number("fraction")?.value, by: by? })
    } else if view.is(&FOLDS) {
        let by = split_by(&view, columns, report);
        Some(TestSpec::Folds { folds: view.integer("folds")?.value, by: by? })
    } else {
        data(at, task, report).map(TestSpec::Data)
    }
}

fn split_by(view: &View<'_>, columns: &Columns<'_>, report: &mut Report<'_>) -> Option<SplitBy> {
    let Some(text) = view.text("by") else {
        let group = columns.group.map(|g| SplitBy::Group(g.to_owned()));
        return Some(group.unwrap_or(SplitBy::Random));
    };
    let (word, column) = match text.value.split_once(':') {
        Some((word, column)) => (word.trim(), column.trim()),
        None => (text.value.trim(), ""),
    };
    let by = match word {
        "random" if column.is_empty() => SplitBy::Random,
        "time" if !column.is_empty() => SplitBy::Time(column.to_owned()),
        "group" if !column.is_empty() => SplitBy::Group(column.to_owned()),
        _ => {
            let hint = match closest(word, ["random", "time", "group"]) {
                Some("random") => "say `random`; it takes no column".to_owned(),
                Some(word) => format!("say `{word}:column`, with the name of the column"),
                None => "say `random`, `time:column` or `group:column`".to_owned(),
            };
            report.error(&text.place, format!("rows cannot be chosen by `{}`", text.value)).hint(hint);
            return None;
        }
    };
    check_split(&by, &text, columns, report);
    Some(by)
}

fn check_split(by: &SplitBy, text: &At<String>, columns: &Columns<'_>, report: &mut Report<'_>) {
    match by {
        SplitBy::Time(column) | SplitBy::Group(column) if column == columns.answer => {
            let message = format!("rows cannot be chosen by the answer `{column}`");
            report.error(&text.place, message).hint("name another column");
        }
        SplitBy::Time(column) => {
            let field = columns.fields.iter().find(|f| f.name == *column);
            if let Some(field) = field.filter(|f| !matches!(f.field_type, FieldType::Time | FieldType::Number)) {
                let message = format!("`{column}` is declared as {}, and has no latest rows", field.field_type);
                report.error(&text.place, message).hint(format!("declare it in `input`: {column} = \"time\""));
            }
        }
        SplitBy::Random => {
            if let Some(group) = columns.group {
                let message = format!("rows of one `{group}` fall on both sides of a random split");
                report.warning(&text.place, message).hint(format!("by = \"group:{group}\""));
            }
        }
        SplitBy::Group(_) => {}
    }
}
