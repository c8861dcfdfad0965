//! Answers from a cassette.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::Url;
use tokio::time::Instant;

use super::canonical::key;
use super::scrub::Scrubber;
use super::{Cassette, Exchange, RecordedResponse};
use crate::Secret;

/// Answers requests with what was recorded for them.
///
/// Requests are the same if method, path, query and body are; of JSON bodies neither the order of keys nor white space
/// counts, and hosts and headers never do. The second time a request comes it gets the second recording, and so on; once
/// there is no further one, the last again. Requests without a response in the cassette are not answered.
#[derive(Debug)]
pub struct Player {
    exchanges: Vec<Arc<Exchange>>,
    by_key: HashMap<[u8; 32], Repeats>,
    /// Requests to which no response came.
    unanswered: HashSet<[u8; 32]>,
    scrubber: Scrubber,
}

#[derive(Debug, Default)]
struct Repeats {
    exchanges: Vec<usize>,
    next: AtomicUsize,
}

impl Player {
    /// Plays `cassette`. Requests that hold one of `secrets` are found too, although the cassette does not have it.
    pub fn new(cassette: Cassette, secrets: &[Secret]) -> Self {
        let exchanges: Vec<Arc<Exchange>> = cassette.exchanges().iter().cloned().map(Arc::new).collect();
        let mut by_key: HashMap<[u8; 32], Repeats> = HashMap::new();
        let mut unanswered = HashSet::new();
        for (idx, exchange) in exchanges.iter().enumerate() {
            let request = &exchange.request;
            // An address that cannot be read was not recorded by a `Recorder`; it is found by its whole text.
            let path = Url::parse(&request.url).map_or_else(|_| request.url.clone(), |url| path_and_query(&url));
            let key = key(&request.method, &path, &request.body);
            if exchange.response.is_none() {
                unanswered.insert(key);
                continue;
            }
            match by_key.entry(key) {
                Entry::Occupied(mut known) => known.get_mut().exchanges.push(idx),
                Entry::Vacant(new) => {
                    new.insert(Repeats { exchanges: vec![idx], next: AtomicUsize::new(0) });
                }
            }
        }
        Player { exchanges, by_key, unanswered, scrubber: Scrubber::new(secrets) }
    }

    /// The response to a request; none if the cassette has none.
    pub fn answer(&self, method: &str, url: &Url, body: &Bytes) -> Option<Playback> {
        let repeats = self.by_key.get(&self.key(method, url, body))?;
        let turn = repeats.next.fetch_add(1, Ordering::Relaxed).min(repeats.exchanges.len().saturating_sub(1));
        let exchange = self.exchanges.get(*repeats.exchanges.get(turn)?)?;
        Some(Playback { exchange: Arc::clone(exchange), start: Instant::now(), next: 0, is_timed: false })
    }

    /// Whether the cassette has the request, and no response to it ever came.
    pub fn was_unanswered(&self, method: &str, url: &Url, body: &Bytes) -> bool {
        let key = self.key(method, url, body);
        self.unanswered.contains(&key) && !self.by_key.contains_key(&key)
    }

    fn key(&self, method: &str, url: &Url, body: &Bytes) -> [u8; 32] {
        let path = match Url::parse(&self.scrubber.url(url)) {
            Ok(url) => path_and_query(&url),
            Err(_) => path_and_query(url),
        };
        key(method, &path, &self.scrubber.bytes(body))
    }
}

fn path_and_query(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// A recorded response as it is played.
#[derive(Debug)]
pub struct Playback {
    exchange: Arc<Exchange>,
    start: Instant,
    next: usize,
    is_timed: bool,
}

impl Playback {
    /// Plays at the speed of the recording, counted from now. Without this nothing waits.
    pub fn timed(mut self) -> Self {
        self.is_timed = true;
        self.start = Instant::now();
        self
    }

    /// The exchange that is played.
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Status and headers, when they are due.
    pub async fn head(&self) -> Option<&RecordedResponse> {
        let response = self.exchange.response.as_ref()?;
        self.due(response.after).await;
        Some(response)
    }

    /// The next piece of the body, when it is due; none at the end, which may be [an early one](Self::is_cut).
    pub async fn piece(&mut self) -> Option<Bytes> {
        let (at, piece) = self.exchange.response.as_ref()?.body.get(self.next)?;
        self.due(*at).await;
        let piece = piece.clone();
        self.next += 1;
        Some(piece)
    }

    /// Whether the recorded response did not come to its end.
    pub fn is_cut(&self) -> bool {
        !self.exchange.is_complete
    }

    async fn due(&self, at: Duration) {
        if self.is_timed {
            tokio::time::sleep_until(self.start + at).await;
        }
    }
}
