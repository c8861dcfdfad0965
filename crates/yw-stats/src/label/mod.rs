//! Metrics of answers that are one of a set of labels.
//!
//! *Shapes*: `truth` and `predicted` have one label id per row, `probabilities` has one row of `n_labels` columns per row,
//! row after row. A failed row is `None`, which is wrong and answers no label, or a row of probabilities with a NaN,
//! which counts as full confidence in wrong labels. A truth may have an id of `n_labels` or more, a label that the
//! candidate never saw: it was given no probability.
//!
//! # Panics
//!
//! Every function panics if the shapes do not fit.

mod confusion;

pub use confusion::{ClassScores, Confusion, ConfusionMatrix};

use crate::boolean::PROBABILITY_FLOOR;
use crate::ranking::Ranking;
use crate::statistic::{Statistic, count_of, mean};

/// The share of right answers.
pub fn accuracy(truth: &[u32], predicted: &[Option<u32>]) -> Box<dyn Statistic> {
    assert_eq!(truth.len(), predicted.len(), "one answer per row");
    mean(truth.iter().zip(predicted).map(|(truth, predicted)| f64::from(*predicted == Some(*truth))).collect())
}

/// The mean over labels of the F1 score, 2 tp / (2 tp + fp + fn). The labels are those that occur in truth or answers,
/// as in scikit-learn.
pub fn macro_f1(truth: &[u32], predicted: &[Option<u32>]) -> Box<dyn Statistic> {
    Box::new(MeanF1 { answers: Answers::new(truth, predicted), weight: |_| 1.0 })
}

/// The mean over labels of the F1 score, weighted by how often each label is true.
pub fn weighted_f1(truth: &[u32], predicted: &[Option<u32>]) -> Box<dyn Statistic> {
    Box::new(MeanF1 { answers: Answers::new(truth, predicted), weight: |tally| tally.truths as f64 })
}

/// The mean negative natural logarithm of the probability of the truth, after keeping all probabilities within 1e-15 of
/// zero and one and dividing them by their sum. A failed row and a truth without a column cost 34.5, as the floor does.
pub fn log_loss(truth: &[u32], probabilities: &[f64], n_labels: usize) -> Box<dyn Statistic> {
    let table = Probabilities::new(truth, probabilities, n_labels);
    mean(truth.iter().enumerate().map(|(row, &truth)| table.loss(row, truth)).collect())
}

/// The area under the ROC curve, one label against the rest, averaged over the labels that have a column and are the
/// truth of some rows but not of all. For two labels this is the plain area, see
/// [`boolean::roc_auc`](crate::boolean::roc_auc). NaN where there is no such label.
///
/// *Cost*: `n_labels` passes over the rows for each evaluation, and 8 bytes per row and label.
pub fn roc_auc(truth: &[u32], probabilities: &[f64], n_labels: usize) -> Box<dyn Statistic> {
    let table = Probabilities::new(truth, probabilities, n_labels);
    // The two sides of a two-label problem are one, but for what rounding does to ties.
    let is_plain = n_labels == 2 && truth.iter().all(|&truth| truth < 2);
    let labels = if is_plain { 1..2 } else { 0..n_labels };
    let one_against_rest = |label: usize| {
        let positive: Vec<bool> = truth.iter().map(|&truth| truth as usize == label).collect();
        Ranking::new(&positive, (0..truth.len()).map(|row| table.probability(row, label)))
    };
    let n_rows = truth.len();
    let rankings = labels.filter(|&label| truth.contains(&(label as u32))).map(one_against_rest).collect();
    Box::new(OneVersusRest { rankings, n_rows })
}

/// Counts how often each label was answered where each label is the truth.
///
/// # Panics
///
/// Also if an id is not below `n_labels`.
pub fn confusion(truth: &[u32], predicted: &[Option<u32>], n_labels: usize) -> ConfusionMatrix {
    ConfusionMatrix::new(truth, predicted, n_labels)
}

/// Truth and answer of each row, as indices into the labels that occur.
struct Answers {
    rows: Vec<(u32, Option<u32>)>,
    n_labels: usize,
}

