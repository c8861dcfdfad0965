//! The two traits in the middle of the program, and what passes through them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use futures::future::BoxFuture;

use crate::{Answer, Explanation, LabelledRows, Rows, Usage};

/// A candidate before fitting: what the project file says, checked.
///
/// Recipes are cheap, hold their parameters and the handles they need (a gateway, a library), and can be fitted any
/// number of times.
pub trait Recipe: Send + Sync {
    /// Learns from `train` and returns a predictor.
    ///
    /// *Deterministic*: the same rows, recipe and seed give the same predictor, whatever the number of threads, as
    /// far as it depends on us and not on a provider. *Cancellation*: dropping the future stops waiting for networks;
    /// numeric work that was started runs to its end.
    fn fit<'a>(&'a self, train: &'a LabelledRows, context: &'a FitContext) -> BoxFuture<'a, Result<Fitted, FitError>>;
}

/// What a fit gives.
#[derive(Clone)]
pub struct Fitted {
    /// The predictor.
    pub predictor: Arc<dyn Predictor>,
    /// What the fit consumed; nothing, for what is learned on this machine.
    pub usage: Usage,
    /// What the user should know of the fit (that it did not converge, say), as sentences.
    pub notes: Vec<String>,
    /// What a learned model weighs most, where it can tell.
    pub weights: Vec<ClassWeights>,
}

/// The features that speak most for or against one answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassWeights {
    /// The label; none for booleans (they speak for true) and numbers.
    pub class: Option<String>,
    /// Feature names with their weights, largest magnitude first.
    pub features: Vec<(String, f64)>,
}

impl Fitted {
    /// A predictor whose fit cost nothing and went as expected.
    pub fn new(predictor: impl Predictor + 'static) -> Self {
        Fitted { predictor: Arc::new(predictor), usage: Usage::default(), notes: Vec::new(), weights: Vec::new() }
    }
}

/// A candidate after fitting: rows in, answers out.
///
/// *Order*: the outcome at position i is that of row i, and there are as many outcomes as rows. *Isolation*: a row's
/// outcome depends on that row alone, and a bad row fails alone. *Threads*: may be shared and called concurrently.
pub trait Predictor: Send + Sync {
    /// Answers every row, or says why not.
    fn predict<'a>(&'a self, rows: &'a Rows, context: &'a PredictContext) -> BoxFuture<'a, Vec<Outcome>>;

    /// What each feature contributes to the scores of each row. None, the default, for what cannot be taken apart.
    fn explain<'a>(&'a self, _rows: &'a Rows) -> BoxFuture<'a, Option<Explanation>> {
        Box::pin(std::future::ready(None))
    }

    /// Whether answers are asked of a provider, and may have to be paid for. Not so by default.
    fn asks(&self) -> bool {
        false
    }

    /// Writes all that is needed to load the predictor again, for the same task, as files in `dir`, which exists and is
    /// empty, or in folders below it. The same predictor writes the same bytes.
    fn save(&self, dir: &Path) -> Result<(), SaveError>;
}

/// What a fit may use besides its rows.
#[derive(Clone)]
pub struct FitContext {
    /// Seed of every random choice.
    pub seed: u64,
    /// Where to report progress.
    pub progress: Progress,
}

/// What a prediction may use besides its rows.
#[derive(Clone, Default)]
pub struct PredictContext {
    /// Where to report progress, one step a row.
    pub progress: Progress,
}

/// A counter of finished steps that someone may be watching. The default is watched by nobody.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<dyn Fn(u64) + Send + Sync>>);

impl Progress {
    /// Calls `on_steps` with the number of steps finished since the last call; it must be quick and may be called from
    /// any thread.
    pub fn new(on_steps: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Progress(Some(Arc::new(on_steps)))
    }

    /// Reports that `n` more steps are finished.
    pub fn advance(&self, n: u64) {
        if let Some(on_steps) = &self.0 {
            on_steps(n);
        }
    }
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The answer, or why there is none.
    pub result: Result<Answer, RowError>,
    /// What the row consumed, failed tries included.
    pub usage: Usage,
    /// How long the row took, where the predictor waited for a network; for an answer found in the store, how long it
    /// took when it was made.
    pub latency: Option<Duration>,
}

impl Outcome {
    /// An answer that cost nothing.
    pub fn answered(answer: Answer) -> Self {
        Outcome { result: Ok(answer), usage: Usage::default(), latency: None }
    }

    /// A failure that cost nothing.
    pub fn failed(kind: RowErrorKind, message: impl Into<String>) -> Self {
        Outcome { result: Err(RowError { kind, message: message.into() }), usage: Usage::default(), latency: None }
    }
}

/// Why one row has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RowError {
    /// What sort of failure it is.
    pub kind: RowErrorKind,
    /// What happened, and what to do, for the person who sent the row.
    pub message: String,
}

/// The sorts of row failures. Their names are stable: they stand in reports, logs and responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowErrorKind {
    /// The row itself cannot be answered.
    Input,
    /// A provider did not answer, after all retries.
    Provider,
    /// The model answered, but not with an answer of the task's type.
    Violation,
    /// The row was not asked, because the money limit would be passed.
    Budget,
    /// The program is at fault.
    Internal,
}

impl RowErrorKind {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            RowErrorKind::Input => "input",
            RowErrorKind::Provider => "provider",
            RowErrorKind::Violation => "violation",
            RowErrorKind::Budget => "budget",
            RowErrorKind::Internal => "internal",
        }
    }
}

/// Why a recipe gave no predictor.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// The candidate cannot run here, and the user can change that.
    #[error("{reason}")]
    Skipped {
        /// What is missing, and what to set.
        reason: String,
    },
    /// The training rows do not allow a fit.
    #[error("{reason}")]
    Data {
        /// What is wrong with them.
        reason: String,
    },
    /// Anything else.
    #[error("the fit failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a predictor could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The file system refused.
    #[error("cannot write {path}")]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The predictor cannot be expressed in its format.
    #[error("cannot encode the predictor")]
    Encode(#[source] Box<dyn std::error::Error + Send + Sync>),
}
