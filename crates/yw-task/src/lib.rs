//! The vocabulary of Yellowwood: tasks, rows, answers, and the two traits that every candidate implements.
//!
//! A task asks one typed question of every row. A [`Recipe`] is fitted on [`LabelledRows`] and becomes a [`Predictor`],
//! which turns [`Rows`] into one [`Outcome`] each. Whether a predictor is a linear model, a prompted foundation model
//! or both in a row is nobody's business but its own.
//!
//! The types to know are [`Rows`] (typed Arrow columns), [`Answer`] (a typed value with probabilities) and [`Usage`]
//! (tokens and exact dollars).
//!
//! ```
//! use yw_task::{Cell, Field, FieldType, RowsBuilder};
//!
//! let mut rows = RowsBuilder::new([Field::new("seats", FieldType::Number)].into());
//! rows.push(&[Cell::Number(3.0)])?;
//! assert_eq!(rows.finish().n_rows(), 1);
//! # Ok::<(), yw_task::RowsError>(())
//! ```
//!
//! Not here: reading files (`yw-table`), computing metrics (`yw-stats`), the project file (`yw-config`), any IO.

mod answer;
mod explanation;
mod field;
mod metric;
mod predictor;
mod provider;
mod rows;
mod truth;
mod usage;

pub use answer::{Answer, AnswerKind, AnswerSpec, LabelSet, Scores, Value};
pub use explanation::{Attribution, ExplainedFeature, Explanation, ScoreUnit};
pub use field::{Field, FieldType};
pub use metric::Metric;
pub use predictor::{
    BoxFuture, ClassWeights, FitContext, FitError, Fitted, Outcome, PredictContext, Predictor, Progress, Recipe,
    RowError, RowErrorKind, SaveError,
};
pub use provider::{
    Dialect, KeyScheme, ModelRef, ProviderAddress, WELL_KNOWN_PROVIDERS, WellKnownProvider, key_variable,
};
pub use rows::{Cell, Column, Rows, RowsBuilder, RowsError, parse_time};
pub use truth::{LabelledRows, Truth};
pub use usage::{Usage, Usd};