/// How often a label is the truth, the answer, and both.
#[derive(Clone, Copy, Default)]
struct Tally {
    hits: u64,
    truths: u64,
    answered: u64,
}

impl Answers {
    fn new(truth: &[u32], predicted: &[Option<u32>]) -> Self {
        assert_eq!(truth.len(), predicted.len(), "one answer per row");
        let mut labels: Vec<u32> = truth.iter().copied().chain(predicted.iter().flatten().copied()).collect();
        labels.sort_unstable();
        labels.dedup();
        let index = |id: u32| labels.partition_point(|&label| label < id) as u32;
        let rows =
            truth.iter().zip(predicted).map(|(&truth, predicted)| (index(truth), predicted.map(index))).collect();
        Answers { rows, n_labels: labels.len() }
    }

    fn tallies(&self, counts: Option<&[u32]>) -> Vec<Tally> {
        let mut tallies = vec![Tally::default(); self.n_labels];
        for (row, &(truth, predicted)) in self.rows.iter().enumerate() {
            let count = count_of(counts, row);
            tallies[truth as usize].truths += count;
            if let Some(predicted) = predicted {
                tallies[predicted as usize].answered += count;
                tallies[predicted as usize].hits += if predicted == truth { count } else { 0 };
            }
        }
        tallies
    }
}

struct MeanF1 {
    answers: Answers,
    weight: fn(&Tally) -> f64,
}

impl Statistic for MeanF1 {
    fn n_rows(&self) -> usize {
        self.answers.rows.len()
    }

    fn value(&self, counts: Option<&[u32]>) -> f64 {
        let (mut sum, mut weights) = (0.0, 0.0);
        for tally in self.answers.tallies(counts).iter().filter(|tally| tally.truths + tally.answered > 0) {
            let weight = (self.weight)(tally);
            sum += weight * (2 * tally.hits) as f64 / (tally.truths + tally.answered) as f64;
            weights += weight;
        }
        sum / weights
    }
}

/// A checked view of a table of probabilities.
struct Probabilities<'a> {
    values: &'a [f64],
    n_labels: usize,
}

impl<'a> Probabilities<'a> {
    fn new(truth: &[u32], values: &'a [f64], n_labels: usize) -> Self {
        assert_eq!(truth.len() * n_labels, values.len(), "one probability per row and label");
        Probabilities { values, n_labels }
    }

    fn row(&self, row: usize) -> &'a [f64] {
        &self.values[row * self.n_labels..(row + 1) * self.n_labels]
    }

    /// NaN for all labels of a failed row.
    fn probability(&self, row: usize, label: usize) -> f64 {
        let row = self.row(row);
        if row.iter().any(|p| p.is_nan()) { f64::NAN } else { row[label] }
    }

    fn loss(&self, row: usize, truth: u32) -> f64 {
        let clipped = |p: &f64| p.clamp(PROBABILITY_FLOOR, 1.0 - PROBABILITY_FLOOR);
        let row = self.row(row);
        let sum: f64 = row.iter().map(clipped).sum();
        let of_truth = row.get(truth as usize).map_or(f64::NAN, |p| clipped(p) / sum);
        // NaN here is a failed row or a truth without a column.
        -(if of_truth.is_nan() { PROBABILITY_FLOOR } else { of_truth }).ln()
    }
}

struct OneVersusRest {
    rankings: Vec<Ranking>,
    n_rows: usize,
}

