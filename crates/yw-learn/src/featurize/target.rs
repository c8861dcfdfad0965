//! The mean answer of each level: what a category of many levels says in one number.

use rustc_hash::FxHashMap;

use crate::FormatError;
use crate::bytes::{Reader, Writer};
use crate::folds::{Folds, Split};
use crate::probability::log_odds;

/// Levels of fewer rows are not encoded: no other row could tell what one row's answer means for its level.
const MIN_ROWS: usize = 2;

/// How many rows the mean of all counts as at least, so that no level is ever certain.
const MIN_PRIOR_ROWS: f64 = 0.5;

/// What answers are averaged: one column per number that stands for them.
pub(crate) struct Responses {
    /// What each column is, for people.
    pub(crate) names: Vec<String>,
    /// Column by column, a value per row.
    pub(crate) columns: Vec<Vec<f64>>,
    /// Whether the values are 0 and 1, so that means are shares, which are compared as log-odds.
    pub(crate) are_shares: bool,
}

/// Learned from one column of categories and the answers: for each level and response the mean answer, drawn towards the
/// mean of all rows the more the fewer rows the level has, less that mean. A level that is not encoded has zeros.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TargetEncoder {
    names: Vec<String>,
    /// Ascending.
    levels: Vec<String>,
    level_idxs: FxHashMap<String, usize>,
    /// `levels` × `names`.
    values: Vec<f32>,
}

impl TargetEncoder {
    /// Learns from all rows; and, for each training row, the same from the rows outside its fold: `n_rows` × responses.
    ///
    /// A model that learned from encodings which a row's own answer went into would trust them far too much. Levels that
    /// `has_own` feature are not encoded. None if at most `min_levels` levels have rows enough, or if those that are encoded
    /// do not differ by more than chance.
    pub(super) fn fit<'a>(
        values: impl Iterator<Item = Option<&'a str>>,
        has_own: impl Fn(&str) -> bool,
        responses: &Responses,
        folds: &Folds,
        min_levels: usize,
    ) -> Option<(Self, Vec<f32>)> {
        let column = LevelColumn::of(values);
        if column.levels.len() <= min_levels {
            return None;
        }
        let (n_rows, n_levels, width) = (column.level_of_row.len(), column.levels.len(), responses.columns.len());
        let is_encoded: Vec<bool> = column.levels.iter().map(|level| !has_own(level)).collect();
        let all_rows: Vec<usize> = (0..n_rows).collect();
        let splits: Vec<Split> = folds.splits().collect();
        let mut of_levels = vec![0.0f32; n_levels * width];
        let mut of_rows = vec![0.0f32; n_rows * width];
        for (response_idx, response) in responses.columns.iter().enumerate() {
            let encodings = |rows: &[usize]| column.encodings(rows, response, responses.are_shares);
            for (level_idx, value) in encodings(&all_rows).into_iter().enumerate() {
                of_levels[level_idx * width + response_idx] = value as f32;
            }
            for split in &splits {
                let encodings = encodings(&split.fit);
                for &row_idx in &split.held_out {
                    if let Some(level_idx) = column.level_of_row[row_idx].filter(|&level_idx| is_encoded[level_idx]) {
                        of_rows[row_idx * width + response_idx] = encodings[level_idx] as f32;
                    }
                }
            }
        }
        let encoded = || (0..n_levels).filter(|&level_idx| is_encoded[level_idx]);
        let values: Vec<f32> = encoded().flat_map(|i| of_levels[i * width..][..width].to_vec()).collect();
        let levels = encoded().map(|i| column.levels[i].to_owned()).collect();
        let says_something = values.iter().any(|value| *value != 0.0);
        says_something.then(|| (TargetEncoder::new(responses.names.clone(), levels, values), of_rows))
    }

    fn new(names: Vec<String>, levels: Vec<String>, values: Vec<f32>) -> Self {
        let level_idxs = levels.iter().cloned().enumerate().map(|(i, level)| (level, i)).collect();
        TargetEncoder { names, levels, level_idxs, values }
    }

    pub(super) fn n_features(&self) -> usize {
        self.names.len()
    }

    pub(super) fn encode(&self, value: Option<&str>, features: &mut [f32]) {
        if let Some(&level_idx) = value.and_then(|level| self.level_idxs.get(level)) {
            features.copy_from_slice(&self.values[level_idx * self.names.len()..][..self.names.len()]);
        }
    }

    pub(super) fn names(&self, field: &str) -> Vec<String> {
        self.names.iter().map(|name| format!("{field} ({name})")).collect()
    }

    pub(super) fn write(&self, out: &mut Writer) {
        for texts in [&self.names, &self.levels] {
            out.len(texts.len());
            texts.iter().for_each(|text| out.str(text));
        }
        out.f32s(&self.values);
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, FormatError> {
        let mut texts = || -> Result<Vec<String>, FormatError> {
            let n_texts = from.len(8)?;
            (0..n_texts).map(|_| from.str().map(str::to_owned)).collect()
        };
        let (names, levels) = (texts()?, texts()?);
        let values = from.f32s()?;
        if !levels.is_sorted_by(|a, b| a < b) || Some(values.len()) != levels.len().checked_mul(names.len()) {
            return Err(FormatError::Damaged { what: "a category has not one mean answer per level" });
        }
        Ok(TargetEncoder::new(names, levels, values))
    }
}

