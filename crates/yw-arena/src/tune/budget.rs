//! When a search ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

/// Tells the time that has passed since some moment.
#[derive(Clone)]
pub(crate) struct Clock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Clock {
    /// The computer's.
    pub(crate) fn system() -> Self {
        let start = Instant::now();
        Clock(Arc::new(move || start.elapsed()))
    }

    #[cfg(test)]
    pub(super) fn of(now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Clock(Arc::new(now))
    }

    pub(super) fn now(&self) -> Duration {
        (self.0)()
    }
}

/// How much may be tried for one fit; at least one of the two is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// From the beginning of the search to the end of the fit.
    pub(crate) time: Option<Duration>,
    /// Trials, those that were given up included.
    pub(crate) trials: Option<usize>,
}

/// What is left of the time.
pub(super) struct Budget<'a> {
    pub(super) clock: &'a Clock,
    pub(super) limit: Limit,
    /// What earlier runs used.
    used_before: Duration,
    started: Duration,
}

impl<'a> Budget<'a> {
    pub(super) fn new(clock: &'a Clock, limit: Limit, used_before: Duration) -> Self {
        Budget { clock, limit, used_before, started: clock.now() }
    }

    pub(super) fn used(&self) -> Duration {
        self.used_before + self.clock.now().saturating_sub(self.started)
    }

    /// What remains; none where time does not matter.
    pub(super) fn left(&self) -> Option<Duration> {
        self.limit.time.map(|time| time.saturating_sub(self.used()))
    }

    /// Whether no more may be begun, if the rest will take `reserve`: at most half of the whole time is kept for it.
    pub(super) fn is_over(&self, reserve: Duration) -> bool {
        self.limit.time.is_some_and(|time| self.used() + reserve.min(time / 2) >= time)
    }
}
