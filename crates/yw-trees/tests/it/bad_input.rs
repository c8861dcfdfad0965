//! Rows that nobody would wish for: a clear error or a sound model.

use yw_trees::{
    Columns, CompiledEnsemble, Ensemble, FitError, LabelledColumns, MISSING_LEVEL, Mode, Objective, Target, TreesParams,
};

use crate::table::{Column, OBJECTIVES, Random, Table, close, small, table_for};

/// Fits and predicts, and finds all numbers of the model and all its answers to be finite.
fn sound(table: &Table, params: &TreesParams) -> Vec<f64> {
    let ensemble = table.fit(params);
    let leaves = ensemble.trees.iter().flat_map(|tree| &tree.leaves).map(|leaf| leaf.value);
    assert!(leaves.chain(ensemble.base.iter().copied()).all(f64::is_finite), "{params:?}");
    assert_eq!(Ensemble::from_bytes(&ensemble.to_bytes()).unwrap(), ensemble);
    let compiled = CompiledEnsemble::new(&ensemble);
    let margins = compiled.margins(&table.columns());
    assert_eq!(margins, table.margins(&ensemble));
    let predictions = compiled.predict(&table.columns());
    assert!(predictions.iter().all(|prediction| prediction.is_finite()), "{params:?}");
    predictions
}

fn modes(objective: Objective) -> impl Iterator<Item = TreesParams> {
    let forests = matches!(objective, Objective::SquaredError | Objective::Logistic | Objective::Softmax { .. });
    let modes = if forests { vec![Mode::Boosting, Mode::Forest, Mode::ExtraTrees] } else { vec![Mode::Boosting] };
    modes.into_iter().map(move |mode| TreesParams { mode, min_rows_per_leaf: 1, ..small(objective) })
}

fn check_every_objective(change: impl Fn(&mut Table)) {
    for objective in OBJECTIVES {
        for params in modes(objective) {
            let mut table = table_for(objective, 91, 150);
            change(&mut table);
            sound(&table, &params);
        }
    }
}

#[test]
fn columns_without_a_value_and_constants() {
    check_every_objective(|table| {
        table.columns = vec![
            Column::Numbers(vec![f64::NAN; 150]),
            Column::Levels(vec![MISSING_LEVEL; 150]),
            Column::Nullable(vec![1.0; 150], vec![0; 19]),
            Column::Singles(vec![f32::NAN; 150]),
            Column::Numbers(vec![3.0; 150]),
            Column::Levels(vec![7; 150]),
        ];
    });
    let mut table = table_for(Objective::SquaredError, 91, 150);
    table.columns.truncate(1);
    table.columns.extend([Column::Numbers(vec![f64::NAN; 150]), Column::Levels(vec![MISSING_LEVEL; 150])]);
    let ensemble = table.fit(&small(Objective::SquaredError));
    assert!(ensemble.trees.iter().all(|tree| tree.splits.len() > 3));
    assert!(ensemble.trees.iter().flat_map(|tree| &tree.splits).all(|split| split.feature == 0));
}

#[test]
fn one_target_for_all() {
    check_every_objective(|table| table.target.fill(1.0));
    for value in [0.1, 1e-30, -7e20] {
        let mut table = table_for(Objective::SquaredError, 92, 150);
        table.target.fill(value);
        let found = sound(&table, &small(Objective::SquaredError));
        assert!(found.iter().all(|found| (found - value).abs() <= 1e-6 * value.abs()));
    }
    let mut table = table_for(Objective::Logistic, 92, 150);
    table.target.fill(0.0);
    assert!(sound(&table, &small(Objective::Logistic)).iter().all(|&p| (0.0..1e-6).contains(&p)));
    let objective = Objective::Softmax { n_classes: 3 };
    let mut table = table_for(objective, 92, 150);
    table.target.fill(2.0);
    assert!(sound(&table, &small(objective)).chunks(3).all(|p| p[2] > 0.999));
    let mut table = table_for(Objective::Poisson, 92, 150);
    table.target.fill(0.0);
    assert!(sound(&table, &small(Objective::Poisson)).iter().all(|&mean| (0.0..1e-6).contains(&mean)));
}

