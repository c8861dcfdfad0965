//! What a decision rule is tuned for, and the counts that it is computed from.

use yw_task::Metric;

use super::{Costs, DecisionRule};
use crate::HeldOut;

/// Sums of weights below this are what rounding leaves of nothing.
const NOTHING: f64 = 1e-9;

/// What the answers should be good at.
#[derive(Debug, Clone, PartialEq)]
pub enum DecisionObjective {
    /// The share of right answers.
    Accuracy,
    /// The F1 score of the second class, true.
    F1,
    /// The mean over classes of the F1 score; the classes are those that occur in truths or answers.
    MacroF1,
    /// The mean over classes of the F1 score, weighted by how often each class is true.
    WeightedF1,
    /// The mean over classes of the share of their rows that are found.
    BalancedAccuracy,
    /// The mean cost of an answer, which should be small.
    Cost(Costs),
}

impl DecisionObjective {
    /// The objective that a metric is, if answers can be tuned for it. Metrics of probabilities do not depend on answers;
    /// precision and recall alone are best with one answer for all rows.
    pub fn of_metric(metric: Metric) -> Option<Self> {
        match metric {
            Metric::Accuracy => Some(DecisionObjective::Accuracy),
            Metric::F1 => Some(DecisionObjective::F1),
            Metric::MacroF1 => Some(DecisionObjective::MacroF1),
            Metric::WeightedF1 => Some(DecisionObjective::WeightedF1),
            _ => None,
        }
    }

    /// Whether a larger value is a better one.
    pub fn higher_is_better(&self) -> bool {
        !matches!(self, DecisionObjective::Cost(_))
    }

    /// The value of a rule on held-out rows; NaN where it has none, because no row counts, say.
    ///
    /// Panics if the rule or the costs are for another number of classes.
    pub fn value(&self, rule: &DecisionRule, held_out: &HeldOut<'_>) -> f64 {
        self.shown(Tallies::of_rule(self, rule, held_out, &held_out.rows()).score())
    }

    /// A score, of which more is better, as the value that people know.
    pub(super) fn shown(&self, score: f64) -> f64 {
        match self {
            _ if score == f64::NEG_INFINITY => f64::NAN,
            DecisionObjective::Cost(_) => -score * self.unit(),
            _ => score,
        }
    }

    /// What a score of one is worth: scores of costs are relative to the largest.
    pub(super) fn unit(&self) -> f64 {
        if let DecisionObjective::Cost(costs) = self { costs.largest() } else { 1.0 }
    }

    /// What one class adds to the score: the score is the sum of numerators over the sum of denominators.
    fn term(&self, class: usize, tally: &Tally) -> Term {
        let f1 = || 2.0 * tally.hits / (tally.truths + tally.answered);
        let occurs = tally.truths + tally.answered > NOTHING;
        let is_true = tally.truths > NOTHING;
        match self {
            DecisionObjective::Accuracy => Term(tally.hits, tally.truths),
            DecisionObjective::F1 if class == 1 => Term(2.0 * tally.hits, tally.truths + tally.answered),
            DecisionObjective::MacroF1 if occurs => Term(f1(), 1.0),
            DecisionObjective::WeightedF1 if is_true => Term(tally.truths * f1(), tally.truths),
            DecisionObjective::BalancedAccuracy if is_true => Term(tally.hits / tally.truths, 1.0),
            DecisionObjective::Cost(_) => Term(-tally.cost, tally.truths),
            _ => Term(0.0, 0.0),
        }
    }
}

/// Sums of the weights of rows, by class.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    hits: f64,
    truths: f64,
    answered: f64,
    /// Of the answers to rows of this class, relative to the largest cost.
    cost: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Term(f64, f64);

/// How often each class is true, answered, and both, with the score that follows, kept while answers change.
#[derive(Debug, Clone)]
pub(super) struct Tallies<'a> {
    objective: &'a DecisionObjective,
    classes: Vec<Tally>,
    sum: Term,
}

