//! The scripted server as a client sees it, byte by byte.

mod billing;
mod client;
mod command;
mod conformance;
mod dialects;
mod faults;
mod wire;
