//! Smooth losses, minimised by Newton's method with conjugate gradients.
//!
//! Minimises `l2/2 · ‖weights‖² + Σᵢ sᵢ loss(x_i · weights + intercept, yᵢ)` with row weights `s`; the intercept is not
//! penalised. Each Newton step solves with the Hessian only as exactly as the distance from the optimum deserves (Nocedal
//! and Wright, "Numerical Optimization", ch. 7.1), preconditioned by its diagonal, and is shortened until the objective
//! falls enough (Armijo).

use rayon::prelude::*;

use super::design::Design;
use crate::probability::{sigmoid, softmax};

/// Rows that one thread takes at a time.
const CHUNK_ROWS: usize = 1024;

/// Most conjugate-gradient steps of one Newton step.
const MAX_INNER_ITERATIONS: usize = 500;

/// How exact a value of the objective is at least, relative to itself: several outputs are in single precision.
const ROUNDING: f64 = 1e-7;

/// The right answers, which decide the loss.
#[derive(Clone)]
pub(super) enum Targets {
    /// Squared error, halved.
    Numbers(Vec<f64>),
    /// Logistic loss of one output.
    Binary(Vec<bool>),
    /// Softmax loss with one output per class.
    Classes {
        /// Each row's class.
        class_idxs: Vec<u32>,
        n_classes: usize,
    },
}

/// A problem to minimise.
pub(super) struct Problem<'a> {
    pub(super) design: &'a Design<'a>,
    pub(super) targets: &'a Targets,
    /// One per row.
    pub(super) row_weights: &'a [f64],
    pub(super) l2: f64,
}

/// Where the minimisation ended.
#[derive(Clone)]
pub(super) struct Solution {
    /// `n_features + 1` × `n_outputs`, the intercept last.
    pub(super) parameters: Vec<f64>,
    pub(super) iterations: usize,
    pub(super) converged: bool,
}

/// The objective around one point.
struct Point {
    parameters: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    /// The mean of each output given the features: `n_rows` × `n_outputs`.
    means: Vec<f64>,
}

impl Targets {
    pub(super) fn n_outputs(&self) -> usize {
        match self {
            Targets::Numbers(_) | Targets::Binary(_) => 1,
            Targets::Classes { n_classes, .. } => *n_classes,
        }
    }

    /// Those of some rows.
    pub(super) fn take(&self, row_idxs: &[usize]) -> Targets {
        match self {
            Targets::Numbers(numbers) => Targets::Numbers(row_idxs.iter().map(|&i| numbers[i]).collect()),
            Targets::Binary(truths) => Targets::Binary(row_idxs.iter().map(|&i| truths[i]).collect()),
            Targets::Classes { class_idxs, n_classes } => Targets::Classes {
                class_idxs: row_idxs.iter().map(|&i| class_idxs[i]).collect(),
                n_classes: *n_classes,
            },
        }
    }

    /// Replaces a row's scores by the outputs' means, and returns the row's loss.
    fn loss(&self, row_idx: usize, scores: &mut [f64]) -> f64 {
        match self {
            Targets::Numbers(numbers) => 0.5 * (scores[0] - numbers[row_idx]).powi(2),
            Targets::Binary(truths) => {
                let score = scores[0];
                scores[0] = sigmoid(score);
                // ln(1 + e^∓score), without overflow
                let signed = if truths[row_idx] { -score } else { score };
                signed.max(0.0) + (-signed.abs()).exp().ln_1p()
            }
            Targets::Classes { class_idxs, .. } => {
                let own = scores[class_idxs[row_idx] as usize];
                let log_sum = softmax(scores);
                log_sum - own
            }
        }
    }

    /// Subtracts the row's truth from its means.
    fn subtract_truth(&self, row_idx: usize, means: &mut [f64]) {
        match self {
            Targets::Numbers(numbers) => means[0] -= numbers[row_idx],
            Targets::Binary(truths) => means[0] -= f64::from(u8::from(truths[row_idx])),
            Targets::Classes { class_idxs, .. } => means[class_idxs[row_idx] as usize] -= 1.0,
        }
    }

