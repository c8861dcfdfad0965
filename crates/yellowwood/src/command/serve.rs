//! `yw serve`: champions behind HTTP, until interrupted.

use std::io;

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
    let asking = project::connect(&project, Some(&store), None)?;
    let app = App::open(&project, &store, &asking, only).await.map_err(|e| Failure::from_error(exit::FAILURE, &e))?;
    let server = Server::bind(app, address).await.map_err(|e| {
        let failure = Failure::from_error(exit::FAILURE, &e);
        match e {
            BindError::NotLoopback { .. } => {
                failure.with_hint("listen on 127.0.0.1 and put a proxy that checks keys before it")
            }
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
    Ok(exit::OK)
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
