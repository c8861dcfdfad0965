//! What keys may use: requests, tokens and dollars per minute, hour, day, month, or in all.
//!
//! A [`Limiter`] counts for any number of keys, and for everything together. Before a call is sent,
//! [`Limiter::admit`] sets the most that it can use aside, or refuses: nothing ever waits here. Afterwards the
//! [`Reservation`] is settled with what the call did use. Because the whole bound is set aside before anything is sent,
//! no number of calls at the same time passes a limit, as long as no call uses more than its bound.
//!
//! # Windows are calendar windows in UTC
//!
//! A limit of `20/month` is for the month of the calendar, not for any 30 days; one of `60/min` is for each minute of
//! the clock. That is what providers' own bills and limits do, and what a person can check against the records. And it
//! is exact where a sliding window cannot be: a window's use is one sum over the records since its start, so a restart
//! in the middle of a day restores it to the last token, and two programs that read the same records agree. A sliding
//! window would have to keep the time of every call, or to approximate; and approximations are wrong exactly at the
//! boundary. The price is that two windows' worth can be used around a boundary, half a window apart. Unix time has no
//! leap seconds, so every minute has 60 seconds here.
//!
//! # What counts
//!
//! - *Requests*: each call that was admitted, whatever became of it. Refused calls do not count.
//! - *Tokens and dollars*: what the provider says that it bills. Where the answer was lost after the request was sent,
//!   all that was set aside; where the request was certainly not billed, nothing.
//! - A call counts in the windows in which it was admitted, even if it ends in later ones.
//!
//! ```
//! use jiff::Timestamp;
//! use yw_gateway::limits::{Ask, Limiter, LimitSpec, Measure, Payer, Used};
//! use yw_task::Usd;
//!
//! let limits = LimitSpec::default().with(Measure::Dollars, "20/month").unwrap();
//! let limiter = Limiter::new(LimitSpec::default());
//! let payer = Payer { key: "k1", limits: &limits };
//! let ask = Ask { input_tokens_bound: 900, output_tokens_bound: 100, dollars_bound: Usd::from_dollars(0.25) };
//!
//! let mut reservation = limiter.admit(Some(payer), Timestamp::now(), &ask).unwrap();
//! reservation.mark_sent();
//! reservation.settle(Used { tokens: 950, dollars: Usd::from_dollars(0.2) });
//! ```

mod error;
mod limiter;
mod meter;
mod reservation;
mod spec;
#[cfg(test)]
mod tests;
mod window;
mod words;

pub use error::{Amount, Exceeded, LimitState, Scope};
pub use limiter::{Ask, Limiter, Payer};
pub use meter::Spent;
pub use reservation::{Reservation, Used};
pub use spec::{LimitSpec, Measure};
pub use window::{PerWindow, Window};
pub use words::LimitError;
