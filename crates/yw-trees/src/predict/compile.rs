//! From trees to nodes over numbered values.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use yw_kernels::{WalkNode, WalkNodes};

use super::block::BlockTrees;
use super::{ColumnKind, CompiledEnsemble, WalkColumn, WalkTree};
use crate::search::Thresholds;
use crate::{Child, Ensemble, Rule, Split, Tree};

/// The thresholds that numbers of two bytes can tell apart, with room for missing values at both ends.
const MAX_THRESHOLDS: usize = u16::MAX as usize - 2;

/// What tells columns apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum ColumnKey {
    Number { feature: u32, missing_left: bool, zero_is_missing: bool, part: usize },
    Levels { feature: u32, missing_left: bool, levels: Vec<u32> },
}

impl CompiledEnsemble {
    /// Compiles an ensemble.
    pub fn new(ensemble: &Ensemble) -> Self {
        let thresholds = Splits::of(ensemble);
        let mut numbering = Numbering { splits: &thresholds, places: BTreeMap::new(), columns: Vec::new() };
        let (mut nodes, mut values, mut trees) = (Vec::new(), Vec::new(), Vec::new());
        for tree in &ensemble.trees {
            trees.push(WalkTree { root: nodes.len() as u32, depth: tree.depth() as u32 });
            if lay_out(tree, &mut numbering, &mut nodes, &mut values).is_none() {
                return CompiledEnsemble::uncompiled(ensemble);
            }
        }
        let columns = numbering.columns;
        let nodes = if columns.is_empty() { Vec::new() } else { nodes };
        // Trees without any split look at no column: they are constants.
        let (trees, base) =
            if columns.is_empty() { (Vec::new(), constant_margins(ensemble)) } else { (trees, ensemble.base.clone()) };
        let block_trees = BlockTrees::new(&trees, &nodes, &values, &columns);
        CompiledEnsemble {
            block_trees,
            n_features: ensemble.features.len(),
            link: ensemble.link,
            base,
            nodes: WalkNodes::new(nodes, columns.len()).expect("nodes were laid out one after the other"),
            columns,
            values,
            trees,
            uncompiled: None,
        }
    }

    /// An ensemble with more columns than have numbers: models with tens of thousands of different sets of levels.
    fn uncompiled(ensemble: &Ensemble) -> Self {
        CompiledEnsemble {
            n_features: ensemble.features.len(),
            link: ensemble.link,
            base: ensemble.base.clone(),
            columns: Vec::new(),
            nodes: WalkNodes::new(Vec::new(), 0).expect("there are none"),
            values: Vec::new(),
            trees: Vec::new(),
            block_trees: None,
            uncompiled: Some(ensemble.clone()),
        }
    }
}

/// The thresholds of each feature, over all trees.
struct Splits(BTreeMap<(u32, bool), Vec<f64>>);

impl Splits {
    fn of(ensemble: &Ensemble) -> Self {
        let mut by_feature: BTreeMap<(u32, bool), Vec<f64>> = BTreeMap::new();
        for split in ensemble.trees.iter().flat_map(|tree| &tree.splits) {
            if let Rule::AtMost { threshold, zero_is_missing } = split.rule {
                // One zero: they compare as equal.
                by_feature.entry((split.feature, zero_is_missing)).or_default().push(threshold + 0.0);
            }
        }
        for thresholds in by_feature.values_mut() {
            thresholds.sort_unstable_by(f64::total_cmp);
            thresholds.dedup();
        }
        Splits(by_feature)
    }
}

struct Numbering<'a> {
    splits: &'a Splits,
    places: BTreeMap<ColumnKey, u16>,
    columns: Vec<WalkColumn>,
}

impl Numbering<'_> {
    /// Which column a split looks at, and the largest number that goes left. None if there are too many columns.
    fn column(&mut self, split: &Split) -> Option<(u16, u16)> {
        let (feature, missing_left) = (split.feature, split.missing_left);
        match &split.rule {
            Rule::AtMost { threshold, zero_is_missing } => {
                let all = &self.splits.0[&(feature, *zero_is_missing)];
                let place = all.partition_point(|t| *t < threshold + 0.0);
                // A feature with more thresholds than there are numbers has several columns.
                let (part, place) = (place / MAX_THRESHOLDS, place % MAX_THRESHOLDS);
                let key = ColumnKey::Number { feature, missing_left, zero_is_missing: *zero_is_missing, part };
                let column = self.place(
                    key,
                    || {
                        let part = all[part * MAX_THRESHOLDS..].iter().take(MAX_THRESHOLDS).copied().collect();
                        ColumnKind::Number { thresholds: Thresholds::new(part), zero_is_missing: *zero_is_missing }
                    },
                    split,
                )?;
                // `v ≤ tᵢ` is `numbers below v ≤ i`, and numbers are one more than that.
                Some((column, place as u16 + 1))
            }
            Rule::OneOf(set) => {
                let key = ColumnKey::Levels { feature, missing_left, levels: set.iter().collect() };
                Some((self.place(key, || ColumnKind::Levels(set.clone()), split)?, 1))
            }
        }
    }

    fn place(&mut self, key: ColumnKey, kind: impl FnOnce() -> ColumnKind, split: &Split) -> Option<u16> {
        match self.places.entry(key) {
            Entry::Occupied(place) => Some(*place.get()),
            Entry::Vacant(vacant) => {
                let place = u16::try_from(self.columns.len()).ok()?;
                let (feature, missing_left) = (split.feature as usize, split.missing_left);
                self.columns.push(WalkColumn { feature, missing_left, kind: kind() });
                Some(*vacant.insert(place))
            }
        }
    }
}

/// Lays out a tree level by level, each pair of children next to each other. None if there are too many columns.
fn lay_out(tree: &Tree, numbering: &mut Numbering<'_>, nodes: &mut Vec<WalkNode>, values: &mut Vec<f64>) -> Option<()> {
    let first = nodes.len();
    let mut waiting = std::collections::VecDeque::from([tree.root()]);
    let mut n_placed = first + 1;
    while let Some(child) = waiting.pop_front() {
        match child {
            Child::Leaf(leaf) => {
                nodes.push(WalkNode::leaf(nodes.len()));
                values.push(tree.leaves[leaf as usize].value);
            }
            Child::Split(idx) => {
                let split = &tree.splits[idx as usize];
                let (column, threshold) = numbering.column(split)?;
                nodes.push(WalkNode { column, threshold, left: n_placed as u32 });
                values.push(0.0);
                n_placed += 2;
                waiting.extend([split.left, split.right]);
            }
        }
    }
    Some(())
}

fn constant_margins(ensemble: &Ensemble) -> Vec<f64> {
    ensemble.margins(|_| f64::NAN)
}
