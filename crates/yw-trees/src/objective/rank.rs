//! Ranking the rows of a group by relevance.

use rayon::prelude::*;
use yw_kernels::exponentials;

use super::check::{check_parameter, check_target};
use super::parallel::weighted;
use super::{Gradient, Loss, Target};
use crate::{FitError, Link};

/// LambdaMART (Burges 2010): each pair of rows of different grades is pulled into order, as strongly as swapping the two
/// would change nDCG. The loss is 1 − nDCG, and has no derivatives; those of the pairs' logistic losses take their place.
///
/// A grade gains `2^grade − 1`, a position `i` (from 0) counts `1 / log₂(i + 2)`. nDCG is that of the first `truncation`
/// positions, and only pairs with a row on one of them are formed. As LightGBM's `lambdarank_norm`, pairs whose margins
/// are far apart pull less, and the pulls of a group are scaled down to the logarithm of their sum.
pub(super) struct LambdaRank {
    truncation: usize,
}

/// Grades are at most this: gains are whole numbers that a `u32` holds.
const LARGEST_GRADE: usize = 31;

impl LambdaRank {
    /// Fails if no position counts.
    pub(super) fn new(truncation: usize) -> Result<Self, FitError> {
        check_parameter("truncation", truncation as f64, "at least 1", truncation >= 1)?;
        Ok(LambdaRank { truncation })
    }
}

impl Loss for LambdaRank {
    fn link(&self) -> Link {
        Link::Identity
    }

    fn check(&self, target: &Target<'_>) -> Result<(), FitError> {
        check_target(target, "ranking", "grades: whole numbers from 0 to 31", |value| {
            value >= 0.0 && value <= LARGEST_GRADE as f64 && value.fract() == 0.0
        })?;
        match target.group_sizes {
            Some(_) => Ok(()),
            None => Err(FitError::Shape { what: "rows in groups", expected: target.values.len(), found: 0 }),
        }
    }

    /// Zero: only differences count.
    fn base(&self, _: &Target<'_>) -> Vec<f64> {
        vec![0.0]
    }

    fn gradients(&self, target: &Target<'_>, margins: &[f64], _: &[f64], _: usize, out: &mut [Gradient]) {
        let discounts = discounts(target.group_sizes.unwrap_or_default());
        let mut rest = out;
        let groups: Vec<_> = Group::all(target, margins)
            .map(|group| {
                let (out, after) = std::mem::take(&mut rest).split_at_mut(group.grades.len());
                rest = after;
                (group, out)
            })
            .collect();
        groups.into_par_iter().for_each_init(Pairs::default, |pairs, (group, out)| {
            let ranking = group.ranking();
            let scale = self.add_up_pairs(&group, &ranking, &discounts, pairs);
            for (rank, &row) in ranking.iter().enumerate() {
                let weight = group.weights.map_or(1.0, |weights| weights[row]);
                out[row] = weighted((pairs.g[rank] * scale, pairs.h[rank] * scale), weight);
            }
        });
    }

    fn loss(&self, target: &Target<'_>, margins: &[f64]) -> f64 {
        let discounts = discounts(target.group_sizes.unwrap_or_default());
        let groups: Vec<Group<'_>> = Group::all(target, margins).collect();
        let losses: Vec<(f64, f64)> = groups
            .par_iter()
            .map(|group| {
                let weight = group.mean_weight();
                (weight, weight * (1.0 - self.ndcg(group, &discounts)))
            })
            .collect();
        let (weights, losses) = losses.iter().fold((0.0, 0.0), |sums, group| (sums.0 + group.0, sums.1 + group.1));
        losses / weights
    }
}

/// The rows of a group.
struct Group<'a> {
    grades: &'a [f64],
    weights: Option<&'a [f32]>,
    margins: &'a [f64],
}

impl<'a> Group<'a> {
    /// The groups, one after the other.
    fn all(target: &Target<'a>, margins: &'a [f64]) -> impl Iterator<Item = Group<'a>> {
        let target = *target;
        let sizes = target.group_sizes.unwrap_or_default().iter();
        sizes.scan(0, move |first_row, &size| {
            let rows = *first_row..*first_row + size as usize;
            *first_row = rows.end;
            let Target { values, weights, .. } = target.slice(rows.clone());
            Some(Group { grades: values, weights, margins: &margins[rows] })
        })
    }

    /// The rows, the one with the largest margin first; equal ones in the order they came in.
    fn ranking(&self) -> Vec<usize> {
        let mut ranking: Vec<usize> = (0..self.margins.len()).collect();
        ranking.sort_by(|&a, &b| self.margins[b].total_cmp(&self.margins[a]));
        ranking
    }

    /// What the group counts in the mean over groups; an empty one counts nothing.
    fn mean_weight(&self) -> f64 {
        let n_rows = self.grades.len();
        match self.weights {
            _ if n_rows == 0 => 0.0,
            None => 1.0,
            Some(weights) => weights.iter().map(|&weight| f64::from(weight)).sum::<f64>() / n_rows as f64,
        }
    }
}

