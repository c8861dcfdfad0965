//! Appending to the log.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::ingest::{Live, ingest_folder};
use super::segment::{Segment, push_frame};
use super::{LogRecord, folder};
use crate::database::Database;
use crate::files::blocking;
use crate::{StoreError, files};

/// Appends to the serving log. Clones append to the same one, and any number of processes may have one each.
#[derive(Debug, Clone)]
pub struct LogWriter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    database: Arc<Database>,
    state_dir: PathBuf,
    /// Where the next record goes.
    active: Mutex<Segment>,
    /// Held while segments are brought in, so that whoever comes second finds it done.
    ingesting: tokio::sync::Mutex<()>,
}

/// How often the segment is brought into the database. Long enough for one sync of the disk to serve many records,
/// short enough to do it in small bites on a processor that has requests to answer.
const INGEST_EVERY: Duration = Duration::from_millis(200);

/// How often it is tried while it fails.
const INGEST_AT_LEAST_EVERY: Duration = Duration::from_secs(10);

impl LogWriter {
    /// Starts a writer, and the task that empties its segments; the task ends after the last clone is dropped.
    pub(crate) async fn start(database: Arc<Database>, state_dir: &Path) -> Result<Self, StoreError> {
        files::create_dir(&folder(state_dir))?;
        // The first segment now: a disk that takes no log is better found at the start than at the first answer.
        let active = Mutex::new(new_segment(state_dir)?);
        let shared = Shared { database, state_dir: state_dir.to_owned(), active, ingesting: Default::default() };
        let writer = LogWriter { shared: Arc::new(shared) };
        tokio::spawn(ingest_regularly(Arc::downgrade(&writer.shared)));
        Ok(writer)
    }

    /// Appends records: all of them or, on an error, perhaps some. When it returns `Ok` they survive kill -9 at any
    /// moment. They survive the loss of power from a fraction of a second later, when they are in the database.
    ///
    /// The write goes to the page cache and takes microseconds, which is less than handing it to another thread would;
    /// it is therefore done on the caller's. It is async because a store on another machine would have to wait.
    pub async fn append(&self, records: &[LogRecord]) -> Result<(), StoreError> {
        let refused = |e| StoreError::from_io("append to", WRITING, &folder(&self.shared.state_dir), e);
        let mut frames = Vec::with_capacity(records.len() * 768);
        for record in records {
            let payload = serde_json::to_vec(record).map_err(|e| StoreError::Record {
                what: "log record",
                id: record.id.clone(),
                source: e.into(),
            })?;
            push_frame(&mut frames, &payload).map_err(refused)?;
        }
        self.shared.active().append(&frames).map_err(refused)
    }

    /// Brings all that was appended into the database.
    pub(crate) async fn ingest(&self) -> Result<(), StoreError> {
        self.shared.ingest().await
    }
}

const WRITING: &str = "the serving log";

impl Shared {
    // A panic cannot leave a segment half changed: it knows itself what it may have to cut off.
    fn active(&self) -> MutexGuard<'_, Segment> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finishes the active segment, if it is not empty, in favour of a new one.
    async fn replace_active(&self) -> Result<(), StoreError> {
        if self.active().is_empty() {
            return Ok(());
        }
        // Created while others append, and beside the runtime's threads, so that none of them has to wait for the disk.
        let state_dir = self.state_dir.clone();
        let new = blocking(&self.state_dir, move || new_segment(&state_dir)).await?;
        let finished = std::mem::replace(&mut *self.active(), new);
        drop(finished); // and with it the system's lock
        Ok(())
    }

    async fn ingest(&self) -> Result<(), StoreError> {
        let _turn = self.ingesting.lock().await;
        self.replace_active().await?;
        ingest_folder(&self.database, &self.state_dir, Live::Leave).await
    }
}

fn new_segment(state_dir: &Path) -> Result<Segment, StoreError> {
    let dir = folder(state_dir);
    Segment::create(&dir).map_err(|e| StoreError::from_io("create a segment in", WRITING, &dir, e))
}

/// What was not brought into the database is at the next opening; an empty segment need not wait for that.
impl Drop for Shared {
    fn drop(&mut self) {
        let active = self.active();
        if active.is_empty() {
            let _ = files::remove_if_exists(active.path());
        }
    }
}

async fn ingest_regularly(shared: Weak<Shared>) {
    let mut wait = INGEST_EVERY;
    loop {
        tokio::time::sleep(wait).await;
        let Some(shared) = shared.upgrade() else { return };
        // Nothing is lost by a failure, the segments wait. It is said once, and tried less and less often: each try
        // may leave another segment.
        let is_failing = wait > INGEST_EVERY;
        wait = match shared.ingest().await {
            Ok(()) => {
                if is_failing {
                    tracing::info!("the serving log is back in the database");
                }
                INGEST_EVERY
            }
            Err(error) => {
                if !is_failing {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "the serving log cannot be brought into the database, and waits");
                }
                (wait * 2).min(INGEST_AT_LEAST_EVERY)
            }
        };
    }
}
