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
//! The types to know are [`Gateway`], [`ProviderConfig`] and [`Budget`].
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
//! HTTP proxies are taken from `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, except for loopback addresses. Certificates are
//! checked by the operating system's rules, or against Mozilla's roots where the system has none. Redirects are not
//! followed.
//!
//! Not here: what is on the wire (`yw-llm`), where replies are kept (`yw-store` implements [`ReplyStore`]), prompts and
//! typed answers (`yw-arena`), reading keys from the environment (the binary).

mod attempt;
mod budget;
mod client;
mod config;
mod error;
mod flight;
mod gateway;
mod key;
mod provider;
mod retry;
mod store;

pub use budget::Budget;
pub use config::{GatewayConfig, ProviderConfig, Secret};
pub use error::{CallError, GatewayError, StoreError};
pub use gateway::{CallOptions, Gateway, Reply};
pub use store::{MemoryReplyStore, ReplyStore};
