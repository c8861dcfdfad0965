//! One candidate in detail.

use maud::{Markup, html};
use yw_arena::Report;
use yw_arena::report::{CandidateReport, WorstRow};
use yw_task::{AnswerKind, ClassWeights};

use crate::format::{dollars, interval, number, percent, time};
use crate::{confusion, explained, intervals, reliability};

const SHOWN_CLASSES: usize = 12;

pub(crate) fn section(report: &Report, candidate: &CandidateReport) -> Markup {
    let is_champion = report.verdict.champion.as_deref() == Some(candidate.name.as_str());
    let details = &candidate.details;
    html! {
        section.candidate id={ (report.task) "-" (candidate.name) } {
            details open[is_champion] {
                summary { h2 { (candidate.name) " " span.remark { (candidate.kind) } } }
                (facts(candidate))
                (metrics(candidate))
                @if let Some(confusion) = &details.confusion { h3 { "Confusion" } (confusion::section(confusion)) }
                @if let Some(calibration) = &details.calibration {
                    h3 { "Reliability" }
                    (reliability::curve(calibration))
                }
                @if let (Some(score), false) = (candidate.score, details.slices.is_empty()) {
                    h3 { (report.metric) " by slice" }
                    (intervals::slices(score, &details.slices))
                }
                @if let Some(explained) = &details.explained { (explained::section(candidate, explained, answers(report.answer_kind))) }
                @if !details.weights.is_empty() { h3 { "Largest weights" } (weights(&details.weights)) }
                @if !details.worst.is_empty() { h3 { "Worst rows" } (worst(&details.worst)) }
            }
        }
    }
}

/// What is predicted, as a curve has it.
fn answers(kind: AnswerKind) -> &'static str {
    match kind {
        AnswerKind::Boolean => "the probability of true",
        AnswerKind::Label => "the probability of a label",
        AnswerKind::Number | AnswerKind::Text | AnswerKind::Json => "the mean answer",
    }
}

fn facts(candidate: &CandidateReport) -> Markup {
    let usage = &candidate.usage;
    html! {
        p.facts {
            @if let Some(rate) = candidate.predict_rows_per_second { (number(rate)) " rows/s in a batch" }
            @if let Some(latency) = candidate.latency { " · one row: p50 " (time(latency.p50)) ", p95 " (time(latency.p95)) }
            @if usage.calls > 0 {
                " · " (usage.calls) " calls, " (usage.input_tokens) " input tokens (" (usage.cached_tokens) " cached), "
                (usage.output_tokens) " output tokens · " (dollars(candidate.usd.evaluation.as_dollars()))
                " for these rows, " (dollars(candidate.usd.spent_now.as_dollars())) " of it in this run"
            }
            @for (kind, rows) in &candidate.failures { " · " (rows) " rows failed (" (kind.name()) ")" }
        }
    }
}

fn metrics(candidate: &CandidateReport) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr { th { "metric" } th.n { "value" } th { "95 % interval" } } }
                tbody {
                    @for (metric, estimate) in &candidate.metrics {
                        tr { td { (metric) } td.n { (number(estimate.value)) } td { (interval(estimate)) } }
                    }
                }
            }
        }
    }
}

fn weights(classes: &[ClassWeights]) -> Markup {
    html! {
        @for class in classes.iter().take(SHOWN_CLASSES) {
            p.weights {
                @if let Some(name) = &class.class { b { (name) } " " }
                @for (feature, weight) in &class.features {
                    span.weight { (feature) " " span.remark { (format!("{weight:+.2}")) } }
                    " "
                }
            }
        }
    }
}

fn worst(rows: &[WorstRow]) -> Markup {
    html! {
        @for row in rows {
            div.worst {
                p {
                    "row " (row.row_idx + 1) " · truth " b { (row.truth) } " · "
                    @if row.failed { "no answer: " (row.answer) } @else { "answered " b { (row.answer) } }
                    @if let Some(confidence) = row.confidence { " with " (percent(confidence)) " confidence" }
                }
                dl {
                    @for (field, value) in &row.input {
                        dt { (field) }
                        dd { (plain(value)) }
                    }
                }
            }
        }
    }
}

/// A cell without JSON's quotes, cut where it would fill the page.
fn plain(value: &serde_json::Value) -> String {
    const LONGEST: usize = 600;
    let text = match value {
        serde_json::Value::Null => "(missing)".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
