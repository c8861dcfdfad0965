//! A run as a table for the terminal.

use yw_arena::AskEstimate;
use yw_store::{CandidateRecord, CandidateStatus, RunRecord};

use super::{number, table, trimmed};

/// Width that prose is wrapped to.
const WIDTH: usize = 100;

/// The run's candidates with their scores, and the verdict.
pub(crate) fn run_table(record: &RunRecord) -> String {
    let direction = if record.higher_is_better { "higher is better" } else { "lower is better" };
    let mut text = format!(
        "{}: {} train rows, {} test rows; {} decides ({direction}), 95 % intervals\n\n",
        record.task, record.data.train_rows, record.data.test_rows, record.metric
    );
    let header =
        ["candidate", "road", &record.metric, "interval", "versus best", "p", "failed", "p50 ms", "p95 ms", "$ / 1000"];
    let mut rows = table(&header, &[2, 5, 6, 7, 8, 9]);
    let champion = record.verdict.champion.as_deref();
    for candidate in &record.candidates {
        rows.add_row(candidate_row(candidate, champion));
    }
    text.push_str(&trimmed(&rows));
    text.push('\n');
    for candidate in record.candidates.iter().filter(|c| c.status != CandidateStatus::Ok) {
        let status = match candidate.status {
            CandidateStatus::Failed => "failed".to_owned(),
            other => format!("was {}", status_word(other)),
        };
        let reason = candidate.reason.as_deref().unwrap_or("no reason was given");
        text.push_str(&wrapped(&format!("\n{} {status}: {reason}", candidate.name)));
    }
    text.push_str(&wrapped(&format!("\nverdict: {}", record.verdict.reason)));
    text
}

fn candidate_row(candidate: &CandidateRecord, champion: Option<&str>) -> Vec<String> {
    let mark = if champion == Some(candidate.name.as_str()) { "▸ " } else { "  " };
    let dash = || "–".to_owned();
    let (score, score_interval) = match &candidate.score {
        Some(s) => (number(s.value), interval(s.low, s.high)),
        None => (status_word(candidate.status).to_owned(), dash()),
    };
    let (difference, p_value) = match &candidate.versus_best {
        Some(c) => {
            let p = c.p_value.map_or_else(dash, |p| if p < 0.001 { "<.001".to_owned() } else { format!("{p:.3}") });
            (format!("{:+.4}  {}", c.difference, interval(c.low, c.high)), p)
        }
        None if candidate.score.is_some() => ("best".to_owned(), dash()),
        None => (dash(), dash()),
    };
    let (p50, p95) = match &candidate.latency_ms {
        Some(l) => (number(l.p50), number(l.p95)),
        None => (dash(), dash()),
    };
    let usd = match (&candidate.usd, candidate.status) {
        (Some(usd), CandidateStatus::Ok) if usd.per_1000 > 0.0 => number(usd.per_1000),
        (Some(_), CandidateStatus::Ok) => "0".to_owned(),
        _ => dash(),
    };
    let failed = if candidate.status == CandidateStatus::Ok { candidate.failures.to_string() } else { dash() };
    let road = match candidate.road {
        yw_store::Road::Fit => "fit",
        yw_store::Road::Ask => "ask",
        yw_store::Road::Both => "both",
    };
    let name = format!("{mark}{}", candidate.name);
    vec![name, road.to_owned(), score, score_interval, difference, p_value, failed, p50, p95, usd]
}

fn interval(low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("{} … {}", number(low), number(high)),
        _ => "–".to_owned(),
    }
}

fn status_word(status: CandidateStatus) -> &'static str {
    match status {
        CandidateStatus::Ok => "scored",
        CandidateStatus::Skipped => "skipped",
        CandidateStatus::Stopped => "stopped",
        CandidateStatus::Failed => "failed",
    }
}

/// What asking would cost.
pub(crate) fn estimates(task: &str, estimates: &[AskEstimate]) -> String {
    if estimates.is_empty() {
        return format!("{task}: no candidate asks a model; a run costs nothing");
    }
    let mut rows = table(&["candidate", "model", "rows", "input tokens", "output tokens", "dollars"], &[2, 3, 4, 5]);
    for estimate in estimates {
        rows.add_row([
            estimate.candidate.clone(),
            estimate.model.to_string(),
            estimate.rows.to_string(),
            estimate.input_tokens.to_string(),
            estimate.output_tokens.to_string(),
            estimate.usd.map_or_else(|| "no price known".to_owned(), |usd| format!("{:.4}", usd.as_dollars())),
        ]);
    }
    let mut text =
        format!("{task}: what asking every test row once would cost, estimated from the rendered prompts\n\n");
    text.push_str(&trimmed(&rows));
    for estimate in estimates {
        if let Some(obstacle) = &estimate.obstacle {
            text.push_str(&wrapped(&format!("\n\n{} would not run: {obstacle}", estimate.candidate)));
        }
    }
    text
}

/// What asking would cost, as one JSON object.
pub(crate) fn estimates_json(task: &str, estimates: &[AskEstimate]) -> String {
    let candidate = |e: &AskEstimate| {
        serde_json::json!({
            "name": e.candidate,
            "model": e.model.to_string(),
            "rows": e.rows,
            "input_tokens": e.input_tokens,
            "output_tokens": e.output_tokens,
            "usd": e.usd.map(|usd| usd.as_dollars()),
            "obstacle": e.obstacle,
        })
    };
    let candidates: Vec<serde_json::Value> = estimates.iter().map(candidate).collect();
    serde_json::json!({ "task": task, "candidates": candidates }).to_string()
}

/// Breaks each line at words, so that none is longer than a terminal is wide.
fn wrapped(text: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let mut width = 0;
        for word in line.split_inclusive(' ') {
            let length = word.trim_end().chars().count();
            if width > 0 && width + length > WIDTH {
                out.truncate(out.trim_end_matches(' ').len());
                out.push_str("\n  ");
                width = 2;
            }
            out.push_str(word);
            width += word.chars().count();
        }
    }
    out
}
