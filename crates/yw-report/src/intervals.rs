//! Scores with their intervals, one row each on a common axis.

use maud::{Markup, html};
use yw_arena::Report;
use yw_arena::report::Slice;
use yw_stats::Estimate;

use crate::format::{interval, number};
use crate::scale::{Scale, tick};

struct Row<'a> {
    name: &'a str,
    remark: String,
    score: Estimate,
    is_marked: bool,
}

pub(crate) fn candidates(report: &Report) -> Markup {
    let row = |c: &'_ yw_arena::report::CandidateReport| c.score.map(|score| (c.name.clone(), score));
    let scored: Vec<(String, Estimate)> = report.candidates.iter().filter_map(row).collect();
    let rows: Vec<Row<'_>> = scored
        .iter()
        .map(|(name, score)| Row {
            name,
            remark: String::new(),
            score: *score,
            is_marked: report.verdict.champion.as_ref() == Some(name),
        })
        .collect();
    chart(&rows)
}

/// A candidate's score in the parts of the data, with the score on all rows on top.
pub(crate) fn slices(all: Estimate, slices: &[Slice]) -> Markup {
    let mut rows = vec![Row { name: "all rows", remark: String::new(), score: all, is_marked: true }];
    let names: Vec<String> = slices.iter().map(|s| format!("{} = {}", s.field, s.value)).collect();
    rows.extend(slices.iter().zip(&names).map(|(slice, name)| Row {
        name,
        remark: format!("{} rows", slice.rows),
        score: slice.score,
        is_marked: false,
    }));
    chart(&rows)
}

fn chart(rows: &[Row<'_>]) -> Markup {
    let ends = |r: &Row<'_>| [r.score.low, r.score.value, r.score.high];
    let scale = Scale::linear(rows.iter().flat_map(ends));
    let at = |value: f64| format!("{:.2}%", scale.place(value) * 100.0);
    let width = |low: f64, high: f64| format!("{:.2}%", (scale.place(high) - scale.place(low)) * 100.0);
    html! {
        div.intervals {
            @for row in rows {
                @let has_interval = row.score.low.is_finite() && row.score.high.is_finite();
                div.label { (row.name) @if !row.remark.is_empty() { span.remark { (row.remark) } } }
                div.track title=(format!("{}: {} ({})", row.name, number(row.score.value), interval(&row.score))) {
                    @if has_interval {
                        span.whisker style={ "left:" (at(row.score.low)) ";width:" (width(row.score.low, row.score.high)) } {}
                    }
                    span.dot.marked[row.is_marked] style={ "left:" (at(row.score.value)) } {}
                }
                div.value { (number(row.score.value)) }
            }
            div.label {}
            div.axis { @for value in scale.ticks() { span style={ "left:" (at(value)) } { (tick(value)) } } }
            div.value {}
        }
    }
}
