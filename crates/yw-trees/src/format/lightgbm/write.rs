//! From our model to LightGBM's text, version 4.

use std::fmt::Write;

use super::tree::{CATEGORICAL, DEFAULT_LEFT, MISSING_NAN, MISSING_ZERO};
use crate::format::ExportError;
use crate::format::export::{MAX_NODES, check_exportable, clean_names, complete_trees, split_means};
use crate::{Child, Ensemble, LevelSet, Link, Rule, Split, Tree};

const FORMAT: &str = "LightGBM text";

impl Ensemble {
    /// The ensemble as a LightGBM model in text.
    ///
    /// Everything stays in double precision. The base is in the first trees. Characters that LightGBM does not accept in
    /// feature names become `_`. LightGBM sends missing categories right: where ours go left, a split before asks whether
    /// the value is missing, and what is left of ours comes twice.
    ///
    /// *Errors*: what LightGBM cannot express; see the crate's README.
    pub fn to_lightgbm_text(&self) -> Result<String, ExportError> {
        check_exportable(self, FORMAT)?;
        let mut trees = Vec::new();
        let mut n_nodes = 0;
        for tree in complete_trees(self) {
            let tree = with_missing_levels_right(tree, MAX_NODES - n_nodes)?;
            n_nodes += tree.splits.len();
            trees.push(tree);
        }
        let blocks: Vec<String> = trees.iter().enumerate().map(|(idx, tree)| block_of(tree, idx)).collect();
        let mut out = self.header(&trees);
        let sizes = join(blocks.iter().map(String::len));
        push(&mut out, format_args!("tree_sizes={sizes}\n\n"));
        blocks.iter().for_each(|block| out.push_str(block));
        out.push_str(
            "end of trees\n\nfeature_importances:\n\nparameters:\n\nend of parameters\n\npandas_categorical:null\n",
        );
        Ok(out)
    }

    fn header(&self, trees: &[Tree]) -> String {
        let n_outputs = self.n_outputs();
        let mut out = String::from("tree\nversion=v4\n");
        push(&mut out, format_args!("num_class={n_outputs}\nnum_tree_per_iteration={n_outputs}\nlabel_index=0\n"));
        push(&mut out, format_args!("max_feature_idx={}\n", self.features.len().saturating_sub(1)));
        match (self.link, n_outputs) {
            (Link::Identity, 1) => out.push_str("objective=regression\n"),
            (Link::Logistic, 1) => out.push_str("objective=binary sigmoid:1\n"),
            (Link::Logistic, _) => {
                push(&mut out, format_args!("objective=multiclassova num_class:{n_outputs} sigmoid:1\n"))
            }
            (Link::Softmax, _) => push(&mut out, format_args!("objective=multiclass num_class:{n_outputs}\n")),
            (Link::Exp, _) => out.push_str("objective=poisson\n"),
            // LightGBM has no objective of several numbers: without one it predicts the margins.
            (Link::Identity, _) => {}
        }
        let names = clean_names(self, |c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '%' | '+'));
        let names = if names.is_empty() { "none".to_owned() } else { join(names) };
        push(&mut out, format_args!("feature_names={names}\nfeature_infos={}\n", join(self.feature_infos(trees))));
        out
    }

    /// The range of each number's thresholds, the levels of each category that splits ask for and its last one.
    fn feature_infos(&self, trees: &[Tree]) -> Vec<String> {
        let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); self.features.len()];
        let mut levels: Vec<LevelSet> = vec![LevelSet::default(); self.features.len()];
        for split in trees.iter().flat_map(|tree| &tree.splits) {
            let feature = split.feature as usize;
            match &split.rule {
                Rule::AtMost { threshold, .. } => {
                    let (low, high) = ranges[feature];
                    ranges[feature] = (low.min(finite(*threshold)), high.max(finite(*threshold)));
                }
                Rule::OneOf(set) => set.iter().for_each(|level| levels[feature].insert(level)),
            }
        }
        let info = |(idx, feature): (usize, &crate::FeatureInfo)| match feature.n_levels {
            Some(n_levels) => {
                let last = n_levels.checked_sub(1).filter(|last| !levels[idx].contains(*last));
                let mut info: Vec<String> = levels[idx].iter().chain(last).map(|level| level.to_string()).collect();
                info.insert(0, "-1".to_owned());
                info.join(":")
            }
            None if ranges[idx].0 <= ranges[idx].1 => format!("[{:?}:{:?}]", ranges[idx].0, ranges[idx].1),
            None => "none".to_owned(),
        };
        let infos: Vec<String> = self.features.iter().enumerate().map(info).collect();
        if infos.is_empty() { vec!["none".to_owned()] } else { infos }
    }
}

