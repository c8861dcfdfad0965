//! Splits that keep rows of a group together.

use rustc_hash::FxHashMap;

use super::{SplitError, content};
use crate::Table;
use crate::hash::{cell_hashes, hash128, seeded};
use crate::table::TableColumn;

/// For each row the number of the group it belongs to by its value in a column; groups are numbered from 0 as they
/// appear. A row without a value is a group of its own.
pub fn group_ids(table: &Table, column: &str) -> Result<Vec<u32>, SplitError> {
    let mut known = FxHashMap::default();
    let id = |group: u128| {
        let next = known.len() as u32;
        *known.entry(group).or_insert(next)
    };
    Ok(group_of_rows(table, column)?.into_iter().map(id).collect())
}

/// Whether each row is a test row: random groups are taken as long as they bring the share of rows closer to the
/// fraction.
pub(super) fn fraction(table: &Table, fraction: f64, column: &str, seed: u64) -> Result<Vec<bool>, SplitError> {
    let group_of_row = group_of_rows(table, column)?;
    let mut groups = sizes(&group_of_row, column, 2)?;
    groups.sort_by_key(|(group, _)| seeded(seed, *group));
    let target = fraction * group_of_row.len() as f64;
    let (mut n_test, mut test) = (0, Vec::new());
    for (group, n_rows) in &groups {
        let closer = ((n_test + n_rows) as f64 - target).abs() < (n_test as f64 - target).abs();
        if closer && test.len() + 1 < groups.len() {
            n_test += n_rows;
            test.push(*group);
        }
    }
    if test.is_empty() {
        // Every group is too large; the smallest is the least wrong.
        test.extend(groups.iter().min_by_key(|(_, n_rows)| *n_rows).map(|(group, _)| *group));
    }
    Ok(group_of_row.iter().map(|group| test.contains(group)).collect())
}

/// The fold in which each row is a test row: groups from the largest on, each to the fold with the fewest rows.
pub(super) fn folds(table: &Table, folds: u32, column: &str, seed: u64) -> Result<Vec<u32>, SplitError> {
    let group_of_row = group_of_rows(table, column)?;
    let mut groups = sizes(&group_of_row, column, folds as usize)?;
    groups.sort_by_key(|(group, n_rows)| (std::cmp::Reverse(*n_rows), seeded(seed, *group)));
    let mut n_rows_of_fold = vec![0; folds as usize];
    let mut fold_of_group = FxHashMap::default();
    for (group, n_rows) in groups {
        let smallest = (0..folds as usize).min_by_key(|fold| n_rows_of_fold[*fold]).unwrap_or_default();
        n_rows_of_fold[smallest] += n_rows;
        fold_of_group.insert(group, smallest as u32);
    }
    Ok(group_of_row.iter().map(|group| fold_of_group[group]).collect())
}

/// A number for each row that is the same for rows of the same group, and depends on the group's value alone.
fn group_of_rows(table: &Table, column: &str) -> Result<Vec<u128>, SplitError> {
    let n_rows = table.n_rows();
    let (groups, is_missing): (Vec<u128>, Vec<bool>) = match table.column(column) {
        None => return Err(SplitError::NoColumn { column: column.to_owned() }),
        Some(TableColumn::Extra(texts)) => texts
            .iter()
            .map(|text| (hash128(text.as_deref().unwrap_or_default().trim().as_bytes()), text.is_none()))
            .unzip(),
        Some(TableColumn::Field(values)) => {
            let i = table.rows.fields().iter().position(|f| f.name == column).unwrap_or_default();
            let is_missing = (0..n_rows).map(|row| table.rows.arrow(i).is_null(row));
            (cell_hashes(values, n_rows), is_missing.collect())
        }
    };
    if !is_missing.contains(&true) {
        return Ok(groups);
    }
    // Equal rows without a value are told apart by how many of them came before.
    let mut n_before: FxHashMap<u128, u64> = FxHashMap::default();
    let content = content(table);
    let group = |row: usize| {
        if !is_missing[row] {
            return groups[row];
        }
        let n = n_before.entry(content[row]).or_default();
        *n += 1;
        hash128(&[&content[row].to_le_bytes()[..], &n.to_le_bytes()].concat())
    };
    Ok((0..n_rows).map(group).collect())
}

/// Each group with its number of rows, in order of appearance.
fn sizes(group_of_row: &[u128], column: &str, needed: usize) -> Result<Vec<(u128, usize)>, SplitError> {
    let mut known: FxHashMap<u128, usize> = FxHashMap::default();
    let mut groups: Vec<(u128, usize)> = Vec::new();
    for group in group_of_row {
        let i = *known.entry(*group).or_insert_with(|| {
            groups.push((*group, 0));
            groups.len() - 1
        });
        groups[i].1 += 1;
    }
    if groups.len() < needed {
        return Err(SplitError::TooFewGroups { column: column.to_owned(), n_groups: groups.len(), needed });
    }
    Ok(groups)
}
