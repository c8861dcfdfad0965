//! Splits: disjoint, complete, stratified, whole groups, in order of time, and the same for the same rows.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use yw_table::{Split, SplitBy, SplitSpec, Table, group_ids, split};
use yw_task::Truth;

use crate::support::{Numbers, table_with};

/// A table with random labels of the given frequencies, groups, and times; `order` is the order of its rows.
fn any_table(n_rows: usize, n_labels: u64, n_groups: u64, seed: u64, order: &[usize]) -> Table {
    let mut numbers = Numbers(seed);
    let rows: Vec<String> = (0..n_rows)
        .map(|i| {
            // Squares make some labels rare.
            let label = numbers.below(n_labels) * numbers.below(n_labels) / n_labels.max(1);
            let day = numbers.below(28) + 1;
            format!("{i},2024-02-{day:02},g{},l{label}\n", numbers.below(n_groups))
        })
        .collect();
    let body: String = order.iter().map(|i| rows[*i].as_str()).collect();
    table_with(&format!("n,day,who,team\n{body}"), "n:number day:time", "team:label", &["who"])
}

fn in_order(n_rows: usize) -> Vec<usize> {
    (0..n_rows).collect()
}

fn labels(table: &Table) -> &[u32] {
    match table.truth.as_ref() {
        Some(Truth::Label { ids, .. }) => ids,
        _ => panic!("labels"),
    }
}

fn count(rows: &[usize], labels: &[u32]) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    rows.iter().for_each(|row| *counts.entry(labels[*row]).or_default() += 1);
    counts
}

/// The rows' own numbers (their field `n`), which stay when rows change places.
fn numbers_of(table: &Table, rows: &[usize]) -> BTreeSet<String> {
    rows.iter().map(|row| table.rows.row_json(*row)["n"].to_string()).collect()
}

fn assert_partition(split: &Split, n_rows: usize) {
    let mut all: Vec<usize> = split.train.iter().chain(&split.test).copied().collect();
    all.sort_unstable();
    assert_eq!(all, in_order(n_rows));
    assert!(split.train.is_sorted() && split.test.is_sorted());
    assert!(!split.train.is_empty() && !split.test.is_empty());
}

fn fraction(fraction: f64, by: SplitBy) -> SplitSpec {
    SplitSpec::Fraction { fraction, by }
}

fn folds(folds: u32, by: SplitBy) -> SplitSpec {
    SplitSpec::Folds { folds, by }
}

fn by_group() -> SplitBy {
    SplitBy::Group("who".into())
}

fn by_day() -> SplitBy {
    SplitBy::Time("day".into())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn fractions_are_stratified(n_rows in 10..150usize, n_labels in 1..8u64, share in 0.05..0.95f64, seed: u64) {
        let table = any_table(n_rows, n_labels, 5, seed, &in_order(n_rows));
        let splits = split(&table, &fraction(share, SplitBy::Random), seed).unwrap();
        prop_assert_eq!(splits.len(), 1);
        assert_partition(&splits[0], n_rows);
        let (all, test) = (count(&in_order(n_rows), labels(&table)), count(&splits[0].test, labels(&table)));
        for (label, n) in &all {
            let n_test = test.get(label).copied().unwrap_or_default();
            if *n == 1 && all.len() > 1 && all.values().any(|n| *n > 1) {
                prop_assert_eq!(n_test, 0, "a single row is learned from");
            } else {
                prop_assert!((n_test as f64 - *n as f64 * share).abs() < 1.0 + 1e-9, "{} of {}", n_test, n);
            }
        }
    }

    #[test]
    fn folds_test_every_row_once_and_are_stratified(n_rows in 10..150usize, n_labels in 1..8u64, k in 2..8u32, seed: u64) {
        let table = any_table(n_rows, n_labels, 5, seed, &in_order(n_rows));
        let splits = split(&table, &folds(k, SplitBy::Random), seed).unwrap();
        prop_assert_eq!(splits.len(), k as usize);
        splits.iter().for_each(|s| assert_partition(s, n_rows));
        let mut tested: Vec<usize> = splits.iter().flat_map(|s| s.test.clone()).collect();
        tested.sort_unstable();
        prop_assert_eq!(tested, in_order(n_rows));
        let all = count(&in_order(n_rows), labels(&table));
        for fold in &splits {
            prop_assert!((fold.test.len() as f64 - n_rows as f64 / f64::from(k)).abs() < 1.0);
            let test = count(&fold.test, labels(&table));
            for (label, n) in &all {
                let n_test = test.get(label).copied().unwrap_or_default();
                prop_assert!((n_test as f64 - *n as f64 / f64::from(k)).abs() < 1.0);
            }
        }
    }

    #[test]
    fn groups_never_straddle(n_rows in 40..150usize, n_groups in 6..20u64, share in 0.1..0.9f64, k in 2..5u32, seed: u64) {
        let table = any_table(n_rows, 3, n_groups, seed, &in_order(n_rows));
        let groups = group_ids(&table, "who").unwrap();
        prop_assume!(groups.iter().collect::<BTreeSet<_>>().len() >= k as usize);
        let mut splits = split(&table, &folds(k, by_group()), seed).unwrap();
        let mut tested: Vec<usize> = splits.iter().flat_map(|s| s.test.clone()).collect();
        tested.sort_unstable();
        prop_assert_eq!(tested, in_order(n_rows));
        splits.extend(split(&table, &fraction(share, by_group()), seed).unwrap());
        for split in &splits {
            assert_partition(split, n_rows);
            let train: BTreeSet<u32> = split.train.iter().map(|row| groups[*row]).collect();
            prop_assert!(split.test.iter().all(|row| !train.contains(&groups[*row])));
        }
    }

    #[test]
    fn the_future_is_never_learned_from(n_rows in 10..150usize, share in 0.05..0.95f64, k in 2..6u32, seed: u64) {
        let table = any_table(n_rows, 3, 5, seed, &in_order(n_rows));
        let day = |row: &usize| table.rows.row_json(*row)["day"].to_string();
        let latest = split(&table, &fraction(share, by_day()), seed).unwrap();
        assert_partition(&latest[0], n_rows);
        let chained = split(&table, &folds(k, by_day()), seed).unwrap();
        prop_assert_eq!(chained.len(), k as usize);
        for split in latest.iter().chain(&chained) {
            let last_train = split.train.iter().map(day).max().unwrap();
            prop_assert!(split.test.iter().all(|row| day(row) >= last_train));
        }
        let mut tested: Vec<usize> = chained.iter().flat_map(|s| s.test.clone()).collect();
        let n_tested = tested.len();
        tested.sort_unstable();
        tested.dedup();
        prop_assert_eq!(tested.len(), n_tested, "each row is tested at most once");
        prop_assert_eq!(n_tested + chained[0].train.len(), n_rows);
    }

    #[test]
    fn the_order_of_the_rows_does_not_matter(n_rows in 20..80usize, seed: u64) {
        let mut shuffled = in_order(n_rows);
        let mut numbers = Numbers(seed);
        (1..n_rows).rev().for_each(|i| shuffled.swap(i, numbers.below(i as u64 + 1) as usize));
        let (a, b) = (any_table(n_rows, 4, 6, seed, &in_order(n_rows)), any_table(n_rows, 4, 6, seed, &shuffled));
        for spec in [
            fraction(0.3, SplitBy::Random), fraction(0.3, by_group()), fraction(0.3, by_day()),
            folds(3, SplitBy::Random), folds(3, by_group()), folds(3, by_day()),
        ] {
            let (of_a, of_b) = (split(&a, &spec, 7), split(&b, &spec, 7));
            prop_assert_eq!(of_a.is_ok(), of_b.is_ok());
            for (x, y) in of_a.unwrap_or_default().iter().zip(of_b.unwrap_or_default()) {
                prop_assert_eq!(numbers_of(&a, &x.test), numbers_of(&b, &y.test), "{:?}", spec);
            }
        }
    }
}

