//! The best split of a node, found by trying all.

use yw_trees::{Monotone, Objective, Split, TreesParams};

use crate::brute::{Brute, levels_of};
use crate::table::{Column, OBJECTIVES, Random, Table, levels, nullable, numbers, table_for};

/// One tree with one split at most, found on finely rounded gradients.
fn stump(objective: Objective) -> TreesParams {
    let mut params = TreesParams::new(objective);
    params.trees = 1;
    params.learning_rate = 1.0;
    params.max_leaves = 2;
    params.min_rows_per_leaf = 1;
    params.min_child_weight = 0.0;
    params.l2 = 0.0;
    params.quantized = false;
    params
}

/// A small table of numbers, with and without missing values, and a category of four levels.
fn small_table(objective: Objective, seed: u64) -> Table {
    let n_rows = 60;
    let mut table = table_for(objective, seed, n_rows);
    let mut random = Random(seed);
    table.columns = vec![
        numbers(&mut random, n_rows, 12, 0.2),
        nullable(&mut random, n_rows, 9, 0.1),
        levels(&mut random, n_rows, 4, 0.1),
        numbers(&mut random, n_rows, 30, 0.0),
        Column::Singles((0..n_rows).map(|_| random.normal() as f32).collect()),
    ];
    // Something to find.
    let shift = |row: usize| {
        let value = |column: usize| table.columns[column].feature().value(row);
        match seed % 4 {
            0 => value(0).is_nan(),
            1 => value(1) > 4.0,
            2 => value(2) == 2.0,
            _ => value(2).is_nan() || value(0) <= 3.0,
        }
    };
    let moved: Vec<bool> = (0..n_rows).map(shift).collect();
    for (target, moved) in table.target.iter_mut().zip(moved) {
        *target = match objective {
            _ if !moved => *target,
            Objective::Logistic => 1.0 - *target,
            Objective::Softmax { n_classes } => (*target + 1.0) % n_classes as f64,
            Objective::LambdaRank { .. } => (*target + 2.0).min(5.0),
            Objective::Poisson | Objective::Tweedie { .. } => *target + 2.0,
            _ => *target + 0.7,
        };
    }
    table
}

/// Grows a stump per output and compares each with what enumeration finds. Returns how many could be split.
fn check(table: &Table, params: &TreesParams) -> usize {
    let ensemble = table.fit(params);
    let n_rows = table.n_rows();
    let rows: Vec<usize> = (0..n_rows).filter(|&row| table.weights.as_ref().is_none_or(|w| w[row] > 0.0)).collect();
    let margins: Vec<f64> = ensemble.base.iter().flat_map(|&base| std::iter::repeat_n(base, n_rows)).collect();
    let has_newton_leaves = !matches!(params.objective, Objective::AbsoluteError | Objective::Quantile { .. });
    for (output, tree) in ensemble.trees.iter().enumerate() {
        let brute = Brute::new(table, params, &margins, output);
        match tree.splits.first() {
            Some(split) => drop(brute.check_split(split, &rows)),
            None => assert_eq!(brute.best(&rows), None, "{:?} has a split", params.objective),
        }
        if has_newton_leaves && table.weights.is_none() {
            brute.check_leaves(tree);
        }
    }
    ensemble.trees.iter().filter(|tree| !tree.splits.is_empty()).count()
}

/// Checks an objective on many tables; `change` makes what is special.
fn check_all(objective: Objective, change: impl Fn(&mut Table, &mut TreesParams)) {
    let mut n_split = 0;
    for seed in 0..12 {
        let mut table = small_table(objective, seed);
        let mut params = stump(objective);
        params.seed = seed;
        change(&mut table, &mut params);
        n_split += check(&table, &params);
    }
    assert!(n_split >= 6, "{objective:?} was split {n_split} times");
}

#[test]
fn for_every_objective() {
    for objective in OBJECTIVES {
        check_all(objective, |_, _| {});
    }
}

#[test]
fn with_l1_and_l2() {
    for objective in OBJECTIVES {
        check_all(objective, |_, params| params.l2 = 3.0);
        check_all(objective, |_, params| params.l1 = 0.3);
        check_all(objective, |_, params| (params.l1, params.l2) = (0.2, 1.0));
    }
}

#[test]
fn with_weights() {
    for objective in OBJECTIVES {
        check_all(objective, |table, _| {
            let mut random = Random(5);
            table.weights = Some((0..table.n_rows()).map(|_| random.below(4) as f32 * 0.5).collect());
        });
    }
}

#[test]
fn with_limits_on_weight_and_rows() {
    for objective in OBJECTIVES {
        let min_child_weight = if matches!(objective, Objective::LambdaRank { .. }) { 0.1 } else { 2.0 };
        check_all(objective, |_, params| params.min_child_weight = min_child_weight);
    }
    for objective in [Objective::SquaredError, Objective::AbsoluteError, Objective::Huber { delta: 0.8 }] {
        // Second derivatives are all the same, so that rows are counted exactly.
        check_all(objective, |_, params| params.min_rows_per_leaf = 17);
        check_all(objective, |_, params| params.min_child_weight = 20.0);
    }
}

#[test]
fn with_a_least_gain() {
    let mut outcomes = [0; 2];
    for seed in 0..12 {
        let table = small_table(Objective::SquaredError, seed);
        for min_split_gain in [3.0, 12.0, 16.0, 30.0] {
            let params = TreesParams { min_split_gain, ..stump(Objective::SquaredError) };
            outcomes[check(&table, &params)] += 1;
        }
    }
    assert!(outcomes[0] > 0 && outcomes[1] > 0, "{outcomes:?} without and with a split");
}

