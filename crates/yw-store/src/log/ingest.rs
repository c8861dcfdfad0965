//! Bringing segments into the database.

use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Sqlite};

use super::answers::{self, AnswerRow};
use super::folder;
use super::segment::{self, Contents, End, Kind};
use crate::StoreError;
use crate::calls::{self, CallRow};
use crate::database::Database;
use crate::files::{self, blocking};

/// What to do about segments that a living process appends to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Live {
    /// Leave them to it.
    Leave,
    /// Bring in what they have by now, and leave them where they are.
    Copy,
}

/// How much of what killed processes have left is brought in at opening, in bytes: a tenth of a second of work. Readers
/// and the background see to the rest.
const AT_OPENING: u64 = 4 << 20;

/// How many records go into one transaction. While it lasts no other writer gets its turn.
const IN_ONE_TRANSACTION: usize = 128;

/// Brings in what killed processes have left. A failure is not one of opening the store: the segments wait.
pub(crate) async fn recover(database: &Database, state_dir: &Path) {
    if let Err(error) = ingest_some(database, state_dir, Live::Leave, AT_OPENING).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "served answers wait in {}",
            folder(state_dir).display()
        );
    }
}

/// Brings in all finished segments and removes them. Several tasks and processes may do so at once.
pub(crate) async fn ingest_folder(database: &Database, state_dir: &Path, live: Live) -> Result<(), StoreError> {
    ingest_some(database, state_dir, live, u64::MAX).await
}

/// Brings in segments, the oldest first, until `at_most` bytes are reached.
async fn ingest_some(database: &Database, state_dir: &Path, live: Live, at_most: u64) -> Result<(), StoreError> {
    let dir = folder(state_dir);
    let mut n_bytes = 0;
    for path in blocking(state_dir, move || files::list(&dir)).await? {
        if !is_segment(&path) {
            continue;
        }
        // One at a time, however many there are: this bounds the memory.
        let segment = {
            let path = path.clone();
            blocking(state_dir, move || open_segment(path, live)).await?
        };
        if let Some(mut segment) = segment {
            n_bytes += segment.bytes.len() as u64;
            segment.insert(database).await?;
            blocking(state_dir, move || segment.dispose()).await?;
        }
        if n_bytes >= at_most {
            break;
        }
    }
    Ok(())
}

/// When the oldest segment that has records was begun, in milliseconds since the Unix epoch. What came from an older one
/// does not come again.
pub(crate) async fn oldest_segment_ms(state_dir: &Path) -> Result<Option<i64>, StoreError> {
    let dir = folder(state_dir);
    let paths = blocking(state_dir, move || {
        let mut paths = files::list(&dir)?;
        // That of a process which has nothing to say may be there for months. One that is gone has no length.
        let has_records = |path: &Path| std::fs::metadata(path).is_ok_and(|file| file.len() > segment::EMPTY_BYTES);
        paths.retain(|path| is_segment(path) && has_records(path));
        Ok(paths)
    });
    Ok(paths.await?.iter().map(|path| segment::begun_ms(path)).min())
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == segment::EXTENSION)
}

/// A segment in memory.
struct OpenSegment {
    path: PathBuf,
    bytes: Vec<u8>,
    contents: Contents,
    /// The system's lock, if the segment is finished.
    finished: Option<File>,
}

fn open_segment(path: PathBuf, live: Live) -> Result<Option<OpenSegment>, StoreError> {
    let refused = |e| StoreError::from_io("read", "a file", &path, e);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        // Another process has brought it in.
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(refused(e)),
    };
    let is_finished = match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) if live == Live::Leave => return Ok(None),
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(e)) => return Err(refused(e)),
    };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(refused)?;
    // Without a header: its process is about to write it, was killed just then, or is newer than this one.
    let Some(contents) = segment::read(&bytes) else { return Ok(None) };
    Ok(Some(OpenSegment { path, bytes, contents, finished: is_finished.then_some(file) }))
}

impl OpenSegment {
    /// Inserts the records in small transactions; one that is there already stays as it is.
    async fn insert(&mut self, database: &Database) -> Result<(), StoreError> {
        let segment_ms = segment::begun_ms(&self.path);
        for chunk in self.contents.records.chunks(IN_ONE_TRANSACTION) {
            let mut rows = Rows::default();
            let is_readable = chunk.iter().all(|(kind, range)| {
                let json = self.bytes.get(range.clone()).and_then(|json| std::str::from_utf8(json).ok());
                json.is_some_and(|json| rows.parse(*kind, json))
            });
            let mut write = database.write("the serving log").await?;
            rows.insert(write.connection(), segment_ms).await.map_err(write.error())?;
            write.commit().await?;
            if !is_readable {
                self.contents.end = End::Damaged;
                break;
            }
        }
        Ok(())
    }

    /// Removes the file after its records are in the database.
    fn dispose(self) -> Result<(), StoreError> {
        if self.finished.is_none() {
            return Ok(());
        }
        if self.contents.end != End::Damaged {
            return files::remove_if_exists(&self.path);
        }
        let kept = self.path.with_extension("damaged");
        tracing::warn!("a part of the serving log is damaged and was kept as {}", kept.display());
        files::rename(&self.path, &kept, "a file")
    }
}

/// Records on their way into the database.
#[derive(Default)]
struct Rows<'a> {
    answers: Vec<AnswerRow<'a>>,
    calls: Vec<CallRow<'a>>,
}

impl<'a> Rows<'a> {
    /// Adds a record; false if it cannot be read.
    fn parse(&mut self, kind: Kind, json: &'a str) -> bool {
        let parsed = match kind {
            Kind::Answer => AnswerRow::parse(json).map(|row| self.answers.push(row)),
            Kind::Call => CallRow::parse(json).map(|row| self.calls.push(row)),
        };
        parsed.is_some()
    }

    /// One statement a kind, because each is a trip to the database's thread and back. Only that of a whole chunk comes
    /// again.
    async fn insert(&self, connection: &mut SqliteConnection, segment_ms: i64) -> Result<(), sqlx::Error> {
        if !self.answers.is_empty() {
            let statement = answers::insertion(&self.answers);
            execute(connection, statement, self.answers.len()).await?;
        }
        if !self.calls.is_empty() {
            let statement = calls::insertion(&self.calls, segment_ms);
            execute(connection, statement, self.calls.len()).await?;
        }
        Ok(())
    }
}

async fn execute(
    connection: &mut SqliteConnection,
    mut statement: QueryBuilder<Sqlite>,
    n_rows: usize,
) -> Result<(), sqlx::Error> {
    statement.build().persistent(n_rows == IN_ONE_TRANSACTION).execute(connection).await?;
    Ok(())
}
