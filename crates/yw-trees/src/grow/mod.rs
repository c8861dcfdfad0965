//! Growing one tree on binned rows with quantized gradients.
//!
//! Which leaf is split next depends on gains alone, but what splitting a leaf yields does not depend on the other leaves.
//! So several of the best leaves are split ahead of their turn, side by side; the tree takes from them in order of gain.

mod category;
mod histogram;
mod node;
mod partition;
mod penalty;
mod quantize;
mod split;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use rayon::prelude::*;
use yw_kernels::GradientRow;

use self::histogram::Histograms;
use self::node::{Node, Splitter, State};
use self::split::{Choice, Cut, SplitRules};
use crate::bins::BinnedRows;
use crate::{Child, Growth, Leaf, Split, Tree, TreesParams};

pub(crate) use self::histogram::Histogram;
pub(crate) use self::node::fraction_of;
pub(crate) use self::penalty::{Bounds, Penalty, Sums};
pub(crate) use self::quantize::{Levels, MIN_COARSE_ROWS, Steps, quantize};

/// A tree, and the rows that ended in each of its leaves.
pub(crate) struct GrownTree<'a> {
    /// Leaf values are those of the rounded gradients, without shrinkage.
    pub(crate) tree: Tree,
    pub(crate) leaves: Vec<GrownLeaf<'a>>,
}

/// Where rows ended.
pub(crate) struct GrownLeaf<'a> {
    /// Ascending within each piece.
    pub(crate) pieces: Vec<&'a [GradientRow]>,
    /// Between which values the leaf's must stay.
    pub(crate) bounds: Bounds,
}

impl<'a> GrownLeaf<'a> {
    /// The rows, ascending. Those of a leaf that was split ahead of a turn that never came are put in order again, so that
    /// sums over them do not depend on what was split ahead.
    pub(crate) fn rows(&self) -> Cow<'a, [GradientRow]> {
        match &self.pieces[..] {
            [rows] => Cow::Borrowed(*rows),
            pieces => {
                let mut rows = pieces.concat();
                // A stable sort merges what is ascending already.
                rows.sort_by_key(|row| row.row());
                Cow::Owned(rows)
            }
        }
    }
}

/// What one tree is grown with.
pub(crate) struct Grower<'t> {
    pub(crate) params: &'t TreesParams,
    pub(crate) binned: &'t BinnedRows,
    pub(crate) steps: Steps,
    /// The features that the tree may use.
    pub(crate) features: Arc<[u32]>,
    pub(crate) random_thresholds: bool,
    /// For what is drawn at random inside the tree.
    pub(crate) seed: u64,
}

/// A node in the tree: below which split and on which side it hangs (none for the root), and which of all nodes it is.
struct Placed<'a> {
    parent: Option<(u32, bool)>,
    order: usize,
    node: Node<'a>,
}

impl Grower<'_> {
    /// Grows a tree on `rows`, which are ascending; `scratch` is as long. Histograms come from `pool` and go back to it.
    pub(crate) fn grow<'a>(
        &self,
        rows: &'a mut [GradientRow],
        scratch: &'a mut [GradientRow],
        pool: &mut Vec<Histogram>,
    ) -> GrownTree<'a> {
        let mut used = vec![false; self.binned.features.len()];
        self.features.iter().for_each(|&f| used[f as usize] = true);
        let rules = SplitRules {
            params: self.params,
            binned: self.binned,
            steps: self.steps,
            penalty: Penalty::new(self.params),
            random_thresholds: self.random_thresholds,
        };
        let histograms = Histograms::new(self.binned, &used, self.steps.narrow_rows, std::mem::take(pool));
        let splitter = Splitter { rules, histograms, features: self.features.clone(), seed: self.seed };
        let root = splitter.root(rows, scratch);
        let (splits, leaves) = self.grow_from(root, &splitter);
        let grown = finish(splits, leaves, &splitter);
        *pool = splitter.histograms.into_pool();
        grown
    }

    /// Splits the best leaf until none is left or the tree is large enough.
    fn grow_from<'a>(&self, root: Node<'a>, splitter: &Splitter<'_>) -> (Vec<Split>, Vec<Placed<'a>>) {
        let max_leaves = if self.params.max_leaves == 0 { usize::MAX } else { self.params.max_leaves };
        let mut splits: Vec<Split> = Vec::new();
        let mut leaves = Leaves { growth: self.params.growth, waiting: BinaryHeap::new(), ended: Vec::new() };
        leaves.add(Placed { parent: None, order: 0, node: root });
        while leaves.len() < max_leaves {
            leaves.split_ahead(splitter, max_leaves - leaves.len());
            let Some(Waiting { placed: next, .. }) = leaves.waiting.pop() else { break };
            let State::Ahead { choice, left, right } = next.node.state else {
                // It has another split now, and another turn.
                leaves.add(next);
                continue;
            };
            let idx = splits.len() as u32;
            hang(&mut splits, next.parent, Child::Split(idx));
            let cover = splitter.rules.sums(next.node.total).h;
            splits.push(self.split(&choice, cover, left.n_rows, right.n_rows));
            let order = 2 * idx as usize + 1;
            leaves.add(Placed { parent: Some((idx, true)), order, node: *left });
            leaves.add(Placed { parent: Some((idx, false)), order: order + 1, node: *right });
        }
        let Leaves { waiting, mut ended, .. } = leaves;
        ended.extend(waiting.into_iter().map(|leaf| leaf.placed));
        (splits, ended)
    }

    fn split(&self, choice: &Choice, cover: f64, n_left: usize, n_right: usize) -> Split {
        let bins = &self.binned.features[choice.feature as usize];
        let rule = match &choice.cut {
            Cut::AtMost(bin) => bins.at_most(*bin as usize),
            Cut::OneOf(levels) => bins.one_of(levels),
        };
        // Where no training row had a missing value, one that comes later goes the way of most.
        let missing_left = if bins.has_missing { choice.missing_left } else { n_left > n_right };
        // The children are told when they are known.
        let (left, right) = (Child::Leaf(0), Child::Leaf(0));
        let n_rows = (n_left + n_right) as u32;
        Split { feature: choice.feature, rule, missing_left, left, right, gain: choice.gain, cover, n_rows }
    }
}

