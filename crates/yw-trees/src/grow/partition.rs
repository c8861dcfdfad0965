//! The rows of a leaf, parted between its children.

use rayon::prelude::*;
use yw_kernels::GradientRow;

use crate::bins::BinColumn;

/// Rows that one task parts; leaves with more are parted by several threads.
const CHUNK_ROWS: usize = 32_768;

/// Moves the rows whose bin's entry of `left` is 1 to the front, both sides in their order. Returns how many there are.
pub(crate) fn partition(
    rows: &mut [GradientRow],
    scratch: &mut [GradientRow],
    column: &BinColumn,
    left: &[u8],
) -> usize {
    let part = |rows: &mut [GradientRow], scratch: &mut [GradientRow]| match column {
        BinColumn::Constant => unreachable!("a constant feature is not split"),
        BinColumn::Narrow(column) => yw_kernels::partition(rows, scratch, column, left),
        BinColumn::Wide(column) => yw_kernels::partition(rows, scratch, column, left),
    };
    if rows.len() <= CHUNK_ROWS {
        let n_left = part(rows, scratch);
        let n_right = rows.len() - n_left;
        rows[n_left..].copy_from_slice(&scratch[..n_right]);
        return n_left;
    }
    // What goes right waits in the scratch while the left sides move together.
    let n_left: Vec<usize> = rows
        .par_chunks_mut(CHUNK_ROWS)
        .zip(scratch.par_chunks_mut(CHUNK_ROWS))
        .map(|(rows, scratch)| part(rows, scratch))
        .collect();
    let n_rows = rows.len();
    let mut end = 0;
    for (chunk_idx, &n) in n_left.iter().enumerate() {
        rows.copy_within(chunk_idx * CHUNK_ROWS..chunk_idx * CHUNK_ROWS + n, end);
        end += n;
    }
    let total_left = end;
    for (chunk_idx, &n) in n_left.iter().enumerate() {
        let first = chunk_idx * CHUNK_ROWS;
        let n_right = CHUNK_ROWS.min(n_rows - first) - n;
        rows[end..end + n_right].copy_from_slice(&scratch[first..first + n_right]);
        end += n_right;
    }
    total_left
}
