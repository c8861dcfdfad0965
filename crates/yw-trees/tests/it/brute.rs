//! Splits and leaf values by enumeration, from formulas written down a second time.

use yw_trees::{Child, Columns, Feature, Monotone, Objective, Rule, Split, Tree, TreesParams};

use crate::table::Table;

/// First and second derivatives of rows, and all that splits are judged by.
pub(crate) struct Brute<'a> {
    pub(crate) columns: Columns<'a>,
    pub(crate) params: &'a TreesParams,
    /// By row.
    pub(crate) g: Vec<f64>,
    pub(crate) h: Vec<f64>,
}

/// How far rounded gradients may mislead: a part of what both sides of a split are worth.
const TOLERANCE: f64 = 3e-3;

/// A split and what it is worth.
pub(crate) struct Judged {
    pub(crate) gain: f64,
    /// How far rounding may make the gain look other.
    pub(crate) doubt: f64,
    /// Whether it is allowed beyond doubt, or surely not.
    pub(crate) allowed: Allowed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Allowed {
    No,
    Perhaps,
    Yes,
}

impl<'a> Brute<'a> {
    pub(crate) fn new(table: &'a Table, params: &'a TreesParams, margins: &[f64], output: usize) -> Self {
        let (g, h) = derivatives(table, &params.objective, margins, output);
        Brute { columns: table.columns(), params, g, h }
    }

    fn sums(&self, rows: &[usize]) -> (f64, f64) {
        rows.iter().fold((0.0, 0.0), |(g, h), &row| (g + self.g[row], h + self.h[row]))
    }

    fn shrunk(&self, g: f64) -> f64 {
        g.signum() * (g.abs() - self.params.l1).max(0.0)
    }

    /// The value of a leaf, without shrinkage.
    pub(crate) fn value(&self, rows: &[usize]) -> f64 {
        let (g, h) = self.sums(rows);
        -self.shrunk(g) / (h + self.params.l2)
    }

    fn score(&self, rows: &[usize], more_l2: f64) -> f64 {
        let (g, h) = self.sums(rows);
        self.shrunk(g).powi(2) / (h + self.params.l2 + more_l2)
    }

    /// How far the score of a side may be off because its rows' derivatives are rounded to steps.
    fn noise(&self, rows: &[usize], more_l2: f64) -> f64 {
        let largest = |values: &[f64]| values.iter().fold(0f64, |largest, v| largest.max(v.abs()));
        let (step_g, step_h) = (largest(&self.g) / 32_767.0, largest(&self.h) / 65_535.0);
        // Three standard deviations of a sum of errors of half a step.
        let steps = 1.5 * (rows.len() as f64).sqrt();
        let (g, h) = self.sums(rows);
        let (g, h) = (self.shrunk(g).abs(), h + self.params.l2 + more_l2);
        2.0 * g / h * steps * step_g + (g / h).powi(2) * steps * step_h
    }

    /// What it is worth to part rows in this way. Extra `l2` is for the sides alone.
    pub(crate) fn judge(&self, feature: u32, left: &[usize], right: &[usize], more_l2: f64) -> Judged {
        let all: Vec<usize> = left.iter().chain(right).copied().collect();
        let sides = self.score(left, more_l2) + self.score(right, more_l2);
        let unsplit = self.score(&all, 0.0);
        let mut allowed = Allowed::Yes;
        let min_h = self.params.min_child_weight;
        for side in [left, right] {
            if side.len() < self.params.min_rows_per_leaf.max(1) {
                allowed = Allowed::No;
            }
            let h = self.sums(side).1;
            allowed = allowed.min(at_least(h, min_h));
        }
        let (low, high) = match self.params.monotone.get(feature as usize) {
            Some(Monotone::Increasing) => (self.value(left), self.value(right)),
            Some(Monotone::Decreasing) => (self.value(right), self.value(left)),
            _ => (0.0, 0.0),
        };
        allowed = allowed.min(at_least(high - low + 1.0, 1.0));
        let doubt = TOLERANCE * sides.max(unsplit) + self.noise(left, more_l2) + self.noise(right, more_l2);
        allowed = allowed.min(at_least(sides - unsplit, self.params.min_split_gain));
        Judged { gain: sides - unsplit, doubt, allowed }
    }

