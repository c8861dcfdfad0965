//! Rows: the typed columns that recipes learn from and predictors answer.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Float64Builder, LargeStringBuilder, TimestampMicrosecondBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, LargeStringArray, TimestampMicrosecondArray, UInt64Array,
};

use crate::{Field, FieldType};

/// A batch of input rows, column by column.
///
/// Each column has the Arrow type of its field ([`FieldType::arrow_type`]), nulls are missing values, and numbers are
/// finite. Cloning is cheap: columns are shared.
#[derive(Debug, Clone)]
pub struct Rows {
    fields: Arc<[Field]>,
    columns: Vec<ArrayRef>,
    n_rows: usize,
}

/// Columns that do not fit their fields, or a cell that does not fit its column.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RowsError {
    /// The number of columns or cells differs from the number of fields.
    #[error("expected {expected} columns, got {found}")]
    Width {
        /// How many fields there are.
        expected: usize,
        /// How many columns or cells came.
        found: usize,
    },
    /// A column has another Arrow type or length than it must have.
    #[error("column `{field}` must be {expected}, got {found}")]
    Column {
        /// The field's name.
        field: String,
        /// Type and length it must have.
        expected: String,
        /// Type and length it has.
        found: String,
    },
    /// A cell is not of its field's type.
    #[error("field `{field}` must be a {expected}{}", if *.expected == FieldType::Time { ", like 2026-01-31T12:00:00Z" } else { "" })]
    Cell {
        /// The field's name.
        field: String,
        /// The field's type.
        expected: FieldType,
    },
    /// A JSON row has a key that is no field.
    #[error("there is no field `{name}`; the fields are {known}")]
    Unknown {
        /// The key.
        name: String,
        /// The names of the fields.
        known: String,
    },
    /// A number is not finite.
    #[error("field `{field}` must be a finite number")]
    NotFinite {
        /// The field's name.
        field: String,
    },
}

