//! How fields become features.

use crate::FitError;

/// How fields become features. The defaults suit most tables and texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeaturizerParams {
    /// For `number` fields.
    pub number: NumberParams,
    /// For `category` fields.
    pub category: CategoryParams,
    /// For `text` fields.
    pub text: TextParams,
}

/// How numbers become features.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NumberParams {
    /// What stands in for a missing number. Whether it was missing is a feature of its own.
    pub impute: Impute,
}

/// What stands in for a missing number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Impute {
    /// The median of the training rows.
    #[default]
    Median,
    /// The mean of the training rows.
    Mean,
}

/// How categories become features.
#[derive(Debug, Clone, PartialEq)]
pub struct CategoryParams {
    /// Levels of fewer training rows share one feature with each other and with levels that no training row has.
    pub min_rows: usize,
    /// Of the other levels at most this many, the most frequent, get a feature of their own.
    pub max_levels: usize,
    /// In linear models, a category of more levels than this (of at least two training rows each) has features of their own
    /// for levels of fifty rows or more alone. The others share one feature more: the mean answer of their level (for up to
    /// ten labels the share of each), drawn towards that of all rows. `usize::MAX` for never.
    pub target_encode_above: usize,
}

impl Default for CategoryParams {
    fn default() -> Self {
        CategoryParams { min_rows: 5, max_levels: 1000, target_encode_above: 50 }
    }
}

/// How texts become features: TF-IDF over n-grams of words and of characters within words, each with its own vocabulary
/// and each scaled to length one.
#[derive(Debug, Clone, PartialEq)]
pub struct TextParams {
    /// The shortest and the longest n-grams of words. None: no words.
    pub words: Option<(u8, u8)>,
    /// The shortest and the longest n-grams of characters within a word and the spaces around it. None: no characters.
    pub characters: Option<(u8, u8)>,
    /// Whether case is ignored.
    pub lowercase: bool,
    /// Whether a count `n` within a text weighs `1 + ln n` instead of `n`.
    pub sublinear: bool,
    /// N-grams of fewer training rows are dropped. None: 2 from 2,000 training rows on, where those of a single row are
    /// half of all and teach nothing, else 1.
    pub min_rows: Option<usize>,
    /// Of the others, at most this many per field and kind of n-gram are kept, those of most rows.
    pub max_features: usize,
}

impl Default for TextParams {
    fn default() -> Self {
        TextParams {
            words: Some((1, 2)),
            characters: Some((2, 5)),
            lowercase: true,
            sublinear: true,
            min_rows: None,
            max_features: 200_000,
        }
    }
}

impl TextParams {
    /// The least rows that an n-gram must be in.
    pub(super) fn min_rows_of(&self, n_rows: usize) -> usize {
        const MANY_ROWS: usize = 2000;
        self.min_rows.unwrap_or(if n_rows < MANY_ROWS { 1 } else { 2 })
    }
}

impl FeaturizerParams {
    /// Whether every parameter is in its range.
    pub(crate) fn check(&self) -> Result<(), FitError> {
        for (name, range) in [("words", self.text.words), ("characters", self.text.characters)] {
            if range.is_some_and(|(shortest, longest)| shortest == 0 || longest < shortest) {
                return Err(FitError::Parameter { name, expected: "two lengths, the shorter first, from 1 on" });
            }
        }
        Ok(())
    }
}
