//! The best weights of three or more classes, by coordinate ascent.

use super::objective::{DecisionObjective, Tallies};
use super::tune::is_better;
use super::{DecisionRule, first_largest};
use crate::HeldOut;

/// No class weighs more than this times as much as another would need to, or as little: beyond are the cuts of single rows.
const LARGEST_FACTOR: f64 = 1000.0;

/// Passes over all classes; few do not end by themselves.
const MAX_PASSES: usize = 10;

/// Weights whose answers to `rows` score well: no change of a single weight scores better.
///
/// From each start, classes in turn get the weight that scores best with the others as they are. All weights between
/// those at which some row changes its answer are alike, so that every one of them is tried by a single pass over the sorted
/// rows. Of equally good ones the present weight stands if it is among them; else of the plateau nearest to it the
/// middle, by ratio.
pub(super) fn best_weights(held_out: &HeldOut<'_>, rows: &[usize], objective: &DecisionObjective) -> Vec<f64> {
    let climbed = starts(held_out, rows, objective).into_iter().map(|start| {
        let mut climb = Climb::new(held_out, rows, objective, start);
        climb.run();
        climb
    });
    let best = climbed.reduce(|best, next| if is_better(next.score(), best.score()) { next } else { best });
    best.map_or_else(|| vec![1.0; held_out.n_classes()], |climb| climb.weights)
}

/// All weights one; and what theory says of calibrated probabilities, or what makes rare classes heard.
fn starts(held_out: &HeldOut<'_>, rows: &[usize], objective: &DecisionObjective) -> Vec<Vec<f64>> {
    let ones = vec![1.0; held_out.n_classes()];
    let other = match objective {
        DecisionObjective::Accuracy => None,
        DecisionObjective::Cost(costs) => Some(bounded(&costs.of_missing())),
        _ => Some(inverse_shares(held_out, rows, objective)),
    };
    std::iter::once(ones).chain(other).collect()
}

/// One over the share of each class: with calibrated probabilities, the weights of the best balanced accuracy.
pub(super) fn inverse_shares(held_out: &HeldOut<'_>, rows: &[usize], objective: &DecisionObjective) -> Vec<f64> {
    let truths = rows.iter().map(|&i| (i, held_out.truth(i)));
    let shares = Tallies::of_answers(objective, held_out, truths).shares();
    bounded(&shares.iter().map(|share| 1.0 / share).collect::<Vec<f64>>())
}

/// Weights relative to the smallest positive one, and within bounds; a class that no row has is left alone.
fn bounded(weights: &[f64]) -> Vec<f64> {
    let usable = |weight: &f64| weight.is_finite() && *weight > 0.0;
    let smallest = weights.iter().copied().filter(usable).fold(f64::INFINITY, f64::min);
    let of_one = |weight: &f64| if usable(weight) { (weight / smallest).min(LARGEST_FACTOR) } else { 1.0 };
    weights.iter().map(of_one).collect()
}

/// Weights on their way up.
struct Climb<'a> {
    held_out: &'a HeldOut<'a>,
    rows: &'a [usize],
    weights: Vec<f64>,
    /// The best and the second-best class of each row.
    leaders: Vec<[usize; 2]>,
    tallies: Tallies<'a>,
    objective: &'a DecisionObjective,
}

/// Weights from `low` on up to `high` answer alike.
struct Cut {
    low: f64,
    high: f64,
    score: f64,
}

impl<'a> Climb<'a> {
    fn new(held_out: &'a HeldOut<'a>, rows: &'a [usize], objective: &'a DecisionObjective, weights: Vec<f64>) -> Self {
        let mut climb = Climb {
            held_out,
            rows,
            weights,
            leaders: Vec::new(),
            tallies: Tallies::new(objective, held_out.n_classes()),
            objective,
        };
        climb.leaders = rows.iter().map(|&i| climb.leaders_of(i)).collect();
        climb.count();
        climb
    }

    fn score(&self) -> f64 {
        self.tallies.score()
    }

    fn run(&mut self) {
        for _ in 0..MAX_PASSES {
            let before = self.score();
            for class in 0..self.weights.len() {
                self.improve(class);
            }
            if !is_better(self.score(), before) {
                return;
            }
        }
    }

