//! The loops of growing and walking trees against plain ones.

use proptest::collection::vec;
use proptest::prelude::*;
use yw_kernels::{
    GROUP_WIDTH, Gradient, GradientRow, MASK_ROWS, MaskBlock, MaskChild, MaskNode, NARROW_BINS, ThresholdRules,
    WALK_LANES, WalkNode, WalkNodes, add_column, add_narrow, add_wide, best_threshold, flush, leaves_of_block,
    partition, sum_gradients, unpack,
};

/// Rows of a leaf out of `n_rows`, with their derivatives.
fn leaf(n_rows: usize) -> impl Strategy<Value = Vec<GradientRow>> {
    let row = (0..n_rows as u32, -8i16..=8, 0u16..=16).prop_map(|(row, g, h)| GradientRow::new(row, g, h));
    vec(row, 0..300)
}

/// The sums of both derivatives, one after the other, of rows whose bin is this one.
fn plain_sums(rows: &[GradientRow], bin_of: impl Fn(usize) -> usize, bin: usize) -> (i64, i64) {
    rows.iter().filter(|row| bin_of(row.row()) == bin).fold((0, 0), |(g, h), row| {
        let (row_g, row_h) = unpack(row.wide());
        (g + i64::from(row_g), h + i64::from(row_h))
    })
}

fn wide_sums(sum: i64) -> (i64, i64) {
    let (g, h) = unpack(sum);
    (i64::from(g), i64::from(h))
}

