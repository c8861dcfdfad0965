//! The metric `cost`: what the answers of a task cost, by its project file.

use yw_config::{BooleanCosts, CostsSpec};
use yw_stats::{Statistic, mean};
use yw_task::{LabelSet, Outcome, Truth};

use super::score::{predicted_booleans, predicted_ids};

/// The mean cost of the answers; None if the costs are of another kind of answer.
///
/// A row without an answer costs what the dearest answer to its truth would.
pub(super) fn cost_statistic(costs: &CostsSpec, truth: &Truth, outcomes: &[Outcome]) -> Option<Box<dyn Statistic>> {
    let none = LabelSet::default();
    let (truth, answers, labels): (Vec<u32>, Vec<Option<u32>>, &LabelSet) = match (costs, truth) {
        (CostsSpec::Boolean(_), Truth::Boolean(truth)) => {
            let answers = predicted_booleans(outcomes).into_iter().map(|answer| answer.map(u32::from));
            (truth.iter().map(|&b| u32::from(b)).collect(), answers.collect(), &none)
        }
        (CostsSpec::Label(_), Truth::Label { ids, labels }) => (ids.clone(), predicted_ids(labels, outcomes), labels),
        _ => return None,
    };
    Some(mean(costs_of_rows(&cost_matrix(costs, labels), &truth, &answers)))
}

/// What each answer costs for each truth: a row per truth, a column per answer, in the order of `labels`; of booleans
/// `false` comes first and `labels` do not matter. Pairs of labels that are not among `labels` have no place in it.
pub(crate) fn cost_matrix(costs: &CostsSpec, labels: &LabelSet) -> Vec<f64> {
    match costs {
        CostsSpec::Boolean(BooleanCosts { true_positive, false_positive, true_negative, false_negative }) => {
            vec![*true_negative, *false_positive, *false_negative, *true_positive]
        }
        CostsSpec::Label(pairs) => {
            let n = labels.len();
            let mut matrix = vec![1.0; n * n];
            matrix.iter_mut().step_by(n + 1).for_each(|right| *right = 0.0);
            for pair in pairs {
                if let (Some(truth), Some(answer)) = (labels.id(&pair.truth), labels.id(&pair.answer)) {
                    matrix[truth as usize * n + answer as usize] = pair.cost;
                }
            }
            matrix
        }
    }
}

fn costs_of_rows(matrix: &[f64], truth: &[u32], answers: &[Option<u32>]) -> Vec<f64> {
    let n_classes = matrix.len().isqrt();
    let cost = |(&truth, &answer): (&u32, &Option<u32>)| {
        let of_truth = &matrix[truth as usize * n_classes..][..n_classes];
        let dearest = || of_truth.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        answer.map_or_else(dearest, |answer| of_truth[answer as usize])
    };
    truth.iter().zip(answers).map(cost).collect()
}