/// The pairs of one group after the other. All arrays are in the order of ranks, and exist so that the loops over them
/// have no branches.
#[derive(Default)]
struct Pairs {
    gains: Vec<f64>,
    margins: Vec<f64>,
    /// How strongly the other row of each pair is pushed down.
    pulls: Vec<f64>,
    curvatures: Vec<f64>,
    /// First and second derivative of each row, of weight 1 and not scaled.
    g: Vec<f64>,
    h: Vec<f64>,
}

impl Pairs {
    /// Starts a group.
    fn reset(&mut self, group: &Group<'_>, ranking: &[usize]) {
        self.gains.clear();
        self.gains.extend(ranking.iter().map(|&row| gain(group.grades[row])));
        self.margins.clear();
        self.margins.extend(ranking.iter().map(|&row| group.margins[row]));
        for zeros in [&mut self.pulls, &mut self.curvatures, &mut self.g, &mut self.h] {
            zeros.clear();
            zeros.resize(ranking.len(), 0.0);
        }
    }

    /// Adds the pairs of the row on one rank and those on all ranks below; returns the sum of their pulls.
    ///
    /// `ideal` is the gain of the ideal ranking, `offset` what the distance of margins is added to.
    fn add_below(&mut self, rank: usize, discounts: &[f64], ideal: f64, offset: f64) -> f64 {
        let below = rank + 1..self.margins.len();
        let (own_gain, own_margin, own_discount) = (self.gains[rank], self.margins[rank], discounts[rank]);
        let (gains, margins, discounts) =
            (&self.gains[below.clone()], &self.margins[below.clone()], &discounts[below.clone()]);
        let (pulls, curvatures) = (&mut self.pulls[below.clone()], &mut self.curvatures[below.clone()]);
        for (odds, margin) in pulls.iter_mut().zip(margins) {
            *odds = margin - own_margin;
        }
        exponentials(pulls);
        for (i, (pull, curvature)) in pulls.iter_mut().zip(&mut *curvatures).enumerate() {
            // `odds` are those of the pair being the wrong way round if the row above is the better one, and the right
            // way round if it is not. The sign of `swap` says which.
            let odds = *pull;
            let swap =
                (own_gain - gains[i]) * (own_discount - discounts[i]) / (ideal * (offset + own_margin - margins[i]));
            let wrong = if own_gain > gains[i] { odds } else { 1.0 };
            *pull = swap * wrong / (1.0 + odds);
            *curvature = swap.abs() * odds / ((1.0 + odds) * (1.0 + odds));
        }
        self.g[below.clone()].iter_mut().zip(&*pulls).for_each(|(g, pull)| *g += pull);
        self.h[below].iter_mut().zip(&*curvatures).for_each(|(h, curvature)| *h += curvature);
        self.g[rank] -= pulls.iter().sum::<f64>();
        self.h[rank] += curvatures.iter().sum::<f64>();
        pulls.iter().map(|pull| pull.abs()).sum()
    }
}

impl LambdaRank {
    /// The derivatives of the rows of a group, into `pairs`; returns what they are to be scaled with.
    fn add_up_pairs(&self, group: &Group<'_>, ranking: &[usize], discounts: &[f64], pairs: &mut Pairs) -> f64 {
        pairs.reset(group, ranking);
        let ideal = self.ideal_dcg(group.grades, discounts);
        if ideal == 0.0 {
            return 1.0;
        }
        let all_equal = pairs.margins.first() == pairs.margins.last();
        let offset = if all_equal { 1.0 } else { 0.01 };
        let n_paired = ranking.len().min(self.truncation);
        let sum: f64 = (0..n_paired).map(|rank| 2.0 * pairs.add_below(rank, discounts, ideal, offset)).sum();
        if sum > 0.0 { sum.ln_1p() / std::f64::consts::LN_2 / sum } else { 1.0 }
    }

