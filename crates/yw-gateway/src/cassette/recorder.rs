//! Writes exchanges to a folder, off the path of the calls.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};

use super::format::{Exchange, RecordedRequest, RecordedResponse, to_line};
use super::scrub::{Scrubber, sent_secrets};
use crate::Secret;

/// How a [`Recorder`] works.
#[derive(Debug, Clone)]
pub struct RecorderOptions {
    /// What must not be written, wherever it stands. Texts under six bytes are no secrets.
    pub secrets: Vec<Secret>,
    /// The most exchanges that wait to be written; what comes on top is dropped.
    pub max_waiting: usize,
    /// The most bytes of bodies that wait to be written, and that one exchange may have.
    pub max_waiting_bytes: usize,
}

impl Default for RecorderOptions {
    /// No secrets, 1,024 exchanges, 64 MiB.
    fn default() -> Self {
        RecorderOptions { secrets: Vec::new(), max_waiting: 1024, max_waiting_bytes: 64 << 20 }
    }
}

/// What a [`Recorder`] did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecorderStats {
    /// Exchanges that are in a file.
    pub written: u64,
    /// Exchanges that were dropped: too many waited, or they were too large.
    pub dropped: u64,
    /// Exchanges that could not be written; the reason is in the log.
    pub failed: u64,
}

/// Writes exchanges to a folder, one file a day and process, readable by its owner alone.
///
/// The calls only hand over what they have; a thread removes the secrets and writes. A recorder that falls behind drops
/// exchanges and counts them: it never holds up a call. Dropping it writes what waits.
pub struct Recorder {
    shared: Arc<Shared>,
    to_writer: Option<SyncSender<Message>>,
    writer: Option<JoinHandle<()>>,
}

struct Shared {
    scrubber: RwLock<Scrubber>,
    max_bytes: usize,
    waiting_bytes: AtomicUsize,
    written: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
}

enum Message {
    Record(Box<Raw>, usize),
    Flush(SyncSender<()>),
}

impl Recorder {
    /// Starts to record into `folder`, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// The folder cannot be made or written, or the thread cannot be started.
    pub fn start(folder: &Path, options: RecorderOptions) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut files = Files { folder: folder.to_owned(), open: None };
        files.for_time(Timestamp::now())?;
        let shared = Arc::new(Shared {
            scrubber: RwLock::new(Scrubber::new(&options.secrets)),
            max_bytes: options.max_waiting_bytes,
            waiting_bytes: AtomicUsize::new(0),
            written: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        });
        let (to_writer, messages) = sync_channel(options.max_waiting.max(1));
        let state = Arc::clone(&shared);
        let writer = std::thread::Builder::new()
            .name("yw-cassette".to_owned())
            .spawn(move || write_all(&messages, &state, &mut files))?;
        Ok(Recorder { shared, to_writer: Some(to_writer), writer: Some(writer) })
    }

    /// One more secret that must not be written, such as a token that was just fetched. Cheap if it is known already.
    pub fn add_secret(&self, secret: &Secret) {
        let is_known = |scrubber: &Scrubber| scrubber.looks_for(secret.expose());
        if is_known(&self.shared.scrubber.read().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let mut scrubber = self.shared.scrubber.write().unwrap_or_else(PoisonError::into_inner);
        *scrubber = scrubber.with([secret.expose()]);
    }

    /// Begins to record an exchange whose request is sent now.
    pub fn begin(&self, method: &Method, url: &Url, headers: &HeaderMap, body: Bytes) -> Recording {
        let size = body.len();
        let raw = Raw {
            at: Timestamp::now(),
            method: method.clone(),
            url: url.clone(),
            headers: headers.clone(),
            body,
            response: None,
            is_complete: false,
        };
        Recording {
            raw: Some(Box::new(raw)),
            start: Instant::now(),
            size,
            shared: Arc::clone(&self.shared),
            to_writer: self.to_writer.clone(),
        }
    }

    /// Waits until everything that was handed over is in the file. Blocks: not for a runtime's threads.
    pub fn flush(&self) {
        let (done, is_done) = sync_channel(1);
        if self.to_writer.as_ref().is_some_and(|writer| writer.send(Message::Flush(done)).is_ok()) {
            let _ = is_done.recv();
        }
    }

    /// What was done so far.
    pub fn stats(&self) -> RecorderStats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let shared = &self.shared;
        RecorderStats {
            written: count(&shared.written),
            dropped: count(&shared.dropped),
            failed: count(&shared.failed),
        }
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recorder({:?})", self.stats())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Exchanges that are still under way hold the channel open, so the thread is not waited for by joining alone.
        self.flush();
        self.to_writer = None;
        if let Some(writer) = self.writer.take().filter(|_| Arc::strong_count(&self.shared) == 2) {
            let _ = writer.join();
        }
    }
}

