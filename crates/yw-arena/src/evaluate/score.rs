//! Metrics by name: outcomes and truth laid out as the arrays that `yw-stats` compares.

use std::collections::HashMap;

use yw_config::CostsSpec;
use yw_stats::{Statistic, boolean, label, mean, number, text};
use yw_task::{Answer, LabelSet, Metric, Outcome, Scores, Truth, Value};

use super::cost::cost_statistic;

/// A metric over rows, or None if the metric does not apply to this kind of answer, or needs `costs` that are not there.
/// Rows without an answer count as wrong, as the metric's own documentation says.
pub(crate) fn metric_statistic(
    metric: Metric,
    truth: &Truth,
    costs: Option<&CostsSpec>,
    outcomes: &[Outcome],
) -> Option<Box<dyn Statistic>> {
    match truth {
        _ if metric == Metric::Cost => cost_statistic(costs?, truth, outcomes),
        Truth::Label { ids, labels } => label_statistic(metric, ids, labels, outcomes),
        Truth::Boolean(truth) => boolean_statistic(metric, truth, outcomes),
        Truth::Number(truth) => number_statistic(metric, truth, outcomes),
        Truth::Text(truth) => text_statistic(metric, truth, outcomes),
        Truth::Json(truth) => json_statistic(metric, truth, outcomes),
    }
}

/// Which rows are right: equal to the truth, as the kind's rate metric has it.
pub(super) fn right_rows(truth: &Truth, outcomes: &[Outcome]) -> Vec<bool> {
    let is_right = |(row_idx, outcome): (usize, &Outcome)| match (&outcome.result, truth) {
        (Err(_), _) => false,
        (Ok(Answer { value: Value::Text(answer), .. }), Truth::Text(truth)) => {
            text::exact_match(&truth[row_idx], answer) == 1.0
        }
        (Ok(answer), _) => answer.value == truth.value(row_idx),
    };
    outcomes.iter().enumerate().map(is_right).collect()
}

/// The label id each row was answered with; none for failed rows.
pub(super) fn predicted_ids(labels: &LabelSet, outcomes: &[Outcome]) -> Vec<Option<u32>> {
    let ids: HashMap<&str, u32> = labels.iter().zip(0..).map(|(l, id)| (&**l, id)).collect();
    let id = |o: &Outcome| match o.result.as_ref().ok()?.value {
        Value::Label(ref name) => ids.get(&**name).copied(),
        _ => None,
    };
    outcomes.iter().map(id).collect()
}

/// The boolean each row was answered with; none for failed rows.
pub(super) fn predicted_booleans(outcomes: &[Outcome]) -> Vec<Option<bool>> {
    let value = |o: &Outcome| match o.result {
        Ok(Answer { value: Value::Boolean(b), .. }) => Some(b),
        _ => None,
    };
    outcomes.iter().map(value).collect()
}

/// The stated probability of true of each row; a bare answer is certain of itself, a failed row has none (NaN).
fn probabilities_of_true(outcomes: &[Outcome]) -> Vec<f64> {
    let probability = |o: &Outcome| match &o.result {
        Ok(Answer { scores: Some(Scores::True(p)), .. }) => *p,
        Ok(Answer { value: Value::Boolean(b), .. }) => f64::from(u8::from(*b)),
        _ => f64::NAN,
    };
    outcomes.iter().map(probability).collect()
}

fn label_statistic(
    metric: Metric,
    truth: &[u32],
    labels: &LabelSet,
    outcomes: &[Outcome],
) -> Option<Box<dyn Statistic>> {
    let predicted = || predicted_ids(labels, outcomes);
    let n_labels = labels.len();
    Some(match metric {
        Metric::Accuracy => label::accuracy(truth, &predicted()),
        Metric::MacroF1 => label::macro_f1(truth, &predicted()),
        Metric::WeightedF1 => label::weighted_f1(truth, &predicted()),
        Metric::LogLoss => label::log_loss(truth, &label_probabilities(labels, outcomes), n_labels),
        Metric::RocAuc => label::roc_auc(truth, &label_probabilities(labels, outcomes), n_labels),
        _ => return None,
    })
}

