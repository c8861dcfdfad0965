//! When requests are sent: fixed before the first one, whatever the server does.

use std::time::Duration;

/// How arrivals are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrivals {
    /// At equal distances.
    Constant,
    /// Independently of each other, as many clients send: distances are exponential.
    Poisson,
}

impl Arrivals {
    /// Reads the name of a spread.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        match name {
            "constant" => Ok(Arrivals::Constant),
            "poisson" => Ok(Arrivals::Poisson),
            _ => Err(format!("arrivals are poisson or constant, not `{name}`")),
        }
    }

    /// The moments of all arrivals within `duration`, in order, counted from the start; `rate` of them a second.
    pub(crate) fn schedule(self, rate: f64, duration: Duration, seed: u64) -> Vec<Duration> {
        let mut random = Random(seed);
        let mut at = 0.0;
        let mut schedule = Vec::with_capacity((rate * duration.as_secs_f64()) as usize);
        loop {
            at = match self {
                // Not a sum of distances, whose rounding would add up.
                Arrivals::Constant => schedule.len() as f64 / rate,
                Arrivals::Poisson => at - (1.0 - random.unit()).ln() / rate,
            };
            if at >= duration.as_secs_f64() {
                return schedule;
            }
            schedule.push(Duration::from_secs_f64(at));
        }
    }
}

/// Splitmix64 (Steele, Lea and Flood, 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_arrivals_are_equally_far_apart() {
        let schedule = Arrivals::Constant.schedule(1000.0, Duration::from_secs(3), 0);
        assert_eq!(schedule.len(), 3000);
        assert_eq!(schedule[0], Duration::ZERO);
        assert_eq!(schedule[2999], Duration::from_millis(2999));
    }

    #[test]
    fn poisson_arrivals_have_exponential_distances() {
        let schedule = Arrivals::Poisson.schedule(1000.0, Duration::from_secs(30), 7);
        assert!(schedule.is_sorted() && *schedule.last().unwrap() < Duration::from_secs(30));
        // The count has a standard deviation of 173.
        assert!((29_300..30_700).contains(&schedule.len()), "{}", schedule.len());
        let longer_than_mean = schedule.windows(2).filter(|w| w[1] - w[0] > Duration::from_millis(1)).count();
        let share = longer_than_mean as f64 / (schedule.len() - 1) as f64;
        assert!((share - (-1.0_f64).exp()).abs() < 0.015, "{share}");
    }

    #[test]
    fn a_seed_fixes_the_schedule() {
        let schedule = |seed| Arrivals::Poisson.schedule(100.0, Duration::from_secs(1), seed);
        assert_eq!(schedule(1), schedule(1));
        assert_ne!(schedule(1), schedule(2));
    }
}