#[test]
fn with_monotone_features() {
    use Monotone::{Decreasing, Free, Increasing};
    for objective in [Objective::SquaredError, Objective::Logistic, Objective::Poisson, Objective::Gamma] {
        check_all(objective, |_, params| params.monotone = vec![Increasing, Decreasing, Free, Decreasing, Increasing]);
        check_all(objective, |_, params| params.monotone = vec![Decreasing, Increasing, Free, Increasing, Free]);
    }
}

#[test]
fn one_row_of_little_weight_may_stand_alone() {
    // A limit of one row is no limit, whatever the second derivatives say.
    let n_rows = 40;
    let x: Vec<f64> = (0..n_rows).map(f64::from).collect();
    let mut table = Table::new(vec![Column::Numbers(x)], (0..n_rows).map(|i| f64::from(i32::from(i == 0))).collect());
    table.target[0] = 1000.0;
    let mut weights = vec![1.0; n_rows as usize];
    weights[0] = 0.05;
    table.weights = Some(weights);
    let ensemble = table.fit(&stump(Objective::SquaredError));
    assert_eq!(ensemble.trees[0].leaves[0].n_rows, 1);
    check(&table, &stump(Objective::SquaredError));
}

/// A category whose levels are split in groups, and a target that depends on it alone.
fn category_table(seed: u64, n_levels: usize, rows_per_level: usize, missing: bool) -> Table {
    let mut random = Random(seed);
    let effects: Vec<f64> = (0..=n_levels).map(|_| random.normal()).collect();
    let mut cells: Vec<usize> = (0..n_levels + usize::from(missing)).flat_map(|l| vec![l; rows_per_level]).collect();
    let order = random.order(cells.len());
    cells = order.iter().map(|&i| cells[i]).collect();
    let target = cells.iter().map(|&cell| effects[cell] + 0.2 * random.normal()).collect();
    let level = |cell: &usize| if *cell == n_levels { yw_trees::MISSING_LEVEL } else { *cell as u32 };
    Table::new(vec![Column::Levels(cells.iter().map(level).collect())], target)
}

fn category_split(table: &Table, params: &TreesParams) -> Split {
    table.fit(params).trees[0].splits[0].clone()
}

#[test]
fn sorted_categories_are_parted_as_no_other_subset_parts_them_better() {
    // Without penalties the best subset of all is a prefix of the order (Fisher 1958).
    for seed in 0..10 {
        let missing = seed % 2 == 1;
        let table = category_table(seed, 8, 12, missing);
        let mut params = stump(Objective::SquaredError);
        (params.category_smoothing, params.category_l2) = (0.0, 0.0);
        let base = table.fit(&params).base[0];
        let brute = Brute::new(&table, &params, &vec![base; table.n_rows()], 0);
        let rows: Vec<usize> = (0..table.n_rows()).collect();
        let worth = |set: usize| {
            let part = |row: &&usize| {
                let value = table.columns().value(**row, 0);
                set >> (if value.is_nan() { 8 } else { value as usize }) & 1 == 1
            };
            let (left, right): (Vec<usize>, Vec<usize>) = rows.iter().partition(part);
            brute.judge(0, &left, &right, 0.0).gain
        };
        let n_levels = 8 + usize::from(missing);
        let best = (1..(1 << n_levels) - 1).map(worth).max_by(f64::total_cmp).unwrap();
        let split = category_split(&table, &params);
        let (left, right) = brute.part(&split, &rows);
        let judged = brute.judge(0, &left, &right, 0.0);
        assert!(judged.gain >= best - judged.doubt, "{} instead of {best}", judged.gain);
        assert!((split.gain - best).abs() <= judged.doubt);
        assert!(!levels_of(&split).is_empty());
    }
}

#[test]
fn sorted_categories_are_the_best_prefix_under_smoothing_and_penalty() {
    for seed in 20..30 {
        let table = category_table(seed, 9, 30, seed % 2 == 1);
        let mut params = stump(Objective::SquaredError);
        (params.category_smoothing, params.category_l2, params.l2, params.max_levels_per_split) = (7.0, 5.0, 1.0, 3);
        let base = table.fit(&params).base[0];
        let brute = Brute::new(&table, &params, &vec![base; table.n_rows()], 0);
        let rows: Vec<usize> = (0..table.n_rows()).collect();
        let mut cells: Vec<Vec<usize>> = vec![Vec::new(); 10];
        for &row in &rows {
            let value = table.columns().value(row, 0);
            cells[if value.is_nan() { 9 } else { value as usize }].push(row);
        }
        cells.retain(|rows| !rows.is_empty());
        let ratio = |rows: &Vec<usize>| {
            let (g, h) = rows.iter().fold((0.0, 0.0), |(g, h), &row| (g + brute.g[row], h + brute.h[row]));
            g / (h + params.category_smoothing)
        };
        cells.sort_by(|a, b| ratio(a).total_cmp(&ratio(b)));
        let mut best = f64::NEG_INFINITY;
        for _ in 0..2 {
            for n in 1..=3 {
                let (left, right) = (cells[..n].concat(), cells[n..].concat());
                best = best.max(brute.judge(0, &left, &right, params.category_l2).gain);
            }
            cells.reverse();
        }
        let split = category_split(&table, &params);
        assert!((split.gain - best).abs() <= 3e-3 * best.abs(), "{} instead of {best}", split.gain);
        let (left, right) = brute.part(&split, &rows);
        let judged = brute.judge(0, &left, &right, params.category_l2);
        assert!((judged.gain - best).abs() <= judged.doubt);
    }
}

#[test]
fn levels_without_training_rows_go_right() {
    let table = category_table(3, 8, 12, false);
    let split = category_split(&table, &stump(Objective::SquaredError));
    for unseen in [8.0, 63.0, 1e6, 4e9] {
        assert!(!split.goes_left(unseen));
    }
}
