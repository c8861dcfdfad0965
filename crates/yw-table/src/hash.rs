//! Content hashes: of whole tables for fingerprints, of single rows for finding equal ones.

use arrow_array::Array;
use blake3::Hasher;
use yw_task::{Column, Rows, Truth};

use crate::TableSpec;

/// A 128-bit hash of each row's inputs. Equal rows have equal hashes, whatever table they stand in.
pub(crate) fn row_hashes(rows: &Rows) -> Vec<u128> {
    let columns = columns(rows);
    hashes(rows.n_rows(), |row, bytes| columns.iter().for_each(|column| encode_cell(*column, row, bytes)))
}

/// A 128-bit hash of each row's inputs and answer.
pub(crate) fn labelled_row_hashes(rows: &Rows, truth: &Truth) -> Vec<u128> {
    let columns = columns(rows);
    hashes(rows.n_rows(), |row, bytes| {
        columns.iter().for_each(|column| encode_cell(*column, row, bytes));
        encode_answer(truth, row, bytes);
    })
}

/// A 128-bit hash of each answer.
pub(crate) fn answer_hashes(truth: &Truth) -> Vec<u128> {
    hashes(truth.len(), |row, bytes| encode_answer(truth, row, bytes))
}

/// A 128-bit hash of each cell of a column.
pub(crate) fn cell_hashes(column: Column<'_>, n_rows: usize) -> Vec<u128> {
    hashes(n_rows, |row, bytes| encode_cell(column, row, bytes))
}

fn hashes(n_rows: usize, encode: impl Fn(usize, &mut Vec<u8>)) -> Vec<u128> {
    let mut bytes = Vec::new();
    let hash = |row| {
        bytes.clear();
        encode(row, &mut bytes);
        hash128(&bytes)
    };
    (0..n_rows).map(hash).collect()
}

fn columns(rows: &Rows) -> Vec<Column<'_>> {
    (0..rows.fields().len()).map(|i| rows.column(i)).collect()
}

pub(crate) fn hash128(bytes: &[u8]) -> u128 {
    let mut first = [0; 16];
    first.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    u128::from_le_bytes(first)
}

/// blake3 over the spec and then, column by column, every typed value. Where the rows came from does not matter.
pub(crate) fn fingerprint(
    spec: &TableSpec,
    rows: &Rows,
    truth: Option<&Truth>,
    extra: &[Vec<Option<String>>],
) -> [u8; 32] {
    let mut hash = Hasher::new();
    hash.update(b"yellowwood table 1");
    hash.update(&(rows.n_rows() as u64).to_le_bytes());
    let mut bytes = Vec::new();
    for (i, field) in rows.fields().iter().enumerate() {
        encode_text(&field.name, &mut bytes);
        encode_text(field.field_type.name(), &mut bytes);
        let column = rows.column(i);
        (0..rows.n_rows()).for_each(|row| {
            encode_cell(column, row, &mut bytes);
            flush(&mut hash, &mut bytes);
        });
    }
    if let (Some(answer), Some(truth)) = (&spec.answer, truth) {
        encode_text(&answer.name, &mut bytes);
        encode_text(answer.kind.name(), &mut bytes);
        (0..truth.len()).for_each(|row| {
            encode_answer(truth, row, &mut bytes);
            flush(&mut hash, &mut bytes);
        });
    }
    for (name, column) in spec.extra.iter().zip(extra) {
        encode_text(name, &mut bytes);
        column.iter().for_each(|text| {
            encode_option(text.as_deref(), &mut bytes);
            flush(&mut hash, &mut bytes);
        });
    }
    hash.update(&bytes);
    *hash.finalize().as_bytes()
}

/// blake3 is quick on long inputs only.
fn flush(hash: &mut Hasher, bytes: &mut Vec<u8>) {
    if bytes.len() >= 1 << 16 {
        hash.update(bytes);
        bytes.clear();
    }
}

// One encoding for all hashes: a byte says whether there is a value; texts carry their length.

fn encode_cell(column: Column<'_>, row: usize, bytes: &mut Vec<u8>) {
    match column {
        Column::Number(values) if values.is_valid(row) => encode_number(values.value(row), bytes),
        Column::Boolean(values) if values.is_valid(row) => bytes.extend_from_slice(&[1, values.value(row).into()]),
        Column::Category(values) | Column::Text(values) if values.is_valid(row) => {
            encode_option(Some(values.value(row)), bytes);
        }
        Column::Time(values) if values.is_valid(row) => {
            bytes.push(1);
            bytes.extend_from_slice(&values.value(row).to_le_bytes());
        }
        _ => bytes.push(0),
    }
}

fn encode_answer(truth: &Truth, row: usize, bytes: &mut Vec<u8>) {
    match truth {
        Truth::Label { ids, labels } => encode_text(labels.name(ids[row]), bytes),
        Truth::Boolean(values) => bytes.extend_from_slice(&[1, values[row].into()]),
        Truth::Number(values) => encode_number(values[row], bytes),
        Truth::Text(values) => encode_text(&values[row], bytes),
        Truth::Json(values) => encode_text(&canonical(&values[row]).to_string(), bytes),
    }
}

/// -0 is 0.
fn encode_number(n: f64, bytes: &mut Vec<u8>) {
    bytes.push(1);
    bytes.extend_from_slice(&(n + 0.0).to_bits().to_le_bytes());
}

fn encode_option(text: Option<&str>, bytes: &mut Vec<u8>) {
    match text {
        Some(text) => {
            bytes.push(1);
            encode_text(text, bytes);
        }
        None => bytes.push(0),
    }
}

fn encode_text(text: &str, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// The same JSON value with sorted keys.
fn canonical(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(object) => {
            let mut entries: Vec<(&String, Value)> =
                object.iter().map(|(key, value)| (key, canonical(value))).collect();
            entries.sort_by_key(|(key, _)| *key);
            entries.into_iter().map(|(key, value)| (key.clone(), value)).collect()
        }
        Value::Array(items) => items.iter().map(canonical).collect(),
        other => other.clone(),
    }
}

/// A seeded hash, for random choices that depend on content and not on position.
pub(crate) fn seeded(seed: u64, content: u128) -> u128 {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..].copy_from_slice(&content.to_le_bytes());
    hash128(&bytes)
}
