//! Listening: connections, their time limits, and an orderly end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};

use crate::App;

/// How long a client may take to send the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long requests under way may take once the server is told to stop.
const GRACE: Duration = Duration::from_secs(30);

/// A server that has its address.
pub struct Server {
    app: App,
    listener: TcpListener,
    address: SocketAddr,
}

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address is open to other machines, and there are no keys to keep strangers out.
    #[error(
        "{address} is open to other machines; set `keys = true` in [serve] and make a key with `yw key create` to keep \
         strangers out"
    )]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// The system refused.
    #[error("cannot listen on {address}")]
    Io {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Server {
    /// Listens on an address, which without keys must be a loopback one; port 0 takes a free one.
    pub async fn bind(app: App, address: SocketAddr) -> Result<Self, BindError> {
        if !address.ip().is_loopback() && !app.proxy.wants_keys() {
            return Err(BindError::NotLoopback { address });
        }
        let io_error = |source| BindError::Io { address, source };
        let listener = TcpListener::bind(address).await.map_err(io_error)?;
        let address = listener.local_addr().map_err(io_error)?;
        Ok(Server { app, listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until `shutdown` resolves, then lets those under way finish.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let followers =
            [tokio::spawn(self.app.clone().follow_promotions()), tokio::spawn(self.app.clone().follow_keys())];
        let router = self.app.router();
        let connections = GracefulShutdown::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => serve_connection(stream, router.clone(), &connections),
                    Err(e) => {
                        // Out of file handles, most likely: wait for some to come back rather than spin.
                        tracing::warn!(error = &e as &dyn std::error::Error, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
            }
        }
        drop(self.listener);
        followers.iter().for_each(tokio::task::JoinHandle::abort);
        if tokio::time::timeout(GRACE, connections.shutdown()).await.is_err() {
            tracing::warn!("some requests did not finish within {} s", GRACE.as_secs());
        }
        if let Err(e) = self.app.store.close().await {
            tracing::warn!(error = &e as &dyn std::error::Error, "the store was not closed in order; nothing is lost");
        }
    }
}

fn serve_connection(stream: TcpStream, router: Router, connections: &GracefulShutdown) {
    // Answers are small and wait for nothing: send them at once.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    // HTTP/1.1 alone: a client that is slow to say which it speaks would hold its connection for ever.
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let watched = connections.watch(connection);
    tokio::spawn(async move {
        // A client that breaks the protocol or goes away is its own problem.
        let _: Result<(), _> = watched.await;
        Ok::<(), Infallible>(())
    });
}
