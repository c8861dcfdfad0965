//! The memory of a project, in `.yellowwood/` beside its file: runs, champions, artifacts, paid replies, the log of what
//! was served, and the calls, keys and cached responses of the gateway. Deleting it loses history, never sources, except
//! for keys, which then have to be made anew.
//!
//! The types to know are [`Store`] (open it once, clone it freely), [`RunRecord`] (the documented JSON of a run) and
//! [`LogWriter`] (appends what was answered and what was called, in microseconds, so that nothing acknowledged is ever
//! lost).
//!
//! ```
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! # let project = tempfile::tempdir()?;
//! let store = yw_store::Store::open(&project.path().join(".yellowwood")).await?;
//!
//! store.replies_put(&[7; 32], b"an answer that cost money").await?;
//! // Whatever happens to the process from here on, it is not paid for again.
//! assert_eq!(store.replies_get(&[7; 32]).await?.as_deref(), Some(&b"an answer that cost money"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Not here: what is in an artifact (`yw-arena`), how a verdict is reached (`yw-stats`), printing (`yellowwood`). No
//! other crate knows that there is SQL. The layout on disk is described in the crate's README.

mod artifact;
mod background;
mod calls;
mod champions;
mod database;
mod error;
mod files;
mod header;
mod keys;
mod log;
mod migrate;
mod record;
mod replies;
mod response_cache;
mod runs;
mod store;

pub use artifact::{
    ArtifactDir, ArtifactFile, ArtifactId, ArtifactManifest, ArtifactProblem, NewArtifact, NotAnArtifactId,
};
pub use calls::{CallFilter, CallGroup, CallOutcome, CallPosition, CallSum, Spent, SpentSince, TrimmedCalls};
pub use champions::{Champion, Promotion};
pub use error::{BoxError, StoreError};
pub use files::RunLock;
pub use keys::KeyRecord;
pub use log::{FeedbackRecord, LogEntry, LogError, LogPage, LogPosition, LogRecord, LogWriter};
pub use record::{
    CallAttempt, CallOperation, CallRecord, CallTokens, CandidateRecord, CandidateStatus, Comparison, CurveRecord,
    DataRecord, DependenceRecord, ExplanationRecord, FeatureRecord, Interval, Latency, RecordError, Road, RunRecord,
    Score, UsageRecord, UsdRecord, VerdictRecord,
};
pub use response_cache::{CachedResponse, TrimmedCache};
pub use runs::RunSummary;
pub use store::Store;

/// A new id for a run or an answer: unique anywhere, and sorting by the time it was made.
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}