impl Statistic for OneVersusRest {
    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn value(&self, counts: Option<&[u32]>) -> f64 {
        let areas = self.rankings.iter().map(|ranking| ranking.roc_auc(counts)).filter(|area| !area.is_nan());
        let (sum, n) = areas.fold((0.0, 0), |(sum, n), area| (sum + area, n + 1));
        sum / f64::from(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUTH: [u32; 6] = [0, 0, 0, 5, 5, 7];
    /// 0: two hits, one taken for 5. 5: one hit, one failure. 7: taken for 9, which is never the truth.
    const PREDICTED: [Option<u32>; 6] = [Some(0), Some(0), Some(5), Some(5), None, Some(9)];

    fn check(statistic: Box<dyn Statistic>, expect: f64) {
        let found = statistic.value(None);
        assert!((found - expect).abs() < 1e-12, "{found} is not {expect}");
    }

    #[test]
    fn answers_by_hand() {
        check(accuracy(&TRUTH, &PREDICTED), 3.0 / 6.0);
        // F1 of 0: 4/5; of 5: 2/4; of 7 and 9: 0.
        check(macro_f1(&TRUTH, &PREDICTED), (0.8 + 0.5) / 4.0);
        check(weighted_f1(&TRUTH, &PREDICTED), (3.0 * 0.8 + 2.0 * 0.5) / 6.0);
    }

    #[test]
    fn labels_that_are_not_drawn_do_not_count() {
        let found = macro_f1(&TRUTH, &PREDICTED).value(Some(&[1, 1, 1, 1, 0, 0]));
        assert!((found - (0.8 + 2.0 / 3.0) / 2.0).abs() < 1e-12, "{found}");
    }

    #[test]
    fn any_id_is_a_label() {
        check(macro_f1(&[u32::MAX], &[Some(u32::MAX)]), 1.0);
    }

    #[test]
    fn losses_by_hand() {
        let table = [0.5, 0.25, 0.25, 0.2, 0.2, 0.6];
        check(log_loss(&[0, 1], &table, 3), (2.0_f64.ln() + 5.0_f64.ln()) / 2.0);
        // Not normalised: divided by the sum.
        check(log_loss(&[1], &[0.2, 0.2], 2), 2.0_f64.ln());
        // A failed row, a label without a column.
        check(log_loss(&[0], &[f64::NAN, 0.2], 2), 15.0 * 10.0_f64.ln());
        check(log_loss(&[4], &[0.5, 0.5], 2), 15.0 * 10.0_f64.ln());
    }

    #[test]
    fn areas_by_hand() {
        // Label 0 against the rest: wins both pairs; 1: wins one of two; 2: loses one, ties one. 3 never occurs.
        let table = [0.7, 0.1, 0.2, 0.0, 0.3, 0.3, 0.4, 0.0, 0.4, 0.4, 0.2, 0.0];
        check(roc_auc(&[0, 1, 2], &table, 4), (1.0 + 0.5 + 0.25) / 3.0);
        // A label without a column is the rest of the others.
        check(roc_auc(&[0, 1, 2], &[0.9, 0.1, 0.2, 0.8, 0.5, 0.5], 2), 1.0);
        // A failed row loses all its pairs.
        check(roc_auc(&[0, 1, 1], &[f64::NAN, f64::NAN, 0.5, 0.5, 0.4, 0.6], 2), 0.0);
    }

    #[test]
    fn confusions_by_hand() {
        let matrix = confusion(&[0, 0, 0, 1, 1, 2], &[Some(0), Some(1), Some(1), Some(2), None, Some(2)], 4);
        assert_eq!((matrix.n_labels(), matrix.count(0, 1), matrix.failed(1)), (4, 2, 1));
        let expect = [Confusion { truth: 0, predicted: 1, count: 2 }, Confusion { truth: 1, predicted: 2, count: 1 }];
        assert_eq!(matrix.top_confusions(10), expect);
        assert_eq!(matrix.top_confusions(1), expect[..1]);

        let classes = matrix.per_class();
        assert_eq!(classes[0], ClassScores { precision: 1.0, recall: 1.0 / 3.0, f1: 0.5, support: 3 });
        assert_eq!(classes[1], ClassScores { precision: 0.0, recall: 0.0, f1: 0.0, support: 2 });
        assert_eq!(classes[2], ClassScores { precision: 0.5, recall: 1.0, f1: 2.0 / 3.0, support: 1 });
        assert!(classes[3].precision.is_nan() && classes[3].recall.is_nan() && classes[3].f1.is_nan());
    }
}
