//! What must not matter: the order of rows, the unit of a feature, how a row's weight is written down.

use yw_trees::{Ensemble, Mode, Objective, TreesParams};

use crate::table::{Column, OBJECTIVES, Random, Table, close, numbers, small, table_for};

/// Ranks depend on the order in which rows of equal margins come.
fn without_ranking() -> impl Iterator<Item = Objective> {
    OBJECTIVES.into_iter().filter(|objective| !matches!(objective, Objective::LambdaRank { .. }))
}

/// The mean distance of two lists of margins, in units of how far the first ones are spread.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let mean = a.iter().sum::<f64>() / a.len() as f64;
    let spread = a.iter().map(|a| (a - mean).abs()).sum::<f64>();
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>() / spread
}

#[test]
fn the_order_of_rows_does_not_matter() {
    for objective in without_ranking() {
        let table = table_for(objective, 11, 600);
        let order = Random(3).order(600);
        let permuted = table.pick(&order);
        let n_outputs = if matches!(objective, Objective::Softmax { .. }) { 3 } else { 1 };
        let mut params = small(objective);
        // One round: rounding differs between the orders, and later rounds build upon it.
        params.trees = 1;
        let (a, b) = (table.margins(&table.fit(&params)), permuted.margins(&permuted.fit(&params)));
        let in_order: Vec<f64> =
            order.iter().flat_map(|&row| a[row * n_outputs..(row + 1) * n_outputs].to_vec()).collect();
        assert!(distance(&in_order, &b) < 0.02, "{objective:?}: {}", distance(&in_order, &b));
        params.trees = 8;
        let (a, b) = (table.margins(&table.fit(&params)), permuted.margins(&permuted.fit(&params)));
        let in_order: Vec<f64> =
            order.iter().flat_map(|&row| a[row * n_outputs..(row + 1) * n_outputs].to_vec()).collect();
        assert!(distance(&in_order, &b) < 0.1, "{objective:?}: {}", distance(&in_order, &b));
    }
}

#[test]
fn a_monotone_transformation_of_a_feature_changes_nothing() {
    for mode in [Mode::Boosting, Mode::Forest, Mode::ExtraTrees] {
        let table = table_for(Objective::SquaredError, 12, 700);
        let mut transformed = table.clone();
        for column in &mut transformed.columns {
            match column {
                Column::Numbers(values) => values.iter_mut().for_each(|v| *v = (*v / 9.0).exp()),
                Column::Nullable(values, _) => values.iter_mut().for_each(|v| *v = v.powi(3) - 5.0),
                Column::Singles(values) => values.iter_mut().for_each(|v| *v *= 1024.0),
                Column::Levels(_) => {}
            }
        }
        for max_bins in [255, 16] {
            let mut params = small(Objective::SquaredError);
            (params.mode, params.max_bins) = (mode, max_bins);
            let (a, b) = (table.fit(&params), transformed.fit(&params));
            assert_eq!(table.margins(&a), transformed.margins(&b), "{mode:?}");
        }
    }
}

#[test]
fn a_row_twice_is_a_row_of_weight_two() {
    for objective in without_ranking() {
        let mut weighted = table_for(objective, 13, 400);
        let mut random = Random(1);
        let times: Vec<usize> = (0..400).map(|_| random.below(4)).collect();
        weighted.weights = Some(times.iter().map(|&n| n as f32).collect());
        let rows: Vec<usize> = (0..400).flat_map(|row| vec![row; times[row]]).collect();
        let mut repeated = weighted.pick(&rows);
        repeated.weights = None;
        let mut params = small(objective);
        // Rows are counted, weights are not.
        (params.min_rows_per_leaf, params.min_child_weight, params.trees) = (1, 3.0, 3);
        // Levels are judged by their rows, and the bins of many different values depend on how many rows have them.
        for table in [&mut weighted, &mut repeated] {
            table.columns = [1, 2, 4].iter().map(|&column| table.columns[column].clone()).collect();
        }
        let (a, b) = (weighted.fit(&params), repeated.fit(&params));
        assert!(a.base.iter().zip(&b.base).all(|(a, b)| close(*a, *b, 1e-9)), "{objective:?}");
        let distance = distance(&weighted.margins(&a), &weighted.margins(&b));
        assert!(distance < 0.05, "{objective:?}: {distance}");
    }
}

#[test]
fn a_row_without_weight_is_not_there() {
    for objective in OBJECTIVES {
        let mut table = table_for(objective, 14, 500);
        // All values occur among the rows that count, so that the bins are the same.
        table.columns =
            (0..4).map(|i| numbers(&mut Random(i), 500, 8, if i == 0 { 0.2 } else { 0.0 })).collect::<Vec<_>>();
        let is_out = |row: usize| row % 20 >= 13;
        // What does not count may be anything.
        if matches!(objective, Objective::SquaredError) {
            (0..500).filter(|&row| is_out(row)).for_each(|row| table.target[row] = 1e6);
        }
        table.weights = Some((0..500).map(|row| if is_out(row) { 0.0 } else { 1.0 }).collect());
        let kept: Vec<usize> = (0..500).filter(|&row| !is_out(row)).collect();
        let mut fewer = table.pick(&kept);
        fewer.weights = None;
        if matches!(objective, Objective::LambdaRank { .. }) {
            // Rows on the last positions of a group.
            table.groups = Some([13, 7].repeat(25));
            fewer.groups = Some(vec![13; 25]);
        }
        let params = TreesParams { trees: 3, ..small(objective) };
        let (a, b) = (table.fit(&params), fewer.fit(&params));
        let distance = distance(&fewer.margins(&a), &fewer.margins(&b));
        assert!(distance < 0.05, "{objective:?}: {distance}");
        let rows: u32 = a.trees[0].leaves.iter().map(|leaf| leaf.n_rows).sum();
        assert_eq!(rows as usize, kept.len());
    }
}

#[test]
fn coarse_gradients_learn_about_the_same() {
    let objective = Objective::Logistic;
    let (table, held_out) = (table_for(objective, 15, 70_000), table_for(objective, 16, 20_000));
    let loss = |quantized: bool, seed: u64| {
        let params = TreesParams { trees: 10, quantized, seed, ..small(objective) };
        let fitted = Ensemble::fit(&table.labelled(), Some(&held_out.labelled()), None, &params).unwrap();
        fitted.held_out_loss[9]
    };
    let (fine, coarse) = (loss(false, 0), loss(true, 0));
    assert!(coarse != loss(true, 1), "coarse gradients are rounded at random");
    assert!((coarse - fine).abs() < 0.005 * fine, "{coarse} instead of {fine}");
}

#[test]
fn values_in_the_rhythm_of_the_rows_are_seen() {
    // Bins of long columns are learned from some of the rows; equal distances between these would miss every other value.
    let n_rows = 200_000;
    let x: Vec<f64> = (0..n_rows).map(|row| f64::from(row % 2)).collect();
    let table = Table::new(vec![Column::Numbers(x.clone())], x.iter().map(|x| 3.0 * x).collect());
    let mut params = small(Objective::SquaredError);
    (params.trees, params.learning_rate, params.l2) = (1, 1.0, 0.0);
    let ensemble = table.fit(&params);
    assert_eq!(ensemble.trees[0].leaves.len(), 2);
    assert!(close(ensemble.margins(|_| 1.0)[0], 3.0, 1e-6));
}
