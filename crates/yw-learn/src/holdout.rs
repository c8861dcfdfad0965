//! Training rows set aside, to learn from them what the fit itself cannot know: how strong a penalty, how sure a score.

use rustc_hash::FxHashMap;

use crate::random::Random;

/// Parts that the rows are split in; one is held out at a time.
const N_PARTS: usize = 5;

/// Up to this many rows, every part is held out in its turn: few rows say little, and cost little.
const MAX_ROWS_ALL_PARTS: usize = 2000;

/// Rows to fit on and rows to look at.
pub(crate) struct Split {
    pub(crate) fit: Vec<usize>,
    pub(crate) held_out: Vec<usize>,
}

/// Ways to hold out a fifth of the rows: one, or five that together hold out each row once.
///
/// Rows of a group stay together; without groups, each class is spread evenly. Too few rows or groups give no split.
pub(crate) fn splits(n_rows: usize, classes: Option<&[u32]>, groups: Option<&[u32]>, seed: u64) -> Vec<Split> {
    let parts = match groups {
        Some(groups) => parts_by_group(groups, seed),
        None => parts_by_class(n_rows, classes, seed),
    };
    let n_parts = if n_rows <= MAX_ROWS_ALL_PARTS { N_PARTS } else { 1 };
    let split = |part: usize| {
        let (held_out, fit) = (0..n_rows).partition(|&i| parts[i] == part);
        Split { fit, held_out }
    };
    (0..n_parts).map(split).filter(|s| !s.fit.is_empty() && !s.held_out.is_empty()).collect()
}

fn parts_by_class(n_rows: usize, classes: Option<&[u32]>, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n_rows).collect();
    Random::new(seed, 2).shuffle(&mut order);
    if let Some(classes) = classes {
        order.sort_by_key(|&i| classes[i]);
    }
    let mut parts = vec![0; n_rows];
    order.iter().enumerate().for_each(|(position, &i)| parts[i] = position % N_PARTS);
    parts
}

fn parts_by_group(groups: &[u32], seed: u64) -> Vec<usize> {
    let mut distinct = groups.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    Random::new(seed, 2).shuffle(&mut distinct);
    let part_of: FxHashMap<u32, usize> = distinct.into_iter().enumerate().map(|(i, g)| (g, i % N_PARTS)).collect();
    groups.iter().map(|group| part_of[group]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_held_out_once_and_classes_are_spread() {
        let classes: Vec<u32> = (0..100).map(|i| u32::from(i % 10 == 0)).collect();
        let splits = splits(100, Some(&classes), None, 7);
        let mut held_out: Vec<usize> = splits.iter().flat_map(|s| s.held_out.clone()).collect();
        held_out.sort_unstable();
        assert!(held_out.into_iter().eq(0..100));
        for split in &splits {
            assert_eq!(split.fit.len() + split.held_out.len(), 100);
            assert_eq!(split.held_out.iter().filter(|&&i| classes[i] == 1).count(), 2);
        }
    }

    #[test]
    fn groups_stay_together() {
        let groups: Vec<u32> = (0..60).map(|i| i / 3).collect();
        for split in splits(60, None, Some(&groups), 1) {
            assert!(split.fit.iter().all(|&i| split.held_out.iter().all(|&j| groups[i] != groups[j])));
        }
        assert!(splits(3, None, Some(&[4, 4, 4]), 1).is_empty());
    }

    #[test]
    fn many_rows_are_split_once() {
        assert_eq!(splits(3000, None, None, 1).len(), 1);
    }
}
