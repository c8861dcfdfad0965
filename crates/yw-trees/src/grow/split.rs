//! The best split of a leaf.

use rayon::prelude::*;
use yw_kernels::{ThresholdRules, unpack};

use super::category;
use super::penalty::{Bounds, Penalty, Sums};
use super::quantize::Steps;
use crate::bins::{BinnedRows, FeatureBins};
use crate::random::Random;
use crate::{Monotone, TreesParams};

/// Below so many bins in all, one thread looks at them.
const PARALLEL_BINS: usize = 4096;

/// A split that is worth making.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choice {
    pub(crate) feature: u32,
    /// How much it reduces the loss, twice; above zero.
    pub(crate) gain: f64,
    pub(crate) cut: Cut,
    pub(crate) missing_left: bool,
    /// The sum of the histogram's entries that go left.
    pub(crate) left: i64,
}

/// Which bins go left.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cut {
    /// Those up to this one.
    AtMost(u32),
    /// These.
    OneOf(Vec<u32>),
}

/// A leaf, as far as its split depends on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaf<'a> {
    pub(crate) histogram: &'a [i64],
    /// How many rows each bin has, where that was counted; it is estimated from the sums of hessians otherwise.
    pub(crate) counts: Option<&'a [u32]>,
    pub(crate) total: i64,
    pub(crate) n_rows: usize,
    pub(crate) bounds: Bounds,
    /// For what is drawn at random for this leaf alone.
    pub(crate) seed: u64,
}

/// What holds for all leaves of a tree.
pub(crate) struct SplitRules<'a> {
    pub(crate) params: &'a TreesParams,
    pub(crate) binned: &'a BinnedRows,
    pub(crate) steps: Steps,
    pub(crate) penalty: Penalty,
    pub(crate) random_thresholds: bool,
}

/// A leaf and one feature of it.
pub(crate) struct Scan<'a> {
    pub(crate) rules: &'a SplitRules<'a>,
    pub(crate) leaf: &'a Leaf<'a>,
    pub(crate) feature: u32,
    pub(crate) bins: &'a FeatureBins,
    /// The feature's part of the histogram.
    pub(crate) sums: &'a [i64],
    counts: Option<&'a [u32]>,
    /// Rows per step of the hessian.
    rows_per_h: f64,
    min_h: u32,
}

impl SplitRules<'_> {
    /// The best split of a leaf among some features; of equally good ones the first. None if no split is worth making.
    pub(crate) fn best(&self, leaf: &Leaf<'_>, features: &[u32]) -> Option<Choice> {
        let scan = |&feature: &u32| self.scan(leaf, feature);
        let better = |a: Option<Choice>, b: Option<Choice>| match (&a, &b) {
            (Some(x), Some(y)) if y.gain > x.gain => b,
            (None, _) => b,
            _ => a,
        };
        if self.binned.n_bins < PARALLEL_BINS {
            features.iter().map(scan).fold(None, better)
        } else {
            features.par_chunks(8).map(|some| some.iter().map(scan).fold(None, better)).reduce(|| None, better)
        }
    }

    fn scan(&self, leaf: &Leaf<'_>, feature: u32) -> Option<Choice> {
        let bins = &self.binned.features[feature as usize];
        let offset = self.binned.offsets[feature as usize];
        let range = offset..offset + bins.n_bins();
        let (_, h) = unpack(leaf.total);
        let rows_per_h = leaf.n_rows as f64 / f64::from(h.max(1));
        let min_rows = self.params.min_rows_per_leaf.max(1);
        // Either side has a row for certain if its sum is not zero.
        let estimated = leaf.counts.is_none() && min_rows > 1;
        let by_rows = if estimated { (min_rows as f64 - 0.5) / rows_per_h } else { 0.0 };
        let min_h = (self.params.min_child_weight / self.steps.h).max(by_rows).ceil();
        let scan = Scan {
            rules: self,
            leaf,
            feature,
            bins,
            sums: &leaf.histogram[range.clone()],
            counts: leaf.counts.map(|counts| &counts[range]),
            rows_per_h,
            min_h: if min_h < f64::from(u32::MAX) { (min_h as u32).max(1) } else { u32::MAX },
        };
        if bins.is_category() { category::best(&scan) } else { scan.best_threshold() }
    }

    pub(crate) fn sums(&self, packed: i64) -> Sums {
        let (g, h) = unpack(packed);
        Sums { g: f64::from(g) * self.steps.g, h: f64::from(h) * self.steps.h }
    }
}

