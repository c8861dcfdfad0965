//! How answers and scores change with the values of one field, the others as they are.

use std::cmp::Ordering;
use std::collections::HashMap;

use yw_task::{
    Answer, AnswerKind, AnswerSpec, Cell, FieldType, LabelSet, Outcome, PredictContext, Predictor, Rows, Scores, Value,
};

use super::{Contributions, Effort};
use crate::report::{Dependence, DependenceCurve};

/// Values that a field is given: quantiles of numbers and times, the most frequent levels.
const GRID: usize = 20;

/// Classes that are followed where there are more.
const CLASSES: usize = 3;

/// The fields that have values to follow, the most important first, at most `n`.
pub(super) fn fields_to_follow(rows: &Rows, importance: &[f64], n: usize) -> Vec<usize> {
    let is_followed = |&field: &usize| {
        rows.fields()[field].field_type != FieldType::Text && importance[field] > 0.0 && grid(rows, field).len() > 1
    };
    let mut fields: Vec<usize> = (0..importance.len()).filter(is_followed).collect();
    fields.sort_by(|&a, &b| importance[b].total_cmp(&importance[a]));
    fields.truncate(n);
    fields
}

/// Partial dependence (Friedman, *Greedy function approximation*, Annals of Statistics 29, 2001): the mean answer if all
/// rows had the same value of a field; and the answer of single rows (Goldstein et al., *Peeking inside the black box*,
/// JCGS 24, 2015). Empty for answers that are no numbers and have no probabilities.
pub(super) async fn dependence(
    predictor: &dyn Predictor,
    rows: &Rows,
    fields: &[usize],
    answer: &AnswerSpec,
    effort: &Effort,
) -> Vec<Dependence> {
    let n_rows = rows.n_rows().min(effort.dependence_rows);
    // Rows are in the order of the file; every so many is a fair sample.
    let spread: Vec<usize> = (0..n_rows).map(|i| i * rows.n_rows() / n_rows).collect();
    let some = rows.take(&spread);
    let plain = predictor.predict(&some, &PredictContext::default()).await;
    let responses = responses(answer, &plain);
    let mut all = Vec::new();
    for &field in fields.iter().filter(|_| !responses.is_empty()) {
        let grid = grid(rows, field);
        let every_value: Vec<usize> = grid.iter().flat_map(|&value| std::iter::repeat_n(value, n_rows)).collect();
        let every_row: Vec<usize> = (0..grid.len()).flat_map(|_| 0..n_rows).collect();
        let asked = some.take(&every_row).with_column_of(&rows.take(&every_value), field);
        let outcomes = predictor.predict(&asked, &PredictContext::default()).await;
        let curve = |response: &Response| {
            let at = |value: usize, row: usize| response.of(&outcomes[value * n_rows + row]);
            let mean = |value: usize| mean((0..n_rows).filter_map(|row| at(value, row)));
            let own = |row: usize| (0..grid.len()).map(|value| at(value, row).unwrap_or(f64::NAN)).collect();
            DependenceCurve {
                class: response.label.as_ref().map(|(name, _)| name.clone()),
                means: (0..grid.len()).map(mean).collect(),
                rows: (0..n_rows.min(effort.kept_rows)).map(own).collect(),
            }
        };
        all.push(Dependence {
            field: rows.fields()[field].name.clone(),
            values: values(rows, field, &grid),
            curves: responses.iter().map(curve).collect(),
        });
    }
    all
}

/// What the values of fields contribute in an additive model: there a contribution depends on the field's value alone, so
/// that one row of each value tells all.
pub(super) async fn effects(
    predictor: &dyn Predictor,
    rows: &Rows,
    fields: &[usize],
    contributions: &Contributions,
) -> Vec<Dependence> {
    let classes = contributions.main_classes(CLASSES);
    let mut all = Vec::new();
    for &field in fields {
        let grid = grid(rows, field);
        let Some(explanation) = predictor.explain(&rows.take(&grid)).await else { break };
        let of_field = |feature: &usize| explanation.features[*feature].field == Some(field);
        let features: Vec<usize> = (0..explanation.features.len()).filter(of_field).collect();
        let curve = |&class: &usize| {
            let effect = |row| features.iter().map(|&feature| explanation.of(row, class)[feature]).sum();
            let name = explanation.classes[class].to_string();
            DependenceCurve {
                class: (explanation.classes.len() > 1).then_some(name),
                means: (0..grid.len()).map(effect).collect(),
                rows: Vec::new(),
            }
        };
        all.push(Dependence {
            field: rows.fields()[field].name.clone(),
            values: values(rows, field, &grid),
            curves: classes.iter().map(curve).collect(),
        });
    }
    all
}

