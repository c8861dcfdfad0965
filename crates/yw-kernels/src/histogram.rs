//! Inner loops of histogram tree growing: rows with quantized gradients are summed by bin and parted by bin.
//!
//! Gradients are pairs of small integers in one word, so that one addition sums both. Integers have no order of
//! summation: any split of the work over blocks and threads gives the same sums.

use crate::Gradient;

/// A row of a leaf: which row it is, and its quantized first and second derivative.
///
/// Eight bytes: half the work of growing trees is moving these around.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct GradientRow {
    row: u32,
    /// `g · 2¹⁶ + h`.
    packed: u32,
}

/// Bins of one row in a group, padded: half a cache line.
pub const GROUP_WIDTH: usize = 32;

/// Bins of one feature in a [narrow histogram](add_narrow).
pub const NARROW_BINS: usize = 256;

/// How far ahead rows are fetched into the cache; far enough for main memory, near enough to stay in the first level.
const PREFETCH_ROWS: usize = 16;

impl GradientRow {
    /// A row with its derivatives.
    #[inline]
    pub fn new(row: u32, g: i16, h: u16) -> Self {
        GradientRow { row, packed: ((i32::from(g) as u32) << 16).wrapping_add(u32::from(h)) }
    }

    /// Which row it is.
    #[inline]
    pub fn row(self) -> usize {
        self.row as usize
    }

    /// Both derivatives as a histogram of sums has them: `g · 2³² + h`.
    #[inline]
    pub fn wide(self) -> i64 {
        widen(self.packed)
    }
}

/// A sum of `g · 2¹⁶ + h` as `g · 2³² + h`. Right as long as the sum of `h` is below 2¹⁶ and that of `g` fits 16 bits.
#[inline]
pub fn widen(packed: u32) -> i64 {
    let h = packed & 0xFFFF;
    let g = (packed as i32) >> 16;
    (i64::from(g) << 32) + i64::from(h)
}

/// The two sums of a histogram entry.
#[inline]
pub fn unpack(sum: i64) -> (i32, u32) {
    ((sum >> 32) as i32, sum as u32)
}

/// Adds rows to histograms of 16-bit pairs: entry `f · 256 + bin` sums the rows whose feature `f` is in `bin`.
///
/// *Shapes*: `bins` is rows of [`GROUP_WIDTH`] bytes, `out` is `n_features` rows of [`NARROW_BINS`] sums, with
/// `n_features` rounded up to a multiple of four; features beyond `n_features` are summed too. The caller takes care that
/// no sum overflows: see [`widen`].
///
/// Panics if a row is outside `bins` or the shapes do not fit.
pub fn add_narrow(rows: &[GradientRow], bins: &[u8], n_features: usize, out: &mut [u32]) {
    let n_quads = n_features.div_ceil(4);
    assert!((1..=GROUP_WIDTH / 4).contains(&n_quads) && out.len() >= n_quads * 4 * NARROW_BINS, "shapes");
    match n_quads {
        1 => add_quads::<1, u32>(rows, bins, out, |row| row.packed),
        2 => add_quads::<2, u32>(rows, bins, out, |row| row.packed),
        3 => add_quads::<3, u32>(rows, bins, out, |row| row.packed),
        4 => add_quads::<4, u32>(rows, bins, out, |row| row.packed),
        5 => add_quads::<5, u32>(rows, bins, out, |row| row.packed),
        6 => add_quads::<6, u32>(rows, bins, out, |row| row.packed),
        7 => add_quads::<7, u32>(rows, bins, out, |row| row.packed),
        _ => add_quads::<8, u32>(rows, bins, out, |row| row.packed),
    }
}

/// As [`add_narrow`], with 32-bit pairs: room for finer gradients at half the speed.
pub fn add_wide(rows: &[GradientRow], bins: &[u8], n_features: usize, out: &mut [i64]) {
    let n_quads = n_features.div_ceil(4);
    assert!((1..=GROUP_WIDTH / 4).contains(&n_quads) && out.len() >= n_quads * 4 * NARROW_BINS, "shapes");
    match n_quads {
        1 => add_quads::<1, i64>(rows, bins, out, |row| row.wide()),
        2 => add_quads::<2, i64>(rows, bins, out, |row| row.wide()),
        3 => add_quads::<3, i64>(rows, bins, out, |row| row.wide()),
        4 => add_quads::<4, i64>(rows, bins, out, |row| row.wide()),
        5 => add_quads::<5, i64>(rows, bins, out, |row| row.wide()),
        6 => add_quads::<6, i64>(rows, bins, out, |row| row.wide()),
        7 => add_quads::<7, i64>(rows, bins, out, |row| row.wide()),
        _ => add_quads::<8, i64>(rows, bins, out, |row| row.wide()),
    }
}

/// What [`add_quads`] sums.
trait Sum: Copy {
    fn plus(self, other: Self) -> Self;
}

impl Sum for u32 {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
}

impl Sum for i64 {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
}