#[test]
fn seeds_make_different_splits() {
    let table = any_table(100, 3, 5, 1, &in_order(100));
    let of = |seed| split(&table, &fraction(0.2, SplitBy::Random), seed).unwrap();
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
    assert_eq!(of(1)[0].test.len(), 20);
}

#[test]
fn rows_without_group_are_groups_of_their_own() {
    let table = table_with("n,who\n1,a\n1,\n1,\n2, a \n3,b\n", "n:number", "", &["who"]);
    assert_eq!(group_ids(&table, "who").unwrap(), [0, 1, 2, 0, 3]);
    assert_eq!(group_ids(&table, "n").unwrap(), [0, 0, 0, 1, 2]);
}

#[test]
fn extra_columns_order_by_time_or_number() {
    let csv = "n,when,year,word\n1,2024-05-02,2021,x\n2,2023-01-01T00:00:00Z,2023,y\n3,2024-05-01,2022,2020\n";
    let table = table_with(csv, "n:number", "", &["when", "year", "word"]);
    let last = |column: &str| split(&table, &fraction(0.2, SplitBy::Time(column.into())), 0).map(|s| s[0].test.clone());
    assert_eq!(last("when"), Ok(vec![0]));
    assert_eq!(last("year"), Ok(vec![1]));
    assert_eq!(
        last("word").unwrap_err().to_string(),
        "t.csv line 2, column `word`: `x` is neither a time nor a number, so rows cannot be ordered by it"
    );
    assert_eq!(last("month").unwrap_err().to_string(), "the table has no column `month` to split by");
}

#[test]
fn impossible_splits() {
    let table = table_with("n,when,who\n1,2024-01-01,a\n2,,a\n3,,a\n", "n:number", "", &["when", "who"]);
    let message = |spec| split(&table, &spec, 0).unwrap_err().to_string();
    assert_eq!(message(fraction(1.5, SplitBy::Random)), "the fraction of test rows must be between 0 and 1, not 1.5");
    assert_eq!(
        message(fraction(f64::NAN, SplitBy::Random)),
        "the fraction of test rows must be between 0 and 1, not NaN"
    );
    assert_eq!(message(folds(1, SplitBy::Random)), "there must be at least 2 folds, not 1");
    assert_eq!(message(folds(4, SplitBy::Random)), "too few rows to split: 3, at least 4 are needed");
    assert_eq!(message(folds(2, by_group())), "too few groups in column `who` to split: 1, at least 2 are needed");
    assert_eq!(
        message(fraction(0.5, SplitBy::Time("when".into()))),
        "t.csv line 3, column `when`: the value is missing, so the row has no place in time (2 such rows)"
    );
}
