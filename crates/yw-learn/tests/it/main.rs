//! The crate from outside.

mod determinism;
mod featurizer;
mod fixtures;
mod linear;
mod nearest;
