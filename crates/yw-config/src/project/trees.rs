//! Trees, as their table says them.

use super::ClassWeight;

/// Boosted trees or a forest. What is not given is the engine's default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TreesSpec {
    /// Boosting, or a forest.
    pub mode: Option<TreesMode>,
    /// Rounds of boosting or trees of a forest, at least one.
    pub trees: Option<u32>,
    /// How much of each tree's advice is taken, over 0 to 1; only with boosting.
    pub learning_rate: Option<f64>,
    /// How many leaves a tree has at most; 0: no limit. Never 1.
    pub max_leaves: Option<u32>,
    /// How many splits there are at most between root and leaf; 0: no limit.
    pub max_depth: Option<u32>,
    /// Which leaf is split next.
    pub growth: Option<TreesGrowth>,
    /// Bins of a number, 2 to 65,535.
    pub max_bins: Option<u16>,
    /// Training rows in a leaf at least, at least one.
    pub min_rows_per_leaf: Option<u32>,
    /// What the hessians of a leaf sum up to at least; not negative.
    pub min_child_weight: Option<f64>,
    /// How much a split must reduce the loss; not negative.
    pub min_split_gain: Option<f64>,
    /// Strength of the L1 penalty, not negative.
    pub l1: Option<f64>,
    /// Strength of the L2 penalty, not negative.
    pub l2: Option<f64>,
    /// Which part of the rows each tree sees, over 0 to 1; not with `goss`, nor in a forest.
    pub row_fraction: Option<f64>,
    /// Which part of the columns each tree sees, over 0 to 1.
    pub column_fraction: Option<f64>,
    /// Which part of a tree's columns each split sees, over 0 to 1.
    pub column_fraction_per_split: Option<f64>,
    /// One-side sampling; only with boosting.
    pub goss: Option<GossSpec>,
    /// Whether gradients are rounded.
    pub quantized: Option<bool>,
    /// How rows are weighted; only for labels and booleans.
    pub class_weight: Option<ClassWeight>,
    /// What is minimised; only for numbers.
    pub objective: Option<TreesObjective>,
    /// Fields whose growth moves predictions one way only, in the order of the file: inputs of type number, boolean or
    /// time.
    pub monotone: Vec<(String, Monotone)>,
    /// Groups of input fields that may act together, none empty; fields in no group act alone. No group: all may.
    pub interactions: Vec<Vec<String>>,
    /// Whether each tree sees one field.
    pub additive: Option<bool>,
    /// Rounds without progress on held-out rows after which boosting stops.
    pub early_stopping_rounds: Option<u32>,
    /// Features that a text field gives at most, at least one.
    pub max_text_features: Option<u32>,
}

/// How trees work together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreesMode {
    /// Each corrects those before it.
    Boosting,
    /// Averaged, each grown on its own sample of rows.
    Forest,
    /// Averaged, grown on all rows with random thresholds.
    ExtraTrees,
}

/// Which leaf is split next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreesGrowth {
    /// The one that helps most.
    Leaf,
    /// All of a level before the next.
    Depth,
}

/// Which rows one-side sampling takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GossSpec {
    /// The part that stays for its large gradients, above 0.
    pub top_fraction: f64,
    /// The part that is drawn from the others, above 0; with `top_fraction` at most 1.
    pub other_fraction: f64,
}

/// What trees for numbers minimise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TreesObjective {
    /// Squared error.
    Squared,
    /// Absolute error.
    Absolute,
    /// The pinball loss.
    Quantile {
        /// Which quantile, strictly between 0 and 1.
        alpha: f64,
    },
    /// Squared error near the truth, absolute error far from it.
    Huber {
        /// Where the loss turns, in units of the answer, above 0.
        delta: f64,
    },
    /// The Poisson deviance, for counts.
    Poisson,
    /// The Gamma deviance, for positive amounts.
    Gamma,
    /// The Tweedie deviance, for amounts that are often zero.
    Tweedie {
        /// The variance power, strictly between 1 and 2.
        power: f64,
    },
}

/// Which way predictions may move as a field grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Monotone {
    /// Not down.
    Increasing,
    /// Not up.
    Decreasing,
}
