//! The report of a run as one self-contained HTML page: no script, no font, nothing fetched.
//!
//! [`page`] takes the reports of one or more tasks. Pictures that must be read exactly (scores with intervals, slices,
//! confusion) are HTML laid out in percent, so that their text stays readable on a phone; the others (score against
//! cost and latency, reliability, partial dependence) are inline SVG that takes its colours from the page and so follows
//! light and dark.
//!
//! ```no_run
//! # fn example(report: yw_arena::Report) {
//! let html: String = yw_report::page(&[report]);
//! # }
//! ```
//!
//! Not here: what the numbers mean and where they come from (`yw-arena`, `yw-stats`), the terminal (`yellowwood`).

mod candidate;
mod confusion;
mod explained;
mod format;
mod intervals;
mod reliability;
mod scale;
mod scatter;
mod summary;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use yw_arena::Report;

const STYLE: &str = include_str!("style.css");

/// A page with the reports of the tasks of one project.
pub fn page(reports: &[Report]) -> String {
    let project = reports.first().map_or("Yellowwood", |r| r.project.as_str());
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (project) " – Yellowwood report" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    @if reports.len() > 1 {
                        nav { @for report in reports { a href={ "#" (report.task) } { (report.task) } } }
                    }
                    @for report in reports { (task(report)) }
                    footer { "Made by yw " (env!("CARGO_PKG_VERSION")) ". Every number was measured in the run it belongs to." }
                }
            }
        }
    };
    page.into_string()
}

fn task(report: &Report) -> Markup {
    html! {
        article id=(report.task) {
            (summary::header(report))
            (summary::verdict(report))
            (summary::table(report))
            @if report.candidates.iter().any(|c| c.score.is_some()) {
                section {
                    h2 { (report.metric) " with 95 % intervals" }
                    (intervals::candidates(report))
                }
                section {
                    h2 { (report.metric) " against cost and latency" }
                    (scatter::pair(report))
                }
            }
            @for candidate in report.candidates.iter().filter(|c| c.score.is_some()) {
                (candidate::section(report, candidate))
            }
        }
    }
}
