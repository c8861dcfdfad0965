//! The bins of a category: the frequent levels have one each.

use crate::MISSING_LEVEL;

/// Which level has which bin.
#[derive(Debug, Clone)]
pub(crate) struct Levels {
    /// By level; [`NO_BIN`] for rare ones.
    bin_of_level: Vec<u32>,
    /// By bin, the most frequent first.
    level_of_bin: Vec<u32>,
}

const NO_BIN: u32 = u32::MAX;

impl Levels {
    /// Gives the `max_bins` most frequent levels a bin each. Also says whether other levels and missing ones occur.
    pub(super) fn learn(levels: &[u32], max_bins: usize) -> (Self, bool, bool) {
        let n_levels = levels.iter().filter(|&&l| l != MISSING_LEVEL).max().map_or(0, |&l| l as usize + 1);
        let mut counts = vec![0u32; n_levels];
        let mut has_missing = false;
        for &level in levels {
            match counts.get_mut(level as usize) {
                Some(count) => *count += 1,
                None => has_missing = true,
            }
        }
        let mut by_count: Vec<u32> = (0..n_levels as u32).filter(|&l| counts[l as usize] > 0).collect();
        by_count.sort_by_key(|&level| std::cmp::Reverse(counts[level as usize]));
        let has_other = by_count.len() > max_bins;
        by_count.truncate(max_bins);
        let mut bin_of_level = vec![NO_BIN; n_levels];
        for (bin, &level) in by_count.iter().enumerate() {
            bin_of_level[level as usize] = bin as u32;
        }
        (Levels { bin_of_level, level_of_bin: by_count }, has_other, has_missing)
    }

    pub(super) fn n_bins(&self) -> usize {
        self.level_of_bin.len()
    }

    pub(super) fn level(&self, bin: u32) -> u32 {
        self.level_of_bin[bin as usize]
    }

    /// None for a rare or unseen level.
    pub(super) fn bin(&self, level: u32) -> Option<u32> {
        self.bin_of_level.get(level as usize).copied().filter(|&bin| bin != NO_BIN)
    }
}
