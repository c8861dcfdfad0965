//! Compiled ensembles answer as their reference does, to the last bit.

use proptest::prelude::*;
use yw_trees::{
    Child, CompiledEnsemble, Ensemble, FeatureInfo, Leaf, LevelSet, Link, Objective, Rule, Split, Tree, TreesParams,
};

use crate::table::{Column, OBJECTIVES, Random, Table, on_threads, small, table_for};

fn check(ensemble: &Ensemble, table: &Table) {
    let compiled = CompiledEnsemble::new(ensemble);
    let bits = |margins: Vec<f64>| margins.into_iter().map(f64::to_bits).collect::<Vec<u64>>();
    let (found, expected) = (bits(compiled.margins(&table.columns())), bits(table.margins(ensemble)));
    if let Some(i) = (0..expected.len()).find(|&i| found[i] != expected[i]) {
        let (found, expected) = (f64::from_bits(found[i]), f64::from_bits(expected[i]));
        panic!("margin {i} of {} rows is {found} instead of {expected}", table.n_rows());
    }
}

/// How an ensemble is made up.
#[derive(Debug, Clone, Copy)]
struct Shape {
    n_trees: usize,
    n_outputs: usize,
    max_splits: usize,
    /// How many different thresholds there are, about.
    n_thresholds: usize,
    /// Whether trees are chains.
    is_chain: bool,
}

const N_LEVELS: usize = 70;

/// Features 0 and 1 are numbers, 2 a category, 3 a number whose zero is missing.
fn random_ensemble(random: &mut Random, shape: Shape) -> Ensemble {
    let n_levels = [None, None, Some(N_LEVELS as u32), None];
    let features = n_levels.iter().enumerate();
    Ensemble {
        features: features.map(|(i, &n_levels)| FeatureInfo { name: format!("f{i}"), n_levels }).collect(),
        base: (0..shape.n_outputs).map(|_| random.normal()).collect(),
        trees: (0..shape.n_trees).map(|_| random_tree(random, shape)).collect(),
        link: Link::Identity,
    }
}

fn random_tree(random: &mut Random, shape: Shape) -> Tree {
    let n_splits = random.below(shape.max_splits + 1);
    let mut tree = Tree { splits: Vec::new(), leaves: Vec::new() };
    // Where the next split can hang: below a split, left or right.
    let mut open: Vec<(usize, bool)> = Vec::new();
    for idx in 0..n_splits {
        if idx > 0 {
            let place = if shape.is_chain {
                open.len() - 1 - random.below(2).min(open.len() - 1)
            } else {
                random.below(open.len())
            };
            let (parent, is_left) = open.swap_remove(place);
            *child_of(&mut tree.splits[parent], is_left) = Child::Split(idx as u32);
        }
        tree.splits.push(random_split(random, shape));
        open.extend([(idx, true), (idx, false)]);
    }
    for (i, (parent, is_left)) in open.into_iter().enumerate() {
        *child_of(&mut tree.splits[parent], is_left) = Child::Leaf(i as u32);
    }
    tree.leaves = (0..=n_splits).map(|_| Leaf { value: random.normal(), cover: 1.0, n_rows: 1 }).collect();
    tree
}

fn child_of(split: &mut Split, is_left: bool) -> &mut Child {
    if is_left { &mut split.left } else { &mut split.right }
}

fn random_split(random: &mut Random, shape: Shape) -> Split {
    let feature = random.below(4);
    let rule = if feature == 2 {
        // Few different sets, or many.
        let of = if shape.n_thresholds < 20 { 3 } else { 1000 };
        let mut members = Random(random.below(of) as u64);
        let set: LevelSet = (0..N_LEVELS as u32).filter(|_| members.below(2) == 0).collect();
        Rule::OneOf(set)
    } else {
        let threshold = match random.below(30) {
            0 => f64::INFINITY,
            1 => f64::NEG_INFINITY,
            2 => -0.0,
            3 => 0.0,
            _ => (random.below(shape.n_thresholds) as f64 - shape.n_thresholds as f64 / 2.0) / 8.0,
        };
        Rule::AtMost { threshold, zero_is_missing: feature == 3 && random.below(2) == 0 }
    };
    let (left, right) = (Child::Leaf(0), Child::Leaf(0));
    let missing_left = random.below(2) == 0;
    Split { feature: feature as u32, rule, missing_left, left, right, gain: 0.0, cover: 1.0, n_rows: 2 }
}

/// Rows around the thresholds, as doubles, singles and with a bitmap.
fn random_rows(random: &mut Random, n_rows: usize, n_thresholds: usize) -> Table {
    let mut number = || match random.below(20) {
        0 => f64::NAN,
        1 => 0.0,
        2 => -0.0,
        3 => f64::INFINITY,
        4 => f64::NEG_INFINITY,
        5 => 1e-36,
        _ => (random.below(n_thresholds * 2) as f64 / 2.0 - n_thresholds as f64 / 2.0) / 8.0,
    };
    let doubles = (0..n_rows).map(|_| number()).collect();
    let singles = (0..n_rows).map(|_| number() as f32).collect();
    let others = (0..n_rows).map(|_| number()).collect();
    let bits = (0..n_rows.div_ceil(8)).map(|_| random.next() as u8 | random.next() as u8).collect();
    // Some levels were never seen.
    let level = |random: &mut Random| match random.below(15) {
        0 => yw_trees::MISSING_LEVEL,
        1 => 1_000_000,
        _ => random.below(N_LEVELS + 10) as u32,
    };
    let levels = (0..n_rows).map(|_| level(random)).collect();
    let columns = vec![
        Column::Numbers(doubles),
        Column::Singles(singles),
        Column::Levels(levels),
        Column::Nullable(others, bits),
    ];
    Table::new(columns, vec![0.0; n_rows])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn of_random_trees(
        seed: u64,
        n_trees in 0usize..30,
        n_outputs in 1usize..5,
        max_splits in prop_oneof![Just(0usize), 1usize..8, 20usize..127, 127usize..140, 200usize..600],
        n_thresholds in prop_oneof![1usize..20, 100usize..240, 250usize..258, 400usize..2000],
        is_chain: bool,
        n_rows in prop_oneof![1usize..20, 120usize..300],
    ) {
        let shape = Shape { n_trees, n_outputs, max_splits, n_thresholds, is_chain };
        let mut random = Random(seed);
        let ensemble = random_ensemble(&mut random, shape);
        let rows = random_rows(&mut random, n_rows, n_thresholds);
        check(&ensemble, &rows);
    }
}

