//! Weighted quantiles.

use rayon::prelude::*;

/// The weighted quantile of values: a number that minimises the pinball loss at `alpha`. Sorts the values, each with its
/// weight; NaN is not allowed among them.
///
/// It is the least value that, with those below it, has the part `alpha` of the weight; where these have exactly that,
/// it is the middle between it and the next one, so that the median of two numbers is their mean. A value of weight 2
/// counts as two of weight 1. Without weight the answer is 0.
pub(crate) fn weighted_quantile(values: &mut [(f64, f32)], alpha: f64) -> f64 {
    // Equal values are ordered by weight too: sums then do not depend on how the sort went about it.
    values.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let wanted = alpha * values.iter().map(|&(_, weight)| f64::from(weight)).sum::<f64>();
    let mut counting = values.iter().filter(|&&(_, weight)| weight > 0.0);
    let (mut below, mut last) = (0.0, 0.0);
    for &(value, weight) in counting.by_ref() {
        below += f64::from(weight);
        last = value;
        if below >= wanted {
            break;
        }
    }
    match counting.next() {
        Some(&(next, _)) if below == wanted => last + (next - last) / 2.0,
        _ => last,
    }
}
