//! The formulas, compiled for every processor of the architecture.

use super::{Gradient, formulas};

/// See [`crate::logistic_gradients`].
pub fn logistic_gradients(margins: &[f64], targets: &[f64], weights: Option<&[f32]>, out: &mut [Gradient]) {
    formulas::logistic_gradients::<false>(margins, targets, weights, out);
}

/// See [`crate::log_loss`].
pub fn log_loss(margins: &[f64], targets: &[f64], weights: Option<&[f32]>) -> f64 {
    formulas::log_loss::<false>(margins, targets, weights)
}

/// See [`crate::log_sum_exp`].
pub fn log_sum_exp(margins: &[f64], n_rows: usize, first_row: usize, out: &mut [f64]) {
    formulas::log_sum_exp::<false>(margins, n_rows, first_row, out);
}

/// See [`crate::softmax_gradients`].
pub fn softmax_gradients(
    margins: &[f64],
    log_sums: &[f64],
    targets: &[f64],
    class: f64,
    hessian_factor: f64,
    weights: Option<&[f32]>,
    out: &mut [Gradient],
) {
    formulas::softmax_gradients::<false>(margins, log_sums, targets, class, hessian_factor, weights, out);
}

/// See [`crate::exponentials`].
pub fn exponentials(values: &mut [f64]) {
    formulas::exponentials::<false>(values);
}
