//! Whether an objective can learn from targets.

use super::Target;
use crate::FitError;

/// What every objective asks of its targets, and whether its own values are such that they `fit`.
///
/// `objective` and `expected` are for the message: who asks, and what it can learn.
pub(super) fn check_target(
    target: &Target<'_>,
    objective: &'static str,
    expected: &'static str,
    fits: impl Fn(f64) -> bool,
) -> Result<(), FitError> {
    let n_rows = target.values.len();
    if n_rows == 0 {
        return Err(FitError::NoRows);
    }
    if let Some(sizes) = target.group_sizes {
        let found = sizes.iter().map(|&size| size as usize).sum();
        check_shape("rows in groups", n_rows, found)?;
    }
    if let Some(weights) = target.weights {
        check_shape("weights", n_rows, weights.len())?;
        check_weights(weights)?;
    }
    match target.values.iter().position(|&value| !(value.is_finite() && fits(value))) {
        Some(row_idx) => Err(FitError::Target { row_idx, value: target.values[row_idx], objective, expected }),
        None => Ok(()),
    }
}

/// Whether a parameter is in its range.
pub(super) fn check_parameter(
    name: &'static str,
    value: f64,
    expected: &'static str,
    fits: bool,
) -> Result<(), FitError> {
    if fits { Ok(()) } else { Err(FitError::Parameter { name, value, expected }) }
}

fn check_shape(what: &'static str, expected: usize, found: usize) -> Result<(), FitError> {
    if found == expected { Ok(()) } else { Err(FitError::Shape { what, expected, found }) }
}

fn check_weights(weights: &[f32]) -> Result<(), FitError> {
    let refused = |weight: &f32| !(weight.is_finite() && *weight >= 0.0);
    let row_idx = match weights.iter().position(refused) {
        Some(row_idx) => row_idx,
        None if weights.iter().all(|&weight| weight == 0.0) => 0,
        None => return Ok(()),
    };
    Err(FitError::Weight { row_idx, value: weights[row_idx] })
}
