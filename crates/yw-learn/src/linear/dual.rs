//! Linear support vector machines, one class against the rest, all classes at once.
//!
//! For each class with signs `y` (+1 for its rows, −1 for the rest) and costs `s` this minimises
//! `l2/2 · ‖w‖² + Σᵢ sᵢ max(0, 1 − yᵢ w·xᵢ)²` by coordinate descent on the dual (Hsieh et al. 2008, "A dual coordinate
//! descent method for large-scale linear SVM", the method of LIBLINEAR). As there, the intercept is the weight of a
//! feature that is always 1, and is penalised with the rest.
//!
//! The classes' problems are independent but read the same rows. So one pass over a row serves a whole group of classes:
//! weights lie feature by feature with the classes as lanes, and threads take groups. What a class computes does not
//! depend on the group it is in.

use rayon::prelude::*;
use yw_kernels::{LANES, add_outer_product, add_weighted_rows, padded_lanes};

use crate::featurize::FeatureMatrix;
use crate::parallel::map_chunks;
use crate::random::Random;

/// Widest group: sixty-four lanes of sums fit in the vector registers.
const MAX_GROUP_LANES: usize = 8 * LANES;

/// Rows that one thread scores at a time.
const CHUNK_ROWS: usize = 256;

/// Rows as the dual solver wants them: all features sparse, the constant one last.
pub(super) struct DualRows {
    n_features: usize,
    ends: Vec<usize>,
    idxs: Vec<u32>,
    values: Vec<f32>,
    squared_norms: Vec<f32>,
}

impl DualRows {
    pub(super) fn new(features: &FeatureMatrix) -> Self {
        let mut rows = DualRows {
            n_features: features.n_features() + 1,
            ends: Vec::with_capacity(features.n_rows()),
            idxs: Vec::with_capacity(features.n_entries() + features.n_rows() * (features.n_dense() + 1)),
            values: Vec::with_capacity(features.n_entries() + features.n_rows() * (features.n_dense() + 1)),
            squared_norms: Vec::with_capacity(features.n_rows()),
        };
        for row_idx in 0..features.n_rows() {
            let start = rows.idxs.len();
            for (idx, value) in features.row(row_idx).iter().filter(|(_, value)| *value != 0.0) {
                rows.idxs.push(idx as u32);
                rows.values.push(value);
            }
            rows.idxs.push(features.n_features() as u32);
            rows.values.push(1.0);
            rows.squared_norms.push(rows.values[start..].iter().map(|v| v * v).sum());
            rows.ends.push(rows.idxs.len());
        }
        rows
    }

    fn n_rows(&self) -> usize {
        self.ends.len()
    }

    fn row(&self, row_idx: usize) -> (&[u32], &[f32]) {
        let start = if row_idx == 0 { 0 } else { self.ends[row_idx - 1] };
        (&self.idxs[start..self.ends[row_idx]], &self.values[start..self.ends[row_idx]])
    }
}

/// What the rows' losses cost in the problem of each class: those of its own rows, and those of the others.
pub(super) struct Costs {
    pub(super) own: Vec<f64>,
    pub(super) other: Vec<f64>,
}

/// The state of all classes' problems; solving again goes on from where it was.
#[derive(Clone)]
pub(super) struct DualSolver<'a> {
    rows: &'a DualRows,
    class_idxs: &'a [u32],
    groups: Vec<ClassGroup>,
    n_classes: usize,
    max_iterations: usize,
}

/// Some consecutive classes.
#[derive(Clone)]
struct ClassGroup {
    first_class: usize,
    n_lanes: usize,
    /// `n_features` × `n_lanes`.
    weights: Vec<f32>,
    /// Dual variables, `n_rows` × `n_lanes`.
    alphas: Vec<f32>,
    /// `l2 / (2 · cost)` of each class's own rows.
    own_shift: Vec<f32>,
    /// The same of the rows of other classes.
    other_shift: Vec<f32>,
    /// 1 for a class still to be improved, 0 for a finished one and for lanes that pad the group.
    active: Vec<f32>,
}

