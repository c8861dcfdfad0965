use super::*;
use crate::{Bitmap, Child, FeatureInfo, Leaf, LevelSet, Link, MISSING_LEVEL, Rule, Split, Tree};

/// Features 0 to 3 are numbers with missing values, 4 and 5 categories.
const N_FEATURES: usize = 6;
const N_NUMBERS: usize = 4;
const N_LEVELS: u32 = 5;

#[test]
fn path_dependent_values_are_those_of_enumeration() {
    for seed in 0..30 {
        let mut random = Random(seed);
        let model = random.model(1 + seed as usize % 3, 4, seed as usize % 13);
        let rows = random.rows(7);
        let explained = Explainer::path_dependent(&model).unwrap_and_explain(&rows);
        check_against_enumeration(&model, &rows, &explained, expected_by_covers);
    }
}

#[test]
fn interventional_values_are_those_of_enumeration() {
    for seed in 100..130 {
        let mut random = Random(seed);
        let model = random.model(1 + seed as usize % 3, 4, seed as usize % 13);
        let (rows, background) = (random.rows(7), random.rows(9));
        let explained = Explainer::interventional(&model, &background.columns()).unwrap().unwrap_and_explain(&rows);
        check_against_enumeration(&model, &rows, &explained, |tree, row, known| {
            let answer = |other: &[f64]| leaf_value(tree, |f| if known >> f & 1 == 1 { row[f] } else { other[f] });
            background.values.iter().map(|other| answer(other)).sum::<f64>() / background.values.len() as f64
        });
    }
}

#[test]
fn a_row_has_the_same_bits_in_every_batch_and_with_any_number_of_threads() {
    let mut random = Random(7);
    let model = random.model(2, 10, 25);
    // Enough for tables on all paths, for several blocks, and for one that is not full.
    let rows = random.rows(2500);
    let background = random.rows(50);
    for explainer in
        [Explainer::path_dependent(&model), Explainer::interventional(&model, &background.columns()).unwrap()]
    {
        let on = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| explainer.unwrap_and_explain(&rows))
        };
        let together = on(1);
        assert!(together == on(3), "the number of threads makes a difference");
        for row_idx in [0, 1, 1023, 1024, 2499] {
            let alone = explainer.unwrap_and_explain(&Rows { values: vec![rows.values[row_idx].clone()] });
            for output in 0..2 {
                assert_eq!(alone.row(0, output), together.row(row_idx, output), "row {row_idx}");
            }
        }
    }
}

#[test]
fn long_paths_add_up_to_the_margin() {
    // A chain: every path is a prefix of the features, the longest of 90 and with some of them twice.
    let n_features = 90;
    let n_splits = 120;
    let mut random = Random(3);
    let splits = (0..n_splits).map(|idx| Split {
        left: Child::Leaf(idx),
        right: if idx + 1 < n_splits { Child::Split(idx + 1) } else { Child::Leaf(n_splits) },
        ..number_split(idx % n_features, -1.5 + random.unit(), 10 * (n_splits - idx))
    });
    let splits = splits.collect();
    let leaves = (0..=n_splits).map(|_| Leaf { value: random.normal(), cover: 0.0, n_rows: 10 }).collect();
    let model = model(n_features as usize, vec![0.5], vec![Tree { splits, leaves }]);
    let rows = Rows { values: (0..40).map(|_| (0..n_features).map(|_| random.normal()).collect()).collect() };
    let background = Rows { values: (0..20).map(|_| (0..n_features).map(|_| random.normal()).collect()).collect() };
    let path_dependent = Explainer::path_dependent(&model);
    let interventional = Explainer::interventional(&model, &background.numbers()).unwrap();
    for explainer in [path_dependent, interventional] {
        let explained = explainer.explain(&rows.numbers()).unwrap();
        assert!(explained.values.iter().filter(|value| **value != 0.0).count() > 1000);
        check_sums(&model, &rows, &explained);
    }
}

#[test]
fn lightgbm_says_the_same() {
    let (model, rows, theirs) = lightgbm_fixture(include_str!("../../tests/fixtures/lightgbm_contributions.txt"));
    let ours = Explainer::path_dependent(&model).explain(&rows.numbers()).unwrap();
    let n_outputs = model.n_outputs();
    assert!(theirs.len() == 20 && theirs.iter().flatten().filter(|value| **value != 0.0).count() > 250);
    for (row_idx, theirs) in theirs.iter().enumerate() {
        for output in 0..n_outputs {
            let theirs = &theirs[output * (N_FEATURES + 1)..][..N_FEATURES + 1];
            let ours = ours.row(row_idx, output).iter().chain([&ours.expected[output]]);
            for (feature, (ours, theirs)) in ours.zip(theirs).enumerate() {
                let close = (ours - theirs).abs() <= 1e-12;
                assert!(close, "row {row_idx}, output {output}, feature {feature}: {ours} is not {theirs}");
            }
        }
    }
}