/// A column with its encoded levels numbered.
struct LevelColumn<'a> {
    /// Those of rows enough, ascending.
    levels: Vec<&'a str>,
    level_of_row: Vec<Option<usize>>,
}

impl<'a> LevelColumn<'a> {
    fn of(values: impl Iterator<Item = Option<&'a str>>) -> Self {
        let values: Vec<Option<&str>> = values.collect();
        let mut n_rows: FxHashMap<&str, usize> = FxHashMap::default();
        values.iter().flatten().for_each(|level| *n_rows.entry(level).or_default() += 1);
        let mut levels: Vec<&str> =
            n_rows.into_iter().filter(|(_, n)| *n >= MIN_ROWS).map(|(level, _)| level).collect();
        levels.sort_unstable();
        let level_idxs: FxHashMap<&str, usize> = levels.iter().enumerate().map(|(i, level)| (*level, i)).collect();
        let level_of_row = values.iter().map(|value| value.and_then(|level| level_idxs.get(level).copied())).collect();
        LevelColumn { levels, level_of_row }
    }

    /// What each level's answers are, as far as `rows` tell.
    ///
    /// The mean of a level of `n` rows counts `n`, that of all rows `m`, the ratio of the variance of answers within levels to
    /// that of the levels' true means (D. Micci-Barreca, *A preprocessing scheme for high-cardinality categorical
    /// attributes*, 2001), both estimated by the analysis of variance (S. Searle, *Linear models*, 1971, ch. 9).
    fn encodings(&self, rows: &[usize], response: &[f64], are_shares: bool) -> Vec<f64> {
        let n_levels = self.levels.len();
        let (mut n_rows, mut sums) = (vec![0.0; n_levels], vec![0.0; n_levels]);
        let (mut all_sum, mut squares) = (0.0, 0.0);
        for &row_idx in rows {
            all_sum += response[row_idx];
            if let Some(level_idx) = self.level_of_row[row_idx] {
                n_rows[level_idx] += 1.0;
                sums[level_idx] += response[row_idx];
                squares += response[row_idx] * response[row_idx];
            }
        }
        let prior = all_sum / rows.len() as f64;
        let Some(prior_rows) = prior_rows(&n_rows, &sums, squares) else { return vec![0.0; n_levels] };
        let encoding = |(n, sum): (&f64, &f64)| {
            let mean = (sum + prior_rows * prior) / (n + prior_rows);
            if are_shares { log_odds(mean) - log_odds(prior) } else { mean - prior }
        };
        n_rows.iter().zip(&sums).map(encoding).collect()
    }
}

