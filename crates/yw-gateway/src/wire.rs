//! The way to a provider: over the network, recorded or not, or out of a cassette.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url};

use crate::auth::AuthError;
use crate::cassette::{Playback, Player, RecordedResponse, Recorder, Recording};
use crate::client::describe;
use crate::provider::Provider;

/// The most characters of a request's body in an error.
const SHOWN_BODY: usize = 300;

/// What becomes of exchanges with providers.
#[derive(Debug, Clone, Default)]
pub(crate) enum Tape {
    /// They happen.
    #[default]
    Off,
    /// They happen and are recorded.
    Record(Arc<Recorder>),
    /// They do not happen: the answer is what was recorded.
    Play(Arc<Player>),
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// The request could not be authorized.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// There is no connection, or it broke.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The cassette does not have this request.
    #[error("the cassette has no exchange like {method} {path} with the body {body}")]
    Unrecorded {
        method: Method,
        path: String,
        /// Its beginning.
        body: String,
    },
}

/// A connection failed, or broke.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct NetworkError {
    message: String,
    /// Whether the provider may have got the request.
    pub(crate) was_sent: bool,
}

impl From<reqwest::Error> for NetworkError {
    fn from(error: reqwest::Error) -> Self {
        let was_sent = !(error.is_connect() || error.is_builder());
        NetworkError { message: describe(error), was_sent }
    }
}

impl NetworkError {
    fn recorded(what: &str) -> Self {
        NetworkError { message: format!("{what}, as the cassette has it"), was_sent: true }
    }
}

impl Provider {
    /// Sends a request, authorized, and waits for the head of the response.
    pub(crate) async fn send(&self, url: &Url, mut headers: HeaderMap, body: Bytes) -> Result<Incoming, SendError> {
        if let Tape::Play(player) = &self.tape {
            return play(player, url, &body).await;
        }
        self.authorize(url, &mut headers, &body).await?;
        let mut recording = self.recording(url, &headers, &body);
        let mut response =
            self.client.post(url.clone()).headers(headers).body(body).send().await.map_err(NetworkError::from)?;
        if let Some(recording) = &mut recording {
            recording.response(response.status().as_u16(), response.headers());
        }
        let headers = std::mem::take(response.headers_mut());
        Ok(Incoming { status: response.status(), headers, source: Source::Network(response, recording) })
    }

    fn recording(&self, url: &Url, headers: &HeaderMap, body: &Bytes) -> Option<Box<Recording>> {
        let Tape::Record(recorder) = &self.tape else { return None };
        if self.config.cloud.is_some() {
            // The tokens of clouds come and go; those that this request was authorized with are known by now.
            self.credentials().secrets().iter().for_each(|secret| recorder.add_secret(secret));
        }
        Some(Box::new(recorder.begin(&Method::POST, url, headers, body.clone())))
    }
}

async fn play(player: &Player, url: &Url, body: &Bytes) -> Result<Incoming, SendError> {
    let method = Method::POST;
    let Some(playback) = player.answer(method.as_str(), url, body) else {
        if player.was_unanswered(method.as_str(), url, body) {
            return Err(NetworkError::recorded("no response came").into());
        }
        let text = String::from_utf8_lossy(body);
        let mut shown: String = text.chars().take(SHOWN_BODY).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        return Err(SendError::Unrecorded { method, path: url.path().to_owned(), body: shown });
    };
    let (status, headers) = match playback.head().await {
        Some(RecordedResponse { status, headers, .. }) => (*status, header_map(headers)),
        None => return Err(NetworkError::recorded("no response came").into()),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    Ok(Incoming { status, headers, source: Source::Cassette(playback) })
}

fn header_map(pairs: &[(String, String)]) -> HeaderMap {
    let header = |(name, value): &(String, String)| {
        Some((HeaderName::try_from(name.as_str()).ok()?, HeaderValue::try_from(value.as_str()).ok()?))
    };
    let mut headers = HeaderMap::new();
    for (name, value) in pairs.iter().filter_map(header) {
        headers.append(name, value);
    }
    headers
}

/// A response whose head has come. Dropped before its end it closes the connection.
#[derive(Debug)]
pub(crate) struct Incoming {
    status: StatusCode,
    headers: HeaderMap,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Network(reqwest::Response, Option<Box<Recording>>),
    Cassette(Playback),
}

impl Incoming {
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The next piece of the body; none at its end. *Cancellation*: nothing is lost.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, NetworkError> {
        match &mut self.source {
            Source::Network(response, recording) => {
                let piece = response.chunk().await?;
                match (&piece, recording) {
                    (Some(piece), Some(recording)) => recording.piece(piece),
                    (None, Some(_)) => self.finish(),
                    (_, None) => {}
                }
                Ok(piece)
            }
            Source::Cassette(playback) => match playback.piece().await {
                None if playback.is_cut() => Err(NetworkError::recorded("the response broke off")),
                piece => Ok(piece),
            },
        }
    }

    /// All that matters has come, whether or not the connection stays open.
    pub(crate) fn finish(&mut self) {
        if let Source::Network(_, recording) = &mut self.source
            && let Some(recording) = recording.take()
        {
            recording.finish();
        }
    }
}