/// The text of a tree.
fn block_of(tree: &Tree, idx: usize) -> String {
    let (splits, leaves) = (&tree.splits, &tree.leaves);
    let sets: Vec<&LevelSet> = splits.iter().filter_map(set_of).collect();
    let mut n_sets = 0;
    let thresholds = splits.iter().map(|split| match &split.rule {
        Rule::AtMost { threshold, .. } => format!("{:?}", finite(*threshold)),
        Rule::OneOf(_) => {
            n_sets += 1;
            (n_sets - 1).to_string()
        }
    });
    let thresholds = join(thresholds);
    let mut out = format!("Tree={idx}\nnum_leaves={}\nnum_cat={}\n", leaves.len(), sets.len());
    line(&mut out, "split_feature", splits.iter().map(|split| split.feature));
    line(&mut out, "split_gain", splits.iter().map(|split| split.gain));
    push(&mut out, format_args!("threshold={thresholds}\n"));
    line(&mut out, "decision_type", splits.iter().map(decision_type));
    line(&mut out, "left_child", splits.iter().map(|split| child_code(split.left)));
    line(&mut out, "right_child", splits.iter().map(|split| child_code(split.right)));
    push(&mut out, format_args!("leaf_value={}\n", join(leaves.iter().map(|leaf| format!("{:?}", leaf.value)))));
    line(&mut out, "leaf_weight", leaves.iter().map(|leaf| leaf.cover));
    line(&mut out, "leaf_count", leaves.iter().map(|leaf| leaf.n_rows.min(i32::MAX as u32)));
    line(&mut out, "internal_value", split_means(tree));
    line(&mut out, "internal_weight", splits.iter().map(|split| split.cover));
    line(&mut out, "internal_count", splits.iter().map(|split| split.n_rows.min(i32::MAX as u32)));
    if !sets.is_empty() {
        let halves: Vec<Vec<u32>> = sets.into_iter().map(words_of).collect();
        let ends = halves.iter().scan(0, |end, words| {
            *end += words.len();
            Some(*end)
        });
        line(&mut out, "cat_boundaries", std::iter::once(0).chain(ends));
        line(&mut out, "cat_threshold", halves.iter().flatten());
    }
    out.push_str("is_linear=0\nshrinkage=1\n\n\n");
    out
}

fn set_of(split: &Split) -> Option<&LevelSet> {
    match &split.rule {
        Rule::OneOf(set) => Some(set),
        Rule::AtMost { .. } => None,
    }
}

fn decision_type(split: &Split) -> u8 {
    let missing = match &split.rule {
        Rule::OneOf(_) => return CATEGORICAL,
        Rule::AtMost { zero_is_missing: true, .. } => MISSING_ZERO,
        Rule::AtMost { zero_is_missing: false, .. } => MISSING_NAN,
    };
    missing | if split.missing_left { DEFAULT_LEFT } else { 0 }
}

fn child_code(child: Child) -> i64 {
    match child {
        Child::Split(idx) => i64::from(idx),
        Child::Leaf(idx) => !i64::from(idx),
    }
}

/// The bits of a set in words of 32, at least one.
fn words_of(set: &LevelSet) -> Vec<u32> {
    let mut words: Vec<u32> = set.words().iter().flat_map(|word| [*word as u32, (*word >> 32) as u32]).collect();
    words.truncate(words.iter().rposition(|word| *word != 0).unwrap_or(0) + 1);
    if words.is_empty() { vec![0] } else { words }
}

/// LightGBM reads no infinite thresholds; only infinite values would tell the difference.
fn finite(threshold: f64) -> f64 {
    threshold.clamp(f64::MIN, f64::MAX)
}

/// Where a node of a tree is to be hung in.
#[derive(Clone, Copy)]
struct Hook {
    parent: usize,
    left: bool,
}

/// The same tree with missing categories going right: before a split that sends them left, another asks for them.
fn with_missing_levels_right(tree: Tree, max_splits: usize) -> Result<Tree, ExportError> {
    let goes_left = |split: &Split| split.missing_left && matches!(split.rule, Rule::OneOf(_));
    if !tree.splits.iter().any(goes_left) {
        return Ok(tree);
    }
    let mut out = Tree { splits: Vec::new(), leaves: Vec::new() };
    let mut open: Vec<(Child, Option<Hook>)> = vec![(tree.root(), None)];
    while let Some((node, hook)) = open.pop() {
        if out.splits.len() > max_splits {
            let reason = "each split that sends missing categories left needs all that is left of it twice";
            return Err(ExportError::TooLarge { format: FORMAT, limit: MAX_NODES, reason });
        }
        let split = match node {
            Child::Leaf(leaf) => {
                let number = out.leaves.len() as u32;
                hang(&mut out, hook, Child::Leaf(number));
                out.leaves.push(tree.leaves[leaf as usize]);
                continue;
            }
            Child::Split(split) => &tree.splits[split as usize],
        };
        let mut hook = hook;
        if goes_left(split) {
            // Levels are at least zero, so that only missing values go left here.
            let rule = Rule::AtMost { threshold: f64::MIN, zero_is_missing: false };
            let asks_for_missing = push_split(&mut out, hook, Split { rule, ..split.clone() });
            open.push((split.left, Some(Hook { parent: asks_for_missing, left: true })));
            hook = Some(Hook { parent: asks_for_missing, left: false });
        }
        let missing_left = split.missing_left && !goes_left(split);
        let parent = push_split(&mut out, hook, Split { missing_left, ..split.clone() });
        open.push((split.left, Some(Hook { parent, left: true })));
        open.push((split.right, Some(Hook { parent, left: false })));
    }
    Ok(out)
}

fn push_split(tree: &mut Tree, hook: Option<Hook>, split: Split) -> usize {
    let idx = tree.splits.len();
    hang(tree, hook, Child::Split(idx as u32));
    tree.splits.push(split);
    idx
}

fn hang(tree: &mut Tree, hook: Option<Hook>, child: Child) {
    if let Some(Hook { parent, left }) = hook {
        let parent = &mut tree.splits[parent];
        *(if left { &mut parent.left } else { &mut parent.right }) = child;
    }
}

fn line(out: &mut String, key: &str, items: impl IntoIterator<Item: ToString>) {
    push(out, format_args!("{key}={}\n", join(items)));
}

fn join(items: impl IntoIterator<Item: ToString>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    items.join(" ")
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}