proptest! {
    #[test]
    fn histograms_are_sums_by_bin(
        rows in leaf(100),
        bins in vec(any::<u8>(), 100 * GROUP_WIDTH),
        n_features in 1usize..=GROUP_WIDTH,
    ) {
        let n_entries = n_features.next_multiple_of(4) * NARROW_BINS;
        let (mut narrow, mut wide) = (vec![0u32; n_entries], vec![7i64; n_entries]);
        add_narrow(&rows, &bins, n_features, &mut narrow);
        add_wide(&rows, &bins, n_features, &mut wide);
        for feature in 0..n_features {
            let bin_of = |row: usize| usize::from(bins[row * GROUP_WIDTH + feature]);
            let column: Vec<u8> = (0..100).map(|row| bin_of(row) as u8).collect();
            let wider: Vec<u16> = column.iter().map(|&bin| u16::from(bin) + 300).collect();
            let (mut flushed, mut by_column, mut by_wider) = (vec![0i64; 256], vec![0i64; 256], vec![0i64; 556]);
            flush(&mut narrow[feature * NARROW_BINS..], &mut flushed);
            add_column(&rows, &column, &mut by_column);
            add_column(&rows, &wider, &mut by_wider);
            for bin in 0..256 {
                let expected = plain_sums(&rows, bin_of, bin);
                prop_assert_eq!(wide_sums(flushed[bin]), expected);
                prop_assert_eq!(wide_sums(wide[feature * NARROW_BINS + bin] - 7), expected);
                prop_assert_eq!(wide_sums(by_column[bin]), expected);
                prop_assert_eq!(wide_sums(by_wider[bin + 300]), expected);
            }
            prop_assert!(narrow[feature * NARROW_BINS..(feature + 1) * NARROW_BINS].iter().all(|&sum| sum == 0));
        }
    }

    #[test]
    fn rows_are_parted_in_their_order(rows in leaf(200), column in vec(0u8..20, 200), left in vec(0u8..2, 256)) {
        let (expected_left, expected_right): (Vec<GradientRow>, Vec<GradientRow>) =
            rows.iter().partition(|row| left[usize::from(column[row.row()])] == 1);
        let wider: Vec<u16> = column.iter().map(|&bin| bin.into()).collect();
        for is_wide in [false, true] {
            let (mut found, mut scratch) = (rows.clone(), vec![GradientRow::default(); rows.len()]);
            let n_left = match is_wide {
                false => partition(&mut found, &mut scratch, &column, &left),
                true => partition(&mut found, &mut scratch, &wider, &left),
            };
            prop_assert_eq!(&found[..n_left], &expected_left[..]);
            prop_assert_eq!(&scratch[..rows.len() - n_left], &expected_right[..]);
        }
    }

    #[test]
    fn exact_sums_are_those_of_the_rows(rows in leaf(50), gradients in vec((-9f32..9.0, 0f32..9.0), 50)) {
        let gradients: Vec<Gradient> = gradients.into_iter().map(|(g, h)| Gradient { g, h }).collect();
        let expected = rows.iter().fold([0.0; 2], |[g, h], row| {
            [g + f64::from(gradients[row.row()].g), h + f64::from(gradients[row.row()].h)]
        });
        prop_assert_eq!(sum_gradients(&rows, &gradients), expected);
    }

    /// Sums as large as those of two billion steps.
    #[test]
    fn the_best_threshold_of_large_sums(
        cells in vec((-1.0..1.0f64, 0.0..1.0f64), 2..60),
        l2 in 0.0..1e6f64,
        min_h in 1u32..100_000_000,
    ) {
        let scale = f64::from(i32::MAX) / cells.len() as f64;
        let pack = |&(g, h): &(f64, f64)| (((g * scale) as i64) << 32) + (h * scale) as i64;
        let sums: Vec<i64> = cells.iter().map(pack).collect();
        let total: i64 = sums.iter().sum();
        let rules = ThresholdRules { l2, min_h };
        let side = |sum: i64| {
            let (g, h) = unpack(sum);
            (h >= min_h).then(|| f64::from(g).powi(2) / (f64::from(h) + l2))
        };
        let scores = (0..sums.len()).map(|bin| {
            let left: i64 = sums[..=bin].iter().sum();
            side(left).zip(side(total - left)).map(|(left, right)| left + right)
        });
        let scores: Vec<Option<f64>> = scores.collect();
        let best = scores.iter().flatten().copied().max_by(f64::total_cmp);
        let found = best_threshold(&sums, 0, total, rules);
        prop_assert_eq!(found.is_some(), best.is_some());
        if let (Some((bin, score)), Some(best)) = (found, best) {
            prop_assert!((score - best).abs() <= 1e-9 * best);
            prop_assert!((scores[bin].unwrap() - best).abs() <= 1e-9 * best);
        }
    }

    #[test]
    fn blocks_of_rows_end_where_walking_leads(
        choices in vec((any::<prop::sample::Index>(), 0u16..5, 0u8..=254), 0..100),
        cells in vec(any::<u8>(), 5 * MASK_ROWS),
    ) {
        let tree = WalkTree::grow(&choices);
        let columns: Vec<MaskBlock> =
            cells.chunks_exact(MASK_ROWS).map(|chunk| std::array::from_fn(|row| chunk[row])).collect();
        let bins: Vec<u16> =
            (0..MASK_ROWS).flat_map(|row| columns.iter().map(move |column| u16::from(column[row]))).collect();
        let nodes = WalkNodes::new(tree.nodes.clone(), 5).unwrap();
        let (mut found, mut slots) = ([0; MASK_ROWS], vec![[0; MASK_ROWS]; 101]);
        let (mask_nodes, leaf_of_node) = tree.masks();
        if !mask_nodes.is_empty() {
            leaves_of_block(&mask_nodes, &columns, &mut slots, &mut found);
        }
        for first in (0..MASK_ROWS).step_by(WALK_LANES) {
            let rows = std::array::from_fn(|lane| first + lane);
            let ends = nodes.walk([0; WALK_LANES], &bins, rows, tree.nodes.len());
            for (row, end) in rows.into_iter().zip(ends) {
                prop_assert_eq!(end as usize, tree.walk(&bins[row * 5..row * 5 + 5]));
                prop_assert_eq!(usize::from(found[row]), leaf_of_node[end as usize]);
            }
        }
    }
}

/// A tree at random, as nodes to walk through.
struct WalkTree {
    nodes: Vec<WalkNode>,
}

impl WalkTree {
    /// Splits one leaf after another.
    fn grow(choices: &[(prop::sample::Index, u16, u8)]) -> Self {
        let mut nodes = vec![WalkNode::leaf(0)];
        for (which, column, threshold) in choices {
            let is_leaf = |&idx: &usize| nodes[idx] == WalkNode::leaf(idx);
            let leaves: Vec<usize> = (0..nodes.len()).filter(is_leaf).collect();
            let left = nodes.len();
            nodes[*which.get(&leaves)] =
                WalkNode { column: *column, threshold: u16::from(*threshold), left: left as u32 };
            nodes.extend([WalkNode::leaf(left), WalkNode::leaf(left + 1)]);
        }
        WalkTree { nodes }
    }

