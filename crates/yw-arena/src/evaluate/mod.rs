//! Evaluation: from outcomes and truth to scores, intervals and what the score does not say.

mod cost;
mod details;
mod latency;
mod score;

use std::ops::Range;

use yw_config::CostsSpec;
use yw_stats::{BootstrapParams, Estimate, Statistic, bootstrap, wilson};
use yw_task::{LabelledRows, Metric, Outcome, RowErrorKind, Truth};

pub(crate) use cost::cost_matrix;
pub(crate) use details::details;
pub(crate) use latency::latency;
pub(crate) use score::metric_statistic;

use score::right_rows;

/// Confidence level of every interval.
const LEVEL: f64 = 0.95;

/// Bootstrap draws for the deciding metric, and for the others.
const DECIDING_REPLICATES: u32 = 2000;
const OTHER_REPLICATES: u32 = 1000;

/// Cells (rows × labels) up to which the ROC AUC of labels is computed when it does not decide: each draw passes over all
/// of them.
const ROC_AUC_CELLS: usize = 2_000_000;

/// The test rows with the parts of them that were answered by one fit each.
pub(crate) struct TestSet {
    pub(crate) rows: LabelledRows,
    /// Contiguous parts, in order; one unless there are folds.
    folds: Vec<Range<usize>>,
    pub(crate) metric: Metric,
    /// What answers cost, where the task says so.
    costs: Option<CostsSpec>,
    pub(crate) seed: u64,
}

/// A candidate's scores.
pub(crate) struct Scored {
    /// The deciding metric.
    pub(crate) statistic: Box<dyn Statistic>,
    pub(crate) score: Estimate,
    /// Every metric of the answer's kind that is defined for the task, in its order.
    pub(crate) metrics: Vec<(Metric, Estimate)>,
    /// For deciding metrics that are rates: which rows are right.
    pub(crate) right: Option<Vec<bool>>,
}

impl TestSet {
    /// `rows` are those of one fold after the other.
    pub(crate) fn new(
        rows: LabelledRows,
        fold_sizes: impl IntoIterator<Item = usize>,
        metric: Metric,
        seed: u64,
    ) -> Self {
        let mut end = 0;
        let fold = |n_rows: usize| {
            end += n_rows;
            end - n_rows..end
        };
        TestSet { folds: fold_sizes.into_iter().map(fold).collect(), rows, metric, costs: None, seed }
    }

    /// The same rows, scored by cost too.
    pub(crate) fn with_costs(self, costs: Option<CostsSpec>) -> Self {
        TestSet { costs, ..self }
    }

