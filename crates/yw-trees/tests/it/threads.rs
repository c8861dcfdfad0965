//! The same model whatever the number of threads, to the last bit.

use yw_trees::{Ensemble, Goss, Growth, LabelledColumns, Mode, Objective, TreesParams};

use crate::table::{OBJECTIVES, Table, mixed, on_threads, small, table_for};

fn check(table: &Table, params: &TreesParams) {
    check_fit(params, |params| Ensemble::fit(&table.labelled(), None, None, params).unwrap().ensemble);
}

fn check_fit(params: &TreesParams, fit: impl Fn(&TreesParams) -> Ensemble + Sync) {
    let alone = on_threads(1, || fit(params));
    for n_threads in [2, 8] {
        let together = on_threads(n_threads, || fit(params));
        assert!(alone == together, "{n_threads} threads make a difference: {params:?}");
        assert!(alone.to_bytes() == together.to_bytes(), "{n_threads} threads make a difference: {params:?}");
    }
}

#[test]
fn every_objective() {
    for objective in OBJECTIVES {
        let table = table_for(objective, 21, 900);
        check(&table, &small(objective));
        check(&table, &TreesParams { growth: Growth::DepthWise, max_leaves: 9, ..small(objective) });
    }
}

#[test]
fn every_way_to_sample() {
    let objective = Objective::Softmax { n_classes: 3 };
    let table = table_for(objective, 22, 900);
    let params = || small(objective);
    check(&table, &TreesParams { row_fraction: 0.4, ..params() });
    check(&table, &TreesParams { column_fraction: 0.5, column_fraction_per_split: 0.5, ..params() });
    check(&table, &TreesParams { goss: Some(Goss { top_fraction: 0.2, other_fraction: 0.2 }), ..params() });
    check(&table, &TreesParams { additive: true, ..params() });
    check(&table, &TreesParams { interactions: vec![vec![0, 1], vec![1, 2, 3]], ..params() });
    for mode in [Mode::Forest, Mode::ExtraTrees] {
        for objective in [Objective::SquaredError, Objective::Logistic, objective] {
            let table = table_for(objective, 23, 700);
            check(&table, &TreesParams { mode, trees: 6, ..TreesParams::forest(objective) });
        }
    }
}

#[test]
fn confident_models() {
    // Gradients of very different sizes: the order in which they are added up shows in the last bits.
    for seed in 0..4 {
        let mut table = table_for(Objective::Logistic, 30 + seed, 3000);
        let (_, signal) = mixed(30 + seed, 3000);
        table.target = signal.iter().map(|&s| f64::from(u8::from(s > 1.2))).collect();
        let params = TreesParams { trees: 25, learning_rate: 1.0, max_leaves: 7, ..small(Objective::Logistic) };
        check(&table, &params);
    }
}

#[test]
fn rows_that_weights_hide() {
    // Numbers of rows are estimated from weights, and wrongly so: splits are chosen anew when that is noticed.
    for seed in 0..6 {
        let mut table = table_for(Objective::SquaredError, 40 + seed, 2000);
        let weight = |row: usize| [1e-3, 0.1, 1.0, 30.0][row * 7 % 4];
        table.weights = Some((0..2000).map(weight).collect());
        let mut params = small(Objective::SquaredError);
        (params.min_rows_per_leaf, params.max_leaves, params.min_child_weight) = (40, 10, 0.0);
        for growth in [Growth::LeafWise, Growth::DepthWise] {
            check(&table, &TreesParams { growth, ..params.clone() });
        }
        params.category_smoothing = 100.0;
        check(&table, &params);
    }
}

#[test]
fn with_early_stopping_and_a_start() {
    let table = table_for(Objective::Logistic, 24, 1200);
    let (train, held_out): (Vec<usize>, Vec<usize>) = (0..1200).partition(|row| row % 3 > 0);
    let (train, held_out) = (table.pick(&train), table.pick(&held_out));
    let start = train.fit(&TreesParams { trees: 3, ..small(Objective::Logistic) });
    let params = TreesParams { trees: 60, early_stopping_rounds: Some(5), ..small(Objective::Logistic) };
    check_fit(&params, |params| {
        let held_out: LabelledColumns<'_> = held_out.labelled();
        Ensemble::fit(&train.labelled(), Some(&held_out), Some(&start), params).unwrap().ensemble
    });
}

#[test]
fn many_rows_with_coarse_and_fine_gradients() {
    // Enough rows for coarse gradients and for every loop that several threads share.
    let (columns, signal) = mixed(25, 70_000);
    let mut table = Table::new(columns, signal);
    for quantized in [true, false] {
        for objective in [Objective::SquaredError, Objective::Logistic] {
            if objective == Objective::Logistic {
                table.target.iter_mut().for_each(|y| *y = f64::from(u8::from(*y > 0.4)));
            }
            let params = TreesParams { trees: 3, max_leaves: 20, quantized, ..small(objective) };
            check(&table, &params);
        }
        let (_, signal) = mixed(25, 70_000);
        table.target = signal;
    }
    check(&table, &TreesParams { trees: 2, max_leaves: 60, mode: Mode::Forest, ..small(Objective::SquaredError) });
}

#[test]
fn many_bins() {
    let (columns, signal) = mixed(26, 6000);
    let table = Table::new(columns, signal);
    check(&table, &TreesParams { trees: 3, max_bins: 5000, ..small(Objective::SquaredError) });
}
