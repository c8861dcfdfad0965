//! What the score does not say: confusion, calibration, the worst rows, and parts of the data.

use std::collections::BTreeMap;

use yw_stats::calibration::{self, Binning, ReliabilityBin};
use yw_stats::text;
use yw_task::{Column, Outcome, Rows, Scores, Truth, Value};

use super::TestSet;
use super::score::{field_accuracy, predicted_ids, right_rows};
use crate::report::{Calibration, CalibrationBin, Confusion, Details, Slice, WorstRow};

const WORST_ROWS: usize = 10;
const CALIBRATION_BINS: usize = 15;

/// A slice needs this many rows to be worth an interval; a field shows at most so many values.
const SLICE_ROWS: usize = 20;
const SLICES_PER_FIELD: usize = 8;
const SLICE_REPLICATES: u32 = 500;

/// Everything but the weights and the explanation, which only the predictor knows.
pub(crate) fn details(test: &TestSet, outcomes: &[Outcome]) -> Details {
    Details {
        confusion: confusion(&test.rows.truth, outcomes),
        calibration: calibration_of(&test.rows.truth, outcomes),
        worst: worst(test, outcomes),
        slices: slices(test, outcomes),
        weights: Vec::new(),
        explained: None,
    }
}

fn confusion(truth: &Truth, outcomes: &[Outcome]) -> Option<Confusion> {
    let (labels, truth, predicted): (Vec<String>, Vec<u32>, Vec<Option<u32>>) = match truth {
        Truth::Label { ids, labels } => {
            (labels.iter().map(|l| l.to_string()).collect(), ids.clone(), predicted_ids(labels, outcomes))
        }
        Truth::Boolean(truth) => {
            let answer = |o: &Outcome| match o.result.as_ref().ok()?.value {
                Value::Boolean(b) => Some(u32::from(b)),
                _ => None,
            };
            let ids = truth.iter().map(|&b| u32::from(b)).collect();
            (["false", "true"].map(str::to_owned).into(), ids, outcomes.iter().map(answer).collect())
        }
        _ => return None,
    };
    let n = labels.len();
    let (mut counts, mut unanswered) = (vec![0; n * n], vec![0; n]);
    for (&truth, predicted) in truth.iter().zip(predicted) {
        match predicted {
            Some(answer) => counts[truth as usize * n + answer as usize] += 1,
            None => unanswered[truth as usize] += 1,
        }
    }
    Some(Confusion { labels, counts, unanswered })
}

/// Of the answers that state a probability. Booleans: the probability of true against truth. Labels: the confidence in
/// the answer against its being right.
fn calibration_of(truth: &Truth, outcomes: &[Outcome]) -> Option<Calibration> {
    let right = right_rows(truth, outcomes);
    let stated = |row_idx: usize| {
        let answer = outcomes[row_idx].result.as_ref().ok()?;
        match (truth, answer.scores.as_ref()?) {
            (Truth::Boolean(truth), Scores::True(p)) => Some((*p, truth[row_idx])),
            (Truth::Label { .. }, Scores::Labels(_)) => Some((answer.confidence()?, right[row_idx])),
            _ => None,
        }
    };
    let (stated, came_true): (Vec<f64>, Vec<bool>) = (0..outcomes.len()).filter_map(stated).unzip();
    if stated.is_empty() {
        return None;
    }
    let bins = calibration::reliability(&stated, &came_true, CALIBRATION_BINS, Binning::EqualWidth);
    let ece = calibration::expected_calibration_error(&stated, &came_true, CALIBRATION_BINS);
    let bin = |b: &ReliabilityBin| CalibrationBin { stated: b.mean_confidence, observed: b.share_right, rows: b.count };
    Some(Calibration { ece, bins: bins.iter().map(bin).collect() })
}

/// The rows with the largest loss: confident mistakes first, failures before everything.
fn worst(test: &TestSet, outcomes: &[Outcome]) -> Vec<WorstRow> {
    let truth = &test.rows.truth;
    let mut losses: Vec<(usize, f64)> = outcomes
        .iter()
        .enumerate()
        .map(|(i, outcome)| (i, loss(truth, i, outcome)))
        .filter(|&(_, loss)| loss > 0.0)
        .collect();
    losses.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    losses.truncate(WORST_ROWS);
    let describe = |(row_idx, _): (usize, f64)| {
        let result = &outcomes[row_idx].result;
        WorstRow {
            row_idx,
            input: test.rows.rows.row_json(row_idx),
            truth: truth.value(row_idx).to_string(),
            answer: result.as_ref().map_or_else(|e| e.to_string(), |a| a.value.to_string()),
            failed: result.is_err(),
            confidence: result.as_ref().ok().and_then(|a| a.confidence()),
        }
    };
    losses.into_iter().map(describe).collect()
}