    /// How bootstrap draws are made for the deciding metric, groups of rows together.
    pub(crate) fn bootstrap_params(&self) -> BootstrapParams<'_> {
        BootstrapParams {
            replicates: DECIDING_REPLICATES,
            level: LEVEL,
            seed: self.seed,
            groups: self.rows.groups.as_deref(),
        }
    }

    /// Scores the outcomes of all test rows.
    pub(crate) fn score(&self, outcomes: &[Outcome]) -> Scored {
        let statistic = self.statistic(self.metric, outcomes).expect("the metric fits the task");
        let score = self.estimate(self.metric, &*statistic, outcomes, DECIDING_REPLICATES);
        let estimate = |metric: Metric| {
            if metric == self.metric {
                return Some((metric, score));
            }
            let statistic = self.is_affordable(metric).then(|| self.statistic(metric, outcomes))??;
            Some((metric, self.estimate(metric, &*statistic, outcomes, OTHER_REPLICATES)))
        };
        let of_kind = Metric::of_kind(self.rows.truth.kind());
        let metrics = of_kind.iter().filter_map(|&metric| estimate(metric)).collect();
        let right = self.metric.is_rate().then(|| right_rows(&self.rows.truth, outcomes));
        Scored { statistic, score, metrics, right }
    }

    /// The deciding metric on the rows at `row_idxs`, which ascend; of the outcomes of all rows.
    fn score_part(&self, row_idxs: &[usize], outcomes: &[Outcome], replicates: u32) -> Option<Estimate> {
        let place = |row_idx| row_idxs.partition_point(|&i| i < row_idx);
        let folds = self.folds.iter().map(|fold| place(fold.start)..place(fold.end));
        let (rows, costs) = (self.rows.take(row_idxs), self.costs.clone());
        let part = TestSet { rows, folds: folds.collect(), costs, ..*self };
        let outcomes: Vec<Outcome> = row_idxs.iter().map(|&i| outcomes[i].clone()).collect();
        let statistic = part.statistic(self.metric, &outcomes)?;
        Some(part.estimate(self.metric, &*statistic, &outcomes, replicates))
    }

    fn is_affordable(&self, metric: Metric) -> bool {
        match &self.rows.truth {
            Truth::Label { ids, labels } if metric == Metric::RocAuc => ids.len() * labels.len() <= ROC_AUC_CELLS,
            _ => true,
        }
    }

    /// A metric over all rows.
    ///
    /// Scores of different fits cannot be ranked against each other, so with folds the ranking metrics are the mean
    /// over folds; the others are computed over all rows at once.
    fn statistic(&self, metric: Metric, outcomes: &[Outcome]) -> Option<Box<dyn Statistic>> {
        let ranks = matches!(metric, Metric::RocAuc | Metric::AveragePrecision);
        if !ranks || self.folds.len() == 1 {
            return metric_statistic(metric, &self.rows.truth, self.costs.as_ref(), outcomes);
        }
        let part = |fold: &Range<usize>| {
            let row_idxs: Vec<usize> = fold.clone().collect();
            let (truth, outcomes) = (self.rows.truth.take(&row_idxs), &outcomes[fold.clone()]);
            Some((fold.clone(), metric_statistic(metric, &truth, self.costs.as_ref(), outcomes)?))
        };
        let parts: Vec<_> = self.folds.iter().map(part).collect::<Option<_>>()?;
        Some(Box::new(MeanOverFolds { parts, n_rows: outcomes.len() }))
    }

    fn estimate(&self, metric: Metric, statistic: &dyn Statistic, outcomes: &[Outcome], replicates: u32) -> Estimate {
        if metric.is_rate() && self.rows.groups.is_none() {
            let right = right_rows(&self.rows.truth, outcomes);
            let n_right = right.iter().filter(|&&r| r).count() as u64;
            let interval = wilson(n_right, right.len() as u64, LEVEL);
            return Estimate { value: statistic.value(None), low: interval.low, high: interval.high };
        }
        bootstrap(statistic, &BootstrapParams { replicates, ..self.bootstrap_params() })
    }
}

/// The mean of one statistic over contiguous folds, of those folds where it is defined: a fold may lack a class, or be
/// drawn without it.
struct MeanOverFolds {
    parts: Vec<(Range<usize>, Box<dyn Statistic>)>,
    n_rows: usize,
}

impl Statistic for MeanOverFolds {
    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn value(&self, counts: Option<&[u32]>) -> f64 {
        let value = |(range, part): &(Range<usize>, Box<dyn Statistic>)| part.value(counts.map(|c| &c[range.clone()]));
        let defined = self.parts.iter().map(value).filter(|v| !v.is_nan());
        let (sum, n) = defined.fold((0.0, 0), |(sum, n), value| (sum + value, n + 1));
        sum / f64::from(n)
    }
}

/// Failed rows by kind, most first.
pub(crate) fn failures(outcomes: &[Outcome]) -> Vec<(RowErrorKind, usize)> {
    let mut counts: Vec<(RowErrorKind, usize)> = Vec::new();
    for error in outcomes.iter().filter_map(|o| o.result.as_ref().err()) {
        match counts.iter_mut().find(|(kind, _)| *kind == error.kind) {
            Some((_, n)) => *n += 1,
            None => counts.push((error.kind, 1)),
        }
    }
    counts.sort_by_key(|&(kind, n)| (std::cmp::Reverse(n), kind));
    counts
}

/// Whether the money limit kept the row from being asked.
pub(crate) fn was_not_asked(outcome: &Outcome) -> bool {
    outcome.result.as_ref().is_err_and(|e| e.kind == RowErrorKind::Budget)
}

#[cfg(test)]
mod tests;
