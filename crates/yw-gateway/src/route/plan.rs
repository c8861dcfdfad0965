use std::sync::Arc;
use std::time::{Duration, Instant};

use super::dice::Dice;
use super::health::{Attempt, Health, HealthBook};
use super::order::{Candidate, order};
use super::spec::{RouteError, RouteSpec};

/// The pause before a target is asked again, where it does not say; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// No pause of our own is longer.
const MAX_PAUSE: Duration = Duration::from_secs(8);

/// A route whose targets' health is known. See the [module](super).
#[derive(Debug)]
pub struct Router {
    spec: RouteSpec,
    targets: Vec<(Arc<Health>, u64)>,
}

/// The attempts that one call may make, in order.
///
/// In the first round each target is tried once, at once after the one before it failed; those that are left alone come
/// last. After that there are rounds with pauses between them, as long as the route's retries last.
#[derive(Debug)]
pub struct Plan {
    /// The targets of a round, in order.
    targets: Vec<Planned>,
    next: usize,
    round: u32,
    retries_left: u32,
    /// Whether this round has made an attempt.
    has_tried: bool,
}

#[derive(Debug)]
struct Planned {
    index: usize,
    health: Arc<Health>,
    /// Whether its breaker refused it in this round.
    is_refused: bool,
}

/// One attempt of a plan.
#[derive(Debug)]
pub struct Step {
    /// The target: an index into the route's targets.
    pub target: usize,
    /// Tells the target's health how it went.
    pub attempt: Attempt,
    /// How often every target was tried before; 0 in the first round.
    pub round: u32,
    /// How long the target's provider still asks to be left alone.
    pub asked: Duration,
}

impl Router {
    /// A route, with the health of its models from `book`.
    ///
    /// # Errors
    /// If the route cannot be: without models, with one twice, with a weight or a time that makes no sense.
    pub fn new(spec: RouteSpec, book: &HealthBook) -> Result<Self, RouteError> {
        spec.check()?;
        let enter = |model| (book.enter(model, &spec.breaker), hash(&model.to_string()));
        let targets = spec.targets.iter().map(|target| enter(&target.model)).collect();
        Ok(Router { spec, targets })
    }

    /// What the route is.
    pub fn spec(&self) -> &RouteSpec {
        &self.spec
    }

    /// The health of each target, in the order of the route.
    pub fn health(&self) -> impl Iterator<Item = &Arc<Health>> {
        self.targets.iter().map(|(health, _)| health)
    }

    /// The order in which a call that begins now tries the targets. Calls of the same `sticky` value try them in the same
    /// order, as far as they are available.
    pub fn plan(&self, now: Instant, sticky: Option<&str>, dice: &mut Dice) -> Plan {
        let candidate = |((health, hash), target): (&(Arc<Health>, u64), &super::Target)| Candidate {
            weight: target.weight,
            health: health.snapshot(now),
            hash: *hash,
        };
        let candidates: Vec<Candidate> = self.targets.iter().zip(&self.spec.targets).map(candidate).collect();
        let order = order(self.spec.strategy, &candidates, sticky.map(hash), dice);
        let planned = order.into_iter().filter_map(|index| {
            let (health, _) = self.targets.get(index)?;
            Some(Planned { index, health: health.clone(), is_refused: false })
        });
        Plan { targets: planned.collect(), next: 0, round: 0, retries_left: self.spec.retries, has_tried: false }
    }
}

impl Plan {
    /// Begins the next attempt; none when the call has had all it may.
    ///
    /// A target whose breaker does not let the attempt through is put behind the others of the round. In the first round
    /// it is tried all the same then; in later ones only if no other was.
    pub fn next_attempt(&mut self, now: Instant) -> Option<Step> {
        loop {
            if self.round > 0 && self.retries_left == 0 {
                return None;
            }
            if let Some(step) = self.next_available(now).or_else(|| self.next_refused(now)) {
                return Some(step);
            }
            if self.targets.is_empty() || self.retries_left == 0 {
                return None;
            }
            (self.next, self.has_tried) = (0, false);
            self.round += 1;
            self.targets.iter_mut().for_each(|target| target.is_refused = false);
        }
    }

    /// Begins an attempt beside one that is slow: at the next target that was not tried yet and is available.
    pub fn hedge(&mut self, now: Instant) -> Option<Step> {
        if self.round > 0 { None } else { self.next_available(now) }
    }

    /// Does not try a target again, because no attempt can succeed there.
    pub fn give_up_on(&mut self, target: usize) {
        let Some(at) = self.targets.iter().position(|planned| planned.index == target) else { return };
        self.targets.remove(at);
        if at < self.next {
            self.next -= 1;
        }
    }

    /// The targets of a round in order, as indices into the route's.
    pub fn order(&self) -> impl Iterator<Item = usize> + '_ {
        self.targets.iter().map(|planned| planned.index)
    }

    fn next_available(&mut self, now: Instant) -> Option<Step> {
        while let Some(planned) = self.targets.get_mut(self.next) {
            self.next += 1;
            match planned.health.begin(now, false) {
                Some(attempt) => {
                    let (index, asked) = (planned.index, planned.health.asked_left(now));
                    return Some(self.step(index, attempt, asked));
                }
                None => planned.is_refused = true,
            }
        }
        None
    }

    fn next_refused(&mut self, now: Instant) -> Option<Step> {
        if self.round > 0 && self.has_tried {
            return None;
        }
        let planned = self.targets.iter_mut().find(|planned| planned.is_refused)?;
        planned.is_refused = false;
        let (index, asked) = (planned.index, planned.health.asked_left(now));
        let attempt = planned.health.begin(now, true)?;
        Some(self.step(index, attempt, asked))
    }

    fn step(&mut self, target: usize, attempt: Attempt, asked: Duration) -> Step {
        self.has_tried = true;
        if self.round > 0 {
            self.retries_left -= 1;
        }
        Step { target, attempt, round: self.round, asked }
    }
}

impl Step {
    /// How long to wait before it is sent: not at all in the first round; then what the provider asks for, or else half a
    /// second, doubled each round up to 8 s. With jitter, so that calls that failed together do not come back together.
    pub fn pause(&self, dice: &mut Dice) -> Duration {
        if self.round == 0 {
            return Duration::ZERO;
        }
        let doubled = FIRST_PAUSE.saturating_mul(2u32.saturating_pow(self.round - 1)).min(MAX_PAUSE);
        let own = doubled.mul_f64(1.0 - 0.25 * dice.uniform());
        if self.asked.is_zero() { own } else { self.asked.saturating_add(own / 4) }
    }
}

fn hash(text: &str) -> u64 {
    let hash = blake3::hash(text.as_bytes());
    let (first, _) = hash.as_bytes().split_at(8);
    first.iter().fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}
