//! Parameters outside their range are refused, each with its name.

use yw_trees::{Goss, Mode, Monotone, Objective, TreesParams};

use crate::table::{Table, small, table_for};

fn table() -> Table {
    table_for(Objective::SquaredError, 81, 100)
}

/// What is said of parameters that `change` makes.
fn message(change: impl FnOnce(&mut TreesParams)) -> String {
    let mut params = small(Objective::SquaredError);
    change(&mut params);
    table().try_fit(&params).unwrap_err().to_string()
}

#[test]
fn numbers_outside_their_range() {
    for value in [0.0, -0.1, f64::NAN, f64::INFINITY] {
        let expected = format!("`learning_rate` = {value} is not above 0");
        assert_eq!(message(|params| params.learning_rate = value), expected);
    }
    assert_eq!(message(|params| params.max_leaves = 1), "`max_leaves` = 1 is not 0 or at least 2");
    for value in [0, 1, 65_536, usize::MAX] {
        let expected = format!("`max_bins` = {} is not from 2 to 65,535", value as f64);
        assert_eq!(message(|params| params.max_bins = value), expected);
    }
    type Set = fn(&mut TreesParams, f64);
    let not_negative: [(&str, Set); 6] = [
        ("min_child_weight", |params, value| params.min_child_weight = value),
        ("min_split_gain", |params, value| params.min_split_gain = value),
        ("l1", |params, value| params.l1 = value),
        ("l2", |params, value| params.l2 = value),
        ("category_smoothing", |params, value| params.category_smoothing = value),
        ("category_l2", |params, value| params.category_l2 = value),
    ];
    for (name, set) in not_negative {
        for value in [-1e-9, f64::NAN, f64::INFINITY] {
            let expected = format!("`{name}` = {value} is not 0 or above");
            assert_eq!(message(|params| set(params, value)), expected);
        }
    }
    let fractions: [(&str, Set); 3] = [
        ("row_fraction", |params, value| params.row_fraction = value),
        ("column_fraction", |params, value| params.column_fraction = value),
        ("column_fraction_per_split", |params, value| params.column_fraction_per_split = value),
    ];
    for (name, set) in fractions {
        for value in [0.0, -1.0, 1.0001, f64::NAN] {
            let expected = format!("`{name}` = {value} is not above 0 and at most 1");
            assert_eq!(message(|params| set(params, value)), expected);
        }
    }
    let goss =
        |top_fraction, other_fraction| message(|params| params.goss = Some(Goss { top_fraction, other_fraction }));
    assert_eq!(goss(0.75, 0.5), "`goss` = 1.25 is not two fractions above 0 that make at most 1");
    assert_eq!(goss(0.0, 0.5), "`goss` = 0.5 is not two fractions above 0 that make at most 1");
    assert_eq!(goss(0.5, f64::NAN), "`goss` = NaN is not two fractions above 0 that make at most 1");
    let stopping = message(|params| params.early_stopping_rounds = Some(0));
    assert_eq!(stopping, "`early_stopping_rounds` = 0 is not at least 1");
}

#[test]
fn objectives_outside_their_range() {
    let message = |objective| message(|params| params.objective = objective);
    assert_eq!(message(Objective::Quantile { alpha: 1.0 }), "`alpha` = 1 is not between 0 and 1");
    assert_eq!(message(Objective::Huber { delta: 0.0 }), "`delta` = 0 is not a finite number above 0");
    assert_eq!(message(Objective::Tweedie { power: 2.0 }), "`power` = 2 is not between 1 and 2");
    assert_eq!(message(Objective::Softmax { n_classes: 1 }), "`n_classes` = 1 is not at least 2");
    assert_eq!(message(Objective::LambdaRank { truncation: 0 }), "`truncation` = 0 is not at least 1");
}

#[test]
fn modes_that_cannot_learn_an_objective() {
    for mode in [Mode::Forest, Mode::ExtraTrees] {
        let message = message(|params| (params.mode, params.objective) = (mode, Objective::Poisson));
        assert_eq!(
            message,
            "forests average targets or classes: they learn squared error, logistic and softmax objectives"
        );
    }
}

#[test]
fn constraints_that_do_not_fit() {
    let expected = "there are 2 monotone constraints instead of 6";
    assert_eq!(message(|params| params.monotone = vec![Monotone::Free; 2]), expected);
    let on_a_category = message(|params| {
        params.monotone = vec![Monotone::Free; 6];
        params.monotone[3] = Monotone::Increasing;
    });
    assert!(on_a_category.contains("the levels of a category have no order"), "{on_a_category}");
    let outside = message(|params| params.interactions = vec![vec![0], vec![1, 6]]);
    assert!(outside.contains("there is no such feature"), "{outside}");
}

#[test]
fn extremes_that_are_allowed() {
    let check = |change: &dyn Fn(&mut TreesParams)| {
        let mut params = small(Objective::SquaredError);
        change(&mut params);
        let (table, expected) = (table(), params.trees);
        let ensemble = table.fit(&params);
        assert_eq!(ensemble.trees.len(), expected);
        assert!(table.margins(&ensemble).iter().all(|margin| margin.is_finite()), "{params:?}");
    };
    check(&|params| params.trees = 0);
    check(&|params| params.max_bins = 2);
    check(&|params| params.max_bins = 65_000);
    check(&|params| params.min_rows_per_leaf = 0);
    check(&|params| params.min_rows_per_leaf = usize::MAX);
    check(&|params| (params.min_child_weight, params.l2) = (0.0, 0.0));
    check(&|params| params.min_child_weight = 1e300);
    check(&|params| params.min_split_gain = 1e300);
    check(&|params| (params.l1, params.l2) = (1e300, 1e300));
    check(&|params| params.max_levels_per_split = 0);
    check(&|params| params.max_levels_one_against_rest = usize::MAX);
    check(&|params| (params.category_smoothing, params.category_l2) = (1e300, 1e300));
    check(&|params| params.row_fraction = 1e-9);
    check(&|params| params.column_fraction = 1e-9);
    check(&|params| params.column_fraction_per_split = 1e-9);
    check(&|params| params.goss = Some(Goss { top_fraction: 1e-9, other_fraction: 1e-9 }));
    check(&|params| params.goss = Some(Goss { top_fraction: 0.5, other_fraction: 0.5 }));
    check(&|params| params.interactions = vec![Vec::new()]);
    check(&|params| params.seed = u64::MAX);
    check(&|params| (params.max_leaves, params.max_depth, params.min_rows_per_leaf) = (0, 0, 1));
}
