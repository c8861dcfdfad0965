//! LightGBM's text format, versions 3 and 4.

mod read;
mod text;
mod tree;
mod write;

pub(super) use read::read;
