//! Which label is taken for which.

use maud::{Markup, html};
use yw_arena::report::Confusion;

/// With more labels than this, only the pairs are shown: a matrix would not be read.
const MATRIX_LABELS: usize = 16;
const PAIRS: usize = 12;

pub(crate) fn section(confusion: &Confusion) -> Markup {
    let pairs = confusion.pairs();
    html! {
        @if confusion.labels.len() <= MATRIX_LABELS { (matrix(confusion)) }
        @if confusion.labels.len() > 2 && !pairs.is_empty() {
            h4 { "Most confused" }
            div.scroll {
                table {
                    thead { tr { th { "truth" } th { "answered" } th.n { "rows" } } }
                    tbody {
                        @for (truth, answer, rows) in pairs.iter().take(PAIRS) {
                            tr { td { (truth) } td { (answer) } td.n { (rows) } }
                        }
                    }
                }
            }
        }
    }
}

fn matrix(confusion: &Confusion) -> Markup {
    let n = confusion.labels.len();
    let has_unanswered = confusion.unanswered.iter().any(|&u| u > 0);
    let row_total =
        |truth: usize| confusion.counts[truth * n..(truth + 1) * n].iter().sum::<u32>() + confusion.unanswered[truth];
    html! {
        h4 { "Truth (rows) and answer (columns)" }
        div.scroll {
            table.matrix {
                thead { tr {
                    th {}
                    @for label in &confusion.labels { th { span { (label) } } }
                    @if has_unanswered { th { span { "no answer" } } }
                } }
                tbody {
                    @for (truth, label) in confusion.labels.iter().enumerate() {
                        tr {
                            th { (label) }
                            @for answer in 0..n {
                                (cell(confusion.counts[truth * n + answer], row_total(truth), truth == answer))
                            }
                            @if has_unanswered { (cell(confusion.unanswered[truth], row_total(truth), false)) }
                        }
                    }
                }
            }
        }
    }
}

/// Shaded by its share of the row.
fn cell(count: u32, total: u32, is_right: bool) -> Markup {
    let share = if total == 0 { 0.0 } else { f64::from(count) / f64::from(total) };
    html! { td.n.right[is_right].wrong[!is_right] style={ "--share:" (format!("{share:.3}")) } { @if count > 0 { (count) } } }
}
