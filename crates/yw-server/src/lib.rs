//! The HTTP server: champions behind `POST /v1/tasks/{task}/predict`, with a durable log and feedback, and the models of
//! every provider behind the dialects of OpenAI and Anthropic.
//!
//! One folder per resource: `tasks` (list and predict), `feedback`, `gateway` (the dialects of OpenAI and Anthropic in
//! front of every provider), `health`, `metrics`, `openapi`. Everything a
//! request can do wrong becomes an [`ApiError`] with a status, a stable code and a message, or on the gateway's paths an
//! error of the client's dialect; an answer is in the log under its id before the client has it, or the end of it.
//!
//! The types to know are [`Server`] (bind, then run until shutdown), [`App`] (what handlers share) and [`ApiError`].
//!
//! ```no_run
//! # async fn example(project: yw_config::Project, store: yw_store::Store, asking: yw_arena::Asking)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! let app = yw_server::App::open(&project, &store, &asking, None).await?;
//! let server = yw_server::Server::bind(app, project.serve.address).await?;
//! println!("listening on {}", server.address());
//! server.run(async { tokio::signal::ctrl_c().await.unwrap_or_default() }).await;
//! # Ok(())
//! # }
//! ```
//!
//! Not here: how answers are made (`yw-arena`), how providers are asked (`yw-gateway`), where the log is (`yw-store`), the
//! command line (`yellowwood`).

mod app;
mod champions;
mod error;
mod feedback;
mod gateway;
mod guard;
mod health;
mod metrics;
mod openapi;
mod server;
mod tasks;

pub use app::App;
pub use champions::ChampionError;
pub use error::ApiError;
pub use gateway::OpenError;
pub use server::{BindError, Server};
pub use tasks::{ContributionBody, ExplanationBody};
