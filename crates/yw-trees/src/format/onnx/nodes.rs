//! The trees as ONNX has them: the nodes of all trees in parallel arrays.

use super::protobuf::Message;
use super::{FORMAT, floats, ints, texts};
use crate::format::ExportError;
use crate::format::export::{MAX_NODES, complete_trees, plain_threshold, single_value};
use crate::format::single::round_down;
use crate::{Child, Ensemble, LevelSet, Rule, Split, Tree};

/// The arrays.
#[derive(Default)]
pub(super) struct NodeArrays {
    trees: Vec<i64>,
    ids: Vec<i64>,
    features: Vec<i64>,
    modes: Vec<&'static str>,
    values: Vec<f32>,
    trues: Vec<i64>,
    falses: Vec<i64>,
    missing_to_true: Vec<i64>,
    pub(super) leaf_trees: Vec<i64>,
    pub(super) leaf_nodes: Vec<i64>,
    pub(super) leaf_outputs: Vec<i64>,
    pub(super) leaf_values: Vec<f32>,
}

/// An inner node.
struct Branch {
    feature: u32,
    mode: &'static str,
    value: f32,
    if_true: i64,
    if_false: i64,
    missing_to_true: bool,
}

impl NodeArrays {
    pub(super) fn new(ensemble: &Ensemble) -> Result<Self, ExportError> {
        let mut arrays = NodeArrays::default();
        for (idx, tree) in complete_trees(ensemble).iter().enumerate() {
            arrays.push_tree(tree, idx as i64, (idx % ensemble.n_outputs()) as i64)?;
        }
        Ok(arrays)
    }

    /// The attributes that classifiers and regressors share.
    pub(super) fn attributes(&self, operator: Message) -> Message {
        operator
            .message(5, ints("nodes_treeids", &self.trees))
            .message(5, ints("nodes_nodeids", &self.ids))
            .message(5, ints("nodes_featureids", &self.features))
            .message(5, texts("nodes_modes", &self.modes))
            .message(5, floats("nodes_values", &self.values))
            .message(5, ints("nodes_truenodeids", &self.trues))
            .message(5, ints("nodes_falsenodeids", &self.falses))
            .message(5, ints("nodes_missing_value_tracks_true", &self.missing_to_true))
    }

    fn push_tree(&mut self, tree: &Tree, tree_id: i64, output: i64) -> Result<(), ExportError> {
        let starts = starts_of(tree);
        let n_nodes = starts[tree.splits.len()] + tree.leaves.len();
        if self.ids.len() + n_nodes > MAX_NODES {
            let reason = "each level of a category split's set is a node";
            return Err(ExportError::TooLarge { format: FORMAT, limit: MAX_NODES, reason });
        }
        let number = |child: Child| match child {
            Child::Split(idx) => starts[idx as usize] as i64,
            Child::Leaf(idx) => (starts[tree.splits.len()] + idx as usize) as i64,
        };
        for split in &tree.splits {
            let (left, right) = (number(split.left), number(split.right));
            match &split.rule {
                Rule::AtMost { threshold, zero_is_missing } => {
                    let threshold = plain_threshold(split, *threshold, *zero_is_missing, FORMAT)?;
                    self.push_comparison(tree_id, split, threshold, left, right);
                }
                Rule::OneOf(set) if set.is_empty() => {
                    self.push_comparison(tree_id, split, f64::NEG_INFINITY, left, right);
                }
                Rule::OneOf(set) => self.push_chain(tree_id, split, set, left, right)?,
            }
        }
        for leaf in &tree.leaves {
            self.push_leaf(tree_id, output, single_value(leaf.value, FORMAT)?);
        }
        Ok(())
    }

    fn push_comparison(&mut self, tree_id: i64, split: &Split, threshold: f64, left: i64, right: i64) {
        let branch = Branch {
            feature: split.feature,
            mode: "BRANCH_LEQ",
            value: round_down(threshold),
            if_true: left,
            if_false: right,
            missing_to_true: split.missing_left,
        };
        self.push_branch(tree_id, branch);
    }

    /// A chain that asks for one level after another. All lead to the same left child.
    fn push_chain(
        &mut self,
        tree_id: i64,
        split: &Split,
        set: &LevelSet,
        left: i64,
        right: i64,
    ) -> Result<(), ExportError> {
        let n_levels = set.len();
        for (idx, level) in set.iter().enumerate() {
            let value = level as f32;
            if f64::from(value) != f64::from(level) {
                return Err(ExportError::NotExpressible {
                    format: FORMAT,
                    feature: format!("the level {level} of feature {} in single precision", split.feature),
                    remedy: "number the levels from zero without gaps",
                });
            }
            let next = self.next_id(tree_id) + 1;
            let if_false = if idx + 1 == n_levels { right } else { next };
            let (feature, missing_to_true) = (split.feature, split.missing_left);
            self.push_branch(
                tree_id,
                Branch { feature, mode: "BRANCH_EQ", value, if_true: left, if_false, missing_to_true },
            );
        }
        Ok(())
    }

    /// The number of the tree's next node.
    fn next_id(&self, tree_id: i64) -> i64 {
        match (self.trees.last(), self.ids.last()) {
            (Some(last_tree), Some(last_id)) if *last_tree == tree_id => last_id + 1,
            _ => 0,
        }
    }

    fn push_branch(&mut self, tree_id: i64, branch: Branch) {
        let id = self.next_id(tree_id);
        self.trees.push(tree_id);
        self.ids.push(id);
        self.features.push(i64::from(branch.feature));
        self.modes.push(branch.mode);
        self.values.push(branch.value);
        self.trues.push(branch.if_true);
        self.falses.push(branch.if_false);
        self.missing_to_true.push(i64::from(branch.missing_to_true));
    }

    fn push_leaf(&mut self, tree_id: i64, output: i64, value: f32) {
        self.leaf_trees.push(tree_id);
        self.leaf_nodes.push(self.next_id(tree_id));
        self.leaf_outputs.push(output);
        self.leaf_values.push(value);
        let leaf = Branch { feature: 0, mode: "LEAF", value: 0.0, if_true: 0, if_false: 0, missing_to_true: false };
        self.push_branch(tree_id, leaf);
    }
}

/// The first node of each split, and of the leaves, which come last.
fn starts_of(tree: &Tree) -> Vec<usize> {
    let n_nodes = |split: &Split| match &split.rule {
        Rule::AtMost { .. } => 1,
        Rule::OneOf(set) => set.len().max(1),
    };
    let mut next = 0;
    let mut starts = vec![0];
    starts.extend(tree.splits.iter().map(|split| {
        next += n_nodes(split);
        next
    }));
    starts
}
