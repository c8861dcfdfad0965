use std::time::{Duration, Instant};

use super::spec::RouteSpec;

/// How long a call and its attempts may still take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    ends_at: Instant,
    attempt: Duration,
    first_token: Duration,
}

/// Until when one attempt may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptDeadlines {
    /// When its first token must have come.
    pub first_token_at: Instant,
    /// When its last byte must have come.
    pub ends_at: Instant,
}

impl Deadlines {
    /// The deadlines of a call that began at `start`.
    pub fn new(spec: &RouteSpec, start: Instant) -> Self {
        Deadlines {
            ends_at: later(start, spec.total_timeout),
            attempt: spec.attempt_timeout,
            first_token: spec.first_token_timeout,
        }
    }

    /// When the call must have ended.
    pub fn ends_at(&self) -> Instant {
        self.ends_at
    }

    /// How long the call may still take; zero when its time is over.
    pub fn left(&self, now: Instant) -> Duration {
        self.ends_at.saturating_duration_since(now)
    }

    /// Whether anything can still be asked after a pause.
    pub fn allows_pause(&self, now: Instant, pause: Duration) -> bool {
        pause < self.left(now)
    }

    /// The deadlines of an attempt that begins now; none when the call's time is over.
    pub fn attempt(&self, now: Instant) -> Option<AttemptDeadlines> {
        let ends_at = later(now, self.attempt).min(self.ends_at);
        let first_token_at = later(now, self.first_token).min(ends_at);
        (now < ends_at).then_some(AttemptDeadlines { first_token_at, ends_at })
    }
}

impl AttemptDeadlines {
    /// How long the first token may still take; zero when its time is over.
    pub fn first_token_left(&self, now: Instant) -> Duration {
        self.first_token_at.saturating_duration_since(now)
    }

    /// How long the attempt may still take; zero when its time is over.
    pub fn left(&self, now: Instant) -> Duration {
        self.ends_at.saturating_duration_since(now)
    }
}

/// A time after another. Beyond what the clock can tell counts as a year, which no call sees the end of.
pub(super) fn later(at: Instant, by: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    at.checked_add(by).or_else(|| at.checked_add(YEAR)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_deadline_counts() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let second = Duration::from_secs;
        let spec = RouteSpec {
            attempt_timeout: second(10),
            first_token_timeout: second(3),
            total_timeout: second(15),
            ..RouteSpec::new("fast", Vec::new())
        };
        let deadlines = Deadlines::new(&spec, start);
        let check = |now: u64, first: u64, end: u64| {
            let attempt = deadlines.attempt(at(now)).unwrap();
            assert_eq!(attempt, AttemptDeadlines { first_token_at: at(first), ends_at: at(end) }, "at {now}");
        };
        check(0, 3, 10);
        check(5, 8, 15);
        check(9, 12, 15);
        check(14, 15, 15);
        assert_eq!(deadlines.attempt(at(15)), None);
        assert_eq!((deadlines.left(at(14)), deadlines.left(at(16))), (second(1), Duration::ZERO));
        assert!(deadlines.allows_pause(at(10), second(4)) && !deadlines.allows_pause(at(10), second(5)));
        let attempt = deadlines.attempt(at(5)).unwrap();
        assert_eq!((attempt.first_token_left(at(6)), attempt.left(at(6))), (second(2), second(9)));
    }

    #[test]
    fn endless_times_are_no_accident() {
        let forever = RouteSpec {
            attempt_timeout: Duration::MAX,
            total_timeout: Duration::MAX,
            ..RouteSpec::new("slow", Vec::new())
        };
        let now = Instant::now();
        let attempt = Deadlines::new(&forever, now).attempt(now).unwrap();
        assert!(attempt.left(now) > Duration::from_secs(1_000_000));
        assert_eq!(attempt.first_token_left(now), forever.first_token_timeout);
    }
}
