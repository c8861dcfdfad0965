//! Requests to the servers that give credentials: short, bounded, and only where nobody else listens.

use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;

use super::AuthError;
use crate::client::{Clients, describe};

/// The servers beside the machine answer in milliseconds; on a machine without any, nobody should wait long to learn it.
pub(super) const METADATA_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) const TOKEN_TIMEOUT: Duration = Duration::from_secs(10);

/// No answer with credentials is longer.
const MAX_BODY_BYTES: usize = 256 << 10;

/// How much of a refusal is passed on.
const MAX_MESSAGE_CHARS: usize = 300;

/// The HTTP clients of one source.
#[derive(Debug, Default)]
pub(super) struct Http(Mutex<Clients>);

impl Http {
    /// A client for servers that any machine may ask, through a proxy where the environment has one.
    pub(super) fn for_url(&self, url: &Url) -> Result<Client, AuthError> {
        self.client(url, url.host_str())
    }

    /// A client for the servers beside the machine: a proxy is another machine, with other credentials or none.
    pub(super) fn direct(&self, url: &Url) -> Result<Client, AuthError> {
        self.client(url, Some("localhost"))
    }

    fn client(&self, url: &Url, host: Option<&str>) -> Result<Client, AuthError> {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        clients.for_host(host).map_err(|error| AuthError::Fetch { from: origin(url), reason: error.to_string() })
    }
}

/// `address` if credentials may be asked for there: by https, or on this machine, or at one of the `trusted` hosts.
pub(super) fn checked_url(address: &str, trusted: &[&str]) -> Result<Url, AuthError> {
    let unfit = || AuthError::Address { address: address.split(['?', '#']).next().unwrap_or_default().to_owned() };
    let url = Url::parse(address).map_err(|_| unfit())?;
    let host = url.host_str().unwrap_or_default();
    let is_loopback = host == "localhost"
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let is_fit = url.scheme() == "https" || (url.scheme() == "http" && (is_loopback || trusted.contains(&host)));
    if is_fit && !host.is_empty() { Ok(url) } else { Err(AuthError::Address { address: origin(&url) }) }
}

/// Sends a request and reads the JSON of its answer.
pub(super) async fn json<T: DeserializeOwned>(
    request: RequestBuilder,
    url: &Url,
    timeout: Duration,
) -> Result<T, AuthError> {
    let body = bytes(request, url, timeout).await?;
    // The message of serde_json may quote the answer, which is secret.
    serde_json::from_slice(&body).map_err(|_| AuthError::Fetch {
        from: origin(url),
        reason: "the answer has not the expected fields".to_owned(),
    })
}

/// Sends a request and reads the text of its answer.
pub(super) async fn text(request: RequestBuilder, url: &Url, timeout: Duration) -> Result<String, AuthError> {
    let body = bytes(request, url, timeout).await?;
    String::from_utf8(body)
        .map(|text| text.trim().to_owned())
        .map_err(|_| AuthError::Fetch { from: origin(url), reason: "the answer is not text".to_owned() })
}

async fn bytes(request: RequestBuilder, url: &Url, timeout: Duration) -> Result<Vec<u8>, AuthError> {
    let failed = |reason| AuthError::Fetch { from: origin(url), reason };
    let mut response = request.timeout(timeout).send().await.map_err(|error| failed(describe(error)))?;
    let status = response.status();
    let body = read(&mut response).await.map_err(failed)?;
    if status.is_success() {
        return Ok(body);
    }
    Err(AuthError::Refused { from: origin(url), status: status.as_u16(), message: message(&body) })
}

/// What a refusal says, of the fields alone that are for people: the rest may quote what was sent.
fn message(body: &[u8]) -> String {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Refusal {
        error: serde_json::Value,
        error_description: Option<String>,
        #[serde(alias = "Message")]
        message: Option<String>,
    }
    let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
    let error = refusal.error.as_str().or_else(|| refusal.error.get("message")?.as_str());
    let said = [error, refusal.error_description.as_deref(), refusal.message.as_deref()];
    let message = said.into_iter().flatten().collect::<Vec<_>>().join(": ");
    if message.is_empty() { "no message".to_owned() } else { message.chars().take(MAX_MESSAGE_CHARS).collect() }
}

async fn read(response: &mut Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(describe)? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(format!("the answer is longer than {MAX_BODY_BYTES} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads a file with credentials.
pub(super) async fn file(path: &Path) -> Result<String, AuthError> {
    tokio::fs::read_to_string(path).await.map_err(|error| unreadable(path, error.to_string()))
}

pub(super) fn unreadable(path: &Path, reason: impl Into<String>) -> AuthError {
    AuthError::File { path: path.display().to_string(), reason: reason.into() }
}

/// Scheme, host and port.
pub(super) fn origin(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{}://{host}:{port}", url.scheme()),
        (Some(host), None) => format!("{}://{host}", url.scheme()),
        (None, _) => url.scheme().to_owned(),
    }
}
