//! The product at its command line, from the outside: the built binary, real files, a scripted provider, real HTTP.

mod ask;
mod bad_input;
mod budget;
mod cassette;
mod cli;
mod crash;
mod explain;
mod full_disk;
mod gateway;
mod http;
#[cfg(target_os = "linux")]
mod memory;
mod moving;
mod predict;
mod proxy;
mod readme;
mod serve;
mod support;
mod telemetry;