/// How many rows the mean of all counts as; none if levels differ by no more than chance. *Shapes*: rows and sums of
/// answers per level; `squares` is the sum of squared answers.
fn prior_rows(n_rows: &[f64], sums: &[f64], squares: f64) -> Option<f64> {
    let (n, sum) = (n_rows.iter().sum::<f64>(), sums.iter().sum::<f64>());
    let n_levels = n_rows.iter().filter(|n| **n > 0.0).count() as f64;
    if n_levels < 2.0 || n <= n_levels {
        return None;
    }
    let of_levels: f64 = n_rows.iter().zip(sums).filter(|(n, _)| **n > 0.0).map(|(n, s)| s * s / n).sum();
    let within = (squares - of_levels).max(0.0) / (n - n_levels);
    let evenness = n - n_rows.iter().map(|n| n * n).sum::<f64>() / n;
    let between = (of_levels - sum * sum / n - (n_levels - 1.0) * within) / evenness;
    (between > 1e-12).then(|| (within / between).max(MIN_PRIOR_ROWS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expect: f64) {
        assert!((found - expect).abs() < 1e-9, "{found} is not {expect}");
    }

    /// Levels a (0, 0, 1) and b (1, 1, 1, 0, 1): within (2/3 + 4/5) / 6, means 1/3 and 4/5, n₀ = 8 − 34/8.
    #[test]
    fn the_weight_of_the_prior_by_hand() {
        let within = (2.0 / 3.0 + 4.0 / 5.0) / 6.0;
        let between_squares = 1.0 / 3.0 + 16.0 / 5.0 - 25.0 / 8.0;
        let between = (between_squares - within) / 3.75;
        close(prior_rows(&[3.0, 5.0], &[1.0, 4.0], 5.0).expect("the levels differ"), within / between);
        assert_eq!(prior_rows(&[2.0, 2.0], &[1.0, 1.0], 2.0), None);
        assert_eq!(prior_rows(&[1.0, 1.0], &[1.0, 0.0], 1.0), None);
        assert_eq!(prior_rows(&[2.0, 2.0], &[2.0, 0.0], 2.0), Some(MIN_PRIOR_ROWS));
    }

    #[test]
    fn levels_are_encoded_relative_to_the_mean_of_all() {
        let values = ["a", "a", "b", "b", "alone"].map(Some).into_iter().chain([None]);
        let column = LevelColumn::of(values);
        assert_eq!(column.levels, ["a", "b"]);
        let response = [3.0, 3.0, -3.0, -3.0, 6.0, 0.0];
        // Nothing varies within levels, so that the mean of all, 1, counts half a row.
        let found = column.encodings(&[0, 1, 2, 3, 4, 5], &response, false);
        close(found[0], 6.5 / 2.5 - 1.0);
        close(found[1], -5.5 / 2.5 - 1.0);
        let shares = column.encodings(&[0, 1, 2, 3], &[1.0, 1.0, 0.0, 0.0, 0.0, 0.0], true);
        close(shares[0], log_odds(2.25 / 2.5));
        close(shares[1], -shares[0]);
    }

    #[test]
    fn a_row_is_encoded_without_its_own_answer() {
        let n_rows = 400;
        let level = |i: usize| ["a", "b", "c", "d"][i % 4];
        let folds = Folds::new(n_rows, 5, 1);
        let encode = |changed: Option<usize>| {
            let mut response: Vec<f64> = (0..n_rows).map(|i| (i % 4) as f64 + (i % 7) as f64 / 7.0).collect();
            if let Some(i) = changed {
                response[i] = 10.0;
            }
            let responses = Responses { names: vec!["mean answer".into()], columns: vec![response], are_shares: false };
            let levels = (0..n_rows).map(|i| Some(level(i)));
            TargetEncoder::fit(levels, |_| false, &responses, &folds, 3).expect("levels differ").1
        };
        let before = encode(None);
        for changed in [0, 17, 399] {
            let after = encode(Some(changed));
            assert_eq!(after[changed], before[changed]);
            assert!(after != before, "the answer matters to other rows");
        }
    }
}
