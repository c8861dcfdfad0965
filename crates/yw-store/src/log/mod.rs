//! The serving log: what was answered, and what was learned about it later. Calls of the gateway are logged in the same
//! way.
//!
//! An append is one `write` to a file of this process, the *segment*, with no database in its way: it takes
//! microseconds, and what was written survives the process. A few times a second the segment is replaced by a fresh one,
//! and the background brings the old one into the database, in small transactions, and removes it. Where the processor
//! is never idle for the background, segments pile up; they are short, and read one at a time. Readers do not wait for
//! it: they bring in what there is themselves. Segments that a killed process has left are brought in at the next
//! opening. Records have ids, so bringing one in twice does nothing.

mod answers;
mod ingest;
mod read;
mod record;
mod segment;
mod writer;

use std::path::{Path, PathBuf};

pub(crate) use self::ingest::{Live, ingest_folder, oldest_segment_ms, recover};
pub use self::read::{LogEntry, LogPage, LogPosition};
pub use self::record::{FeedbackRecord, LogError, LogRecord};
pub use self::writer::LogWriter;

/// Where the segments are.
fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("log")
}
