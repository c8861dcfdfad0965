//! Intervals and comparisons of any [`Statistic`] by drawing its rows again.

mod distribution;
mod draws;
mod widening;

use crate::interval::{Difference, Estimate, Interval};
use crate::statistic::{Contrast, Statistic};

use distribution::{Distribution, Subject};
use draws::Units;

/// How to bootstrap.
#[derive(Debug, Clone, Copy)]
pub struct BootstrapParams<'a> {
    /// How many times the rows are drawn. Default 2000, which leaves the ends of a 95 % interval a Monte Carlo error of
    /// about a thirtieth of its width.
    pub replicates: u32,
    /// Confidence level, between 0 and 1. Default 0.95.
    pub level: f64,
    /// Seed of the draws. Default 0.
    pub seed: u64,
    /// The group each row belongs to, by any numbers: rows of one group are drawn together, because they are not
    /// independent (tickets of one customer, questions about one document). Default none. *Shapes*: one entry per row.
    pub groups: Option<&'a [u32]>,
}

impl Default for BootstrapParams<'_> {
    fn default() -> Self {
        BootstrapParams { replicates: 2000, level: 0.95, seed: 0, groups: None }
    }
}

/// The value of a statistic with its bootstrap interval.
///
/// The method is the bias-corrected and accelerated bootstrap (BCa), acceleration by the jackknife, widened as a t interval
/// is wider than a normal one where few rows decide; see the crate's README for why and for its measured coverage. Rates
/// of independent rows are better served by [`wilson`](crate::wilson).
///
/// The ends are NaN where the value is not finite, where there are fewer than two rows (or groups), and where more than
/// half of the draws leave the value undefined; other undefined draws are left out. Where every draw gives the same
/// value, the interval is that value: a bootstrap cannot know what it has not seen. Below about thirty rows or groups
/// the intervals are too short.
///
/// *Cost*: `replicates` evaluations plus at most 400 for the jackknife, on all threads of the current rayon pool.
/// *Deterministic*: the same for any number of threads.
///
/// # Panics
///
/// If `groups` does not have one entry per row.
///
/// Sources: B. Efron, *Better bootstrap confidence intervals*, JASA 82, 1987; T. C. Hesterberg, *What teachers should know
/// about the bootstrap*, The American Statistician 69, 2015.
pub fn bootstrap(statistic: &dyn Statistic, params: &BootstrapParams) -> Estimate {
    let value = statistic.value(None);
    let Interval { low, high } = distribution(Subject::Score, statistic, value, params)
        .map_or(Interval::UNDEFINED, |draws| draws.interval(params.level));
    Estimate { value, low, high }
}

/// How much larger statistic `a` is than statistic `b` of the same rows, with the interval and the p value of that
/// difference. Both are computed on the same draws, so that what is hard about a row for both cancels.
///
/// The interval covers both the BCa and the plain percentile interval, so that a difference must show in both. The p value
/// inverts it: it is below `1 - level` where the interval excludes zero, but never below 2^(1 - n) for n rows (or groups),
/// which is what n unanimous coin tosses would give. It is not corrected for other comparisons: see
/// [`holm_versus_best`](crate::holm_versus_best). For right or wrong answers on independent rows there is
/// [`mcnemar`](crate::mcnemar). Otherwise as [`bootstrap()`].
///
/// # Panics
///
/// Also if the statistics have different numbers of rows.
pub fn bootstrap_difference(a: &dyn Statistic, b: &dyn Statistic, params: &BootstrapParams) -> Difference {
    assert_eq!(a.n_rows(), b.n_rows(), "both statistics are of the same rows");
    let contrast = Contrast { a, b };
    let difference = contrast.value(None);
    match distribution(Subject::Difference, &contrast, difference, params) {
        Some(draws) => {
            let Interval { low, high } = draws.interval(params.level);
            Difference { difference, low, high, p_value: draws.p_value_of_zero() }
        }
        None => Difference { difference, low: f64::NAN, high: f64::NAN, p_value: f64::NAN },
    }
}

/// The bootstrap distribution of a statistic, unless it is undefined.
fn distribution(
    subject: Subject,
    statistic: &dyn Statistic,
    value: f64,
    params: &BootstrapParams,
) -> Option<Distribution> {
    let units = Units::new(statistic.n_rows(), params.groups);
    if !value.is_finite() || units.len() < 2 {
        return None;
    }
    let replicates = units.replicates(statistic, params.seed, params.replicates);
    Distribution::new(subject, value, replicates, &units.jackknife(statistic, params.seed))
}
