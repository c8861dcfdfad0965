//! Derivatives of the log loss, for boosting: many rows at once, in double precision.
//!
//! The formulas are written once, in `formulas`, in a form that the compiler vectorises; they are compiled twice, with
//! AVX2 and FMA and without. A row's result does not depend on the rows beside it.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod formulas;
pub(crate) mod scalar;

/// First and second derivative of the loss of a row by its margin, times the row's weight.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[repr(C)]
pub struct Gradient {
    /// The first derivative.
    pub g: f32,
    /// The second derivative, or what takes its place; not negative.
    pub h: f32,
}

/// The second derivative of a row of weight 1 is at least this, so that a Newton step without a penalty stays finite.
pub const MIN_HESSIAN: f64 = 1e-16;

/// The derivatives of the log loss of two classes: with `p = 1 / (1 + e⁻ᵐ)` they are `p − y` and `p (1 − p)`.
///
/// *Shapes*: one margin, target (0 or 1) and gradient per row, and a weight per row where there are weights.
/// *Precision*: a relative error below 1e-6 for margins up to 80, whatever the class; beyond, rows count as if at 80.
///
/// Panics if the lengths differ.
pub fn logistic_gradients(margins: &[f64], targets: &[f64], weights: Option<&[f32]>, out: &mut [Gradient]) {
    check_lengths(out.len(), &[margins, targets], weights);
    #[cfg(target_arch = "x86_64")]
    if crate::avx2::available() {
        // SAFETY: the processor has AVX2 and FMA.
        return unsafe { avx2::logistic_gradients(margins, targets, weights, out) };
    }
    scalar::logistic_gradients(margins, targets, weights, out);
}

/// The sum of the log losses of rows of two classes, `w ln(1 + e^((1 − 2y) m))`, with an error below 1e-8 per row.
///
/// Shapes and panics as for [`logistic_gradients`].
pub fn log_loss(margins: &[f64], targets: &[f64], weights: Option<&[f32]>) -> f64 {
    check_lengths(margins.len(), &[targets], weights);
    #[cfg(target_arch = "x86_64")]
    if crate::avx2::available() {
        // SAFETY: the processor has AVX2 and FMA.
        return unsafe { avx2::log_loss(margins, targets, weights) };
    }
    scalar::log_loss(margins, targets, weights)
}

/// The logarithm of the sum of `eᵐ` over the margins of a row: what the softmax of the row is normalised with.
///
/// *Shapes*: `margins` is output-major, those of output `k` are `margins[k * n_rows..][..n_rows]`; `out` is for the rows
/// from `first_row` on. *Precision*: an error below 1e-8.
///
/// Panics if the margins are not whole outputs, or if the rows are not all there.
pub fn log_sum_exp(margins: &[f64], n_rows: usize, first_row: usize, out: &mut [f64]) {
    assert!(out.is_empty() || margins.len().is_multiple_of(n_rows), "{n_rows} margins per output");
    assert!(first_row + out.len() <= n_rows, "{n_rows} rows have {} from {first_row} on", out.len());
    #[cfg(target_arch = "x86_64")]
    if crate::avx2::available() {
        // SAFETY: the processor has AVX2 and FMA.
        return unsafe { avx2::log_sum_exp(margins, n_rows, first_row, out) };
    }
    scalar::log_sum_exp(margins, n_rows, first_row, out);
}

/// The derivatives of the log loss of several classes by the margin of one of them: with `p = e^(m − log_sum)` they are
/// `p − [y = class]` and `hessian_factor · p (1 − p)`.
///
/// *Shapes*: one margin (that of the class), one result of [`log_sum_exp`], one target (the number of a class) and one
/// gradient per row, and a weight per row where there are weights. *Precision*: an error below 1e-8 of the weight.
///
/// Panics if the lengths differ.
pub fn softmax_gradients(
    margins: &[f64],
    log_sums: &[f64],
    targets: &[f64],
    class: f64,
    hessian_factor: f64,
    weights: Option<&[f32]>,
    out: &mut [Gradient],
) {
    check_lengths(out.len(), &[margins, log_sums, targets], weights);
    #[cfg(target_arch = "x86_64")]
    if crate::avx2::available() {
        // SAFETY: the processor has AVX2 and FMA.
        return unsafe { avx2::softmax_gradients(margins, log_sums, targets, class, hessian_factor, weights, out) };
    }
    scalar::softmax_gradients(margins, log_sums, targets, class, hessian_factor, weights, out);
}

/// Replaces each number by its exponential, with a relative error below 1e-8; beyond ±80 it is that of ±80.
pub fn exponentials(values: &mut [f64]) {
    #[cfg(target_arch = "x86_64")]
    if crate::avx2::available() {
        // SAFETY: the processor has AVX2 and FMA.
        return unsafe { avx2::exponentials(values) };
    }
    scalar::exponentials(values);
}

fn check_lengths(n_rows: usize, arrays: &[&[f64]], weights: Option<&[f32]>) {
    assert!(arrays.iter().all(|array| array.len() == n_rows), "one value per row");
    assert!(weights.is_none_or(|weights| weights.len() == n_rows), "one weight per row");
}
