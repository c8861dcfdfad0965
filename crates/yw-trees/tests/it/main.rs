//! The growing engine against enumeration, and what other programs' models are here and ours there.

mod bad_input;
mod best_split;
mod boosting;
mod brute;
mod compiled;
mod constraints;
mod formats;
mod growth;
mod invariance;
mod parameters;
mod table;
mod threads;
