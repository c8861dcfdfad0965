//! Which way rows go at every split, and from that which elements of a path they keep to.

use std::ops::Range;

use super::paths::{LeafPath, TreePaths};
use crate::{Columns, Feature};

/// The turns of a block of rows at the splits of a tree.
///
/// Loops run over rows, and words are 16 bits, so that the compiler makes eight rows or more of one instruction.
#[derive(Default)]
pub(super) struct Decisions {
    n_rows: usize,
    /// All bits where the row goes left, none where it goes right. Shape: `[split][row]`.
    goes_left: Vec<u16>,
    /// What [`masks`](Self::masks) returns.
    masks: Vec<u16>,
    /// A column of the block in double precision.
    column: Vec<f64>,
}

impl Decisions {
    /// Sends rows through every split of a tree.
    pub(super) fn decide(&mut self, tree: &TreePaths, rows: &Columns<'_>, range: Range<usize>) {
        self.n_rows = range.len();
        self.goes_left.resize(tree.splits.len() * self.n_rows, 0);
        for (split, goes_left) in tree.splits.iter().zip(self.goes_left.chunks_exact_mut(self.n_rows)) {
            let feature = &rows.features()[split.feature as usize];
            let column = block_of(feature, range.clone(), &mut self.column);
            for (goes_left, &value) in goes_left.iter_mut().zip(column) {
                *goes_left = u16::from(split.goes_left(value)).wrapping_neg();
            }
        }
    }

    /// Which elements of a path each row keeps to: element `i` is bit `i % 16` of word `i / 16`. Shape: `[word][row]`.
    pub(super) fn masks(&mut self, leaf: &LeafPath) -> &[u16] {
        self.masks.clear();
        self.masks.resize(leaf.n_mask_words() * self.n_rows, u16::MAX);
        for condition in &leaf.conditions {
            let word = condition.element / u16::BITS as usize;
            let other_elements = !(1_u16 << (condition.element % u16::BITS as usize));
            let flip = if condition.goes_left { 0 } else { u16::MAX };
            let masks = &mut self.masks[word * self.n_rows..][..self.n_rows];
            let goes_left = &self.goes_left[condition.split * self.n_rows..][..self.n_rows];
            for (mask, &goes_left) in masks.iter_mut().zip(goes_left) {
                *mask &= (goes_left ^ flip) | other_elements;
            }
        }
        &self.masks
    }
}

fn block_of<'c>(feature: &'c Feature<'_>, range: Range<usize>, scratch: &'c mut Vec<f64>) -> &'c [f64] {
    if let Feature::F64(values, None) = feature {
        return &values[range];
    }
    scratch.clear();
    scratch.extend(range.map(|row_idx| feature.value(row_idx)));
    scratch
}
