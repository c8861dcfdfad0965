//! Gradients as small integers.
//!
//! Derivatives are divided by a step and rounded up or down at random, in proportion to how near they are, so that sums
//! stay unbiased (Shi et al. 2022, "Quantized Training of Gradient Boosting Decision Trees"). Coarse steps make sums of
//! 16 bits possible for thousands of rows; fine steps use all the room that sums of 32 bits have.

use rayon::prelude::*;
use yw_kernels::GradientRow;

use crate::{FitError, Gradient};

/// Rows that one task rounds.
const CHUNK_ROWS: usize = 16_384;

/// Steps of a coarse first derivative on either side of zero, and of a second.
const COARSE_G: u32 = 8;
const COARSE_H: u32 = 16;

/// Fewer rows than these are rounded finely even when coarse steps were asked for: noise does not average out, and there is
/// little time to win.
pub(crate) const MIN_COARSE_ROWS: usize = 65_536;

/// What one step is worth.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps {
    pub(crate) g: f64,
    pub(crate) h: f64,
    /// How many rows a sum of 16 bits has room for; none where steps are too fine for that.
    pub(crate) narrow_rows: Option<usize>,
}

/// How finely gradients are rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Levels {
    g: u32,
    h: u32,
}

impl Levels {
    /// Coarse ones, or as fine as sums over `n_rows` rows allow.
    pub(crate) fn new(coarse: bool, n_rows: usize) -> Result<Self, FitError> {
        let fine = Levels::fine(n_rows)?;
        Ok(if coarse { Levels { g: fine.g.min(COARSE_G), h: fine.h.min(COARSE_H) } } else { fine })
    }

    fn fine(n_rows: usize) -> Result<Self, FitError> {
        let limit = i32::MAX as usize / COARSE_G as usize;
        if n_rows > limit {
            return Err(FitError::TooManyRows { n_rows, limit });
        }
        let n = n_rows.max(1);
        let (g, h) = ((i32::MAX as usize / n).min(i16::MAX as usize), (i32::MAX as usize / n).min(u16::MAX as usize));
        Ok(Levels { g: g as u32, h: h as u32 })
    }

    /// The largest first and second derivative, in steps.
    #[cfg(test)]
    pub(super) fn largest(self) -> (u64, u64) {
        (self.g.into(), self.h.into())
    }

    /// As many rows as sums of 16 bits have room for, if that is worth their while.
    pub(super) fn narrow_rows(self) -> Option<usize> {
        let rows = (i16::MAX as u32 / self.g).min(u32::from(u16::MAX) / self.h) as usize;
        (rows >= 1024).then_some(rows)
    }
}

/// The rows of a tree, with rounded gradients.
///
/// `row_idxs` are ascending; all rows where there are none. `n` of them get a tree's worth of randomness from `seed`.
pub(crate) fn quantize(
    gradients: &[Gradient],
    row_idxs: Option<&[u32]>,
    levels: Levels,
    seed: u64,
) -> (Vec<GradientRow>, Steps) {
    let Range { max_g, min_h, max_h } = range(gradients, row_idxs);
    // Hessians that are all the same count rows: one step each, without rounding.
    let levels = if min_h == max_h { Levels { h: 1, ..levels } } else { levels };
    // A step is never so small that single precision could not hold its inverse.
    let step = |largest: f32, levels: u32| match f64::from(largest) / f64::from(levels) {
        step if step > 0.0 => step.max(f64::from(f32::MIN_POSITIVE)),
        _ => 1.0,
    };
    let steps = Steps { g: step(max_g, levels.g), h: step(max_h, levels.h), narrow_rows: levels.narrow_rows() };
    let round = Rounding { g: (1.0 / steps.g) as f32, h: (1.0 / steps.h) as f32, levels, seed: seed as u32 };
    let n = row_idxs.map_or(gradients.len(), <[u32]>::len);
    let mut rows = vec![GradientRow::default(); n];
    rows.par_chunks_mut(CHUNK_ROWS).enumerate().for_each(|(chunk_idx, chunk)| {
        let first = chunk_idx * CHUNK_ROWS;
        match row_idxs {
            None => {
                let gradients = &gradients[first..first + chunk.len()];
                for (i, (row, gradient)) in chunk.iter_mut().zip(gradients).enumerate() {
                    *row = round.apply((first + i) as u32, *gradient);
                }
            }
            Some(idxs) => {
                for (row, &idx) in chunk.iter_mut().zip(&idxs[first..]) {
                    *row = round.apply(idx, gradients[idx as usize]);
                }
            }
        }
    });
    (rows, steps)
}

/// Between which values derivatives are.
#[derive(Clone, Copy)]
struct Range {
    max_g: f32,
    min_h: f32,
    max_h: f32,
}

fn range(gradients: &[Gradient], row_idxs: Option<&[u32]>) -> Range {
    let empty = Range { max_g: 0.0, min_h: f32::INFINITY, max_h: 0.0 };
    let wider = |range: Range, next: &Gradient| Range {
        max_g: range.max_g.max(next.g.abs()),
        min_h: range.min_h.min(next.h),
        max_h: range.max_h.max(next.h),
    };
    let both = |a: Range, b: Range| Range {
        max_g: a.max_g.max(b.max_g),
        min_h: a.min_h.min(b.min_h),
        max_h: a.max_h.max(b.max_h),
    };
    match row_idxs {
        None => gradients.par_chunks(CHUNK_ROWS).map(|chunk| chunk.iter().fold(empty, wider)).reduce(|| empty, both),
        Some(idxs) => idxs.iter().map(|&idx| &gradients[idx as usize]).fold(empty, wider),
    }
}

#[derive(Clone, Copy)]
struct Rounding {
    g: f32,
    h: f32,
    levels: Levels,
    seed: u32,
}

impl Rounding {
    #[inline]
    fn apply(self, row_idx: u32, gradient: Gradient) -> GradientRow {
        let bits = hash(row_idx ^ self.seed);
        // Two independent numbers in [0, 1) of 16 bits each.
        let unit = |bits: u32| bits as f32 * (1.0 / 65_536.0);
        let (max_g, max_h) = (self.levels.g as i32, self.levels.h as i32);
        // Cutting off what is behind the point rounds down what is positive; adding the limit makes it so.
        let g = (gradient.g * self.g + unit(bits & 0xFFFF) + max_g as f32) as i32 - max_g;
        let h = (gradient.h * self.h + unit(bits >> 16)) as i32;
        GradientRow::new(row_idx, g.min(max_g) as i16, h.min(max_h) as u16)
    }
}

/// A mixer of 32 bits with little bias ("lowbias32", Wellons 2018).
#[inline]
fn hash(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7FEB_352D);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846C_A68B);
    x ^ x >> 16
}
