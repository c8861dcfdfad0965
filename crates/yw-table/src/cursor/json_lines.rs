//! JSON lines: one object a line. A key that a row lacks is a missing value.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use arrow_array::RecordBatch;
use serde_json::{Map, Value};

use super::arrow::TextColumns;
use super::{Cursor, MAX_ROW_BYTES, Step, Wanted};
use crate::cell::Raw;
use crate::open::OpenFile;
use crate::{ProblemKind, TableError};

pub(super) struct JsonLinesCursor {
    name: Arc<str>,
    /// The keys of the first rows, in order of appearance.
    columns: Vec<String>,
    reader: BufReader<Box<dyn Read + Send>>,
    line: Vec<u8>,
    /// Whether `line` was read but not yet asked for.
    is_ahead: bool,
    number: u64,
    row: Map<String, Value>,
    originals: Option<TextColumns>,
}

impl JsonLinesCursor {
    pub(super) fn open(name: &Arc<str>, file: OpenFile, wanted: Wanted<'_>) -> Result<Self, TableError> {
        let (head, reader) = file.into_reader();
        let mut cursor = JsonLinesCursor {
            name: name.clone(),
            columns: keys(&head),
            reader: BufReader::with_capacity(128 * 1024, Box::new(reader)),
            line: Vec::new(),
            is_ahead: false,
            number: 0,
            row: Map::new(),
            originals: None,
        };
        if cursor.columns.is_empty() {
            // The first line may be longer than the head.
            cursor.is_ahead = cursor.next_line().map_err(|e| TableError::read(name, e))?;
            cursor.columns = keys(&cursor.line);
        }
        cursor.originals = wanted.originals.then(|| TextColumns::json(&cursor.columns));
        Ok(cursor)
    }

    /// Reads the next line that is not blank. False at the end.
    fn next_line(&mut self) -> io::Result<bool> {
        if std::mem::take(&mut self.is_ahead) {
            return Ok(true);
        }
        loop {
            self.line.clear();
            let mut limited = (&mut self.reader).take(MAX_ROW_BYTES as u64);
            if limited.read_until(b'\n', &mut self.line)? == 0 {
                return Ok(false);
            }
            self.number += 1;
            if self.line.len() == MAX_ROW_BYTES && self.line.last() != Some(&b'\n') {
                let message = format!("line {} is longer than 64 MiB", self.number);
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }
}

impl Cursor for JsonLinesCursor {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn advance(&mut self) -> Result<Step, TableError> {
        if !self.next_line().map_err(|e| TableError::read(&self.name, e))? {
            return Ok(Step::End);
        }
        let step = match parse(&self.line) {
            Ok(row) => {
                self.row = row;
                Step::Row
            }
            Err(reason) => {
                self.row.clear();
                Step::BadRow(ProblemKind::Json { reason })
            }
        };
        if let Some(originals) = &mut self.originals {
            let cell = |column: &String| self.row.get(column).map(|v| Cow::Owned(v.to_string()));
            originals.push(self.columns.iter().map(cell));
        }
        Ok(step)
    }

    fn number(&self) -> u64 {
        self.number
    }

    fn cell(&self, column: usize) -> Raw<'_> {
        match self.columns.get(column).and_then(|key| self.row.get(key)) {
            None | Some(Value::Null) => Raw::Missing,
            Some(Value::Bool(b)) => Raw::Boolean(*b),
            Some(Value::Number(n)) => {
                n.as_i64().map_or_else(|| Raw::Number(n.as_f64().unwrap_or(f64::NAN)), Raw::Integer)
            }
            Some(Value::String(text)) => Raw::Text(text),
            Some(nested) => Raw::Json(Cow::Borrowed(nested)),
        }
    }

    fn take_originals(&mut self) -> Result<Option<RecordBatch>, TableError> {
        self.originals.as_mut().map(|o| o.take(&self.name)).transpose()
    }
}

fn parse(line: &[u8]) -> Result<Map<String, Value>, String> {
    match serde_json::from_slice(line) {
        Ok(Value::Object(row)) => Ok(row),
        Ok(_) => Err("the line is another JSON value".to_owned()),
        // serde_json counts lines within the text it got, which is one line.
        Err(error) => Err(error.to_string().replace(" at line 1 column", " at column")),
    }
}

/// The keys of all rows that stand whole in the first bytes of a file.
fn keys(head: &[u8]) -> Vec<String> {
    let mut keys = Map::new();
    for line in head.split(|b| *b == b'\n') {
        for key in parse(line).into_iter().flatten().map(|(key, _)| key) {
            keys.insert(key, Value::Null);
        }
    }
    keys.into_iter().map(|(key, _)| key).collect()
}
