//! Whether confidence means what it says: among answers given with confidence 0.8, are 80 % right?

/// How confidences are put into bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binning {
    /// Bins of equal width over [0, 1]; a confidence on a border belongs to the lower bin.
    EqualWidth,
    /// Bins of nearly as many rows each; rows of equal confidence stay together.
    EqualMass,
}

/// The answers whose confidence falls into one bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityBin {
    /// Their mean confidence.
    pub mean_confidence: f64,
    /// The share of them that is right.
    pub share_right: f64,
    /// How many there are, at least one.
    pub count: usize,
}

/// The reliability curve: the bins that hold a row, by ascending confidence. Empty without rows or bins.
///
/// *Shapes*: one entry per row in both; `confidence` is the probability given to the answer that was chosen, and rows
/// where it is NaN are left out.
///
/// # Panics
///
/// If the lengths differ.
pub fn reliability(confidence: &[f64], right: &[bool], n_bins: usize, binning: Binning) -> Vec<ReliabilityBin> {
    assert_eq!(confidence.len(), right.len(), "one confidence per row");
    let mut rows: Vec<(f64, bool)> =
        confidence.iter().copied().zip(right.iter().copied()).filter(|(confidence, _)| !confidence.is_nan()).collect();
    if n_bins == 0 {
        return Vec::new();
    }
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let n_rows = rows.len();
    let bin_of = |rank: usize| match binning {
        Binning::EqualWidth => ((rows[rank].0 * n_bins as f64).ceil() as usize).clamp(1, n_bins),
        Binning::EqualMass => {
            let first_of_tie = rows.partition_point(|row| row.0 < rows[rank].0);
            first_of_tie * n_bins / n_rows
        }
    };
    let bins: Vec<usize> = (0..n_rows).map(bin_of).collect();
    let mut curve = Vec::new();
    let mut start = 0;
    for same_bin in bins.chunk_by(|a, b| a == b) {
        curve.push(ReliabilityBin::of(&rows[start..start + same_bin.len()]));
        start += same_bin.len();
    }
    curve
}

/// The expected calibration error: the mean over rows of the distance between their bin's mean confidence and its share of
/// right answers, in bins of equal width. NaN where no row has a confidence. *Shapes* and *Panics* as in [`reliability`].
///
/// Fifteen bins are usual. Source: C. Guo and others, *On calibration of modern neural networks*, 2017.
pub fn expected_calibration_error(confidence: &[f64], right: &[bool], n_bins: usize) -> f64 {
    let curve = reliability(confidence, right, n_bins, Binning::EqualWidth);
    let n_rows: usize = curve.iter().map(|bin| bin.count).sum();
    let gaps = curve.iter().map(|bin| (bin.mean_confidence - bin.share_right).abs() * bin.count as f64);
    gaps.sum::<f64>() / n_rows as f64
}

impl ReliabilityBin {
    fn of(rows: &[(f64, bool)]) -> Self {
        let count = rows.len();
        let n_right = rows.iter().filter(|(_, right)| *right).count();
        ReliabilityBin {
            mean_confidence: rows.iter().map(|(confidence, _)| confidence).sum::<f64>() / count as f64,
            share_right: n_right as f64 / count as f64,
            count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIDENCE: [f64; 6] = [0.05, 0.1, 0.1, 0.55, 0.9, f64::NAN];
    const RIGHT: [bool; 6] = [false, true, false, true, true, true];

    fn check(binning: Binning, n_bins: usize, expect: &[(f64, f64, usize)]) {
        let curve = reliability(&CONFIDENCE, &RIGHT, n_bins, binning);
        assert_eq!(curve.len(), expect.len(), "{curve:?}");
        for (bin, &(mean_confidence, share_right, count)) in curve.iter().zip(expect) {
            assert!((bin.mean_confidence - mean_confidence).abs() < 1e-12, "{bin:?}");
            assert_eq!((bin.share_right, bin.count), (share_right, count));
        }
    }

    #[test]
    fn bins_by_hand() {
        check(Binning::EqualWidth, 10, &[(0.25 / 3.0, 1.0 / 3.0, 3), (0.55, 1.0, 1), (0.9, 1.0, 1)]);
        check(Binning::EqualWidth, 1, &[(0.34, 0.6, 5)]);
        check(Binning::EqualMass, 2, &[(0.25 / 3.0, 1.0 / 3.0, 3), (0.725, 1.0, 2)]);
    }

    #[test]
    fn errors_by_hand() {
        let found = expected_calibration_error(&CONFIDENCE, &RIGHT, 10);
        assert!((found - (0.75 + 0.45 + 0.1) / 5.0).abs() < 1e-12, "{found}");
        assert_eq!(expected_calibration_error(&[0.5, 0.5], &[true, false], 15), 0.0);
    }

    #[test]
    fn nothing_to_bin() {
        assert!(reliability(&[], &[], 10, Binning::EqualMass).is_empty());
        assert!(reliability(&[0.5], &[true], 0, Binning::EqualWidth).is_empty());
        assert!(expected_calibration_error(&[f64::NAN], &[true], 10).is_nan());
    }

    #[test]
    fn confidences_outside_the_range_go_to_the_outer_bins() {
        let curve = reliability(&[-1.0, 0.05, 2.0, 0.95], &[true; 4], 10, Binning::EqualWidth);
        assert_eq!(curve.iter().map(|bin| bin.count).collect::<Vec<_>>(), [2, 2]);
    }
}
