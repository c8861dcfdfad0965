use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use yw_task::Usd;

/// An amount of money that calls may spend together, from any number of tasks, and never exceed.
///
/// A call reserves the most it can cost before it is sent and settles the actual cost afterwards. Where the reply is lost
/// after the request was sent, the provider may bill it all the same: the whole reservation then counts as used up.
#[derive(Debug)]
pub struct Budget {
    limit: Usd,
    state: Mutex<State>,
    /// Told whenever a reservation ends.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Cost of the replies that came.
    spent: Usd,
    /// Most that the replies can have cost that did not come.
    lost: Usd,
    /// Most that the calls under way can cost.
    in_flight: Usd,
}

impl Budget {
    /// A budget of which nothing is spent.
    pub fn new(limit: Usd) -> Self {
        Budget { limit, state: Mutex::default(), changed: Notify::new() }
    }

    /// What may be spent in all.
    pub fn limit(&self) -> Usd {
        self.limit
    }

    /// What the replies that came did cost.
    pub fn spent(&self) -> Usd {
        self.lock().spent
    }

    /// What is set aside: for calls under way, and for calls whose replies were lost.
    pub fn reserved(&self) -> Usd {
        let state = self.lock();
        state.in_flight + state.lost
    }

    /// Sets `amount` aside, waiting for calls under way to settle where that may help. The error is what is left when
    /// nothing can help any more.
    pub(crate) async fn reserve(&self, amount: Usd) -> Result<Reservation<'_>, Usd> {
        loop {
            // Listen before looking, so that a change in between is not missed.
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            {
                let mut state = self.lock();
                let left = self.limit - state.spent - state.lost;
                if amount > left {
                    return Err(left);
                }
                if amount <= left - state.in_flight {
                    state.in_flight += amount;
                    return Ok(Reservation { budget: self, amount, end: End::GivenBack });
                }
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code can panic while it holds the lock, and the numbers would be right if one did.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Money set aside for one attempt, until it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation<'a> {
    budget: &'a Budget,
    amount: Usd,
    end: End,
}

/// What becomes of a reservation.
#[derive(Debug, Clone, Copy)]
enum End {
    GivenBack,
    Lost,
    Spent(Usd),
}

impl Reservation<'_> {
    /// From now on the provider may bill the attempt: dropped, the reservation is lost.
    pub(crate) fn mark_sent(&mut self) {
        self.end = End::Lost;
    }

    /// The provider does not bill the attempt.
    pub(crate) fn release(mut self) {
        self.end = End::GivenBack;
    }

    /// The provider bills this much; where it does not say, all that was reserved.
    pub(crate) fn settle(mut self, cost: Option<Usd>) {
        let cost = cost.unwrap_or(self.amount);
        if cost > self.amount {
            tracing::warn!(%cost, reserved = %self.amount, "a call cost more than the most it could cost");
        }
        self.end = End::Spent(cost);
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let mut state = self.budget.lock();
        state.in_flight = state.in_flight - self.amount;
        match self.end {
            End::GivenBack => {}
            End::Lost => state.lost += self.amount,
            End::Spent(cost) => state.spent += cost,
        }
        drop(state);
        self.budget.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn usd(dollars: f64) -> Usd {
        Usd::from_dollars(dollars)
    }

    #[tokio::test]
    async fn what_cannot_fit_is_refused_at_once() {
        let budget = Budget::new(usd(1.0));
        assert_eq!(budget.reserve(usd(1.01)).await.unwrap_err(), usd(1.0));
        budget.reserve(usd(0.6)).await.unwrap().settle(Some(usd(0.5)));
        assert_eq!(budget.reserve(usd(0.6)).await.unwrap_err(), usd(0.5));
        assert_eq!((budget.spent(), budget.reserved()), (usd(0.5), Usd::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_fit_later_waits() {
        let budget = Budget::new(usd(1.0));
        let first = budget.reserve(usd(0.9)).await.unwrap();
        let second = async { budget.reserve(usd(0.6)).await.map(|r| r.settle(Some(usd(0.6)))) };
        let settle = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(budget.reserved(), usd(0.9));
            first.settle(Some(usd(0.4)));
        };
        let (second, ()) = tokio::join!(second, settle);
        second.unwrap();
        assert_eq!(budget.spent(), usd(1.0));
    }

    #[tokio::test]
    async fn only_attempts_that_were_sent_are_lost() {
        let budget = Budget::new(usd(1.0));
        drop(budget.reserve(usd(0.7)).await.unwrap());
        assert_eq!(budget.reserved(), Usd::ZERO);
        let mut failed = budget.reserve(usd(0.7)).await.unwrap();
        failed.mark_sent();
        failed.release();
        assert_eq!(budget.reserved(), Usd::ZERO);
        let mut lost = budget.reserve(usd(0.7)).await.unwrap();
        lost.mark_sent();
        drop(lost);
        assert_eq!(budget.reserved(), usd(0.7));
        assert_eq!(budget.reserve(usd(0.4)).await.unwrap_err(), usd(0.3));
    }

    #[tokio::test]
    async fn a_reply_without_usage_costs_all_that_was_reserved() {
        let budget = Budget::new(usd(1.0));
        budget.reserve(usd(0.7)).await.unwrap().settle(None);
        assert_eq!(budget.spent(), usd(0.7));
    }
}