#[test]
fn few_rows() {
    for objective in OBJECTIVES {
        for n_rows in [1, 2, 3] {
            let rows: Vec<usize> = (0..n_rows).collect();
            let mut table = table_for(objective, 93, 20).pick(&rows);
            if matches!(objective, Objective::LambdaRank { .. }) {
                table.groups = Some(vec![n_rows as u32]);
            }
            for params in modes(objective) {
                sound(&table, &params);
                sound(&table, &TreesParams { row_fraction: 0.1, column_fraction: 0.1, ..params.clone() });
                let goss = Some(yw_trees::Goss { top_fraction: 0.1, other_fraction: 0.1 });
                sound(&table, &TreesParams { goss, learning_rate: 1.0, ..params });
            }
        }
    }
    let mut table = table_for(Objective::SquaredError, 93, 1);
    table.target[0] = 4.5;
    assert_eq!(sound(&table, &small(Objective::SquaredError)), [4.5]);
}

#[test]
fn no_rows() {
    for objective in OBJECTIVES {
        for params in modes(objective) {
            let table = Table::new(vec![Column::Numbers(Vec::new()), Column::Levels(Vec::new())], Vec::new());
            assert_eq!(table.try_fit(&params), Err(FitError::NoRows));
        }
    }
    let (table, nothing) =
        (table_for(Objective::SquaredError, 94, 50), table_for(Objective::SquaredError, 94, 50).pick(&[]));
    let params = small(Objective::SquaredError);
    let held_out = Ensemble::fit(&table.labelled(), Some(&nothing.labelled()), None, &params);
    assert_eq!(held_out.unwrap_err(), FitError::NoRows);
    let ensemble = table.fit(&params);
    assert_eq!(CompiledEnsemble::new(&ensemble).predict(&nothing.columns()), []);
}

#[test]
fn no_columns() {
    check_every_objective(|table| table.columns.clear());
    let mut table = table_for(Objective::SquaredError, 95, 50);
    table.columns.clear();
    let mean = table.target.iter().sum::<f64>() / 50.0;
    assert!(sound(&table, &small(Objective::SquaredError)).iter().all(|&found| close(found, mean, 1e-6)));
    sound(&table, &TreesParams { additive: true, ..small(Objective::SquaredError) });
}

#[test]
fn infinite_and_extreme_values() {
    check_every_objective(|table| {
        let mut random = Random(1);
        let mut wild = || {
            let values = [f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 5e-324, -5e-324, 0.0, -0.0, f64::NAN];
            (0..150).map(|_| values[random.below(9)]).collect::<Vec<f64>>()
        };
        table.columns.push(Column::Numbers(wild()));
        table.columns.push(Column::Singles(wild().iter().map(|&v| v as f32).collect()));
        table
            .columns
            .push(Column::Numbers((0..150).map(|row| if row < 75 { f64::INFINITY } else { -1.0 / 0.0 }).collect()));
    });
    // Infinities are values like others, and can be told apart.
    let x = [f64::NEG_INFINITY, 0.0, f64::INFINITY, f64::NAN].repeat(10);
    let table = Table::new(vec![Column::Numbers(x)], [1.0, 2.0, 3.0, 4.0].repeat(10));
    let params = TreesParams { trees: 1, learning_rate: 1.0, l2: 0.0, ..small(Objective::SquaredError) };
    let found = sound(&table, &params);
    assert!(found.iter().zip(&table.target).all(|(a, b)| close(*a, *b, 1e-6)), "{found:?}");
}

