//! The store as a whole: opening, locking, closing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell, oneshot};

use crate::background::Background;
use crate::database::Database;
use crate::files::{self, RunLock, blocking};
use crate::log::{self, LogWriter};
use crate::replies::ReplyWriter;
use crate::{StoreError, artifact};

/// The state of one project. Clones share everything; any number of processes may open the same folder.
///
/// *Durability*: what returned `Ok` survives kill -9 at any moment, and loss of power too, except for the last fraction
/// of a second of the serving log. *Runtime*: all methods need a tokio runtime, the one that opened the store.
/// *Cancellation*: a future that is dropped has either done all of its change or none.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    state_dir: PathBuf,
    database: Arc<Database>,
    replies: ReplyWriter,
    background: OnceCell<Arc<Background>>,
    log: OnceCell<LogWriter>,
    /// Held while a caller brings segments in, so that whoever comes second finds it done.
    settling: Mutex<()>,
}

impl Store {
    /// Opens the state in `state_dir`, usually `.yellowwood` beside the project file, and creates it if there is none.
    pub async fn open(state_dir: &Path) -> Result<Store, StoreError> {
        create_state_dir(state_dir)?;
        let database = Arc::new(Database::open(state_dir).await?);
        // Served answers that a killed process has not brought into the database.
        log::recover(&database, state_dir).await;
        let replies = ReplyWriter::start(database.clone());
        let inner = Inner {
            state_dir: state_dir.to_owned(),
            database,
            replies,
            background: OnceCell::new(),
            log: OnceCell::new(),
            settling: Mutex::new(()),
        };
        Ok(Store { inner: Arc::new(inner) })
    }

    /// Opens the state in `state_dir` if there is any; creates nothing otherwise.
    pub async fn open_existing(state_dir: &Path) -> Result<Option<Store>, StoreError> {
        if !Database::exists(state_dir) {
            return Ok(None);
        }
        Store::open(state_dir).await.map(Some)
    }

    /// The folder that holds the state.
    pub fn state_dir(&self) -> &Path {
        &self.inner.state_dir
    }

    /// Takes the right to run this project, until the lock is dropped. Another process that has it is named in the
    /// error. Whoever puts artifacts must hold it.
    pub async fn lock_run(&self) -> Result<RunLock, StoreError> {
        let state_dir = self.state_dir().to_owned();
        blocking(self.state_dir(), move || {
            let lock = RunLock::take(&state_dir.join("run.lock"))?;
            artifact::remove_unfinished(&state_dir)?;
            Ok(lock)
        })
        .await
    }

    /// The writer of the serving log; always the same one.
    pub async fn log(&self) -> Result<LogWriter, StoreError> {
        let start = async || LogWriter::start(self.inner.database.clone(), self.background().await?, self.state_dir());
        self.inner.log.get_or_try_init(start).await.cloned()
    }

    /// Brings the log into the database and closes it, which saves the next opening some work. Only politeness: a
    /// process may end without it and loses nothing. Other clones can use the store no longer.
    pub async fn close(&self) -> Result<(), StoreError> {
        if let Some(background) = self.inner.background.get() {
            background.close().await;
        }
        let ingested = match self.inner.log.get() {
            Some(_) => self.settle_log().await,
            None => Ok(()),
        };
        self.inner.database.close().await;
        ingested
    }

    pub(crate) fn database(&self) -> &Database {
        &self.inner.database
    }

    pub(crate) fn reply_writer(&self) -> &ReplyWriter {
        &self.inner.replies
    }

    /// The thread for work that nobody waits for; started when it is first needed.
    pub(crate) async fn background(&self) -> Result<Arc<Background>, StoreError> {
        let start = async || Background::start(&self.inner.database).map(Arc::new);
        self.inner.background.get_or_try_init(start).await.cloned()
    }

    /// Does work in the background and returns what came of it; `doing` is a noun for errors. If the future is dropped,
    /// the work is given up at its next step.
    pub(crate) async fn in_background<T, F>(
        &self,
        doing: &'static str,
        work: impl FnOnce(Arc<Database>) -> F + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let (mut done, result) = oneshot::channel();
        self.background().await?.spawn(move |database| async move {
            let result = tokio::select! {
                result = work(database) => result,
                () = done.closed() => return,
            };
            let _ = done.send(result);
        });
        result.await.unwrap_or_else(|_| {
            let path = self.state_dir().to_owned();
            Err(StoreError::Database { path, doing, source: "the program is shutting down".into() })
        })
    }

    /// Brings all that was acknowledged up to now, by whatever process, into the database. The caller does it on its
    /// own connection: the background may not get the processor for a while.
    pub(crate) async fn settle_log(&self) -> Result<(), StoreError> {
        let _turn = self.inner.settling.lock().await;
        if let Some(log) = self.inner.log.get() {
            log.finish_segment().await?;
        }
        log::ingest_folder(&self.inner.database, self.state_dir(), log::Live::Copy).await
    }
}

/// Makes the folder, and keeps it out of version control: it can be large, and holds what users sent.
fn create_state_dir(state_dir: &Path) -> Result<(), StoreError> {
    if Database::exists(state_dir) {
        return Ok(());
    }
    files::create_dir(state_dir)?;
    let ignore = state_dir.join(".gitignore");
    std::fs::write(&ignore, "*\n").map_err(|e| StoreError::from_io("create", "the state folder", &ignore, e))
}
