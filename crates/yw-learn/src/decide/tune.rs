//! Which rule answers best, by how well each does on rows that it was not tuned on.

use rayon::prelude::*;

use super::classes::{best_weights, inverse_shares, rule_of};
use super::objective::{DecisionObjective, Tallies};
use super::threshold::best_threshold;
use super::{Costs, DecisionRule};
use crate::HeldOut;
use crate::folds::BEYOND_NOISE;

/// Parts of the held-out rows; a rule is tuned on all but one and judged by that one.
const N_FOLDS: usize = 10;

/// A decision rule, and what tuning brought.
#[derive(Debug, Clone, PartialEq)]
pub struct TunedRule {
    /// The rule to use, tuned on all rows.
    pub rule: DecisionRule,
    /// What the objective is on rows that the rule was not tuned on; NaN where there are too few rows or groups to say.
    pub value: f64,
    /// The same for the most probable class.
    pub value_of_largest: f64,
    /// The standard error of the difference between the two.
    pub standard_error: f64,
}

impl DecisionRule {
    /// Finds the rule that an objective asks for.
    ///
    /// The candidates, from the plainest: first what needs no tuning, which is the smallest expected cost for costs, the class
    /// that is most probable relative to its share for the balanced accuracy, and the most probable class otherwise; then,
    /// for two classes, the threshold that scores best of all; for more, the class weights that score best, first halfway (their
    /// square roots, which trust thin classes less), then whole. The rows are dealt into ten folds; each candidate is tuned ten
    /// times, without one fold, and judged by that fold. The next candidate takes the place of the best so far if it is
    /// better by more than two standard errors of their difference (by the jackknife over the folds).
    ///
    /// The probabilities should be those that the rule will be applied to: calibrated, if they will be.
    ///
    /// # Panics
    ///
    /// If the costs are for another number of classes.
    pub fn tune(held_out: &HeldOut<'_>, objective: &DecisionObjective, seed: u64) -> TunedRule {
        let rows = held_out.rows();
        let splits = held_out.splits(&rows, N_FOLDS, seed);
        let candidates = candidates(held_out, &rows, objective);
        if splits.is_empty() {
            let rule = candidates.into_iter().nth(1).unwrap_or_default();
            return TunedRule { rule, value: f64::NAN, value_of_largest: f64::NAN, standard_error: f64::NAN };
        }
        // For each split the tallies of each candidate.
        let judge = |split: &crate::Split| -> Vec<Tallies<'_>> {
            let rules = self::candidates(held_out, &split.fit, objective);
            rules.iter().map(|rule| Tallies::of_rule(objective, rule, held_out, &split.held_out)).collect()
        };
        let by_split: Vec<Vec<Tallies<'_>>> = splits.par_iter().map(judge).collect();
        let parts: Vec<Vec<Tallies<'_>>> =
            (0..candidates.len()).map(|c| by_split.iter().map(|split| split[c].clone()).collect()).collect();
        let mut best = 1;
        for next in 2..candidates.len() {
            let gain = Gain::of(&parts[next], &parts[best]);
            if gain.value > BEYOND_NOISE * gain.standard_error && is_better(gain.value, 0.0) {
                best = next;
            }
        }
        let value = |candidate: usize| objective.shown(Tallies::total(&parts[candidate], None).score());
        TunedRule {
            rule: candidates[best].clone(),
            value: value(best),
            value_of_largest: value(0),
            standard_error: Gain::of(&parts[best], &parts[0]).standard_error * objective.unit(),
        }
    }
}

/// Whether one score, of at most about one, is above another by more than rounding.
pub(super) fn is_better(score: f64, than: f64) -> bool {
    score > than + 1e-9
}

/// The rule of the most probable class, for comparison; then the candidates, the plainest first.
fn candidates(held_out: &HeldOut<'_>, rows: &[usize], objective: &DecisionObjective) -> Vec<DecisionRule> {
    let mut rules = vec![DecisionRule::Largest, untuned(held_out, rows, objective)];
    match held_out.n_classes() {
        0 | 1 => {}
        2 => rules.push(rule_of_threshold(best_threshold(held_out, rows, objective))),
        _ => {
            let weights = best_weights(held_out, rows, objective);
            let halfway: Vec<f64> = weights.iter().map(|weight| weight.sqrt()).collect();
            rules.extend([rule_of(&halfway), rule_of(&weights)]);
        }
    }
    rules
}

fn untuned(held_out: &HeldOut<'_>, rows: &[usize], objective: &DecisionObjective) -> DecisionRule {
    match objective {
        DecisionObjective::Cost(costs) => match threshold_of(costs) {
            Some(threshold) => rule_of_threshold(threshold),
            None => DecisionRule::MinimumCost(costs.clone()),
        },
        DecisionObjective::BalancedAccuracy => {
            let weights = inverse_shares(held_out, rows, objective);
            match *weights {
                [no, yes] => rule_of_threshold(no / (no + yes)),
                _ => rule_of(&weights),
            }
        }
        _ => DecisionRule::Largest,
    }
}

/// The threshold above which answering true costs less, where there is one: of two classes, if mistakes of both kinds
/// cost more than right answers.
fn threshold_of(costs: &Costs) -> Option<f64> {
    if costs.n_classes() != 2 {
        return None;
    }
    let false_positive = costs.of(0, 1) - costs.of(0, 0);
    let false_negative = costs.of(1, 0) - costs.of(1, 1);
    (false_positive > 0.0 && false_negative > 0.0).then(|| false_positive / (false_positive + false_negative))
}

fn rule_of_threshold(threshold: f64) -> DecisionRule {
    if threshold == 0.5 { DecisionRule::Largest } else { DecisionRule::Threshold(threshold) }
}

/// By how much one rule scores better than another on rows that neither was tuned on.
struct Gain {
    value: f64,
    standard_error: f64,
}

impl Gain {
    /// The jackknife over the folds. *Shapes*: one entry per fold in both.
    fn of(parts: &[Tallies<'_>], than: &[Tallies<'_>]) -> Self {
        let gain = |without| Tallies::total(parts, without).score() - Tallies::total(than, without).score();
        let n = parts.len() as f64;
        let left_out: Vec<f64> = (0..parts.len()).map(|fold| gain(Some(fold))).collect();
        let mean = left_out.iter().sum::<f64>() / n;
        let squares: f64 = left_out.iter().map(|g| (g - mean) * (g - mean)).sum();
        Gain { value: gain(None), standard_error: (squares * (n - 1.0) / n).sqrt() }
    }
}
