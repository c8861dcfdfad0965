//! Nearest neighbours: answers from the most similar training rows.

mod index;
mod model;
mod params;

pub(crate) use self::model::NearestModel;

pub use self::index::NearestRows;
pub use self::params::{Distance, NearestParams, VoteWeights};
