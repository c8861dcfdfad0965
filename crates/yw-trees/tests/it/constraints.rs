//! What was promised of features holds.

use yw_trees::{Child, Columns, CompiledEnsemble, Feature, Growth, Mode, Monotone, Objective, Tree, TreesParams};

use crate::brute::children;
use crate::table::{Column, Random, Table, small, table_for};

/// Features 0 rises, 1 falls, 2 is free; targets mostly follow, with much noise against it.
fn noisy_table(n_rows: usize, is_label: bool, seed: u64) -> Table {
    let mut random = Random(seed);
    let columns: Vec<Vec<f64>> = (0..3).map(|_| (0..n_rows).map(|_| random.unit() * 10.0).collect()).collect();
    let target = (0..n_rows).map(|row| {
        let (a, b, c) = (columns[0][row], columns[1][row], columns[2][row]);
        let y = a / 3.0 + (a * 2.0).sin() - b / 4.0 + (b * 1.5).cos() + (a * c).sin() + random.normal();
        if is_label { f64::from(u8::from(y > 1.0)) } else { y }
    });
    let target = target.collect();
    let holes = |values: &Vec<f64>| values.iter().map(|&v| if v < 0.2 { f64::NAN } else { v }).collect();
    Table::new(
        vec![
            Column::Numbers(columns[0].clone()),
            Column::Numbers(holes(&columns[1])),
            Column::Numbers(columns[2].clone()),
        ],
        target,
    )
}

/// Margins along each feature, from many points.
fn check_monotone(table: &Table, params: &TreesParams) {
    let ensemble = table.fit(params);
    assert!(ensemble.trees.iter().any(|tree| tree.splits.iter().any(|split| split.feature == 0)));
    let compiled = CompiledEnsemble::new(&ensemble);
    let mut random = Random(77);
    for (feature, sign) in [(0, 1.0), (1, -1.0)] {
        for _ in 0..60 {
            let point: Vec<f64> =
                (0..3).map(|_| if random.below(8) == 0 { f64::NAN } else { random.unit() * 10.0 }).collect();
            let grid: Vec<f64> = (0..300).map(|i| f64::from(i) / 25.0 - 1.0).collect();
            let mut columns: Vec<Vec<f64>> = point.iter().map(|&v| vec![v; grid.len()]).collect();
            columns[feature] = grid;
            let features = columns.iter().map(|column| Feature::F64(column, None)).collect();
            let margins = compiled.margins(&Columns::new(300, features));
            // Sums of many trees are rounded.
            let holds = margins.windows(2).all(|pair| sign * (pair[1] - pair[0]) >= -1e-12 * (1.0 + pair[0].abs()));
            assert!(holds, "feature {feature} from {point:?}: {params:?}");
        }
    }
}

fn monotone(objective: Objective) -> TreesParams {
    let monotone = vec![Monotone::Increasing, Monotone::Decreasing, Monotone::Free];
    TreesParams { monotone, trees: 20, max_leaves: 40, min_rows_per_leaf: 2, ..small(objective) }
}

#[test]
fn monotone_predictions_are_monotone() {
    for (objective, is_label) in [(Objective::SquaredError, false), (Objective::Logistic, true)] {
        let table = noisy_table(1500, is_label, 1);
        check_monotone(&table, &monotone(objective));
        check_monotone(&table, &TreesParams { max_leaves: 0, trees: 8, l2: 0.0, l1: 0.1, ..monotone(objective) });
        check_monotone(&table, &TreesParams { growth: Growth::DepthWise, max_depth: 6, ..monotone(objective) });
        check_monotone(
            &table,
            &TreesParams { row_fraction: 0.3, column_fraction_per_split: 0.7, ..monotone(objective) },
        );
        for mode in [Mode::Forest, Mode::ExtraTrees] {
            check_monotone(&table, &TreesParams { mode, max_leaves: 0, ..monotone(objective) });
        }
    }
    check_monotone(&noisy_table(1500, false, 2), &monotone(Objective::AbsoluteError));
}

#[test]
fn monotone_predictions_are_monotone_with_coarse_gradients() {
    for (objective, is_label) in [(Objective::SquaredError, false), (Objective::Logistic, true)] {
        let table = noisy_table(66_000, is_label, 3);
        check_monotone(&table, &TreesParams { quantized: true, trees: 4, max_leaves: 200, ..monotone(objective) });
    }
}

/// The features that each path from root to leaf meets.
fn paths(tree: &Tree) -> Vec<Vec<u32>> {
    let mut found = Vec::new();
    let mut waiting = vec![(tree.root(), Vec::new())];
    while let Some((child, path)) = waiting.pop() {
        let Child::Split(idx) = child else {
            found.push(path);
            continue;
        };
        let split = &tree.splits[idx as usize];
        for child in children(split) {
            let mut longer = path.clone();
            longer.push(split.feature);
            waiting.push((child, longer));
        }
    }
    found
}

#[test]
fn features_meet_only_in_groups() {
    let table = table_for(Objective::SquaredError, 51, 2000);
    // Features 0 and 2 share groups with 1, not with each other; 3 is in none.
    let groups: Vec<Vec<u32>> = vec![vec![0, 1], vec![1, 2], vec![4, 5, 1]];
    let params = TreesParams {
        interactions: groups.iter().map(|group| group.iter().map(|&f| f as usize).collect()).collect(),
        trees: 30,
        max_leaves: 20,
        column_fraction: 0.8,
        ..small(Objective::SquaredError)
    };
    let mut met = std::collections::BTreeSet::new();
    for tree in table.fit(&params).trees {
        for mut path in paths(&tree) {
            path.sort_unstable();
            path.dedup();
            let fits = |group: &Vec<u32>| path.iter().all(|f| group.contains(f));
            assert!(path.len() < 2 || groups.iter().any(fits), "{path:?} meet");
            met.insert(path);
        }
    }
    assert!(met.contains(&vec![0, 1]) && met.contains(&vec![1, 2]) && met.contains(&vec![3]), "{met:?}");
    // Without the groups they meet.
    let free = TreesParams { interactions: Vec::new(), ..params };
    let meets = |tree: &Tree| paths(tree).iter().any(|path| path.contains(&0) && path.contains(&2));
    assert!(table.fit(&free).trees.iter().any(meets));
}

#[test]
fn additive_trees_ask_about_one_feature_each_in_turn() {
    for objective in [Objective::SquaredError, Objective::Softmax { n_classes: 3 }] {
        let mut table = table_for(objective, 52, 1500);
        // A constant takes no turn.
        table.columns.insert(1, Column::Numbers(vec![4.0; 1500]));
        let n_outputs = if objective == Objective::SquaredError { 1 } else { 3 };
        let turns = [0, 2, 3, 4, 5, 6];
        let ensemble = table.fit(&TreesParams { additive: true, trees: 14, ..small(objective) });
        for (i, tree) in ensemble.trees.iter().enumerate() {
            let turn = turns[i / n_outputs % turns.len()];
            assert!(tree.splits.iter().all(|split| split.feature == turn), "tree {i}");
        }
        assert!(ensemble.trees.iter().filter(|tree| !tree.splits.is_empty()).count() > 10);
    }
}
