//! What the writers of other formats have in common.

use std::collections::HashSet;

use super::ExportError;
use super::check::check;
use crate::tree::ZERO_THRESHOLD;
use crate::{Child, Ensemble, Link, Split, Tree};

/// The most nodes that a model written in another format may have.
pub(super) const MAX_NODES: usize = 4_000_000;

/// Trees that need no base: the base is in the leaves of each output's first tree, and every round is complete.
///
/// Formats that have a base have it as a prediction in single precision, which cannot say every margin.
pub(super) fn complete_trees(ensemble: &Ensemble) -> Vec<Tree> {
    let n_outputs = ensemble.n_outputs();
    let mut trees = ensemble.trees.clone();
    let n_complete = trees.len().next_multiple_of(n_outputs).max(n_outputs);
    trees.resize_with(n_complete, || Tree::constant(0.0));
    for (tree, base) in trees.iter_mut().zip(&ensemble.base) {
        tree.leaves.iter_mut().for_each(|leaf| leaf.value += base);
    }
    trees
}

/// Whether the ensemble is sound and its link has a name in the format.
pub(super) fn check_exportable(ensemble: &Ensemble, format: &'static str) -> Result<(), ExportError> {
    check(ensemble).map_err(ExportError::Unsound)?;
    let feature = match (ensemble.link, ensemble.n_outputs()) {
        (Link::Softmax, 1) => "a softmax of one output",
        (Link::Exp, 2..) => "counts or amounts of several outputs",
        _ => return Ok(()),
    };
    let remedy = "write a model for each output";
    Err(ExportError::NotExpressible { format, feature: feature.to_owned(), remedy })
}

/// A threshold that has the same values on its left as the split, without taking zero for missing.
pub(super) fn plain_threshold(
    split: &Split,
    threshold: f64,
    zero_is_missing: bool,
    format: &'static str,
) -> Result<f64, ExportError> {
    if !zero_is_missing {
        return Ok(threshold);
    }
    let plain = match (split.missing_left, threshold) {
        (true, threshold) if threshold >= -ZERO_THRESHOLD => Some(threshold.max(ZERO_THRESHOLD)),
        (false, threshold) if threshold < ZERO_THRESHOLD => Some(threshold.min((-ZERO_THRESHOLD).next_down())),
        _ => None,
    };
    plain.ok_or_else(|| ExportError::NotExpressible {
        format,
        feature: format!("a split of feature {} that sends zero where missing values go", split.feature),
        remedy: "write LightGBM text, which can, or train without `zero_as_missing`",
    })
}

/// A leaf value in single precision.
pub(super) fn single_value(value: f64, format: &'static str) -> Result<f32, ExportError> {
    let single = value as f32;
    match single.is_finite() {
        true => Ok(single),
        false => Err(ExportError::NotExpressible {
            format,
            feature: format!("the leaf value {value:e} in single precision"),
            remedy: "rescale the target",
        }),
    }
}

/// The mean leaf value below each split, weighted by cover; zero where nothing has any.
pub(super) fn split_means(tree: &Tree) -> Vec<f64> {
    let mut means = vec![0.0; tree.splits.len()];
    for (idx, split) in tree.splits.iter().enumerate().rev() {
        let (mut sum, mut cover) = (0.0, 0.0);
        for child in [split.left, split.right] {
            let (child_mean, child_cover) = match child {
                Child::Split(child) => (means[child as usize], tree.splits[child as usize].cover),
                Child::Leaf(leaf) => (tree.leaves[leaf as usize].value, tree.leaves[leaf as usize].cover),
            };
            sum += child_mean * child_cover;
            cover += child_cover;
        }
        let mean = sum / cover;
        means[idx] = if mean.is_finite() { mean } else { 0.0 };
    }
    means
}

/// The features' names with `_` for whatever the format does not accept; no two the same, and none empty.
pub(super) fn clean_names(ensemble: &Ensemble, is_accepted: impl Fn(char) -> bool) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut unique = |(idx, name): (usize, &str)| {
        let mut clean: String = name.chars().map(|c| if is_accepted(c) { c } else { '_' }).collect();
        while clean.is_empty() || !taken.insert(clean.clone()) {
            clean.push_str(&format!("_{idx}"));
        }
        clean
    };
    ensemble.features.iter().map(|feature| feature.name.as_str()).enumerate().map(&mut unique).collect()
}
