//! Work split in chunks that do not depend on the number of threads, so that no result does either.

use std::ops::Range;

use rayon::prelude::*;

/// Chunks that a sum over all rows is split in: enough for the threads of any machine it pays off on, few enough that
/// one partial sum each fits in memory.
const MAX_CHUNKS: usize = 32;

/// Applies `work` to consecutive ranges of at most `chunk_len` of the numbers below `n`; results in range order.
///
/// A single range is worked on by the calling thread alone.
pub(crate) fn map_chunks<T: Send>(n: usize, chunk_len: usize, work: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    if n <= chunk_len {
        return if n == 0 { Vec::new() } else { vec![work(0..n)] };
    }
    (0..n.div_ceil(chunk_len)).into_par_iter().map(|i| work(i * chunk_len..((i + 1) * chunk_len).min(n))).collect()
}

/// A chunk length that splits `n` rows into at most [`MAX_CHUNKS`] chunks of at least `min_len` rows.
pub(crate) fn few_chunks(n: usize, min_len: usize) -> usize {
    n.div_ceil(MAX_CHUNKS).max(min_len)
}
