//! The kernels in plain Rust: the reference that the vectorised ones are tested against, and the way on processors
//! without vector instructions that we know.

use crate::LANES;
pub use crate::gradients::scalar::{exponentials, log_loss, log_sum_exp, logistic_gradients, softmax_gradients};

/// See [`crate::dot`].
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// See [`crate::axpy`].
pub fn axpy(factor: f32, x: &[f32], y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}

/// See [`crate::add_weighted_rows`].
pub fn add_weighted_rows(idxs: &[u32], values: &[f32], matrix: &[f32], lanes: &mut [f32]) {
    let n_lanes = lanes.len();
    for (&idx, &value) in idxs.iter().zip(values) {
        axpy(value, &matrix[idx as usize * n_lanes..][..n_lanes], lanes);
    }
}

/// See [`crate::add_outer_product`].
pub fn add_outer_product(idxs: &[u32], values: &[f32], lanes: &[f32], matrix: &mut [f32]) {
    let n_lanes = lanes.len();
    for (block, lanes) in lanes.chunks_exact(LANES).enumerate() {
        if lanes.iter().all(|&lane| lane == 0.0) {
            continue;
        }
        for (&idx, &value) in idxs.iter().zip(values) {
            axpy(value, lanes, &mut matrix[idx as usize * n_lanes + block * LANES..][..LANES]);
        }
    }
}
