//! Reading confidence limits and p values from a bootstrap distribution.

use super::draws::Jackknife;
use super::widening::{Moments, Widening};
use crate::interval::{Interval, normal_cdf, normal_quantile};

/// What the draws are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// A score, read by BCa.
    Score,
    /// A difference of scores, read by both BCa and the percentile method, so that it must show in both.
    ///
    /// The draws of a difference are nearly symmetric, and BCa then corrects for little but the noise of its own corrections,
    /// which makes it a little short; while the percentile method is short where there is something to correct.
    Difference,
}

/// The draws of a statistic, and how to read them.
pub(super) struct Distribution {
    /// Sorted, finite, at least one.
    draws: Vec<f64>,
    /// The limits are those of the widest.
    readings: Vec<Reading>,
    widening: Widening,
    n_units: usize,
}

/// Which share of the draws lies below the confidence limit at a normal score `z`: Φ(z₀ + (z₀ + z) / (1 - a (z₀ + z))).
///
/// z₀ corrects for the bias of the median draw, a for a spread that changes with the value (Efron 1987). With neither it
/// is the plain percentile method.
#[derive(Clone, Copy)]
struct Reading {
    /// z₀
    bias: f64,
    /// a
    acceleration: f64,
}

impl Distribution {
    /// None where more than half of the replicates are undefined, or there is none at all.
    pub(super) fn new(subject: Subject, value: f64, replicates: Vec<f64>, jackknife: &Jackknife) -> Option<Self> {
        let n_replicates = replicates.len();
        let mut draws = replicates;
        draws.retain(|draw| draw.is_finite());
        if draws.is_empty() || 2 * draws.len() < n_replicates {
            return None;
        }
        draws.sort_unstable_by(f64::total_cmp);
        let moments = Moments::of(&jackknife.values);
        let bca = Reading { bias: bias(value, &draws), acceleration: -moments.skewness_of_mean() / 6.0 };
        let readings = match subject {
            Subject::Score => vec![bca],
            Subject::Difference => vec![bca, Reading::PERCENTILE],
        };
        let widening = Widening::new(subject, jackknife, &moments);
        Some(Distribution { draws, readings, widening, n_units: jackknife.n_units })
    }

    /// The two-sided interval; undefined for a level outside ]0, 1[.
    pub(super) fn interval(&self, level: f64) -> Interval {
        if !(level > 0.0 && level < 1.0) {
            return Interval::UNDEFINED;
        }
        let z = self.widening.score_at(0.5 + level / 2.0);
        let share_below = self.readings.iter().map(|reading| reading.share_at(-z)).fold(1.0, f64::min);
        let share_above = self.readings.iter().map(|reading| reading.share_at(z)).fold(0.0, f64::max);
        Interval { low: self.quantile(share_below), high: self.quantile(share_above) }
    }

    /// The two-sided p value of zero: one minus the highest level at which the interval excludes it.
    pub(super) fn p_value_of_zero(&self) -> f64 {
        let (first, last) = self.shares_of(0.0);
        let highest = |scores: &mut dyn Iterator<Item = f64>| scores.fold(f64::NEG_INFINITY, f64::max);
        let not_above = highest(&mut self.readings.iter().map(|reading| reading.score_at(last)));
        let not_below = highest(&mut self.readings.iter().map(|reading| -reading.score_at(first)));
        let one_sided = self.widening.share_at(not_above.min(not_below));
        let unanimous = 0.5_f64.powi(self.n_units.min(1000) as i32 - 1);
        (2.0 * one_sided).max(unanimous).min(1.0)
    }

    /// The value below which this share of the draws lies, interpolated.
    fn quantile(&self, share: f64) -> f64 {
        let n = self.draws.len();
        let position = (share * (n as f64 + 1.0)).clamp(1.0, n as f64) - 1.0;
        let (low, high) = (self.draws[position as usize], self.draws[position.ceil() as usize]);
        low + position.fract() * (high - low)
    }

    /// The inverse of `quantile`: the first and the last share whose quantile is `value`. Beyond the draws, where the
    /// p values of many comparisons are decided, the tail is taken to be normal.
    fn shares_of(&self, value: f64) -> (f64, f64) {
        let n = self.draws.len();
        let step = 1.0 / (n as f64 + 1.0);
        let below = self.draws.partition_point(|&draw| draw < value);
        let up_to = self.draws.partition_point(|&draw| draw <= value);
        if below < up_to {
            return ((below + 1) as f64 * step, up_to as f64 * step);
        }
        let share = if below == 0 {
            step.min(self.normal_share(value))
        } else if below == n {
            (1.0 - step).max(self.normal_share(value))
        } else {
            let (low, high) = (self.draws[below - 1], self.draws[below]);
            (below as f64 + (value - low) / (high - low)) * step
        };
        (share, share)
    }

    /// The share below `value` of a normal distribution with the draws' mean and spread.
    fn normal_share(&self, value: f64) -> f64 {
        let n = self.draws.len() as f64;
        let mean = self.draws.iter().sum::<f64>() / n;
        let variance = self.draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / n;
        normal_cdf((value - mean) / variance.sqrt())
    }
}

