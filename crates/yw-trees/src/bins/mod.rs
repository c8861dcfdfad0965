//! Values sorted into bins: what trees are grown on.

mod cuts;
mod levels;
mod matrix;

pub(crate) use self::matrix::{BinColumn, BinnedRows, GROUP_WIDTH, RowGroup};

use self::cuts::Cuts;
use self::levels::Levels;
use crate::{Feature, Rule};

/// How the values of one feature are sorted into bins.
///
/// The bins of values come first, then, for categories, one for all levels that have none of their own, then one for
/// missing values; the last two only if training rows had such values.
#[derive(Debug, Clone)]
pub(crate) struct FeatureBins {
    pub(crate) kind: BinKind,
    /// The bins of values.
    pub(crate) n_value_bins: usize,
    /// Whether there is a bin for the levels without one.
    pub(crate) has_other: bool,
    /// Whether there is a bin for missing values.
    pub(crate) has_missing: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum BinKind {
    Number(Cuts),
    Category(Levels),
}

impl FeatureBins {
    /// Learns the bins of a column, at most `max_bins` of values.
    pub(crate) fn learn(feature: &Feature<'_>, max_bins: usize) -> Self {
        match feature {
            Feature::Levels(levels) => {
                let (levels, has_other, has_missing) = Levels::learn(levels, max_bins);
                let n_value_bins = levels.n_bins();
                FeatureBins { kind: BinKind::Category(levels), n_value_bins, has_other, has_missing }
            }
            _ => {
                let (cuts, has_missing) = Cuts::learn(feature, max_bins);
                let n_value_bins = cuts.n_bins();
                FeatureBins { kind: BinKind::Number(cuts), n_value_bins, has_other: false, has_missing }
            }
        }
    }

    /// All bins.
    pub(crate) fn n_bins(&self) -> usize {
        self.n_value_bins + usize::from(self.has_other) + usize::from(self.has_missing)
    }

    /// The bin of missing values.
    pub(crate) fn missing_bin(&self) -> Option<usize> {
        self.has_missing.then(|| self.n_bins() - 1)
    }

    /// Whether all training rows are in one bin, so that there is nothing to split.
    pub(crate) fn is_constant(&self) -> bool {
        self.n_bins() < 2
    }

    pub(crate) fn is_category(&self) -> bool {
        matches!(self.kind, BinKind::Category(_))
    }

    /// The rule that sends the value bins up to `bin` left. Panics for a category.
    pub(crate) fn at_most(&self, bin: usize) -> Rule {
        match &self.kind {
            BinKind::Number(cuts) => Rule::AtMost { threshold: cuts.upper(bin), zero_is_missing: false },
            BinKind::Category(_) => unreachable!("levels have no order"),
        }
    }

    /// The rule that sends the levels of these bins left. Panics for a number.
    pub(crate) fn one_of(&self, bins: &[u32]) -> Rule {
        match &self.kind {
            BinKind::Category(levels) => Rule::OneOf(bins.iter().map(|&bin| levels.level(bin)).collect()),
            BinKind::Number(_) => unreachable!("numbers are ordered"),
        }
    }

    /// The bin of each row of a column.
    fn assign(&self, feature: &Feature<'_>, mut out: impl FnMut(usize, u32)) {
        let missing = self.missing_bin().unwrap_or(0) as u32;
        match (&self.kind, feature) {
            (BinKind::Number(cuts), _) => cuts.assign(feature, missing, out),
            (BinKind::Category(levels), Feature::Levels(values)) => {
                let other = self.n_value_bins as u32;
                for (i, &level) in values.iter().enumerate() {
                    let bin = if level == crate::MISSING_LEVEL { missing } else { levels.bin(level).unwrap_or(other) };
                    out(i, bin);
                }
            }
            (BinKind::Category(_), _) => unreachable!("a feature keeps its type"),
        }
    }
}
