//! The formulas: loops without branches, inlined where they are compiled for a processor. `FUSED` says whether that
//! processor multiplies and adds in one instruction; elsewhere `mul_add` would be a slow function call.

use std::f64::consts::{FRAC_1_SQRT_2, LN_2, LOG2_E};

use super::{Gradient, MIN_HESSIAN};

#[inline(always)]
pub(super) fn logistic_gradients<const FUSED: bool>(
    margins: &[f64],
    targets: &[f64],
    weights: Option<&[f32]>,
    out: &mut [Gradient],
) {
    let rows = out.iter_mut().zip(margins.iter().zip(targets));
    match weights {
        None => {
            for (out, (&margin, &target)) in rows {
                *out = weighted(logistic_row::<FUSED>(margin, target), 1.0);
            }
        }
        Some(weights) => {
            for ((out, (&margin, &target)), &weight) in rows.zip(weights) {
                *out = weighted(logistic_row::<FUSED>(margin, target), weight);
            }
        }
    }
}

#[inline(always)]
pub(super) fn log_loss<const FUSED: bool>(margins: &[f64], targets: &[f64], weights: Option<&[f32]>) -> f64 {
    let mut sums = [0.0; SUMS];
    match weights {
        None => {
            for (margins, targets) in margins.chunks(SUMS).zip(targets.chunks(SUMS)) {
                for ((sum, &margin), &target) in sums.iter_mut().zip(margins).zip(targets) {
                    *sum += log_loss_row::<FUSED>(margin, target);
                }
            }
        }
        Some(weights) => {
            let blocks = margins.chunks(SUMS).zip(targets.chunks(SUMS)).zip(weights.chunks(SUMS));
            for ((margins, targets), weights) in blocks {
                for (((sum, &margin), &target), &weight) in sums.iter_mut().zip(margins).zip(targets).zip(weights) {
                    *sum += f64::from(weight) * log_loss_row::<FUSED>(margin, target);
                }
            }
        }
    }
    sums.iter().sum()
}

#[inline(always)]
pub(super) fn log_sum_exp<const FUSED: bool>(margins: &[f64], n_rows: usize, first_row: usize, out: &mut [f64]) {
    // A block of rows stays in the cache nearest to the processor while its outputs pass by.
    let mut sums = [0.0; BLOCK_ROWS];
    let first_rows = (first_row..).step_by(BLOCK_ROWS);
    for (first_row, largest) in first_rows.zip(out.chunks_mut(BLOCK_ROWS)) {
        let outputs = || margins.chunks_exact(n_rows).map(|output| &output[first_row..]);
        let sums = &mut sums[..largest.len()];
        largest.fill(f64::NEG_INFINITY);
        sums.fill(0.0);
        for output in outputs() {
            for (largest, &margin) in largest.iter_mut().zip(output) {
                *largest = if margin > *largest { margin } else { *largest };
            }
        }
        for output in outputs() {
            for ((sum, &largest), &margin) in sums.iter_mut().zip(&*largest).zip(output) {
                *sum += exp::<FUSED>(margin - largest);
            }
        }
        for (largest, &sum) in largest.iter_mut().zip(&*sums) {
            *largest += ln::<FUSED>(sum);
        }
    }
}

#[inline(always)]
pub(super) fn softmax_gradients<const FUSED: bool>(
    margins: &[f64],
    log_sums: &[f64],
    targets: &[f64],
    class: f64,
    hessian_factor: f64,
    weights: Option<&[f32]>,
    out: &mut [Gradient],
) {
    let row = |margin: f64, log_sum: f64, target: f64| {
        let p = exp::<FUSED>(margin - log_sum);
        let hit = if target == class { 1.0 } else { 0.0 };
        (p - hit, hessian_factor * p * (1.0 - p))
    };
    let rows = out.iter_mut().zip(margins.iter().zip(log_sums).zip(targets));
    match weights {
        None => {
            for (out, ((&margin, &log_sum), &target)) in rows {
                *out = weighted(row(margin, log_sum, target), 1.0);
            }
        }
        Some(weights) => {
            for ((out, ((&margin, &log_sum), &target)), &weight) in rows.zip(weights) {
                *out = weighted(row(margin, log_sum, target), weight);
            }
        }
    }
}

