//! What a leaf is worth: the second-order approximation of the loss with its penalties (Chen and Guestrin 2016).

use crate::TreesParams;

/// Sums of derivatives over the rows of a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sums {
    pub(crate) g: f64,
    pub(crate) h: f64,
}

/// The penalties on leaf values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Penalty {
    pub(crate) l1: f64,
    pub(crate) l2: f64,
}

/// Between which values a leaf's must stay, so that a monotone feature above it keeps its promise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Bounds {
    pub(crate) const NONE: Bounds = Bounds { low: f64::NEG_INFINITY, high: f64::INFINITY };

    pub(crate) fn is_none(&self) -> bool {
        *self == Bounds::NONE
    }

    pub(crate) fn clamp(&self, value: f64) -> f64 {
        value.max(self.low).min(self.high)
    }
}

impl Penalty {
    pub(crate) fn new(params: &TreesParams) -> Self {
        Penalty { l1: params.l1, l2: params.l2 }
    }

    pub(crate) fn with_more_l2(self, l2: f64) -> Self {
        Penalty { l2: self.l2 + l2, ..self }
    }

    /// The value that reduces the loss most: `−S(g) / (h + l2)`, `S` moving towards zero by `l1`.
    pub(crate) fn value(&self, sums: Sums) -> f64 {
        let denominator = sums.h + self.l2;
        if denominator > 0.0 { -self.shrunk(sums.g) / denominator } else { 0.0 }
    }

    /// Twice what the best value reduces the loss by: `S(g)² / (h + l2)`.
    #[inline]
    pub(crate) fn score(&self, sums: Sums) -> f64 {
        let g = self.shrunk(sums.g);
        let denominator = sums.h + self.l2;
        if denominator > 0.0 { g * g / denominator } else { 0.0 }
    }

    /// Twice what any value reduces the loss by.
    pub(crate) fn score_of(&self, sums: Sums, value: f64) -> f64 {
        -(2.0 * sums.g * value + (sums.h + self.l2) * value * value + 2.0 * self.l1 * value.abs())
    }

    #[inline]
    fn shrunk(&self, g: f64) -> f64 {
        if self.l1 == 0.0 { g } else { g.signum() * (g.abs() - self.l1).max(0.0) }
    }
}
