//! Gradient-boosted trees and forests: fitting, prediction, explanations, and model files.
//!
//! Trees are grown on binned columns with gradients rounded to small integers, as LightGBM does; losses, penalties and names
//! of parameters are those that XGBoost, LightGBM and scikit-learn agree on. The same rows, parameters and seed give the
//! same bytes, whatever the number of threads.
//!
//! The types to know:
//!
//! - [`LabelledColumns`]: what is learned from: borrowed [`Columns`] in the layout of Arrow, with missing values and
//!   categories, and a [`Target`].
//! - [`TreesParams`]: how trees are grown; its [`Objective`] says what for.
//! - [`Ensemble`]: what comes of it, or is read from a file: plain trees, open to all. [`Ensemble::fit`] grows one,
//!   [`CompiledEnsemble`] answers quickly for many rows, [`Explainer`] says why, [`read_model`] reads those of others.
//!
//! ```
//! use yw_trees::{Columns, Ensemble, Feature, LabelledColumns, Objective, Target, TreesParams};
//!
//! // Which rows are positive: those with a large number, unless they are of level 2.
//! let amounts: Vec<f64> = (0..400).map(|row| f64::from(row % 20)).collect();
//! let kinds: Vec<u32> = (0..400).map(|row| row / 20 % 3).collect();
//! let labels: Vec<f64> =
//!     amounts.iter().zip(&kinds).map(|(&amount, &kind)| f64::from(u8::from(amount > 9.5 && kind != 2))).collect();
//! let features = vec![Feature::F64(&amounts, None), Feature::Levels(&kinds)];
//! let train = LabelledColumns {
//!     columns: Columns::new(400, features),
//!     target: Target { values: &labels, weights: None, group_sizes: None },
//! };
//!
//! let params = TreesParams { trees: 50, learning_rate: 0.2, ..TreesParams::new(Objective::Logistic) };
//! let fitted = Ensemble::fit(&train, None, None, &params)?;
//!
//! let rows = Columns::new(3, vec![Feature::F64(&[15.0, 15.0, f64::NAN], None), Feature::Levels(&[0, 2, 1])]);
//! let probabilities = fitted.ensemble.predict(&rows);
//! assert!(probabilities[0] > 0.95 && probabilities[1] < 0.05);
//!
//! let again = Ensemble::from_bytes(&fitted.ensemble.to_bytes()).unwrap();
//! assert_eq!(again, fitted.ensemble);
//! # Ok::<(), yw_trees::FitError>(())
//! ```
//!
//! Not here: fields and answers, levels as texts, calibration, thresholds and tuning (`yw-learn` has them); reading tables;
//! linear leaves, several outputs per leaf, and losses of one's own. The crate's README describes the file formats.

mod bins;
mod boost;
mod columns;
mod ensemble;
mod error;
mod explain;
mod fit;
mod format;
mod grow;
mod objective;
mod params;
mod predict;
mod random;
mod sample;
mod search;
mod tree;

pub use columns::{Bitmap, Columns, Feature, MISSING_LEVEL};
pub use ensemble::{Ensemble, FeatureInfo, Link};
pub use error::FitError;
pub use explain::{Contributions, ExplainError, Explainer, Importance};
pub use fit::{Fitted, LabelledColumns};
pub use format::{ExportError, FormatError, ModelFile, ModelFormat, Place, read_model};
pub use objective::{Gradient, Objective, Target};
pub use params::{Goss, Growth, Mode, Monotone, TreesParams};
pub use predict::CompiledEnsemble;
pub use tree::{Child, Leaf, LevelSet, Rule, Split, Tree};