impl<'a> DualSolver<'a> {
    /// A solver at zero. *Shapes*: one class per row; one cost per class.
    pub(super) fn new(
        rows: &'a DualRows,
        class_idxs: &'a [u32],
        costs: &Costs,
        l2: f64,
        max_iterations: usize,
    ) -> Self {
        let n_classes = costs.own.len();
        let shift = |cost: f64| (l2 / (2.0 * cost)) as f32;
        let n_blocks = padded_lanes(n_classes) / LANES;
        let n_groups = rayon::current_num_threads().clamp(n_blocks.div_ceil(MAX_GROUP_LANES / LANES), n_blocks.max(1));
        let group_lanes = n_blocks.div_ceil(n_groups) * LANES;
        let groups = (0..n_classes).step_by(group_lanes).map(|first_class| {
            let classes = first_class..(first_class + group_lanes).min(n_classes);
            let n_lanes = padded_lanes(classes.len());
            let shifts = |costs: &[f64]| {
                let mut shifts: Vec<f32> = costs[classes.clone()].iter().map(|&cost| shift(cost)).collect();
                shifts.resize(n_lanes, 1.0);
                shifts
            };
            ClassGroup {
                first_class,
                n_lanes,
                weights: vec![0.0; rows.n_features * n_lanes],
                alphas: vec![0.0; rows.n_rows() * n_lanes],
                own_shift: shifts(&costs.own),
                other_shift: shifts(&costs.other),
                active: vec![0.0; n_lanes],
            }
        });
        DualSolver { groups: groups.collect(), rows, class_idxs, n_classes, max_iterations }
    }

    /// Minimises over the rows at `row_idxs`, until the mean violation of the optimality conditions is at most `tolerance`
    /// in each class. Returns the passes over the rows that the slowest class took, and whether
    /// all classes converged.
    pub(super) fn solve(&mut self, row_idxs: &[usize], tolerance: f64, seed: u64) -> (usize, bool) {
        let (rows, class_idxs, n_classes) = (self.rows, self.class_idxs, self.n_classes);
        let max_iterations = self.max_iterations;
        let outcomes: Vec<(usize, bool)> = self
            .groups
            .par_iter_mut()
            .map(|group| {
                let mut order = row_idxs.to_vec();
                let mut random = Random::new(seed, 1);
                group.activate(n_classes);
                for iteration in 1..=max_iterations {
                    random.shuffle(&mut order);
                    let violations = group.pass(rows, class_idxs, &order);
                    let limit = (tolerance * order.len() as f64) as f32;
                    for (active, violation) in group.active.iter_mut().zip(violations) {
                        *active = if violation > limit { *active } else { 0.0 };
                    }
                    if group.active.iter().all(|&active| active == 0.0) {
                        return (iteration, true);
                    }
                }
                (max_iterations, false)
            })
            .collect();
        outcomes.into_iter().fold((0, true), |(n, all), (iterations, done)| (n.max(iterations), all && done))
    }

    /// The scores of all classes for the rows at `row_idxs`: one class after the other, row by row.
    pub(super) fn scores(&self, row_idxs: &[usize]) -> Vec<f32> {
        let chunks = map_chunks(row_idxs.len(), CHUNK_ROWS, |range| {
            let mut scores = Vec::with_capacity(range.len() * self.n_classes);
            for &row_idx in &row_idxs[range] {
                let (idxs, values) = self.rows.row(row_idx);
                for group in &self.groups {
                    let mut lanes = [0.0; MAX_GROUP_LANES];
                    add_weighted_rows(idxs, values, &group.weights, &mut lanes[..group.n_lanes]);
                    scores.extend_from_slice(&lanes[..group.n_classes(self.n_classes)]);
                }
            }
            scores
        });
        chunks.concat()
    }

    /// The weight of each class for each feature, the constant one last, feature by feature.
    pub(super) fn weights(&self) -> Vec<f32> {
        let mut weights = Vec::with_capacity(self.rows.n_features * self.n_classes);
        for feature_idx in 0..self.rows.n_features {
            for group in &self.groups {
                let lanes = &group.weights[feature_idx * group.n_lanes..][..group.n_lanes];
                weights.extend_from_slice(&lanes[..group.n_classes(self.n_classes)]);
            }
        }
        weights
    }
}

impl ClassGroup {
    /// How many of the lanes are classes.
    fn n_classes(&self, n_classes: usize) -> usize {
        self.n_lanes.min(n_classes - self.first_class)
    }

    fn activate(&mut self, n_classes: usize) {
        let n_own = self.n_classes(n_classes);
        self.active[..n_own].fill(1.0);
    }