#[test]
fn of_fitted_trees() {
    for objective in OBJECTIVES {
        let train = table_for(objective, 111, 1000);
        for (max_leaves, max_bins) in [(8, 255), (100, 100), (300, 1000)] {
            let params = TreesParams { max_leaves, max_bins, min_rows_per_leaf: 1, ..small(objective) };
            let ensemble = train.fit(&params);
            for n_rows in [1, 7, 8, 9, 127, 128, 129, 300] {
                check(&ensemble, &table_for(objective, 112, n_rows));
            }
        }
    }
}

#[test]
fn of_each_row_alone_and_with_any_number_of_threads() {
    let ensemble =
        table_for(Objective::Softmax { n_classes: 3 }, 113, 800).fit(&small(Objective::Softmax { n_classes: 3 }));
    let rows = table_for(Objective::Softmax { n_classes: 3 }, 114, 700);
    let compiled = CompiledEnsemble::new(&ensemble);
    let together = on_threads(1, || compiled.margins(&rows.columns()));
    assert_eq!(together, on_threads(8, || compiled.margins(&rows.columns())));
    for row in [0, 5, 128, 699] {
        assert_eq!(compiled.margins(&rows.pick(&[row]).columns()), together[3 * row..3 * row + 3]);
    }
}

#[test]
fn of_trees_without_splits() {
    let constant = |values: &[f64]| Ensemble {
        features: vec![FeatureInfo { name: "x".into(), n_levels: None }],
        base: vec![0.1, 0.2],
        trees: values.iter().map(|&value| Tree::constant(value)).collect(),
        link: Link::Identity,
    };
    for n_rows in [0, 1, 10, 200] {
        let rows = Table::new(vec![Column::Numbers(vec![f64::NAN; n_rows])], vec![0.0; n_rows]);
        check(&constant(&[]), &rows);
        check(&constant(&[0.3, 0.7, 1e-9, 1e9]), &rows);
    }
}

#[test]
fn of_a_chain_as_deep_as_a_hostile_file_has_it() {
    let n_splits = 300_000;
    let split = |idx: u32| Split {
        feature: 0,
        rule: Rule::AtMost { threshold: f64::from(idx % 50), zero_is_missing: false },
        missing_left: false,
        left: Child::Leaf(idx),
        right: if idx + 1 < n_splits { Child::Split(idx + 1) } else { Child::Leaf(n_splits) },
        gain: 0.0,
        cover: 0.0,
        n_rows: 0,
    };
    let leaf = |idx: u32| Leaf { value: f64::from(idx), cover: 0.0, n_rows: 0 };
    let ensemble = Ensemble {
        features: vec![FeatureInfo { name: "x".into(), n_levels: None }],
        base: vec![0.0],
        trees: vec![Tree { splits: (0..n_splits).map(split).collect(), leaves: (0..=n_splits).map(leaf).collect() }],
        link: Link::Identity,
    };
    let x = (0..12).map(|i| if i == 5 { f64::NAN } else { f64::from(i * 5) }).collect();
    check(&ensemble, &Table::new(vec![Column::Numbers(x)], vec![0.0; 12]));
}

#[test]
fn of_more_thresholds_and_sets_than_numbers_of_two_bytes() {
    let mut random = Random(115);
    let features = |n_levels| vec![FeatureInfo { name: "x".into(), n_levels }];
    let stump = |rule: Rule, i: usize| {
        let mut tree = Tree::constant(i as f64);
        tree.leaves.push(Leaf { value: -0.5, cover: 0.0, n_rows: 0 });
        let (left, right) = (Child::Leaf(0), Child::Leaf(1));
        tree.splits.push(Split {
            feature: 0,
            rule,
            missing_left: i.is_multiple_of(2),
            left,
            right,
            gain: 0.0,
            cover: 0.0,
            n_rows: 0,
        });
        tree
    };
    let number = |i: usize| stump(Rule::AtMost { threshold: i as f64, zero_is_missing: false }, i);
    let numbers = Ensemble {
        features: features(None),
        base: vec![0.0],
        trees: (0..70_000).map(number).collect(),
        link: Link::Identity,
    };
    let x = (0..20).map(|i| if i == 3 { f64::NAN } else { random.unit() * 71_000.0 }).collect();
    check(&numbers, &Table::new(vec![Column::Numbers(x)], vec![0.0; 20]));

    // A different set in each split.
    let set = |i: usize| stump(Rule::OneOf((0..20).filter(|level| i >> level & 1 == 1).collect()), i);
    let sets = Ensemble { features: features(Some(20)), trees: (0..70_000).map(set).collect(), ..numbers };
    let levels = (0..20).map(|i| if i == 3 { yw_trees::MISSING_LEVEL } else { i }).collect();
    check(&sets, &Table::new(vec![Column::Levels(levels)], vec![0.0; 20]));
}
