use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use yw_task::ModelRef;

use super::breaker::{Breaker, BreakerState, Ticket, Verdict};
use super::latency::PeakEwma;
use super::spec::BreakerSpec;

/// The health of every model that some route leads to. Routes of one book share it.
#[derive(Debug, Default)]
pub struct HealthBook {
    models: Mutex<HashMap<ModelRef, Arc<Health>>>,
}

/// How one model has been doing: its breaker, its latency, and the attempts under way.
#[derive(Debug)]
pub struct Health {
    model: ModelRef,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    breaker: Breaker,
    latency: PeakEwma,
    n_under_way: u32,
}

/// What a plan needs to know of a target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Snapshot {
    pub(super) is_available: bool,
    /// The peak of its latencies in seconds, times the attempts it would have under way.
    pub(super) cost: f64,
}

/// One request to a target, until it is [finished](Attempt::finish) or dropped, which counts as cancelled.
#[derive(Debug)]
#[must_use = "dropped, the attempt counts as cancelled"]
pub struct Attempt {
    health: Arc<Health>,
    began: Instant,
    ticket: Ticket,
    has_first_token: bool,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// With an answer.
    Answered,
    /// Without one, and the target is to blame: a connection, a timeout, a 429 or 5xx, a cut stream.
    Failed {
        /// How long the provider asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// With an error that the request is to blame for. The target is alive.
    ClientError,
    /// Nobody waited for the end: the client left, or another attempt was faster.
    Cancelled,
}

impl HealthBook {
    /// The health of a model.
    pub fn get(&self, model: &ModelRef) -> Option<Arc<Health>> {
        self.lock().get(model).cloned()
    }

    /// The health of all models, by name.
    pub fn all(&self) -> Vec<Arc<Health>> {
        let mut all: Vec<_> = self.lock().values().cloned().collect();
        all.sort_by(|a, b| a.model.cmp(&b.model));
        all
    }

    /// The health of a model of a route. Of the breakers that several routes want for it, it has the strictest.
    pub(super) fn enter(&self, model: &ModelRef, spec: &BreakerSpec) -> Arc<Health> {
        let mut models = self.lock();
        let health = models.entry(model.clone()).or_insert_with(|| {
            let state = State { breaker: Breaker::new(*spec), latency: PeakEwma::default(), n_under_way: 0 };
            Arc::new(Health { model: model.clone(), state: Mutex::new(state) })
        });
        let mut state = health.lock();
        let stricter = state.breaker.spec().stricter(spec);
        state.breaker.set_spec(stricter);
        drop(state);
        health.clone()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ModelRef, Arc<Health>>> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Health {
    /// The model.
    pub fn model(&self) -> &ModelRef {
        &self.model
    }

    /// The state of its breaker.
    pub fn breaker(&self, now: Instant) -> BreakerState {
        self.lock().breaker.state(now)
    }

    /// The peak of its recent latencies, to the first token of streams and to the end of other answers; none before the
    /// first answer.
    pub fn latency(&self, now: Instant) -> Option<Duration> {
        self.lock().latency.seconds(now).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }

    /// How many attempts are under way.
    pub fn n_under_way(&self) -> u32 {
        self.lock().n_under_way
    }

    pub(super) fn snapshot(&self, now: Instant) -> Snapshot {
        let state = self.lock();
        Snapshot { is_available: state.breaker.is_available(now), cost: state.cost(now) }
    }

    /// How long its provider still wants to be left alone.
    pub(super) fn asked_left(&self, now: Instant) -> Duration {
        self.lock().breaker.asked_left(now)
    }

    /// Begins an attempt, if the breaker lets it through or it is forced.
    pub(super) fn begin(self: &Arc<Self>, now: Instant, is_forced: bool) -> Option<Attempt> {
        let mut state = self.lock();
        let ticket = state.breaker.begin(now, is_forced)?;
        state.n_under_way += 1;
        drop(state);
        Some(Attempt { health: self.clone(), began: now, ticket, has_first_token: false })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code can panic while it holds the lock, and the state would be right if one did.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn cost(&self, now: Instant) -> f64 {
        // Longer than any answer: one call at a time finds out how fast an unknown target is.
        const UNKNOWN: f64 = 1e6;
        // A target that is slow is forgotten to be so while nobody asks it, and then only by the first to try again.
        let seconds = if self.n_under_way == 0 { self.latency.seconds(now) } else { self.latency.last_seconds() };
        match seconds {
            Some(seconds) => seconds * f64::from(self.n_under_way + 1),
            None => UNKNOWN * f64::from(self.n_under_way),
        }
    }
}

impl Attempt {
    /// Whether it finds out if a target that failed is back.
    pub fn is_probe(&self) -> bool {
        self.ticket.is_probe
    }

    /// When it began.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// It is only sent now, after a pause.
    pub fn sent_at(&mut self, now: Instant) {
        self.began = now;
    }

    /// The first token of a stream has come: this is its latency, however long the stream goes on. A target that was
    /// left alone is back.
    pub fn first_token(&mut self, now: Instant) {
        if std::mem::replace(&mut self.has_first_token, true) {
            return;
        }
        let mut state = self.health.lock();
        state.latency.observe(now, now.saturating_duration_since(self.began));
        // A target that is asked as usual is only praised at the end: its streams may break.
        if state.breaker.state(now) != BreakerState::Closed {
            state.breaker.end(self.ticket, now, Verdict::Alive);
        }
    }

    /// Tells how it ended.
    pub fn finish(self, now: Instant, outcome: AttemptOutcome) {
        let verdict = match outcome {
            AttemptOutcome::Answered | AttemptOutcome::ClientError => Verdict::Alive,
            AttemptOutcome::Failed { retry_after } => Verdict::Failed { retry_after },
            AttemptOutcome::Cancelled => Verdict::Unknown,
        };
        let mut state = self.health.lock();
        let elapsed = now.saturating_duration_since(self.began);
        match outcome {
            _ if self.has_first_token => {}
            AttemptOutcome::Answered => state.latency.observe(now, elapsed),
            // An error that comes fast makes nobody fast, and one that comes slowly would have taken longer yet.
            AttemptOutcome::Failed { .. } | AttemptOutcome::Cancelled => state.latency.observe_at_least(now, elapsed),
            AttemptOutcome::ClientError => {}
        }
        state.breaker.end(self.ticket, now, verdict);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut state = self.health.lock();
        state.n_under_way = state.n_under_way.saturating_sub(1);
        state.breaker.abandon(self.ticket);
    }
}
