use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use yw_task::Usd;

use super::error::{Amount, Exceeded, LimitState, Scope};
use super::meter::{Counts, Meter, Spent};
use super::reservation::{Reservation, Used};
use super::spec::{LimitSpec, Measure};
use super::window::PerWindow;

/// Counts what keys use and holds them to their limits; see the [module](super).
///
/// The limits of a key come with each call, so that they change when the key does; the limiter keeps the counts. Counts
/// are kept for every window, limited or not. All methods take the time and are safe to call from any thread.
#[derive(Debug)]
pub struct Limiter {
    limits: LimitSpec,
    all: Arc<Meter>,
    keys: RwLock<HashMap<Box<str>, Arc<Meter>>>,
}

/// Who pays for a call.
#[derive(Debug, Clone, Copy)]
pub struct Payer<'a> {
    /// The key's id.
    pub key: &'a str,
    /// The key's limits.
    pub limits: &'a LimitSpec,
}

/// The most that a call, or one more attempt of a call, may use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ask {
    /// The most tokens that it may read.
    pub input_tokens_bound: u64,
    /// The most tokens that it may write.
    pub output_tokens_bound: u64,
    /// The most that these may cost.
    pub dollars_bound: Usd,
}

impl Ask {
    fn used(&self) -> Used {
        let tokens = self.input_tokens_bound.saturating_add(self.output_tokens_bound);
        Used { tokens, dollars: self.dollars_bound }
    }
}

/// What one scope has to say about a call.
struct Side<'a> {
    scope: Option<&'a str>,
    limits: &'a LimitSpec,
    counts: MutexGuard<'a, Counts>,
}

impl Limiter {
    /// A limiter that has counted nothing, with limits for all calls together.
    pub fn new(limits: LimitSpec) -> Self {
        // The first call begins the windows.
        Limiter { limits, all: Arc::new(Meter::new(0)), keys: RwLock::default() }
    }

    /// The limits for all calls together.
    pub fn limits(&self) -> &LimitSpec {
        &self.limits
    }

    /// Admits a call and sets aside what it may use, for its key, if it has one, and for all calls together.
    ///
    /// # Errors
    /// If a limit of either would be passed. Nothing is counted then.
    pub fn admit(&self, payer: Option<Payer<'_>>, now: Timestamp, ask: &Ask) -> Result<Reservation, Box<Exceeded>> {
        let own = payer.map(|payer| self.meter(payer.key));
        let asked = ask.used();
        let mut all = self.all.lock();
        let second = all.admission(now.as_second());
        all.advance(second);
        let mut counts = own.as_ref().map(|own| own.lock());
        if let Some(counts) = &mut counts {
            counts.advance(second);
        }
        self.reserve(payer, all, counts, second, 1, asked)?;
        let admitted_at = if second == now.as_second() { now } else { Timestamp::from_second(second).unwrap_or(now) };
        Ok(Reservation::new(self.all.clone(), own, admitted_at, asked))
    }

    /// Sets aside what one more attempt of an admitted call may use, beside what is set aside for it already: for an
    /// attempt after one that may be billed, or for one at the same time as another. It counts where the call does.
    ///
    /// # Errors
    /// If a limit would be passed. The reservation is as it was then.
    pub fn admit_attempt(
        &self,
        payer: Option<Payer<'_>>,
        reservation: &mut Reservation,
        ask: &Ask,
    ) -> Result<(), Box<Exceeded>> {
        let asked = ask.used();
        let second = reservation.admitted_at.as_second();
        let all = reservation.all.lock();
        let counts = reservation.own.as_ref().map(|own| own.lock());
        self.reserve(payer, all, counts, second, 0, asked)?;
        reservation.bound.tokens = reservation.bound.tokens.saturating_add(asked.tokens);
        reservation.bound.dollars += asked.dollars;
        Ok(())
    }

