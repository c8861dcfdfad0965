use std::sync::{Mutex, MutexGuard, PoisonError};

use yw_task::Usd;

use super::error::Amount;
use super::reservation::Used;
use super::spec::{LimitSpec, Measure};
use super::window::{PerWindow, Span, Window};

/// What was used in one window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Calls that were admitted.
    pub requests: u64,
    /// Tokens, read and written together.
    pub tokens: u64,
    /// Money.
    pub dollars: Usd,
}

/// Counts what one key uses, or all keys together.
#[derive(Debug)]
pub(super) struct Meter(Mutex<Counts>);

#[derive(Debug)]
pub(super) struct Counts(PerWindow<Count>);

/// What is used in one window.
#[derive(Debug, Clone, Copy)]
struct Count {
    span: Span,
    used: Spent,
    /// The most that the calls under way can use.
    held: Used,
}

impl Meter {
    pub(super) fn new(second: i64) -> Self {
        let count = |window: Window| Count { span: window.span(second), used: Spent::default(), held: Used::default() };
        Meter(Mutex::new(Counts(PerWindow::from_fn(count))))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Counts> {
        // No code can panic while it holds the lock, and the numbers would be right if one did.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// When a call is admitted that reads this time off a clock: threads that were overtaken just after a boundary count
    /// with those that overtook them.
    pub(super) fn admission(&self, second: i64) -> i64 {
        const OVERTAKEN: i64 = 5;
        let newest = self.0.minute.span.start;
        if second < newest && newest - second <= OVERTAKEN { newest } else { second }
    }

    /// Begins the windows around `second`. Where the clock was set back, a window's counts go with it to the earlier
    /// time: they hold what was used before it was set, and a limit reached in the far future is no limit for ever.
    pub(super) fn advance(&mut self, second: i64) {
        // Every window begins and ends with some minute.
        if self.0.minute.span.contains(second) {
            return;
        }
        for window in Window::ALL {
            let count = self.0.get_mut(window);
            if second >= count.span.end {
                (count.used, count.held) = (Spent::default(), Used::default());
            }
            count.span = window.span(second);
        }
    }

    /// [Advances](Counts::advance) unless the clock was set back: looking changes nothing.
    pub(super) fn advance_if_later(&mut self, second: i64) {
        if second >= self.0.minute.span.end {
            self.advance(second);
        }
    }

    /// Whether `asked` and `requests` more fit into the limits of the windows around `second`.
    pub(super) fn fits(&self, limits: &LimitSpec, second: i64, requests: u64, asked: Used) -> bool {
        Window::all(|window| {
            let Count { span, used, held } = self.0.get(window);
            let count = |max: &Option<u64>, sum: u64| max.is_none_or(|max| sum <= max);
            let tokens = used.tokens.saturating_add(held.tokens).saturating_add(asked.tokens);
            !span.contains(second)
                || (count(limits.requests.get(window), used.requests.saturating_add(requests))
                    && count(limits.tokens.get(window), tokens)
                    && limits.dollars.get(window).is_none_or(|max| used.dollars + held.dollars + asked.dollars <= max))
        })
    }

    /// Sets aside what a call asks.
    pub(super) fn hold(&mut self, second: i64, requests: u64, asked: Used) {
        self.each(second, |count| {
            count.used.requests += requests;
            count.held.tokens = count.held.tokens.saturating_add(asked.tokens);
            count.held.dollars += asked.dollars;
        });
    }

    /// Takes what was set aside for a call of `second` back, and counts what it used.
    pub(super) fn settle(&mut self, second: i64, held: Used, used: Used) {
        self.each(second, |count| {
            count.used.tokens = count.used.tokens.saturating_add(used.tokens);
            count.used.dollars += used.dollars;
            // Less can be held only where a clock was set back in between.
            count.held.tokens = count.held.tokens.saturating_sub(held.tokens);
            count.held.dollars = (count.held.dollars - held.dollars).max(Usd::ZERO);
        });
    }

    /// Replaces what was used.
    pub(super) fn restore(&mut self, sums: &PerWindow<Spent>) {
        for window in Window::ALL {
            self.0.get_mut(window).used = *sums.get(window);
        }
    }

    /// What was used in each window.
    pub(super) fn used(&self) -> PerWindow<Spent> {
        PerWindow::from_fn(|window| self.0.get(window).used)
    }

    /// Whether `second` is in the present window.
    pub(super) fn covers(&self, window: Window, second: i64) -> bool {
        self.0.get(window).span.contains(second)
    }

    /// What of one measure is used and held in one window.
    pub(super) fn state(&self, measure: Measure, window: Window) -> (Amount, Amount) {
        let Count { used, held, .. } = self.0.get(window);
        match measure {
            Measure::Requests => (Amount::Count(used.requests), Amount::Count(0)),
            Measure::Tokens => (Amount::Count(used.tokens), Amount::Count(held.tokens)),
            Measure::Dollars => (Amount::Dollars(used.dollars), Amount::Dollars(held.dollars)),
        }
    }

    /// The windows around `second`; those that are over no longer limit anything.
    fn each(&mut self, second: i64, mut change: impl FnMut(&mut Count)) {
        Window::all(|window| {
            let count = self.0.get_mut(window);
            if count.span.contains(second) {
                change(count);
            }
            true
        });
    }
}
