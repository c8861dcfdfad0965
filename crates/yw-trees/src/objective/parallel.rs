//! Rows in chunks of a fixed size, so that no result depends on the number of threads.

use std::ops::Range;

use rayon::prelude::*;
use yw_kernels::MIN_HESSIAN;

use super::{Gradient, Target};

/// A chunk's margins, targets and gradients are 200 kB: they fit the second-level cache.
pub(super) const CHUNK_ROWS: usize = 1 << 13;

/// Writes the gradients of each chunk: `write` gets its rows, their targets and where the gradients go.
pub(super) fn fill_chunks(
    target: &Target<'_>,
    out: &mut [Gradient],
    write: impl Fn(Range<usize>, Target<'_>, &mut [Gradient]) + Sync,
) {
    out.par_chunks_mut(CHUNK_ROWS).enumerate().for_each(|(chunk_idx, out)| {
        let rows = chunk_idx * CHUNK_ROWS..chunk_idx * CHUNK_ROWS + out.len();
        write(rows.clone(), target.slice(rows), out);
    });
}

/// Writes one gradient per row: `derivatives` gets target and margin and gives those of a row of weight 1.
pub(super) fn fill_rows(
    target: &Target<'_>,
    margins: &[f64],
    out: &mut [Gradient],
    derivatives: impl Fn(f64, f64) -> (f64, f64) + Sync,
) {
    fill_chunks(target, out, |rows, target, out| {
        let rows = out.iter_mut().zip(target.values.iter().zip(&margins[rows]));
        match target.weights {
            None => rows.for_each(|(out, (&value, &margin))| *out = weighted(derivatives(value, margin), 1.0)),
            Some(weights) => rows
                .zip(weights)
                .for_each(|((out, (&value, &margin)), &weight)| *out = weighted(derivatives(value, margin), weight)),
        }
    });
}

/// Adds what `sum` gives for each chunk, in the order of chunks.
pub(super) fn sum_chunks(target: &Target<'_>, sum: impl Fn(Range<usize>, Target<'_>) -> f64 + Sync) -> f64 {
    let n_rows = target.values.len();
    let sums: Vec<f64> = (0..n_rows.div_ceil(CHUNK_ROWS))
        .into_par_iter()
        .map(|chunk_idx| {
            let rows = chunk_idx * CHUNK_ROWS..n_rows.min((chunk_idx + 1) * CHUNK_ROWS);
            sum(rows.clone(), target.slice(rows))
        })
        .collect();
    sums.iter().sum()
}

/// The weighted mean of `value_of` over targets.
pub(super) fn mean_over_targets(target: &Target<'_>, value_of: impl Fn(f64) -> f64 + Sync) -> f64 {
    let sum =
        sum_chunks(target, |_, target| target.iter().map(|(value, weight)| f64::from(weight) * value_of(value)).sum());
    finite(sum / weight_sum(target))
}

/// The weighted mean of `loss_of`, which gets the target and the margin of each row.
pub(super) fn mean_loss(target: &Target<'_>, margins: &[f64], loss_of: impl Fn(f64, f64) -> f64 + Sync) -> f64 {
    let sum = sum_chunks(target, |rows, target| {
        let losses = target.iter().zip(&margins[rows]);
        losses.map(|((value, weight), &margin)| f64::from(weight) * finite(loss_of(value, margin))).sum()
    });
    finite(sum / weight_sum(target))
}

/// The sum of weights: the number of rows where there are none.
pub(super) fn weight_sum(target: &Target<'_>) -> f64 {
    match target.weights {
        None => target.values.len() as f64,
        Some(_) => sum_chunks(target, |_, target| target.iter().map(|(_, weight)| f64::from(weight)).sum()),
    }
}

/// The derivatives of a row of weight 1 times its weight, cut to what single precision can sum up: not even 2²⁸ rows of
/// the largest ones overflow.
#[inline]
pub(super) fn weighted((g, h): (f64, f64), weight: f32) -> Gradient {
    const LARGEST: f64 = 1e30;
    let weight = f64::from(weight);
    let g = (g.clamp(f64::MIN, f64::MAX) * weight).clamp(-LARGEST, LARGEST);
    let h = (h.clamp(MIN_HESSIAN, f64::MAX) * weight).min(LARGEST);
    Gradient { g: g as f32, h: h as f32 }
}

/// The number, or the nearest finite one; 0 for what is none.
#[inline]
pub(super) fn finite(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value.clamp(f64::MIN, f64::MAX) }
}
