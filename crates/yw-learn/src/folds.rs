//! Rows set aside, to learn from them what a fit itself cannot know: how strong a penalty, how sure a score.

use rustc_hash::FxHashMap;
use yw_task::{LabelledRows, Truth};

use crate::random::Random;

/// Parts that training rows are split in by fits that hold one out.
const N_PARTS: usize = 5;

/// Up to this many rows, every part is held out in its turn: few rows say little, and cost little.
const MAX_ROWS_ALL_PARTS: usize = 2000;

/// What is measured on held-out rows takes the place of something plainer if it is better by more than this many standard
/// errors of their difference: beyond noise, nineteen times in twenty.
pub(crate) const BEYOND_NOISE: f64 = 2.0;

/// Rows dealt into parts of nearly the same size, each of which can be held out while a model learns from the others.
///
/// ```
/// use yw_learn::Folds;
///
/// // A model that answers with the mean of what it was fitted on.
/// let truths = [1.0, 2.0, 3.0, 6.0];
/// let answers = Folds::new(4, 2, 7).out_of_fold(|fit, held_out| {
///     let mean = fit.iter().map(|&i| truths[i]).sum::<f64>() / fit.len() as f64;
///     Ok::<_, std::convert::Infallible>(vec![mean; held_out.len()])
/// })?;
/// assert_eq!(answers.iter().sum::<f64>(), 12.0);
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folds {
    fold_of_row: Vec<usize>,
    n_folds: usize,
}

/// Rows to fit on and rows to look at, each ascending; neither is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The rows to fit on.
    pub fit: Vec<usize>,
    /// The others.
    pub held_out: Vec<usize>,
}

impl Folds {
    /// Deals `n_rows` rows into `n_folds` folds.
    pub fn new(n_rows: usize, n_folds: usize, seed: u64) -> Self {
        Folds::dealt(shuffled(n_rows, seed), n_folds)
    }

    /// Deals rows so that each class is spread evenly over the folds. *Shape*: one class per row.
    pub fn stratified(classes: &[u32], n_folds: usize, seed: u64) -> Self {
        let mut order = shuffled(classes.len(), seed);
        order.sort_by_key(|&i| classes[i]);
        Folds::dealt(order, n_folds)
    }

    /// Deals whole groups. *Shape*: one group per row.
    pub fn grouped(groups: &[u32], n_folds: usize, seed: u64) -> Self {
        let mut distinct = groups.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        Random::new(seed, 2).shuffle(&mut distinct);
        let n_folds = n_folds.max(1);
        let fold_of_group: FxHashMap<u32, usize> =
            distinct.into_iter().enumerate().map(|(i, g)| (g, i % n_folds)).collect();
        Folds { fold_of_row: groups.iter().map(|group| fold_of_group[group]).collect(), n_folds }
    }

    /// Deals labelled rows: rows of a group stay together; without groups, each class is spread evenly.
    pub fn of(rows: &LabelledRows, n_folds: usize, seed: u64) -> Self {
        Folds::of_parts(rows.n_rows(), class_ids(&rows.truth).as_deref(), rows.groups.as_deref(), n_folds, seed)
    }

    pub(crate) fn of_parts(
        n_rows: usize,
        classes: Option<&[u32]>,
        groups: Option<&[u32]>,
        n_folds: usize,
        seed: u64,
    ) -> Self {
        match (groups, classes) {
            (Some(groups), _) => Folds::grouped(groups, n_folds, seed),
            (None, Some(classes)) => Folds::stratified(classes, n_folds, seed),
            (None, None) => Folds::new(n_rows, n_folds, seed),
        }
    }

    /// Deals rows in an order, one to each fold in turn.
    fn dealt(order: Vec<usize>, n_folds: usize) -> Self {
        let n_folds = n_folds.max(1);
        let mut fold_of_row = vec![0; order.len()];
        order.iter().enumerate().for_each(|(position, &i)| fold_of_row[i] = position % n_folds);
        Folds { fold_of_row, n_folds }
    }