impl Scan<'_> {
    /// How many rows a bin has, about.
    pub(crate) fn n_rows(&self, bin: usize) -> f64 {
        match self.counts {
            Some(counts) => f64::from(counts[bin]),
            None => f64::from(unpack(self.sums[bin]).1) * self.rows_per_h,
        }
    }

    fn best_threshold(&self) -> Option<Choice> {
        let n_cuts = self.bins.n_value_bins.checked_sub(1).filter(|&n| n > 0 || self.bins.has_missing)?;
        let (missing, n_missing) = match self.bins.missing_bin() {
            Some(bin) => (self.sums[bin], self.counts.map_or(0, |c| c[bin])),
            None => (0, 0),
        };
        let mut best = Best::new(self);
        // With missing values in this leaf, every threshold is tried with them on either side, and the last bin as
        // threshold parts them from all others.
        let splits_missing = missing != 0;
        let tried = n_cuts + usize::from(splits_missing);
        if best.is_plain() && self.counts.is_none() && !self.rules.random_thresholds {
            best.offer_thresholds(&self.sums[..tried], false, 0);
            if splits_missing {
                best.offer_thresholds(&self.sums[..n_cuts], true, missing);
            }
            return best.choice(Cut::AtMost);
        }
        let drawn = self.rules.random_thresholds.then(|| self.draw_threshold(n_cuts));
        let (mut left, mut n_left) = (0i64, 0);
        for bin in 0..tried {
            left = left.wrapping_add(self.sums[bin]);
            n_left += self.counts.map_or(0, |c| c[bin]);
            if drawn.is_some_and(|drawn| drawn != bin) {
                continue;
            }
            best.offer(bin as u32, false, left, n_left);
            if splits_missing && bin < n_cuts {
                best.offer(bin as u32, true, left.wrapping_add(missing), n_left + n_missing);
            }
        }
        best.choice(Cut::AtMost)
    }

    /// One of the cuts between values that this leaf has.
    fn draw_threshold(&self, n_cuts: usize) -> usize {
        let there = |bin: &usize| self.sums[*bin] != 0;
        let (first, last) = ((0..=n_cuts).find(there).unwrap_or(0), (0..=n_cuts).rev().find(there).unwrap_or(0));
        let mut random = Random::new(self.leaf.seed, crate::random::Use::Thresholds, self.feature as usize);
        if last > first { first + random.below(last - first) } else { first }
    }
}

/// The best cut so far of one feature.
pub(crate) struct Best<'a> {
    scan: &'a Scan<'a>,
    penalty: Penalty,
    monotone: Monotone,
    /// What the leaf is worth unsplit.
    unsplit: f64,
    min_rows: u32,
    score: f64,
    found: Option<(u32, bool, i64)>,
}

impl<'a> Best<'a> {
    pub(crate) fn new(scan: &'a Scan<'a>) -> Self {
        Best::with_penalty(scan, scan.rules.penalty)
    }

    pub(crate) fn with_penalty(scan: &'a Scan<'a>, penalty: Penalty) -> Self {
        let params = scan.rules.params;
        let total = scan.rules.sums(scan.leaf.total);
        // The leaf itself is judged by the ordinary penalty, so that an extra one on splits makes them harder.
        let own = scan.rules.penalty;
        let unsplit = match scan.leaf.bounds.is_none() {
            true => own.score(total),
            false => own.score_of(total, scan.leaf.bounds.clamp(own.value(total))),
        };
        let floor = unsplit + params.min_split_gain;
        Best {
            scan,
            penalty,
            monotone: params.monotone.get(scan.feature as usize).copied().unwrap_or_default(),
            unsplit,
            min_rows: params.min_rows_per_leaf.max(1) as u32,
            // Rounding makes a split of nothing look like a tiny gain. What is tiny depends on the unit of the target.
            score: floor + 1e-12 * floor.abs(),
            found: None,
        }
    }

    /// Whether the score of a split is the plain sum of its sides' scores.
    fn is_plain(&self) -> bool {
        self.monotone == Monotone::Free && self.scan.leaf.bounds.is_none() && self.penalty.l1 == 0.0
    }

    /// Considers all thresholds at the upper ends of these bins.
    fn offer_thresholds(&mut self, sums: &[i64], missing_left: bool, missing: i64) {
        let steps = self.scan.rules.steps;
        let rules = ThresholdRules { l2: self.penalty.l2 / steps.h, min_h: self.scan.min_h };
        let Some((bin, score)) = yw_kernels::best_threshold(sums, missing, self.scan.leaf.total, rules) else { return };
        let score = score * (steps.g * steps.g / steps.h);
        if score > self.score {
            self.score = score;
            let left = sums[..=bin].iter().fold(missing, |sum, part| sum.wrapping_add(*part));
            self.found = Some((bin as u32, missing_left, left));
        }
    }

    /// Considers a cut that sends `left` (and so many rows, where they are counted) left.
    #[inline]
    pub(crate) fn offer(&mut self, cut: u32, missing_left: bool, left: i64, n_left: u32) {
        let right = self.scan.leaf.total.wrapping_sub(left);
        let (left_h, right_h) = (unpack(left).1, unpack(right).1);
        if left_h < self.scan.min_h || right_h < self.scan.min_h {
            return;
        }
        if self.scan.counts.is_some() {
            let n_right = self.scan.leaf.n_rows as u32 - n_left;
            if n_left < self.min_rows || n_right < self.min_rows {
                return;
            }
        }
        let (left_sums, right_sums) = (self.scan.rules.sums(left), self.scan.rules.sums(right));
        let score = if self.monotone == Monotone::Free && self.scan.leaf.bounds.is_none() {
            self.penalty.score(left_sums) + self.penalty.score(right_sums)
        } else {
            self.bounded_score(left_sums, right_sums)
        };
        if score > self.score {
            self.score = score;
            self.found = Some((cut, missing_left, left));
        }
    }

    fn bounded_score(&self, left: Sums, right: Sums) -> f64 {
        let bounds = self.scan.leaf.bounds;
        let (left_value, right_value) =
            (bounds.clamp(self.penalty.value(left)), bounds.clamp(self.penalty.value(right)));
        let broken = match self.monotone {
            Monotone::Free => false,
            Monotone::Increasing => left_value > right_value,
            Monotone::Decreasing => left_value < right_value,
        };
        if broken {
            return f64::NEG_INFINITY;
        }
        self.penalty.score_of(left, left_value) + self.penalty.score_of(right, right_value)
    }

    pub(crate) fn choice(self, cut: impl FnOnce(u32) -> Cut) -> Option<Choice> {
        let (found, missing_left, left) = self.found?;
        let gain = self.score - self.unsplit;
        Some(Choice { feature: self.scan.feature, gain, cut: cut(found), missing_left, left })
    }
}
