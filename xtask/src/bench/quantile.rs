//! Percentiles of measured times.

use std::time::Duration;

/// The smallest of the times that at least `per_mille` thousandths of all times do not exceed (the nearest rank); zero
/// where there are none. The times must be sorted.
pub(crate) fn percentile(sorted: &[Duration], per_mille: usize) -> Duration {
    let rank = (sorted.len() * per_mille).div_ceil(1000).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

/// The middle value, or the mean of the two in the middle; NaN where there are none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    match (sorted.len() / 2, sorted.len() % 2) {
        (0, 0) => f64::NAN,
        (middle, 0) => (sorted[middle - 1] + sorted[middle]) / 2.0,
        (middle, _) => sorted[middle],
    }
}

/// The median of what `of` says of each.
pub(crate) fn median_of<T>(items: &[T], of: impl Fn(&T) -> f64) -> f64 {
    median(&items.iter().map(of).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let check = |n: u64, per_mille: usize, expect: u64| {
            let times: Vec<Duration> = (1..=n).map(Duration::from_millis).collect();
            assert_eq!(percentile(&times, per_mille), Duration::from_millis(expect), "{per_mille} of {n}");
        };
        check(100, 500, 50);
        check(100, 990, 99);
        check(100, 999, 100);
        check(1000, 999, 999);
        check(1001, 999, 1000);
        check(5, 500, 3);
        check(1, 0, 1);
        check(7, 1000, 7);
        check(0, 500, 0);
    }

    #[test]
    fn medians() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[1.0]), 1.0);
        assert!(median(&[]).is_nan());
    }
}