    /// One split per fold that has rows while others have rows too.
    pub fn splits(&self) -> impl Iterator<Item = Split> + '_ {
        let split = |fold: usize| {
            let (held_out, fit) = (0..self.fold_of_row.len()).partition(|&i| self.fold_of_row[i] == fold);
            Split { fit, held_out }
        };
        (0..self.n_folds).map(split).filter(|s| !s.fit.is_empty() && !s.held_out.is_empty())
    }

    /// What a model says of each row when it has not learned from it.
    ///
    /// `predict` is called once per [split](Self::splits), with the rows to fit on and the rows to predict, and returns the
    /// same number of values for each of the latter, row after row. *Shape* of the result: all rows in order, with that
    /// number of values; NaN for rows that are in no split, because their fold has all rows.
    ///
    /// *Errors*: the first of `predict`. Panics as [`gather`](Self::gather) does.
    pub fn out_of_fold<E>(
        &self,
        mut predict: impl FnMut(&[usize], &[usize]) -> Result<Vec<f64>, E>,
    ) -> Result<Vec<f64>, E> {
        let part = |split: Split| Ok((predict(&split.fit, &split.held_out)?, split.held_out));
        let parts = self.splits().map(part).collect::<Result<Vec<_>, E>>()?;
        Ok(self.gather(&parts))
    }

    /// Puts the values of held-out rows in the order of all rows; NaN for rows without any.
    ///
    /// For fits that [`out_of_fold`](Self::out_of_fold) cannot call, because they are asynchronous. Panics if some rows
    /// have more values than others, or do not exist.
    pub fn gather(&self, parts: &[(Vec<f64>, Vec<usize>)]) -> Vec<f64> {
        let width = parts.iter().find(|(_, rows)| !rows.is_empty()).map_or(1, |(v, rows)| v.len() / rows.len());
        let mut gathered = vec![f64::NAN; self.fold_of_row.len() * width];
        for (values, rows) in parts {
            assert_eq!(values.len(), rows.len() * width, "every row has {width} values");
            for (i, &row_idx) in rows.iter().enumerate() {
                gathered[row_idx * width..][..width].copy_from_slice(&values[i * width..][..width]);
            }
        }
        gathered
    }
}

/// The class of each row: its label's id, or 0 for false and 1 for true; none for answers that are no classes.
pub fn class_ids(truth: &Truth) -> Option<Vec<u32>> {
    match truth {
        Truth::Label { ids, .. } => Some(ids.clone()),
        Truth::Boolean(truths) => Some(truths.iter().map(|&t| u32::from(t)).collect()),
        Truth::Number(_) | Truth::Text(_) | Truth::Json(_) => None,
    }
}

/// Ways to hold out a fifth of the rows: one, or five that together hold out each row once.
///
/// Rows of a group stay together; without groups, each class is spread evenly. Too few rows or groups give no split.
pub(crate) fn splits(n_rows: usize, classes: Option<&[u32]>, groups: Option<&[u32]>, seed: u64) -> Vec<Split> {
    let n_splits = if n_rows <= MAX_ROWS_ALL_PARTS { N_PARTS } else { 1 };
    Folds::of_parts(n_rows, classes, groups, N_PARTS, seed).splits().take(n_splits).collect()
}

fn shuffled(n_rows: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n_rows).collect();
    Random::new(seed, 2).shuffle(&mut order);
    order
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

    #[test]
    fn out_of_fold_values_come_in_row_order() {
        let found = Folds::new(23, 4, 3).out_of_fold(|fit, held_out| {
            assert!(held_out.iter().all(|row| !fit.contains(row)));
            Ok::<_, ()>(held_out.iter().flat_map(|&i| [i as f64, fit.len() as f64]).collect())
        });
        let found = found.expect("no fit fails");
        assert!(found.iter().step_by(2).copied().eq((0..23).map(f64::from)));
        assert!(found.iter().skip(1).step_by(2).all(|&n| n == 17.0 || n == 18.0));
    }

    #[test]
    fn a_fit_that_fails_ends_it_and_rows_without_a_split_are_nan() {
        assert_eq!(Folds::new(5, 5, 0).out_of_fold(|_, _| Err::<Vec<f64>, _>("no")), Err("no"));
        let alone = Folds::grouped(&[1, 1], 5, 0).out_of_fold(|_, _| Err::<Vec<f64>, _>("never called"));
        assert!(alone.is_ok_and(|values| values.len() == 2 && values.iter().all(|v| v.is_nan())));
        assert_eq!(Folds::new(0, 3, 0).splits().count(), 0);
    }
}
