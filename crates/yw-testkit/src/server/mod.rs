//! The scripted server: a provider that does what it is told, down to the byte.

mod auth;
mod chat;
mod connection;
mod instant;
mod response;
mod stream;
mod turn;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use yw_task::Dialect;

use crate::bill::{Bill, Ledger, RecordedRequest};
use crate::script::Script;
use connection::{Connection, ReadError};
use instant::Instant;
use response::Response;
use turn::After;

/// A provider of models on this machine that answers, charges and fails as its [`Script`] says.
///
/// It speaks every dialect, whole or as a stream, with reasoning, tools and structured output:
///
/// - OpenAI below `/v1` (and below `/openai/v1`, `/api/v1`, `/inference/v1`, `/compatibility/v1`, `/v1beta/openai`):
///   `POST /chat/completions`, `/responses`, `/responses/input_tokens`, `/embeddings`, `GET /models`;
/// - Anthropic (also below `/anthropic`): `POST /v1/messages`, `/v1/messages/count_tokens`, `GET /v1/models`;
/// - Gemini: `POST /v1beta/models/MODEL:VERB` with `generateContent`, `streamGenerateContent`, `countTokens`,
///   `embedContent`, `batchEmbedContents`, and `GET /v1beta/models`;
/// - Bedrock: `POST /model/MODEL/converse`, `/converse-stream` in binary frames, `/count-tokens`, for a bearer or a
///   signature;
/// - Azure: `/openai/deployments/NAME/…?api-version=…`;
/// - Vertex: `/v1/projects/P/locations/L/publishers/google/models/MODEL:VERB`, also with `predict` for embeddings;
///   `publishers/anthropic/models/MODEL:rawPredict` and `:streamRawPredict`; `endpoints/openapi/chat/completions`.
///
/// `GET /scripted/bill` is the [`Bill`] as JSON. Dropping the server closes the port and all connections at once.
pub struct ScriptedServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Dropped to stop the server.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ScriptedServer {
    /// Starts on a free loopback port, on the current tokio runtime.
    pub async fn start(script: Script) -> io::Result<Self> {
        Self::start_at(script, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts at a given address, on the current tokio runtime.
    pub async fn start_at(script: Script, address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(script));
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(accept(listener, shared.clone(), stopped));
        Ok(ScriptedServer { address, shared, stop: Some(stop), thread: None })
    }

    /// Starts on a free loopback port, on a thread with a runtime of its own: for tests without a runtime, and for
    /// those that wait for child processes.
    pub fn spawn_thread(script: Script) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(async { TcpListener::from_std(listener) })?;
        let shared = Arc::new(Shared::new(script));
        let (stop, stopped) = oneshot::channel();
        let serving = accept(listener, shared.clone(), stopped);
        let thread = std::thread::Builder::new().name("scripted-server".into()).spawn(move || {
            runtime.block_on(serving);
        })?;
        Ok(ScriptedServer { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL for clients of the OpenAI dialect, `http://127.0.0.1:PORT/v1`.
    pub fn base_url_openai(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The base URL for clients of the Anthropic dialect, `http://127.0.0.1:PORT`.
    pub fn base_url_anthropic(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base URL for clients of a dialect, as far as it goes before the paths that [`ScriptedServer`] names.
    pub fn base_url(&self, dialect: Dialect) -> String {
        match dialect {
            Dialect::OpenAi | Dialect::Responses => self.base_url_openai(),
            Dialect::Gemini => format!("http://{}/v1beta", self.address),
            Dialect::Anthropic | Dialect::Bedrock => self.base_url_anthropic(),
        }
    }

    /// Every request so far, in order of arrival.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.ledger().requests.clone()
    }

    /// What was charged so far. A reply that a client has read to its end is in it.
    pub fn bill(&self) -> Bill {
        self.shared.ledger().bill.clone()
    }

    /// How many requests were read and are not answered yet.
    pub fn in_flight(&self) -> usize {
        self.shared.in_flight.load(Ordering::SeqCst)
    }

    /// The most requests that ever were in flight at once.
    pub fn peak_in_flight(&self) -> usize {
        self.shared.peak_in_flight.load(Ordering::SeqCst)
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A script that panicked has said so on stderr; a second panic here would hide the test's own.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for ScriptedServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedServer").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What all connections share.
struct Shared {
    script: Script,
    instant: Option<Instant>,
    ledger: Mutex<Ledger>,
    in_flight: AtomicUsize,
    peak_in_flight: AtomicUsize,
}

impl Shared {
    fn new(script: Script) -> Self {
        let instant = Instant::of(&script);
        Shared {
            script,
            instant,
            ledger: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            peak_in_flight: AtomicUsize::new(0),
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one request as in flight until it is dropped, however its task ends.
struct InFlight<'a>(&'a Shared);

impl<'a> InFlight<'a> {
    fn enter(shared: &'a Shared) -> Self {
        let now = shared.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        shared.peak_in_flight.fetch_max(now, Ordering::SeqCst);
        InFlight(shared)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Takes connections until `stopped` resolves; then drops them all.
async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            accepted = listener.accept() => {
                // An accept fails when the client is gone already, or no descriptor is free; both pass.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(stream, shared.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Answers the requests of one connection, one after the other.
async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut connection = Connection::new(stream);
    loop {
        let request = match connection.read_request(shared.script.max_body_bytes).await {
            Ok(request) => request,
            Err(ReadError::Gone) => return,
            Err(ReadError::Refused { status, reason }) => {
                shared.ledger().bill.refused += 1;
                let response = Response::error(Dialect::OpenAi, status, reason);
                let _ = response.write(&mut connection, false, &[], || ()).await;
                return;
            }
        };
        let in_flight = InFlight::enter(&shared);
        let after = turn::answer(&shared, &mut connection, &request).await;
        drop(in_flight);
        match after {
            After::KeepAlive => {}
            After::Close => return,
            After::Reset => return connection.reset(),
        }
    }
}