    fn walk(&self, row: &[u16]) -> usize {
        let mut at = 0;
        while self.nodes[at] != WalkNode::leaf(at) {
            let node = self.nodes[at];
            at = node.left as usize + usize::from(row[usize::from(node.column)] > node.threshold);
        }
        at
    }

    /// The same tree in depth-first order, with a slot for every split; and the leaf of each node that is one.
    fn masks(&self) -> (Vec<MaskNode>, Vec<usize>) {
        let (mut masks, mut leaf_of_node, mut n_leaves) = (Vec::new(), vec![usize::MAX; self.nodes.len()], 0);
        let is_leaf = |idx: usize| self.nodes[idx] == WalkNode::leaf(idx);
        for (idx, leaf) in leaf_of_node.iter_mut().enumerate().filter(|(idx, _)| is_leaf(*idx)) {
            *leaf = n_leaves;
            n_leaves += usize::from(idx < self.nodes.len());
        }
        // Children come after their parents; each split has the slot of its rank among splits.
        let splits: Vec<usize> = (0..self.nodes.len()).filter(|&idx| !is_leaf(idx)).collect();
        let slot_of = |idx: usize| splits.iter().position(|&split| split == idx).unwrap() as u8;
        let mut waiting = if splits.is_empty() { Vec::new() } else { vec![0] };
        while let Some(idx) = waiting.pop() {
            let node = self.nodes[idx];
            let child = |idx: usize| match is_leaf(idx) {
                true => MaskChild::Leaf(leaf_of_node[idx] as u8),
                false => MaskChild::Slot(slot_of(idx)),
            };
            let (left, right) = (node.left as usize, node.left as usize + 1);
            let (column, threshold) = (node.column, node.threshold as u8);
            masks.push(MaskNode { column, threshold, slot: slot_of(idx), left: child(left), right: child(right) });
            waiting.extend([right, left].into_iter().filter(|&child| !is_leaf(child)));
        }
        (masks, leaf_of_node)
    }
}

#[test]
fn narrow_sums_hold_as_many_rows_as_they_promise() {
    // All rows in one bin, all derivatives as large as they can be: 4095 · 8 fits 16 bits with a sign, 4095 · 16 without.
    let bins = vec![5u8; 4095 * GROUP_WIDTH];
    for g in [-8, 8] {
        let rows: Vec<GradientRow> = (0..4095).map(|row| GradientRow::new(row, g, 16)).collect();
        let (mut narrow, mut wide) = (vec![0; 4 * NARROW_BINS], vec![0; 256]);
        add_narrow(&rows, &bins, 1, &mut narrow);
        flush(&mut narrow, &mut wide);
        assert_eq!(unpack(wide[5]), (4095 * i32::from(g), 4095 * 16));
        assert!(wide.iter().enumerate().all(|(bin, &sum)| bin == 5 || sum == 0));
    }
}

#[test]
fn rows_carry_the_largest_derivatives() {
    for g in [i16::MIN, -1, 0, 1, i16::MAX] {
        for h in [0, 1, u16::MAX] {
            let row = GradientRow::new(u32::MAX, g, h);
            assert_eq!((row.row(), unpack(row.wide())), (u32::MAX as usize, (g.into(), h.into())));
        }
    }
}

#[test]
#[should_panic(expected = "row 2 is outside")]
fn a_row_outside_the_bins_is_refused() {
    add_narrow(&[GradientRow::new(2, 1, 1)], &[0; 2 * GROUP_WIDTH], 1, &mut [0; 4 * NARROW_BINS]);
}

#[test]
#[should_panic(expected = "rows inside")]
fn a_walk_of_a_row_outside_is_refused() {
    let nodes = WalkNodes::new(vec![WalkNode::leaf(0)], 1).unwrap();
    nodes.walk([0; WALK_LANES], &[0], [0, 0, 0, 0, 0, 0, 0, 1], 3);
}
