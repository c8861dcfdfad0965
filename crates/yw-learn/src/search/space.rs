//! What can be chosen.

/// One setting that is searched for, and from where to where.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Dimension {
    /// A number from `low` to `high`, both included; `low < high`.
    Number {
        /// The least.
        low: f64,
        /// The most.
        high: f64,
        /// Whether a factor counts instead of a difference; then `low` is above zero.
        log: bool,
    },
    /// A whole number from `low` to `high`, both included; `low < high`.
    Integer {
        /// The least.
        low: u32,
        /// The most.
        high: u32,
        /// Whether a factor counts instead of a difference; then `low` is above zero.
        log: bool,
    },
    /// One of `n` things without an order; its number, from zero on.
    Choice {
        /// How many there are, at least one.
        n: u32,
    },
}

/// All settings that are searched for together. A point has one value per dimension, in the dimension's own unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    dimensions: Vec<Dimension>,
}

impl Space {
    /// The space of these dimensions; without any, its one point is empty.
    pub fn new(dimensions: Vec<Dimension>) -> Self {
        Space { dimensions }
    }

    /// The dimensions, in the order of a point's values.
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    /// Whether a point has one value per dimension, each within its limits.
    pub fn contains(&self, point: &[f64]) -> bool {
        let within = |(dimension, value): (&Dimension, &f64)| dimension.contains(*value);
        point.len() == self.dimensions.len() && self.dimensions.iter().zip(point).all(within)
    }
}

impl Dimension {
    /// How many values there are, if they can be counted and have no order.
    pub(super) fn n_choices(&self) -> Option<usize> {
        match self {
            Dimension::Choice { n } => Some((*n).max(1) as usize),
            _ => None,
        }
    }

    fn contains(&self, value: f64) -> bool {
        match *self {
            Dimension::Number { low, high, .. } => (low..=high).contains(&value),
            Dimension::Integer { low, high, .. } => {
                value.fract() == 0.0 && (f64::from(low)..=f64::from(high)).contains(&value)
            }
            Dimension::Choice { n } => value.fract() == 0.0 && (0.0..f64::from(n)).contains(&value),
        }
    }

    /// Where a value lies between the limits, 0 to 1. A whole number is in the middle of what is rounded to it.
    pub(super) fn unit_of(&self, value: f64) -> f64 {
        let (low, high, log) = self.edges();
        let place = if log { (value / low).ln() / (high / low).ln() } else { (value - low) / (high - low) };
        place.clamp(0.0, 1.0)
    }

    /// The value at a place between the limits, 0 to 1.
    pub(super) fn at_unit(&self, unit: f64) -> f64 {
        let (low, high, log) = self.edges();
        let value = if log { low * (high / low).powf(unit) } else { low + unit * (high - low) };
        match *self {
            Dimension::Number { low, high, .. } => value.clamp(low, high),
            Dimension::Integer { low, high, .. } => value.round().clamp(f64::from(low), f64::from(high)),
            Dimension::Choice { n } => value.floor().clamp(0.0, f64::from(n.max(1) - 1)),
        }
    }

    /// What the places 0 and 1 stand for, and whether factors count between them.
    fn edges(&self) -> (f64, f64, bool) {
        match *self {
            Dimension::Number { low, high, log } => (low, high, log),
            // Half beyond, so that the first and the last are as wide as the others.
            Dimension::Integer { low, high, log } => (f64::from(low) - 0.5, f64::from(high) + 0.5, log),
            Dimension::Choice { n } => (0.0, f64::from(n.max(1)), false),
        }
    }
}
