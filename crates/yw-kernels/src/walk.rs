//! Walking many rows through decision trees side by side.

/// Nodes of decision trees over binned rows, checked once so that walks need no checks.
///
/// A node sends a row to `left` if its bin in `column` is at most `threshold`, to `left + 1` otherwise. A leaf sends every
/// row to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkNodes {
    nodes: Vec<WalkNode>,
    n_columns: usize,
}

/// One node: eight bytes, so that the nodes of a tree stay in the first level of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct WalkNode {
    /// Which column it looks at.
    pub column: u16,
    /// The largest bin that goes left.
    pub threshold: u16,
    /// The node that a row with such a bin goes to; the others go to the one after it.
    pub left: u32,
}

/// Rows, or trees, that are walked side by side: enough to hide the wait for each step's loads.
pub const WALK_LANES: usize = 8;

impl WalkNodes {
    /// Nodes over rows of `n_columns` bins. None if a node points outside.
    pub fn new(nodes: Vec<WalkNode>, n_columns: usize) -> Option<Self> {
        let n_nodes = nodes.len();
        let inside = |(idx, node): (usize, &WalkNode)| {
            let last = if node.threshold == u16::MAX { node.left as usize } else { node.left as usize + 1 };
            (last < n_nodes && usize::from(node.column) < n_columns) || (node.is_leaf(idx) && n_columns > 0)
        };
        let fits = nodes.iter().enumerate().all(inside) && n_nodes < i32::MAX as usize;
        fits.then_some(WalkNodes { nodes, n_columns })
    }

    /// How many bins a row has.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Walks [`WALK_LANES`] pairs of a root and a row, and returns the node where each ends after at most `depth` steps.
    ///
    /// *Shapes*: `bins` is rows of `n_columns`; `rows` are indices of rows. Panics if a root or a row is outside.
    pub fn walk(
        &self,
        roots: [u32; WALK_LANES],
        bins: &[u16],
        rows: [usize; WALK_LANES],
        depth: usize,
    ) -> [u32; WALK_LANES] {
        let n_rows = bins.len() / self.n_columns.max(1);
        assert!(roots.iter().all(|&root| (root as usize) < self.nodes.len()), "roots inside");
        assert!(rows.iter().all(|&row| row < n_rows), "rows inside");
        let first = rows.map(|row| row * self.n_columns);
        let mut at = roots;
        for _ in 0..depth {
            let before = at;
            for lane in 0..WALK_LANES {
                // SAFETY: `new` has checked that every node's column is inside a row and that it leads to nodes inside;
                // roots and rows were checked above.
                unsafe {
                    let node = self.nodes.get_unchecked(at[lane] as usize);
                    let bin = *bins.get_unchecked(first[lane] + usize::from(node.column));
                    at[lane] = node.left + u32::from(bin > node.threshold);
                }
            }
            if at == before {
                break;
            }
        }
        at
    }
}

impl WalkNode {
    /// The leaf at a place: it leads to itself, whatever the row's bin.
    pub fn leaf(idx: usize) -> Self {
        WalkNode { column: 0, threshold: u16::MAX, left: idx as u32 }
    }

    fn is_leaf(&self, idx: usize) -> bool {
        *self == WalkNode::leaf(idx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_end_where_single_steps_lead() {
        // 0: column 1 ≤ 4 → 1, else 2;  2: column 0 ≤ 7 → 3, else 4.
        let split = |column, threshold, left| WalkNode { column, threshold, left };
        let nodes = vec![split(1, 4, 1), WalkNode::leaf(1), split(0, 7, 3), WalkNode::leaf(3), WalkNode::leaf(4)];
        let nodes = WalkNodes::new(nodes, 2).unwrap();
        let bins = [0, 4, 7, 5, 8, 5, u16::MAX, u16::MAX];
        assert_eq!(nodes.walk([0; 8], &bins, [0, 1, 2, 3, 0, 1, 2, 3], 9), [1, 3, 4, 4, 1, 3, 4, 4]);
        assert_eq!(nodes.walk([2; 8], &bins, [0; 8], 1), [3; 8]);
    }

    #[test]
    fn nodes_that_lead_outside_are_refused() {
        let node =
            |column, threshold, left| vec![WalkNode { column, threshold, left }, WalkNode::leaf(1), WalkNode::leaf(2)];
        assert!(WalkNodes::new(node(0, 1, 1), 1).is_some());
        assert!(WalkNodes::new(node(0, 1, 2), 1).is_none());
        assert!(WalkNodes::new(node(1, 1, 1), 1).is_none());
        assert!(WalkNodes::new(node(0, 1, 1), 0).is_none());
    }
}
