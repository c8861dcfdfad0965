//! What an answer consumed: tokens and money.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

/// An exact amount of money, in picodollars (10⁻¹² USD).
///
/// Prices are quoted in dollars per million tokens with at most six decimals, so the price of one token is a whole
/// number of picodollars and sums never round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(i128);

impl Usd {
    /// No money.
    pub const ZERO: Usd = Usd(0);

    /// An amount from picodollars.
    pub const fn from_picos(picos: i128) -> Self {
        Usd(picos)
    }

    /// The amount in picodollars.
    pub const fn picos(self) -> i128 {
        self.0
    }

    /// The nearest amount to `dollars`; for limits that people type, not for prices that are summed. NaN is zero.
    pub fn from_dollars(dollars: f64) -> Self {
        Usd((dollars * 1e12).round() as i128)
    }

    /// The amount in dollars, rounded to the nearest `f64`: for display and statistics only.
    pub fn as_dollars(self) -> f64 {
        self.0 as f64 / 1e12
    }

    /// This amount times a whole number.
    pub const fn times(self, n: u64) -> Self {
        Usd(self.0 * n as i128)
    }
}

impl Add for Usd {
    type Output = Usd;
    fn add(self, other: Usd) -> Usd {
        Usd(self.0 + other.0)
    }
}

impl Sub for Usd {
    type Output = Usd;
    fn sub(self, other: Usd) -> Usd {
        Usd(self.0 - other.0)
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Usd) {
        self.0 += other.0;
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Usd>>(amounts: I) -> Usd {
        amounts.fold(Usd::ZERO, Add::add)
    }
}

/// Dollars with as many decimals as the amount needs, at least two: `$0.25`, `$0.000075`.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, picos) = if self.0 < 0 { ("-", self.0.unsigned_abs()) } else { ("", self.0.unsigned_abs()) };
        let fraction = format!("{:012}", picos % 1_000_000_000_000);
        let fraction = fraction.trim_end_matches('0');
        write!(f, "{sign}${}.{fraction:0<2}", picos / 1_000_000_000_000)
    }
}

/// Tokens and money that answering took. Sums are field by field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Calls to a provider that returned a usage, re-asks included.
    pub calls: u64,
    /// Tokens read, cached ones included.
    pub input_tokens: u64,
    /// Of the input tokens, those the provider read from its cache.
    pub cached_tokens: u64,
    /// Tokens written, reasoning included.
    pub output_tokens: u64,
    /// Of the output tokens, those spent on hidden reasoning.
    pub reasoning_tokens: u64,
    /// What these calls cost when they were made.
    pub usd: Usd,
    /// The part of `usd` that was paid earlier, because the answer was found in the store.
    pub usd_reused: Usd,
}

impl Usage {
    /// What was paid now, and not in an earlier run.
    pub fn usd_spent(&self) -> Usd {
        self.usd - self.usd_reused
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Usage) {
        self.calls += other.calls;
        self.input_tokens += other.input_tokens;
        self.cached_tokens += other.cached_tokens;
        self.output_tokens += other.output_tokens;
        self.reasoning_tokens += other.reasoning_tokens;
        self.usd += other.usd;
        self.usd_reused += other.usd_reused;
    }
}

impl Sum for Usage {
    fn sum<I: Iterator<Item = Usage>>(usages: I) -> Usage {
        let mut total = Usage::default();
        usages.for_each(|u| total += u);
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_exact_dollars() {
        assert_eq!(Usd::from_dollars(0.25).to_string(), "$0.25");
        assert_eq!(Usd::from_picos(75_000_000).to_string(), "$0.000075");
        assert_eq!(Usd::from_picos(-1_500_000_000_000).to_string(), "-$1.50");
        assert_eq!(Usd::ZERO.to_string(), "$0.00");
    }

    #[test]
    fn sums_without_rounding() {
        let third = Usd::from_picos(333_333);
        assert_eq!((0..3).map(|_| third).sum::<Usd>(), Usd::from_picos(999_999));
        assert_eq!(third.times(3), Usd::from_picos(999_999));
    }
}
