//! The best split of a leaf by a category: one level against the rest, or levels sorted by their gradients.
//!
//! Sorting by the ratio of gradient to hessian makes the best of all partitions a prefix of the order (Fisher 1958), as
//! LightGBM does; a prior keeps rare levels from the ends of the order by chance.

use super::split::{Best, Choice, Cut, Scan};

/// Prefixes are tried after every so many rows, so that levels with few rows are judged together.
const MIN_ROWS_PER_STEP: f64 = 100.0;

pub(crate) fn best(scan: &Scan<'_>) -> Option<Choice> {
    // Missing values are one more level; levels without a bin of their own always go right.
    let levels = || (0..scan.bins.n_value_bins).chain(scan.bins.missing_bin()).filter(|&bin| scan.sums[bin] != 0);
    if scan.bins.n_value_bins <= scan.rules.params.max_levels_one_against_rest {
        let mut best = Best::new(scan);
        for bin in levels() {
            best.offer(bin as u32, false, scan.sums[bin], scan.n_rows(bin) as u32);
        }
        return best.choice(|bin| Cut::OneOf(vec![bin])).map(|choice| with_missing(choice, scan));
    }
    let smoothing = scan.rules.params.category_smoothing;
    let mut order: Vec<(f64, u32)> = levels()
        .filter(|&bin| scan.n_rows(bin) >= smoothing.min(scan.leaf.n_rows as f64 / 8.0))
        .map(|bin| {
            let sums = scan.rules.sums(scan.sums[bin]);
            (sums.g / (sums.h + smoothing), bin as u32)
        })
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let forward = best_prefix(scan, order.iter().map(|o| o.1), order.len());
    let backward = best_prefix(scan, order.iter().rev().map(|o| o.1), order.len());
    let best = match (forward, backward) {
        (Some(a), Some(b)) => Some(if b.gain > a.gain { b } else { a }),
        (a, b) => a.or(b),
    };
    best.map(|choice| with_missing(choice, scan))
}

fn best_prefix(scan: &Scan<'_>, order: impl Iterator<Item = u32> + Clone, n_levels: usize) -> Option<Choice> {
    let params = scan.rules.params;
    let mut best = Best::with_penalty(scan, scan.rules.penalty.with_more_l2(params.category_l2));
    let longest = params.max_levels_per_split.min(n_levels.div_ceil(2).max(1));
    let step_rows = MIN_ROWS_PER_STEP.min(scan.leaf.n_rows as f64 / 20.0);
    let (mut left, mut n_left, mut since_last) = (0i64, 0.0, 0.0);
    for (i, bin) in order.clone().take(longest).enumerate() {
        left = left.wrapping_add(scan.sums[bin as usize]);
        n_left += scan.n_rows(bin as usize);
        since_last += scan.n_rows(bin as usize);
        if since_last >= step_rows {
            best.offer(i as u32, false, left, n_left as u32);
            since_last = 0.0;
        }
    }
    best.choice(|last| Cut::OneOf(order.take(last as usize + 1).collect()))
}

/// Takes the missing values out of the set of levels: their side is said apart.
fn with_missing(mut choice: Choice, scan: &Scan<'_>) -> Choice {
    if let (Cut::OneOf(bins), Some(missing)) = (&mut choice.cut, scan.bins.missing_bin()) {
        let n = bins.len();
        bins.retain(|&bin| bin as usize != missing);
        choice.missing_left = bins.len() < n;
    }
    choice
}
