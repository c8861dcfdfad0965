//! Categories: one feature per frequent level, one for all the rest, one for missing.

use rustc_hash::FxHashMap;

use super::params::CategoryParams;
use crate::FormatError;
use crate::bytes::{Reader, Writer};

/// Learned from one column of categories. A row has at most one feature: its level's; or, if training had rare levels,
/// the shared one; or, if training had missing values, that of missing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CategoryEncoder {
    /// Most frequent first.
    levels: Vec<String>,
    level_idxs: FxHashMap<String, usize>,
    has_other: bool,
    has_missing: bool,
}

impl CategoryEncoder {
    pub(super) fn fit<'a>(values: impl Iterator<Item = Option<&'a str>>, params: &CategoryParams) -> Self {
        let mut counts: FxHashMap<&str, usize> = FxHashMap::default();
        let mut has_missing = false;
        for value in values {
            match value {
                Some(level) => *counts.entry(level).or_default() += 1,
                None => has_missing = true,
            }
        }
        let n_seen = counts.len();
        let mut frequent: Vec<(&str, usize)> = counts.into_iter().filter(|(_, n)| *n >= params.min_rows).collect();
        frequent.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        frequent.truncate(params.max_levels);
        let levels: Vec<String> = frequent.into_iter().map(|(level, _)| level.to_owned()).collect();
        let has_other = levels.len() < n_seen;
        CategoryEncoder::new(levels, has_other, has_missing)
    }

    fn new(levels: Vec<String>, has_other: bool, has_missing: bool) -> Self {
        let level_idxs = levels.iter().cloned().enumerate().map(|(i, level)| (level, i)).collect();
        CategoryEncoder { levels, level_idxs, has_other, has_missing }
    }

    pub(super) fn n_features(&self) -> usize {
        self.levels.len() + usize::from(self.has_other) + usize::from(self.has_missing)
    }

    /// Whether a level has a feature that is only its own.
    pub(super) fn has_own(&self, level: &str) -> bool {
        self.level_idxs.contains_key(level)
    }

    /// The feature that is 1 for this value, if any.
    pub(super) fn encode(&self, value: Option<&str>) -> Option<usize> {
        let n_levels = self.levels.len();
        match value {
            Some(level) => self.level_idxs.get(level).copied().or(self.has_other.then_some(n_levels)),
            None => self.has_missing.then_some(n_levels + usize::from(self.has_other)),
        }
    }

    pub(super) fn names(&self, field: &str) -> Vec<String> {
        let levels = self.levels.iter().map(|level| format!("{field} = {level}"));
        let other = self.has_other.then(|| format!("{field} (other)"));
        let missing = self.has_missing.then(|| format!("{field} (missing)"));
        levels.chain(other).chain(missing).collect()
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.len(self.levels.len());
        self.levels.iter().for_each(|level| out.str(level));
        out.bool(self.has_other);
        out.bool(self.has_missing);
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, FormatError> {
        let n_levels = from.len(8)?;
        let levels: Vec<String> = (0..n_levels).map(|_| from.str().map(str::to_owned)).collect::<Result<_, _>>()?;
        let encoder = CategoryEncoder::new(levels, from.bool()?, from.bool()?);
        if encoder.level_idxs.len() != n_levels {
            return Err(FormatError::Damaged { what: "a category has one level twice" });
        }
        Ok(encoder)
    }
}