    /// All ways to part rows by one feature: thresholds between values with the missing ones on either side, these alone,
    /// or each level alone.
    fn partitions(&self, feature: usize, rows: &[usize]) -> Vec<(Vec<usize>, Vec<usize>)> {
        let value = |row: usize| self.columns.value(row, feature);
        let part = |left: &dyn Fn(f64) -> bool| rows.iter().partition::<Vec<usize>, _>(|&&row| left(value(row)));
        let mut values: Vec<f64> = rows.iter().map(|&row| value(row)).filter(|v| !v.is_nan()).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        // The values are on the left, where a monotone feature has its smaller ones.
        let mut found = vec![part(&|v| !v.is_nan())];
        for &at in &values {
            match self.columns.features()[feature] {
                Feature::Levels(_) => found.push(part(&|v| v == at)),
                _ => {
                    found.push(part(&|v| v <= at));
                    found.push(part(&|v| v <= at || v.is_nan()));
                }
            }
        }
        found.retain(|(left, right)| !left.is_empty() && !right.is_empty());
        found
    }

    /// The best gain of all splits that are allowed beyond doubt, less what rounding may hide.
    pub(crate) fn best(&self, rows: &[usize]) -> Option<f64> {
        let features = 0..self.columns.n_features();
        let judged = features.flat_map(|feature| {
            let each = move |(left, right): (Vec<usize>, Vec<usize>)| self.judge(feature as u32, &left, &right, 0.0);
            self.partitions(feature, rows).into_iter().map(each)
        });
        let sure = judged.filter(|judged| judged.allowed == Allowed::Yes && judged.gain > judged.doubt);
        sure.map(|judged| judged.gain - judged.doubt).max_by(f64::total_cmp)
    }

    /// The rows of each child of a split.
    pub(crate) fn part(&self, split: &Split, rows: &[usize]) -> (Vec<usize>, Vec<usize>) {
        rows.iter().partition(|&&row| split.goes_left(self.columns.value(row, split.feature as usize)))
    }

    /// Whether a split is as good as the best one, and says truly what it is worth and how many rows came.
    pub(crate) fn check_split(&self, split: &Split, rows: &[usize]) -> Judged {
        let (left, right) = self.part(split, rows);
        let judged = self.judge(split.feature, &left, &right, 0.0);
        assert_ne!(judged.allowed, Allowed::No, "{split:?} of {} and {} rows is not allowed", left.len(), right.len());
        assert!((judged.gain - split.gain).abs() <= judged.doubt, "{split:?} is worth {}", judged.gain);
        let best = self.best(rows).unwrap_or(0.0);
        assert!(judged.gain >= best - judged.doubt, "{split:?} is worth {} instead of {best}", judged.gain);
        assert_eq!(split.n_rows as usize, rows.len());
        let h = self.sums(rows).1;
        assert!((split.cover - h).abs() <= TOLERANCE * h, "{split:?} covers {h}");
        judged
    }

    /// The rows that end in each leaf of a tree.
    pub(crate) fn rows_of_leaves(&self, tree: &Tree) -> Vec<Vec<usize>> {
        let mut rows = vec![Vec::new(); tree.leaves.len()];
        for row in 0..self.g.len() {
            rows[tree.leaf_of(|f| self.columns.value(row, f as usize)) as usize].push(row);
        }
        rows
    }

