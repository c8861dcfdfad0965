//! A sigmoid of the log-odds.

use super::Curve;
use crate::FormatError;
use crate::bytes::{Reader, Writer};
use crate::probability::{log_odds, sigmoid};

/// The calibrated log-odds are `slope · log-odds + intercept`. The slope is not negative, so that the order stays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Platt {
    slope: f64,
    intercept: f64,
}

/// A row: its log-odds, what its probability should be, and its weight.
struct Target {
    score: f64,
    target: f64,
    weight: f64,
}

/// A point on the way to the optimum.
struct Point {
    slope: f64,
    intercept: f64,
    loss: f64,
}

impl Curve for Platt {
    /// Minimises the log loss towards `(n₊ + 1) / (n₊ + 2)` for rows of the class and `1 / (n₋ + 2)` for the others, by
    /// Newton's method with halved steps (H.-T. Lin and others, *A note on Platt's probabilistic outputs for support vector
    /// machines*, 2007).
    fn fit(rows: impl Iterator<Item = (f64, bool, f64)>) -> Self {
        let rows: Vec<(f64, bool, f64)> = rows.collect();
        let weight_of = |side: bool| rows.iter().filter(|row| row.1 == side).map(|row| row.2).sum::<f64>();
        let (n_yes, n_no) = (weight_of(true), weight_of(false));
        let (yes, no) = ((n_yes + 1.0) / (n_yes + 2.0), 1.0 / (n_no + 2.0));
        let target = |(p, is_class, weight): (f64, bool, f64)| Target {
            score: log_odds(p),
            target: if is_class { yes } else { no },
            weight,
        };
        let targets: Vec<Target> = rows.into_iter().map(target).collect();
        let best = minimise(&targets);
        if best.slope > 0.0 {
            return Platt { slope: best.slope, intercept: best.intercept };
        }
        // Scores that go the wrong way say nothing: what is best without them is the mean.
        let mean = (n_yes * yes + n_no * no) / (n_yes + n_no);
        Platt { slope: 0.0, intercept: log_odds(mean) }
    }

    fn apply(&self, probability: f64) -> f64 {
        sigmoid(self.slope * log_odds(probability) + self.intercept)
    }

    fn write(&self, out: &mut Writer) {
        out.f64(self.slope);
        out.f64(self.intercept);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, FormatError> {
        let (slope, intercept) = (from.f64()?, from.f64()?);
        // Log-odds are within ±35, so that no score overflows.
        if !(0.0..=1e100).contains(&slope) || intercept.abs() > 1e100 {
            return Err(FormatError::Damaged { what: "a calibration curve does not rise" });
        }
        Ok(Platt { slope, intercept })
    }
}

/// Starts where nothing is changed, so that rows too few to say anything change nothing.
fn minimise(targets: &[Target]) -> Point {
    const MAX_STEPS: usize = 100;
    const MAX_HALVINGS: i32 = 30;
    /// Keeps the second derivatives apart from zero where all scores are equal.
    const RIDGE: f64 = 1e-9;
    let at = |slope: f64, intercept: f64| Point { slope, intercept, loss: loss(targets, slope, intercept) };
    let mut point = at(1.0, 0.0);
    for _ in 0..MAX_STEPS {
        let (mut g_slope, mut g_intercept, mut h_slope, mut h_both, mut h_intercept) = (0.0, 0.0, RIDGE, 0.0, RIDGE);
        for row in targets {
            let p = sigmoid(point.slope * row.score + point.intercept);
            let (residual, curvature) = (row.weight * (p - row.target), row.weight * p * (1.0 - p));
            g_slope += residual * row.score;
            g_intercept += residual;
            h_slope += curvature * row.score * row.score;
            h_both += curvature * row.score;
            h_intercept += curvature;
        }
        let determinant = h_slope * h_intercept - h_both * h_both;
        let step_slope = (h_both * g_intercept - h_intercept * g_slope) / determinant;
        let step_intercept = (h_both * g_slope - h_slope * g_intercept) / determinant;
        let falls = g_slope * step_slope + g_intercept * step_intercept;
        let lower = (0..MAX_HALVINGS).map(|halvings| 0.5f64.powi(halvings)).find_map(|length| {
            let next = at(point.slope + length * step_slope, point.intercept + length * step_intercept);
            (next.loss < point.loss + 1e-4 * length * falls).then_some(next)
        });
        match lower {
            Some(next) => point = next,
            None => break, // as low as numbers go
        }
    }
    point
}

/// The cross-entropy, without overflow.
fn loss(targets: &[Target], slope: f64, intercept: f64) -> f64 {
    let of_row = |row: &Target| {
        let score = slope * row.score + intercept;
        // ln(1 + e^score) − target · score
        row.weight * (score.max(0.0) + (-score.abs()).exp().ln_1p() - row.target * score)
    };
    targets.iter().map(of_row).sum()
}
