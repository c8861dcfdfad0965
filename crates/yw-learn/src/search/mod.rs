//! The search for good settings: which to try next, which to give up early, and how models that were tried go together.
//!
//! Nothing here knows a model or a metric. [`Tpe`] is given the points that were tried, the best first, and says the next
//! one; [`keeps_going`] compares a trial that is under way with those that were as far before; [`select_ensemble`] is given a
//! loss of weighted members. All three are pure functions of their arguments, so that a search that was interrupted goes on
//! as if it had not been.

mod ensemble;
mod halving;
mod space;
mod tpe;

pub use ensemble::select_ensemble;
pub use halving::keeps_going;
pub use space::{Dimension, Space};
pub use tpe::{Tpe, TpeParams};

#[cfg(test)]
mod tests;