#[test]
fn targets_that_cannot_be_learned() {
    let message = |objective: Objective, value: f64| {
        let mut table = table_for(objective, 96, 60);
        table.target[17] = value;
        table.try_fit(&small(objective)).unwrap_err().to_string()
    };
    assert_eq!(
        message(Objective::Poisson, -1.0),
        "row 17 has the target -1, and Poisson needs counts: finite, not negative"
    );
    for objective in OBJECTIVES {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(message(objective, value).starts_with(&format!("row 17 has the target {value}, ")));
        }
    }
    for (objective, value) in [
        (Objective::Gamma, 0.0),
        (Objective::Tweedie { power: 1.5 }, -0.5),
        (Objective::Logistic, 0.5),
        (Objective::Softmax { n_classes: 3 }, 3.0),
        (Objective::Softmax { n_classes: 3 }, -1.0),
        (Objective::LambdaRank { truncation: 5 }, 1.5),
    ] {
        assert!(message(objective, value).starts_with(&format!("row 17 has the target {value}, ")));
    }
    // Of held-out rows as well.
    let (table, mut held_out) = (table_for(Objective::Poisson, 96, 60), table_for(Objective::Poisson, 97, 60));
    held_out.target[3] = -2.0;
    let fitted = Ensemble::fit(&table.labelled(), Some(&held_out.labelled()), None, &small(Objective::Poisson));
    assert!(matches!(fitted, Err(FitError::Target { row_idx: 3, .. })));
}

#[test]
fn targets_of_any_size() {
    for exponent in [-320, -300, -45, -40, -38, -30, 30, 40, 300, 307] {
        let scale = 10f64.powi(exponent);
        for objective in [
            Objective::SquaredError,
            Objective::AbsoluteError,
            Objective::Huber { delta: 1.0 },
            Objective::Quantile { alpha: 0.1 },
        ] {
            let mut table = table_for(objective, 98, 120);
            table.target.iter_mut().for_each(|y| *y *= scale);
            modes(objective).for_each(|params| drop(sound(&table, &params)));
        }
        for objective in [Objective::Poisson, Objective::Gamma, Objective::Tweedie { power: 1.2 }] {
            let mut table = table_for(objective, 98, 120);
            let tiny = if objective == Objective::Gamma { f64::MIN_POSITIVE } else { 0.0 };
            table.target.iter_mut().for_each(|y| *y = (*y * scale.min(1e300)).max(tiny));
            sound(&table, &small(objective));
        }
    }
}

#[test]
fn weights_that_are_none() {
    for objective in OBJECTIVES {
        for (value, row) in [(f32::NAN, 5), (-1.0, 5), (f32::INFINITY, 5), (f32::NEG_INFINITY, 5)] {
            let mut table = table_for(objective, 99, 100);
            let mut weights = vec![1.0; 100];
            weights[row] = value;
            table.weights = Some(weights);
            let message = table.try_fit(&small(objective)).unwrap_err().to_string();
            let expected = format!("row 5 has the weight {value}: weights are finite, not negative, and not all zero");
            assert_eq!(message, expected);
        }
        let mut table = table_for(objective, 99, 100);
        table.weights = Some(vec![0.0; 100]);
        assert_eq!(table.try_fit(&small(objective)), Err(FitError::Weight { row_idx: 0, value: 0.0 }));
    }
}

#[test]
fn weights_of_any_size() {
    for weight in [1e-45, 1e-40, 1e-30, 1e-10, 1e10, 1e38] {
        check_every_objective(|table| table.weights = Some(vec![weight; 150]));
        let mixed = |row: usize| if row < 3 { weight } else { 1.0 };
        check_every_objective(|table| table.weights = Some((0..150).map(mixed).collect()));
    }
    check_every_objective(|table| table.weights = Some((0..150).map(|row| f32::from(row == 80)).collect()));
}

