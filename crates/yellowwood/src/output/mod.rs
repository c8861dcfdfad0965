//! Everything that is printed.

mod calls;
mod check;
mod explain;
mod keys;
mod progress;
mod report;
mod routes;
mod runs;

use std::fmt::Display;
use std::io::Write;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::failure::Failure;

pub(crate) use calls::{list as calls_list, sums as call_sums};
pub(crate) use check::{check_json, check_table};
pub(crate) use explain::{ExplainedRow, Subject, explanation_json, explanation_table, row_json, row_table};
pub(crate) use keys::{list as keys_list, new_key};
pub(crate) use progress::watcher;
pub(crate) use report::{estimates, estimates_json, run_table};
pub(crate) use routes::{route_json, route_line};
pub(crate) use runs::{champions, list as runs_list};

/// A line of a command's result, to standard output.
pub(crate) fn line(text: impl Display) {
    // Whoever reads it may have seen enough and gone, as `head` does.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A remark about what is going on, to standard error.
#[expect(clippy::print_stderr, reason = "this is where the program prints")]
pub(crate) fn note(text: impl Display) {
    eprintln!("{text}");
}

/// What failed, why, and what to do.
pub(crate) fn error(failure: &Failure) {
    let mut chain = failure.chain().iter();
    if let Some(first) = chain.next() {
        // Problems of a project file come rendered, each with its own heading.
        if first.starts_with("error") { note(first) } else { note(format!("error: {first}")) }
    }
    for cause in chain {
        note(format!("  because: {}", cause.replace('\n', "\n    ")));
    }
    if let Some(hint) = failure.hint() {
        note(format!("  help: {hint}"));
    }
}

/// A table with a rule under its header and no other lines; columns in `right` are aligned right.
fn table(header: &[&str], right: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(header);
    for &column in right {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// The table's text without spaces at the ends of lines.
fn trimmed(table: &Table) -> String {
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// A number with about four significant digits: `0.8421`, `12.35`, `47303`.
pub(crate) fn number(n: f64) -> String {
    if !n.is_finite() {
        return "–".to_owned();
    }
    let whole_digits = if n == 0.0 { 0 } else { (n.abs().log10().floor() as i32 + 1).max(0) };
    let decimals = (4 - whole_digits).clamp(0, 4) as usize;
    format!("{n:.decimals$}")
}
