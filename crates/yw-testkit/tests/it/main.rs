//! The scripted server as a client sees it, byte by byte.

mod accounts;
mod billing;
mod client;
mod command;
mod conformance;
mod dialects;
mod digest;
mod embeddings;
mod faults;
mod named;
mod platforms;
mod speed;
mod streams;
mod tools;
mod wire;
