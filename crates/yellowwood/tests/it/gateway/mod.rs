//! The gateway behind `yw serve`, in front of scripted providers: what it costs, what breaks, what leaks, what lasts.

mod budget;
mod cost;
mod crash;
mod dialect;
mod faults;
mod limits;
mod rig;
mod secrets;
mod smuggling;
mod streams;
mod tasks;
mod wire;
