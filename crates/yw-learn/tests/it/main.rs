//! The crate from outside.

mod determinism;
mod explain;
mod featurizer;
mod fixtures;
mod levels;
mod linear;
mod nearest;
mod old_versions;
mod trees;
