//! The database file: opening, creating, migrating, and one writer at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Sqlite, SqlitePool, Transaction};
use tokio::sync::{Mutex, MutexGuard};

use crate::StoreError;
use crate::files::{self, FileLock};
use crate::header;
use crate::migrate::{self, MIGRATIONS};

/// The open database of one state folder.
///
/// Readers take connections from a pool and never wait for writers. Writers of this process take turns on a lock of
/// ours, because SQLite lets those that lose a race sleep up to a tenth of a second; writers of other processes wait in
/// SQLite's way.
#[derive(Debug)]
pub(crate) struct Database {
    state_dir: PathBuf,
    pool: SqlitePool,
    turn: Arc<Mutex<()>>,
}

/// How long a writer waits for one of another process. Their transactions take milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What is left of the write-ahead log after a checkpoint; a burst does not hold its disk space for ever.
const WAL_KEPT_BYTES: &str = "33554432";

impl Database {
    /// Whether there is a database in `state_dir`.
    pub(crate) fn exists(state_dir: &Path) -> bool {
        file_in(state_dir).exists()
    }

    /// Opens the database in `state_dir`, an existing folder; creates it if there is none, and brings it up to date.
    pub(crate) async fn open(state_dir: &Path) -> Result<Self, StoreError> {
        let file = file_in(state_dir);
        if !file.exists() {
            create(state_dir).await?;
        }
        header::check(state_dir, &file)?;
        let pool = pool_options(4)
            .connect_with(connect_options(&file))
            .await
            .map_err(|e| StoreError::from_sqlx(state_dir, "the opening", e))?;
        let database = Database { state_dir: state_dir.to_owned(), pool, turn: Arc::default() };
        let mut connection = database.pool.acquire().await.map_err(database.error("the opening"))?;
        migrate::run(state_dir, &mut connection, MIGRATIONS).await?;
        drop(connection);
        Ok(database)
    }

    /// The same database over one more connection, which is opened when it is first used. Its thread inherits the
    /// priority of the one that opens it, and that is the point of it. Its writers take turns with ours.
    pub(crate) fn beside(&self) -> Database {
        let options = connect_options(&file_in(&self.state_dir)).thread_name(|n| format!("yw-background-{n}"));
        let pool = pool_options(1).connect_lazy_with(options);
        Database { state_dir: self.state_dir.clone(), pool, turn: self.turn.clone() }
    }

    /// The folder of the state.
    pub(crate) fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Where to read from.
    pub(crate) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Begins a transaction that may write. `doing` is a noun for errors: what is being written.
    pub(crate) async fn write(&self, doing: &'static str) -> Result<WriteTransaction<'_>, StoreError> {
        let turn = self.turn.lock().await;
        let transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(self.error(doing))?;
        Ok(WriteTransaction { transaction, _turn: turn, database: self, doing })
    }

    /// Turns what the database says into an error that names `doing`, a noun.
    pub(crate) fn error(&self, doing: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
        move |source| StoreError::from_sqlx(&self.state_dir, doing, source)
    }

    /// A stored time that is no time.
    pub(crate) fn timestamp(&self, micros: i64) -> Result<Timestamp, StoreError> {
        Timestamp::from_microsecond(micros).map_err(|e| StoreError::Damaged {
            path: self.state_dir.clone(),
            detail: format!("a stored time is out of range: {e}"),
        })
    }

    /// Waits for running queries and closes the file.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// A transaction that may write. Dropped before [`commit`](Self::commit), it changes nothing.
pub(crate) struct WriteTransaction<'a> {
    // Before the turn: fields are dropped in this order, and the next writer must find the transaction gone.
    transaction: Transaction<'static, Sqlite>,
    _turn: MutexGuard<'a, ()>,
    database: &'a Database,
    doing: &'static str,
}

impl WriteTransaction<'_> {
    /// The connection to execute statements on.
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }

    /// Turns what the database says into an error that names what was being written.
    pub(crate) fn error(&self) -> impl Fn(sqlx::Error) -> StoreError + use<'_> {
        self.database.error(self.doing)
    }

    /// Makes the changes durable, against power loss too.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let failed = self.database.error(self.doing);
        self.transaction.commit().await.map_err(failed)
    }
}

fn file_in(state_dir: &Path) -> PathBuf {
    state_dir.join("state.db")
}

fn pool_options(max_connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(max_connections)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_release(|connection, _| Box::pin(is_reusable(connection)))
}

fn connect_options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .busy_timeout(BUSY_TIMEOUT)
        .synchronous(SqliteSynchronous::Full)
        .pragma("journal_size_limit", WAL_KEPT_BYTES)
        .disable_statement_logging()
}

/// Whether a connection is outside of any transaction, after the roll-back that it may have been sent.
///
/// When SQLite runs out of disk it rolls back by itself. The driver's own roll-back then fails, and it takes the
/// connection to be in a transaction for ever: every later transaction on it would fail.
async fn is_reusable(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

/// Builds the database beside its place and renames it there when it is whole. A file that is empty or short is
/// therefore always damage, never a creation that was cut off.
async fn create(state_dir: &Path) -> Result<(), StoreError> {
    let _lock = FileLock::wait(&state_dir.join("create.lock"))?;
    let file = file_in(state_dir);
    if file.exists() {
        return Ok(()); // another process was quicker
    }
    // What a creation that was killed has left; and the log of a database that someone took away, which SQLite would
    // play into the new one.
    for left_over in ["state.db.new", "state.db.new-wal", "state.db.new-shm", "state.db-wal", "state.db-shm"] {
        files::remove_if_exists(&state_dir.join(left_over))?;
    }
    let new = state_dir.join("state.db.new");
    let options = connect_options(&new).create_if_missing(true).journal_mode(SqliteJournalMode::Wal);
    let failed = |e| StoreError::from_sqlx(state_dir, "a new database", e);
    let mut connection = options.connect().await.map_err(failed)?;
    migrate::run(state_dir, &mut connection, MIGRATIONS).await?;
    // The last connection to close moves the write-ahead log into the file, and syncs it.
    connection.close().await.map_err(failed)?;
    if state_dir.join("state.db.new-wal").exists() {
        let detail = "a new database could not be completed".to_owned();
        return Err(StoreError::Damaged { path: state_dir.to_owned(), detail });
    }
    files::rename(&new, &file, "a new database")
}
