//! Parquet: record batches out of any object store, one row group in memory at a time.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;

use arrow_array::RecordBatch;
use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use object_store::ObjectStoreExt;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStream};
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use tokio::runtime::Handle;

use super::{Cursor, Step, Wanted, arrow};
use crate::TableError;
use crate::address::Location;
use crate::cell::Raw;

const BATCH_ROWS: usize = 8 * 1024;

pub(super) struct ParquetCursor {
    name: Arc<str>,
    runtime: Handle,
    columns: Vec<String>,
    stream: Pin<Box<ParquetRecordBatchStream<ObjectReader>>>,
    batch: Option<RecordBatch>,
    /// Of `columns`, the index in the batch of those that are read.
    projected: Vec<Option<usize>>,
    row: usize,
    number: u64,
    /// Passed-through rows since the last `take_originals`, and from where on those of the current batch are new.
    originals: Option<(Vec<RecordBatch>, usize)>,
}

impl ParquetCursor {
    pub(super) fn open(
        location: &Location,
        n_bytes: u64,
        wanted: Wanted<'_>,
        runtime: &Handle,
    ) -> Result<Self, TableError> {
        let reader = ObjectReader { location: location.clone(), n_bytes };
        let is_wanted = |name: &str| wanted.originals || wanted.columns.is_none_or(|columns| columns.contains(&name));
        let (columns, stream) = guarded(&location.name, || {
            let builder = runtime.block_on(ParquetRecordBatchStreamBuilder::new(reader))?;
            let columns: Vec<String> = builder.schema().fields().iter().map(|f| f.name().clone()).collect();
            let roots = columns.iter().enumerate().filter(|(_, name)| is_wanted(name)).map(|(i, _)| i);
            let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
            Ok((columns, builder.with_projection(mask).with_batch_size(BATCH_ROWS).build()?))
        })?;
        let read: Vec<&String> = columns.iter().filter(|name| is_wanted(name)).collect();
        Ok(ParquetCursor {
            name: location.name.clone(),
            runtime: runtime.clone(),
            projected: columns.iter().map(|name| read.iter().position(|r| *r == name)).collect(),
            columns,
            stream: Box::pin(stream),
            batch: None,
            row: 0,
            number: 0,
            originals: wanted.originals.then(|| (Vec::new(), 0)),
        })
    }

    /// Remembers the passed-through rows of the current batch that come before `end`.
    fn keep_originals(&mut self, end: usize) {
        if let (Some((kept, start)), Some(batch)) = (&mut self.originals, &self.batch) {
            if end > *start {
                kept.push(batch.slice(*start, end - *start));
            }
            *start = end;
        }
    }

    fn next_batch(&mut self) -> Result<bool, TableError> {
        if let Some(batch) = &self.batch {
            self.keep_originals(batch.num_rows());
        }
        let (stream, runtime) = (&mut self.stream, &self.runtime);
        let batch = guarded(&self.name, || runtime.block_on(stream.next()).transpose())?;
        if let Some((_, start)) = &mut self.originals {
            *start = 0;
        }
        self.row = 0;
        self.batch = batch;
        Ok(self.batch.is_some())
    }
}

impl Cursor for ParquetCursor {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn advance(&mut self) -> Result<Step, TableError> {
        self.row += 1;
        while self.batch.as_ref().is_none_or(|batch| self.row >= batch.num_rows()) {
            if !self.next_batch()? {
                return Ok(Step::End);
            }
        }
        self.number += 1;
        Ok(Step::Row)
    }

    fn number(&self) -> u64 {
        self.number
    }

    fn cell(&self, column: usize) -> Raw<'_> {
        let array = self.batch.as_ref().zip(self.projected[column]).map(|(batch, i)| batch.column(i));
        array.map_or(Raw::Missing, |array| arrow::cell(array, self.row))
    }

    fn take_originals(&mut self) -> Result<Option<RecordBatch>, TableError> {
        self.keep_originals(self.row + 1);
        let Some((kept, _)) = &mut self.originals else { return Ok(None) };
        let kept = std::mem::take(kept);
        let schema = self.stream.schema();
        arrow_select::concat::concat_batches(schema, &kept).map(Some).map_err(|e| TableError::read(&self.name, e))
    }
}

/// Runs a step of the Parquet reader. On damaged files that reader panics here and there; to our caller a panic is one
/// more way of being damaged.
fn guarded<T>(name: &str, step: impl FnOnce() -> ParquetResult<T>) -> Result<T, TableError> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(result) => result.map_err(|e| TableError::read(name, e)),
        Err(_) => Err(TableError::read(name, "the Parquet data is damaged")),
    }
}

/// Byte ranges of one object, as the Parquet reader asks for them.
struct ObjectReader {
    location: Location,
    n_bytes: u64,
}

impl AsyncFileReader for ObjectReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        Box::pin(async move { Ok(self.location.store.get_range(&self.location.path, range).await?) })
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        Box::pin(async move { Ok(self.location.store.get_ranges(&self.location.path, &ranges).await?) })
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        let n_bytes = self.n_bytes;
        Box::pin(async move { Ok(Arc::new(ParquetMetaDataReader::new().load_and_finish(self, n_bytes).await?)) })
    }
}