    /// The discounted gain of the ranking by margins over that of the ideal one; 1 where there is nothing to gain.
    ///
    /// Rows of equal margins share the gain of their positions (McSherry and Najork 2008): a model that cannot tell them
    /// apart is not credited with the order they came in.
    fn ndcg(&self, group: &Group<'_>, discounts: &[f64]) -> f64 {
        let ideal = self.ideal_dcg(group.grades, discounts);
        if ideal == 0.0 {
            return 1.0;
        }
        let ranking = group.ranking();
        let mut dcg = 0.0;
        let mut n_before = 0;
        for tied in ranking.chunk_by(|&a, &b| group.margins[a] == group.margins[b]) {
            let mean_gain = tied.iter().map(|&row| gain(group.grades[row])).sum::<f64>() / tied.len() as f64;
            let positions = n_before.min(self.truncation)..(n_before + tied.len()).min(self.truncation);
            dcg += mean_gain * discounts[positions].iter().sum::<f64>();
            n_before += tied.len();
        }
        // Rounding must not make a perfect ranking better than perfect.
        (dcg / ideal).min(1.0)
    }

    /// The discounted gain of the rows in the order of their grades.
    fn ideal_dcg(&self, grades: &[f64], discounts: &[f64]) -> f64 {
        let mut n_rows_of = [0; LARGEST_GRADE + 1];
        grades.iter().for_each(|&grade| n_rows_of[grade as usize] += 1);
        let best_first =
            (0..=LARGEST_GRADE).rev().flat_map(|grade| std::iter::repeat_n(grade as f64, n_rows_of[grade]));
        best_first.take(self.truncation).zip(discounts).map(|(grade, discount)| gain(grade) * discount).sum()
    }
}

/// What a row of this grade is worth on the first position.
fn gain(grade: f64) -> f64 {
    f64::from((1u32 << grade as u32) - 1)
}

