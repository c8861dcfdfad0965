//! The best threshold of two classes, by trying every cut.

use super::objective::{DecisionObjective, Tallies};
use super::tune::is_better;
use crate::HeldOut;

/// What is answered without tuning.
const HALF: f64 = 0.5;

/// Thresholds from `low` up to but not including `high` answer alike.
struct Cut {
    low: f64,
    high: f64,
    score: f64,
}

/// The threshold whose answers to `rows` score best, in O(n log n).
///
/// All thresholds between two neighbouring probabilities answer alike, so one cut for each, one below and one above all
/// are all there is to try. Of equally good ones, one half stands if it is among them; else of the plateau (neighbouring cuts
/// that are equally good) nearest to one half, the middle.
pub(super) fn best_threshold(held_out: &HeldOut<'_>, rows: &[usize], objective: &DecisionObjective) -> f64 {
    let cuts = cuts(held_out, rows, objective);
    let best = cuts.iter().map(|cut| cut.score).fold(f64::NEG_INFINITY, f64::max);
    let is_best = |cut: &Cut| !is_better(best, cut.score);
    let distance = |plateau: &[Cut]| {
        let (low, high) = (plateau[plateau.len() - 1].low, plateau[0].high);
        (low - HALF).max(HALF - high).max(0.0)
    };
    let plateaus = cuts.chunk_by(|a, b| is_best(a) && is_best(b)).filter(|plateau| is_best(&plateau[0]));
    match plateaus.min_by(|a, b| distance(a).total_cmp(&distance(b))) {
        Some(plateau) => middle(plateau[plateau.len() - 1].low, plateau[0].high),
        None => HALF,
    }
}

fn middle(low: f64, high: f64) -> f64 {
    let middle = low / 2.0 + high / 2.0;
    if low <= HALF && HALF < high {
        HALF
    } else if middle < high {
        middle
    } else {
        low // neighbouring numbers have no middle
    }
}

/// Every cut with its score, from the highest thresholds down.
fn cuts(held_out: &HeldOut<'_>, rows: &[usize], objective: &DecisionObjective) -> Vec<Cut> {
    let probability = |&i: &usize| held_out.row(i)[1] + 0.0;
    let mut order = rows.to_vec();
    order.sort_by(|a, b| probability(b).total_cmp(&probability(a)));
    let mut tallies = Tallies::of_answers(objective, held_out, order.iter().map(|&i| (i, 0)));
    let mut cuts = Vec::new();
    let mut high = f64::INFINITY;
    for tie in order.chunk_by(|a, b| probability(a) == probability(b)) {
        let low = probability(&tie[0]);
        cuts.push(Cut { low, high, score: tallies.score() });
        high = low;
        for &i in tie {
            tallies.change(held_out.truth(i), 0, 1, held_out.weight(i));
        }
    }
    cuts.push(Cut { low: f64::NEG_INFINITY, high, score: tallies.score() });
    // Beyond the probabilities, as far as probabilities go, or one step further.
    let n = cuts.len();
    cuts[0].high = if cuts[0].low < 1.0 { 1.0 } else { cuts[0].low + 1.0 };
    cuts[n - 1].low = if cuts[n - 1].high > 0.0 { 0.0 } else { cuts[n - 1].high - 1.0 };
    cuts
}
