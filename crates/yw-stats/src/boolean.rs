//! Metrics of yes-or-no answers.
//!
//! *Shapes*: all arrays have one entry per row. A failed row is `None`, which counts as the wrong answer, or a NaN
//! probability, which counts as full confidence in the wrong answer.
//!
//! # Panics
//!
//! Every function panics if the lengths differ.

use crate::ranking::Ranking;
use crate::statistic::{Statistic, count_of, mean};

/// Probabilities are kept this far from zero and one before their logarithm is taken.
pub(crate) const PROBABILITY_FLOOR: f64 = 1e-15;

/// The share of right answers.
pub fn accuracy(truth: &[bool], predicted: &[Option<bool>]) -> Box<dyn Statistic> {
    mean(given_answers(truth, predicted).zip(truth).map(|(given, truth)| f64::from(given == *truth)).collect())
}

/// The F1 score of `true`: 2 tp / (2 tp + fp + fn). NaN where no row is true or answered so.
pub fn f1(truth: &[bool], predicted: &[Option<bool>]) -> Box<dyn Statistic> {
    Outcomes::boxed(truth, predicted, |hits, truths, answered| 2.0 * hits / (truths + answered))
}

/// The share of `true` answers that are right: tp / (tp + fp). NaN where no row is answered `true`.
pub fn precision(truth: &[bool], predicted: &[Option<bool>]) -> Box<dyn Statistic> {
    Outcomes::boxed(truth, predicted, |hits, _, answered| hits / answered)
}

/// The share of true rows that are found: tp / (tp + fn). NaN where no row is true.
pub fn recall(truth: &[bool], predicted: &[Option<bool>]) -> Box<dyn Statistic> {
    Outcomes::boxed(truth, predicted, |hits, truths, _| hits / truths)
}

/// The area under the ROC curve of the probability of `true`: the chance that a true row scores above a false one, ties
/// counted half. NaN unless both classes occur. A failed row ranks below (if true) or above (if false) all others.
pub fn roc_auc(truth: &[bool], p_true: &[f64]) -> Box<dyn Statistic> {
    Box::new(Ranked { ranking: ranking(truth, p_true), measure: Ranking::roc_auc })
}

/// Average precision, the area under the precision-recall curve as a step function: Σ (Rₙ - Rₙ₋₁) Pₙ over the distinct
/// scores. NaN where no row is true. A failed row ranks below (if true) or above (if false) all others.
pub fn average_precision(truth: &[bool], p_true: &[f64]) -> Box<dyn Statistic> {
    Box::new(Ranked { ranking: ranking(truth, p_true), measure: Ranking::average_precision })
}

/// The mean negative natural logarithm of the probability of the truth, which is kept within 1e-15 of zero and one. A
/// failed row costs 34.5, as the floor does.
pub fn log_loss(truth: &[bool], p_true: &[f64]) -> Box<dyn Statistic> {
    let loss = |p: f64| -p.clamp(PROBABILITY_FLOOR, 1.0 - PROBABILITY_FLOOR).ln();
    mean(probability_of_truth(truth, p_true).map(loss).collect())
}

/// The mean squared error of the probability of `true`. A failed row costs 1.
pub fn brier(truth: &[bool], p_true: &[f64]) -> Box<dyn Statistic> {
    mean(probability_of_truth(truth, p_true).map(|p| (1.0 - p).powi(2)).collect())
}

/// The answers, the wrong one for failed rows.
fn given_answers<'a>(truth: &'a [bool], predicted: &'a [Option<bool>]) -> impl Iterator<Item = bool> + 'a {
    assert_eq!(truth.len(), predicted.len(), "one answer per row");
    truth.iter().zip(predicted).map(|(truth, predicted)| predicted.unwrap_or(!truth))
}

/// What each row's truth was given, zero for failed rows.
fn probability_of_truth<'a>(truth: &'a [bool], p_true: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    assert_eq!(truth.len(), p_true.len(), "one probability per row");
    truth.iter().zip(p_true).map(|(&truth, &p)| {
        if p.is_nan() {
            0.0
        } else if truth {
            p
        } else {
            1.0 - p
        }
    })
}

fn ranking(truth: &[bool], p_true: &[f64]) -> Ranking {
    assert_eq!(truth.len(), p_true.len(), "one probability per row");
    Ranking::new(truth, p_true.iter().copied())
}

struct Ranked {
    ranking: Ranking,
    measure: fn(&Ranking, Option<&[u32]>) -> f64,
}

impl Statistic for Ranked {
    fn n_rows(&self) -> usize {
        self.ranking.n_rows()
    }

    fn value(&self, counts: Option<&[u32]>) -> f64 {
        (self.measure)(&self.ranking, counts)
    }
}

/// Truth and answer of each row, and a measure of how many rows are both true and answered so, true, and answered so.
struct Outcomes {
    rows: Vec<(bool, bool)>,
    measure: fn(f64, f64, f64) -> f64,
}

impl Outcomes {
    fn boxed(
        truth: &[bool],
        predicted: &[Option<bool>],
        measure: fn(hits: f64, truths: f64, answered: f64) -> f64,
    ) -> Box<dyn Statistic> {
        let rows = truth.iter().copied().zip(given_answers(truth, predicted)).collect();
        Box::new(Outcomes { rows, measure })
    }
}

impl Statistic for Outcomes {
    fn n_rows(&self) -> usize {
        self.rows.len()
    }

    fn value(&self, counts: Option<&[u32]>) -> f64 {
        let (mut hits, mut truths, mut answered) = (0, 0, 0);
        for (row, &(truth, given)) in self.rows.iter().enumerate() {
            let count = count_of(counts, row);
            hits += count * u64::from(truth && given);
            truths += count * u64::from(truth);
            answered += count * u64::from(given);
        }
        (self.measure)(hits as f64, truths as f64, answered as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUTH: [bool; 6] = [true, true, true, false, false, false];
    /// Two hits, one miss, one false alarm, two failures.
    const PREDICTED: [Option<bool>; 6] = [Some(true), Some(true), None, Some(true), Some(false), None];

    fn check(statistic: Box<dyn Statistic>, expect: f64) {
        let found = statistic.value(None);
        assert!((found - expect).abs() < 1e-12, "{found} is not {expect}");
    }

    #[test]
    fn failed_rows_are_wrong() {
        // Both failures count as the wrong answer: tp 2, fn 1, fp 2, tn 1.
        check(accuracy(&TRUTH, &PREDICTED), 3.0 / 6.0);
        check(precision(&TRUTH, &PREDICTED), 2.0 / 4.0);
        check(recall(&TRUTH, &PREDICTED), 2.0 / 3.0);
        check(f1(&TRUTH, &PREDICTED), 4.0 / 7.0);
    }

    #[test]
    fn probabilities_by_hand() {
        check(log_loss(&[true, false], &[0.5, 0.75]), (2.0_f64.ln() + 4.0_f64.ln()) / 2.0);
        check(brier(&[true, false], &[0.5, 0.75]), (0.25 + 0.5625) / 2.0);
        check(roc_auc(&[true, false, false], &[0.6, 0.7, 0.1]), 0.5);
        check(average_precision(&[true, false, false], &[0.6, 0.7, 0.1]), 0.5);
    }

    #[test]
    fn certainty_in_the_wrong_answer_is_costly_and_finite() {
        check(log_loss(&[true], &[0.0]), 15.0 * 10.0_f64.ln());
        for truth in [true, false] {
            check(log_loss(&[truth], &[f64::NAN]), 15.0 * 10.0_f64.ln());
            check(brier(&[truth], &[f64::NAN]), 1.0);
        }
    }
}
