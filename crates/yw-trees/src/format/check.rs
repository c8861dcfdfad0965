//! What every finished ensemble must be, whoever wrote the file it came from.

use super::{FormatError, Place};
use crate::{Child, Ensemble, Rule, Split, Tree};

/// The outputs that a model may have: far more than classes anyone has, far fewer than memory for numbers.
pub(super) const MAX_OUTPUTS: usize = 1 << 16;

/// The features that a file may claim without naming them.
pub(super) const MAX_UNNAMED_FEATURES: usize = 1 << 20;

/// Levels are `u32`, 64 to a word.
const MAX_SET_WORDS: usize = 1 << 26;

/// Passes an ensemble on if it is sound: trees are trees, whatever they refer to exists, and whatever adds up is finite.
///
/// Thresholds may be infinite (all values that are there on one side), but not NaN. Sets of levels are only asked of
/// categories.
pub(super) fn checked(ensemble: Ensemble) -> Result<Ensemble, FormatError> {
    check(&ensemble)?;
    Ok(ensemble)
}

/// Whether an ensemble is sound; see [`checked`].
pub(super) fn check(ensemble: &Ensemble) -> Result<(), FormatError> {
    let model = |problem: &str| Err(FormatError::damaged(Place::Model, problem));
    match ensemble.base.len() {
        0 => return model("there is no output"),
        n_outputs if n_outputs > MAX_OUTPUTS => return model("there are more than 65,536 outputs"),
        _ => {}
    }
    if !ensemble.base.iter().all(|base| base.is_finite()) {
        return model("the base of a margin is not finite");
    }
    for (idx, tree) in ensemble.trees.iter().enumerate() {
        check_tree(ensemble, tree).map_err(|problem| FormatError::damaged(Place::Tree(idx), problem))?;
    }
    Ok(())
}

fn check_tree(ensemble: &Ensemble, tree: &Tree) -> Result<(), String> {
    if tree.leaves.len() != tree.splits.len() + 1 {
        return Err(format!("{} splits do not go with {} leaves", tree.splits.len(), tree.leaves.len()));
    }
    for (idx, leaf) in tree.leaves.iter().enumerate() {
        if !(leaf.value.is_finite() && leaf.cover.is_finite()) {
            return Err(format!("leaf {idx} has a number that is not finite"));
        }
    }
    for (idx, split) in tree.splits.iter().enumerate() {
        check_split(ensemble, split).map_err(|problem| format!("split {idx} {problem}"))?;
    }
    check_children(tree)
}

fn check_split(ensemble: &Ensemble, split: &Split) -> Result<(), &'static str> {
    let feature = ensemble.features.get(split.feature as usize).ok_or("asks for a feature that does not exist")?;
    match &split.rule {
        Rule::AtMost { threshold, .. } if threshold.is_nan() => return Err("has a threshold that is no number"),
        Rule::OneOf(_) if feature.n_levels.is_none() => return Err("asks a number for its level"),
        Rule::OneOf(set) if set.words().len() > MAX_SET_WORDS => return Err("has a level that is out of range"),
        _ => {}
    }
    if !(split.gain.is_finite() && split.cover.is_finite()) {
        return Err("has a number that is not finite");
    }
    Ok(())
}

/// Whether every node but the root has exactly one parent, which comes before it. With one more leaf than splits, each is
/// then reached.
fn check_children(tree: &Tree) -> Result<(), String> {
    let (mut splits_seen, mut leaves_seen) = (vec![false; tree.splits.len()], vec![false; tree.leaves.len()]);
    for (idx, split) in tree.splits.iter().enumerate() {
        for child in [split.left, split.right] {
            let seen = match child {
                Child::Split(child) if child as usize <= idx => {
                    return Err(format!("split {idx} has a child that comes before it"));
                }
                Child::Split(child) => splits_seen.get_mut(child as usize),
                Child::Leaf(child) => leaves_seen.get_mut(child as usize),
            };
            match seen {
                None => return Err(format!("split {idx} has a child that does not exist")),
                Some(true) => return Err(format!("a child of split {idx} has another parent too")),
                Some(seen) => *seen = true,
            }
        }
    }
    Ok(())
}

/// A statistic that nothing is computed from: zero if the file has no number for it.
pub(super) fn statistic(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}
