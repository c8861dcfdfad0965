//! Bringing segments into the database.

use std::borrow::Cow;
use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use sqlx::{QueryBuilder, Sqlite};

use super::folder;
use super::segment::{self, Contents, End};
use crate::StoreError;
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

/// Brings in what killed processes have left. A failure is not one of opening the store: the segments wait.
pub(crate) async fn recover(database: &Database, state_dir: &Path) {
    if let Err(error) = ingest_folder(database, state_dir, Live::Leave).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "served answers wait in {}",
            folder(state_dir).display()
        );
    }
}

/// Brings in all finished segments and removes them. Several tasks and processes may do so at once.
pub(crate) async fn ingest_folder(database: &Database, state_dir: &Path, live: Live) -> Result<(), StoreError> {
    let dir = folder(state_dir);
    for path in blocking(state_dir, move || files::list(&dir)).await? {
        if path.extension().is_none_or(|extension| extension != segment::EXTENSION) {
            continue;
        }
        let segment = {
            let path = path.clone();
            blocking(state_dir, move || open_segment(path, live)).await?
        };
        if let Some(segment) = segment {
            insert(database, &segment.records).await?;
            blocking(state_dir, move || segment.dispose()).await?;
        }
    }
    Ok(())
}

/// A segment in memory.
struct OpenSegment {
    path: PathBuf,
    records: Vec<Record>,
    end: End,
    /// The system's lock, if the segment is finished.
    finished: Option<File>,
}

/// A record as the database wants it.
struct Record {
    id: String,
    task: String,
    at: Timestamp,
    json: String,
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
    let Some(Contents { payloads, mut end }) = segment::read(&bytes) else { return Ok(None) };
    let records = payloads.iter().map_while(|payload| Record::parse(payload)).collect::<Vec<_>>();
    if records.len() < payloads.len() {
        end = End::Damaged;
    }
    Ok(Some(OpenSegment { path, records, end, finished: is_finished.then_some(file) }))
}

impl OpenSegment {
    /// Removes the file after its records are in the database.
    fn dispose(self) -> Result<(), StoreError> {
        if self.finished.is_none() {
            return Ok(());
        }
        if self.end != End::Damaged {
            return files::remove_if_exists(&self.path);
        }
        let kept = self.path.with_extension("damaged");
        tracing::warn!("a part of the serving log is damaged and was kept as {}", kept.display());
        files::rename(&self.path, &kept, "a file")
    }
}

impl Record {
    fn parse(payload: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Keys<'a> {
            #[serde(borrow)]
            id: Cow<'a, str>,
            #[serde(borrow)]
            task: Cow<'a, str>,
            at: Timestamp,
        }
        let json = std::str::from_utf8(payload).ok()?;
        let Keys { id, task, at } = serde_json::from_str(json).ok()?;
        Some(Record { id: id.into_owned(), task: task.into_owned(), at, json: json.to_owned() })
    }
}

/// Inserts in one transaction; a record that is there already stays as it is.
async fn insert(database: &Database, records: &[Record]) -> Result<(), StoreError> {
    if records.is_empty() {
        return Ok(());
    }
    let mut write = database.write("the serving log").await?;
    // Many rows a statement, because each statement is a trip to the database's thread and back.
    for chunk in records.chunks(128) {
        let mut statement = QueryBuilder::<Sqlite>::new("INSERT INTO log (id, task, at, record) ");
        statement.push_values(chunk, |mut row, record| {
            row.push_bind(&record.id)
                .push_bind(&record.task)
                .push_bind(record.at.as_microsecond())
                .push_bind(&record.json);
        });
        statement.push(" ON CONFLICT (id) DO NOTHING");
        statement.build().persistent(chunk.len() == 128).execute(write.connection()).await.map_err(write.error())?;
    }
    write.commit().await
}
