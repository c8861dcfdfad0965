//! Metrics, confidence intervals and paired comparisons over plain arrays of numbers.
//!
//! A metric is a [`Statistic`]: it owns the answers of one candidate next to the truth, and can be computed for the
//! rows as they are or for rows drawn several times. That is all the bootstrap needs, so every metric gets an interval
//! from [`bootstrap()`] and a paired comparison from [`bootstrap_difference`] alike. Rates have closed forms that need
//! no draws: [`wilson`] and [`mcnemar`].
//!
//! The types to know are [`Statistic`], [`Estimate`] (a value with its interval) and [`Difference`] (of two
//! candidates on the same rows, with its p value).
//!
//! ```
//! use yw_stats::{BootstrapParams, bootstrap, bootstrap_difference, boolean};
//!
//! let truth: Vec<bool> = (0..200).map(|row| row % 3 == 0).collect();
//! let sharp: Vec<f64> = (0..200).map(|row| if row % 3 == 0 { 0.5 } else { (row % 10) as f64 / 12.0 }).collect();
//! let blunt: Vec<f64> = (0..200).map(|row| (row % 7) as f64 / 7.0).collect();
//!
//! let params = BootstrapParams { seed: 42, ..Default::default() };
//! let (sharp, blunt) = (boolean::roc_auc(&truth, &sharp), boolean::roc_auc(&truth, &blunt));
//!
//! let score = bootstrap(&sharp, &params);
//! assert!(score.low < score.value && score.value < score.high);
//! let comparison = bootstrap_difference(&sharp, &blunt, &params);
//! assert!(comparison.low > 0.0 && comparison.p_value < 0.05);
//! ```
//!
//! # What is promised
//!
//! - *Failed rows count as wrong.* A row without an answer is `None`, or NaN where answers are numbers or
//!   probabilities, and costs what the worst answer would; each constructor says how much that is.
//! - *Undefined is NaN, never a panic.* No row at all, one class only where two are needed, NaN in the truth: the value
//!   is NaN, and so are the ends of its interval and its p value. Arrays of different lengths are a bug of the caller
//!   and do panic.
//! - *Deterministic.* The same arrays and seed give the same bits, whatever the number of threads.
//! - *Measured.* `examples/coverage.rs` simulates how often the intervals cover and how often equal candidates are
//!   declared different; the crate's README has its table.
//!
//! Not here: names of metrics and which way is better (`yw-task`), the choice of a champion (`yw-arena`), models.

pub mod boolean;
mod bootstrap;
pub mod calibration;
mod interval;
pub mod label;
mod mcnemar;
mod multiple;
pub mod number;
mod ranking;
mod statistic;
pub mod text;

pub use bootstrap::{BootstrapParams, bootstrap, bootstrap_difference};
pub use interval::{Difference, Estimate, Interval, wilson};
pub use mcnemar::mcnemar;
pub use multiple::{holm, holm_versus_best};
pub use statistic::{Statistic, mean};
