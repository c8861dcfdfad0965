//! Splits by time: learn from the past, evaluate on the future.

use yw_task::{Column, FieldType};

use super::{Split, SplitError, content};
use crate::Table;
use crate::cell::{self, Raw, Typed};
use crate::problem::shorten;
use crate::table::TableColumn;

/// Whether each row is a test row: the latest ones are.
pub(super) fn fraction(table: &Table, fraction: f64, column: &str) -> Result<Vec<bool>, SplitError> {
    let rows = ordered(table, column)?;
    let n_test = ((rows.len() as f64 * fraction).round() as usize).clamp(1, rows.len() - 1);
    let mut is_test = vec![false; rows.len()];
    rows[rows.len() - n_test..].iter().for_each(|row| is_test[*row] = true);
    Ok(is_test)
}

/// Blocks in order of time; each but the first is the test of one fold.
pub(super) fn folds(table: &Table, folds: u32, column: &str) -> Result<Vec<Split>, SplitError> {
    let rows = ordered(table, column)?;
    let start_of_block = |block: usize| (block as u128 * rows.len() as u128 / (u128::from(folds) + 1)) as usize;
    let sorted = |rows: &[usize]| {
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        rows
    };
    let split = |block: usize| {
        let (start, end) = (start_of_block(block), start_of_block(block + 1));
        Split { train: sorted(&rows[..start]), test: sorted(&rows[start..end]) }
    };
    Ok((1..=folds as usize).map(split).collect())
}

/// Rows from the earliest to the latest; rows of the same time in an order that depends on their content.
fn ordered(table: &Table, column: &str) -> Result<Vec<usize>, SplitError> {
    let values = match table.column(column) {
        None => return Err(SplitError::NoColumn { column: column.to_owned() }),
        Some(TableColumn::Field(Column::Time(values))) => values.iter().collect(),
        Some(TableColumn::Field(Column::Number(values))) => values.iter().map(|n| n.map(ordered_bits)).collect(),
        Some(TableColumn::Field(Column::Category(texts) | Column::Text(texts))) => {
            parse(table, column, &texts.iter().collect::<Vec<_>>())?
        }
        Some(TableColumn::Field(Column::Boolean(values))) => {
            let texts = values.iter().map(|v| v.map(|b| if b { "true" } else { "false" }));
            parse(table, column, &texts.collect::<Vec<_>>())?
        }
        Some(TableColumn::Extra(texts)) => {
            parse(table, column, &texts.iter().map(Option::as_deref).collect::<Vec<_>>())?
        }
    };
    let mut missing = values.iter().enumerate().filter(|(_, value)| value.is_none()).map(|(row, _)| row);
    if let Some(row) = missing.next() {
        let n_rows = missing.count() + 1;
        return Err(SplitError::NoTime { column: column.to_owned(), place: table.place(row), n_rows });
    }
    let content = content(table);
    let mut rows: Vec<usize> = (0..values.len()).collect();
    rows.sort_by_key(|row| (values[*row], content[*row]));
    Ok(rows)
}

/// All texts as times, or else all as numbers.
fn parse(table: &Table, column: &str, texts: &[Option<&str>]) -> Result<Vec<Option<i64>>, SplitError> {
    let all_as = |field_type: FieldType| -> Result<Vec<Option<i64>>, usize> {
        let value = |(row, text): (usize, &Option<&str>)| match cell::typed(
            &text.map_or(Raw::Missing, Raw::Text),
            field_type,
        ) {
            Ok(Typed::Time(micros)) => Ok(Some(micros)),
            Ok(Typed::Number(n)) => Ok(Some(ordered_bits(n))),
            Ok(_) => Ok(None),
            Err(_) => Err(row),
        };
        texts.iter().enumerate().map(value).collect()
    };
    all_as(FieldType::Time).or_else(|row| {
        all_as(FieldType::Number).map_err(|_| SplitError::NotOrdered {
            column: column.to_owned(),
            place: table.place(row),
            value: shorten(texts[row].unwrap_or_default()),
        })
    })
}

/// An integer that orders like the number.
fn ordered_bits(n: f64) -> i64 {
    let bits = (n + 0.0).to_bits() as i64;
    if bits < 0 { i64::MIN - bits - 1 } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_order_like_numbers() {
        let numbers = [f64::MIN, -2.0, -1.5, -1e-300, 0.0, 1e-300, 1.0, 2.0, f64::MAX];
        assert!(numbers.windows(2).all(|pair| ordered_bits(pair[0]) < ordered_bits(pair[1])));
        assert_eq!(ordered_bits(-0.0), ordered_bits(0.0));
    }
}