    /// Sets one weight to its best value, if that is better than what it is.
    fn improve(&mut self, class: usize) {
        let weight = self.best_weight(class);
        if weight == self.weights[class] {
            return;
        }
        let before = (self.weights[class], self.leaders.clone(), self.tallies.clone());
        self.weights[class] = weight;
        for (position, &i) in self.rows.iter().enumerate() {
            let product = weight * self.held_out.row(i)[class];
            let [first, second] = self.leaders[position];
            if class == first || class == second || product >= self.product(i, second) {
                self.leaders[position] = self.leaders_of(i);
            }
        }
        self.count();
        // Rounding can let a row at the very edge of a cut answer otherwise than the sweep supposed.
        if !is_better(self.score(), before.2.score()) {
            (self.weights[class], self.leaders, self.tallies) = before;
        }
    }

    /// The weight of a class that scores best with the others as they are.
    fn best_weight(&self, class: usize) -> f64 {
        let cuts = self.cuts(class);
        let present = self.weights[class];
        let best = cuts.iter().map(|cut| cut.score).fold(f64::NEG_INFINITY, f64::max);
        let is_best = |cut: &Cut| !is_better(best, cut.score);
        if !is_better(best, self.score()) {
            return present;
        }
        let distance = |plateau: &[Cut]| {
            let (low, high) = (plateau[0].low, plateau[plateau.len() - 1].high);
            (low / present).max(present / high).max(1.0)
        };
        let plateaus = cuts.chunk_by(|a, b| is_best(a) && is_best(b)).filter(|plateau| is_best(&plateau[0]));
        let nearest = plateaus.min_by(|a, b| distance(a).total_cmp(&distance(b)));
        nearest.map_or(present, |plateau| (plateau[0].low * plateau[plateau.len() - 1].high).sqrt())
    }

    /// Every cut of a class's weight within bounds, ascending.
    fn cuts(&self, class: usize) -> Vec<Cut> {
        let (lowest, highest) = (1.0 / LARGEST_FACTOR, LARGEST_FACTOR);
        let mut tallies = self.tallies.clone();
        // For each row that the weight decides: the weight from which on it answers the class, and its answer below.
        let mut edges: Vec<(f64, usize, usize)> = Vec::new();
        for (&i, &[first, second]) in self.rows.iter().zip(&self.leaders) {
            let rival = if first == class { second } else { first };
            let edge = self.product(i, rival) / self.held_out.row(i)[class];
            if edge > lowest && edge < highest {
                if first == class {
                    tallies.change(self.held_out.truth(i), class, rival, self.held_out.weight(i));
                }
                edges.push((edge, i, rival));
            }
        }
        edges.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut cuts = Vec::new();
        let mut low = lowest;
        // Edges that differ by no more than rounding leave no weight between them.
        for tie in edges.chunk_by(|a, b| b.0 - a.0 <= 1e-12 * a.0) {
            cuts.push(Cut { low, high: tie[0].0, score: tallies.score() });
            low = tie[tie.len() - 1].0;
            for &(_, i, rival) in tie {
                tallies.change(self.held_out.truth(i), rival, class, self.held_out.weight(i));
            }
        }
        cuts.push(Cut { low, high: highest, score: tallies.score() });
        cuts
    }

    fn product(&self, row_idx: usize, class: usize) -> f64 {
        self.held_out.row(row_idx)[class] * self.weights[class]
    }

    fn leaders_of(&self, row_idx: usize) -> [usize; 2] {
        let products = (0..self.weights.len()).map(|class| self.product(row_idx, class));
        let first = first_largest(products.clone());
        let second = first_largest(products.enumerate().map(|(c, p)| if c == first { f64::NEG_INFINITY } else { p }));
        // Where the first is class 0 and alone, nothing is above negative infinity.
        [first, if second == first { usize::from(first == 0) } else { second }]
    }

    fn count(&mut self) {
        let answers = self.rows.iter().zip(&self.leaders).map(|(&i, leaders)| (i, leaders[0]));
        self.tallies = Tallies::of_answers(self.objective, self.held_out, answers);
    }
}

/// The rule of some weights, relative to the largest so that people can read them.
pub(super) fn rule_of(weights: &[f64]) -> DecisionRule {
    if weights.iter().all(|weight| *weight == weights[0]) {
        return DecisionRule::Largest;
    }
    let largest = weights.iter().copied().fold(0.0, f64::max);
    DecisionRule::ClassWeights(weights.iter().map(|weight| weight / largest).collect())
}
