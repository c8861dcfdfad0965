//! Inputs that define nothing give NaN, and nothing panics.

use yw_stats::{BootstrapParams, Statistic, boolean, bootstrap, bootstrap_difference, label, mean, number};

fn check_undefined(name: &str, statistic: &dyn Statistic) {
    let estimate = bootstrap(statistic, &BootstrapParams::default());
    assert!(estimate.value.is_nan(), "{name}: {estimate:?}");
    assert!(estimate.low.is_nan() && estimate.high.is_nan(), "{name}: {estimate:?}");
    let difference = bootstrap_difference(statistic, statistic, &BootstrapParams::default());
    assert!(difference.difference.is_nan() && difference.low.is_nan() && difference.p_value.is_nan(), "{name}");
}

#[test]
fn no_rows() {
    let statistics: [(&str, Box<dyn Statistic>); 19] = [
        ("mean", mean(vec![])),
        ("label accuracy", label::accuracy(&[], &[])),
        ("macro_f1", label::macro_f1(&[], &[])),
        ("weighted_f1", label::weighted_f1(&[], &[])),
        ("label log_loss", label::log_loss(&[], &[], 3)),
        ("label roc_auc", label::roc_auc(&[], &[], 3)),
        ("accuracy", boolean::accuracy(&[], &[])),
        ("f1", boolean::f1(&[], &[])),
        ("precision", boolean::precision(&[], &[])),
        ("recall", boolean::recall(&[], &[])),
        ("roc_auc", boolean::roc_auc(&[], &[])),
        ("average_precision", boolean::average_precision(&[], &[])),
        ("log_loss", boolean::log_loss(&[], &[])),
        ("brier", boolean::brier(&[], &[])),
        ("rmse", number::rmse(&[], &[])),
        ("mae", number::mae(&[], &[])),
        ("r2", number::r2(&[], &[])),
        ("mape", number::mape(&[], &[])),
        ("median_ae", number::median_ae(&[], &[])),
    ];
    for (name, statistic) in &statistics {
        check_undefined(name, statistic);
    }
}

#[test]
fn one_class_only() {
    check_undefined("roc_auc", &boolean::roc_auc(&[true; 20], &[0.5; 20]));
    check_undefined("average_precision", &boolean::average_precision(&[false; 20], &[0.5; 20]));
    check_undefined("label roc_auc", &label::roc_auc(&[1; 20], &[0.25; 80], 4));
    check_undefined("recall", &boolean::recall(&[false; 20], &[Some(true); 20]));
    check_undefined("precision", &boolean::precision(&[true; 20], &[Some(false); 20]));
    check_undefined("r2", &number::r2(&[3.0; 20], &[2.0; 20]));
}

#[test]
fn truths_that_are_no_numbers() {
    for bad in [f64::NAN, f64::INFINITY] {
        let (truth, predicted) = ([1.0, bad, 2.0, 3.0], [1.0, 1.0, 2.0, 2.0]);
        let metrics = [number::rmse, number::mae, number::r2, number::mape, number::median_ae];
        for (index, metric) in metrics.into_iter().enumerate() {
            let estimate = bootstrap(&metric(&truth, &predicted), &BootstrapParams::default());
            assert!(estimate.value.is_nan() && estimate.low.is_nan(), "{index}, {bad}: {estimate:?}");
        }
    }
    check_undefined("mean", &mean(vec![1.0, f64::NAN]));
}

#[test]
fn one_row_has_a_value_and_no_interval() {
    let estimate = bootstrap(&mean(vec![2.0]), &BootstrapParams::default());
    assert!(estimate.value == 2.0 && estimate.low.is_nan() && estimate.high.is_nan());
    let groups = [7; 10];
    let one_group = BootstrapParams { groups: Some(&groups), ..Default::default() };
    assert!(bootstrap(&mean((0..10).map(f64::from).collect()), &one_group).low.is_nan());
}

#[test]
fn parameters_that_ask_for_nothing() {
    let statistic = mean((0..50).map(f64::from).collect());
    for params in [
        BootstrapParams { replicates: 0, ..Default::default() },
        BootstrapParams { level: 0.0, ..Default::default() },
        BootstrapParams { level: 1.0, ..Default::default() },
        BootstrapParams { level: f64::NAN, ..Default::default() },
    ] {
        let estimate = bootstrap(&statistic, &params);
        assert!(estimate.value == 24.5 && estimate.low.is_nan() && estimate.high.is_nan(), "{params:?}");
    }
}

#[test]
fn rows_that_are_all_equal() {
    let estimate = bootstrap(&mean(vec![0.5; 30]), &BootstrapParams::default());
    assert_eq!((estimate.value, estimate.low, estimate.high), (0.5, 0.5, 0.5));

    let same = bootstrap_difference(&mean(vec![0.5; 30]), &mean(vec![0.5; 30]), &BootstrapParams::default());
    assert_eq!((same.difference, same.low, same.high, same.p_value), (0.0, 0.0, 0.0, 1.0));

    // Nothing but the number of rows says how sure a constant difference is.
    let better = |n| bootstrap_difference(&mean(vec![1.0; n]), &mean(vec![0.5; n]), &BootstrapParams::default());
    assert_eq!((better(4).difference, better(4).p_value), (0.5, 0.125));
    assert!(better(30).p_value < 1e-8 && better(5000).p_value < 1e-200);
}

#[test]
fn draws_that_miss_a_class_are_left_out() {
    // One true row of twenty: more than a third of the draws have none.
    let truth: Vec<bool> = (0..20).map(|row| row == 3).collect();
    let scores: Vec<f64> = (0..20).map(|row| f64::from(row % 7)).collect();
    let estimate = bootstrap(&boolean::roc_auc(&truth, &scores), &BootstrapParams::default());
    assert!(estimate.low <= estimate.value && estimate.value <= estimate.high, "{estimate:?}");
}

#[test]
fn a_scale_at_the_end_of_the_range_does_not_panic() {
    let huge: Vec<f64> = (0..40).map(|row| f64::from(row) * 1e305).collect();
    let estimate = bootstrap(&mean(huge), &BootstrapParams::default());
    assert!(estimate.low < estimate.value && estimate.value < estimate.high, "{estimate:?}");
}
