//! In which order leaves are split, and where that ends.

use yw_trees::{Child, Growth, Objective, Rule, Tree, TreesParams};

use crate::brute::{Brute, children};
use crate::table::{Column, Table, small, table_for};

/// The tree that is grown on numbers without penalties.
fn tree_of(x: &[f64], y: &[f64], change: impl FnOnce(&mut TreesParams)) -> Tree {
    let mut params = small(Objective::SquaredError);
    (params.trees, params.learning_rate, params.l2) = (1, 1.0, 0.0);
    params.min_rows_per_leaf = 1;
    change(&mut params);
    let table = Table::new(vec![Column::Numbers(x.to_vec())], y.to_vec());
    table.fit(&params).trees.remove(0)
}

fn threshold(tree: &Tree, idx: usize) -> f64 {
    match tree.splits[idx].rule {
        Rule::AtMost { threshold, .. } => threshold,
        Rule::OneOf(_) => panic!("a number"),
    }
}

/// The mean is 10, so that residuals are −10, −10, −6, −6, 4, 4, 12, 12.
const Y: [f64; 8] = [0.0, 0.0, 4.0, 4.0, 14.0, 14.0, 22.0, 22.0];
const X: [f64; 8] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];

#[test]
fn leaf_wise_by_hand() {
    // Root: {0..3 | 4..7} is worth 2 · 32²/4 = 512. Then the right half: 8²/2 + 24²/2 − 32²/4 = 64 beats the left one's 16.
    let tree = tree_of(&X, &Y, |params| params.max_leaves = 3);
    assert_eq!([threshold(&tree, 0), threshold(&tree, 1)], [3.5, 5.5]);
    assert_eq!((tree.splits[0].left, tree.splits[0].right), (Child::Leaf(0), Child::Split(1)));
    let values: Vec<f64> = tree.leaves.iter().map(|leaf| leaf.value).collect();
    assert_eq!(values, [-8.0, 4.0, 12.0]);
    let gains: Vec<f64> = tree.splits.iter().map(|split| split.gain).collect();
    assert!((gains[0] - 512.0).abs() < 0.2 && (gains[1] - 64.0).abs() < 0.2, "{gains:?}");
    assert_eq!(tree.leaves.iter().map(|leaf| leaf.n_rows).collect::<Vec<_>>(), [4, 2, 2]);
    assert_eq!(tree.leaves.iter().map(|leaf| leaf.cover).collect::<Vec<_>>(), [4.0, 2.0, 2.0]);

    // With room for more, the left half comes last; nothing is left to gain after that.
    let tree = tree_of(&X, &Y, |params| (params.max_leaves, params.min_split_gain) = (0, 1e-3));
    assert_eq!([threshold(&tree, 0), threshold(&tree, 1), threshold(&tree, 2)], [3.5, 5.5, 1.5]);
    assert_eq!(tree.leaves.len(), 4);
}

#[test]
fn leaf_values_with_penalties_by_hand() {
    let tree = tree_of(&X, &Y, |params| {
        (params.max_leaves, params.l1, params.l2, params.learning_rate) = (2, 2.0, 1.0, 0.5);
    });
    // −(32 − 2) / (4 + 1) / 2 and its mirror image.
    assert_eq!(tree.leaves.iter().map(|leaf| leaf.value).collect::<Vec<_>>(), [-3.0, 3.0]);
}

#[test]
fn leaves_are_quantiles_of_residuals_by_hand() {
    let mut params = small(Objective::AbsoluteError);
    (params.trees, params.learning_rate, params.max_leaves, params.min_rows_per_leaf) = (1, 1.0, 2, 1);
    let x = vec![0.0, 0.0, 0.0, 1.0, 1.0, 1.0];
    let table = Table::new(vec![Column::Numbers(x)], vec![1.0, 2.0, 90.0, 105.0, 110.0, 1000.0]);
    assert_eq!(table.margins(&table.fit(&params)), [2.0, 2.0, 2.0, 110.0, 110.0, 110.0]);
    params.objective = Objective::Quantile { alpha: 0.2 };
    assert_eq!(table.margins(&table.fit(&params)), [1.0, 1.0, 1.0, 105.0, 105.0, 105.0]);
}

#[test]
fn missing_values_go_where_they_gain_most() {
    let x = [0.0, 1.0, f64::NAN, 2.0, f64::NAN, 3.0];
    let split = |y: &[f64]| tree_of(&x, y, |params| params.max_leaves = 2).splits.remove(0);
    let with_the_left = split(&[0.0, 0.0, 0.0, 9.0, 0.0, 9.0]);
    assert!(with_the_left.missing_left && with_the_left.rule == at_most(1.5));
    let with_the_right = split(&[0.0, 0.0, 9.0, 9.0, 9.0, 9.0]);
    assert!(!with_the_right.missing_left && with_the_right.rule == at_most(1.5));
    // Alone: every value is at most infinity.
    let alone = split(&[0.0, 0.0, 9.0, 0.0, 9.0, 0.0]);
    assert!(!alone.missing_left && alone.rule == at_most(f64::INFINITY));
    // Where none were missing, they go with most rows.
    let tree = tree_of(&X, &[0.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0], |params| params.max_leaves = 2);
    assert!(!tree.splits[0].missing_left);
    let tree = tree_of(&X, &[9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 0.0], |params| params.max_leaves = 2);
    assert!(tree.splits[0].missing_left);
}

fn at_most(threshold: f64) -> Rule {
    Rule::AtMost { threshold, zero_is_missing: false }
}

