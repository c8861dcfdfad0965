//! Rounds: early stopping, continued training, samples of rows and columns, forests.

use std::collections::BTreeSet;

use yw_trees::{Ensemble, FitError, Fitted, Goss, Link, Mode, Objective, TreesParams};

use crate::table::{OBJECTIVES, Table, close, small, table_for};

/// Rows to learn from, and rows to be judged by.
fn halves(objective: Objective, seed: u64) -> (Table, Table) {
    let table = table_for(objective, seed, 1200);
    let (a, b): (Vec<usize>, Vec<usize>) = (0..1200).partition(|row| row % 2 == 0);
    (table.pick(&a), table.pick(&b))
}

/// The mean loss, by formulas written down a second time.
fn loss(table: &Table, ensemble: &Ensemble) -> f64 {
    let n_outputs = ensemble.n_outputs();
    let margins = table.margins(ensemble);
    let of_row = |(row, margins): (usize, &[f64])| {
        let y = table.target[row];
        match ensemble.link {
            Link::Logistic => (1.0 + ((1.0 - 2.0 * y) * margins[0]).exp()).ln(),
            Link::Softmax => margins.iter().map(|m| m.exp()).sum::<f64>().ln() - margins[y as usize],
            _ => (y - margins[0]).powi(2) / 2.0,
        }
    };
    margins.chunks(n_outputs).enumerate().map(of_row).sum::<f64>() / table.n_rows() as f64
}

fn fit(train: &Table, held_out: &Table, params: &TreesParams) -> Fitted {
    Ensemble::fit(&train.labelled(), Some(&held_out.labelled()), None, params).unwrap()
}