#[test]
fn features_that_no_tree_asks_about_get_exactly_nothing() {
    let mut random = Random(11);
    let mut model = random.model(1, 6, 10);
    for split in model.trees.iter_mut().flat_map(|tree| &mut tree.splits) {
        if split.feature == 2 {
            split.feature = 0;
        }
    }
    let rows = random.rows(300);
    let explained = Explainer::path_dependent(&model).unwrap_and_explain(&rows);
    assert!((0..300).all(|row_idx| explained.row(row_idx, 0)[2] == 0.0));
    assert!(explained.mean_absolute(0)[0] > 0.0);
    assert_eq!(explained.mean_absolute(0)[2], 0.0);
}

#[test]
fn features_that_do_the_same_get_the_same() {
    // An exclusive or with the same covers either way.
    let splits = vec![
        Split { left: Child::Split(1), right: Child::Split(2), ..number_split(0, 0.0, 100) },
        Split { left: Child::Leaf(0), right: Child::Leaf(1), ..number_split(1, 0.0, 60) },
        Split { left: Child::Leaf(2), right: Child::Leaf(3), ..number_split(1, 0.0, 40) },
    ];
    let leaf = |value, n_rows| Leaf { value, cover: 0.0, n_rows };
    let leaves = vec![leaf(0.0, 36), leaf(1.0, 24), leaf(1.0, 24), leaf(0.0, 16)];
    let model = model(2, vec![0.0], vec![Tree { splits, leaves }]);
    let rows = Rows { values: vec![vec![1.0, 1.0], vec![-1.0, -1.0]] };
    let explained = Explainer::path_dependent(&model).explain(&rows.numbers()).unwrap();
    for row_idx in 0..2 {
        let row = explained.row(row_idx, 0);
        assert!((row[0] - row[1]).abs() < 1e-15 && row[0] < -0.1, "{row:?}");
    }
}

#[test]
fn branches_without_covers_are_equally_likely() {
    let mut random = Random(5);
    let mut model = random.model(1, 5, 9);
    for tree in &mut model.trees {
        tree.splits.iter_mut().for_each(|split| (split.n_rows, split.cover) = (0, f64::NAN));
        tree.leaves.iter_mut().for_each(|leaf| (leaf.n_rows, leaf.cover) = (0, f64::NAN));
    }
    let rows = random.rows(5);
    let explained = Explainer::path_dependent(&model).unwrap_and_explain(&rows);
    check_against_enumeration(&model, &rows, &explained, expected_by_covers);
}

#[test]
fn hessians_count_where_rows_are_not_known() {
    let splits = vec![Split { left: Child::Leaf(0), right: Child::Leaf(1), ..number_split(0, 0.0, 0) }];
    let leaves = vec![Leaf { value: 0.0, cover: 3.0, n_rows: 0 }, Leaf { value: 8.0, cover: 1.0, n_rows: 0 }];
    let mut model = model(1, vec![1.0], vec![Tree { splits, leaves }, Tree::constant(0.25)]);
    assert_eq!(Explainer::path_dependent(&model).expected, [3.25]);
    model.trees[0].leaves[0].n_rows = 1;
    model.trees[0].leaves[1].n_rows = 1;
    assert_eq!(Explainer::path_dependent(&model).expected, [5.25]);
}

#[test]
fn models_without_trees_and_tables_without_rows_are_explained() {
    let empty = model(2, vec![1.5], Vec::new());
    let rows = Rows { values: vec![vec![1.0, 2.0]] };
    let explained = Explainer::path_dependent(&empty).explain(&rows.numbers()).unwrap();
    assert_eq!((explained.row(0, 0), explained.expected.as_slice()), ([0.0, 0.0].as_slice(), [1.5].as_slice()));

    let mut random = Random(1);
    let model = random.model(2, 3, 5);
    let none = Explainer::path_dependent(&model).unwrap_and_explain(&Rows { values: Vec::new() });
    assert_eq!((none.n_rows, none.values.len(), none.mean_absolute(1)), (0, 0, vec![0.0; N_FEATURES]));
}

