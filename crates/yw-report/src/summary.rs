//! The top of a task: what was asked, the verdict, and the table.

use maud::{Markup, html};
use yw_arena::Report;
use yw_arena::report::{CandidateReport, Status};

use crate::format::{dollars, interval, number, time};

pub(crate) fn header(report: &Report) -> Markup {
    let data = &report.data;
    html! {
        header {
            p.eyebrow { (report.project) " / " (report.task) }
            h1 { (report.question) }
            p.facts {
                (data.train_rows) " train rows, " (data.test_rows) " test rows"
                @if let Some(folds) = data.folds { " in " (folds) " folds" }
                " · " b { (report.metric) } " decides, "
                @if report.metric.higher_is_better() { "higher is better" } @else { "lower is better" }
                " · " (report.finished.strftime("%Y-%m-%d %H:%M UTC").to_string())
                " · run " code { (report.run) }
            }
            @for note in &data.notes { p.note { (note) } }
        }
    }
}

pub(crate) fn verdict(report: &Report) -> Markup {
    let verdict = &report.verdict;
    let class = if verdict.champion.is_some() && verdict.within_limits { "verdict" } else { "verdict missed" };
    html! {
        section class=(class) {
            h2 { @match &verdict.champion { Some(champion) => { "Ship " (champion) } None => { "No champion" } } }
            p { (marked(&verdict.reason)) }
            @for missed in &verdict.missed { p { "Limit missed: " (missed) "." } }
        }
    }
}

pub(crate) fn table(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Candidates" }
            div.scroll {
                table {
                    thead { tr {
                        th { "candidate" } th { "road" } th { (report.metric) } th { "versus best" } th.n { "p" }
                        th.n { "failed rows" } th.n { "p50" } th.n { "p95" } th.n { "$ per 1000" }
                        th.n { "fit" } th.n { "size" }
                    } }
                    tbody { @for candidate in &report.candidates { (row(report, candidate)) } }
                }
            }
            @for candidate in &report.candidates {
                @if let Some(reason) = &candidate.reason {
                    p.note { b { (candidate.name) } " was " (candidate.status.name()) ": " (reason) }
                }
                @for note in &candidate.notes { p.note { b { (candidate.name) } ": " (note) } }
            }
        }
    }
}

fn row(report: &Report, candidate: &CandidateReport) -> Markup {
    let is_champion = report.verdict.champion.as_deref() == Some(candidate.name.as_str());
    let dash = || "–".to_owned();
    let scored = candidate.status == Status::Ok;
    html! {
        tr.champion[is_champion] {
            td {
                @if scored { a href={ "#" (report.task) "-" (candidate.name) } { (candidate.name) } } @else { (candidate.name) }
                @if is_champion { span.badge { "champion" } }
            }
            td { (candidate.road.name()) }
            @match &candidate.score {
                Some(score) => { td { b { (number(score.value)) } span.remark { (interval(score)) } } }
                None => { td { (candidate.status.name()) } }
            }
            @match &candidate.versus_best {
                Some(d) => {
                    td { (format!("{:+.4}", d.difference)) span.remark { (number(d.low)) " … " (number(d.high)) } }
                    td.n { @if d.p_value < 0.001 { "< .001" } @else { (format!("{:.3}", d.p_value)) } }
                }
                None => { td { @if scored { "best" } @else { "–" } } td.n { "–" } }
            }
            td.n { @if scored { (candidate.n_failures()) } @else { "–" } }
            td.n { (candidate.latency.map_or_else(dash, |l| time(l.p50))) }
            td.n { (candidate.latency.map_or_else(dash, |l| time(l.p95))) }
            td.n { (candidate.usd.per_1000.filter(|_| scored).map_or_else(dash, dollars)) }
            td.n { (candidate.fit_time.filter(|_| scored).map_or_else(dash, time)) }
            td.n { (candidate.size_bytes.map_or_else(dash, size)) }
        }
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        _ => format!("{:.0} MB", bytes as f64 / 1e6),
    }
}

/// Text with `names` in backticks as code.
fn marked(text: &str) -> Markup {
    html! {
        @for (i, part) in text.split('`').enumerate() {
            @if i % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}
