//! Tests through the public interface, as one binary.

mod bad_input;
mod formats;
mod hostile;
mod infer;
mod profile;
mod remote;
mod split;
mod stream;
mod support;
mod write;
