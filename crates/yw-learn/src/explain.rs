//! What made a model answer as it did.

use std::sync::Arc;

/// What each feature contributes to the scores of some rows, by Shapley values: for every row and class, the expected score
/// and the contributions add up to the row's score.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// What the features are, for people.
    pub features: Vec<String>,
    /// What the scores are of: the labels, `true`, or the empty string for a number.
    pub classes: Vec<Arc<str>>,
    /// The mean score of each class. *Unit*: log-odds for booleans, the logarithm of a probability up to a constant for
    /// labels, the answer's own for numbers.
    pub expected: Vec<f64>,
    /// Row by row, class by class, feature by feature: `n_rows × classes × features`.
    pub contributions: Vec<f64>,
}

impl Explanation {
    /// The contributions of the features to the score of one class. Panics if row or class do not exist.
    pub fn of(&self, row_idx: usize, class: usize) -> &[f64] {
        let n_features = self.features.len();
        &self.contributions[(row_idx * self.classes.len() + class) * n_features..][..n_features]
    }

    /// The score of one class. Panics if row or class do not exist.
    pub fn score(&self, row_idx: usize, class: usize) -> f64 {
        self.expected[class] + self.of(row_idx, class).iter().sum::<f64>()
    }
}