impl Reading {
    const PERCENTILE: Reading = Reading { bias: 0.0, acceleration: 0.0 };

    /// The share of the draws at a normal score.
    fn share_at(self, score: f64) -> f64 {
        let moved = self.bias + score;
        let slope = 1.0 - self.acceleration * moved;
        // Where the slope is lost, the limit lies beyond every draw.
        let accelerated = if slope > 0.0 { moved / slope } else { moved * f64::INFINITY };
        normal_cdf(self.bias + accelerated)
    }

    /// The inverse of `share_at`.
    fn score_at(self, share: f64) -> f64 {
        let accelerated = normal_quantile(share) - self.bias;
        let slope = 1.0 + self.acceleration * accelerated;
        let moved = if slope > 0.0 { accelerated / slope } else { accelerated * f64::INFINITY };
        moved - self.bias
    }
}

/// z₀: the normal score of the share of draws below the value, ties counted half.
fn bias(value: f64, draws: &[f64]) -> f64 {
    let n = draws.len() as f64;
    let below = draws.partition_point(|&draw| draw < value) as f64;
    let up_to = draws.partition_point(|&draw| draw <= value) as f64;
    normal_quantile(((below + up_to) / (2.0 * n)).clamp(0.5 / n, 1.0 - 0.5 / n))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The draws 1, 2, …, 999, seen from `value`, with the contributions of the units.
    fn ladder(value: f64, contributions: &[f64]) -> Distribution {
        let jackknife = Jackknife { values: contributions.to_vec(), block_len: 1, n_units: contributions.len() };
        Distribution::new(Subject::Score, value, (1..1000).map(f64::from).collect(), &jackknife).unwrap()
    }

    fn check(found: f64, expect: f64) {
        assert!((found - expect).abs() < 1e-6 * expect.abs().max(1e-3), "{found} is not {expect}");
    }

    #[test]
    fn quantiles_interpolate_and_invert() {
        let draws = ladder(500.0, &[0.0; 10]);
        check(draws.quantile(0.5), 500.0);
        check(draws.quantile(0.0255), 25.5);
        check(draws.quantile(0.0), 1.0);
        check(draws.quantile(1.0), 999.0);
        check(draws.shares_of(25.5).0, 0.0255);
        let tied = Distribution::new(
            Subject::Score,
            1.0,
            vec![0.0, 1.0, 1.0, 2.0],
            &Jackknife { values: vec![], block_len: 1, n_units: 9 },
        )
        .unwrap();
        check(tied.shares_of(1.0).0, 0.4);
        check(tied.shares_of(1.0).1, 0.6);
    }

    #[test]
    fn bca_by_hand() {
        // 700 of 999 draws and half a tie lie below 701: z0 = Φ⁻¹(0.70120...). Skewness of 0, 0, 0, 10 is 2 / √3.
        let draws = ladder(701.0, &[0.0, 0.0, 0.0, 10.0]);
        check(draws.readings[0].bias, normal_quantile(700.5 / 999.0));
        check(draws.readings[0].acceleration, -2.0 / 3.0_f64.sqrt() / 2.0 / 6.0);
        let (z0, a) = (draws.readings[0].bias, draws.readings[0].acceleration);
        check(draws.readings[0].share_at(1.5), normal_cdf(z0 + (z0 + 1.5) / (1.0 - a * (z0 + 1.5))));
        check(draws.readings[0].score_at(draws.readings[0].share_at(1.5)), 1.5);
    }

    #[test]
    fn the_p_value_is_where_the_interval_reaches_zero() {
        let contributions: Vec<f64> = (0..80).map(|i| f64::from(i * i)).collect();
        for shift in [10.0, 60.0, 250.0, 480.0, 700.0, 960.0] {
            let jackknife = Jackknife { values: contributions.clone(), block_len: 1, n_units: 80 };
            let replicates = (1..1000).map(|i| f64::from(i) - shift).collect();
            let draws = Distribution::new(Subject::Difference, 520.0 - shift, replicates, &jackknife).unwrap();
            let p = draws.p_value_of_zero();
            assert!(!draws.interval(1.0 - p * 1.001).contains(0.0), "shift {shift}, p {p}");
            assert!(draws.interval(1.0 - p * 0.999).contains(0.0), "shift {shift}, p {p}");
        }
    }

    #[test]
    fn p_values_beyond_the_draws_keep_falling() {
        let p = |shift: f64| {
            let jackknife = Jackknife { values: vec![0.0; 500], block_len: 1, n_units: 500 };
            let replicates: Vec<f64> = (1..1000).map(|i| normal_quantile(f64::from(i) / 1000.0) + shift).collect();
            Distribution::new(Subject::Difference, shift, replicates, &jackknife).unwrap().p_value_of_zero()
        };
        assert!(p(3.0) > 0.002 && p(3.0) < 0.0035);
        assert!(p(5.0) < 1e-5 && p(5.0) > 1e-8);
        assert!(p(8.0) < p(5.0) && p(8.0) > 0.0);
    }
}
