//! What a leaf contributes to the features of its path.
//!
//! For the features that a row keeps to, `x_i` is 1, for the others 0; `b_i` says the same of what stands in for unknown
//! features. A coalition `S` of known features gets the leaf's value if `x_i = 1` within `S` and `b_i = 1` outside. The
//! Shapley value of feature `j` is then
//!
//! ```text
//! value · E_b[ (x_j − b_j) · ∫₀¹ ∏_{i≠j} (x_i t + b_i (1 − t)) dt ]
//! ```
//!
//! since `∫ tᵏ (1 − t)ᵈ⁻¹⁻ᵏ dt = k! (d − 1 − k)! / d!` is the weight of a coalition of `k` among `d` features.

use super::paths::{Element, LeafPath};
use super::quadrature::{N_LANES, NodeGroup, Quadratures};

/// A leaf as a cooperative game between the features of its path.
pub(super) trait LeafGame: Send + Sync {
    /// The Shapley values of the path's elements, for a row with these bits (laid out as by `Decisions::masks`, for one
    /// row).
    fn contributions(&self, mask: &[u16], contributions: &mut [f64]);
}

/// The contributions for all masks of up to 16 elements. Shape: `[element][mask]`.
pub(super) fn table(game: &impl LeafGame, n_elements: usize) -> Vec<f64> {
    let n_masks = 1 << n_elements;
    let mut table = vec![0.0; n_elements << n_elements];
    let mut contributions = vec![0.0; n_elements];
    for mask in 0..n_masks {
        // Bits beyond the last element are set, as `Decisions::masks` leaves them.
        game.contributions(&[mask as u16 | !((n_masks - 1) as u16)], &mut contributions);
        for (column, &contribution) in table.chunks_exact_mut(n_masks).zip(&contributions) {
            column[mask] = contribution;
        }
    }
    table
}

/// Unknown features keep to the path at random, independently, as often as training rows did: `b_i` is 1 with the
/// probability `kept_i`.
///
/// The expectation of the product is the product of the expectations, and the integrand a polynomial in `t` of degree
/// `d − 1`, whose integral Gauss–Legendre quadrature gives exactly. All its factors are positive, which makes this more
/// accurate than unwinding polynomial coefficients as Lundberg's algorithm does.
pub(super) struct CoverGame<'a> {
    leaf: &'a LeafPath,
    quadrature: &'a [NodeGroup],
}

impl<'a> CoverGame<'a> {
    pub(super) fn new(leaf: &'a LeafPath, quadratures: &'a Quadratures) -> Self {
        CoverGame { leaf, quadrature: quadratures.exact_for(leaf.elements.len()) }
    }
}

impl LeafGame for CoverGame<'_> {
    fn contributions(&self, mask: &[u16], contributions: &mut [f64]) {
        contributions.fill(0.0);
        for nodes in self.quadrature {
            let kept_factor = |kept: f64, lane: usize| nodes.at[lane] + kept * nodes.rest[lane];
            let mut integrand = nodes.weights.map(|weight| self.leaf.value * weight);
            for (idx, &Element { kept, .. }) in self.leaf.elements.iter().enumerate() {
                if is_kept(mask, idx) {
                    (0..N_LANES).for_each(|lane| integrand[lane] *= kept_factor(kept, lane));
                } else {
                    (0..N_LANES).for_each(|lane| integrand[lane] *= kept * nodes.rest[lane]);
                }
            }
            // An element's own factor is to be replaced by x − b: 1 − kept where the row keeps to it, −kept where not, so
            // that all broken elements have the same contribution.
            let broken: f64 = (0..N_LANES).map(|lane| integrand[lane] / nodes.rest[lane]).sum();
            for (idx, &Element { kept, .. }) in self.leaf.elements.iter().enumerate() {
                contributions[idx] += if is_kept(mask, idx) {
                    (1.0 - kept) * (0..N_LANES).map(|lane| integrand[lane] / kept_factor(kept, lane)).sum::<f64>()
                } else {
                    -broken
                };
            }
        }
    }
}

/// Unknown features come from background rows, each with the same probability.
///
/// For one background row the integral has a closed form: with `k` elements that only the row keeps and `b` that only the
/// background row keeps, `(k − 1)! b! / (k + b)!` for each of the former and `−k! (b − 1)! / (k + b)!` for the latter. If
/// neither keeps an element, nothing comes through.
pub(super) struct SampleGame {
    /// The leaf's value, divided by the number of background rows.
    value_per_row: f64,
    /// The bits of background rows, equal ones once where they fit a word. Shape: `[distinct][word]`.
    masks: Vec<u16>,
    /// How many background rows have them.
    counts: Vec<f64>,
}

impl SampleGame {
    /// The game of a leaf, from the bits of the background rows as `Decisions::masks` has them.
    pub(super) fn new(leaf: &LeafPath, masks: &[u16], n_rows: usize) -> Self {
        let n_words = leaf.n_mask_words();
        let mut game = SampleGame { value_per_row: leaf.value / n_rows as f64, masks: Vec::new(), counts: Vec::new() };
        if n_words == 1 {
            game.masks = masks.to_vec();
            game.masks.sort_unstable();
            game.counts = game.masks.chunk_by(|a, b| a == b).map(|equal| equal.len() as f64).collect();
            game.masks.dedup();
        } else {
            game.masks = (0..n_rows).flat_map(|row| (0..n_words).map(move |word| masks[word * n_rows + row])).collect();
            game.counts = vec![1.0; n_rows];
        }
        game
    }
}

impl LeafGame for SampleGame {
    fn contributions(&self, mask: &[u16], contributions: &mut [f64]) {
        contributions.fill(0.0);
        let n_broken = mask.iter().map(|word| word.count_zeros()).sum::<u32>();
        let mut broken = 0.0;
        for (background, count) in self.masks.chunks_exact(mask.len().max(1)).zip(&self.counts) {
            let pairs = || mask.iter().zip(background);
            if pairs().any(|(row, background)| row | background != u16::MAX) {
                continue;
            }
            let n_only_row = pairs().map(|(row, background)| (row & !background).count_ones()).sum();
            let weight = self.value_per_row * count * inverse_binomial(n_only_row, n_broken);
            broken -= weight;
            for (word, (row, background)) in pairs().enumerate() {
                let mut only_row = row & !background;
                while only_row != 0 {
                    let element = word * u16::BITS as usize + only_row.trailing_zeros() as usize;
                    contributions[element] += weight / f64::from(n_only_row);
                    only_row &= only_row - 1;
                }
            }
        }
        // The background keeps what the row breaks, wherever anything comes through: broken elements have the same.
        for (element, contribution) in contributions.iter_mut().enumerate() {
            if !is_kept(mask, element) {
                *contribution = broken / f64::from(n_broken);
            }
        }
    }
}

/// One divided by the number of ways to choose `a` out of `a + b`.
fn inverse_binomial(a: u32, b: u32) -> f64 {
    let (few, many) = (a.min(b), a.max(b));
    (1..=few).map(|i| f64::from(i) / f64::from(many + i)).product()
}

fn is_kept(mask: &[u16], element: usize) -> bool {
    let bits = u16::BITS as usize;
    mask[element / bits] >> (element % bits) & 1 == 1
}