/// What is followed of an answer.
struct Response {
    /// The label and its id; none where there is one number: the answer, or the probability of true.
    label: Option<(String, u32)>,
}

/// What can be followed of answers of this kind: of labels those that are most probable on average, in their order.
fn responses(answer: &AnswerSpec, outcomes: &[Outcome]) -> Vec<Response> {
    match answer.kind {
        AnswerKind::Number | AnswerKind::Boolean => vec![Response { label: None }],
        AnswerKind::Label => main_labels(&answer.labels, outcomes),
        AnswerKind::Text | AnswerKind::Json => Vec::new(),
    }
}

fn main_labels(labels: &LabelSet, outcomes: &[Outcome]) -> Vec<Response> {
    let response = |id: u32| Response { label: Some((labels.name(id).to_string(), id)) };
    let mut all: Vec<(f64, Response)> = (0..labels.len() as u32)
        .map(response)
        .map(|response| (mean(outcomes.iter().filter_map(|o| response.of(o))), response))
        .collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.truncate(CLASSES);
    all.sort_by_key(|(_, response)| response.label.as_ref().map(|(_, id)| *id));
    all.into_iter().map(|(_, response)| response).collect()
}

impl Response {
    /// None if the row has no answer. An answer without probabilities is certain.
    fn of(&self, outcome: &Outcome) -> Option<f64> {
        let Answer { value, scores } = outcome.result.as_ref().ok()?;
        match (value, scores, &self.label) {
            (Value::Number(number), ..) => Some(*number),
            (_, Some(Scores::True(p)), _) => Some(*p),
            (Value::Boolean(answer), ..) => Some(f64::from(u8::from(*answer))),
            (_, Some(Scores::Labels(p)), Some((_, id))) => p.get(*id as usize).copied(),
            (Value::Label(answer), _, Some((name, _))) => Some(f64::from(u8::from(**answer == **name))),
            _ => None,
        }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0), |(sum, n), value| (sum + value, n + 1));
    sum / f64::from(n)
}

/// Rows that have the values to follow, in the order of the values; each value once.
fn grid(rows: &Rows, field: usize) -> Vec<usize> {
    let mut present: Vec<usize> = (0..rows.n_rows()).filter(|&i| rows.cell(i, field) != Cell::Missing).collect();
    let compare = |a: &usize, b: &usize| compare(rows.cell(*a, field), rows.cell(*b, field));
    let is_same = |a: &mut usize, b: &mut usize| rows.cell(*a, field) == rows.cell(*b, field);
    if matches!(rows.fields()[field].field_type, FieldType::Number | FieldType::Time) {
        present.sort_by(compare);
        let mut distinct = present.clone();
        distinct.dedup_by(is_same);
        if distinct.len() <= GRID {
            return distinct;
        }
        let quantile = |i: usize| present[i * (present.len() - 1) / (GRID - 1)];
        let mut grid: Vec<usize> = (0..GRID).map(quantile).collect();
        grid.dedup_by(is_same);
        return grid;
    }
    let mut counts: HashMap<String, (usize, usize)> = HashMap::new();
    for &i in &present {
        counts.entry(rows.cell(i, field).to_json().to_string()).or_insert((0, i)).0 += 1;
    }
    let mut levels: Vec<(usize, usize)> = counts.into_values().collect();
    levels.sort_by_key(|&(count, first)| (std::cmp::Reverse(count), first));
    levels.truncate(GRID);
    let mut grid: Vec<usize> = levels.into_iter().map(|(_, first)| first).collect();
    grid.sort_by(compare);
    grid
}

fn compare(a: Cell<'_>, b: Cell<'_>) -> Ordering {
    match (a, b) {
        (Cell::Number(a), Cell::Number(b)) => a.total_cmp(&b),
        (Cell::Time(a), Cell::Time(b)) => a.cmp(&b),
        (Cell::Boolean(a), Cell::Boolean(b)) => a.cmp(&b),
        (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
        _ => Ordering::Equal,
    }
}

fn values(rows: &Rows, field: usize, grid: &[usize]) -> Vec<serde_json::Value> {
    grid.iter().map(|&i| rows.cell(i, field).to_json()).collect()
}