/// Panics if `out` has fewer than `QUADS · 4 · 256` entries.
#[inline]
fn add_quads<const QUADS: usize, S: Sum>(
    rows: &[GradientRow],
    bins: &[u8],
    out: &mut [S],
    sum_of: impl Fn(GradientRow) -> S,
) {
    assert!(out.len() >= QUADS * 4 * NARROW_BINS, "room for every bin");
    let ahead = rows.get(PREFETCH_ROWS..).unwrap_or_default();
    for (row, ahead) in rows.iter().zip(ahead) {
        prefetch(bins, ahead.row() * GROUP_WIDTH);
        // SAFETY: `out` has room for 256 bins of every feature of the quads.
        unsafe { add_row::<QUADS, S>(row.row(), sum_of(*row), bins, out) };
    }
    for row in &rows[ahead.len()..] {
        // SAFETY: `out` has room for 256 bins of every feature of the quads.
        unsafe { add_row::<QUADS, S>(row.row(), sum_of(*row), bins, out) };
    }
}

/// Four features per loaded word: a load of one byte each would make loads the limit.
///
/// # Safety
/// `out` must have `QUADS · 4 · 256` entries.
#[inline(always)]
unsafe fn add_row<const QUADS: usize, S: Sum>(row: usize, sum: S, bins: &[u8], out: &mut [S]) {
    assert!(row < bins.len() / GROUP_WIDTH, "row {row} is outside");
    for quad in 0..QUADS {
        // SAFETY: the row is inside `bins`, and the quad inside the row.
        let word = unsafe { bins.as_ptr().add(row * GROUP_WIDTH + quad * 4).cast::<u32>().read_unaligned().to_le() };
        for place in 0..4 {
            let bin = (word >> (8 * place)) as usize & 0xFF;
            // SAFETY: the caller's promise; `bin` is below 256.
            unsafe {
                let entry = out.as_mut_ptr().add((quad * 4 + place) * NARROW_BINS + bin);
                *entry = (*entry).plus(sum);
            }
        }
    }
}

/// Adds a [narrow](add_narrow) histogram of one feature to a wide one, as far as that reaches, and clears it.
pub fn flush(narrow: &mut [u32], wide: &mut [i64]) {
    for (sum, packed) in wide.iter_mut().zip(narrow) {
        *sum = sum.wrapping_add(widen(std::mem::take(packed)));
    }
}

/// Adds rows to the histogram of one feature that is stored by column. Panics if a row or a bin is outside.
pub fn add_column<B: Copy + Into<usize>>(rows: &[GradientRow], column: &[B], out: &mut [i64]) {
    for row in rows {
        let bin: usize = column[row.row()].into();
        out[bin] = out[bin].wrapping_add(row.wide());
    }
}

/// Parts rows by the bin of a column: those whose bin's entry of `left` is 1 move to the front of `rows`, the others to the
/// front of `scratch`, both in their order. Returns how many are left; what follows them in `rows` is of no use.
///
/// `left` has an entry of 0 or 1 for every bin. Panics if a row or bin is outside, or if `scratch` is shorter than `rows`.
pub fn partition<B: Copy + Into<usize>>(
    rows: &mut [GradientRow],
    scratch: &mut [GradientRow],
    column: &[B],
    left: &[u8],
) -> usize {
    assert!(scratch.len() >= rows.len(), "room for all rows");
    let (mut n_left, mut n_right) = (0, 0);
    for i in 0..rows.len() {
        if let Some(ahead) = rows.get(i + PREFETCH_ROWS) {
            prefetch(column, ahead.row());
        }
        let row = rows[i];
        let bin: usize = column[row.row()].into();
        let goes_left = usize::from(left[bin] & 1);
        // Both are written and one counter moves: no branch to mispredict.
        // SAFETY: `n_left ≤ i` and `n_right ≤ i`, and both slices are longer than `i`.
        unsafe {
            *rows.get_unchecked_mut(n_left) = row;
            *scratch.get_unchecked_mut(n_right) = row;
        }
        n_left += goes_left;
        n_right += 1 - goes_left;
    }
    n_left
}

/// The sums of derivatives of some rows in single precision, exact where those of [`GradientRow`]s are rounded. They are
/// added up in order, in double precision. Panics if a row is outside.
pub fn sum_gradients(rows: &[GradientRow], gradients: &[Gradient]) -> [f64; 2] {
    let mut sums = [0.0; 2];
    for (i, row) in rows.iter().enumerate() {
        if let Some(ahead) = rows.get(i + PREFETCH_ROWS) {
            prefetch(gradients, ahead.row());
        }
        let gradient = gradients[row.row()];
        sums[0] += f64::from(gradient.g);
        sums[1] += f64::from(gradient.h);
    }
    sums
}

/// Fetches what will be needed soon into the cache.
#[inline(always)]
fn prefetch<T>(items: &[T], idx: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: prefetching has no effect on memory, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(items.as_ptr().wrapping_add(idx).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (items, idx);
}
