//! The metrics a task can be decided by. What they compute is in `yw-stats`; here are their names and directions.

use std::fmt;

use crate::AnswerKind;

/// A named measure of how good answers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// Share of right answers.
    Accuracy,
    /// Mean over classes of the F1 score.
    MacroF1,
    /// Mean over classes of the F1 score, weighted by how often each class is true.
    WeightedF1,
    /// F1 score of `true`.
    F1,
    /// Share of `true` answers that are right.
    Precision,
    /// Share of `true` rows that are found.
    Recall,
    /// Area under the ROC curve; the mean over classes, one against the rest, when there are several.
    RocAuc,
    /// Area under the precision-recall curve as a step function.
    AveragePrecision,
    /// Mean negative log-likelihood of the truth, natural logarithm.
    LogLoss,
    /// Mean squared error of the probability of `true`.
    Brier,
    /// Mean cost of an answer, by what the task says that answers cost; there where it says so.
    Cost,
    /// Root mean squared error.
    Rmse,
    /// Mean absolute error.
    Mae,
    /// Share of variance explained.
    R2,
    /// Mean absolute error relative to the truth.
    Mape,
    /// Median absolute error.
    MedianAe,
    /// Share of answers equal to the truth after normalising case, articles, punctuation and white space (SQuAD's rule).
    ExactMatch,
    /// Mean F1 over the tokens that answer and truth share (SQuAD's rule).
    TokenF1,
    /// Mean F1 of the longest common subsequence of tokens.
    RougeL,
    /// Share of JSON answers equal to the truth.
    Exact,
    /// Mean share of the truth's fields that the JSON answer has right.
    FieldAccuracy,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Metric; 21] = [
        Metric::Accuracy,
        Metric::MacroF1,
        Metric::WeightedF1,
        Metric::F1,
        Metric::Precision,
        Metric::Recall,
        Metric::RocAuc,
        Metric::AveragePrecision,
        Metric::LogLoss,
        Metric::Brier,
        Metric::Cost,
        Metric::Rmse,
        Metric::Mae,
        Metric::R2,
        Metric::Mape,
        Metric::MedianAe,
        Metric::ExactMatch,
        Metric::TokenF1,
        Metric::RougeL,
        Metric::Exact,
        Metric::FieldAccuracy,
    ];

    /// The word the project file and the reports use.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Accuracy => "accuracy",
            Metric::MacroF1 => "macro_f1",
            Metric::WeightedF1 => "weighted_f1",
            Metric::F1 => "f1",
            Metric::Precision => "precision",
            Metric::Recall => "recall",
            Metric::RocAuc => "roc_auc",
            Metric::AveragePrecision => "average_precision",
            Metric::LogLoss => "log_loss",
            Metric::Brier => "brier",
            Metric::Cost => "cost",
            Metric::Rmse => "rmse",
            Metric::Mae => "mae",
            Metric::R2 => "r2",
            Metric::Mape => "mape",
            Metric::MedianAe => "median_ae",
            Metric::ExactMatch => "exact_match",
            Metric::TokenF1 => "token_f1",
            Metric::RougeL => "rouge_l",
            Metric::Exact => "exact",
            Metric::FieldAccuracy => "field_accuracy",
        }
    }

    /// The metric a word names, if any.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.name() == name)
    }

    /// The metrics that apply to answers of a kind; the first is the default.
    pub fn of_kind(kind: AnswerKind) -> &'static [Metric] {
        match kind {
            AnswerKind::Label => {
                &[Metric::MacroF1, Metric::Accuracy, Metric::WeightedF1, Metric::LogLoss, Metric::RocAuc, Metric::Cost]
            }
            AnswerKind::Boolean => &[
                Metric::RocAuc,
                Metric::Accuracy,
                Metric::F1,
                Metric::Precision,
                Metric::Recall,
                Metric::AveragePrecision,
                Metric::LogLoss,
                Metric::Brier,
                Metric::Cost,
            ],
            AnswerKind::Number => &[Metric::Rmse, Metric::Mae, Metric::R2, Metric::Mape, Metric::MedianAe],
            AnswerKind::Text => &[Metric::TokenF1, Metric::ExactMatch, Metric::RougeL],
            AnswerKind::Json => &[Metric::FieldAccuracy, Metric::Exact],
        }
    }

    /// Whether a larger value is a better one.
    pub fn higher_is_better(self) -> bool {
        !matches!(
            self,
            Metric::LogLoss
                | Metric::Brier
                | Metric::Cost
                | Metric::Rmse
                | Metric::Mae
                | Metric::Mape
                | Metric::MedianAe
        )
    }

    /// Whether the metric is the share of rows that are right, so that exact binomial methods apply.
    pub fn is_rate(self) -> bool {
        matches!(self, Metric::Accuracy | Metric::ExactMatch | Metric::Exact)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_every_metric_applies_somewhere() {
        for metric in Metric::ALL {
            assert_eq!(Metric::from_name(metric.name()), Some(metric));
            assert!(AnswerKind::ALL.into_iter().any(|kind| Metric::of_kind(kind).contains(&metric)));
        }
    }
}