#[test]
fn rows_of_another_model_and_empty_backgrounds_are_refused() {
    let mut random = Random(1);
    let model = random.model(1, 3, 5);
    let narrow = Columns::new(1, vec![Feature::F64(&[1.0], None)]);
    let error = ExplainError::Features { expected: N_FEATURES, found: 1 };
    assert_eq!(Explainer::path_dependent(&model).explain(&narrow), Err(error.clone()));
    assert_eq!(Explainer::interventional(&model, &narrow).map(drop), Err(error));
    let empty = Rows { values: Vec::new() };
    assert_eq!(Explainer::interventional(&model, &empty.columns()).map(drop), Err(ExplainError::NoBackground));
}

#[test]
fn values_may_be_of_any_type() {
    let mut random = Random(21);
    let model = random.model(1, 5, 12);
    let rows = random.rows(90);
    let doubles = Explainer::path_dependent(&model).explain(&rows.numbers()).unwrap();
    let singles: Vec<Vec<f32>> =
        (0..N_FEATURES).map(|f| rows.values.iter().map(|row| row[f] as f32).collect()).collect();
    let present: Vec<Vec<u8>> = (0..N_NUMBERS)
        .map(|f| {
            let mut bytes = vec![0; 12];
            rows.values
                .iter()
                .enumerate()
                .filter(|(_, row)| !row[f].is_nan())
                .for_each(|(i, _)| bytes[i / 8] |= 1 << (i % 8));
            bytes
        })
        .collect();
    let filled: Vec<Vec<f32>> =
        singles.iter().map(|column| column.iter().map(|v| if v.is_nan() { 9.0 } else { *v }).collect()).collect();
    let levels = rows.levels();
    let features = (0..N_FEATURES).map(|f| match f.checked_sub(N_NUMBERS) {
        None => Feature::F32(&filled[f], Some(Bitmap::new(&present[f], 0))),
        Some(category) => Feature::Levels(&levels[category]),
    });
    let columns = Columns::new(90, features.collect());
    assert_eq!(Explainer::path_dependent(&model).explain(&columns).unwrap(), doubles);
}

#[test]
fn importances_are_sums_over_splits() {
    let mut splits = vec![
        Split { left: Child::Split(1), right: Child::Split(2), ..number_split(1, 0.0, 9) },
        Split { left: Child::Leaf(0), right: Child::Leaf(1), ..number_split(2, 0.0, 5) },
        Split { left: Child::Leaf(2), right: Child::Leaf(3), ..number_split(1, 0.0, 4) },
    ];
    for (split, (gain, cover)) in splits.iter_mut().zip([(10.0, 2.5), (3.0, 1.5), (4.0, 1.0)]) {
        (split.gain, split.cover) = (gain, cover);
    }
    let tree = Tree { splits, leaves: vec![Leaf { value: 0.0, cover: 0.0, n_rows: 0 }; 4] };
    let model = model(3, vec![0.0], vec![tree.clone(), tree]);
    assert_eq!(model.importance(Importance::Gain), [0.0, 28.0, 6.0]);
    assert_eq!(model.importance(Importance::Cover), [0.0, 7.0, 3.0]);
    assert_eq!(model.importance(Importance::Splits), [0.0, 4.0, 2.0]);
}

/// Compares with Shapley's formula, where `value_of` says what a tree answers for a row of which only some features, as
/// bits, are known.
fn check_against_enumeration(
    model: &Ensemble,
    rows: &Rows,
    explained: &Contributions,
    value_of: impl Fn(&Tree, &[f64], usize) -> f64,
) {
    let factorial = |n: usize| (1..=n).product::<usize>() as f64;
    let n_outputs = model.n_outputs();
    for (row_idx, row) in rows.values.iter().enumerate() {
        for output in 0..n_outputs {
            let trees = model.trees.iter().skip(output).step_by(n_outputs);
            let mut expected = vec![0.0; N_FEATURES];
            let mut base = model.base[output];
            for tree in trees {
                let values: Vec<f64> = (0..1 << N_FEATURES).map(|known| value_of(tree, row, known)).collect();
                base += values[0];
                for (feature, expected) in expected.iter_mut().enumerate() {
                    for known in (0..1_usize << N_FEATURES).filter(|known| known >> feature & 1 == 0) {
                        let n_known = known.count_ones() as usize;
                        let weight = factorial(n_known) * factorial(N_FEATURES - 1 - n_known) / factorial(N_FEATURES);
                        *expected += weight * (values[known | 1 << feature] - values[known]);
                    }
                }
            }
            let ours = explained.row(row_idx, output);
            for (feature, (ours, expected)) in ours.iter().zip(&expected).enumerate() {
                let close = (ours - expected).abs() < 1e-12;
                assert!(close, "row {row_idx}, output {output}, feature {feature}: {ours} is not {expected}");
            }
            assert!((explained.expected[output] - base).abs() < 1e-12);
        }
    }
    check_sums(model, rows, explained);
}

