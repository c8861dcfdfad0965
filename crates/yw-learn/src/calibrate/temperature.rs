//! From scores to probabilities: the temperature of a softmax.

use crate::parallel::{few_chunks, map_chunks};
use crate::probability::softmax;

/// Fewest rows that one thread takes at a time.
const CHUNK_ROWS: usize = 256;

/// Sharper probabilities than these come only from held-out rows that are all right.
const MAX_SHARPNESS: f64 = 50.0;
const MIN_SHARPNESS: f64 = 0.02;

/// The factor by which scores are multiplied before the softmax: that of the largest likelihood of the held-out classes
/// (temperature scaling, Guo et al. 2017, with the reciprocal of their temperature), within 0.02 and 50.
///
/// *Shapes*: `scores` is rows × `n_classes`; one class per row, and one weight if there are any.
pub(crate) fn sharpness(scores: &[f64], class_idxs: &[u32], weights: Option<&[f64]>, n_classes: usize) -> f64 {
    // The likelihood is concave in the factor, so Newton's method finds its one maximum; the bracket keeps a step from
    // leaving the range where the second derivative says something.
    const MAX_STEPS: usize = 50;
    let (mut low, mut high) = (MIN_SHARPNESS, MAX_SHARPNESS);
    let mut factor = 1.0;
    for _ in 0..MAX_STEPS {
        let (slope, curvature) = derivatives(scores, class_idxs, weights, n_classes, factor);
        if slope > 0.0 {
            high = factor
        } else {
            low = factor
        }
        let newton = factor - slope / curvature.max(f64::MIN_POSITIVE);
        let next = if newton > low && newton < high { newton } else { (low * high).sqrt() };
        if (next / factor).ln().abs() < 1e-4 {
            return next;
        }
        factor = next;
    }
    factor
}

/// First and second derivative of the negative log-likelihood by the factor.
fn derivatives(
    scores: &[f64],
    class_idxs: &[u32],
    weights: Option<&[f64]>,
    n_classes: usize,
    factor: f64,
) -> (f64, f64) {
    let sums = map_chunks(class_idxs.len(), few_chunks(class_idxs.len(), CHUNK_ROWS), |rows| {
        let (mut slope, mut curvature) = (0.0, 0.0);
        let mut probabilities = vec![0.0; n_classes];
        for row_idx in rows {
            let scores = &scores[row_idx * n_classes..][..n_classes];
            probabilities.iter_mut().zip(scores).for_each(|(p, s)| *p = factor * s);
            softmax(&mut probabilities);
            let (mut mean, mut mean_square) = (0.0, 0.0);
            for (&p, &score) in probabilities.iter().zip(scores) {
                mean += p * score;
                mean_square += p * score * score;
            }
            let weight = weights.map_or(1.0, |weights| weights[row_idx]);
            slope += weight * (mean - scores[class_idxs[row_idx] as usize]);
            curvature += weight * (mean_square - mean * mean);
        }
        (slope, curvature)
    });
    sums.into_iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn finds_the_factor_that_made_the_classes() {
        // Classes drawn with probabilities softmax(3 · scores).
        let mut random = Random::new(1, 0);
        let mut uniform = || (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let (mut scores, mut class_idxs) = (Vec::new(), Vec::new());
        for _ in 0..20_000 {
            let row = [uniform(), uniform(), uniform()];
            let mut probabilities = row.map(|s| 3.0 * s);
            softmax(&mut probabilities);
            let mut rest = uniform();
            let class = probabilities
                .iter()
                .position(|p| {
                    rest -= p;
                    rest < 0.0
                })
                .unwrap_or(2);
            scores.extend(row);
            class_idxs.push(class as u32);
        }
        let found = sharpness(&scores, &class_idxs, None, 3);
        assert!((found - 3.0).abs() < 0.15, "{found}");
    }

    #[test]
    fn stays_in_range_when_all_rows_are_right_or_wrong() {
        assert!((sharpness(&[1.0, 0.0], &[0], None, 2) - MAX_SHARPNESS).abs() < 0.1);
        assert!(sharpness(&[1.0, 0.0], &[1], None, 2) < 0.03);
        let of_nothing = sharpness(&[], &[], None, 2);
        assert!((MIN_SHARPNESS..=MAX_SHARPNESS).contains(&of_nothing));
    }
}
