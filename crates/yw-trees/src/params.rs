//! How trees are grown.

use crate::{FitError, Objective};

/// How trees are grown. The defaults are good for most tables.
///
/// The names are those of scikit-learn, XGBoost and LightGBM where these agree.
#[derive(Debug, Clone, PartialEq)]
pub struct TreesParams {
    /// What the trees are to reduce.
    pub objective: Objective,
    /// Boosting, or a forest.
    pub mode: Mode,
    /// Rounds of boosting, or trees of a forest; with several outputs, each round grows a tree for each.
    pub trees: usize,
    /// How much of each tree's advice is taken. Forests do not use it.
    pub learning_rate: f64,
    /// How many leaves a tree has at most; 0: as many as the other limits allow.
    pub max_leaves: usize,
    /// How many splits there are at most between root and leaf; 0: no limit.
    pub max_depth: usize,
    /// Which leaf is split next.
    pub growth: Growth,
    /// In how many bins the values of a number are sorted, missing ones aside: 2 to 65,535.
    pub max_bins: usize,
    /// How many training rows a leaf has at least.
    pub min_rows_per_leaf: usize,
    /// What the hessians of a leaf's rows sum up to at least.
    pub min_child_weight: f64,
    /// How much a split must reduce the regularised loss, twice: in units of [`Split::gain`](crate::Split::gain).
    pub min_split_gain: f64,
    /// L1 penalty on leaf values.
    pub l1: f64,
    /// L2 penalty on leaf values.
    pub l2: f64,
    /// Which part of the rows each tree sees, over 0 to 1.
    pub row_fraction: f64,
    /// Which part of the columns each tree sees, over 0 to 1.
    pub column_fraction: f64,
    /// Which part of a tree's columns each split sees, over 0 to 1.
    pub column_fraction_per_split: f64,
    /// Gradient-based one-side sampling instead of `row_fraction`.
    pub goss: Option<Goss>,
    /// Whether gradients are rounded to a few levels, at random and without bias, with leaf values computed anew from the
    /// exact ones. Twice as fast; on small tables the finer rounding is used anyway.
    pub quantized: bool,
    /// Smoothing of a level's gradient statistics when the levels of a category are sorted.
    pub category_smoothing: f64,
    /// Extra L2 penalty on splits by category.
    pub category_l2: f64,
    /// Categories with at most so many levels are split one level against the others.
    pub max_levels_one_against_rest: usize,
    /// How many levels the smaller side of a sorted category split has at most.
    pub max_levels_per_split: usize,
    /// One per feature, or none: which way predictions may move as the feature grows.
    pub monotone: Vec<Monotone>,
    /// Groups of features that may meet on a path from root to leaf; features in no group meet nobody. Empty: no limits.
    pub interactions: Vec<Vec<usize>>,
    /// One feature per tree, in turn: an explainable boosting machine.
    pub additive: bool,
    /// Stops when the loss of held-out rows has not improved for so many rounds, and keeps the best round.
    pub early_stopping_rounds: Option<usize>,
    /// Where all randomness comes from.
    pub seed: u64,
}

/// Boosting or bagging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each tree corrects those before it.
    Boosting,
    /// Each tree is grown on its own bootstrap sample and they are averaged.
    ///
    /// Predictions are means and shares, without a link. Of several classes the share of each is found by trees of its own:
    /// together they make about one.
    Forest,
    /// As a forest, on all rows and with random thresholds.
    ExtraTrees,
}

/// Which leaf is split next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// The one whose split reduces the loss most.
    LeafWise,
    /// All of a level before the next level.
    DepthWise,
}

/// Gradient-based one-side sampling (Ke et al. 2017): the rows with large gradients stay, of the others a sample stands
/// for all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goss {
    /// The part of the rows that stays for its large gradients.
    pub top_fraction: f64,
    /// The part of the rows that is drawn from the others.
    pub other_fraction: f64,
}

/// Which way predictions may move as a feature grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Monotone {
    /// Either way.
    #[default]
    Free,
    /// Not down.
    Increasing,
    /// Not up.
    Decreasing,
}

