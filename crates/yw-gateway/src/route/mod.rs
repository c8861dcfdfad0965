//! Which model to ask next: routes over several models, their health, and how long each may take.
//!
//! A [`Router`] makes a [`Plan`] for each call: an order of its targets by the route's [`Strategy`]. Each step of the plan
//! is an [`Attempt`], which tells the target's [`Health`] how it went; from that come latencies, circuit breakers, and so
//! the plans of later calls. Health belongs to a model, not to a route: routes of one [`HealthBook`] share it.
//!
//! Nothing here waits, sends, or reads a clock: all methods take the time.
//!
//! ```
//! use std::time::Instant;
//! use yw_gateway::route::{AttemptOutcome, Deadlines, Dice, HealthBook, RouteSpec, Router, Target};
//!
//! let targets = ["anthropic/claude-haiku-4-5", "openai/gpt-5-mini"].map(|model| Target::parse(model).unwrap());
//! let router = Router::new(RouteSpec::new("fast", targets.into()), &HealthBook::default()).unwrap();
//!
//! let mut dice = Dice::seeded(7);
//! let start = Instant::now();
//! let deadlines = Deadlines::new(router.spec(), start);
//! let mut plan = router.plan(start, None, &mut dice);
//! while let Some(mut step) = plan.next_attempt(Instant::now()) {
//!     std::thread::sleep(step.pause(&mut dice));
//!     step.attempt.sent_at(Instant::now());
//!     let Some(until) = deadlines.attempt(Instant::now()) else { break };
//!     let model = &router.spec().targets[step.target].model;
//!     // Ask `model`, until `until.ends_at` at most.
//!     step.attempt.finish(Instant::now(), AttemptOutcome::Answered);
//!     break;
//! }
//! ```
//!
//! # How a target is judged
//!
//! The breaker of a model is *closed* while it answers. It *opens* after some failures in a row, after a share of failures
//! over a sliding window, or for as long as a provider's `retry-after` says. While it is open, plans have the target last:
//! it is never dropped, so that a route whose targets all fail still tries. After the cool-down it is *half open*: one
//! attempt at a time probes it, at its usual place in the plan. A probe that is answered closes the breaker; one that
//! fails opens it again, each time for twice as long, up to a maximum.

mod breaker;
mod deadlines;
mod dice;
mod health;
mod latency;
mod order;
mod plan;
mod spec;
#[cfg(test)]
mod tests;

pub use breaker::BreakerState;
pub use deadlines::{AttemptDeadlines, Deadlines};
pub use dice::Dice;
pub use health::{Attempt, AttemptOutcome, Health, HealthBook};
pub use plan::{Plan, Router, Step};
pub use spec::{BreakerSpec, RouteError, RouteSpec, Strategy, Target};
