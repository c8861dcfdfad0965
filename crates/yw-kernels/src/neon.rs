//! The kernels for 64-bit ARM processors with NEON, which is practically all of them.

use std::arch::aarch64::*;

use crate::LANES;

/// Floats in one NEON register; a block of [`LANES`] is two of them.
const WIDTH: usize = 4;

/// Whether this processor runs the kernels of this module.
#[inline]
pub(crate) fn available() -> bool {
    std::arch::is_aarch64_feature_detected!("neon")
}

/// # Safety
/// The processor must be [`available`]; the slices must have one length.
#[target_feature(enable = "neon")]
pub(crate) unsafe fn dot(a: &[f32], b: &[f32]) -> f32 {
    let n_blocks = a.len() / LANES;
    let (mut low, mut high) = (vdupq_n_f32(0.0), vdupq_n_f32(0.0));
    for block in 0..n_blocks {
        // SAFETY: `block * LANES + LANES` is at most the length of both.
        unsafe {
            let (x, y) = (a.as_ptr().add(block * LANES), b.as_ptr().add(block * LANES));
            low = vfmaq_f32(low, vld1q_f32(x), vld1q_f32(y));
            high = vfmaq_f32(high, vld1q_f32(x.add(WIDTH)), vld1q_f32(y.add(WIDTH)));
        }
    }
    let rest: f32 = a[n_blocks * LANES..].iter().zip(&b[n_blocks * LANES..]).map(|(a, b)| a * b).sum();
    vaddvq_f32(vaddq_f32(low, high)) + rest
}

/// # Safety
/// The processor must be [`available`]; the slices must have one length.
#[target_feature(enable = "neon")]
pub(crate) unsafe fn axpy(factor: f32, x: &[f32], y: &mut [f32]) {
    let n_vectors = x.len() / WIDTH;
    for vector in 0..n_vectors {
        // SAFETY: `vector * WIDTH + WIDTH` is at most the length of both.
        unsafe {
            let target = y.as_mut_ptr().add(vector * WIDTH);
            vst1q_f32(target, vfmaq_n_f32(vld1q_f32(target), vld1q_f32(x.as_ptr().add(vector * WIDTH)), factor));
        }
    }
    for i in n_vectors * WIDTH..x.len() {
        y[i] = factor.mul_add(x[i], y[i]);
    }
}

/// # Safety
/// The processor must be [`available`]; every index must be inside `matrix`.
#[target_feature(enable = "neon")]
pub(crate) unsafe fn add_weighted_rows(idxs: &[u32], values: &[f32], matrix: &[f32], lanes: &mut [f32]) {
    let n_lanes = lanes.len();
    for (&idx, &value) in idxs.iter().zip(values) {
        // SAFETY: both slices have `n_lanes` values.
        unsafe { axpy(value, &matrix[idx as usize * n_lanes..][..n_lanes], lanes) };
    }
}

/// # Safety
/// As for [`add_weighted_rows`].
#[target_feature(enable = "neon")]
pub(crate) unsafe fn add_outer_product(idxs: &[u32], values: &[f32], lanes: &[f32], matrix: &mut [f32]) {
    let n_lanes = lanes.len();
    for (block, lanes) in lanes.chunks_exact(LANES).enumerate() {
        if lanes.iter().all(|&lane| lane == 0.0) {
            continue;
        }
        for (&idx, &value) in idxs.iter().zip(values) {
            let target = &mut matrix[idx as usize * n_lanes + block * LANES..][..LANES];
            // SAFETY: both slices have `LANES` values.
            unsafe { axpy(value, lanes, target) };
        }
    }
}
