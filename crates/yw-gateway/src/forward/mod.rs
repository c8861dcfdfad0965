//! Passing a client's request on to a model, in whatever dialect its provider speaks, and the answer back.
//!
//! [`Gateway::forward`](crate::Gateway::forward) tries the models of a route in turn until one answers. Where client and
//! provider speak the same dialect the bytes pass through, with only the model's name replaced; elsewhere both
//! directions are translated. A stream is handed out from its first content on: until then a failure is answered by the
//! next model, unseen.

mod attempt;
mod call;
mod count;
mod drive;
mod prepare;
mod report;
mod stream;
mod whole;

pub use call::{ClientCall, Operation};
pub use drive::{Answer, Forwarded, Refused};
pub use report::{AttemptReport, Report};
pub use stream::AnswerStream;