/// An exchange under way. Dropped before [`finish`](Self::finish) it is written as cut.
pub struct Recording {
    raw: Option<Box<Raw>>,
    start: Instant,
    size: usize,
    shared: Arc<Shared>,
    to_writer: Option<SyncSender<Message>>,
}

/// An exchange as it was, secrets and all.
struct Raw {
    at: Timestamp,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
    response: Option<RawResponse>,
    is_complete: bool,
}

struct RawResponse {
    status: u16,
    after: Duration,
    headers: HeaderMap,
    body: Vec<(Duration, Bytes)>,
}

impl Recording {
    /// The head of the response has come.
    pub fn response(&mut self, status: u16, headers: &HeaderMap) {
        let after = self.start.elapsed();
        if let Some(raw) = &mut self.raw {
            raw.response = Some(RawResponse { status, after, headers: headers.clone(), body: Vec::new() });
        }
    }

    /// A piece of the response's body has come. Costs no copy of it.
    pub fn piece(&mut self, piece: &Bytes) {
        self.size += piece.len();
        if self.size > self.shared.max_bytes {
            // Too large to wait for its end in memory.
            if self.raw.take().is_some() {
                self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            }
        } else if let Some(response) = self.raw.as_mut().and_then(|raw| raw.response.as_mut()) {
            response.body.push((self.start.elapsed(), piece.clone()));
        }
    }

    /// The response has come to its end.
    pub fn finish(mut self) {
        if let Some(raw) = &mut self.raw {
            raw.is_complete = true;
        }
    }
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recording({} bytes)", self.size)
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let (Some(raw), Some(to_writer)) = (self.raw.take(), &self.to_writer) else { return };
        let waiting = self.shared.waiting_bytes.fetch_add(self.size, Ordering::Relaxed);
        let sent = if waiting + self.size <= self.shared.max_bytes {
            to_writer.try_send(Message::Record(raw, self.size))
        } else {
            Err(TrySendError::Full(Message::Record(raw, self.size)))
        };
        if sent.is_err() {
            self.shared.waiting_bytes.fetch_sub(self.size, Ordering::Relaxed);
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Raw {
    /// The exchange as it may be kept.
    fn scrubbed(&self, scrubber: &Scrubber) -> Exchange {
        let sent = sent_secrets(&self.headers, &self.url);
        let scrubber = scrubber.with(sent.iter().map(String::as_str));
        Exchange {
            at: self.at,
            request: RecordedRequest {
                method: self.method.to_string(),
                url: scrubber.url(&self.url),
                headers: scrubber.headers(&self.headers),
                body: scrubber.bytes(&self.body),
            },
            response: self.response.as_ref().map(|response| RecordedResponse {
                status: response.status,
                after: response.after,
                headers: scrubber.headers(&response.headers),
                body: scrubber.pieces(&response.body),
            }),
            is_complete: self.is_complete,
        }
    }
}

/// The thread's work, until the last sender is gone.
fn write_all(messages: &Receiver<Message>, shared: &Shared, files: &mut Files) {
    let mut is_warned = false;
    while let Ok(message) = messages.recv() {
        match message {
            Message::Record(raw, size) => {
                let scrubber = shared.scrubber.read().unwrap_or_else(PoisonError::into_inner).clone();
                match files.write(&raw.scrubbed(&scrubber)) {
                    Ok(()) => shared.written.fetch_add(1, Ordering::Relaxed),
                    Err(error) => {
                        if !std::mem::replace(&mut is_warned, true) {
                            tracing::warn!(%error, folder = %files.folder.display(), "exchanges are not recorded");
                        }
                        shared.failed.fetch_add(1, Ordering::Relaxed)
                    }
                };
                shared.waiting_bytes.fetch_sub(size, Ordering::Relaxed);
            }
            Message::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
}

/// The file of the day.
struct Files {
    folder: PathBuf,
    open: Option<(jiff::civil::Date, BufWriter<File>)>,
}

impl Files {
    fn write(&mut self, exchange: &Exchange) -> io::Result<()> {
        let mut line = to_line(exchange)?;
        line.push(b'\n');
        let file = self.for_time(Timestamp::now())?;
        file.write_all(&line)?;
        // Exchanges are few and far between compared with the cost of a write, and a killed process loses none this way.
        file.flush()
    }

    fn for_time(&mut self, now: Timestamp) -> io::Result<&mut BufWriter<File>> {
        let today = now.to_zoned(TimeZone::UTC).date();
        if self.open.as_ref().is_none_or(|(day, _)| *day != today) {
            let path = self.folder.join(format!("{today}-{}.jsonl", std::process::id()));
            let mut options = OpenOptions::new();
            options.create(true).append(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            self.open = Some((today, BufWriter::new(options.open(path)?)));
        }
        match &mut self.open {
            Some((_, file)) => Ok(file),
            None => Err(io::Error::other("no file is open")),
        }
    }
}
