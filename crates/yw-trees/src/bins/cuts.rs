//! The bins of a number: intervals that hold about equally many training rows.

use crate::Feature;
use crate::random::{Random, Use};
use crate::search::Thresholds;

/// Rows that cuts are learned from; of larger tables, one of every few, so that there are at most so many.
const MAX_SAMPLE: usize = 100_000;

/// Where one bin ends and the next begins: bin `b` holds the values `v` with `upper(b − 1) < v ≤ upper(b)`.
#[derive(Debug, Clone)]
pub(crate) struct Cuts(Thresholds);

impl Cuts {
    /// Learns at most `max_bins` bins. Also says whether values are missing.
    pub(super) fn learn(feature: &Feature<'_>, max_bins: usize) -> (Self, bool) {
        let n_rows = feature.n_rows();
        let step = n_rows.div_ceil(MAX_SAMPLE).max(1);
        // Which one is drawn: what comes in the rhythm of the steps would hide at equal distances.
        let mut random = Random::new(0, Use::Cuts, 0);
        let rows = (0..n_rows).step_by(step).map(|first| first + random.below(step.min(n_rows - first)));
        let mut values: Vec<f64> = rows.map(|row| feature.value(row)).filter(|v| !v.is_nan()).collect();
        // One zero, so that the order of bits is the order of values.
        values.iter_mut().for_each(|v| *v += 0.0);
        values.sort_unstable_by(f64::total_cmp);
        let has_missing = match feature {
            _ if step == 1 => values.len() < n_rows,
            Feature::F32(values, None) => values.iter().any(|v| v.is_nan()),
            Feature::F64(values, None) => values.iter().any(|v| v.is_nan()),
            _ => (0..n_rows).any(|i| feature.value(i).is_nan()),
        };
        (Cuts(Thresholds::new(quantile_cuts(&values, max_bins))), has_missing)
    }

    /// How many bins there are; a column without any value has one for none.
    pub(super) fn n_bins(&self) -> usize {
        self.0.len() + 1
    }

    /// The largest value of a bin; infinity for the last.
    pub(super) fn upper(&self, bin: usize) -> f64 {
        self.0.get(bin)
    }

    /// The bin of each row; `missing` for those without a value.
    pub(super) fn assign(&self, feature: &Feature<'_>, missing: u32, mut out: impl FnMut(usize, u32)) {
        let out = |row: usize, bin: Option<u32>| out(row, bin.unwrap_or(missing));
        match feature {
            Feature::F32(values, None) => self.0.place(values.iter().map(|&v| f64::from(v)), out),
            Feature::F64(values, None) => self.0.place(values.iter().copied(), out),
            _ => self.0.place((0..feature.n_rows()).map(|row| feature.value(row)), out),
        }
    }
}

/// Cuts between sorted values such that each of at most `max_bins` bins holds about equally many, and equal values share
/// a bin. A value that fills a bin by itself gets one of its own.
fn quantile_cuts(sorted: &[f64], max_bins: usize) -> Vec<f64> {
    let runs: Vec<(f64, usize)> = sorted.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect();
    if runs.len() <= max_bins {
        return runs.windows(2).map(|pair| between(pair[0].0, pair[1].0)).collect();
    }
    let mut cuts = Vec::with_capacity(max_bins - 1);
    let (mut rest, mut bins_left, mut in_bin) = (sorted.len(), max_bins, 0);
    for (i, pair) in runs.windows(2).enumerate() {
        in_bin += pair[0].1;
        if bins_left == 1 {
            break;
        }
        let fair = rest as f64 / bins_left as f64;
        let next = runs[i + 1].1 as f64;
        // The bin is full, or a value comes that is a bin by itself and this one is at least half full, or adding the
        // next value would overshoot by more than the bin falls short now.
        let (now, then) = (in_bin as f64, in_bin as f64 + next);
        if now >= fair || (next >= fair && now >= fair / 2.0) || (then > fair && then - fair > fair - now) {
            cuts.push(between(pair[0].0, pair[1].0));
            rest -= in_bin;
            bins_left -= 1;
            in_bin = 0;
        }
    }
    cuts
}

/// A threshold `t` with `low ≤ t < high`, in single precision where one is, so that models keep their meaning in formats
/// that have no other.
fn between(low: f64, high: f64) -> f64 {
    let middle = low / 2.0 + high / 2.0;
    let single = f64::from(middle as f32);
    if low <= single && single < high {
        single
    } else if low <= middle && middle < high {
        middle
    } else {
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learn(values: &[f64], max_bins: usize) -> Vec<f64> {
        let (cuts, _) = Cuts::learn(&Feature::F64(values, None), max_bins);
        (0..cuts.0.len()).map(|i| cuts.upper(i)).collect()
    }

    #[test]
    fn few_values_have_a_bin_each() {
        assert_eq!(learn(&[3.0, 1.0, 2.0, 1.0, f64::NAN], 255), [1.5, 2.5]);
        assert_eq!(learn(&[f64::NEG_INFINITY, 0.0, f64::INFINITY], 255).len(), 2);
        assert_eq!(learn(&[-0.0, 0.0], 255), []);
        assert_eq!(learn(&[], 255), []);
    }

    #[test]
    fn many_values_share_bins_of_about_equal_size() {
        let values: Vec<f64> = (0..10_000).map(f64::from).collect();
        let cuts = learn(&values, 10);
        assert_eq!(cuts.len(), 9);
        for (i, cut) in cuts.iter().enumerate() {
            assert!((cut - (i as f64 + 1.0) * 1000.0).abs() < 2.0, "{cuts:?}");
        }
    }

    #[test]
    fn a_frequent_value_leaves_bins_to_the_others() {
        let values: Vec<f64> = (0..10_000).map(|i| if i % 2 == 0 { 0.0 } else { f64::from(i) }).collect();
        let cuts = learn(&values, 11);
        assert_eq!(cuts.len(), 10);
        assert!(cuts[0] < 1.0);
    }

    #[test]
    fn thresholds_separate_neighbours_that_singles_cannot() {
        let (low, high) = (1.0, 1.0 + 1e-12);
        let t = between(low, high);
        assert!(low <= t && t < high);
        assert_eq!(between(f64::MIN, f64::MAX), 0.0);
        let t = between(0.0, 5e-324);
        assert!((0.0..5e-324).contains(&t));
    }
}
