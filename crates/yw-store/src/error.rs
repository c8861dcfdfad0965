//! What can go wrong with the state of a project, and what a person can do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::{ArtifactProblem, RecordError};

/// Why the store did not do what it was asked for. Nothing that was acknowledged before is ever lost by an error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is not what this program wrote: truncated, overwritten, or something else altogether.
    #[error(
        "the state in {path} is damaged: {detail}; move the folder away to start afresh, your sources are not touched"
    )]
    Damaged {
        /// The state folder.
        path: PathBuf,
        /// What is wrong with which file.
        detail: String,
    },
    /// A newer program has changed the layout of the database.
    #[error(
        "the state in {path} has layout {found}, this program knows up to {supported}: use the newer yw that wrote it"
    )]
    Newer {
        /// The state folder.
        path: PathBuf,
        /// The layout that was found.
        found: i64,
        /// The newest layout that this program can read.
        supported: i64,
    },
    /// The disk, or the quota on it, is full.
    #[error("no space is left for {path}: {writing} was not written; nothing that was acknowledged before is lost")]
    Full {
        /// The state folder, or the file in it.
        path: PathBuf,
        /// What was being written.
        writing: &'static str,
    },
    /// The state cannot be written by this user, or stands on a read-only disk.
    #[error(
        "{path} cannot be opened for writing: give this user the right to, or move the project to a disk that can be written"
    )]
    ReadOnly {
        /// The state folder, or the file in it.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: BoxError,
    },
    /// Another process did not let go of the database for as long as we were ready to wait.
    #[error("another process keeps the state in {path} locked: wait for it to finish, or stop it")]
    Busy {
        /// The state folder.
        path: PathBuf,
    },
    /// Another `yw run` works on the same project.
    #[error("another run works on this project{}: wait for it to finish, or stop it (its lock is {path})", in_process(.pid))]
    Running {
        /// The lock file.
        path: PathBuf,
        /// The process that holds it, where it can be told.
        pid: Option<u32>,
    },
    /// An artifact cannot be used or made.
    #[error("the artifact in {path} cannot be used: {problem}")]
    Artifact {
        /// The artifact's folder, or the folder that was to become one.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: ArtifactProblem,
    },
    /// There is nothing under this id.
    #[error("there is no {what} {id}")]
    NotFound {
        /// The sort of thing.
        what: &'static str,
        /// The id that was asked for.
        id: String,
    },
    /// There is something else under this id or name already.
    #[error("there is a {what} {id} already")]
    Exists {
        /// The sort of thing.
        what: &'static str,
        /// The id or name that was to be new.
        id: String,
    },
    /// Several runs begin with this id.
    #[error("{matches} runs begin with `{prefix}`: give more of the id")]
    Ambiguous {
        /// The beginning that was asked for.
        prefix: String,
        /// How many runs begin so.
        matches: usize,
    },
    /// A stored record cannot be read or written.
    #[error("the {what} {id} cannot be read or written as a record")]
    Record {
        /// The sort of record.
        what: &'static str,
        /// Its id.
        id: String,
        /// Why.
        #[source]
        source: RecordError,
    },
    /// The file system refused.
    #[error("cannot {doing} {path}")]
    Io {
        /// The verb that failed, such as `create`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The database refused for a reason that has no name here.
    #[error("the database in {path} failed at {doing}")]
    Database {
        /// The state folder.
        path: PathBuf,
        /// What was being read or written.
        doing: &'static str,
        /// What the database said.
        #[source]
        source: BoxError,
    },
}

/// An error of a library that callers need not know.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl StoreError {
    /// Sorts an error of the file system. `writing` is the noun for [`StoreError::Full`], `doing` the verb otherwise.
    pub(crate) fn from_io(doing: &'static str, writing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { path, writing },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                StoreError::ReadOnly { path, source: source.into() }
            }
            _ => StoreError::Io { doing, path, source },
        }
    }

    /// Sorts an error of the database in `state_dir`. `doing` is a noun: what was being read or written.
    pub(crate) fn from_sqlx(state_dir: &Path, doing: &'static str, source: sqlx::Error) -> Self {
        let path = state_dir.to_owned();
        // The low byte of SQLite's extended result code is the primary one: https://sqlite.org/rescode.html
        let code = match &source {
            sqlx::Error::Database(error) => error.code().and_then(|code| code.parse::<i32>().ok()),
            _ => None,
        };
        if code == Some(SQLITE_IOERR_SHMSIZE) {
            return StoreError::Full { path, writing: doing };
        }
        match code.map(|c| c & 0xff) {
            Some(SQLITE_BUSY | SQLITE_LOCKED) => StoreError::Busy { path },
            Some(SQLITE_READONLY | SQLITE_CANTOPEN) => StoreError::ReadOnly { path, source: source.into() },
            Some(SQLITE_CORRUPT | SQLITE_NOTADB) => StoreError::Damaged { path, detail: source.to_string() },
            Some(SQLITE_FULL) => StoreError::Full { path, writing: doing },
            _ => StoreError::Database { path, doing, source: source.into() },
        }
    }
}

fn in_process(pid: &Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

const SQLITE_BUSY: i32 = 5;
const SQLITE_LOCKED: i32 = 6;
const SQLITE_READONLY: i32 = 8;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_FULL: i32 = 13;
const SQLITE_CANTOPEN: i32 = 14;
/// The shared memory beside the log could not be made as long as it must be: that takes a full disk.
const SQLITE_IOERR_SHMSIZE: i32 = 4874;
const SQLITE_NOTADB: i32 = 26;