/// What each position counts, for the largest group.
fn discounts(group_sizes: &[u32]) -> Vec<f64> {
    let n_positions = group_sizes.iter().copied().max().unwrap_or(0);
    (0..n_positions).map(|position| 1.0 / (f64::from(position) + 2.0).log2()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grouped<'a>(values: &'a [f64], sizes: &'a [u32]) -> Target<'a> {
        Target { values, weights: None, group_sizes: Some(sizes) }
    }

    fn check_gradients(truncation: usize, grades: &[f64], margins: &[f64], expected: &[(f64, f64)]) {
        let loss = LambdaRank::new(truncation).unwrap();
        let mut out = vec![Gradient::default(); grades.len()];
        loss.gradients(&grouped(grades, &[grades.len() as u32]), margins, &[], 0, &mut out);
        for (found, &(g, h)) in out.iter().zip(expected) {
            let close = |found: f32, expected: f64| (f64::from(found) - expected).abs() < 1e-7;
            assert!(close(found.g, g) && close(found.h, h), "{out:?} instead of {expected:?}");
        }
        let sum: f64 = out.iter().map(|gradient| f64::from(gradient.g)).sum();
        assert!(sum.abs() < 1e-7, "pulls of {out:?} cancel out");
    }

    #[test]
    fn two_rows_by_hand() {
        // Two rows: with S = 2 · swap · p, the scaled pull is log₂(1 + S) / 2.
        let swap = (1.0 - 1.0 / 3f64.log2()) / 0.51;
        let p = 1.0 / (1.0 + (-0.5f64).exp());
        let pull = (1.0 + 2.0 * swap * p).log2() / 2.0;
        check_gradients(30, &[0.0, 1.0], &[0.5, 0.0], &[(pull, pull * (1.0 - p)), (-pull, pull * (1.0 - p))]);
        // Equal margins: no distance to divide by.
        let pull = (1.0 + (1.0 - 1.0 / 3f64.log2())).log2() / 2.0;
        check_gradients(30, &[0.0, 1.0], &[0.0, 0.0], &[(pull, pull / 2.0), (-pull, pull / 2.0)]);
    }

    /// LightGBM 4.7 gives trees of one row per leaf the same `−g / h` (to the precision of its table of sigmoids).
    #[test]
    fn three_rows_by_hand() {
        let (grades, margins) = ([2.0, 0.0, 1.0], [0.0, 1.0, 0.5]);
        let all_pairs = [
            (-0.38466803328692967, 0.1129535925848553),
            (0.42048478206834666, 0.12647587187396658),
            (-0.03581674878141695, 0.07957792658134544),
        ];
        check_gradients(3, &grades, &margins, &all_pairs);
        let pairs_with_the_first = [
            (-0.35949800197002246, 0.09668390362949113),
            (0.5086483456708976, 0.15299422414179278),
            (-0.14915034370087513, 0.05631032051230165),
        ];
        check_gradients(1, &grades, &margins, &pairs_with_the_first);
    }

    #[test]
    fn rows_without_a_pair_are_left_alone() {
        let nothing = [(0.0, 0.0); 3];
        check_gradients(30, &[1.0; 3], &[0.0, 1.0, 0.5], &nothing);
        check_gradients(30, &[0.0; 3], &[0.0; 3], &nothing);
        check_gradients(30, &[3.0], &[1.0], &nothing[..1]);
        check_gradients(30, &[], &[], &[]);
    }

    #[test]
    fn ndcg_of_scikit_learn() {
        let check = |truncation: usize, margins: &[f64], expected: f64| {
            let grades = [3.0, 2.0, 3.0, 0.0, 1.0, 2.0];
            let found = 1.0 - LambdaRank::new(truncation).unwrap().loss(&grouped(&grades, &[6]), margins);
            assert!((found - expected).abs() < 1e-12, "{found} instead of {expected}");
        };
        check(30, &[6.0, 5.0, 4.0, 3.0, 2.0, 1.0], 0.9488107485678984);
        check(3, &[6.0, 5.0, 4.0, 3.0, 2.0, 1.0], 0.9594535145926796);
        check(2, &[1.0, 1.0, 1.0, 0.0, 0.0, 0.0], 0.8095238095238095);
        check(4, &[1.0, 1.0, 1.0, 0.0, 0.0, 0.0], 0.8902748516099218);
        check(30, &[9.0, 5.0, 8.0, 0.0, 1.0, 4.0], 1.0);
    }

    #[test]
    fn groups_count_by_the_mean_weight_of_their_rows() {
        // The first group is ranked perfectly, the second upside down, the third is empty, the fourth has nothing to gain.
        let (values, margins) = ([1.0, 0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 1.0, 0.0, 2.0]);
        let upside_down = 1.0 - 1.0 / 3f64.log2();
        let loss = LambdaRank::new(30).unwrap();
        let target = grouped(&values, &[2, 2, 0, 1]);
        assert!((loss.loss(&target, &margins) - upside_down / 3.0).abs() < 1e-12);
        let target = Target { weights: Some(&[1.0, 1.0, 2.0, 4.0, 1.0]), ..target };
        assert!((loss.loss(&target, &margins) - 3.0 * upside_down / 5.0).abs() < 1e-12);

        let mut out = [Gradient::default(); 5];
        loss.gradients(&target, &margins, &[], 0, &mut out);
        let mut plain = [Gradient::default(); 5];
        loss.gradients(&Target { weights: None, ..target }, &margins, &[], 0, &mut plain);
        assert_eq!((out[0], out[1]), (plain[0], plain[1]));
        assert_eq!((out[2].g, out[3].g), (2.0 * plain[2].g, 4.0 * plain[3].g));
    }
    proptest! {
        #[test]
        fn pulls_cancel_out_in_each_group_whatever_the_order(
            rows in proptest::collection::vec((0u8..5, -300i32..300), 2..80),
            first_size in 0usize..80,
            truncation in 1usize..12,
        ) {
            let first_size = first_size.min(rows.len());
            let grades: Vec<f64> = rows.iter().map(|row| row.0.into()).collect();
            // No two margins are equal: the order of equal ones would depend on that of the rows.
            let margins: Vec<f64> = rows.iter().enumerate().map(|(i, row)| f64::from(row.1) / 50.0 + i as f64 * 1e-4).collect();
            let loss = LambdaRank::new(truncation).unwrap();
            let gradients_of = |grades: &[f64], margins: &[f64], sizes: &[u32]| {
                let mut out = vec![Gradient::default(); grades.len()];
                loss.gradients(&grouped(grades, sizes), margins, &[], 0, &mut out);
                out
            };
            let sizes = [first_size as u32, (rows.len() - first_size) as u32];
            let found = gradients_of(&grades, &margins, &sizes);
            for group in [&found[..first_size], &found[first_size..]] {
                let sum: f64 = group.iter().map(|gradient| f64::from(gradient.g)).sum();
                prop_assert!(sum.abs() < 1e-5 && group.iter().all(|gradient| gradient.h >= 0.0), "{group:?}");
            }
            let backwards = |values: &[f64]| values.iter().rev().copied().collect::<Vec<f64>>();
            let mirrored = gradients_of(&backwards(&grades), &backwards(&margins), &[sizes[1], sizes[0]]);
            for (a, b) in found.iter().zip(mirrored.iter().rev()) {
                prop_assert!((a.g - b.g).abs() < 1e-5 && (a.h - b.h).abs() < 1e-5, "{a:?} and {b:?}");
            }
        }
    }
}
