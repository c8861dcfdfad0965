//! Finding the place of a value among sorted thresholds.

use std::hint::select_unpredictable;

/// Ascending thresholds, in an order of memory made for searching.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Thresholds {
    /// Filled up with infinities to one less than a power of two, and one more.
    padded: Vec<f64>,
    n: usize,
}

/// Values that are searched side by side: each step waits for a load, the steps of different values do not.
pub(crate) const SEARCH_LANES: usize = 8;

impl Thresholds {
    /// From ascending values without NaN.
    pub(crate) fn new(mut sorted: Vec<f64>) -> Self {
        let n = sorted.len();
        sorted.resize((n + 1).next_power_of_two(), f64::INFINITY);
        Thresholds { padded: sorted, n }
    }

    pub(crate) fn len(&self) -> usize {
        self.n
    }

    /// The threshold at a place; infinity behind the last.
    pub(crate) fn get(&self, idx: usize) -> f64 {
        if idx < self.n { self.padded[idx] } else { f64::INFINITY }
    }

    /// How many thresholds are below each value; of NaN, none.
    #[inline]
    pub(crate) fn below(&self, values: &[f64; SEARCH_LANES]) -> [u32; SEARCH_LANES] {
        let mut found = [0u32; SEARCH_LANES];
        let mut step = self.padded.len() / 2;
        while step > 0 {
            for lane in 0..SEARCH_LANES {
                let further = found[lane] + step as u32;
                let is_below = self.padded[further as usize - 1] < values[lane];
                // A branch here would be mispredicted every other time.
                found[lane] = select_unpredictable(is_below, further, found[lane]);
            }
            step /= 2;
        }
        found
    }

    /// Calls `out` with the number of each value and how many thresholds are below it, or none for NaN.
    pub(crate) fn place(&self, mut values: impl Iterator<Item = f64>, mut out: impl FnMut(usize, Option<u32>)) {
        let mut block = [f64::NAN; SEARCH_LANES];
        for start in (0..).step_by(SEARCH_LANES) {
            let mut n_lanes = 0;
            for (lane, value) in block.iter_mut().zip(&mut values) {
                *lane = value;
                n_lanes += 1;
            }
            let found = self.below(&block);
            for lane in 0..n_lanes {
                out(start + lane, (!block[lane].is_nan()).then_some(found[lane]));
            }
            if n_lanes < SEARCH_LANES {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_counts_what_is_below() {
        for n in [0, 1, 2, 3, 7, 8, 100, 255, 1000] {
            let thresholds = Thresholds::new((0..n).map(f64::from).collect());
            let values = (0..=n).map(|i| f64::from(i) - 0.5).chain([f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
            let expected: Vec<Option<u32>> = (0..=n as u32).map(Some).chain([None, Some(n as u32), Some(0)]).collect();
            let mut found = vec![None; expected.len()];
            thresholds.place(values, |i, place| found[i] = place);
            assert_eq!(found, expected);
        }
    }
}
