use std::time::{Duration, Instant};

use super::deadlines::later;
use super::spec::BreakerSpec;

/// A provider that asks for more is asked again all the same: a header is no reason to lose a target for days.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// The sliding window moves on in steps of this part of its length.
const N_BUCKETS: usize = 10;

/// Whether a target may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// It answers.
    Closed,
    /// It is left alone.
    Open,
    /// One attempt at a time may probe it.
    HalfOpen,
}

/// Counts failures of one target and says when to leave it alone. Pure: the time is passed in.
#[derive(Debug)]
pub(super) struct Breaker {
    spec: BreakerSpec,
    consecutive_failures: u32,
    window: FailureWindow,
    /// While it is not closed: until when it is open. Half open afterwards.
    open_until: Option<Instant>,
    /// Until when the provider asked to be left alone.
    asked_until: Option<Instant>,
    /// How often it opened since it was last closed.
    n_openings: u32,
    is_probing: bool,
    /// Changes with each opening and closing: attempts that began before tell nothing about afterwards.
    epoch: u64,
}

/// What an attempt carries from its beginning to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    epoch: u64,
    pub(super) is_probe: bool,
}

/// How an attempt went, as far as the breaker cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Alive,
    Failed {
        retry_after: Option<Duration>,
    },
    /// The attempt says nothing about the target.
    Unknown,
}

impl Breaker {
    pub(super) fn new(spec: BreakerSpec) -> Self {
        Breaker {
            spec,
            consecutive_failures: 0,
            window: FailureWindow::new(spec.window),
            open_until: None,
            asked_until: None,
            n_openings: 0,
            is_probing: false,
            epoch: 0,
        }
    }

    pub(super) fn spec(&self) -> &BreakerSpec {
        &self.spec
    }

    pub(super) fn set_spec(&mut self, spec: BreakerSpec) {
        if spec.window != self.spec.window {
            self.window = FailureWindow::new(spec.window);
        }
        self.spec = spec;
    }

    pub(super) fn state(&self, now: Instant) -> BreakerState {
        match self.open_until {
            None => BreakerState::Closed,
            Some(until) if now < until => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    /// Whether an attempt would be let through.
    pub(super) fn is_available(&self, now: Instant) -> bool {
        match self.state(now) {
            BreakerState::Closed => true,
            BreakerState::Open => false,
            BreakerState::HalfOpen => !self.is_probing,
        }
    }

    /// Lets an attempt through if the target is available, or whatever it is if `is_forced`.
    pub(super) fn begin(&mut self, now: Instant, is_forced: bool) -> Option<Ticket> {
        let is_available = self.is_available(now);
        if !is_available && !is_forced {
            return None;
        }
        let is_probe = is_available && self.open_until.is_some();
        self.is_probing |= is_probe;
        Some(Ticket { epoch: self.epoch, is_probe })
    }

    /// Hears how an attempt went.
    pub(super) fn end(&mut self, ticket: Ticket, now: Instant, verdict: Verdict) {
        // An attempt from before the breaker opened or closed tells nothing about afterwards.
        let is_current = ticket.epoch == self.epoch;
        if is_current && ticket.is_probe {
            self.is_probing = false;
        }
        match verdict {
            Verdict::Alive if is_current => self.succeed(now),
            Verdict::Failed { retry_after } => self.fail(ticket, is_current, now, retry_after),
            Verdict::Alive | Verdict::Unknown => {}
        }
    }

    /// Gives the place of a probe back that was given up, if it still has it.
    pub(super) fn abandon(&mut self, ticket: Ticket) {
        if ticket.is_probe && ticket.epoch == self.epoch {
            self.is_probing = false;
        }
    }

    /// How long the provider still wants to be left alone.
    pub(super) fn asked_left(&self, now: Instant) -> Duration {
        self.asked_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    fn succeed(&mut self, now: Instant) {
        if self.open_until.is_some() {
            return self.close();
        }
        self.consecutive_failures = 0;
        self.window.add(now, false);
    }

    fn fail(&mut self, ticket: Ticket, is_current: bool, now: Instant, retry_after: Option<Duration>) {
        if is_current {
            self.consecutive_failures = self.consecutive_failures.saturating_add(1);
            self.window.add(now, true);
        }
        let asked_until =
            retry_after.filter(|asked| !asked.is_zero()).map(|asked| later(now, asked.min(MAX_RETRY_AFTER)));
        self.asked_until = self.asked_until.max(asked_until);
        match (self.open_until, asked_until) {
            // While it is open, only a probe that fails opens it anew: forced attempts would keep it open for ever.
            _ if is_current && ticket.is_probe => self.open(now, asked_until),
            (None, Some(_)) => self.open(now, asked_until),
            (None, None) if is_current && self.is_too_much() => self.open(now, None),
            (Some(open), Some(asked)) => self.open_until = Some(open.max(asked)),
            _ => {}
        }
    }

    fn is_too_much(&self) -> bool {
        let (n_calls, n_failures) = self.window.sums();
        let share = f64::from(n_failures) / f64::from(n_calls.max(1));
        self.spec.consecutive_failures.is_some_and(|most| self.consecutive_failures >= most)
            || (n_calls >= self.spec.min_calls.max(1) && self.spec.failure_share.is_some_and(|most| share >= most))
    }

    /// Opens for as long as the provider asks, or for the cool-down.
    fn open(&mut self, now: Instant, asked_until: Option<Instant>) {
        self.open_until = asked_until.or_else(|| {
            let doubled = self.spec.cool_down.saturating_mul(2u32.saturating_pow(self.n_openings));
            self.n_openings = self.n_openings.saturating_add(1);
            Some(later(now, doubled.min(self.spec.max_cool_down.max(self.spec.cool_down))))
        });
        self.is_probing = false;
        self.epoch += 1;
    }

    fn close(&mut self) {
        self.open_until = None;
        self.asked_until = None;
        self.n_openings = 0;
        self.consecutive_failures = 0;
        self.window = FailureWindow::new(self.spec.window);
        self.is_probing = false;
        self.epoch += 1;
    }
}

/// Calls and failures over the last while, in steps.
#[derive(Debug)]
struct FailureWindow {
    step: Duration,
    /// When the newest bucket began; none before the first call.
    began: Option<Instant>,
    newest: usize,
    /// Calls, and failures among them.
    buckets: [(u32, u32); N_BUCKETS],
}

impl FailureWindow {
    fn new(length: Duration) -> Self {
        let step = (length / N_BUCKETS as u32).max(Duration::from_nanos(1));
        FailureWindow { step, began: None, newest: 0, buckets: [(0, 0); N_BUCKETS] }
    }

    fn add(&mut self, now: Instant, is_failure: bool) {
        let began = *self.began.get_or_insert(now);
        let n_steps = now.saturating_duration_since(began).as_nanos() / self.step.as_nanos();
        if n_steps >= N_BUCKETS as u128 {
            (self.buckets, self.began) = ([(0, 0); N_BUCKETS], Some(now));
        } else {
            for _ in 0..n_steps {
                self.newest = (self.newest + 1) % N_BUCKETS;
                self.buckets[self.newest] = (0, 0);
            }
            self.began = Some(later(began, self.step * n_steps as u32));
        }
        let bucket = &mut self.buckets[self.newest];
        bucket.0 = bucket.0.saturating_add(1);
        bucket.1 = bucket.1.saturating_add(u32::from(is_failure));
    }

    /// Calls and failures, as of the last call.
    fn sums(&self) -> (u32, u32) {
        self.buckets.iter().fold((0, 0), |sum, b| (sum.0.saturating_add(b.0), sum.1.saturating_add(b.1)))
    }
}
