//! Appending to the log.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use serde::Serialize;
use tokio::runtime::Handle;

use super::ingest::{Live, ingest_folder};
use super::segment::{FRAMES_AT_MOST, Kind, Segment, push_frame};
use super::{LogRecord, folder};
use crate::background::Background;
use crate::database::Database;
use crate::files::blocking;
use crate::{CallRecord, RecordError, StoreError, calls, files};

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
    /// Whether a segment that has grown too long is being finished.
    is_finishing: AtomicBool,
    /// How many long segments were finished since all there were had been brought in.
    n_waiting: AtomicUsize,
    /// Whether the background is being helped to bring them in.
    is_helping: AtomicBool,
    /// The runtime of those who append.
    runtime: Handle,
    /// Brings the segments in for as long as somebody may append.
    _background: Arc<Background>,
}

/// How often the segment is brought into the database. Long enough for one sync of the disk to serve many records,
/// short enough for little to be lost with the power.
const INGEST_EVERY: Duration = Duration::from_millis(200);

/// How often it is tried while it fails.
const INGEST_AT_LEAST_EVERY: Duration = Duration::from_secs(10);

/// How long a segment gets, in bytes, when the background does not get to it. It is read into memory as a whole.
const LONG: u64 = 4 << 20;

/// How many long segments may wait for the background. A processor that is never idle would let them fill the disk; at
/// this point those who append bring them in, and have so much less time for anything else.
const WAITING_AT_MOST: usize = 64;

impl LogWriter {
    /// Starts a writer, in a runtime, and the background work that empties its segments until the last clone is dropped.
    pub(crate) fn start(
        database: Arc<Database>,
        background: Arc<Background>,
        state_dir: &Path,
    ) -> Result<Self, StoreError> {
        files::create_dir(&folder(state_dir))?;
        // The first segment now: a disk that takes no log is better found at the start than at the first answer.
        let active = Mutex::new(new_segment(state_dir)?);
        let shared = Arc::new(Shared {
            database,
            state_dir: state_dir.to_owned(),
            active,
            is_finishing: AtomicBool::new(false),
            n_waiting: AtomicUsize::new(0),
            is_helping: AtomicBool::new(false),
            runtime: Handle::current(),
            _background: background.clone(),
        });
        let weak = Arc::downgrade(&shared);
        background.spawn(|database| ingest_regularly(weak, database));
        Ok(LogWriter { shared })
    }

    /// Appends records: all of them or, on an error, perhaps some. When it returns `Ok` they survive kill -9 at any
    /// moment. They survive the loss of power from a fraction of a second later, when they are in the database.
    ///
    /// The write goes to the page cache and takes microseconds, which is less than handing it to another thread would;
    /// it is therefore done on the caller's. It is async because a store on another machine would have to wait.
    pub async fn append(&self, records: &[LogRecord]) -> Result<(), StoreError> {
        let mut frames = Vec::with_capacity(records.len() * 768);
        for record in records {
            push_json(&mut frames, Kind::Answer, record, "log record", &record.id)?;
        }
        self.shared.append(&frames)
    }

    /// Appends a call of the gateway, with the same promise as [`append`](Self::append). Not async, because calls end
    /// where nothing can be awaited: when the client of a stream goes away. A call of over nine million dollars is
    /// refused.
    pub fn append_call(&self, record: &CallRecord) -> Result<(), StoreError> {
        if calls::picos(record.usd).is_none() {
            return Err(StoreError::Record { what: "call", id: record.id.clone(), source: RecordError::Money });
        }
        let content = [&record.request, &record.response].into_iter().flatten().map(String::len).sum::<usize>();
        let mut frames = Vec::with_capacity(1024 + content + content / 8);
        push_json(&mut frames, Kind::Call, record, "call", &record.id)?;
        self.shared.append(&frames)
    }

    /// Finishes the segment that is appended to, so that it can be brought in by whoever wants to.
    pub(crate) async fn finish_segment(&self) -> Result<(), StoreError> {
        self.shared.replace_active().await
    }
}

const WRITING: &str = "the serving log";

fn push_json<T: Serialize>(
    frames: &mut Vec<u8>,
    kind: Kind,
    record: &T,
    what: &'static str,
    id: &str,
) -> Result<(), StoreError> {
    push_frame(frames, kind, |frame| serde_json::to_writer(frame, record)).map_err(|e| StoreError::Record {
        what,
        id: id.to_owned(),
        source: e.into(),
    })
}

impl Shared {
    // A panic cannot leave a segment half changed: it knows itself what it may have to cut off.
    fn active(&self) -> MutexGuard<'_, Segment> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self, error: io::Error) -> StoreError {
        StoreError::from_io("append to", WRITING, &folder(&self.state_dir), error)
    }

    fn append(self: &Arc<Self>, frames: &[u8]) -> Result<(), StoreError> {
        if frames.len() > FRAMES_AT_MOST {
            return Err(self.refused(io::ErrorKind::FileTooLarge.into()));
        }
        let n_bytes = {
            let mut active = self.active();
            active.append(frames).map_err(|e| self.refused(e))?;
            active.n_bytes()
        };
        if n_bytes > LONG && !self.is_finishing.swap(true, Ordering::AcqRel) {
            self.runtime.spawn(self.clone().finish_long());
        }
        Ok(())
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

    /// Finishes a long segment that the background did not come to, and helps out if too many wait for it.
    async fn finish_long(self: Arc<Self>) {
        let mut done = self.replace_active().await;
        self.is_finishing.store(false, Ordering::Release);
        let is_too_many = self.n_waiting.fetch_add(1, Ordering::AcqRel) >= WAITING_AT_MOST;
        if is_too_many && !self.is_helping.swap(true, Ordering::AcqRel) {
            done = self.ingest(&self.database).await;
            self.is_helping.store(false, Ordering::Release);
        }
        if let Err(error) = done {
            tracing::debug!(error = &error as &dyn std::error::Error, "a part of the serving log waits");
        }
    }

    /// Brings in the segments that are finished.
    async fn ingest(&self, database: &Database) -> Result<(), StoreError> {
        ingest_folder(database, &self.state_dir, Live::Leave).await?;
        self.n_waiting.store(0, Ordering::Release);
        Ok(())
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

async fn ingest_regularly(writer: Weak<Shared>, database: Arc<Database>) {
    let mut wait = INGEST_EVERY;
    // At first what killed processes have left, should there have been too much of it to wait for at the opening.
    let mut is_first = true;
    loop {
        let Some(shared) = writer.upgrade() else { return };
        let replaced = if std::mem::take(&mut is_first) { Ok(()) } else { shared.replace_active().await };
        let done = match replaced {
            Ok(()) => shared.ingest(&database).await,
            failed => failed,
        };
        drop(shared);
        // Nothing is lost by a failure, the segments wait. It is said once, and tried less and less often: each try
        // may leave another segment.
        let is_failing = wait > INGEST_EVERY;
        wait = match done {
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
        tokio::time::sleep(wait).await;
    }
}
