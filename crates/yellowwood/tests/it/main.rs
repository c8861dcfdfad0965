//! The product at its command line, from the outside: the built binary, real files, a scripted provider, real HTTP.

mod ask;
mod bad_input;
mod budget;
mod cli;
mod crash;
mod explain;
mod full_disk;
mod http;
#[cfg(target_os = "linux")]
mod memory;
mod predict;
mod readme;
mod serve;
mod support;
