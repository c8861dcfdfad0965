//! Values that expire: fetched when needed, renewed in time, by one task at a time.

use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::AuthError;

/// A value is renewed in the background when it has less than this left.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_mins(5);

/// A value with less than this left is not used: the request would arrive with one that has expired.
const LEAST_LEFT: SignedDuration = SignedDuration::from_secs(30);

/// After a failure nobody asks again for so long: those who waited for it would each wait for their own.
const PAUSE_AFTER_FAILURE: SignedDuration = SignedDuration::from_secs(3);

/// The same, while the old value still serves.
const PAUSE_BETWEEN_RENEWALS: SignedDuration = SignedDuration::from_secs(15);

/// A value with its end.
#[derive(Debug)]
pub(super) struct Expiring<T> {
    pub(super) value: T,
    /// None: it lasts.
    pub(super) expires: Option<Timestamp>,
}

/// Where values come from.
pub(super) trait Fetch: Send + Sync + 'static {
    type Value: Send + Sync + 'static;

    fn fetch(&self, now: Timestamp) -> impl Future<Output = Result<Expiring<Self::Value>, AuthError>> + Send;
}

/// The value of a [`Fetch`], as fresh as it has to be.
pub(super) struct Refreshing<F: Fetch>(Arc<Inner<F>>);

impl<F: Fetch> Clone for Refreshing<F> {
    fn clone(&self) -> Self {
        Refreshing(Arc::clone(&self.0))
    }
}

struct Inner<F: Fetch> {
    from: F,
    held: RwLock<Option<Held<F::Value>>>,
    /// Held by whoever fetches; inside is the last failure.
    fetching: Mutex<Option<(Timestamp, AuthError)>>,
}

struct Held<T> {
    value: Arc<T>,
    expires: Option<Timestamp>,
}

impl<T> Held<T> {
    fn has_left(&self, least: SignedDuration, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| expires.duration_since(now) > least)
    }
}

impl<F: Fetch> Refreshing<F> {
    pub(super) fn new(from: F) -> Self {
        Refreshing(Arc::new(Inner { from, held: RwLock::new(None), fetching: Mutex::new(None) }))
    }

    pub(super) fn source(&self) -> &F {
        &self.0.from
    }

    /// The value that is there, fresh or not.
    pub(super) fn peek(&self) -> Option<Arc<F::Value>> {
        let held = self.0.held.read().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().map(|held| Arc::clone(&held.value))
    }

    /// A value that is valid at `now`. Only a call that finds none waits; one that finds an old one starts its renewal.
    pub(super) async fn get(&self, now: Timestamp) -> Result<Arc<F::Value>, AuthError> {
        let inner = &self.0;
        match inner.usable(now) {
            Some((value, true)) => return Ok(value),
            Some((value, false)) => {
                self.renew(now);
                return Ok(value);
            }
            None => {}
        }
        let mut failure = inner.fetching.lock().await;
        // Whoever held the lock may have fetched what this call needs, or learnt that there is none.
        if let Some((value, _)) = inner.usable(now) {
            return Ok(value);
        }
        inner.fetch(&mut failure, now).await
    }

    /// Starts a renewal unless one is under way.
    fn renew(&self, now: Timestamp) {
        let inner = Arc::clone(&self.0);
        match inner.fetching.try_lock() {
            Ok(failure) if recent(&failure, PAUSE_BETWEEN_RENEWALS, now).is_none() => {}
            _ => return,
        }
        tokio::spawn(async move {
            let Ok(mut failure) = inner.fetching.try_lock() else { return };
            if inner.usable(now).is_none_or(|(_, is_fresh)| !is_fresh)
                && let Err(error) = inner.fetch(&mut failure, now).await
            {
                tracing::warn!(%error, "credentials were not renewed");
            }
        });
    }
}

impl<F: Fetch> Inner<F> {
    /// The value if it can be used, and whether it is not to be renewed yet.
    fn usable(&self, now: Timestamp) -> Option<(Arc<F::Value>, bool)> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let held = held.as_ref().filter(|held| held.has_left(LEAST_LEFT, now))?;
        Some((Arc::clone(&held.value), held.has_left(RENEW_BEFORE, now)))
    }

    async fn fetch(
        &self,
        failure: &mut Option<(Timestamp, AuthError)>,
        now: Timestamp,
    ) -> Result<Arc<F::Value>, AuthError> {
        if let Some(error) = recent(failure, PAUSE_AFTER_FAILURE, now) {
            return Err(error.clone());
        }
        match self.from.fetch(now).await {
            Ok(Expiring { value, expires }) => {
                let value = Arc::new(value);
                *self.held.write().unwrap_or_else(PoisonError::into_inner) =
                    Some(Held { value: Arc::clone(&value), expires });
                *failure = None;
                Ok(value)
            }
            Err(error) => {
                *failure = Some((now, error.clone()));
                Err(error)
            }
        }
    }
}

/// The last failure if it is no older than `pause`.
fn recent(failure: &Option<(Timestamp, AuthError)>, pause: SignedDuration, now: Timestamp) -> Option<&AuthError> {
    failure.as_ref().filter(|(at, _)| now.duration_since(*at) < pause).map(|(_, error)| error)
}
