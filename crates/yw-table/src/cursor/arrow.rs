//! Arrow on the file side: cells out of any Arrow column, and text columns for what is passed through.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::LargeStringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Float16Type, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde_json::Value;

use crate::TableError;
use crate::cell::{self, Raw};

/// The metadata key of passed-through columns whose texts are JSON values.
pub const JSON_ENCODED: &str = "yellowwood.json";

/// One cell of a column as a file would have it.
pub(crate) fn cell(array: &dyn Array, row: usize) -> Raw<'_> {
    if array.is_null(row) {
        return Raw::Missing;
    }
    macro_rules! value {
        ($type:ty) => {
            array.as_primitive::<$type>().value(row)
        };
    }
    const DAY_MICROS: i64 = 86_400_000_000;
    match array.data_type() {
        DataType::Boolean => Raw::Boolean(array.as_boolean().value(row)),
        DataType::Int8 => Raw::Integer(value!(Int8Type).into()),
        DataType::Int16 => Raw::Integer(value!(Int16Type).into()),
        DataType::Int32 => Raw::Integer(value!(Int32Type).into()),
        DataType::Int64 => Raw::Integer(value!(Int64Type)),
        DataType::UInt8 => Raw::Integer(value!(UInt8Type).into()),
        DataType::UInt16 => Raw::Integer(value!(UInt16Type).into()),
        DataType::UInt32 => Raw::Integer(value!(UInt32Type).into()),
        DataType::UInt64 => {
            let n = value!(UInt64Type);
            i64::try_from(n).map_or(Raw::Number(n as f64), Raw::Integer)
        }
        DataType::Float16 => Raw::Number(value!(Float16Type).to_f64()),
        DataType::Float32 => Raw::Number(value!(Float32Type).into()),
        DataType::Float64 => Raw::Number(value!(Float64Type)),
        DataType::Decimal32(_, scale) => decimal(value!(Decimal32Type).into(), *scale),
        DataType::Decimal64(_, scale) => decimal(value!(Decimal64Type).into(), *scale),
        DataType::Decimal128(_, scale) => decimal(value!(Decimal128Type), *scale),
        DataType::Utf8 => Raw::Text(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Raw::Text(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Raw::Text(array.as_string_view().value(row)),
        DataType::Binary => Raw::Bytes(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => Raw::Bytes(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => Raw::Bytes(array.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => Raw::Bytes(array.as_fixed_size_binary().value(row)),
        DataType::Date32 => Raw::Time(i64::from(value!(Date32Type)) * DAY_MICROS),
        DataType::Date64 => Raw::Time(value!(Date64Type).saturating_mul(1_000)),
        DataType::Timestamp(TimeUnit::Second, _) => Raw::Time(value!(TimestampSecondType).saturating_mul(1_000_000)),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            Raw::Time(value!(TimestampMillisecondType).saturating_mul(1_000))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => Raw::Time(value!(TimestampMicrosecondType)),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => Raw::Time(value!(TimestampNanosecondType).div_euclid(1_000)),
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            let values = dictionary.values();
            match cell(dictionary.keys(), row) {
                Raw::Integer(key) if (0..values.len() as i64).contains(&key) => cell(values, key as usize),
                _ => Raw::Missing,
            }
        }
        _ => Raw::Json(Cow::Owned(nested(array, row))),
    }
}

/// One cell of a passed-through column as JSON.
pub(crate) fn cell_json(array: &dyn Array, row: usize, is_json: bool) -> Value {
    match cell(array, row) {
        Raw::Text(text) if is_json => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        raw => cell::json(raw),
    }
}

fn decimal<'a>(unscaled: i128, scale: i8) -> Raw<'a> {
    Raw::Number(unscaled as f64 / 10f64.powi(scale.into()))
}

/// Structs as objects, lists as arrays. Anything else that is no plain cell (durations, unions) is null.
fn nested(array: &dyn Array, row: usize) -> Value {
    let list = |items: ArrayRef| (0..items.len()).map(|i| cell::json(cell(&items, i))).collect();
    match array.data_type() {
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            fields.iter().zip(columns).map(|(f, c)| (f.name().clone(), cell::json(cell(c, row)))).collect()
        }
        DataType::List(_) => list(array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(_, _) => list(array.as_fixed_size_list().value(row)),
        _ => Value::Null,
    }
}

/// Text columns that grow row by row.
pub(super) struct TextColumns {
    schema: SchemaRef,
    builders: Vec<LargeStringBuilder>,
    n_rows: usize,
}

impl TextColumns {
    /// Columns of texts as they stand.
    pub(super) fn plain(names: &[String]) -> Self {
        Self::new(names, HashMap::new())
    }

    /// Columns of texts that are JSON values.
    pub(super) fn json(names: &[String]) -> Self {
        Self::new(names, HashMap::from([(JSON_ENCODED.to_owned(), "true".to_owned())]))
    }

    fn new(names: &[String], metadata: HashMap<String, String>) -> Self {
        let field = |name: &String| Field::new(name, DataType::LargeUtf8, true).with_metadata(metadata.clone());
        TextColumns {
            schema: Arc::new(Schema::new(names.iter().map(field).collect::<Vec<_>>())),
            builders: names.iter().map(|_| LargeStringBuilder::new()).collect(),
            n_rows: 0,
        }
    }

    /// Adds a row of one cell per column.
    pub(super) fn push<'a>(&mut self, cells: impl Iterator<Item = Option<Cow<'a, str>>>) {
        self.builders.iter_mut().zip(cells).for_each(|(builder, cell)| builder.append_option(cell));
        self.n_rows += 1;
    }

    /// The rows since the last call.
    pub(super) fn take(&mut self, name: &str) -> Result<RecordBatch, TableError> {
        let columns = self.builders.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(std::mem::take(&mut self.n_rows)));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options).map_err(|e| TableError::read(name, e))
    }
}