/// The leaves of a tree that grows.
struct Leaves<'a> {
    growth: Growth,
    /// Those that have a split, the next one on top.
    waiting: BinaryHeap<Waiting<'a>>,
    /// Those that have none.
    ended: Vec<Placed<'a>>,
}

/// A leaf with its turn: the greatest is split first.
struct Waiting<'a> {
    /// Zero where the depth does not matter.
    depth: usize,
    placed: Placed<'a>,
}

impl<'a> Leaves<'a> {
    fn len(&self) -> usize {
        self.waiting.len() + self.ended.len()
    }

    fn add(&mut self, placed: Placed<'a>) {
        if matches!(placed.node.state, State::Ended(_)) {
            return self.ended.push(placed);
        }
        let depth = if self.growth == Growth::DepthWise { placed.node.depth } else { 0 };
        self.waiting.push(Waiting { depth, placed });
    }

    /// If the next leaf is open, splits it and those of the following that are, as many as there are threads and leaves to
    /// come.
    fn split_ahead(&mut self, splitter: &Splitter<'_>, n_to_come: usize) {
        let is_open = |leaf: &Placed<'_>| matches!(leaf.node.state, State::Open(_));
        if !self.waiting.peek().is_some_and(|next| is_open(&next.placed)) {
            return;
        }
        let n_ahead = rayon::current_num_threads().min(n_to_come);
        // Some of the next were split ahead before; look past them, but not far.
        let mut next: Vec<Placed<'a>> =
            std::iter::from_fn(|| self.waiting.pop()).map(|leaf| leaf.placed).take(2 * n_ahead).collect();
        let mut open: Vec<&mut Node<'_>> =
            next.iter_mut().filter(|leaf| is_open(leaf)).take(n_ahead).map(|leaf| &mut leaf.node).collect();
        match &mut open[..] {
            [only] => splitter.split(only),
            several => several.par_iter_mut().for_each(|node| splitter.split(node)),
        }
        next.into_iter().for_each(|leaf| self.add(leaf));
    }
}

impl Ord for Waiting<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_priority = self.placed.node.priority.total_cmp(&other.placed.node.priority);
        other.depth.cmp(&self.depth).then(by_priority).then(other.placed.order.cmp(&self.placed.order))
    }
}

impl PartialOrd for Waiting<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Waiting<'_> {}

/// Tells a node's parent which node it is.
fn hang(splits: &mut [Split], parent: Option<(u32, bool)>, child: Child) {
    if let Some((parent, is_left)) = parent {
        let split = &mut splits[parent as usize];
        *(if is_left { &mut split.left } else { &mut split.right }) = child;
    }
}

fn finish<'a>(mut splits: Vec<Split>, mut leaves: Vec<Placed<'a>>, splitter: &Splitter<'_>) -> GrownTree<'a> {
    leaves.sort_by_key(|leaf| leaf.order);
    let mut grown = GrownTree { tree: Tree { splits: Vec::new(), leaves: Vec::new() }, leaves: Vec::new() };
    for (idx, leaf) in leaves.into_iter().enumerate() {
        hang(&mut splits, leaf.parent, Child::Leaf(idx as u32));
        let sums = splitter.rules.sums(leaf.node.total);
        let (n_rows, bounds) = (leaf.node.n_rows as u32, leaf.node.bounds);
        let value = bounds.clamp(splitter.rules.penalty.value(sums));
        grown.tree.leaves.push(Leaf { value, cover: sums.h, n_rows });
        let mut pieces = Vec::with_capacity(1);
        leaf.node.end(&splitter.histograms, &mut pieces);
        grown.leaves.push(GrownLeaf { pieces, bounds });
    }
    grown.tree.splits = splits;
    grown
}
