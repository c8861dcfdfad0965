//! The kernels for x86-64 processors with AVX2 and FMA.

use std::arch::x86_64::*;

use crate::LANES;

/// Whether this processor runs the kernels of this module. The answer is cached by the standard library.
#[inline]
pub(crate) fn available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// # Safety
/// The processor must be [`available`]; the slices must have one length.
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn dot(a: &[f32], b: &[f32]) -> f32 {
    let n_blocks = a.len() / LANES;
    let mut sums = [_mm256_setzero_ps(); 4];
    for block in 0..n_blocks {
        // SAFETY: `block * LANES + LANES` is at most the length of both.
        let (x, y) =
            unsafe { (_mm256_loadu_ps(a.as_ptr().add(block * LANES)), _mm256_loadu_ps(b.as_ptr().add(block * LANES))) };
        sums[block % 4] = _mm256_fmadd_ps(x, y, sums[block % 4]);
    }
    let sum = _mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3]));
    let mut lanes = [0.0f32; LANES];
    // SAFETY: `lanes` holds one vector.
    unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), sum) };
    let rest: f32 = a[n_blocks * LANES..].iter().zip(&b[n_blocks * LANES..]).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f32>() + rest
}

/// # Safety
/// The processor must be [`available`]; the slices must have one length.
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn axpy(factor: f32, x: &[f32], y: &mut [f32]) {
    let n_blocks = x.len() / LANES;
    let factors = _mm256_set1_ps(factor);
    for block in 0..n_blocks {
        // SAFETY: `block * LANES + LANES` is at most the length of both.
        unsafe {
            let target = y.as_mut_ptr().add(block * LANES);
            let product =
                _mm256_fmadd_ps(factors, _mm256_loadu_ps(x.as_ptr().add(block * LANES)), _mm256_loadu_ps(target));
            _mm256_storeu_ps(target, product);
        }
    }
    for i in n_blocks * LANES..x.len() {
        y[i] = factor.mul_add(x[i], y[i]);
    }
}

/// # Safety
/// The processor must be [`available`]; `lanes` must be whole vectors, every index inside `matrix`, and `idxs` as long
/// as `values`.
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn add_weighted_rows(idxs: &[u32], values: &[f32], matrix: &[f32], lanes: &mut [f32]) {
    let n_lanes = lanes.len();
    let mut first = 0;
    // Up to eight vectors of sums stay in registers; wider matrices are done in strips.
    while first < n_lanes {
        let n_blocks = ((n_lanes - first) / LANES).min(8);
        // SAFETY: the caller's promise; the strip of `n_blocks` vectors from `first` on is inside every row.
        unsafe {
            match n_blocks {
                1 => add_strip::<1>(idxs, values, matrix, lanes, first),
                2 => add_strip::<2>(idxs, values, matrix, lanes, first),
                3 => add_strip::<3>(idxs, values, matrix, lanes, first),
                4 => add_strip::<4>(idxs, values, matrix, lanes, first),
                5 => add_strip::<5>(idxs, values, matrix, lanes, first),
                6 => add_strip::<6>(idxs, values, matrix, lanes, first),
                7 => add_strip::<7>(idxs, values, matrix, lanes, first),
                _ => add_strip::<8>(idxs, values, matrix, lanes, first),
            }
        }
        first += n_blocks * LANES;
    }
}

/// The lanes `first..first + BLOCKS * LANES` of [`add_weighted_rows`].
///
/// # Safety
/// As there; the strip must be inside `lanes`.
#[target_feature(enable = "avx2,fma")]
unsafe fn add_strip<const BLOCKS: usize>(
    idxs: &[u32],
    values: &[f32],
    matrix: &[f32],
    lanes: &mut [f32],
    first: usize,
) {
    let n_lanes = lanes.len();
    let target = lanes[first..].as_mut_ptr();
    let mut sums = [_mm256_setzero_ps(); BLOCKS];
    for (block, sum) in sums.iter_mut().enumerate() {
        // SAFETY: the strip is inside `lanes`.
        *sum = unsafe { _mm256_loadu_ps(target.add(block * LANES)) };
    }
    for (&idx, &value) in idxs.iter().zip(values) {
        let factor = _mm256_set1_ps(value);
        // SAFETY: row `idx` is inside the matrix, and the strip inside the row.
        let row = unsafe { matrix.as_ptr().add(idx as usize * n_lanes + first) };
        for (block, sum) in sums.iter_mut().enumerate() {
            // SAFETY: as above.
            *sum = _mm256_fmadd_ps(factor, unsafe { _mm256_loadu_ps(row.add(block * LANES)) }, *sum);
        }
    }
    for (block, sum) in sums.iter().enumerate() {
        // SAFETY: the strip is inside `lanes`.
        unsafe { _mm256_storeu_ps(target.add(block * LANES), *sum) };
    }
}

/// # Safety
/// As for [`add_weighted_rows`].
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn add_outer_product(idxs: &[u32], values: &[f32], lanes: &[f32], matrix: &mut [f32]) {
    let n_lanes = lanes.len();
    for (block, lanes) in lanes.chunks_exact(LANES).enumerate() {
        if lanes.iter().all(|&lane| lane == 0.0) {
            continue;
        }
        // SAFETY: the chunk is one vector.
        let step = unsafe { _mm256_loadu_ps(lanes.as_ptr()) };
        for (&idx, &value) in idxs.iter().zip(values) {
            // SAFETY: row `idx` is inside the matrix, and block `block` inside the row.
            unsafe {
                let target = matrix.as_mut_ptr().add(idx as usize * n_lanes + block * LANES);
                _mm256_storeu_ps(target, _mm256_fmadd_ps(_mm256_set1_ps(value), step, _mm256_loadu_ps(target)));
            }
        }
    }
}
