//! What can go wrong.

/// Why trees cannot be grown.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FitError {
    /// There is nothing to learn from.
    #[error("there are no training rows")]
    NoRows,
    /// A parameter is outside its range.
    #[error("`{name}` = {value} is not {expected}")]
    Parameter {
        /// Which one.
        name: &'static str,
        /// What it is.
        value: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// A target that the objective cannot learn.
    #[error("row {row_idx} has the target {value}, and {objective} needs {expected}")]
    Target {
        /// The row.
        row_idx: usize,
        /// Its target.
        value: f64,
        /// The objective.
        objective: &'static str,
        /// What it can learn.
        expected: &'static str,
    },
    /// A weight that is no weight.
    #[error("row {row_idx} has the weight {value}: weights are finite, not negative, and not all zero")]
    Weight {
        /// The row.
        row_idx: usize,
        /// Its weight.
        value: f32,
    },
    /// Arrays that do not fit together.
    #[error("there are {found} {what} instead of {expected}")]
    Shape {
        /// Of what.
        what: &'static str,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A constraint on a feature that cannot have it.
    #[error("feature {feature} cannot have a {constraint} constraint: {reason}")]
    Constraint {
        /// The feature's column.
        feature: usize,
        /// Which kind.
        constraint: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// A forest cannot learn this.
    #[error("forests average targets or classes: they learn squared error, logistic and softmax objectives")]
    Mode,
    /// Trees of two kinds do not add up.
    #[error("the trees to continue with were grown for other features, another objective or another mode")]
    Start,
    /// A level that is no number of a list.
    #[error("column {feature_idx} has the level {level}: levels are numbered from 0, at most to {limit}")]
    Level {
        /// The column.
        feature_idx: usize,
        /// Its largest level.
        level: u32,
        /// The largest that there may be.
        limit: u32,
    },
    /// More rows than sums of quantized gradients have room for.
    #[error("{n_rows} rows are more than the {limit} that one model can learn from")]
    TooManyRows {
        /// How many there are.
        n_rows: usize,
        /// How many there may be.
        limit: usize,
    },
}
