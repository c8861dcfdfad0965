//! Histogram gradient boosting and forests, their explanations and their file formats.

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
