use std::sync::Arc;

use jiff::Timestamp;
use yw_task::Usd;

use super::meter::Meter;

/// What a call used, or may use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// Tokens, read and written together.
    pub tokens: u64,
    /// Money.
    pub dollars: Usd,
}

/// What is set aside for one call, with all its attempts.
///
/// Settle it when the call has ended. Dropped before it was [marked as sent](Reservation::mark_sent) it is given back;
/// dropped afterwards all of it counts as used, because the provider may bill what nobody received.
#[derive(Debug)]
#[must_use = "dropped, the reservation is given back at once"]
pub struct Reservation {
    pub(super) all: Arc<Meter>,
    pub(super) own: Option<Arc<Meter>>,
    pub(super) admitted_at: Timestamp,
    pub(super) bound: Used,
    end: End,
}

/// What becomes of a reservation.
#[derive(Debug, Clone, Copy)]
enum End {
    GivenBack,
    Lost,
    Used(Used),
}

impl Reservation {
    pub(super) fn new(all: Arc<Meter>, own: Option<Arc<Meter>>, admitted_at: Timestamp, bound: Used) -> Self {
        Reservation { all, own, admitted_at, bound, end: End::GivenBack }
    }

    /// When the call was admitted: its record must carry this time, so that after a restart it counts in the same windows.
    pub fn admitted_at(&self) -> Timestamp {
        self.admitted_at
    }

    /// What is set aside.
    pub fn bound(&self) -> Used {
        self.bound
    }

    /// From now on the provider may bill the call: dropped, all that was set aside counts as used.
    pub fn mark_sent(&mut self) {
        self.end = End::Lost;
    }

    /// The provider does not bill the call.
    pub fn release(mut self) {
        self.end = End::GivenBack;
    }

    /// The providers bill this much for all attempts together. For an attempt that was lost, that is its bound.
    pub fn settle(mut self, used: Used) {
        if used.tokens > self.bound.tokens || used.dollars > self.bound.dollars {
            tracing::warn!(
                tokens = used.tokens,
                dollars = %used.dollars,
                tokens_bound = self.bound.tokens,
                dollars_bound = %self.bound.dollars,
                "a call used more than the most it could use"
            );
        }
        self.end = End::Used(used);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let used = match self.end {
            End::GivenBack => Used::default(),
            End::Lost => self.bound,
            End::Used(used) => used,
        };
        let second = self.admitted_at.as_second();
        self.all.lock().settle(second, self.bound, used);
        if let Some(own) = &self.own {
            own.lock().settle(second, self.bound, used);
        }
    }
}
