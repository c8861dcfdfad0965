//! Metrics of numeric answers.
//!
//! *Shapes*: both arrays have one entry per row. An answer that is not finite is a failed row and counts as the worst
//! answer that the data know: whichever of the smallest and the largest truth is farther from the row's own. A truth
//! that is not finite makes the metric NaN.
//!
//! # Panics
//!
//! Every function panics if the lengths differ.

use crate::statistic::{Statistic, count_of, counted_sum, mean, root_mean, total};

/// The root mean squared error, in the unit of the truth.
pub fn rmse(truth: &[f64], predicted: &[f64]) -> Box<dyn Statistic> {
    root_mean(errors(truth, predicted).into_iter().map(|error| error * error).collect())
}

/// The mean absolute error, in the unit of the truth.
pub fn mae(truth: &[f64], predicted: &[f64]) -> Box<dyn Statistic> {
    mean(errors(truth, predicted).into_iter().map(f64::abs).collect())
}

/// The share of the truth's variance that is explained: 1 - Σ (y - ŷ)² / Σ (y - ȳ)². At most 1, negative where the mean
/// would have done better; NaN where the truth is constant.
pub fn r2(truth: &[f64], predicted: &[f64]) -> Box<dyn Statistic> {
    let squared_errors = errors(truth, predicted).into_iter().map(|error| error * error).collect();
    // Around the overall mean, so that the variance of draws loses no digits.
    let mean = truth.iter().sum::<f64>() / truth.len() as f64;
    let centred: Vec<f64> = truth.iter().map(|y| y - mean).collect();
    let squares = centred.iter().map(|y| y * y).collect();
    Box::new(R2 { squared_errors, centred, squares })
}

/// The mean absolute error relative to the size of the truth, as a fraction (0.1 is ten percent). A truth of zero counts as
/// 2.2e-16, as in scikit-learn: choose another metric where zeros occur.
pub fn mape(truth: &[f64], predicted: &[f64]) -> Box<dyn Statistic> {
    let relative = |(error, truth): (f64, &f64)| error.abs() / truth.abs().max(f64::EPSILON);
    mean(errors(truth, predicted).into_iter().zip(truth).map(relative).collect())
}

/// The median absolute error, in the unit of the truth; of an even number of rows, the mean of the middle two.
pub fn median_ae(truth: &[f64], predicted: &[f64]) -> Box<dyn Statistic> {
    let errors: Vec<f64> = errors(truth, predicted).into_iter().map(f64::abs).collect();
    let mut sorted: Vec<(f64, u32)> = errors.into_iter().zip(0..).collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    Box::new(Median { sorted })
}

/// Answer minus truth, with the worst answer for failed rows.
fn errors(truth: &[f64], predicted: &[f64]) -> Vec<f64> {
    assert_eq!(truth.len(), predicted.len(), "one answer per row");
    let smallest = truth.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = truth.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let error = |(&truth, &predicted): (&f64, &f64)| {
        if !truth.is_finite() {
            f64::NAN
        } else if predicted.is_finite() {
            predicted - truth
        } else {
            (truth - smallest).max(largest - truth)
        }
    };
    truth.iter().zip(predicted).map(error).collect()
}

struct R2 {
    squared_errors: Vec<f64>,
    centred: Vec<f64>,
    squares: Vec<f64>,
}

impl Statistic for R2 {
    fn n_rows(&self) -> usize {
        self.centred.len()
    }

    fn value(&self, counts: Option<&[u32]>) -> f64 {
        let n = total(counts, self.centred.len()) as f64;
        let (sum, sum_of_squares) = (counted_sum(&self.centred, counts), counted_sum(&self.squares, counts));
        let variation = sum_of_squares - sum * sum / n;
        // What rounding leaves of the variation of a constant is not zero.
        if variation > sum_of_squares * 1e-12 {
            1.0 - counted_sum(&self.squared_errors, counts) / variation
        } else {
            f64::NAN
        }
    }
}

struct Median {
    /// Value and row, ascending; NaN last.
    sorted: Vec<(f64, u32)>,
}

impl Median {
    /// The first value at or below which at least `n` rows are.
    fn nth(&self, counts: Option<&[u32]>, n: u64) -> f64 {
        let mut up_to = 0;
        for &(value, row) in &self.sorted {
            up_to += count_of(counts, row as usize);
            if up_to >= n {
                return value;
            }
        }
        f64::NAN
    }
}

impl Statistic for Median {
    fn n_rows(&self) -> usize {
        self.sorted.len()
    }

    fn value(&self, counts: Option<&[u32]>) -> f64 {
        let n = total(counts, self.sorted.len());
        let has_nan = self.sorted.last().is_none_or(|(value, _)| value.is_nan());
        if n == 0 || has_nan { f64::NAN } else { (self.nth(counts, n.div_ceil(2)) + self.nth(counts, n / 2 + 1)) / 2.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(statistic: Box<dyn Statistic>, counts: Option<&[u32]>, expect: f64) {
        let found = statistic.value(counts);
        assert!((found - expect).abs() < 1e-12, "{found} is not {expect}");
    }

    #[test]
    fn metrics_by_hand() {
        let (truth, predicted) = ([1.0, 2.0, 4.0, 5.0], [2.0, 2.0, 1.0, 7.0]); // errors 1, 0, -3, 2
        check(rmse(&truth, &predicted), None, 3.5_f64.sqrt());
        check(mae(&truth, &predicted), None, 1.5);
        check(r2(&truth, &predicted), None, 1.0 - 14.0 / 10.0);
        check(mape(&truth, &predicted), None, (1.0 + 0.75 + 0.4) / 4.0);
        check(median_ae(&truth, &predicted), None, 1.5);
        check(median_ae(&truth, &predicted), Some(&[1, 1, 0, 1]), 1.0);
        check(median_ae(&truth, &predicted), Some(&[0, 1, 3, 0]), 3.0);
        check(r2(&truth, &predicted), Some(&[2, 0, 0, 1]), 1.0 - 6.0 / (32.0 / 3.0));
    }

    #[test]
    fn a_failed_row_is_as_wrong_as_the_farthest_truth() {
        let (truth, predicted) = ([0.0, 3.0, 10.0], [0.0, f64::NAN, f64::INFINITY]);
        check(mae(&truth, &predicted), None, (7.0 + 10.0) / 3.0);
        check(median_ae(&truth, &predicted), None, 7.0);
    }

    #[test]
    fn a_constant_truth_has_no_variance_to_explain() {
        assert!(r2(&[0.1; 7], &[0.3; 7]).value(None).is_nan());
        assert!(r2(&[0.1, 0.1, 0.7], &[0.3; 3]).value(Some(&[3, 4, 0])).is_nan());
    }

    #[test]
    fn far_from_zero_no_digits_are_lost() {
        let truth: Vec<f64> = (0..100).map(|i| 1e9 + f64::from(i % 10)).collect();
        let predicted: Vec<f64> = truth.iter().map(|y| y + 1.0).collect();
        check(r2(&truth, &predicted), None, 1.0 - 1.0 / 8.25);
    }
}