fn check_sums(model: &Ensemble, rows: &Rows, explained: &Contributions) {
    for (row_idx, row) in rows.values.iter().enumerate() {
        for (output, margin) in model.margins(|feature| row[feature as usize]).into_iter().enumerate() {
            let sum = explained.expected[output] + explained.row(row_idx, output).iter().sum::<f64>();
            assert!((sum - margin).abs() < 1e-10 * margin.abs().max(1.0), "row {row_idx}: {sum} is not {margin}");
        }
    }
}

/// What a tree answers when only some features are known: branches in proportion to rows, or to hessians if the tree knows
/// no rows, or equally likely.
fn expected_by_covers(tree: &Tree, row: &[f64], known: usize) -> f64 {
    fn cover(tree: &Tree, node: Child) -> f64 {
        let (n_rows, hessians) = match node {
            Child::Split(idx) => (tree.splits[idx as usize].n_rows, tree.splits[idx as usize].cover),
            Child::Leaf(idx) => (tree.leaves[idx as usize].n_rows, tree.leaves[idx as usize].cover),
        };
        if tree.leaves.iter().any(|leaf| leaf.n_rows != 0) { f64::from(n_rows) } else { hessians }
    }
    fn visit(tree: &Tree, node: Child, row: &[f64], known: usize) -> f64 {
        let split = match node {
            Child::Leaf(idx) => return tree.leaves[idx as usize].value,
            Child::Split(idx) => &tree.splits[idx as usize],
        };
        if known >> split.feature & 1 == 1 {
            let next = if split.goes_left(row[split.feature as usize]) { split.left } else { split.right };
            return visit(tree, next, row, known);
        }
        let (left, right) = (cover(tree, split.left), cover(tree, split.right));
        let (left, right) = if left + right > 0.0 { (left, right) } else { (1.0, 1.0) };
        (left * visit(tree, split.left, row, known) + right * visit(tree, split.right, row, known)) / (left + right)
    }
    visit(tree, tree.root(), row, known)
}

fn leaf_value(tree: &Tree, value_of: impl Fn(usize) -> f64) -> f64 {
    tree.leaves[tree.leaf_of(|feature| value_of(feature as usize)) as usize].value
}

fn model(n_features: usize, base: Vec<f64>, trees: Vec<Tree>) -> Ensemble {
    let features = (0..n_features).map(|idx| FeatureInfo { name: format!("x{idx}"), n_levels: None }).collect();
    Ensemble { features, base, trees, link: Link::Identity }
}

/// A split by a number whose children are to be filled in.
fn number_split(feature: u32, threshold: f64, n_rows: u32) -> Split {
    Split {
        feature,
        rule: Rule::AtMost { threshold, zero_is_missing: false },
        missing_left: false,
        left: Child::Leaf(0),
        right: Child::Leaf(0),
        gain: 0.0,
        cover: 0.0,
        n_rows,
    }
}

/// Rows, each with a value per feature.
struct Rows {
    values: Vec<Vec<f64>>,
}

impl Rows {
    /// As columns of numbers; levels are numbers too.
    fn numbers(&self) -> Columns<'static> {
        let n_features = self.values.first().map_or(N_FEATURES, Vec::len);
        let column = |f: usize| self.values.iter().map(|row| row[f]).collect::<Vec<_>>();
        let features = (0..n_features).map(|f| Feature::F64(column(f).leak(), None)).collect();
        Columns::new(self.values.len(), features)
    }

    /// As columns of numbers and of levels.
    fn columns(&self) -> Columns<'static> {
        let mut features = self.numbers().features()[..N_NUMBERS].to_vec();
        features.extend(self.levels().into_iter().map(|levels| Feature::Levels(levels.leak())));
        Columns::new(self.values.len(), features)
    }

    fn levels(&self) -> Vec<Vec<u32>> {
        let level = |value: f64| if value.is_nan() { MISSING_LEVEL } else { value as u32 };
        (N_NUMBERS..N_FEATURES).map(|f| self.values.iter().map(|row| level(row[f])).collect()).collect()
    }
}

impl Explainer {
    fn unwrap_and_explain(&self, rows: &Rows) -> Contributions {
        self.explain(&rows.columns()).unwrap()
    }
}

