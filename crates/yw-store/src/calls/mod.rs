//! Calls of the gateway: finding them, summing them up, and forgetting the oldest.

mod filter;
mod insert;
mod read;
mod spent;
mod sums;
mod trim;

pub use self::filter::{CallFilter, CallOutcome, CallPosition};
pub(crate) use self::insert::{CallRow, insertion, picos};
pub use self::spent::{Spent, SpentSince};
pub use self::sums::{CallGroup, CallSum};
pub use self::trim::TrimmedCalls;
