//! The store from outside: what it keeps, what it refuses, and what is left of it when its process is killed.

mod artifacts;
mod background;
mod calls;
mod champions;
mod child;
mod crash;
mod damage;
mod disk;
mod keys;
mod log;
mod old_versions;
mod processes;
mod replies;
mod response_cache;
mod runs;
mod support;