    /// Multiplies a direction of a row's scores with the second derivative of its loss.
    fn curve(&self, means: &[f64], direction: &mut [f64]) {
        match self {
            Targets::Numbers(_) => {}
            Targets::Binary(_) => direction[0] *= means[0] * (1.0 - means[0]),
            Targets::Classes { .. } => {
                let mean: f64 = means.iter().zip(&*direction).map(|(p, d)| p * d).sum();
                direction.iter_mut().zip(means).for_each(|(d, p)| *d = p * (*d - mean));
            }
        }
    }

    /// The second derivative of a row's loss for one output.
    fn curvature(&self, mean: f64) -> f64 {
        if matches!(self, Targets::Numbers(_)) { 1.0 } else { mean * (1.0 - mean) }
    }
}

impl Problem<'_> {
    /// Minimises from `start` on, which is zero except for intercepts, or an earlier solution.
    pub(super) fn solve(&self, start: Vec<f64>, max_iterations: usize, tolerance: f64) -> Solution {
        let total_weight: f64 = self.row_weights.iter().sum();
        let mut point = self.evaluate(start);
        let first_norm = norm(&point.gradient);
        for iteration in 0..max_iterations {
            let largest = point.gradient.iter().fold(0.0f64, |max, g| max.max(g.abs()));
            if largest <= tolerance * total_weight {
                return Solution { parameters: point.parameters, iterations: iteration, converged: true };
            }
            let accuracy = match self.targets {
                Targets::Numbers(_) => 1e-8,
                _ => (norm(&point.gradient) / first_norm).sqrt().min(0.1),
            };
            let step = self.newton_step(&point, accuracy);
            match self.descend(&point, &step) {
                Some(next) => point = next,
                // Rounding hides any further descent: this is the optimum as far as numbers go.
                None => return Solution { parameters: point.parameters, iterations: iteration + 1, converged: true },
            }
        }
        Solution { parameters: point.parameters, iterations: max_iterations, converged: false }
    }

    /// The sum of the rows' losses, without penalty, for parameters that were fitted elsewhere.
    pub(super) fn sum_of_losses(&self, parameters: &[f64]) -> f64 {
        self.losses(&mut self.design.times(parameters, self.targets.n_outputs()))
    }

    fn evaluate(&self, parameters: Vec<f64>) -> Point {
        let n_outputs = self.targets.n_outputs();
        let mut means = self.design.times(&parameters, n_outputs);
        let loss = self.losses(&mut means);
        let mut residuals = means.clone();
        for (row_idx, residual) in residuals.chunks_exact_mut(n_outputs).enumerate() {
            self.targets.subtract_truth(row_idx, residual);
            residual.iter_mut().for_each(|r| *r *= self.row_weights[row_idx]);
        }
        let mut gradient = self.design.transposed_times(&residuals, n_outputs);
        let n_weights = parameters.len() - n_outputs;
        axpy(self.l2, &parameters[..n_weights], &mut gradient[..n_weights]);
        let penalty = 0.5 * self.l2 * parameters[..n_weights].iter().map(|w| w * w).sum::<f64>();
        Point { value: loss + penalty, parameters, gradient, means }
    }

    /// Turns scores into means, and sums the losses.
    fn losses(&self, scores: &mut [f64]) -> f64 {
        let n_outputs = self.targets.n_outputs();
        let chunks = scores.par_chunks_mut(CHUNK_ROWS * n_outputs).enumerate().map(|(chunk_idx, scores)| -> f64 {
            let rows = scores.chunks_exact_mut(n_outputs).zip(chunk_idx * CHUNK_ROWS..);
            rows.map(|(scores, row_idx)| self.row_weights[row_idx] * self.targets.loss(row_idx, scores)).sum()
        });
        chunks.collect::<Vec<f64>>().into_iter().sum()
    }

    /// Solves `H · step = −gradient` to the given accuracy, relative to the gradient.
    fn newton_step(&self, point: &Point, accuracy: f64) -> Vec<f64> {
        let inverse_diagonal: Vec<f64> = self.hessian_diagonal(point).into_iter().map(f64::recip).collect();
        let precondition =
            |residual: &[f64]| -> Vec<f64> { residual.iter().zip(&inverse_diagonal).map(|(r, d)| r * d).collect() };
        let mut step = vec![0.0; point.parameters.len()];
        let mut residual: Vec<f64> = point.gradient.iter().map(|g| -g).collect();
        let enough = accuracy * norm(&residual);
        let mut preconditioned = precondition(&residual);
        let mut direction = preconditioned.clone();
        let mut product = dot(&residual, &preconditioned);
        for _ in 0..MAX_INNER_ITERATIONS {
            let curved = self.hessian_times(point, &direction);
            let curvature = dot(&direction, &curved);
            if curvature <= 0.0 {
                break; // only rounding makes the Hessian of a convex function do this
            }
            axpy(product / curvature, &direction, &mut step);
            axpy(-product / curvature, &curved, &mut residual);
            if norm(&residual) <= enough {
                break;
            }
            preconditioned = precondition(&residual);
            let next_product = dot(&residual, &preconditioned);
            let ratio = next_product / product;
            direction.iter_mut().zip(&preconditioned).for_each(|(d, p)| *d = p + ratio * *d);
            product = next_product;
        }
        step
    }

    /// Goes along `step`, a whole one at first, until the objective falls enough. None if it never does.
    fn descend(&self, point: &Point, step: &[f64]) -> Option<Point> {
        const SUFFICIENT: f64 = 1e-4;
        const MAX_HALVINGS: i32 = 30;
        let slope = dot(&point.gradient, step);
        let rounding = ROUNDING * point.value.abs();
        (0..MAX_HALVINGS).map(|halvings| 0.5f64.powi(halvings)).find_map(|length| {
            let mut parameters = point.parameters.clone();
            axpy(length, step, &mut parameters);
            let next = self.evaluate(parameters);
            let is_lower = next.value <= point.value + SUFFICIENT * length * slope;
            // At the limit of precision the value cannot tell; the gradient still can.
            let is_flatter = next.value <= point.value + rounding && norm(&next.gradient) < 0.9 * norm(&point.gradient);
            (is_lower || is_flatter).then_some(next)
        })
    }

    fn hessian_times(&self, point: &Point, direction: &[f64]) -> Vec<f64> {
        let n_outputs = self.targets.n_outputs();
        let mut curved = self.design.times(direction, n_outputs);
        for (row_idx, curved) in curved.chunks_exact_mut(n_outputs).enumerate() {
            self.targets.curve(&point.means[row_idx * n_outputs..][..n_outputs], curved);
            curved.iter_mut().for_each(|c| *c *= self.row_weights[row_idx]);
        }
        let mut product = self.design.transposed_times(&curved, n_outputs);
        let n_weights = direction.len() - n_outputs;
        axpy(self.l2, &direction[..n_weights], &mut product[..n_weights]);
        product
    }

    fn hessian_diagonal(&self, point: &Point) -> Vec<f64> {
        let n_outputs = self.targets.n_outputs();
        let curvatures: Vec<f64> = point
            .means
            .iter()
            .enumerate()
            .map(|(i, &mean)| self.row_weights[i / n_outputs] * self.targets.curvature(mean))
            .collect();
        let mut diagonal = self.design.transposed_squares_times(&curvatures, n_outputs);
        let n_weights = diagonal.len() - n_outputs;
        diagonal[..n_weights].iter_mut().for_each(|d| *d += self.l2);
        // An intercept has no penalty, and no curvature where every row is certain.
        diagonal[n_weights..].iter_mut().for_each(|d| *d = d.max(1e-6));
        diagonal
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

fn axpy(factor: f64, x: &[f64], y: &mut [f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
}
