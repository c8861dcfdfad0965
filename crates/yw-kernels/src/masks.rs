//! Sending a block of rows through a small decision tree without walking it.
//!
//! Every node is asked about every row: a comparison of bytes answers for 32 rows in one instruction, and a mask of the
//! rows that reach a node is parted between its children by two more. For trees of a few dozen leaves that takes fewer
//! steps than following each row, and has no branch and no wait for memory.

/// Rows of a block.
pub const MASK_ROWS: usize = 128;

/// One byte per row of a block.
pub type MaskBlock = [u8; MASK_ROWS];

/// A node of a tree in depth-first order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaskNode {
    /// Which column it looks at.
    pub column: u16,
    /// The largest bin that goes left.
    pub threshold: u8,
    /// Where the mask of the rows that reach it is kept.
    pub slot: u8,
    /// Where those go that go left.
    pub left: MaskChild,
    /// Where the others go.
    pub right: MaskChild,
}

/// A child of a [`MaskNode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaskChild {
    /// A node that will find its mask in this slot.
    Slot(u8),
    /// A leaf.
    Leaf(u8),
}

/// The leaf that each row of a block ends in.
///
/// *Shapes*: `columns` are the bins of each column; `slots` is scratch for as many masks as the nodes name. The first node
/// is the root, with slot 0; `nodes` must not be empty.
///
/// Panics if a node names a column or a slot that is not there.
pub fn leaves_of_block(nodes: &[MaskNode], columns: &[MaskBlock], slots: &mut [MaskBlock], leaves: &mut MaskBlock) {
    #[cfg(target_arch = "x86_64")]
    if crate::avx2::available() {
        // SAFETY: the processor has AVX2.
        return unsafe { leaves_avx2(nodes, columns, slots, leaves) };
    }
    leaves_scalar(nodes, columns, slots, leaves);
}

/// The same code, compiled for wider vectors.
///
/// # Safety
/// The processor must have AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn leaves_avx2(nodes: &[MaskNode], columns: &[MaskBlock], slots: &mut [MaskBlock], leaves: &mut MaskBlock) {
    leaves_scalar(nodes, columns, slots, leaves);
}

#[inline(always)]
fn leaves_scalar(nodes: &[MaskNode], columns: &[MaskBlock], slots: &mut [MaskBlock], leaves: &mut MaskBlock) {
    slots[0] = [0xFF; MASK_ROWS];
    *leaves = [0; MASK_ROWS];
    for node in nodes {
        let column = &columns[usize::from(node.column)];
        let reached = slots[usize::from(node.slot)];
        let (mut left, mut right) = ([0; MASK_ROWS], [0; MASK_ROWS]);
        for row in 0..MASK_ROWS {
            let goes_left = if column[row] <= node.threshold { 0xFF } else { 0 };
            left[row] = reached[row] & goes_left;
            right[row] = reached[row] & !goes_left;
        }
        for (child, mask) in [(node.left, &left), (node.right, &right)] {
            match child {
                MaskChild::Slot(slot) => slots[usize::from(slot)] = *mask,
                // A row reaches one leaf, so that its number can be or-ed in.
                MaskChild::Leaf(leaf) => (0..MASK_ROWS).for_each(|row| leaves[row] |= mask[row] & leaf),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_ends_in_its_leaf() {
        // Column 0 at most 9: leaf 1; otherwise column 1 at most 200: leaf 2, else leaf 3.
        let nodes = [
            MaskNode { column: 0, threshold: 9, slot: 0, left: MaskChild::Leaf(1), right: MaskChild::Slot(0) },
            MaskNode { column: 1, threshold: 200, slot: 0, left: MaskChild::Leaf(2), right: MaskChild::Leaf(3) },
        ];
        let columns = [std::array::from_fn(|row| row as u8), std::array::from_fn(|row| (row * 2) as u8)];
        let (mut found, mut scalar) = ([0; MASK_ROWS], [0; MASK_ROWS]);
        let mut slots = [[0; MASK_ROWS]; 1];
        leaves_of_block(&nodes, &columns, &mut slots, &mut found);
        leaves_scalar(&nodes, &columns, &mut slots, &mut scalar);
        let expected = std::array::from_fn(|row| {
            if row <= 9 {
                1
            } else if row <= 100 {
                2
            } else {
                3
            }
        });
        assert_eq!(found, expected);
        assert_eq!(scalar, expected);
    }
}
