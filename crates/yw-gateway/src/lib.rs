//! Calls models: one [`Gateway`] for all providers, with retries, limits, budgets, and a store of every paid answer.
//!
//! [`Gateway::complete`] asks one model one [`Request`](yw_llm::Request) and returns a [`Reply`]. What it promises:
//!
//! - *Nothing is paid twice.* A reply is in the [`ReplyStore`] before `complete` returns it. Its key is made of everything
//!   that could change it: dialect, address, the exact bytes of the request, and the caller's salt. The same call later
//!   finds the reply there; the same call at the same time waits for it.
//! - *A [`Budget`] is never passed.* Before each attempt the most that it can cost is reserved; afterwards the actual cost
//!   takes its place.
//! - *Failures that pass are waited for.* 408, 409, 429 and 5xx, broken connections, timeouts and cut or garbled replies
//!   are tried again after what the provider asks for, or else an exponential delay. Everything else fails at once, with
//!   the provider's message.
//! - *Keys stay secret.* No error, log line or `Debug` output holds one.
//!
//! The types to know are [`Gateway`], [`ProviderConfig`] and [`Budget`]. Beside them, for calls of any kind: [`auth`] proves
//! to a provider or a cloud who asks, [`cassette`] records exchanges and plays them again, [`telemetry`] tells OpenTelemetry.
//!
//! ```no_run
//! use yw_gateway::{Budget, CallOptions, Gateway, GatewayConfig, ProviderConfig, Secret};
//! use yw_llm::{PriceTable, Request};
//! use yw_task::{ModelRef, Usd};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let openai = ProviderConfig::well_known("openai").unwrap().with_api_key(Secret::new("sk-..."));
//! let gateway = Gateway::new(GatewayConfig { providers: vec![openai], prices: PriceTable::builtin() }, None)?;
//!
//! let budget = Budget::new(Usd::from_dollars(0.5));
//! let options = CallOptions { budget: Some(&budget), ..CallOptions::default() };
//! let model = ModelRef::parse("openai/gpt-5-mini").unwrap();
//! let reply = gateway.complete(&model, &Request::new("Is water wet?", 100), &options).await?;
//! println!("{} for {}", reply.response.text, reply.usage.usd);
//! # Ok(())
//! # }
//! ```
//!
//! [`Gateway::forward`] is for a server that lends models to many callers: it takes a [`ClientCall`] in the client's dialect,
//! asks the models of a [`Router`](route::Router) until one answers, and gives the answer in that dialect, whole or as an
//! [`AnswerStream`], with a [`Report`] of what it took. It keeps nothing and limits nothing. Beside it there are three parts
//! that send nothing and read no clock:
//!
//! - [`keys`]: who calls, and which models, routes and tasks they may use.
//! - [`limits`]: how many requests, tokens and dollars they may use, per minute, hour, day, month or in all.
//! - [`route`]: which model to ask next, by order, weight or latency, and which to leave alone for a while.
//!
//! HTTP proxies are taken from `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, except for loopback addresses. Certificates are
//! checked by the operating system's rules, or against Mozilla's roots where the system has none. Redirects are not
//! followed.
//!
//! Not here: what is on the wire (`yw-llm`), where replies are kept (`yw-store` implements [`ReplyStore`]), prompts and
//! typed answers (`yw-arena`), reading keys from the environment (the binary).

mod attempt;
pub mod auth;
mod budget;
pub mod cassette;
mod client;
mod config;
mod error;
#[cfg(test)]
mod fake;
mod flight;
mod forward;
mod gateway;
mod key;
pub mod keys;
pub mod limits;
mod provider;
mod retry;
pub mod route;
mod store;
pub mod telemetry;
mod wire;

pub use budget::Budget;
pub use config::{GatewayConfig, ProviderConfig, Secret};
pub use error::{CallError, GatewayError, StoreError};
pub use forward::{Answer, AnswerStream, AttemptReport, ClientCall, Forwarded, Operation, Refused, Report};
pub use gateway::{CallOptions, Gateway, Reply};
pub use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
pub use store::{MemoryReplyStore, ReplyStore};
