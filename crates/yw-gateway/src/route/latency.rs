use std::time::{Duration, Instant};

/// How fast old latencies are forgotten: to 37 % after this long.
const FORGETTING: Duration = Duration::from_secs(10);

/// The peak of recent latencies: it rises at once to a higher one and falls slowly to lower ones (Finagle's and
/// Linkerd's "peak EWMA"). Left alone it falls to nothing, so that a target that was slow once is tried again.
#[derive(Debug, Default)]
pub(super) struct PeakEwma {
    /// Seconds, as of the time beside it; none before the first observation.
    peak: Option<(f64, Instant)>,
}

impl PeakEwma {
    /// Hears of an answer that took `latency`.
    pub(super) fn observe(&mut self, now: Instant, latency: Duration) {
        let latency = latency.as_secs_f64();
        let next = match self.peak {
            Some((peak, at)) if latency < peak => {
                let kept = kept(at, now);
                peak * kept + latency * (1.0 - kept)
            }
            _ => latency,
        };
        self.set(now, next);
    }

    /// Hears that an answer would have taken longer than `latency`: never makes the target look faster.
    pub(super) fn observe_at_least(&mut self, now: Instant, latency: Duration) {
        let latency = latency.as_secs_f64();
        if latency > self.seconds(now).unwrap_or(0.0) {
            self.set(now, latency);
        }
    }

    /// The peak as it is remembered now, in seconds; none if there was no answer yet.
    pub(super) fn seconds(&self, now: Instant) -> Option<f64> {
        self.peak.map(|(peak, at)| peak * kept(at, now))
    }

    /// The peak as of the last observation, in seconds.
    pub(super) fn last_seconds(&self) -> Option<f64> {
        self.peak.map(|(peak, _)| peak)
    }

    fn set(&mut self, now: Instant, seconds: f64) {
        // Answers may be heard of out of order.
        let at = self.peak.map_or(now, |(_, at)| at.max(now));
        self.peak = Some((seconds, at));
    }
}

/// What is left of a memory.
fn kept(since: Instant, now: Instant) -> f64 {
    (-now.saturating_duration_since(since).as_secs_f64() / FORGETTING.as_secs_f64()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_at_once_and_falls_slowly() {
        let start = Instant::now();
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let second = Duration::from_secs;
        let mut latency = PeakEwma::default();
        assert_eq!(latency.seconds(start), None);
        latency.observe(start, second(1));
        latency.observe(start, second(4));
        assert_eq!(latency.seconds(start), Some(4.0));
        // After ten seconds, exp(-1) of it is left.
        let e = (-1.0f64).exp();
        assert!((latency.seconds(at(10.0)).unwrap() - 4.0 * e).abs() < 1e-9);
        latency.observe(at(10.0), second(1));
        assert!((latency.seconds(at(10.0)).unwrap() - (4.0 * e + 1.0 * (1.0 - e))).abs() < 1e-9);
        // Failures never make it look faster.
        latency.observe_at_least(at(10.0), Duration::from_millis(1));
        assert!(latency.seconds(at(10.0)).unwrap() > 2.0);
        latency.observe_at_least(at(10.0), second(30));
        assert_eq!(latency.seconds(at(10.0)), Some(30.0));
        assert!(latency.seconds(at(200.0)).unwrap() < 1e-6);
    }
}
