//! `yw serve`: champions behind HTTP, until interrupted.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use yw_arena::Asking;
use yw_gateway::Gateway;
use yw_gateway::cassette::{Cassette, Recorder, RecorderStats};
use yw_server::{App, BindError, Server};

use crate::cli::ServeArgs;
use crate::failure::Failure;
use crate::{exit, output, project};

pub(crate) async fn run(args: &ServeArgs) -> Result<u8, Failure> {
    let project = project::open(args.project.place())?;
    let only = args.project.task.as_deref();
    if let Some(name) = only {
        project::task(&project, name)?;
    }
    let address = args.address.unwrap_or(project.serve.address);
    let store = project::store(&project).await?;
    // What is replayed is no reply of a provider, and is not remembered as one.
    let memory = args.replay.is_none().then_some(&store);
    let mut gateway = project::gateway(&project, memory)?;
    let recorder = insert_tape(args, &mut gateway)?;
    let asking = Asking::new(gateway, memory, None);
    let app = App::open(&project, &store, &asking, only).await.map_err(|e| Failure::from_error(exit::FAILURE, &e))?;
    let server = Server::bind(app, address).await.map_err(|e| {
        let failure = Failure::from_error(exit::FAILURE, &e);
        match e {
            BindError::NotLoopback { .. } => failure,
            BindError::Io { .. } => failure.with_hint("`--address 127.0.0.1:0` takes a free port"),
        }
    })?;
    for task in project.tasks.iter().filter(|t| only.is_none_or(|name| name == t.name)) {
        let champion = store.champion(&task.name).await.map_err(|e| Failure::from_error(exit::FAILURE, &e))?;
        match champion {
            Some(c) => output::note(format!("{}: `{}` answers (run {})", task.name, c.candidate, c.run)),
            None => output::note(format!("{}: nothing answers yet; `yw run` finds a champion", task.name)),
        }
    }
    let interrupted = interrupted().map_err(|e| Failure::new(exit::FAILURE, "cannot listen for signals to end", &e))?;
    output::line(format!("listening on http://{}", server.address()));
    server.run(interrupted).await;
    if let (Some(recorder), Some(folder)) = (recorder, &args.record) {
        report_recording(recorder, folder).await;
    }
    Ok(exit::OK)
}

/// Starts to record or to replay, if that is wanted.
fn insert_tape(args: &ServeArgs, gateway: &mut Gateway) -> Result<Option<Arc<Recorder>>, Failure> {
    if let Some(folder) = &args.replay {
        let cassette = Cassette::load(folder).map_err(|e| {
            Failure::from_error(exit::FAILURE, &e).with_hint("`yw serve --record FOLDER` writes a cassette")
        })?;
        output::note(format!("replaying {} exchanges; no provider is asked", cassette.exchanges().len()));
        gateway.replay(cassette);
    }
    let record = |folder: &PathBuf| {
        let failed = |e| Failure::new(exit::FAILURE, format!("cannot record into {}", folder.display()), &e);
        gateway.record(folder).map_err(failed)
    };
    args.record.as_ref().map(record).transpose()
}

/// Waits until all is written, and says how much that is.
async fn report_recording(recorder: Arc<Recorder>, folder: &Path) {
    let stats = tokio::task::spawn_blocking(move || {
        recorder.flush();
        recorder.stats()
    });
    let Ok(RecorderStats { written, dropped, failed }) = stats.await else { return };
    output::note(format!("recorded {written} exchanges in {}", folder.display()));
    if dropped + failed > 0 {
        output::note(format!(
            "{} more are missing there: too many came at once, or the disk refused",
            dropped + failed
        ));
    }
}

/// Resolves at ctrl-c, or when the system asks the process to end. Signals count from this call on, not from the first
/// poll: who has read the address may send one at once.
#[cfg(unix)]
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves at ctrl-c.
#[cfg(not(unix))]
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