#[inline(always)]
pub(super) fn exponentials<const FUSED: bool>(values: &mut [f64]) {
    for value in values {
        *value = exp::<FUSED>(*value);
    }
}

/// So many sums grow side by side, in a fixed order.
const SUMS: usize = 8;

/// Two kilobytes of each array.
const BLOCK_ROWS: usize = 256;

/// With `s` the margin towards the row's own class, the other class has the probability `q = 1 / (1 + eˢ)`: neither
/// derivative is a difference of nearly equal numbers.
#[inline(always)]
fn logistic_row<const FUSED: bool>(margin: f64, target: f64) -> (f64, f64) {
    let sign = 1.0 - 2.0 * target;
    let odds = exp::<FUSED>(-sign * margin);
    let q = 1.0 / (1.0 + odds);
    (sign * q, odds * q * q)
}

#[inline(always)]
fn log_loss_row<const FUSED: bool>(margin: f64, target: f64) -> f64 {
    let against = (1.0 - 2.0 * target) * margin;
    let lost = if against > 0.0 { against } else { 0.0 };
    lost + ln::<FUSED>(1.0 + exp::<FUSED>(-against.abs()))
}

#[inline(always)]
fn weighted((g, h): (f64, f64), weight: f32) -> Gradient {
    let weight = f64::from(weight);
    let h = if h > MIN_HESSIAN { h } else { MIN_HESSIAN };
    Gradient { g: (g * weight) as f32, h: (h * weight) as f32 }
}

/// `eˣ` with a relative error below 1e-8. Beyond ±80, where single precision nearly ends, it is that of ±80.
///
/// `x = n ln 2 + r` with |r| ≤ ½ ln 2; `eʳ` is the Taylor polynomial, and `n` is added to the exponent.
#[inline(always)]
fn exp<const FUSED: bool>(x: f64) -> f64 {
    /// Adding it rounds to a whole number, which then stands in the lowest bits.
    const ROUNDER: f64 = 1.5 * (1u64 << 52) as f64;
    let x = x.clamp(-80.0, 80.0);
    let rounded = mul_add::<FUSED>(x, LOG2_E, ROUNDER);
    let r = mul_add::<FUSED>(rounded - ROUNDER, -LN_2, x);
    let mut sum = 1.0 / 5040.0;
    for coefficient in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        sum = mul_add::<FUSED>(sum, r, coefficient);
    }
    f64::from_bits(sum.to_bits().wrapping_add(rounded.to_bits() << 52))
}

/// The natural logarithm of a finite number from 1 on, with an error below 1e-10.
///
/// `u = 2ⁿ v` with v from √½ to √2; `ln v` is the series of `2 artanh t` with `t = (v − 1) / (v + 1)`.
#[inline(always)]
fn ln<const FUSED: bool>(u: f64) -> f64 {
    /// Put in front of a small whole number, it makes a float of it.
    const WHOLE: f64 = (1u64 << 52) as f64;
    let exponent_bits = u.to_bits().wrapping_sub(FRAC_1_SQRT_2.to_bits()) & (0xfff << 52);
    let v = f64::from_bits(u.to_bits().wrapping_sub(exponent_bits));
    let n = f64::from_bits(exponent_bits >> 52 | WHOLE.to_bits()) - WHOLE;
    let t = (v - 1.0) / (v + 1.0);
    let mut sum = 2.0 / 11.0;
    for coefficient in [2.0 / 9.0, 2.0 / 7.0, 2.0 / 5.0, 2.0 / 3.0, 2.0] {
        sum = mul_add::<FUSED>(sum, t * t, coefficient);
    }
    mul_add::<FUSED>(n, LN_2, sum * t)
}

#[inline(always)]
fn mul_add<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}