/// Row-major rows × labels. A bare answer is certain of itself; labels that only the test rows have get nothing; a
/// failed row is all NaN.
fn label_probabilities(labels: &LabelSet, outcomes: &[Outcome]) -> Vec<f64> {
    let n_labels = labels.len();
    let predicted = predicted_ids(labels, outcomes);
    let mut probabilities = vec![0.0; outcomes.len() * n_labels];
    for ((row, outcome), id) in probabilities.chunks_mut(n_labels).zip(outcomes).zip(predicted) {
        match (&outcome.result, id) {
            (Ok(Answer { scores: Some(Scores::Labels(scores)), .. }), _) => row[..scores.len()].copy_from_slice(scores),
            (Ok(_), Some(id)) => row[id as usize] = 1.0,
            _ => row.fill(f64::NAN),
        }
    }
    probabilities
}

fn boolean_statistic(metric: Metric, truth: &[bool], outcomes: &[Outcome]) -> Option<Box<dyn Statistic>> {
    let predicted = || predicted_booleans(outcomes);
    let probabilities = || probabilities_of_true(outcomes);
    Some(match metric {
        Metric::Accuracy => boolean::accuracy(truth, &predicted()),
        Metric::F1 => boolean::f1(truth, &predicted()),
        Metric::Precision => boolean::precision(truth, &predicted()),
        Metric::Recall => boolean::recall(truth, &predicted()),
        Metric::RocAuc => boolean::roc_auc(truth, &probabilities()),
        Metric::AveragePrecision => boolean::average_precision(truth, &probabilities()),
        Metric::LogLoss => boolean::log_loss(truth, &probabilities()),
        Metric::Brier => boolean::brier(truth, &probabilities()),
        _ => return None,
    })
}

fn number_statistic(metric: Metric, truth: &[f64], outcomes: &[Outcome]) -> Option<Box<dyn Statistic>> {
    let value = |o: &Outcome| match o.result {
        Ok(Answer { value: Value::Number(n), .. }) => n,
        _ => f64::NAN,
    };
    let predicted: Vec<f64> = outcomes.iter().map(value).collect();
    Some(match metric {
        Metric::Rmse => number::rmse(truth, &predicted),
        Metric::Mae => number::mae(truth, &predicted),
        Metric::R2 => number::r2(truth, &predicted),
        Metric::Mape => number::mape(truth, &predicted),
        Metric::MedianAe => number::median_ae(truth, &predicted),
        _ => return None,
    })
}

fn text_statistic(metric: Metric, truth: &[String], outcomes: &[Outcome]) -> Option<Box<dyn Statistic>> {
    let compare = match metric {
        Metric::ExactMatch => text::exact_match,
        Metric::TokenF1 => text::token_f1,
        Metric::RougeL => text::rouge_l,
        _ => return None,
    };
    let score = |(truth, outcome): (&String, &Outcome)| match &outcome.result {
        Ok(Answer { value: Value::Text(answer), .. }) => compare(truth, answer),
        _ => 0.0,
    };
    Some(mean(truth.iter().zip(outcomes).map(score).collect()))
}

fn json_statistic(metric: Metric, truth: &[serde_json::Value], outcomes: &[Outcome]) -> Option<Box<dyn Statistic>> {
    let compare = match metric {
        Metric::Exact => |truth: &serde_json::Value, answer: &serde_json::Value| f64::from(u8::from(truth == answer)),
        Metric::FieldAccuracy => field_accuracy,
        _ => return None,
    };
    let score = |(truth, outcome): (&serde_json::Value, &Outcome)| match &outcome.result {
        Ok(Answer { value: Value::Json(answer), .. }) => compare(truth, answer),
        _ => 0.0,
    };
    Some(mean(truth.iter().zip(outcomes).map(score).collect()))
}

/// Share of the truth's keys whose value the answer has too.
pub(super) fn field_accuracy(truth: &serde_json::Value, answer: &serde_json::Value) -> f64 {
    match truth.as_object() {
        Some(fields) if !fields.is_empty() => {
            let right = fields.iter().filter(|(key, value)| answer.get(key) == Some(value)).count();
            right as f64 / fields.len() as f64
        }
        _ => f64::from(u8::from(truth == answer)),
    }
}