/// Replays a tree: each split must be the best one of its leaf, and the leaf the next in order; at the end no split must be
/// left that the limits allow.
fn replay(table: &Table, params: &TreesParams) -> Tree {
    let ensemble = table.fit(params);
    let tree = &ensemble.trees[0];
    let brute = Brute::new(table, params, &vec![ensemble.base[0]; table.n_rows()], 0);
    let mut open: Vec<(Child, usize, Vec<usize>)> = vec![(tree.root(), 0, (0..table.n_rows()).collect())];
    let may_split = |depth: usize| params.max_depth == 0 || depth < params.max_depth;
    for (idx, split) in tree.splits.iter().enumerate() {
        let place = open.iter().position(|(child, ..)| *child == Child::Split(idx as u32)).unwrap();
        let (_, depth, rows) = open.swap_remove(place);
        assert!(may_split(depth), "split {idx} is too deep");
        let judged = brute.check_split(split, &rows);
        let most = judged.gain + 2.0 * judged.doubt;
        for (_, other_depth, other_rows) in open.iter().filter(|other| may_split(other.1)) {
            let Some(other) = brute.best(other_rows) else { continue };
            match params.growth {
                Growth::LeafWise => assert!(other <= most, "{other} comes before split {idx}: {split:?}"),
                Growth::DepthWise => assert!(depth <= *other_depth, "a level is finished before the next: {split:?}"),
            }
        }
        let (left, right) = brute.part(split, &rows);
        let [left_child, right_child] = children(split);
        open.extend([(left_child, depth + 1, left), (right_child, depth + 1, right)]);
    }
    if tree.leaves.len() != params.max_leaves {
        for (_, _, rows) in open.iter().filter(|leaf| may_split(leaf.1)) {
            assert_eq!(brute.best(rows), None, "a leaf of {} rows can be split", rows.len());
        }
    }
    brute.check_leaves(tree);
    assert!(params.max_leaves == 0 || tree.leaves.len() <= params.max_leaves);
    tree.clone()
}

#[test]
fn every_split_is_the_best_of_the_best_leaf() {
    for (seed, objective) in
        [Objective::SquaredError, Objective::Logistic, Objective::Poisson].into_iter().cycle().take(6).enumerate()
    {
        let mut table = table_for(objective, seed as u64, 150);
        // Categories of few levels only: those of many are not tried in every way.
        table.columns.remove(3);
        for growth in [Growth::LeafWise, Growth::DepthWise] {
            for (max_leaves, max_depth) in [(9, 0), (0, 3), (7, 3), (0, 0)] {
                let mut params = small(objective);
                (params.trees, params.growth, params.max_leaves, params.max_depth) = (1, growth, max_leaves, max_depth);
                // Rows are counted exactly: in the first round of these objectives second derivatives are all the same.
                params.min_rows_per_leaf = 4;
                let tree = replay(&table, &params);
                assert!(tree.splits.len() >= 4, "{objective:?} has {} splits", tree.splits.len());
                assert!(max_depth == 0 || tree.depth() <= max_depth);
            }
        }
    }
}

#[test]
fn depth_wise_finishes_levels() {
    let table = table_for(Objective::SquaredError, 3, 2000);
    let mut params = small(Objective::SquaredError);
    (params.growth, params.max_leaves, params.max_depth) = (Growth::DepthWise, 0, 4);
    for tree in table.fit(&params).trees {
        assert!(tree.leaves.len() > 8 && tree.leaves.len() <= 16 && tree.depth() == 4);
        let mut depths = vec![0; tree.splits.len()];
        for (idx, split) in tree.splits.iter().enumerate() {
            for child in children(split) {
                if let Child::Split(child) = child {
                    depths[child as usize] = depths[idx] + 1;
                }
            }
        }
        assert!(depths.is_sorted());
    }
}

#[test]
fn no_leaf_has_fewer_rows_than_it_may() {
    // Second derivatives say little about how many rows there are.
    for objective in [Objective::Gamma, Objective::Logistic, Objective::Tweedie { power: 1.5 }, Objective::SquaredError]
    {
        let mut table = table_for(objective, 8, 900);
        let weight = |row: usize| if row.is_multiple_of(3) { 10.0 } else { 0.01 };
        table.weights = Some((0..900).map(weight).collect());
        for max_leaves in [8, 0] {
            let mut params = small(objective);
            (params.min_rows_per_leaf, params.max_leaves, params.learning_rate) = (25, max_leaves, 0.8);
            let ensemble = table.fit(&params);
            assert!(ensemble.trees.iter().any(|tree| tree.leaves.len() > 4));
            for tree in &ensemble.trees {
                assert!(tree.leaves.iter().all(|leaf| leaf.n_rows >= 25), "{objective:?}");
                assert_eq!(tree.leaves.iter().map(|leaf| leaf.n_rows).sum::<u32>(), 900);
            }
        }
    }
}

#[test]
fn targets_of_any_unit_are_learned_alike() {
    let table = table_for(Objective::SquaredError, 4, 300);
    let trees = table.fit(&small(Objective::SquaredError)).trees;
    // Powers of two, so that rounding is the same.
    for exponent in [-110, -40, 60] {
        let mut scaled = table.clone();
        scaled.target.iter_mut().for_each(|y| *y *= 2f64.powi(exponent));
        let found = scaled.fit(&small(Objective::SquaredError)).trees;
        for (a, b) in trees.iter().zip(&found) {
            assert_eq!(a.leaves.len(), b.leaves.len(), "2^{exponent}");
            for (a, b) in a.leaves.iter().zip(&b.leaves) {
                assert!((a.value * 2f64.powi(exponent) - b.value).abs() <= 1e-9 * b.value.abs(), "2^{exponent}");
            }
        }
    }
}