impl TreesParams {
    /// The defaults for an objective.
    pub fn new(objective: Objective) -> Self {
        TreesParams {
            objective,
            mode: Mode::Boosting,
            trees: 200,
            learning_rate: 0.05,
            max_leaves: 31,
            max_depth: 0,
            growth: Growth::LeafWise,
            max_bins: 255,
            min_rows_per_leaf: 20,
            min_child_weight: 1e-3,
            min_split_gain: 0.0,
            l1: 0.0,
            l2: 1.0,
            row_fraction: 1.0,
            column_fraction: 1.0,
            column_fraction_per_split: 1.0,
            goss: None,
            quantized: true,
            category_smoothing: 20.0,
            category_l2: 10.0,
            max_levels_one_against_rest: 4,
            max_levels_per_split: 32,
            monotone: Vec::new(),
            interactions: Vec::new(),
            additive: false,
            early_stopping_rounds: None,
            seed: 0,
        }
    }

    /// The defaults of a forest: deep trees on samples of rows and columns, without penalties.
    pub fn forest(objective: Objective) -> Self {
        let column_fraction_per_split = if objective == Objective::SquaredError { 1.0 / 3.0 } else { 0.2 };
        TreesParams {
            mode: Mode::Forest,
            trees: 100,
            max_leaves: 0,
            max_depth: 0,
            min_rows_per_leaf: 3,
            min_child_weight: 0.0,
            l2: 0.0,
            column_fraction_per_split,
            ..TreesParams::new(objective)
        }
    }

    /// Whether every parameter is in its range, for rows of so many features.
    pub(crate) fn check(&self, n_features: usize) -> Result<(), FitError> {
        let positive = "above 0";
        let not_negative = "0 or above";
        let fraction = "above 0 and at most 1";
        let checks = [
            ("learning_rate", self.learning_rate, self.learning_rate > 0.0, positive),
            ("max_leaves", self.max_leaves as f64, self.max_leaves != 1, "0 or at least 2"),
            ("max_bins", self.max_bins as f64, (2..=65_535).contains(&self.max_bins), "from 2 to 65,535"),
            ("min_child_weight", self.min_child_weight, self.min_child_weight >= 0.0, not_negative),
            ("min_split_gain", self.min_split_gain, self.min_split_gain >= 0.0, not_negative),
            ("l1", self.l1, self.l1 >= 0.0, not_negative),
            ("l2", self.l2, self.l2 >= 0.0, not_negative),
            ("row_fraction", self.row_fraction, is_fraction(self.row_fraction), fraction),
            ("column_fraction", self.column_fraction, is_fraction(self.column_fraction), fraction),
            (
                "column_fraction_per_split",
                self.column_fraction_per_split,
                is_fraction(self.column_fraction_per_split),
                fraction,
            ),
            ("category_smoothing", self.category_smoothing, self.category_smoothing >= 0.0, not_negative),
            ("category_l2", self.category_l2, self.category_l2 >= 0.0, not_negative),
        ];
        for (name, value, is_right, expected) in checks {
            if !is_right || !value.is_finite() {
                return Err(FitError::Parameter { name, value, expected });
            }
        }
        if self.early_stopping_rounds == Some(0) {
            let expected = "at least 1";
            return Err(FitError::Parameter { name: "early_stopping_rounds", value: 0.0, expected });
        }
        if let Some(goss) = self.goss {
            let sum = goss.top_fraction + goss.other_fraction;
            if !is_fraction(goss.top_fraction) || !is_fraction(goss.other_fraction) || sum > 1.0 {
                let expected = "two fractions above 0 that make at most 1";
                return Err(FitError::Parameter { name: "goss", value: sum, expected });
            }
        }
        self.check_constraints(n_features)
    }

    fn check_constraints(&self, n_features: usize) -> Result<(), FitError> {
        let outside = self.interactions.iter().flatten().find(|&&feature| feature >= n_features);
        if let Some(&feature) = outside {
            return Err(FitError::Constraint {
                feature,
                constraint: "interaction",
                reason: "there is no such feature",
            });
        }
        if !self.monotone.is_empty() && self.monotone.len() != n_features {
            let found = self.monotone.len();
            return Err(FitError::Shape { what: "monotone constraints", expected: n_features, found });
        }
        Ok(())
    }
}

fn is_fraction(value: f64) -> bool {
    value > 0.0 && value <= 1.0
}