/// How bad one row is, for ordering only; zero for a right answer.
fn loss(truth: &Truth, row_idx: usize, outcome: &Outcome) -> f64 {
    let Ok(answer) = &outcome.result else { return f64::INFINITY };
    match (truth, &answer.value) {
        (Truth::Number(truth), Value::Number(n)) => (truth[row_idx] - n).abs(),
        (Truth::Text(truth), Value::Text(given)) => 1.0 - text::token_f1(&truth[row_idx], given),
        (Truth::Json(truth), Value::Json(given)) => 1.0 - field_accuracy(&truth[row_idx], given),
        _ if answer.value == truth.value(row_idx) => 0.0,
        _ => answer.confidence().unwrap_or(1.0).max(f64::MIN_POSITIVE),
    }
}

/// The deciding metric by category, by boolean and by quarter of a number, for parts with enough rows.
fn slices(test: &TestSet, outcomes: &[Outcome]) -> Vec<Slice> {
    let rows = &test.rows.rows;
    let mut slices = Vec::new();
    for (field_idx, field) in rows.fields().iter().enumerate() {
        let mut parts: Vec<(String, Vec<usize>)> = parts_of(rows, field_idx);
        parts.retain(|(_, row_idxs)| row_idxs.len() >= SLICE_ROWS && row_idxs.len() < rows.n_rows());
        parts.truncate(SLICES_PER_FIELD);
        for (value, row_idxs) in parts {
            let score = test.score_part(&row_idxs, outcomes, SLICE_REPLICATES).filter(|s| !s.value.is_nan());
            slices.extend(score.map(|score| Slice { field: field.name.clone(), value, rows: row_idxs.len(), score }));
        }
    }
    slices
}

/// The rows of each value of a field, most rows first for categories, in order for numbers.
fn parts_of(rows: &Rows, field_idx: usize) -> Vec<(String, Vec<usize>)> {
    match rows.column(field_idx) {
        Column::Category(column) => {
            by_value(column.iter().map(|v| v.map_or_else(|| "(missing)".to_owned(), str::to_owned)))
        }
        Column::Boolean(column) => {
            by_value(column.iter().map(|v| v.map_or_else(|| "(missing)".to_owned(), |b| b.to_string())))
        }
        Column::Number(column) => quarters(column.iter()),
        Column::Text(_) | Column::Time(_) => Vec::new(),
    }
}

fn by_value(values: impl Iterator<Item = String>) -> Vec<(String, Vec<usize>)> {
    let mut parts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (row_idx, value) in values.enumerate() {
        parts.entry(value).or_default().push(row_idx);
    }
    let mut parts: Vec<_> = parts.into_iter().collect();
    parts.sort_by_key(|(_, row_idxs)| std::cmp::Reverse(row_idxs.len()));
    parts
}

/// Rows by quarter of the numbers present; a number with few distinct values has fewer parts.
fn quarters(values: impl Iterator<Item = Option<f64>> + Clone) -> Vec<(String, Vec<usize>)> {
    let mut sorted: Vec<f64> = values.clone().flatten().collect();
    if sorted.is_empty() {
        return Vec::new();
    }
    sorted.sort_by(f64::total_cmp);
    let mut bounds: Vec<f64> = (1..4).map(|q| sorted[q * (sorted.len() - 1) / 4]).collect();
    bounds.dedup();
    bounds.retain(|&b| b < sorted[sorted.len() - 1]);
    let mut parts = vec![Vec::new(); bounds.len() + 1];
    let mut missing = Vec::new();
    for (row_idx, value) in values.enumerate() {
        match value {
            Some(v) => parts[bounds.partition_point(|&b| b < v)].push(row_idx),
            None => missing.push(row_idx),
        }
    }
    let name = |i: usize| match (i.checked_sub(1).map(|j| bounds[j]), bounds.get(i)) {
        (None, Some(high)) => format!("≤ {}", short(*high)),
        (Some(low), Some(high)) => format!("{} – {}", short(low), short(*high)),
        (Some(low), None) => format!("> {}", short(low)),
        (None, None) => "all".to_owned(),
    };
    let mut named: Vec<_> = parts.into_iter().enumerate().map(|(i, rows)| (name(i), rows)).collect();
    named.push(("(missing)".to_owned(), missing));
    named
}

/// A whole number as it is, another with about four significant digits.
fn short(n: f64) -> String {
    if n == n.trunc() && n.abs() < 1e9 {
        return format!("{n}");
    }
    if !(1e-3..1e9).contains(&n.abs()) {
        return format!("{n:.3e}");
    }
    let digits = (3 - n.abs().log10().floor() as i32).clamp(0, 6) as usize;
    format!("{n:.digits$}")
}
