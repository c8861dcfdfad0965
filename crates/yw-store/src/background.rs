//! A thread for work that nobody waits for: it gives way to everything that serves.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::StoreError;
use crate::database::Database;

/// A thread with a runtime and a connection of its own, at the lowest priority there is. What it does it does in small
/// steps: a transaction holds up every other writer, and this one may have to wait for the processor in the middle.
///
/// It ends when it is closed or dropped; what it has not finished then is given up between two steps.
#[derive(Debug)]
pub(crate) struct Background {
    /// None once it is closed.
    jobs: Mutex<Option<mpsc::UnboundedSender<Job>>>,
    /// Tells that the thread has closed its connection.
    ended: tokio::sync::Mutex<oneshot::Receiver<()>>,
}

type Job = Box<dyn FnOnce(Arc<Database>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// How long closing waits for the thread, which may not get the processor.
const CLOSING: Duration = Duration::from_secs(2);

impl Background {
    /// Starts the thread, with a connection to the same file.
    pub(crate) fn start(database: &Arc<Database>) -> Result<Self, StoreError> {
        let (jobs, todo) = mpsc::unbounded_channel();
        let (ending, ended) = oneshot::channel();
        let failed = |e| StoreError::from_io("start a thread for", "the background work", database.state_dir(), e);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
        let database = database.clone();
        let work = move || {
            give_way();
            runtime.block_on(work(todo, &database));
            drop(runtime);
            let _ = ending.send(());
        };
        std::thread::Builder::new().name("yw-background".into()).spawn(work).map_err(failed)?;
        Ok(Background { jobs: Mutex::new(Some(jobs)), ended: tokio::sync::Mutex::new(ended) })
    }

    /// Begins a job beside those that are running. It gets the thread's database. After closing, nothing happens.
    pub(crate) fn spawn<F>(&self, job: impl FnOnce(Arc<Database>) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if let Some(jobs) = &*self.jobs.lock().unwrap_or_else(PoisonError::into_inner) {
            // Refused only if the thread has panicked; whoever waits for the job learns it from its own channel.
            let _ = jobs.send(Box::new(move |database| Box::pin(job(database))));
        }
    }

    /// Ends the thread and waits until its connection is closed, or gives up waiting.
    pub(crate) async fn close(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let mut ended = self.ended.lock().await;
        if !ended.is_terminated() && tokio::time::timeout(CLOSING, &mut *ended).await.is_err() {
            tracing::debug!("the background thread has not ended in time");
        }
    }
}

async fn work(mut todo: mpsc::UnboundedReceiver<Job>, database: &Database) {
    let own = Arc::new(database.beside());
    let mut jobs = JoinSet::new();
    loop {
        tokio::select! {
            job = todo.recv() => match job {
                Some(job) => _ = jobs.spawn(job(own.clone())),
                None => break,
            },
            Some(ended) = jobs.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "work in the background was given up");
                }
            }
        }
    }
    jobs.shutdown().await;
    own.close().await;
}

/// Lowers the priority of this thread, and so of those that it starts: on Linux until it runs only while nothing else
/// wants the processor, and is interrupted as soon as something does.
#[cfg(target_os = "linux")]
fn give_way() {
    use thread_priority::unix::{
        NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
    };
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    if let Err(error) = set_thread_priority_and_policy(thread_native_id(), thread_priority::ThreadPriority::Min, idle) {
        tracing::debug!(%error, "the background thread has the priority of all others");
    }
}

/// Elsewhere there are more processors than on the servers that this is for.
#[cfg(not(target_os = "linux"))]
fn give_way() {}
