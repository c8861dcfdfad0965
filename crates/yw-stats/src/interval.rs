//! What comes out of every method, and the interval of a rate.

use statrs::distribution::{ContinuousCDF, Normal};

/// A confidence interval; both ends NaN when there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// The interval of a quantity that is undefined.
    pub const UNDEFINED: Interval = Interval { low: f64::NAN, high: f64::NAN };

    /// Whether `value` lies in the closed interval; never in an undefined one.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// A value with its confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The value on the rows as they are; NaN where it is undefined.
    pub value: f64,
    /// Lower end of the interval; NaN where there is none.
    pub low: f64,
    /// Upper end of the interval; NaN where there is none.
    pub high: f64,
}

/// How much better or worse one candidate did than another on the same rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// First minus second; NaN where one of them is undefined.
    pub difference: f64,
    /// Lower end of the interval of the difference; NaN where there is none.
    pub low: f64,
    /// Upper end of the interval of the difference; NaN where there is none.
    pub high: f64,
    /// Two-sided p value of "no difference", not corrected for other comparisons; NaN where there is none.
    pub p_value: f64,
}

/// Wilson's score interval of a rate, `successes` out of `n` independent rows; undefined for no row, for more successes
/// than rows, and for a level outside ]0, 1[.
///
/// Source: E. B. Wilson, *Probable inference, the law of succession, and statistical inference*, JASA 22, 1927. Its
/// coverage varies with the rate and is the nominal level on average (Brown, Cai, DasGupta, *Interval estimation for a
/// binomial proportion*, Statistical Science 16, 2001).
pub fn wilson(successes: u64, n: u64, level: f64) -> Interval {
    if n == 0 || successes > n {
        return Interval::UNDEFINED;
    }
    let Some(z) = two_sided_z(level) else { return Interval::UNDEFINED };
    let rows = n as f64;
    let rate = successes as f64 / rows;
    let shrink = 1.0 + z * z / rows;
    let centre = (rate + z * z / (2.0 * rows)) / shrink;
    let half_width = z * (rate * (1.0 - rate) / rows + z * z / (4.0 * rows * rows)).sqrt() / shrink;
    Interval {
        // At the borders the formula gives 0 and 1 but for rounding.
        low: if successes == 0 { 0.0 } else { centre - half_width },
        high: if successes == n { 1.0 } else { centre + half_width },
    }
}

/// The normal quantile that leaves half of `1 - level` on either side; none for a level outside ]0, 1[.
pub(crate) fn two_sided_z(level: f64) -> Option<f64> {
    (level > 0.0 && level < 1.0).then(|| normal_quantile(0.5 + level / 2.0))
}

/// Φ.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    Normal::standard().cdf(z)
}

/// Φ⁻¹; infinite at 0 and 1.
pub(crate) fn normal_quantile(probability: f64) -> f64 {
    Normal::standard().inverse_cdf(probability)
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{Binomial, Discrete};

    use super::*;

    fn check(successes: u64, n: u64, low: f64, high: f64) {
        let interval = wilson(successes, n, 0.95);
        assert!((interval.low - low).abs() < 1e-4 && (interval.high - high).abs() < 1e-4, "{interval:?}");
    }

    #[test]
    fn published_wilson_intervals() {
        // Newcombe, Statistics in Medicine 17, 1998, table I, method 3.
        check(81, 263, 0.2553, 0.3662);
        check(15, 148, 0.0624, 0.1605);
        check(0, 20, 0.0, 0.1611);
        check(1, 29, 0.0061, 0.1718);
        check(29, 29, 0.8830, 1.0);
    }

    #[test]
    fn undefined_rates() {
        for (successes, n, level) in [(0, 0, 0.95), (2, 1, 0.95), (1, 2, 0.0), (1, 2, 1.0), (1, 2, f64::NAN)] {
            let interval = wilson(successes, n, level);
            assert!(interval.low.is_nan() && interval.high.is_nan());
            assert!(!interval.contains(0.5));
        }
    }

    /// Exact, by summing over all outcomes: the mean over rates is the nominal level.
    #[test]
    fn wilson_covers_the_nominal_share_on_average() {
        for n in [50_u64, 200, 1000] {
            let intervals: Vec<Interval> = (0..=n).map(|successes| wilson(successes, n, 0.95)).collect();
            let rates: Vec<f64> = (1..200).map(|step| f64::from(step) / 200.0).collect();
            let coverages = rates.iter().map(|&rate| {
                let outcomes = Binomial::new(rate, n).unwrap();
                (0..=n).filter(|&s| intervals[s as usize].contains(rate)).map(|s| outcomes.pmf(s)).sum::<f64>()
            });
            let mean = coverages.sum::<f64>() / rates.len() as f64;
            assert!((0.945..=0.955).contains(&mean), "n = {n}: {mean}");
        }
    }
}
