//! How well answers to held-out rows do.

use yw_learn::Split;
use yw_stats::{BootstrapParams, Difference, Estimate, Statistic, bootstrap, bootstrap_difference};
use yw_task::{Answer, AnswerKind, LabelledRows, Metric, Outcome, Truth};

use crate::evaluate::metric_statistic;

/// Confidence level of intervals.
const LEVEL: f64 = 0.95;
const REPLICATES: u32 = 1000;

/// What trials are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Yardstick {
    pub(super) metric: Metric,
}

impl Yardstick {
    /// The loss of answers, and what decides between equal losses; none where they are undefined.
    pub(super) fn losses(self, truth: &Truth, answers: &[Answer]) -> (Option<f64>, Option<f64>) {
        let tie = match truth.kind() {
            AnswerKind::Label | AnswerKind::Boolean => Metric::LogLoss,
            AnswerKind::Number => Metric::Rmse,
            AnswerKind::Text | AnswerKind::Json => self.metric,
        };
        let outcomes: Vec<Outcome> = answers.iter().cloned().map(Outcome::answered).collect();
        let of = |metric: Metric| {
            let value = metric_statistic(metric, truth, None, &outcomes)?.value(None);
            value.is_finite().then(|| Yardstick { metric }.turned(value))
        };
        (of(self.metric), of(tie))
    }

    /// Less is better; and back.
    pub(super) fn turned(self, value: f64) -> f64 {
        if self.metric.higher_is_better() { -value } else { value }
    }
}

/// Answers to all rows, each by a fit that had not seen the row, part by part.
pub(super) struct HeldOutAnswers<'a> {
    pub(super) train: &'a LabelledRows,
    pub(super) splits: &'a [Split],
    pub(super) yardstick: Yardstick,
    pub(super) seed: u64,
}

impl HeldOutAnswers<'_> {
    /// The metric with its interval. *Shape*: for each part one answer per row of it.
    pub(super) fn estimate(&self, parts: &[Vec<Answer>]) -> Estimate {
        match self.statistic(parts) {
            Some(statistic) => bootstrap(&statistic, &self.bootstrap_params()),
            None => Estimate { value: f64::NAN, low: f64::NAN, high: f64::NAN },
        }
    }

    /// By how much the metric of one is above that of another.
    pub(super) fn difference(&self, a: &[Vec<Answer>], b: &[Vec<Answer>]) -> Option<Difference> {
        Some(bootstrap_difference(&self.statistic(a)?, &self.statistic(b)?, &self.bootstrap_params()))
    }

    /// The mean loss over parts; infinity where it is defined for none.
    pub(super) fn loss(&self, parts: &[(usize, Vec<Answer>)]) -> f64 {
        let loss = |(part, answers): &(usize, Vec<Answer>)| {
            let truth = self.train.truth.take(&self.splits[*part].held_out);
            let outcomes: Vec<Outcome> = answers.iter().cloned().map(Outcome::answered).collect();
            let value = metric_statistic(self.yardstick.metric, &truth, None, &outcomes)?.value(None);
            value.is_finite().then(|| self.yardstick.turned(value))
        };
        let losses: Vec<f64> = parts.iter().filter_map(loss).collect();
        if losses.is_empty() { f64::INFINITY } else { losses.iter().sum::<f64>() / losses.len() as f64 }
    }

    fn bootstrap_params(&self) -> BootstrapParams<'_> {
        let groups = self.train.groups.as_deref();
        BootstrapParams { replicates: REPLICATES, level: LEVEL, seed: self.seed, groups }
    }

    fn statistic(&self, parts: &[Vec<Answer>]) -> Option<MeanOverParts<'_>> {
        let of_part = |(split, answers): (&'_ Split, &Vec<Answer>)| {
            let truth = self.train.truth.take(&split.held_out);
            let outcomes: Vec<Outcome> = answers.iter().cloned().map(Outcome::answered).collect();
            metric_statistic(self.yardstick.metric, &truth, None, &outcomes)
        };
        let statistics = self.splits.iter().zip(parts).map(of_part).collect::<Option<Vec<_>>>()?;
        Some(MeanOverParts { splits: self.splits, statistics, n_rows: self.train.n_rows() })
    }
}

/// The mean of a metric over parts of the rows, of those where it is defined: what trials are ranked by.
struct MeanOverParts<'a> {
    splits: &'a [Split],
    statistics: Vec<Box<dyn Statistic>>,
    n_rows: usize,
}

impl Statistic for MeanOverParts<'_> {
    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn value(&self, counts: Option<&[u32]>) -> f64 {
        let of_part = |(part, split): (usize, &Split)| {
            let counts: Option<Vec<u32>> = counts.map(|counts| split.held_out.iter().map(|&i| counts[i]).collect());
            self.statistics[part].value(counts.as_deref())
        };
        let defined = self.splits.iter().enumerate().map(of_part).filter(|value| !value.is_nan());
        let (sum, n) = defined.fold((0.0, 0), |(sum, n), value| (sum + value, n + 1));
        sum / f64::from(n)
    }
}
