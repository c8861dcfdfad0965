//! Small trees in front of whole blocks of rows.

use yw_kernels::{MASK_ROWS, MaskBlock, MaskChild, MaskNode, WalkNode, leaves_of_block};

use super::{ColumnKind, RIGHTMOST, WalkColumn, WalkTree};
use crate::Columns;

/// Leaves of a tree up to which asking all nodes beats following each row.
const MAX_LEAVES: usize = 128;
/// Thresholds of a column that numbers of one byte tell apart, with room for missing values at both ends.
const MAX_THRESHOLDS: usize = 253;

/// All trees of an ensemble, for rows whose numbers are bytes.
#[derive(Debug, Clone)]
pub(super) struct BlockTrees {
    trees: Vec<BlockTree>,
    n_slots: usize,
}

#[derive(Debug, Clone)]
struct BlockTree {
    nodes: Vec<MaskNode>,
    values: Vec<f64>,
    n_slots: usize,
}

impl BlockTrees {
    /// None if a tree has too many leaves or a column too many thresholds.
    pub(super) fn new(trees: &[WalkTree], nodes: &[WalkNode], values: &[f64], columns: &[WalkColumn]) -> Option<Self> {
        let is_narrow = |column: &WalkColumn| match &column.kind {
            ColumnKind::Number { thresholds, .. } => thresholds.len() <= MAX_THRESHOLDS,
            ColumnKind::Levels(_) => true,
        };
        if !columns.iter().all(is_narrow) {
            return None;
        }
        let mut n_slots = 1;
        let ends = trees.iter().skip(1).map(|next| next.root as usize).chain([nodes.len()]);
        let trees = trees
            .iter()
            .zip(ends)
            .map(|(tree, end)| {
                // Before it is taken apart: the depth of that is the depth of the tree.
                if end - tree.root as usize >= 2 * MAX_LEAVES {
                    return None;
                }
                let mut block = BlockTree { nodes: Vec::new(), values: Vec::new(), n_slots: 1 };
                block.add(tree.root as usize, 0, 1, nodes, values);
                n_slots = n_slots.max(block.n_slots);
                Some(block)
            })
            .collect::<Option<_>>()?;
        (n_slots <= MAX_LEAVES).then_some(BlockTrees { trees, n_slots })
    }

    /// Adds what the trees say of the rows from `first` on to their margins.
    pub(super) fn add_to(
        &self,
        columns: &[WalkColumn],
        rows: &Columns<'_>,
        first: usize,
        margins: &mut [f64],
        n_outputs: usize,
    ) {
        let n_rows = margins.len() / n_outputs;
        let mut blocks: Vec<MaskBlock> = vec![[0; MASK_ROWS]; columns.len()];
        for (column, block) in columns.iter().zip(&mut blocks) {
            column.number(rows, first..first + n_rows, |row, number| {
                block[row] = if number == RIGHTMOST { u8::MAX } else { number as u8 };
            });
        }
        let mut slots = vec![[0; MASK_ROWS]; self.n_slots];
        let mut leaves = [0; MASK_ROWS];
        for (i, tree) in self.trees.iter().enumerate() {
            if !tree.nodes.is_empty() {
                leaves_of_block(&tree.nodes, &blocks, &mut slots, &mut leaves);
            } else {
                leaves.fill(0);
            }
            for (row, &leaf) in margins.chunks_mut(n_outputs).zip(&leaves) {
                row[i % n_outputs] += tree.values[usize::from(leaf)];
            }
        }
    }
}

impl BlockTree {
    /// Adds a node, whose mask is in a slot, and all below it, the left ones first. Slots from `free` on are free.
    fn add(&mut self, idx: usize, slot: u8, free: u8, nodes: &[WalkNode], values: &[f64]) -> MaskChild {
        let node = nodes[idx];
        if node == WalkNode::leaf(idx) {
            self.values.push(values[idx]);
            return MaskChild::Leaf((self.values.len() - 1).min(usize::from(u8::MAX)) as u8);
        }
        let (left, right) = (node.left as usize, node.left as usize + 1);
        // The mask of the left child takes the place of its parent's; the right child's waits in a place of its own until
        // all on the left is done.
        let left_is_leaf = nodes[left] == WalkNode::leaf(left);
        let (right_slot, free) = if left_is_leaf { (slot, free) } else { (free, free.saturating_add(1)) };
        self.n_slots = self.n_slots.max(usize::from(free));
        let place = self.nodes.len();
        let unset = MaskChild::Slot(slot);
        self.nodes.push(MaskNode {
            column: node.column,
            threshold: node.threshold as u8,
            slot,
            left: unset,
            right: unset,
        });
        self.nodes[place].left = self.add(left, slot, free, nodes, values);
        self.nodes[place].right = self.add(right, right_slot, free, nodes, values);
        MaskChild::Slot(slot)
    }
}
