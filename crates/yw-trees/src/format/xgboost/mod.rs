//! XGBoost's `.json` and `.ubj`: the same keys in two encodings.

mod categories;
mod read;
mod tree;
mod write;

pub(super) use read::read;
