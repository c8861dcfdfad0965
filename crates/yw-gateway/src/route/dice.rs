use std::hash::{BuildHasher, RandomState};

/// Random numbers for choices among targets: fast, the same for the same seed, and of no use for secrets.
///
/// This is SplitMix64 (Steele, Lea and Flood 2014), which passes BigCrush.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice that fall the same way each time.
    pub fn seeded(seed: u64) -> Self {
        Dice(seed)
    }

    /// Dice that fall another way in each program and for each call.
    pub fn new() -> Self {
        Dice(RandomState::new().hash_one(0u64))
    }

    /// A number in (0, 1).
    pub fn uniform(&mut self) -> f64 {
        unit(self.next())
    }

    /// One of 0 to n - 1; 0 if there are none.
    pub fn below(&mut self, n: usize) -> usize {
        // Of n much less than 2^64 none is noticeably more frequent.
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }
}

impl Default for Dice {
    fn default() -> Self {
        Dice::new()
    }
}

/// Spreads every bit of a number over all bits.
pub(super) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number in (0, 1) for a number of 64 random bits.
pub(super) fn unit(bits: u64) -> f64 {
    // A bit less than fits, so that the half is exact and the sum never rounds to 1.
    ((bits >> 12) as f64 + 0.5) / (1u64 << 52) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_as_published() {
        // The first numbers of the reference implementation for the seed 1234567.
        let mut dice = Dice::seeded(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| dice.next()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn stays_in_its_range() {
        assert!(unit(0) > 0.0 && unit(u64::MAX) < 1.0);
        let mut dice = Dice::seeded(1);
        assert!((0..1_000).all(|_| dice.below(3) < 3));
        assert_eq!(dice.below(0), 0);
        assert_ne!(Dice::new().next(), Dice::new().next());
    }
}
