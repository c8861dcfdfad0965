//! One tree of LightGBM: splits and leaves in parallel arrays, leaves as negative children.

use super::text::Block;
use crate::format::FormatError;
use crate::format::check::statistic;
use crate::{Child, Leaf, LevelSet, Rule, Split, Tree};

/// The bits of `decision_type`.
pub(super) const CATEGORICAL: u8 = 1;
pub(super) const DEFAULT_LEFT: u8 = 2;
pub(super) const MISSING_ZERO: u8 = 1 << 2;
pub(super) const MISSING_NAN: u8 = 2 << 2;
const MISSING_MASK: u8 = 3 << 2;

/// Reads a tree.
pub(super) fn read_tree(block: &Block<'_>, n_features: usize) -> Result<Tree, FormatError> {
    if let Some(field) = block.find("is_linear")
        && field.item::<u8>()? != 0
    {
        return Err(FormatError::Unsupported {
            place: field.place(),
            feature: "a tree with linear models in its leaves".to_owned(),
            remedy: "train without `linear_tree`",
        });
    }
    let n_leaves: usize = block.get("num_leaves")?.item()?;
    let Some(n_splits) = n_leaves.checked_sub(1) else {
        return Err(block.damaged("the tree has no leaf"));
    };
    let values: Vec<f64> = block.items("leaf_value", n_leaves)?;
    let covers = block.statistics("leaf_weight", n_leaves)?;
    let n_rows = block.statistics("leaf_count", n_leaves)?;
    let leaf = |idx: usize| Leaf { value: values[idx], cover: statistic(covers[idx]), n_rows: n_rows[idx] as u32 };
    let leaves = (0..n_leaves).map(leaf).collect();
    let splits = if n_splits == 0 { Vec::new() } else { read_splits(block, n_splits, n_features)? };
    Ok(Tree { splits, leaves })
}

fn read_splits(block: &Block<'_>, n_splits: usize, n_features: usize) -> Result<Vec<Split>, FormatError> {
    let features: Vec<u32> = block.items("split_feature", n_splits)?;
    let thresholds: Vec<f64> = block.items("threshold", n_splits)?;
    let decisions: Vec<u8> = block.items("decision_type", n_splits)?;
    let lefts: Vec<i32> = block.items("left_child", n_splits)?;
    let rights: Vec<i32> = block.items("right_child", n_splits)?;
    let gains = block.statistics("split_gain", n_splits)?;
    let covers = block.statistics("internal_weight", n_splits)?;
    let n_rows = block.statistics("internal_count", n_splits)?;
    let mut sets = read_sets(block)?;
    let mut splits = Vec::with_capacity(n_splits);
    for idx in 0..n_splits {
        if features[idx] as usize >= n_features {
            return Err(block.damaged(format!("split {idx} of this tree asks for a feature that does not exist")));
        }
        let (rule, missing_left) = if decisions[idx] & CATEGORICAL != 0 {
            let set =
                crate::format::value::whole(thresholds[idx], usize::MAX).and_then(|set| sets.get_mut(set)?.take());
            let set = set.ok_or_else(|| block.damaged(format!("split {idx} of this tree has no set of its own")))?;
            (Rule::OneOf(set), false)
        } else {
            let (zero_is_missing, missing_left) = missing(decisions[idx], thresholds[idx]);
            (Rule::AtMost { threshold: thresholds[idx], zero_is_missing }, missing_left)
        };
        splits.push(Split {
            feature: features[idx],
            rule,
            missing_left,
            left: child(lefts[idx]),
            right: child(rights[idx]),
            gain: statistic(gains[idx]),
            cover: statistic(covers[idx]),
            n_rows: n_rows[idx] as u32,
        });
    }
    Ok(splits)
}

/// What is missing, and where it goes: where nothing is expected to be missing, it is taken for zero.
fn missing(decision: u8, threshold: f64) -> (bool, bool) {
    let default_left = decision & DEFAULT_LEFT != 0;
    match decision & MISSING_MASK {
        MISSING_NAN => (false, default_left),
        MISSING_ZERO => (true, default_left),
        _ => (false, 0.0 <= threshold),
    }
}

fn child(code: i32) -> Child {
    match u32::try_from(code) {
        Ok(split) => Child::Split(split),
        Err(_) => Child::Leaf(!code as u32),
    }
}

/// The sets of levels, which splits by category refer to by number. LightGBM has their bits in words of 32.
fn read_sets(block: &Block<'_>) -> Result<Vec<Option<LevelSet>>, FormatError> {
    let n_sets: usize = block.find("num_cat").map_or(Ok(0), |field| field.item())?;
    if n_sets == 0 {
        return Ok(Vec::new());
    }
    let (boundaries, words) = (block.get("cat_boundaries")?, block.get("cat_threshold")?);
    let ends: Vec<usize> = boundaries.items()?;
    let bits: Vec<u32> = words.items()?;
    if ends.len().checked_sub(1) != Some(n_sets) {
        return Err(boundaries.damaged(format!("`cat_boundaries` has {} items for {n_sets} sets", ends.len())));
    }
    if ends[0] != 0 || ends.last() != Some(&bits.len()) || !ends.is_sorted() {
        return Err(boundaries.damaged("`cat_boundaries` does not divide `cat_threshold`"));
    }
    let wide = |pair: &[u32]| u64::from(pair[0]) | pair.get(1).map_or(0, |high| u64::from(*high) << 32);
    let set = |ends: &[usize]| Some(LevelSet::from_words(bits[ends[0]..ends[1]].chunks(2).map(wide).collect()));
    Ok(ends.windows(2).map(set).collect())
}
