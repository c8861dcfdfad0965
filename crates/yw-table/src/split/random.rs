//! Random splits, the same share of every label.

use yw_task::Truth;

use super::ranks;
use crate::Table;

/// Whether each row is a test row.
pub(super) fn fraction(table: &Table, fraction: f64, seed: u64) -> Vec<bool> {
    let strata = strata(table);
    let mut n_rows = vec![0usize; strata.iter().max().map_or(0, |s| *s as usize + 1)];
    strata.iter().for_each(|s| n_rows[*s as usize] += 1);
    // A label that is only in the test rows could not be learned.
    let is_single = |row: &usize| n_rows[strata[*row] as usize] == 1 && n_rows.len() > 1;
    let ordered = ordered(&strata, &ranks(table, seed));
    let many: Vec<usize> = ordered.iter().copied().filter(|row| !is_single(row)).collect();
    let candidates = if many.is_empty() { &ordered } else { &many };

    // Rows at equal distances: of any run of rows, and so of each label, the share is right to within one row.
    let n_test_before = |i: usize| (i as f64 * fraction + 0.5).floor();
    let mut is_test = vec![false; strata.len()];
    for (i, row) in candidates.iter().enumerate() {
        is_test[*row] = n_test_before(i + 1) > n_test_before(i);
    }
    let n_test = is_test.iter().filter(|t| **t).count();
    if n_test == 0 {
        is_test[candidates[0]] = true;
    } else if n_test == is_test.len() {
        is_test[candidates[0]] = false;
    }
    is_test
}

/// The fold in which each row is a test row: rows are dealt out label by label, so that each label's and all rows'
/// numbers differ by at most one between folds.
pub(super) fn folds(table: &Table, folds: u32, seed: u64) -> Vec<u32> {
    let strata = strata(table);
    let mut fold_of_row = vec![0; strata.len()];
    for (i, row) in ordered(&strata, &ranks(table, seed)).into_iter().enumerate() {
        fold_of_row[row] = (i as u64 % u64::from(folds)) as u32;
    }
    fold_of_row
}

/// Rows by stratum, in random order within each.
fn ordered(strata: &[u32], ranks: &[u128]) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..strata.len()).collect();
    rows.sort_by_key(|row| (strata[*row], ranks[*row]));
    rows
}

fn strata(table: &Table) -> Vec<u32> {
    match &table.truth {
        Some(Truth::Label { ids, .. }) => ids.clone(),
        Some(Truth::Boolean(values)) => values.iter().map(|b| u32::from(*b)).collect(),
        _ => vec![0; table.n_rows()],
    }
}
