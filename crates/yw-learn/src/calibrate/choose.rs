//! Which way to calibrate, by how well each does on rows that it did not learn from.

use super::{CalibrationMethod, Calibrator};
use crate::HeldOut;
use crate::folds::BEYOND_NOISE;
use crate::probability::log_loss;

/// Parts of the held-out rows; a calibrator learns from all but one and is judged by that one.
const N_FOLDS: usize = 5;

/// A calibrator, and how the ways to calibrate compared.
#[derive(Debug, Clone, PartialEq)]
pub struct ChosenCalibrator {
    /// The one to use, learned from all rows.
    pub calibrator: Calibrator,
    /// How each method did, the plainest first; empty where there are too few rows or groups to compare anything.
    pub losses: Vec<CalibrationLoss>,
}

/// How a way to calibrate does on rows that it did not learn from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibrationLoss {
    /// The way.
    pub method: CalibrationMethod,
    /// The mean log loss, natural logarithm.
    pub log_loss: f64,
}

impl Calibrator {
    /// Learns the method that does best by the log loss of rows that the calibrator itself did not learn from.
    ///
    /// The rows are dealt into five folds; each method is learned five times, without one fold, and judged by that fold. From
    /// the plainest method on ([`CalibrationMethod::ALL`]), the next takes the place of the best so far if its mean loss is
    /// lower by more than two standard errors of the rows' (or groups') paired differences. So the identity stays where
    /// nothing is better beyond noise.
    pub fn choose(held_out: &HeldOut<'_>, seed: u64) -> ChosenCalibrator {
        let rows = held_out.rows();
        let splits = held_out.splits(&rows, N_FOLDS, seed);
        if splits.is_empty() {
            return ChosenCalibrator { calibrator: Calibrator::IDENTITY, losses: Vec::new() };
        }
        let judged: Vec<usize> = splits.iter().flat_map(|split| split.held_out.iter().copied()).collect();
        let losses_of = |method| -> Vec<f64> {
            let of_split = |split: &crate::Split| -> Vec<f64> {
                let calibrator = Calibrator::fit_rows(method, held_out, &split.fit);
                split.held_out.iter().map(|&i| calibrator.loss(held_out, i)).collect()
            };
            splits.iter().flat_map(of_split).collect()
        };
        let mut best: Option<(CalibrationMethod, Vec<f64>)> = None;
        let mut compared = Vec::new();
        for method in CalibrationMethod::ALL.into_iter().filter(|method| method.suits(held_out.n_classes())) {
            let losses = losses_of(method);
            compared.push(CalibrationLoss { method, log_loss: Paired::of(held_out, &judged, |i| losses[i]).mean });
            let is_better = best.as_ref().is_none_or(|(_, best)| {
                let gain = Paired::of(held_out, &judged, |i| best[i] - losses[i]);
                gain.mean > BEYOND_NOISE * gain.standard_error
            });
            if is_better {
                best = Some((method, losses));
            }
        }
        let method = best.map_or(CalibrationMethod::Identity, |(method, _)| method);
        ChosenCalibrator { calibrator: Calibrator::fit_rows(method, held_out, &rows), losses: compared }
    }

    /// The log loss of one row.
    fn loss(&self, held_out: &HeldOut<'_>, row_idx: usize) -> f64 {
        let mut probabilities = held_out.row(row_idx).to_vec();
        self.apply(&mut probabilities);
        log_loss(probabilities[held_out.truth(row_idx)])
    }
}

/// The mean of one value per row, and how sure it is.
struct Paired {
    mean: f64,
    /// Of the mean, if rows (or groups, where there are any) are drawn independently.
    standard_error: f64,
}

impl Paired {
    /// `value` is of positions in `rows`.
    fn of(held_out: &HeldOut<'_>, rows: &[usize], value: impl Fn(usize) -> f64) -> Self {
        let total: f64 = rows.iter().map(|&i| held_out.weight(i)).sum();
        let mean = rows.iter().enumerate().map(|(at, &i)| held_out.weight(i) * value(at)).sum::<f64>() / total;
        let mut by_group: Vec<(usize, f64)> = rows
            .iter()
            .enumerate()
            .map(|(at, &i)| (held_out.group(i), held_out.weight(i) * (value(at) - mean)))
            .collect();
        by_group.sort_by_key(|(group, _)| *group);
        let square = |of_group: &[(usize, f64)]| of_group.iter().map(|(_, v)| v).sum::<f64>().powi(2);
        let squares: f64 = by_group.chunk_by(|a, b| a.0 == b.0).map(square).sum();
        Paired { mean, standard_error: squares.sqrt() / total }
    }
}