impl<'a> Tallies<'a> {
    pub(super) fn new(objective: &'a DecisionObjective, n_classes: usize) -> Self {
        if let DecisionObjective::Cost(costs) = objective {
            assert_eq!(costs.n_classes(), n_classes, "the costs are for another number of classes");
        }
        Tallies { objective, classes: vec![Tally::default(); n_classes], sum: Term::default() }
    }

    pub(super) fn of_rule(
        objective: &'a DecisionObjective,
        rule: &DecisionRule,
        held_out: &HeldOut<'_>,
        rows: &[usize],
    ) -> Self {
        Tallies::of_answers(objective, held_out, rows.iter().map(|&i| (i, rule.apply(held_out.row(i)))))
    }

    /// From rows with their answers.
    pub(super) fn of_answers(
        objective: &'a DecisionObjective,
        held_out: &HeldOut<'_>,
        answers: impl Iterator<Item = (usize, usize)>,
    ) -> Self {
        let mut tallies = Tallies::new(objective, held_out.n_classes());
        for (row_idx, answer) in answers {
            let (truth, weight) = (held_out.truth(row_idx), held_out.weight(row_idx));
            tallies.classes[truth].truths += weight;
            tallies.count(truth, answer, weight);
        }
        tallies.sum_up();
        tallies
    }

    /// A row gets another answer than it had.
    pub(super) fn change(&mut self, truth: usize, from: usize, to: usize, weight: f64) {
        // The truth matters to costs alone, unless it is one of the answers.
        let mut touched = [from, to, truth];
        let n_touched = if truth == from || truth == to { 2 } else { 3 };
        let touched = &mut touched[..n_touched];
        for class in &*touched {
            self.sum = self.sum.minus(self.objective.term(*class, &self.classes[*class]));
        }
        self.count(truth, from, -weight);
        self.count(truth, to, weight);
        for class in &*touched {
            self.sum = self.sum.plus(self.objective.term(*class, &self.classes[*class]));
        }
    }

    fn count(&mut self, truth: usize, answer: usize, weight: f64) {
        self.classes[answer].answered += weight;
        if truth == answer {
            self.classes[truth].hits += weight;
        }
        if let DecisionObjective::Cost(costs) = self.objective {
            self.classes[truth].cost += weight * (costs.of(truth, answer) / costs.largest());
        }
    }

    fn sum_up(&mut self) {
        let terms = self.classes.iter().enumerate().map(|(class, tally)| self.objective.term(class, tally));
        self.sum = terms.fold(Term::default(), Term::plus);
    }

    /// Those of all rows that are in one of the parts but the one at `without`.
    pub(super) fn total(parts: &[Tallies<'a>], without: Option<usize>) -> Self {
        let mut total = Tallies { classes: vec![Tally::default(); parts[0].classes.len()], ..parts[0].clone() };
        for (_, part) in parts.iter().enumerate().filter(|(i, _)| Some(*i) != without) {
            for (sum, tally) in total.classes.iter_mut().zip(&part.classes) {
                sum.hits += tally.hits;
                sum.truths += tally.truths;
                sum.answered += tally.answered;
                sum.cost += tally.cost;
            }
        }
        total.sum_up();
        total
    }

    /// More is better; negative infinity where there is nothing to divide by.
    pub(super) fn score(&self) -> f64 {
        if self.sum.1 > NOTHING { self.sum.0 / self.sum.1 } else { f64::NEG_INFINITY }
    }

    /// The share of rows of each class.
    pub(super) fn shares(&self) -> Vec<f64> {
        let total: f64 = self.classes.iter().map(|tally| tally.truths).sum();
        self.classes.iter().map(|tally| tally.truths / total).collect()
    }
}

impl Term {
    fn plus(self, other: Term) -> Term {
        Term(self.0 + other.0, self.1 + other.1)
    }

    fn minus(self, other: Term) -> Term {
        Term(self.0 - other.0, self.1 - other.1)
    }
}