    /// Replaces what a key has used, or all keys together (`None`), by the sums of the records since the start of the
    /// present windows. For a start, before the first call is admitted.
    pub fn restore(&self, key: Option<&str>, now: Timestamp, sums: &PerWindow<Spent>) {
        let meter = key.map_or_else(|| self.all.clone(), |key| self.meter(key));
        let mut counts = meter.lock();
        counts.advance(now.as_second());
        counts.restore(sums);
    }

    /// What a key has used, or all keys together (`None`), in the present windows. Calls under way do not count.
    pub fn used(&self, key: Option<&str>, now: Timestamp) -> PerWindow<Spent> {
        let meter = key.map_or_else(|| self.all.clone(), |key| self.meter(key));
        let mut counts = meter.lock();
        counts.advance_if_later(now.as_second());
        counts.used()
    }

    /// All limits that a call of this payer has to keep, its own first.
    pub fn states(&self, payer: Option<Payer<'_>>, now: Timestamp) -> Vec<LimitState> {
        let own = payer.map(|payer| self.meter(payer.key));
        let own = payer.zip(own.as_deref()).map(|(payer, own)| (Some(payer.key), payer.limits, own));
        let sides = own.into_iter().chain([(None, &self.limits, &*self.all)]);
        let states = sides.flat_map(|(scope, limits, meter)| {
            let mut side = Side { scope, limits, counts: meter.lock() };
            side.counts.advance_if_later(now.as_second());
            side.states(now.as_second()).collect::<Vec<_>>()
        });
        states.collect()
    }

    /// Sets aside in both scopes or in none.
    fn reserve(
        &self,
        payer: Option<Payer<'_>>,
        all: MutexGuard<'_, Counts>,
        own: Option<MutexGuard<'_, Counts>>,
        second: i64,
        requests: u64,
        asked: Used,
    ) -> Result<(), Box<Exceeded>> {
        let own = payer.zip(own).map(|(payer, counts)| Side { scope: Some(payer.key), limits: payer.limits, counts });
        let mut sides = [own, Some(Side { scope: None, limits: &self.limits, counts: all })];
        if !sides.iter().flatten().all(|side| side.counts.fits(side.limits, second, requests, asked)) {
            let passed = sides.iter().flatten().flat_map(|side| side.passed(second, requests, asked));
            let now = Timestamp::from_second(second).unwrap_or_default();
            // A call that never fits waits the longest.
            let longest = passed.max_by_key(|exceeded| exceeded.retry_after(now).unwrap_or(Duration::MAX));
            if let Some(exceeded) = longest {
                return Err(Box::new(exceeded));
            }
        }
        sides.iter_mut().flatten().for_each(|side| side.counts.hold(second, requests, asked));
        Ok(())
    }

    fn meter(&self, key: &str) -> Arc<Meter> {
        if let Some(meter) = self.keys.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return meter.clone();
        }
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.entry(key.into()).or_insert_with(|| Arc::new(Meter::new(0))).clone()
    }
}

impl Side<'_> {
    fn states(&self, second: i64) -> impl Iterator<Item = LimitState> + '_ {
        let now = Timestamp::from_second(second).unwrap_or_default();
        self.limits.iter().map(move |(measure, window, allowed)| {
            let (used, held) = self.counts.state(measure, window);
            let scope = self.scope.map_or(Scope::All, |id| Scope::Key(id.to_owned()));
            LimitState { scope, measure, window, allowed, used, held, resets_at: window.ends(now) }
        })
    }

    /// The limits that a call would pass.
    fn passed(&self, second: i64, requests: u64, asked: Used) -> impl Iterator<Item = Exceeded> + '_ {
        let of = move |measure| match measure {
            Measure::Requests => Amount::Count(requests),
            Measure::Tokens => Amount::Count(asked.tokens),
            Measure::Dollars => Amount::Dollars(asked.dollars),
        };
        let limits = self.states(second).filter(move |limit| self.counts.covers(limit.window, second));
        limits.map(move |limit| Exceeded { asked: of(limit.measure), limit }).filter(Exceeded::is_passed)
    }
}
