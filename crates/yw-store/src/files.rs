//! Small things about files that `std` leaves to its callers.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::StoreError;

/// The right to work on a project's runs; ends when it is dropped, and with the process at the latest.
///
/// `yw serve` does not need it: a run and any number of servers work together.
#[derive(Debug)]
pub struct RunLock {
    _lock: FileLock,
}

impl RunLock {
    /// Takes the lock, or says at once who has it.
    pub(crate) fn take(path: &Path) -> Result<Self, StoreError> {
        let mut lock = FileLock::try_take(path)?;
        // Only a courtesy to the next one who asks: the lock is the system's, and this note may be stale.
        if let Err(error) = lock.write_pid() {
            tracing::warn!(%error, path = %path.display(), "cannot note the process id in the lock");
        }
        Ok(RunLock { _lock: lock })
    }
}

/// A file that one process at a time can hold. The system gives it back when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct FileLock(File);

impl FileLock {
    /// Waits until the lock is free.
    pub(crate) fn wait(path: &Path) -> Result<Self, StoreError> {
        let refused = |source| StoreError::from_io("lock", "a lock file", path, source);
        let file = open(path)?;
        file.lock().map_err(refused)?;
        Ok(FileLock(file))
    }

    /// Takes the lock, or says which process has it.
    fn try_take(path: &Path) -> Result<Self, StoreError> {
        let mut file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(FileLock(file)),
            Err(TryLockError::WouldBlock) => {
                let mut note = String::new();
                let pid = file.read_to_string(&mut note).ok().and_then(|_| note.trim().parse().ok());
                Err(StoreError::Running { path: path.to_owned(), pid })
            }
            Err(TryLockError::Error(source)) => Err(StoreError::from_io("lock", "a lock file", path, source)),
        }
    }

    fn write_pid(&mut self) -> io::Result<()> {
        self.0.set_len(0)?;
        writeln!(self.0, "{}", std::process::id())
    }
}

fn open(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|source| StoreError::from_io("open", "a lock file", path, source))
}

/// Creates a folder and those above it, if they are missing.
pub(crate) fn create_dir(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(|source| StoreError::from_io("create", "a folder", path, source))
}

/// Removes a file that may be gone already.
pub(crate) fn remove_if_exists(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::from_io("remove", "a file", path, source))
        }
        _ => Ok(()),
    }
}

/// Renames within one folder, durably. `writing` is a noun for errors.
pub(crate) fn rename(from: &Path, to: &Path, writing: &'static str) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(|source| StoreError::from_io("create", writing, to, source))?;
    to.parent().map_or(Ok(()), sync_dir)
}

/// Makes the names in a folder durable.
pub(crate) fn sync_dir(path: &Path) -> Result<(), StoreError> {
    // Elsewhere a folder cannot be opened, and its names are durable with the files.
    if cfg!(unix) {
        File::open(path)
            .and_then(|dir| dir.sync_all())
            .map_err(|source| StoreError::from_io("sync", "a folder", path, source))?;
    }
    Ok(())
}

/// The paths in a folder, sorted; none if there is no such folder.
pub(crate) fn list(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let refused = |source| StoreError::from_io("list", "a file", dir, source);
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(refused(source)),
    };
    let mut paths = entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>().map_err(refused)?;
    paths.sort();
    Ok(paths)
}

/// Runs blocking file work beside the runtime's threads.
pub(crate) async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let joined = tokio::task::spawn_blocking(work).await;
    joined.unwrap_or_else(|e| Err(StoreError::from_io("work on", "a file", path, io::Error::other(e))))
}
