//! The arena as its callers see it: whole projects, real files, the scripted server over real sockets.

mod artifacts;
mod asking;
mod data;
mod explain;
mod kinds;
mod roads;
mod runs;
mod support;