/// One column of [`Rows`], by field type.
#[derive(Debug, Clone, Copy)]
pub enum Column<'a> {
    /// Of a `number` field.
    Number(&'a Float64Array),
    /// Of a `boolean` field.
    Boolean(&'a BooleanArray),
    /// Of a `category` field.
    Category(&'a LargeStringArray),
    /// Of a `text` field.
    Text(&'a LargeStringArray),
    /// Of a `time` field: microseconds since the Unix epoch, UTC.
    Time(&'a TimestampMicrosecondArray),
}

/// One value of one row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// No value.
    Missing,
    /// Of a `number` field.
    Number(f64),
    /// Of a `boolean` field.
    Boolean(bool),
    /// Of a `category` or `text` field.
    Text(&'a str),
    /// Of a `time` field: microseconds since the Unix epoch, UTC.
    Time(i64),
}

impl Cell<'_> {
    /// The cell as JSON: times as RFC 3339, missing as null.
    pub fn to_json(self) -> serde_json::Value {
        match self {
            Cell::Missing => serde_json::Value::Null,
            Cell::Number(n) => json_number(n),
            Cell::Boolean(b) => b.into(),
            Cell::Text(text) => text.into(),
            Cell::Time(micros) => match jiff::Timestamp::from_microsecond(micros) {
                Ok(time) => time.to_string().into(),
                Err(_) => serde_json::Value::Null,
            },
        }
    }
}

/// Whole numbers print without a decimal point, as they stood in the data.
fn json_number(n: f64) -> serde_json::Value {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    if n.fract() == 0.0 && n.abs() < EXACT { (n as i64).into() } else { n.into() }
}

impl Rows {
    /// Rows from one column per field, in field order. All columns must have the same length; with no field at all
    /// there are no rows.
    pub fn new(fields: Arc<[Field]>, columns: Vec<ArrayRef>) -> Result<Self, RowsError> {
        if columns.len() != fields.len() {
            return Err(RowsError::Width { expected: fields.len(), found: columns.len() });
        }
        let n_rows = columns.first().map_or(0, |c| c.len());
        for (field, column) in fields.iter().zip(&columns) {
            let expected = field.field_type.arrow_type();
            if *column.data_type() != expected || column.len() != n_rows {
                return Err(RowsError::Column {
                    field: field.name.clone(),
                    expected: format!("{expected} × {n_rows}"),
                    found: format!("{} × {}", column.data_type(), column.len()),
                });
            }
            if field.field_type == FieldType::Number
                && column.as_primitive::<Float64Type>().iter().flatten().any(|n| !n.is_finite())
            {
                return Err(RowsError::NotFinite { field: field.name.clone() });
            }
        }
        Ok(Rows { fields, columns, n_rows })
    }

    /// The fields, in column order.
    pub fn fields(&self) -> &Arc<[Field]> {
        &self.fields
    }

    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The column of the field at `field_idx`. Panics if there is none.
    pub fn column(&self, field_idx: usize) -> Column<'_> {
        let array = &self.columns[field_idx];
        match self.fields[field_idx].field_type {
            FieldType::Number => Column::Number(array.as_primitive::<Float64Type>()),
            FieldType::Boolean => Column::Boolean(array.as_boolean()),
            FieldType::Category => Column::Category(array.as_string::<i64>()),
            FieldType::Text => Column::Text(array.as_string::<i64>()),
            FieldType::Time => Column::Time(array.as_primitive::<TimestampMicrosecondType>()),
        }
    }

    /// The Arrow column of the field at `field_idx`. Panics if there is none.
    pub fn arrow(&self, field_idx: usize) -> &ArrayRef {
        &self.columns[field_idx]
    }

    /// One cell. Panics if row or field do not exist.
    pub fn cell(&self, row_idx: usize, field_idx: usize) -> Cell<'_> {
        if self.columns[field_idx].is_null(row_idx) {
            return Cell::Missing;
        }
        match self.column(field_idx) {
            Column::Number(array) => Cell::Number(array.value(row_idx)),
            Column::Boolean(array) => Cell::Boolean(array.value(row_idx)),
            Column::Category(array) | Column::Text(array) => Cell::Text(array.value(row_idx)),
            Column::Time(array) => Cell::Time(array.value(row_idx)),
        }
    }

    /// One row as a JSON object from field name to value. Panics if the row does not exist.
    pub fn row_json(&self, row_idx: usize) -> serde_json::Map<String, serde_json::Value> {
        let cells = (0..self.fields.len()).map(|i| self.cell(row_idx, i).to_json());
        self.fields.iter().map(|f| f.name.clone()).zip(cells).collect()
    }

    /// The rows at `row_idxs`, in that order, repeats allowed. Panics if one does not exist.
    pub fn take(&self, row_idxs: &[usize]) -> Rows {
        let indices = UInt64Array::from_iter_values(row_idxs.iter().map(|&i| i as u64));
        let take = |c: &ArrayRef| arrow_select::take::take(c, &indices, None).expect("indices within the columns");
        Rows { fields: self.fields.clone(), columns: self.columns.iter().map(take).collect(), n_rows: row_idxs.len() }
    }

    /// `n_rows` rows from `start` on, without copying. Panics if they do not exist.
    pub fn slice(&self, start: usize, n_rows: usize) -> Rows {
        let columns = self.columns.iter().map(|c| c.slice(start, n_rows)).collect();
        Rows { fields: self.fields.clone(), columns, n_rows }
    }

    /// The same rows with the column of one field taken from `other`. Panics if the two have other fields or numbers of
    /// rows, or no such field.
    pub fn with_column_of(&self, other: &Rows, field_idx: usize) -> Rows {
        assert!(self.fields == other.fields && self.n_rows == other.n_rows, "rows of one shape");
        let mut rows = self.clone();
        rows.columns[field_idx] = other.columns[field_idx].clone();
        rows
    }

    /// All rows of `batches`, which must have the same fields, one after the other. None if there is no batch.
    pub fn concat(batches: &[Rows]) -> Option<Rows> {
        let first = batches.first()?;
        assert!(batches.iter().all(|b| b.fields == first.fields), "batches of one table have the same fields");
        let column = |i: usize| {
            let parts: Vec<&dyn Array> = batches.iter().map(|b| b.columns[i].as_ref()).collect();
            arrow_select::concat::concat(&parts).expect("parts of one type")
        };
        Some(Rows {
            fields: first.fields.clone(),
            columns: (0..first.fields.len()).map(column).collect(),
            n_rows: batches.iter().map(|b| b.n_rows).sum(),
        })
    }
}

/// Builds [`Rows`] row by row.
#[derive(Debug)]
pub struct RowsBuilder {
    fields: Arc<[Field]>,
    columns: Vec<ColumnBuilder>,
    n_rows: usize,
}

#[derive(Debug)]
enum ColumnBuilder {
    Number(Float64Builder),
    Boolean(BooleanBuilder),
    Text(LargeStringBuilder),
    Time(TimestampMicrosecondBuilder),
}

impl RowsBuilder {
    /// A builder without rows.
    pub fn new(fields: Arc<[Field]>) -> Self {
        let builder = |field: &Field| match field.field_type {
            FieldType::Number => ColumnBuilder::Number(Float64Builder::new()),
            FieldType::Boolean => ColumnBuilder::Boolean(BooleanBuilder::new()),
            FieldType::Category | FieldType::Text => ColumnBuilder::Text(LargeStringBuilder::new()),
            FieldType::Time => {
                ColumnBuilder::Time(TimestampMicrosecondBuilder::new().with_data_type(FieldType::Time.arrow_type()))
            }
        };
        RowsBuilder { columns: fields.iter().map(builder).collect(), fields, n_rows: 0 }
    }

    /// How many rows were pushed.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Adds one row of one cell per field, in field order. On an error nothing was added.
    pub fn push(&mut self, cells: &[Cell<'_>]) -> Result<(), RowsError> {
        if cells.len() != self.fields.len() {
            return Err(RowsError::Width { expected: self.fields.len(), found: cells.len() });
        }
        for (field, cell) in self.fields.iter().zip(cells) {
            check(field, *cell)?;
        }
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            match (column, *cell) {
                (ColumnBuilder::Number(b), Cell::Number(n)) => b.append_value(n),
                (ColumnBuilder::Number(b), _) => b.append_null(),
                (ColumnBuilder::Boolean(b), Cell::Boolean(v)) => b.append_value(v),
                (ColumnBuilder::Boolean(b), _) => b.append_null(),
                (ColumnBuilder::Text(b), Cell::Text(text)) => b.append_value(text),
                (ColumnBuilder::Text(b), _) => b.append_null(),
                (ColumnBuilder::Time(b), Cell::Time(micros)) => b.append_value(micros),
                (ColumnBuilder::Time(b), _) => b.append_null(),
            }
        }
        self.n_rows += 1;
        Ok(())
    }

    /// Adds one row from a JSON object by field name. A missing key or null is a missing value; a key that is no field
    /// is an error, so that a misspelt name does not pass for a missing one. On an error nothing was added.
    pub fn push_json(&mut self, row: &serde_json::Map<String, serde_json::Value>) -> Result<(), RowsError> {
        let fields = self.fields.clone();
        if let Some(name) = row.keys().find(|k| fields.iter().all(|f| f.name != **k)) {
            let known: Vec<&str> = fields.iter().map(|f| f.name.as_str()).collect();
            return Err(RowsError::Unknown { name: name.clone(), known: known.join(", ") });
        }
        let cell = |field: &Field| -> Result<Cell<'_>, RowsError> {
            let Some(value) = row.get(&field.name) else { return Ok(Cell::Missing) };
            cell_from_json(field.field_type, value)
                .ok_or_else(|| RowsError::Cell { field: field.name.clone(), expected: field.field_type })
        };
        let cells: Vec<Cell<'_>> = fields.iter().map(cell).collect::<Result<_, _>>()?;
        self.push(&cells)
    }

    /// The rows pushed so far.
    pub fn finish(self) -> Rows {
        let finish = |builder: ColumnBuilder| -> ArrayRef {
            match builder {
                ColumnBuilder::Number(mut b) => Arc::new(b.finish()),
                ColumnBuilder::Boolean(mut b) => Arc::new(b.finish()),
                ColumnBuilder::Text(mut b) => Arc::new(b.finish()),
                ColumnBuilder::Time(mut b) => Arc::new(b.finish()),
            }
        };
        Rows { fields: self.fields, columns: self.columns.into_iter().map(finish).collect(), n_rows: self.n_rows }
    }
}

