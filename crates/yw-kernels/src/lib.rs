//! Vectorised inner loops of the numeric engines, each with a scalar twin.
//!
//! Every function picks its implementation when it runs: AVX2 with FMA where the processor has both, NEON on 64-bit ARM,
//! plain Rust otherwise. The vector and the scalar path compute the same thing up to rounding; on one machine the result
//! is the same on every call, whatever thread it runs on.
//!
//! The functions to know are [`dot`] and [`axpy`] for dense vectors, and the pair [`add_weighted_rows`] and
//! [`add_outer_product`], which multiply a sparse row with a matrix that has a few dozen columns ("lanes", one per
//! class) and update that matrix. Lanes come in multiples of [`LANES`]. For boosting, [`logistic_gradients`] and
//! [`softmax_gradients`] write a [`Gradient`] per row. Trees are grown with [`add_narrow`], [`best_threshold`] and
//! [`partition`] on rows with gradients rounded to integers ([`GradientRow`]), whose sums are the same on every processor;
//! they answer with [`leaves_of_block`] and [`WalkNodes`].
//!
//! ```
//! use yw_kernels::{LANES, add_outer_product, add_weighted_rows, dot};
//!
//! assert_eq!(dot(&[1.0, 2.0], &[3.0, 4.0]), 11.0);
//!
//! // A matrix of 3 rows; the sparse row has values in columns 0 and 2.
//! let mut matrix = vec![0.0; 3 * LANES];
//! let (idxs, values) = ([0, 2], [1.0, 0.5]);
//! add_outer_product(&idxs, &values, &[2.0; LANES], &mut matrix);
//! let mut scores = [0.0; LANES];
//! add_weighted_rows(&idxs, &values, &matrix, &mut scores);
//! assert_eq!(scores, [2.5; LANES]);
//! ```
//!
//! Not here: threads (the engines split the work), matrices with a shape of their own; double precision, but for gradients.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod gradients;
mod histogram;
mod masks;
#[cfg(target_arch = "aarch64")]
mod neon;
pub mod scalar;
mod thresholds;
mod walk;

pub use gradients::{
    Gradient, MIN_HESSIAN, exponentials, log_loss, log_sum_exp, logistic_gradients, softmax_gradients,
};

pub use histogram::{
    GROUP_WIDTH, GradientRow, NARROW_BINS, add_column, add_narrow, add_wide, flush, partition, sum_gradients, unpack,
    widen,
};

pub use masks::{MASK_ROWS, MaskBlock, MaskChild, MaskNode, leaves_of_block};
pub use thresholds::{ThresholdRules, best_threshold};
pub use walk::{WALK_LANES, WalkNode, WalkNodes};

/// Columns of class-major matrices come in multiples of this many, so that every row is whole vectors.
pub const LANES: usize = 8;

/// The smallest multiple of [`LANES`] that holds `n` lanes.
pub const fn padded_lanes(n: usize) -> usize {
    n.div_ceil(LANES) * LANES
}

/// The sum of products of two vectors. Panics if their lengths differ.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "vectors of one length");
    #[cfg(target_arch = "x86_64")]
    if avx2::available() {
        // SAFETY: the processor has AVX2 and FMA; the lengths are equal.
        return unsafe { avx2::dot(a, b) };
    }
    #[cfg(target_arch = "aarch64")]
    if neon::available() {
        // SAFETY: the processor has NEON; the lengths are equal.
        return unsafe { neon::dot(a, b) };
    }
    scalar::dot(a, b)
}

/// Adds `factor` times `x` to `y`. Panics if the lengths differ.
pub fn axpy(factor: f32, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "vectors of one length");
    #[cfg(target_arch = "x86_64")]
    if avx2::available() {
        // SAFETY: the processor has AVX2 and FMA; the lengths are equal.
        return unsafe { avx2::axpy(factor, x, y) };
    }
    #[cfg(target_arch = "aarch64")]
    if neon::available() {
        // SAFETY: the processor has NEON; the lengths are equal.
        return unsafe { neon::axpy(factor, x, y) };
    }
    scalar::axpy(factor, x, y);
}

/// Multiplies a sparse row with a matrix: `lanes += Σⱼ values[j] · matrix[idxs[j]]`.
///
/// *Shapes*: `idxs` and `values` have one length; `matrix` is rows of `lanes.len()` values, one after the other.
/// *Order*: each lane adds its products in the order of `idxs`, whatever the other lanes are, so that splitting a matrix
/// by lanes changes nothing.
///
/// Panics if the shapes do not fit, if `lanes` is not a multiple of [`LANES`], or if an index is outside the matrix.
pub fn add_weighted_rows(idxs: &[u32], values: &[f32], matrix: &[f32], lanes: &mut [f32]) {
    check_sparse(idxs, values, matrix.len(), lanes.len());
    #[cfg(target_arch = "x86_64")]
    if avx2::available() {
        // SAFETY: the processor has AVX2 and FMA; `check_sparse` has compared every index and length.
        return unsafe { avx2::add_weighted_rows(idxs, values, matrix, lanes) };
    }
    #[cfg(target_arch = "aarch64")]
    if neon::available() {
        // SAFETY: the processor has NEON; `check_sparse` has compared every index and length.
        return unsafe { neon::add_weighted_rows(idxs, values, matrix, lanes) };
    }
    scalar::add_weighted_rows(idxs, values, matrix, lanes);
}

/// Adds the outer product of a sparse row and a dense one to a matrix: `matrix[idxs[j]] += values[j] · lanes`.
///
/// Shapes and panics as for [`add_weighted_rows`]. Groups of [`LANES`] lanes that are all zero are skipped.
pub fn add_outer_product(idxs: &[u32], values: &[f32], lanes: &[f32], matrix: &mut [f32]) {
    check_sparse(idxs, values, matrix.len(), lanes.len());
    #[cfg(target_arch = "x86_64")]
    if avx2::available() {
        // SAFETY: the processor has AVX2 and FMA; `check_sparse` has compared every index and length.
        return unsafe { avx2::add_outer_product(idxs, values, lanes, matrix) };
    }
    #[cfg(target_arch = "aarch64")]
    if neon::available() {
        // SAFETY: the processor has NEON; `check_sparse` has compared every index and length.
        return unsafe { neon::add_outer_product(idxs, values, lanes, matrix) };
    }
    scalar::add_outer_product(idxs, values, lanes, matrix);
}

/// What the unsafe kernels rely on. The pass over the indices costs little beside the rows that they fetch.
fn check_sparse(idxs: &[u32], values: &[f32], matrix_len: usize, n_lanes: usize) {
    assert_eq!(idxs.len(), values.len(), "one value per index");
    assert!(n_lanes > 0 && n_lanes.is_multiple_of(LANES), "{n_lanes} lanes are not a multiple of {LANES}");
    let largest = idxs.iter().copied().max().unwrap_or(0) as usize;
    assert!(idxs.is_empty() || largest < matrix_len / n_lanes, "index {largest} is outside the matrix");
}
