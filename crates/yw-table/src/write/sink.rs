//! The three formats, behind one trait.

use std::error::Error;
use std::io::Write;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::{Map, Value};

use super::columns::ANSWER;
use super::output::Output;
use crate::cell;
use crate::cursor::cell_json;
use crate::{FileFormat, JSON_ENCODED};

pub(super) type SinkError = Box<dyn Error + Send + Sync>;

/// A file format being written.
pub(super) trait Sink: Send {
    /// Writes rows: an array for each column of the schema.
    fn write(&mut self, columns: &[ArrayRef], n_rows: usize) -> Result<(), SinkError>;

    /// Writes what is left.
    fn finish(self: Box<Self>) -> Result<Output, SinkError>;
}

pub(super) fn open(format: FileFormat, output: Output, schema: SchemaRef) -> Result<Box<dyn Sink>, SinkError> {
    Ok(match format {
        FileFormat::Csv => {
            let mut writer = csv::Writer::from_writer(output);
            writer.write_record(schema.fields().iter().map(|f| f.name()))?;
            Box::new(CsvSink { writer, is_json: is_json(&schema) })
        }
        FileFormat::JsonLines => Box::new(JsonLinesSink { output, is_json: is_json(&schema), schema }),
        FileFormat::Parquet => {
            // Rows wait in memory until their group is written.
            const GROUP_ROWS: usize = 128 * 1024;
            const GROUP_BYTES: usize = 64 << 20;
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::default()))
                .set_max_row_group_row_count(Some(GROUP_ROWS))
                .set_max_row_group_bytes(Some(GROUP_BYTES))
                .build();
            Box::new(ParquetSink { writer: ArrowWriter::try_new(output, schema.clone(), Some(properties))?, schema })
        }
    })
}

/// Which columns hold JSON in their texts.
fn is_json(schema: &SchemaRef) -> Vec<bool> {
    schema.fields().iter().map(|f| f.metadata().contains_key(JSON_ENCODED)).collect()
}

struct CsvSink {
    writer: csv::Writer<Output>,
    is_json: Vec<bool>,
}

impl Sink for CsvSink {
    fn write(&mut self, columns: &[ArrayRef], n_rows: usize) -> Result<(), SinkError> {
        for row in 0..n_rows {
            for (column, is_json) in columns.iter().zip(&self.is_json) {
                match cell_json(column, row, *is_json) {
                    Value::Null => self.writer.write_field("")?,
                    Value::String(text) => self.writer.write_field(text)?,
                    Value::Number(n) if n.is_f64() => {
                        self.writer.write_field(cell::number_text(n.as_f64().unwrap_or_default()))?;
                    }
                    other => self.writer.write_field(other.to_string())?,
                }
            }
            self.writer.write_record(None::<&[u8]>)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Output, SinkError> {
        self.writer.into_inner().map_err(|e| e.into_error().into())
    }
}

struct JsonLinesSink {
    output: Output,
    schema: SchemaRef,
    is_json: Vec<bool>,
}

impl Sink for JsonLinesSink {
    fn write(&mut self, columns: &[ArrayRef], n_rows: usize) -> Result<(), SinkError> {
        for row in 0..n_rows {
            let mut object = Map::new();
            for ((column, field), is_json) in columns.iter().zip(self.schema.fields()).zip(&self.is_json) {
                // A key that the input row did not have stays away.
                let is_absent = *is_json && column.is_null(row) && field.name() != ANSWER;
                if !is_absent {
                    object.insert(field.name().clone(), cell_json(column, row, *is_json));
                }
            }
            serde_json::to_writer(&mut self.output, &object)?;
            self.output.write_all(b"\n")?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Output, SinkError> {
        Ok(self.output)
    }
}

struct ParquetSink {
    writer: ArrowWriter<Output>,
    schema: SchemaRef,
}

impl Sink for ParquetSink {
    fn write(&mut self, columns: &[ArrayRef], n_rows: usize) -> Result<(), SinkError> {
        if n_rows > 0 {
            self.writer.write(&RecordBatch::try_new(self.schema.clone(), columns.to_vec())?)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Output, SinkError> {
        Ok(self.writer.into_inner()?)
    }
}