/// The cell that a JSON value is for a field of this type; none if it is of another type.
fn cell_from_json(field_type: FieldType, value: &serde_json::Value) -> Option<Cell<'_>> {
    use serde_json::Value as Json;
    match (field_type, value) {
        (_, Json::Null) => Some(Cell::Missing),
        (FieldType::Number, Json::Number(n)) => n.as_f64().map(Cell::Number),
        (FieldType::Boolean, Json::Bool(b)) => Some(Cell::Boolean(*b)),
        (FieldType::Category | FieldType::Text, Json::String(text)) => Some(Cell::Text(text)),
        (FieldType::Time, Json::String(text)) => parse_time(text).map(Cell::Time),
        _ => None,
    }
}

/// Microseconds since the Unix epoch of an RFC 3339 instant, or of a date with or without time of day, taken as UTC.
pub fn parse_time(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(instant.as_microsecond());
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok()?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

fn check(field: &Field, cell: Cell<'_>) -> Result<(), RowsError> {
    match (field.field_type, cell) {
        (FieldType::Number, Cell::Number(n)) if !n.is_finite() => {
            Err(RowsError::NotFinite { field: field.name.clone() })
        }
        (_, Cell::Missing)
        | (FieldType::Number, Cell::Number(_))
        | (FieldType::Boolean, Cell::Boolean(_))
        | (FieldType::Category | FieldType::Text, Cell::Text(_))
        | (FieldType::Time, Cell::Time(_)) => Ok(()),
        (expected, _) => Err(RowsError::Cell { field: field.name.clone(), expected }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> Rows {
        let fields: Arc<[Field]> = [
            Field::new("age", FieldType::Number),
            Field::new("member", FieldType::Boolean),
            Field::new("note", FieldType::Text),
            Field::new("seen", FieldType::Time),
        ]
        .into();
        let mut builder = RowsBuilder::new(fields);
        builder.push(&[Cell::Number(41.0), Cell::Boolean(true), Cell::Text("hi"), Cell::Time(0)]).unwrap();
        builder.push(&[Cell::Missing, Cell::Missing, Cell::Missing, Cell::Missing]).unwrap();
        builder.push(&[Cell::Number(0.5), Cell::Boolean(false), Cell::Text(""), Cell::Time(1_500_000)]).unwrap();
        builder.finish()
    }

    #[test]
    fn cells_come_back_as_they_went_in() {
        let rows = people();
        assert_eq!(
            serde_json::to_string(&rows.row_json(0)).unwrap(),
            r#"{"age":41,"member":true,"note":"hi","seen":"1970-01-01T00:00:00Z"}"#
        );
        assert_eq!(rows.cell(1, 2), Cell::Missing);
        assert_eq!(rows.cell(2, 3), Cell::Time(1_500_000));
    }

    #[test]
    fn take_slice_and_concat_agree() {
        let rows = people();
        let swapped = Rows::concat(&[rows.slice(2, 1), rows.slice(0, 2)]).unwrap();
        let taken = rows.take(&[2, 0, 1]);
        for i in 0..3 {
            assert_eq!(swapped.row_json(i), taken.row_json(i));
        }
    }

    #[test]
    fn one_column_can_be_another_rows() {
        let rows = people();
        let mixed = rows.with_column_of(&rows.take(&[2, 1, 0]), 0);
        assert_eq!(
            (mixed.cell(0, 0), mixed.cell(1, 0), mixed.cell(2, 0)),
            (Cell::Number(0.5), Cell::Missing, Cell::Number(41.0))
        );
        assert_eq!(mixed.cell(0, 2), rows.cell(0, 2));
    }

    #[test]
    fn a_refused_row_leaves_nothing_behind() {
        let mut builder =
            RowsBuilder::new([Field::new("a", FieldType::Number), Field::new("b", FieldType::Number)].into());
        let refused = builder.push(&[Cell::Number(1.0), Cell::Number(f64::NAN)]);
        assert_eq!(refused, Err(RowsError::NotFinite { field: "b".into() }));
        assert!(builder.push(&[Cell::Number(1.0), Cell::Text("2")]).is_err());
        assert!(builder.push(&[Cell::Number(1.0)]).is_err());
        assert_eq!(builder.finish().n_rows(), 0);
    }

    #[test]
    fn json_rows_are_checked_by_name_and_type() {
        let rows = people();
        let mut builder = RowsBuilder::new(rows.fields().clone());
        builder.push_json(&rows.row_json(2)).unwrap();
        let push = |builder: &mut RowsBuilder, json: serde_json::Value| {
            builder.push_json(json.as_object().unwrap()).map_err(|e| e.to_string())
        };
        assert_eq!(push(&mut builder, serde_json::json!({ "age": 7 })), Ok(()));
        assert_eq!(
            push(&mut builder, serde_json::json!({ "aeg": 7 })),
            Err("there is no field `aeg`; the fields are age, member, note, seen".to_owned())
        );
        assert_eq!(
            push(&mut builder, serde_json::json!({ "seen": "noon" })),
            Err("field `seen` must be a time, like 2026-01-31T12:00:00Z".to_owned())
        );
        let back = builder.finish();
        assert_eq!(back.n_rows(), 2);
        assert_eq!(back.row_json(0), rows.row_json(2));
    }

    #[test]
    fn times_are_utc_unless_they_say_otherwise() {
        assert_eq!(parse_time("1970-01-02"), Some(86_400_000_000));
        assert_eq!(parse_time("1970-01-01 00:00:01.5"), Some(1_500_000));
        assert_eq!(parse_time("1970-01-01T02:00:00+02:00"), Some(0));
        assert_eq!(parse_time("yesterday"), None);
    }

    #[test]
    fn columns_are_checked() {
        let fields: Arc<[Field]> = [Field::new("a", FieldType::Number)].into();
        let texts: ArrayRef = Arc::new(LargeStringArray::from(vec!["x"]));
        assert!(matches!(Rows::new(fields.clone(), vec![texts]), Err(RowsError::Column { .. })));
        let infinite: ArrayRef = Arc::new(Float64Array::from(vec![f64::INFINITY]));
        assert!(matches!(Rows::new(fields, vec![infinite]), Err(RowsError::NotFinite { .. })));
    }
}
