//! Which rows a tree sees.

use std::sync::Arc;

use crate::grow::fraction_of;
use crate::objective::Gradient;
use crate::random::{Random, Use};
use crate::{Goss, Mode, TreesParams};

/// Draws the rows of a tree from those with a weight (all, if there are none), and scales the gradients of rows that stand
/// for others. The rows are ascending; none: all of them.
pub(crate) fn sample(
    params: &TreesParams,
    gradients: &mut [Gradient],
    weighted_rows: Option<&Arc<[u32]>>,
    (round, tree_idx): (usize, usize),
) -> Option<Arc<[u32]>> {
    let n = weighted_rows.map_or(gradients.len(), |rows| rows.len());
    let row = |i: u32| weighted_rows.map_or(i, |rows| rows[i as usize]);
    let mut random = Random::new(params.seed, Use::Rows, tree_idx);
    if params.mode == Mode::Forest {
        return Some(bootstrap(gradients, n, row, params.row_fraction, &mut random).into());
    }
    // After few rounds, gradients say little about which rows matter (Ke et al. 2017 leave out 1 / learning_rate of them).
    if let Some(goss) = params.goss.filter(|_| round as f64 * params.learning_rate >= 1.0) {
        return Some(one_sided(gradients, n, row, goss, &mut random).into());
    }
    if params.row_fraction >= 1.0 || params.goss.is_some() {
        return weighted_rows.cloned();
    }
    let chosen = random.choose(n, fraction_of(n, params.row_fraction));
    Some(chosen.into_iter().map(row).collect())
}

/// Draws with replacement; a row that was drawn several times has its gradient as often.
fn bootstrap(
    gradients: &mut [Gradient],
    n: usize,
    row: impl Fn(u32) -> u32,
    fraction: f64,
    random: &mut Random,
) -> Vec<u32> {
    let mut times = vec![0u32; n];
    (0..fraction_of(n, fraction)).for_each(|_| times[random.below(n)] += 1);
    let mut rows = Vec::with_capacity(n);
    for (i, &times) in times.iter().enumerate().filter(|(_, times)| **times > 0) {
        let row = row(i as u32);
        scale(&mut gradients[row as usize], times as f32);
        rows.push(row);
    }
    rows
}

fn one_sided(
    gradients: &mut [Gradient],
    n: usize,
    row: impl Fn(u32) -> u32,
    goss: Goss,
    random: &mut Random,
) -> Vec<u32> {
    let n_top = fraction_of(n, goss.top_fraction);
    let n_other = fraction_of(n, goss.other_fraction).min(n - n_top);
    let size = |i: u32| gradients[row(i) as usize].g.abs();
    let mut by_size: Vec<u32> = (0..n as u32).collect();
    if n_top < n {
        by_size.select_nth_unstable_by(n_top, |&a, &b| size(b).total_cmp(&size(a)).then(a.cmp(&b)));
    }
    let (top, others) = by_size.split_at(n_top);
    let drawn: Vec<u32> = random.choose(others.len(), n_other).into_iter().map(|i| row(others[i as usize])).collect();
    if n_other > 0 {
        let factor = others.len() as f32 / n_other as f32;
        drawn.iter().for_each(|&row| scale(&mut gradients[row as usize], factor));
    }
    let mut rows: Vec<u32> = top.iter().map(|&i| row(i)).chain(drawn).collect();
    rows.sort_unstable();
    rows
}

fn scale(gradient: &mut Gradient, factor: f32) {
    gradient.g *= factor;
    gradient.h *= factor;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Objective;

    fn gradients(n: usize) -> Vec<Gradient> {
        (0..n).map(|i| Gradient { g: i as f32 - n as f32 / 2.0, h: 1.0 }).collect()
    }

    #[test]
    fn a_bootstrap_sample_stands_for_all_rows() {
        let params = TreesParams { mode: Mode::Forest, ..TreesParams::new(Objective::SquaredError) };
        let mut drawn = gradients(5000);
        let rows = sample(&params, &mut drawn, None, (0, 3)).unwrap();
        assert!(rows.is_sorted() && (3000..3300).contains(&rows.len()));
        let times: f32 = rows.iter().map(|&row| drawn[row as usize].h).sum();
        assert_eq!(times, 5000.0);
        let before = gradients(5000);
        assert!(rows.iter().all(|&row| drawn[row as usize].g == before[row as usize].g * drawn[row as usize].h));
    }

    #[test]
    fn one_sided_samples_keep_the_large_gradients_and_the_sums() {
        let goss = Goss { top_fraction: 0.2, other_fraction: 0.1 };
        let mut params = TreesParams { goss: Some(goss), ..TreesParams::new(Objective::SquaredError) };
        params.learning_rate = 0.5;
        let mut untouched = gradients(1000);
        assert_eq!(sample(&params, &mut untouched, None, (1, 1)), None);
        assert_eq!(untouched, gradients(1000));
        let mut drawn = gradients(1000);
        let rows = sample(&params, &mut drawn, None, (2, 2)).unwrap();
        assert!(rows.is_sorted_by(|a, b| a < b));
        assert_eq!(rows.len(), 300);
        assert!((0..=100).chain(901..1000).all(|row| rows.contains(&row)), "the 200 largest");
        let h: f32 = rows.iter().map(|&row| drawn[row as usize].h).sum();
        assert_eq!(h, 1000.0);
    }

    #[test]
    fn rows_without_weight_are_never_drawn() {
        let weighted: Arc<[u32]> = (0..1000).filter(|row| row % 3 == 0).collect();
        let params = TreesParams::new(Objective::SquaredError);
        assert_eq!(sample(&params, &mut gradients(1000), Some(&weighted), (0, 0)), Some(weighted.clone()));
        let goss = Some(Goss { top_fraction: 0.2, other_fraction: 0.1 });
        for params in [
            TreesParams { row_fraction: 0.5, ..params.clone() },
            TreesParams { mode: Mode::Forest, ..params.clone() },
            TreesParams { goss, learning_rate: 1.0, ..params },
        ] {
            let rows = sample(&params, &mut gradients(1000), Some(&weighted), (1, 1)).unwrap();
            assert!(!rows.is_empty() && rows.iter().all(|row| row % 3 == 0));
        }
    }
}