    /// Whether leaf values are those of exact gradients.
    pub(crate) fn check_leaves(&self, tree: &Tree) {
        for (leaf, rows) in tree.leaves.iter().zip(self.rows_of_leaves(tree)) {
            let expected = self.params.learning_rate * self.value(&rows);
            assert!((leaf.value - expected).abs() < 1e-5 * (1.0 + expected.abs()), "{leaf:?} instead of {expected}");
            assert_eq!(leaf.n_rows as usize, rows.len());
        }
    }
}

/// Which node hangs where: the nodes below a split.
pub(crate) fn children(split: &Split) -> [Child; 2] {
    [split.left, split.right]
}

fn at_least(found: f64, limit: f64) -> Allowed {
    if found >= limit * (1.0 + TOLERANCE) || limit <= 0.0 {
        Allowed::Yes
    } else if found >= limit * (1.0 - TOLERANCE) {
        Allowed::Perhaps
    } else {
        Allowed::No
    }
}

/// The derivatives of losses at margins (output-major), times weights.
fn derivatives(table: &Table, objective: &Objective, margins: &[f64], output: usize) -> (Vec<f64>, Vec<f64>) {
    let n_rows = table.n_rows();
    let weight = |row: usize| table.weights.as_ref().map_or(1.0, |weights| f64::from(weights[row]));
    if let Objective::LambdaRank { truncation } = *objective {
        let (g, h) = rank_derivatives(table, truncation, margins);
        return (0..n_rows).map(|row| (g[row] * weight(row), h[row] * weight(row))).unzip();
    }
    let of_row = |row: usize| {
        let (y, m) = (table.target[row], margins[output * n_rows + row]);
        let (g, h) = match *objective {
            Objective::SquaredError => (m - y, 1.0),
            Objective::AbsoluteError => (if m > y { 1.0 } else { -f64::from(u8::from(m < y)) }, 1.0),
            Objective::Quantile { alpha } => (
                if m > y {
                    1.0 - alpha
                } else if m < y {
                    -alpha
                } else {
                    0.0
                },
                1.0,
            ),
            Objective::Huber { delta } => ((m - y).clamp(-delta, delta), 1.0),
            Objective::Poisson => (m.exp() - y, (m + 0.7).exp()),
            Objective::Gamma => (1.0 - y / m.exp(), y / m.exp()),
            Objective::Tweedie { power } => {
                let (a, b) = (y * ((1.0 - power) * m).exp(), ((2.0 - power) * m).exp());
                (b - a, (2.0 - power) * b - (1.0 - power) * a)
            }
            Objective::Logistic => {
                let p = 1.0 / (1.0 + (-m).exp());
                (p - y, p * (1.0 - p))
            }
            Objective::Softmax { n_classes } => {
                let of = |class: usize| margins[class * n_rows + row].exp();
                let p = of(output) / (0..n_classes).map(of).sum::<f64>();
                let factor = n_classes as f64 / (n_classes as f64 - 1.0);
                (p - f64::from(u8::from(y == output as f64)), factor * p * (1.0 - p))
            }
            Objective::LambdaRank { .. } => unreachable!("ranks depend on other rows"),
        };
        (g * weight(row), h * weight(row))
    };
    (0..n_rows).map(of_row).unzip()
}

/// Those of the first round, where all margins are equal and rows rank as they come.
fn rank_derivatives(table: &Table, truncation: usize, margins: &[f64]) -> (Vec<f64>, Vec<f64>) {
    assert!(margins.iter().all(|&margin| margin == margins[0]), "only the first round");
    let (mut g, mut h) = (vec![0.0; table.n_rows()], vec![0.0; table.n_rows()]);
    let mut first = 0;
    for &size in table.groups.as_ref().unwrap() {
        let rows = first..first + size as usize;
        first = rows.end;
        let gain = |row: usize| 2f64.powf(table.target[row]) - 1.0;
        let discount = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
        let mut ideal: Vec<f64> = rows.clone().map(gain).collect();
        ideal.sort_by(|a, b| b.total_cmp(a));
        let ideal: f64 = ideal.iter().take(truncation).enumerate().map(|(rank, gain)| gain * discount(rank)).sum();
        let swap =
            |a: usize, b: usize| (gain(a) - gain(b)) * (discount(a - rows.start) - discount(b - rows.start)) / ideal;
        let pairs = || rows.clone().take(truncation).flat_map(|a| (a + 1..rows.end).map(move |b| (a, b)));
        let sum: f64 = pairs().map(|(a, b)| swap(a, b).abs()).sum();
        if ideal == 0.0 || sum == 0.0 {
            continue;
        }
        let scale = (1.0 + sum).log2() / sum;
        for (a, b) in pairs() {
            let swap = swap(a, b) * scale;
            g[a] -= swap / 2.0;
            g[b] += swap / 2.0;
            h[a] += swap.abs() / 4.0;
            h[b] += swap.abs() / 4.0;
        }
    }
    (g, h)
}

/// A category's level set, of a split that must have one.
pub(crate) fn levels_of(split: &Split) -> Vec<u32> {
    match &split.rule {
        Rule::OneOf(set) => set.iter().collect(),
        Rule::AtMost { .. } => panic!("{split:?} asks about a number"),
    }
}