#[test]
fn arrays_that_do_not_fit_together() {
    let table = table_for(Objective::SquaredError, 100, 80);
    let params = small(Objective::SquaredError);
    let fit = |values: &[f64], weights: Option<&[f32]>, group_sizes: Option<&[u32]>| {
        let target = Target { values, weights, group_sizes };
        let rows = LabelledColumns { columns: table.columns(), target };
        let as_train = Ensemble::fit(&rows, None, None, &params).unwrap_err();
        let as_held_out = Ensemble::fit(&table.labelled(), Some(&rows), None, &params).unwrap_err();
        assert_eq!(as_train, as_held_out);
        as_train.to_string()
    };
    assert_eq!(fit(&[1.0; 79], None, None), "there are 79 targets instead of 80");
    assert_eq!(fit(&[1.0; 81], None, None), "there are 81 targets instead of 80");
    assert_eq!(fit(&[1.0; 80], Some(&[1.0; 79]), None), "there are 79 weights instead of 80");
    assert_eq!(fit(&[1.0; 80], None, Some(&[40, 41])), "there are 81 rows in groups instead of 80");
    let fewer = Columns::new(80, table.columns().features()[..2].to_vec());
    let held_out = LabelledColumns { columns: fewer, target: table.labelled().target };
    let message = Ensemble::fit(&table.labelled(), Some(&held_out), None, &params).unwrap_err().to_string();
    assert_eq!(message, "there are 2 held-out columns instead of 6");
    let unranked = table_for(Objective::LambdaRank { truncation: 3 }, 100, 80);
    let unranked = Table { groups: None, ..unranked };
    assert!(unranked.try_fit(&small(Objective::LambdaRank { truncation: 3 })).is_err());
}

#[test]
fn a_category_of_a_million_levels() {
    let n_rows = 100_000;
    let mut random = Random(2);
    // A few frequent levels among a million rare ones.
    let level = |random: &mut Random| {
        if random.below(2) == 0 { random.below(8) as u32 * 100_000 } else { random.below(1_000_000) as u32 }
    };
    let levels: Vec<u32> = (0..n_rows).map(|_| level(&mut random)).collect();
    let target = levels.iter().map(|&level| f64::from(u8::from(level % 200_000 == 0)) + random.unit()).collect();
    let table = Table::new(vec![Column::Levels(levels)], target);
    for (max_bins, quantized) in [(255, true), (65_000, false)] {
        let params =
            TreesParams { trees: 2, max_bins, quantized, learning_rate: 1.0, ..small(Objective::SquaredError) };
        let ensemble = table.fit(&params);
        let at = |level: f64| ensemble.margins(|_| level)[0];
        assert!(at(200_000.0) > at(100_000.0) + 0.5);
        assert!(at(2e6).is_finite() && at(f64::NAN).is_finite());
        sound(&table, &params);
    }
}

#[test]
fn levels_that_count_nothing() {
    let mut table = table_for(Objective::SquaredError, 101, 100);
    table.columns[3] = Column::Levels((0..100).map(|row| if row == 50 { u32::MAX - 1 } else { row % 5 }).collect());
    let message = table.try_fit(&small(Objective::SquaredError)).unwrap_err().to_string();
    let expected = "column 3 has the level 4294967294: levels are numbered from 0, at most to 16777215";
    assert_eq!(message, expected);
}

#[test]
fn wide_columns() {
    let n_rows = 60_000;
    let mut random = Random(3);
    let x: Vec<f64> = (0..n_rows).map(|_| random.normal()).collect();
    let target = x.iter().map(|x| (x * 3.0).sin()).collect();
    let noise = |random: &mut Random| (0..n_rows).map(|_| random.normal() as f32).collect();
    let columns =
        vec![Column::Numbers(x), Column::Singles(noise(&mut random)), Column::Levels((0..n_rows as u32).collect())];
    let table = Table::new(columns, target);
    let params = TreesParams {
        trees: 3,
        max_bins: 65_000,
        learning_rate: 0.9,
        max_leaves: 31,
        ..small(Objective::SquaredError)
    };
    let found = sound(&table, &params);
    let error = found.iter().zip(&table.target).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / n_rows as f64;
    assert!(error < 0.01, "{error}");
}
