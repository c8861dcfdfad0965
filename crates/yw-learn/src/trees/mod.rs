//! Boosted trees and forests of `yw-trees` over typed fields.

mod columns;
mod file;
mod model;
mod params;
mod texts;
mod watched;

pub(crate) use self::model::TreesModel;
pub use self::params::{Monotone, TreesParams};
