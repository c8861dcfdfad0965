//! Test tools: a scripted provider of models with faults, seeded data, throw-away projects, and conformance suites.
//!
//! Tests need no network and no key: what they would ask a provider they ask a [`ScriptedServer`], which answers,
//! charges and fails exactly as its [`Script`] says and keeps a [`Bill`] to compare with.
//!
//! ```
//! use yw_testkit::{Fault, Script, ScriptedServer, When};
//!
//! let script = Script::echo_label(&[("invoice", "billing")], "technical")
//!     .fault(When::FirstAttempts(1), Fault::status(500));
//! let server = ScriptedServer::spawn_thread(script)?;
//! let base_url = server.base_url_openai(); // put it into `[provider.scripted] base_url = …`, and run
//! assert_eq!(server.bill().usage.calls, 0);
//! # assert!(base_url.ends_with("/v1"));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Everything here panics on trouble of its own (a folder that cannot be written): it runs in tests, where a panic is
//! the report. Not here: the product's own codecs and clients (`yw-llm`, `yw-gateway`), on purpose, so that a mistake
//! there is not made here too.

mod aws;
mod bill;
mod command;
pub mod conformance;
mod dialect;
mod endpoint;
mod eventstream;
mod fault;
mod fixture;
mod mask;
mod named;
mod reply;
mod request;
mod rng;
mod schema;
mod script;
mod server;
mod tokens;
mod workspace;

pub use bill::{Bill, Line, RecordedRequest};
pub use command::{Captured, Running, Yw};
pub use fault::{Fault, When};
pub use fixture::Fixture;
pub use mask::{MASKS, mask};
pub use reply::{Reply, Stop, ToolCall};
pub use request::{ChatMessage, ChatRequest, Settings, Tool, ToolChoice};
pub use rng::Rng;
pub use script::Script;
pub use server::ScriptedServer;
pub use tokens::{Prices, Tokens};
pub use workspace::Workspace;
