//! Two candidates that were right or wrong on the same rows.

use statrs::distribution::{Binomial, Discrete, DiscreteCDF};

use crate::interval::{Difference, Interval, two_sided_z};

/// Compares the shares of right answers of two candidates on the same independent rows.
///
/// The p value is McNemar's test on the rows where exactly one is right, by their exact binomial distribution with the
/// mid-p rule: the outcome that was seen counts half. The plain exact test rejects equal candidates in 2 to 4 of 100
/// runs where 5 are allowed; with the mid-p rule it is 4 to 5 of 100 and never more in any realistic case, which the
/// tests enumerate. The interval is Tango's, of all differences that a score test of the same rows does not reject. At the
/// border the two can differ in whether there is a difference; the p value decides.
///
/// *Shapes*: one entry per row in both. All NaN without rows. For rows that belong together in groups, use
/// [`bootstrap_difference`](crate::bootstrap_difference) over means, with its groups.
///
/// # Panics
///
/// If the lengths differ.
///
/// Sources: M. W. Fagerland, S. Lydersen, P. Laake, *The McNemar test for binary matched-pairs data: mid-p and asymptotic
/// are better than exact conditional*, BMC Medical Research Methodology 13:91, 2013; T. Tango, *Equivalence test and
/// confidence interval for the difference in proportions for the paired-sample design*, Statistics in Medicine 17, 1998.
pub fn mcnemar(a_right: &[bool], b_right: &[bool], level: f64) -> Difference {
    assert_eq!(a_right.len(), b_right.len(), "both candidates answer the same rows");
    let n_rows = a_right.len();
    if n_rows == 0 {
        return Difference { difference: f64::NAN, low: f64::NAN, high: f64::NAN, p_value: f64::NAN };
    }
    let only = |one: &[bool], other: &[bool]| one.iter().zip(other).filter(|(one, other)| **one && !**other).count();
    let (only_a, only_b) = (only(a_right, b_right), only(b_right, a_right));
    let Interval { low, high } = tango(only_a, only_b, n_rows, level);
    let difference = (only_a as f64 - only_b as f64) / n_rows as f64;
    Difference { difference, low, high, p_value: mid_p(only_a as u64, only_b as u64) }
}

/// The differences whose score lies within the normal quantiles of the level.
fn tango(only_a: usize, only_b: usize, n_rows: usize, level: f64) -> Interval {
    let Some(z) = two_sided_z(level) else { return Interval::UNDEFINED };
    let (a, b, n) = (only_a as f64, only_b as f64, n_rows as f64);
    // How many standard errors the rows are above a supposed difference, the variance being that of the most likely shares
    // under it: `share_b` is that of the rows where only the second is right.
    let score = |difference: f64| {
        let linear = (2.0 * n - a + b) * difference - a - b;
        let constant = -b * difference * (1.0 - difference);
        let share_b = ((linear * linear - 8.0 * n * constant).max(0.0).sqrt() - linear) / (4.0 * n);
        let variance = n * (2.0 * share_b + difference * (1.0 - difference));
        let excess = a - b - n * difference;
        // Without a row that tells them apart, zero has no variance and nothing against it.
        if excess == 0.0 { 0.0 } else { excess / variance.max(0.0).sqrt() }
    };
    // The score falls as the supposed difference grows.
    let where_score_is = |target: f64| {
        let (mut low, mut high) = (-1.0, 1.0);
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            if score(middle) > target { low = middle } else { high = middle }
        }
        low
    };
    Interval { low: where_score_is(z), high: where_score_is(-z) }
}

/// Two-sided mid-p value of `a` heads and `b` tails of a fair coin.
fn mid_p(a: u64, b: u64) -> f64 {
    if a == b {
        return 1.0;
    }
    match Binomial::new(0.5, a + b) {
        Ok(fair) => (2.0 * fair.cdf(a.min(b)) - fair.pmf(a.min(b))).clamp(0.0, 1.0),
        Err(_) => f64::NAN, // never: one half is a probability
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(both: usize, only_a: usize, only_b: usize, neither: usize) -> (Vec<bool>, Vec<bool>) {
        let table = [(true, true, both), (true, false, only_a), (false, true, only_b), (false, false, neither)];
        table.into_iter().flat_map(|(a, b, n)| std::iter::repeat_n((a, b), n)).unzip()
    }

    #[test]
    fn published_example() {
        // Airway hyper-responsiveness before and after stem cell transplantation: Fagerland and others 2014, section 2.
        let (a, b) = rows(1, 1, 7, 12);
        let result = mcnemar(&a, &b, 0.95);
        assert!((result.difference + 0.286).abs() < 5e-4, "{result:?}");
        assert!((result.low + 0.517).abs() < 5e-4 && (result.high + 0.026).abs() < 5e-4, "{result:?}");
        // 2 (1 + 8) / 256 - 8 / 256
        assert!((result.p_value - 10.0 / 256.0).abs() < 1e-12, "{result:?}");
    }

    #[test]
    fn swapping_the_candidates_swaps_the_signs() {
        let (a, b) = rows(40, 9, 3, 12);
        let (there, back) = (mcnemar(&a, &b, 0.95), mcnemar(&b, &a, 0.95));
        assert_eq!(there.difference, -back.difference);
        assert!((there.low + back.high).abs() < 1e-12 && (there.high + back.low).abs() < 1e-12);
        assert_eq!(there.p_value, back.p_value);
    }

    #[test]
    fn degenerate_tables() {
        assert!(mcnemar(&[], &[], 0.95).p_value.is_nan());
        let same = mcnemar(&[true; 30], &[true; 30], 0.95);
        assert_eq!((same.difference, same.p_value), (0.0, 1.0));
        assert!(same.low < 0.0 && same.high > 0.0);
        let opposite = mcnemar(&[true; 30], &[false; 30], 0.95);
        assert!(opposite.difference == 1.0 && opposite.low > 0.7 && opposite.high <= 1.0 && opposite.p_value < 1e-8);
        assert!(mcnemar(&[true], &[false], 0.95).low.is_finite());
    }

    /// Exact: the chance that equal candidates are declared different, by summing over all outcomes.
    #[test]
    fn equal_candidates_are_declared_different_in_at_most_five_of_a_hundred_runs() {
        const LEVEL: f64 = 0.05;
        let rejected_given: Vec<f64> = (0..=1000_u64)
            .map(|discordant| {
                let fair = Binomial::new(0.5, discordant).unwrap();
                (0..=discordant).filter(|&a| mid_p(a, discordant - a) <= LEVEL).map(|a| fair.pmf(a)).sum()
            })
            .collect();
        let mut most = 0.0_f64;
        for n in [20_u64, 50, 100, 200, 500, 1000] {
            for share_discordant in [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5] {
                let discordant = Binomial::new(share_discordant, n).unwrap();
                let rejected: f64 = (0..=n).map(|d| discordant.pmf(d) * rejected_given[d as usize]).sum();
                most = most.max(rejected);
            }
        }
        assert!(most <= LEVEL && most > 0.045, "{most}");
    }
}
