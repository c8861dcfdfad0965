//! The ways through a tree: for each leaf, which features its path asks about, and how.

use crate::{Child, Leaf, Split, Tree};

/// A tree as a bundle of paths.
#[derive(Debug)]
pub(super) struct TreePaths {
    /// The output that it belongs to.
    pub(super) output: usize,
    /// Its splits: what [`Condition::split`] counts in.
    pub(super) splits: Vec<Split>,
    /// The features it asks about, each once: what [`Element::slot`] counts in.
    pub(super) features: Vec<u32>,
    /// Its leaves.
    pub(super) leaves: Vec<LeafPath>,
}

/// The path from the root to a leaf.
#[derive(Debug, Clone, Default)]
pub(super) struct LeafPath {
    /// What the leaf adds to the margin.
    pub(super) value: f64,
    /// The features that the path asks about, each once however often it does.
    pub(super) elements: Vec<Element>,
    /// What a row must do at every split to stay on the path.
    pub(super) conditions: Vec<Condition>,
}

/// A feature of a path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    /// The feature, as an index into [`TreePaths::features`].
    pub(super) slot: usize,
    /// Which part of the rows stays on the path if nothing is known about the feature: the product of the cover fractions
    /// of its splits.
    pub(super) kept: f64,
}

/// A turn at a split.
#[derive(Debug, Clone, Copy)]
pub(super) struct Condition {
    pub(super) split: usize,
    pub(super) goes_left: bool,
    /// The feature, as an index into [`LeafPath::elements`].
    pub(super) element: usize,
}

impl TreePaths {
    pub(super) fn new(tree: &Tree, output: usize) -> Self {
        let covers = Covers::of(tree);
        let mut features: Vec<u32> = tree.splits.iter().map(|split| split.feature).collect();
        features.sort_unstable();
        features.dedup();

        let mut leaves = Vec::with_capacity(tree.leaves.len());
        let mut open = vec![(tree.root(), LeafPath::default())];
        while let Some((node, path)) = open.pop() {
            match node {
                Child::Leaf(leaf) => leaves.push(LeafPath { value: tree.leaves[leaf as usize].value, ..path }),
                Child::Split(idx) => {
                    let split = &tree.splits[idx as usize];
                    let slot = features.partition_point(|&feature| feature < split.feature);
                    let left_fraction = covers.left_fraction(split);
                    open.push((split.right, path.turn(idx, slot, false, 1.0 - left_fraction)));
                    open.push((split.left, path.turn(idx, slot, true, left_fraction)));
                }
            }
        }
        TreePaths { output, splits: tree.splits.clone(), features, leaves }
    }
}

impl LeafPath {
    /// What the leaf adds to the margin on average over the training rows.
    pub(super) fn expected(&self) -> f64 {
        self.elements.iter().fold(self.value, |product, element| product * element.kept)
    }

    /// How many words the bits of a row take, one bit per element.
    pub(super) fn n_mask_words(&self) -> usize {
        self.elements.len().div_ceil(u16::BITS as usize)
    }

    /// This path and one turn more, taken by this fraction of the rows.
    fn turn(&self, split: u32, slot: usize, goes_left: bool, fraction: f64) -> Self {
        let mut path = self.clone();
        let element = match path.elements.iter().position(|element| element.slot == slot) {
            Some(element) => element,
            None => {
                path.elements.push(Element { slot, kept: 1.0 });
                path.elements.len() - 1
            }
        };
        path.elements[element].kept *= fraction;
        path.conditions.push(Condition { split: split as usize, goes_left, element });
        path
    }
}

/// How much of the training data came to each node.
struct Covers<'a> {
    tree: &'a Tree,
    /// By rows, if the tree knows them; by hessians otherwise.
    by_rows: bool,
}

impl<'a> Covers<'a> {
    fn of(tree: &'a Tree) -> Self {
        Covers { tree, by_rows: tree.leaves.iter().any(|leaf| leaf.n_rows > 0) }
    }

    /// Which part of a split's rows goes left: half of them if there were none. Fractions are of the children's sum and
    /// not of the node's own cover, so that they add up to one in every model.
    fn left_fraction(&self, split: &Split) -> f64 {
        let (left, right) = (self.cover(split.left), self.cover(split.right));
        let fraction = left / (left + right);
        if fraction.is_finite() { fraction } else { 0.5 }
    }

    /// The cover of a node; none if it makes no sense.
    fn cover(&self, node: Child) -> f64 {
        let (n_rows, hessians) = match node {
            Child::Split(idx) => {
                let Split { n_rows, cover, .. } = self.tree.splits[idx as usize];
                (n_rows, cover)
            }
            Child::Leaf(idx) => {
                let Leaf { n_rows, cover, .. } = self.tree.leaves[idx as usize];
                (n_rows, cover)
            }
        };
        let cover = if self.by_rows { f64::from(n_rows) } else { hessians };
        if cover.is_finite() { cover.max(0.0) } else { 0.0 }
    }
}
