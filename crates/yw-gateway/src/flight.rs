use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::key::ReplyKey;
use crate::store::StoredReply;

/// Makes identical calls that come at the same time take turns: the first asks, the others find its reply.
///
/// A turn that fails or is cancelled leaves nothing, and the next in line asks for itself.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<HashMap<ReplyKey, Slot>>);

type Slot = Arc<tokio::sync::Mutex<Option<StoredReply>>>;

impl Flights {
    /// Joins the calls under `key`; [`Flight::turn`] waits for the turn.
    pub(crate) fn join(&self, key: ReplyKey) -> Flight<'_> {
        let slot = self.lock().entry(key).or_default().clone();
        Flight { flights: self, key, slot }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ReplyKey, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among the calls under one key.
#[derive(Debug)]
pub(crate) struct Flight<'a> {
    flights: &'a Flights,
    key: ReplyKey,
    slot: Slot,
}

impl Flight<'_> {
    /// Waits for the turn, and gives access to the reply that the one before left or this one leaves.
    pub(crate) async fn turn(&self) -> tokio::sync::MutexGuard<'_, Option<StoredReply>> {
        self.slot.lock().await
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut slots = self.flights.lock();
        // The map and this flight: nobody else waits.
        if Arc::strong_count(&self.slot) == 2 {
            slots.remove(&self.key);
        }
    }
}
