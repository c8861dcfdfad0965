//! What made a predictor answer as it did.

use std::sync::Arc;

use crate::Value;

/// What each feature contributes to the scores of some rows, by Shapley values: for every row and class, the expected score
/// and the contributions add up to the row's score.
///
/// It takes memory for rows × classes × features: explain many rows of a model of many features in parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// What contributes.
    pub features: Vec<ExplainedFeature>,
    /// What the scores are of: the labels; the second of two labels that share a score; `true`; or the empty string for
    /// a number.
    pub classes: Vec<Arc<str>>,
    /// What the scores are.
    pub unit: ScoreUnit,
    /// Whether what a feature contributes depends on that feature alone, so that contributions over its values are all
    /// there is to know of it.
    pub is_additive: bool,
    /// The mean score of each class.
    pub expected: Vec<f64>,
    /// Row by row, class by class, feature by feature. *Shape*: `rows × classes × features`.
    pub contributions: Vec<f64>,
}

/// A feature of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedFeature {
    /// What it is, for people: `seats`, `plan = free`, `body: "refund"`.
    pub name: String,
    /// The field that it is made of, by its place among the fields; none if it is made of several.
    pub field: Option<usize>,
}

/// The unit of scores and contributions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreUnit {
    /// Of a boolean or of one of two labels: `ln(p / (1 − p))`.
    LogOdds,
    /// Of one of several labels: `ln p` up to a constant that all labels of a row share.
    LogProbability,
    /// Of a label or a boolean.
    Probability,
    /// The unit of the number that is answered.
    Answer,
    /// Of a number: its natural logarithm.
    LogAnswer,
}

impl ScoreUnit {
    /// The stable name, in JSON.
    pub fn name(self) -> &'static str {
        match self {
            ScoreUnit::LogOdds => "log_odds",
            ScoreUnit::LogProbability => "log_probability",
            ScoreUnit::Probability => "probability",
            ScoreUnit::Answer => "answer",
            ScoreUnit::LogAnswer => "log_answer",
        }
    }

    /// The unit in a sentence.
    pub fn words(self) -> &'static str {
        match self {
            ScoreUnit::LogOdds => "log-odds",
            ScoreUnit::LogProbability => "log-probability",
            ScoreUnit::Probability => "probability",
            ScoreUnit::Answer => "the answer's unit",
            ScoreUnit::LogAnswer => "logarithm of the answer",
        }
    }
}

/// Why one row has its answer: what speaks for it and against it.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// What a row scores on average.
    pub expected: f64,
    /// What this row scores: `expected`, all contributions and `rest` together.
    pub score: f64,
    /// Features, by their place in [`Explanation::features`], with what they contribute; largest magnitude first.
    pub contributions: Vec<(usize, f64)>,
    /// What the features that are not listed contribute together.
    pub rest: f64,
}

impl Explanation {
    /// How many rows are explained.
    pub fn n_rows(&self) -> usize {
        self.contributions.len() / (self.classes.len() * self.features.len()).max(1)
    }

    /// The contributions of the features to the score of one class. Panics if row or class do not exist.
    pub fn of(&self, row_idx: usize, class: usize) -> &[f64] {
        let n_features = self.features.len();
        &self.contributions[(row_idx * self.classes.len() + class) * n_features..][..n_features]
    }

    /// The score of one class. Panics if row or class do not exist.
    pub fn score(&self, row_idx: usize, class: usize) -> f64 {
        self.expected[class] + self.of(row_idx, class).iter().sum::<f64>()
    }

    /// Why a row has this answer, with the `top` features that contribute most either way. None if the model has no score
    /// of that answer. Panics if the row does not exist.
    ///
    /// Where two answers share a score, what speaks against the one speaks for the other.
    pub fn of_answer(&self, row_idx: usize, answer: &Value, top: usize) -> Option<Attribution> {
        let (class, sign) = self.class_of(answer)?;
        let own = self.of(row_idx, class);
        // From zero away: a negative zero would print as one.
        let signed = |value: f64| if value == 0.0 { 0.0 } else { sign * value };
        let mut order: Vec<usize> = (0..own.len()).filter(|&feature| own[feature] != 0.0).collect();
        order.sort_by(|&a, &b| own[b].abs().total_cmp(&own[a].abs()).then(a.cmp(&b)));
        let rest = order.iter().skip(top).map(|&feature| own[feature]).sum();
        order.truncate(top);
        Some(Attribution {
            expected: signed(self.expected[class]),
            score: signed(self.score(row_idx, class)),
            contributions: order.into_iter().map(|feature| (feature, signed(own[feature]))).collect(),
            rest: signed(rest),
        })
    }

    /// The class whose score speaks of an answer, and whether for it (1) or against it (−1).
    fn class_of(&self, answer: &Value) -> Option<(usize, f64)> {
        let name: &str = match answer {
            Value::Label(label) => label,
            Value::Boolean(true) => "true",
            Value::Boolean(false) => "false",
            Value::Number(_) => "",
            Value::Text(_) | Value::Json(_) => return None,
        };
        match self.classes.iter().position(|class| **class == *name) {
            Some(class) => Some((class, 1.0)),
            // One score for two answers. That of a probability is not the opposite of the other's.
            None if self.classes.len() == 1 && self.unit == ScoreUnit::LogOdds => Some((0, -1.0)),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_row(classes: &[&str], contributions: &[f64]) -> Explanation {
        let n_features = contributions.len() / classes.len();
        Explanation {
            features: (0..n_features).map(|i| ExplainedFeature { name: format!("f{i}"), field: Some(i) }).collect(),
            classes: classes.iter().map(|&c| c.into()).collect(),
            unit: ScoreUnit::LogOdds,
            is_additive: false,
            expected: vec![0.5; classes.len()],
            contributions: contributions.to_vec(),
        }
    }

    #[test]
    fn what_is_not_listed_is_added_up() {
        let explanation = one_row(&["true"], &[0.25, -2.0, 0.0, 1.0, 0.125]);
        let found = explanation.of_answer(0, &Value::Boolean(true), 2);
        let contributions = vec![(1, -2.0), (3, 1.0)];
        assert_eq!(found, Some(Attribution { expected: 0.5, score: -0.125, contributions, rest: 0.375 }));
    }

    #[test]
    fn the_other_answer_of_two_has_the_opposite_score() {
        let explanation = one_row(&["yes"], &[1.0, -0.25]);
        let found = explanation.of_answer(0, &Value::Label("no".into()), 9);
        let contributions = vec![(0, -1.0), (1, 0.25)];
        assert_eq!(found, Some(Attribution { expected: -0.5, score: -1.25, contributions, rest: 0.0 }));
        let probability = Explanation { unit: ScoreUnit::Probability, ..explanation };
        assert_eq!(probability.of_answer(0, &Value::Label("no".into()), 9), None);
    }

    #[test]
    fn labels_have_their_own_scores() {
        let explanation = one_row(&["a", "b"], &[1.0, 0.0, 3.0, 4.0]);
        assert_eq!(explanation.n_rows(), 1);
        assert_eq!(explanation.of_answer(0, &Value::Label("b".into()), 9).map(|a| a.score), Some(7.5));
        assert_eq!(explanation.of_answer(0, &Value::Label("c".into()), 9), None);
        assert_eq!(explanation.of_answer(0, &Value::Text("b".into()), 9), None);
    }
}