/// SplitMix64 (Steele, Lea & Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, end: usize) -> usize {
        (self.unit() * end as f64) as usize
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    fn rows(&mut self, n_rows: usize) -> Rows {
        let value = |f: usize, random: &mut Random| match random.below(6) {
            0 => f64::NAN,
            1 if f < N_NUMBERS => 0.0,
            // One level more than the trees know. In single precision, so that both precisions agree.
            _ if f < N_NUMBERS => f64::from(random.normal() as f32),
            _ => random.below(N_LEVELS as usize + 1) as f64,
        };
        Rows { values: (0..n_rows).map(|_| (0..N_FEATURES).map(|f| value(f, self)).collect()).collect() }
    }

    fn model(&mut self, n_outputs: usize, n_rounds: usize, n_splits: usize) -> Ensemble {
        let trees = (0..n_outputs * n_rounds).map(|_| self.tree(n_splits)).collect();
        model(N_FEATURES, (0..n_outputs).map(|_| self.normal()).collect(), trees)
    }

    /// A tree that grows at random places, with random covers, some of them zero.
    fn tree(&mut self, n_splits: usize) -> Tree {
        let mut tree = Tree::constant(0.0);
        tree.leaves[0] = self.leaf();
        for idx in 0..n_splits as u32 {
            let grown = self.below(tree.leaves.len()) as u32;
            let new_leaf = tree.leaves.len() as u32;
            for split in &mut tree.splits {
                for child in [&mut split.left, &mut split.right] {
                    if *child == Child::Leaf(grown) {
                        *child = Child::Split(idx);
                    }
                }
            }
            let (feature, threshold) = (self.below(N_FEATURES), self.normal());
            let mut split = number_split(feature as u32, threshold, self.below(50) as u32);
            if feature < N_NUMBERS {
                split.rule = Rule::AtMost { threshold, zero_is_missing: self.below(3) == 0 };
            } else {
                let levels: LevelSet = (0..N_LEVELS).filter(|_| self.below(2) == 0).collect();
                split.rule = Rule::OneOf(levels);
            }
            split.missing_left = self.below(2) == 0;
            split.cover = self.unit();
            (split.left, split.right) = (Child::Leaf(grown), Child::Leaf(new_leaf));
            tree.splits.push(split);
            tree.leaves[grown as usize] = self.leaf();
            tree.leaves.push(self.leaf());
        }
        tree
    }

    fn leaf(&mut self) -> Leaf {
        let n_rows = if self.below(5) == 0 { 0 } else { 1 + self.below(30) as u32 };
        Leaf { value: self.normal(), cover: self.unit(), n_rows }
    }
}

/// The model, the rows and LightGBM's contributions, as `tests/fixtures/lightgbm_contributions.py` writes them.
fn lightgbm_fixture(text: &str) -> (Ensemble, Rows, Vec<Vec<f64>>) {
    let numbers = |words: &[&str]| -> Vec<f64> { words.iter().map(|word| word.parse().unwrap()).collect() };
    let child = |word: &str| match word.strip_prefix("split") {
        Some(idx) => Child::Split(idx.parse().unwrap()),
        None => Child::Leaf(word.strip_prefix("leaf").unwrap().parse().unwrap()),
    };
    let mut model = model(N_FEATURES, Vec::new(), Vec::new());
    let (mut rows, mut contributions) = (Rows { values: Vec::new() }, Vec::new());
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "outputs" => model.base = vec![0.0; words[1].parse().unwrap()],
            "tree" => model.trees.push(Tree { splits: Vec::new(), leaves: Vec::new() }),
            "split" => model.trees.last_mut().unwrap().splits.push(Split {
                rule: match words[2] {
                    "atmost" => Rule::AtMost { threshold: words[3].parse().unwrap(), zero_is_missing: false },
                    _ => Rule::OneOf(words[3].split(',').map(|level| level.parse::<u32>().unwrap()).collect()),
                },
                missing_left: words[4] == "1",
                left: child(words[5]),
                right: child(words[6]),
                ..number_split(words[1].parse().unwrap(), 0.0, words[7].parse().unwrap())
            }),
            "leaf" => {
                let leaf = Leaf { value: words[1].parse().unwrap(), cover: 0.0, n_rows: words[2].parse().unwrap() };
                model.trees.last_mut().unwrap().leaves.push(leaf);
            }
            "row" => rows.values.push(numbers(&words[1..])),
            _ => contributions.push(numbers(&words[1..])),
        }
    }
    (model, rows, contributions)
}