    /// Improves each row's dual variables once. Returns for each lane the sum over rows of how far its optimality
    /// condition was violated.
    fn pass(&mut self, rows: &DualRows, class_idxs: &[u32], order: &[usize]) -> [f32; MAX_GROUP_LANES] {
        let n_lanes = self.n_lanes;
        let mut violations = [0.0f32; MAX_GROUP_LANES];
        let mut scores = [0.0f32; MAX_GROUP_LANES];
        for &row_idx in order {
            let (idxs, values) = rows.row(row_idx);
            let scores = &mut scores[..n_lanes];
            scores.fill(0.0);
            add_weighted_rows(idxs, values, &self.weights, scores);

            let squared_norm = rows.squared_norms[row_idx];
            let alphas = &mut self.alphas[row_idx * n_lanes..][..n_lanes];
            let own_lane = (class_idxs[row_idx] as usize).checked_sub(self.first_class).filter(|l| *l < n_lanes);
            let own = own_lane.map(|lane| (lane, scores[lane], alphas[lane]));

            // Every lane as if the row were of another class, then the one that it is of.
            for lane in 0..n_lanes {
                let curvature = squared_norm + self.other_shift[lane];
                let gradient = -scores[lane] - 1.0 + self.other_shift[lane] * alphas[lane];
                let alpha = (alphas[lane] - gradient / curvature).max(0.0);
                let step = (alpha - alphas[lane]) * self.active[lane];
                alphas[lane] += step;
                scores[lane] = -step;
            }
            if let Some((lane, score, old_alpha)) = own {
                let curvature = squared_norm + self.own_shift[lane];
                let gradient = score - 1.0 + self.own_shift[lane] * old_alpha;
                let alpha = (old_alpha - gradient / curvature).max(0.0);
                let step = (alpha - old_alpha) * self.active[lane];
                alphas[lane] = old_alpha + step;
                scores[lane] = step;
            }
            for (lane, step) in scores.iter().enumerate() {
                violations[lane] += step.abs() * (squared_norm + self.other_shift[lane]);
            }
            add_outer_product(idxs, values, scores, &mut self.weights);
        }
        violations
    }
}

#[cfg(test)]
mod tests {
    use yw_task::{Cell, Field, FieldType, RowsBuilder};

    use super::*;
    use crate::{ClassWeight, Featurizer, FeaturizerParams};

    const NUMBERS: [[f64; 2]; 12] = [
        [1.0, 2.0],
        [2.0, 1.0],
        [1.5, 1.8],
        [0.5, 2.5],
        [3.0, 4.0],
        [4.0, 3.0],
        [3.5, 4.5],
        [2.5, 3.0],
        [6.0, 1.0],
        [7.0, 2.0],
        [6.5, 0.5],
        [5.0, 2.5],
    ];

    /// The scores of rows 0, 4, 8 and 11.
    fn scores(class_idxs: &[u32], costs: &Costs) -> Vec<f32> {
        let mut rows = RowsBuilder::new(["a", "b"].map(|name| Field::new(name, FieldType::Number)).into());
        for [a, b] in NUMBERS {
            rows.push(&[Cell::Number(a), Cell::Number(b)]).expect("the cells fit");
        }
        let rows = rows.finish();
        let features = Featurizer::fit(&rows, &FeaturizerParams::default()).expect("numbers fit").transform(&rows);
        let rows = DualRows::new(&features);
        let mut solver = DualSolver::new(&rows, class_idxs, costs, 1.0, 10_000);
        let (_, converged) = solver.solve(&(0..12).collect::<Vec<_>>(), 1e-7, 0);
        assert!(converged);
        solver.scores(&[0, 4, 8, 11])
    }

    #[track_caller]
    fn check(found: impl Iterator<Item = f32>, expect: &[f64]) {
        for (found, expect) in found.zip(expect) {
            assert!((f64::from(found) - expect).abs() < 1e-4, "{found} is not {expect}");
        }
    }

    /// Scores of scikit-learn 1.9's `LinearSVC(C=1)` on standardised numbers.
    #[test]
    fn equals_scikit_learn() {
        let class_idxs: Vec<u32> = (0..12).map(|i| i / 4).collect();
        let found = scores(&class_idxs, &Costs { own: vec![1.0; 3], other: vec![1.0; 3] });
        let expect = [
            [0.889376811, -0.92692305, -1.533464175],
            [-1.1580394, 1.480639604, -1.067521042],
            [-0.941313905, -2.020211679, 1.135012333],
            [-1.287543221, -0.260578313, 0.275532985],
        ];
        check(found.into_iter(), expect.as_flattened());
    }

    /// The same with `class_weight="balanced"`, of two classes. Both sides of the one problem must weigh their rows.
    #[test]
    fn two_balanced_classes_equal_scikit_learn() {
        let class_idxs: Vec<u32> = (0..12).map(|i| u32::from([4, 9, 11].contains(&i))).collect();
        let found = scores(&class_idxs, &Costs::of(&ClassWeight::Balanced.of_classes(&class_idxs, 2)));
        let expect = [-1.411909797, 0.36643617, -0.177002628, 0.271723451];
        check(found.iter().skip(1).step_by(2).copied(), &expect);
        check(found.iter().step_by(2).map(|score| -score), &expect);
    }
}