#[test]
fn early_stopping_keeps_the_best_round() {
    for objective in [Objective::SquaredError, Objective::Logistic, Objective::Softmax { n_classes: 3 }] {
        let (train, held_out) = halves(objective, 61);
        let params = TreesParams { trees: 400, learning_rate: 0.5, early_stopping_rounds: Some(7), ..small(objective) };
        let fitted = fit(&train, &held_out, &params);
        let losses = &fitted.held_out_loss;
        let best = (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap();
        assert_eq!(losses.len(), best + 1 + 7, "stops after seven rounds without an improvement");
        assert_eq!(fitted.ensemble.trees.len(), (best + 1) * fitted.ensemble.n_outputs());
        assert!(close(loss(&held_out, &fitted.ensemble), losses[best], 1e-9));

        // Without it all rounds stay, and the first ones are the same.
        let all = fit(&train, &held_out, &TreesParams { early_stopping_rounds: None, trees: best + 5, ..params });
        assert_eq!(all.held_out_loss[..], losses[..best + 5]);
        assert_eq!(all.ensemble.trees[..fitted.ensemble.trees.len()], fitted.ensemble.trees[..]);
    }
}

#[test]
fn held_out_rows_judge_forests_by_averages() {
    for objective in [Objective::SquaredError, Objective::Logistic] {
        let (train, held_out) = halves(objective, 62);
        let params = TreesParams { trees: 12, ..TreesParams::forest(objective) };
        let fitted = fit(&train, &held_out, &params);
        assert_eq!(fitted.held_out_loss.len(), 12);
        for n_trees in [1, 5, 12] {
            let alone = train.fit(&TreesParams { trees: n_trees, ..params.clone() });
            let margins = held_out.margins(&alone);
            let errors = margins.iter().zip(&held_out.target).map(|(m, y)| (m - y).powi(2) / 2.0);
            let expected = errors.sum::<f64>() / held_out.n_rows() as f64;
            assert!(close(fitted.held_out_loss[n_trees - 1], expected, 1e-9), "{:?}", fitted.held_out_loss);
        }
        assert!(fitted.held_out_loss[11] < 0.8 * fitted.held_out_loss[0]);
    }
}

#[test]
fn a_fit_goes_on_where_another_stopped() {
    for objective in OBJECTIVES {
        let table = table_for(objective, 63, 500);
        let params = TreesParams { row_fraction: 0.8, ..small(objective) };
        let first = table.fit(&TreesParams { trees: 3, ..params.clone() });
        let go_on = |trees| {
            let params = TreesParams { trees, ..params.clone() };
            Ensemble::fit(&table.labelled(), Some(&table.labelled()), Some(&first), &params).unwrap()
        };
        let longer = go_on(4);
        assert_eq!(longer.ensemble.trees.len(), 7 * first.n_outputs());
        assert_eq!(longer.ensemble.trees[..first.trees.len()], first.trees[..]);
        assert_eq!(longer.ensemble.base, first.base);
        assert!(longer.held_out_loss[3] < longer.held_out_loss[0], "{objective:?}: {:?}", longer.held_out_loss);
        assert_eq!(go_on(0).ensemble, first);
        // Margins are added up in the same order, so that it is the same as in one go.
        assert_eq!(longer.ensemble, table.fit(&TreesParams { trees: 7, ..params.clone() }), "{objective:?}");
    }
}

#[test]
fn a_forest_goes_on_as_an_average() {
    let table = table_for(Objective::Softmax { n_classes: 3 }, 64, 500);
    let params = TreesParams { trees: 4, ..TreesParams::forest(Objective::Softmax { n_classes: 3 }) };
    let first = table.fit(&params);
    let longer = Ensemble::fit(&table.labelled(), None, Some(&first), &params).unwrap().ensemble;
    let whole = table.fit(&TreesParams { trees: 8, ..params.clone() });
    for (a, b) in table.margins(&longer).iter().zip(table.margins(&whole)) {
        assert!(close(*a, b, 1e-12));
    }
}

#[test]
fn only_trees_of_a_kind_go_on() {
    let table = table_for(Objective::Logistic, 65, 200);
    let params = small(Objective::Logistic);
    let start = table.fit(&params);
    let go_on = |table: &Table, params: &TreesParams| Ensemble::fit(&table.labelled(), None, Some(&start), params);
    assert!(go_on(&table, &params).is_ok());
    let refused = |params: TreesParams| assert_eq!(go_on(&table, &params).unwrap_err(), FitError::Start);
    refused(small(Objective::SquaredError));
    refused(TreesParams::forest(Objective::Logistic));
    let softmax = small(Objective::Softmax { n_classes: 3 });
    let shape = go_on(&table, &softmax).unwrap_err();
    assert_eq!(shape, FitError::Shape { what: "outputs to continue with", expected: 1, found: 3 });
    let mut other = table.clone();
    other.columns.swap(0, 3);
    assert_eq!(go_on(&other, &params).unwrap_err(), FitError::Start);
    other.columns.truncate(2);
    let shape = go_on(&other, &params).unwrap_err();
    assert_eq!(shape, FitError::Shape { what: "columns to continue with", expected: 6, found: 2 });
}

#[test]
fn trees_see_as_many_rows_as_they_may() {
    let table = table_for(Objective::SquaredError, 66, 1000);
    let rows_of = |params: &TreesParams| {
        let of_tree = |tree: &yw_trees::Tree| tree.leaves.iter().map(|leaf| leaf.n_rows).sum::<u32>();
        table.fit(params).trees.iter().map(of_tree).collect::<Vec<_>>()
    };
    let params = small(Objective::SquaredError);
    assert_eq!(rows_of(&params), [1000; 8]);
    assert_eq!(rows_of(&TreesParams { row_fraction: 0.25, ..params.clone() }), [250; 8]);
    // The first 1 / learning_rate rounds see all rows.
    let goss = Some(Goss { top_fraction: 0.1, other_fraction: 0.2 });
    assert_eq!(rows_of(&TreesParams { goss, ..params.clone() }), [1000, 1000, 1000, 1000, 300, 300, 300, 300]);
    // A bootstrap sample has about 63 % of the rows, some of them several times.
    let forest = TreesParams { trees: 5, ..TreesParams::forest(Objective::SquaredError) };
    assert!(rows_of(&forest).iter().all(|n| (590..=680).contains(n)));
    assert_eq!(rows_of(&TreesParams { mode: Mode::ExtraTrees, ..forest }), [1000; 5]);

    // Rounds, not trees, are counted where there are several outputs.
    let table = table_for(Objective::Softmax { n_classes: 3 }, 66, 1000);
    let ensemble = table.fit(&TreesParams { goss, trees: 5, ..small(Objective::Softmax { n_classes: 3 }) });
    let rows = |tree: usize| ensemble.trees[tree].leaves.iter().map(|leaf| leaf.n_rows).sum::<u32>();
    assert_eq!((0..15).map(rows).collect::<Vec<_>>(), [[1000; 12].as_slice(), &[300; 3]].concat());
}

#[test]
fn samples_learn_about_the_same() {
    let (train, held_out) = halves(Objective::SquaredError, 67);
    let params = TreesParams { trees: 60, learning_rate: 0.1, ..small(Objective::SquaredError) };
    let constant = loss(&held_out, &train.fit(&TreesParams { trees: 0, ..params.clone() }));
    let all = loss(&held_out, &train.fit(&params));
    assert!(all < 0.4 * constant, "{all} of {constant}");
    let goss = Some(Goss { top_fraction: 0.2, other_fraction: 0.2 });
    for sampled in [
        TreesParams { goss, ..params.clone() },
        TreesParams { row_fraction: 0.5, ..params.clone() },
        TreesParams { column_fraction: 0.5, ..params.clone() },
        TreesParams { column_fraction_per_split: 0.5, ..params.clone() },
    ] {
        let loss = loss(&held_out, &train.fit(&sampled));
        assert!(loss < 1.25 * all, "{loss} instead of {all}: {sampled:?}");
        assert_ne!(train.fit(&sampled), train.fit(&TreesParams { seed: 1, ..sampled.clone() }));
    }
}

#[test]
fn trees_see_as_many_columns_as_they_may() {
    let table = table_for(Objective::SquaredError, 68, 800);
    let params = TreesParams { column_fraction: 1.0 / 3.0, trees: 20, ..small(Objective::SquaredError) };
    let ensemble = table.fit(&params);
    let features = |tree: &yw_trees::Tree| tree.splits.iter().map(|split| split.feature).collect::<BTreeSet<u32>>();
    assert!(ensemble.trees.iter().all(|tree| features(tree).len() <= 2));
    assert_eq!(ensemble.trees.iter().flat_map(features).collect::<BTreeSet<u32>>().len(), 6);
    // Of one column per split, trees have many.
    let params = TreesParams { column_fraction: 1.0, column_fraction_per_split: 0.01, ..params };
    assert!(table.fit(&params).trees.iter().any(|tree| features(tree).len() >= 4));
}

#[test]
fn forests_give_shares() {
    for mode in [Mode::Forest, Mode::ExtraTrees] {
        let table = table_for(Objective::Logistic, 69, 600);
        let ensemble = table.fit(&TreesParams { mode, trees: 30, ..TreesParams::forest(Objective::Logistic) });
        let shares = ensemble.predict(&table.columns());
        // Sums of a hundred shares are rounded.
        assert!(shares.iter().all(|p| (-1e-12..=1.0 + 1e-12).contains(p)));
        let right = shares.iter().zip(&table.target).filter(|(p, y)| (**p > 0.5) == (**y == 1.0)).count();
        assert!(right > 440, "{right} of 600");

        let objective = Objective::Softmax { n_classes: 3 };
        let table = table_for(objective, 70, 600);
        let ensemble = table.fit(&TreesParams { mode, trees: 60, ..TreesParams::forest(objective) });
        let shares = ensemble.predict(&table.columns());
        assert!(shares.iter().all(|p| (-1e-12..=1.0 + 1e-12).contains(p)));
        // The shares of each class are found apart: about one together.
        let sums: Vec<f64> = shares.chunks(3).map(|shares| shares.iter().sum()).collect();
        assert!(sums.iter().all(|sum| (0.6..1.4).contains(sum)), "{sums:?}");
        let mean = sums.iter().sum::<f64>() / 600.0;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
    }
}

#[test]
fn forests_average_what_was_seen() {
    // Trees of one leaf: the mean of a bootstrap sample each; without the sample, the mean itself.
    let table = table_for(Objective::SquaredError, 71, 400);
    let mean = table.target.iter().sum::<f64>() / 400.0;
    let params = TreesParams { min_rows_per_leaf: 400, trees: 50, ..TreesParams::forest(Objective::SquaredError) };
    let bagged = table.margins(&table.fit(&params))[0];
    assert!(bagged != mean && (bagged - mean).abs() < 0.1);
    let exact = table.margins(&table.fit(&TreesParams { mode: Mode::ExtraTrees, ..params }))[0];
    assert!(close(exact, mean, 1e-6));
}

#[test]
fn random_thresholds_are_random() {
    let table = table_for(Objective::SquaredError, 72, 500);
    let params = TreesParams { mode: Mode::ExtraTrees, trees: 10, ..TreesParams::forest(Objective::SquaredError) };
    let ensemble = table.fit(&params);
    let roots: BTreeSet<String> = ensemble.trees.iter().map(|tree| format!("{:?}", tree.splits[0].rule)).collect();
    assert!(roots.len() >= 5, "{roots:?}");
    let error = |ensemble: &Ensemble| loss(&table, ensemble);
    let constant = table.fit(&TreesParams { trees: 0, ..small(Objective::SquaredError) });
    assert!(error(&ensemble) < 0.5 * error(&constant));
}
