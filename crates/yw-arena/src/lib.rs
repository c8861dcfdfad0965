//! The arena: every candidate of a task, from either road, on the same rows with the same statistics.
//!
//! A checked project goes in, a [`Report`] with its [`Verdict`] comes out. [`run()`] reads the data, makes the candidates,
//! fits each on the training rows, lets it answer the test rows, scores it with intervals, compares it row by row with
//! the best, and decides. [`publish()`] keeps the result, [`load()`] brings a kept predictor back to answer.
//!
//! The types to know are [`Report`] (what a run found), [`Candidate`] (a named recipe, from the one table that knows
//! the kinds) and [`LoadedPredictor`] (a version that can answer, with the fields it needs).
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let project = yw_config::load("examples/tickets".as_ref())?;
//! let asking = yw_arena::connect(&project, None, None, |name| std::env::var(name).ok())?;
//! let finished = yw_arena::run(&project, &project.tasks[0], &asking, yw_arena::nobody()).await?;
//! println!("{}", finished.report.verdict.reason);
//! # Ok(())
//! # }
//! ```
//!
//! Not here: metrics and tests (`yw-stats`), models (`yw-learn`), calling providers (`yw-gateway`), showing a report
//! (`yw-report`, `yellowwood`).

mod artifact;
mod ask;
mod candidate;
mod cascade;
mod connect;
mod data;
mod decided;
mod entry;
mod estimate;
mod evaluate;
mod explain;
mod learned;
mod publish;
mod random;
pub mod report;
mod run;
mod tune;
mod verdict;

pub use artifact::{ARTIFACT_FORMAT, LoadError, LoadedPredictor, load};
pub use ask::Asking;
pub use candidate::{BASELINE, Candidate, CandidateError, candidates};
pub use connect::{ConnectError, connect, gateway};
pub use data::{DataError, DataSplit, TaskData, source_of, table_spec_of};
pub use estimate::{AskEstimate, estimate};
pub use explain::{
    Attributions, Contributions, ExplainError, FeatureContribution, FieldImportance, ModelExplanation, attributions,
    explain,
};
pub use publish::{PublishError, config_hash, publish, record_of};
pub use report::{Report, Verdict};
pub use run::{Finished, RunError, Watcher, nobody, run};
