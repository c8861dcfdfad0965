//! Models that are learned from labelled rows: linear models, nearest neighbours, baselines; and what turns the
//! probabilities of any model into good answers.
//!
//! The types to know are [`Model`] (fit, answer, save, load), [`ModelParams`] (which model, and how) and [`Featurizer`]
//! (from typed fields to numbers; every model has its own inside). [`NearestRows`] finds similar training rows for those
//! who want the rows and not an answer. [`Decider`] calibrates probabilities and decides, as it learned from those of rows that a
//! model did not learn from ([`Folds::out_of_fold`], [`HeldOut`]). Settings are searched for with [`search`].
//!
//! ```
//! use yw_learn::{LinearParams, Model, ModelParams};
//! use yw_task::{Cell, Field, FieldType, LabelSet, LabelledRows, RowsBuilder, Truth};
//!
//! let mut rows = RowsBuilder::new([Field::new("body", FieldType::Text), Field::new("seats", FieldType::Number)].into());
//! for (body, seats) in [("my card was stolen", 1.0), ("card lost", 2.0), ("new invoice please", 9.0), ("pay an invoice", 7.0)] {
//!     rows.push(&[Cell::Text(body), Cell::Number(seats)])?;
//! }
//! let truth = Truth::Label { ids: vec![0, 0, 1, 1], labels: LabelSet::sorted(["cards", "invoices"]) };
//! let train = LabelledRows { rows: rows.finish(), truth, groups: None };
//!
//! let model = Model::fit(&train, &ModelParams::Linear(LinearParams::default()), 0)?;
//! let loaded = Model::from_bytes(&model.to_bytes())?;
//! let answer = &loaded.answers(&train.rows)[0];
//! assert_eq!(answer.value.to_string(), "cards");
//! assert!(answer.confidence().is_some_and(|p| p > 0.5));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Everything is synchronous and runs on the rayon pool it is called in. The same rows, parameters and seed give the same
//! bytes, whatever the number of threads.
//!
//! Not here: how trees are grown (`yw-trees`), metrics (`yw-stats`), reading tables (`yw-table`), the project file.

mod answers;
mod baseline;
mod bytes;
mod calibrate;
mod decide;
mod error;
mod featurize;
mod folds;
mod held_out;
mod linear;
mod model;
mod nearest;
mod parallel;
mod probability;
mod random;
pub mod search;
mod trees;

pub use baseline::{BaselineParams, Typical};
pub use calibrate::{CalibrationLoss, CalibrationMethod, Calibrator, ChosenCalibrator};
pub use decide::{Costs, Decider, DecisionObjective, DecisionRule, LearnedDecider, TunedRule};
pub use error::{FitError, FormatError};
pub use featurize::{
    CategoryParams, FeatureMatrix, FeatureRow, Featurizer, FeaturizerParams, Impute, NumberParams, TextParams,
};
pub use folds::{Folds, Split, class_ids};
pub use held_out::{HeldOut, class_probabilities};
pub use linear::{ClassImportance, ClassWeight, FeatureWeight, LinearLoss, LinearParams};
pub use model::{FitSummary, Model, ModelParams};
pub use nearest::{Distance, NearestParams, NearestRows, VoteWeights};
pub use trees::{Monotone, TreesParams};
