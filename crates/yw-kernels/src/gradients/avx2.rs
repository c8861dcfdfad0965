//! The formulas, compiled for x86-64 processors with AVX2 and FMA. Calling them elsewhere is undefined.

use super::{Gradient, formulas};

#[target_feature(enable = "avx2,fma")]
pub(super) fn logistic_gradients(margins: &[f64], targets: &[f64], weights: Option<&[f32]>, out: &mut [Gradient]) {
    formulas::logistic_gradients::<true>(margins, targets, weights, out);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn log_loss(margins: &[f64], targets: &[f64], weights: Option<&[f32]>) -> f64 {
    formulas::log_loss::<true>(margins, targets, weights)
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn log_sum_exp(margins: &[f64], n_rows: usize, first_row: usize, out: &mut [f64]) {
    formulas::log_sum_exp::<true>(margins, n_rows, first_row, out);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn softmax_gradients(
    margins: &[f64],
    log_sums: &[f64],
    targets: &[f64],
    class: f64,
    hessian_factor: f64,
    weights: Option<&[f32]>,
    out: &mut [Gradient],
) {
    formulas::softmax_gradients::<true>(margins, log_sums, targets, class, hessian_factor, weights, out);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn exponentials(values: &mut [f64]) {
    formulas::exponentials::<true>(values);
}
