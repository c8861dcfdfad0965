//! One row at a time out of any format.

mod arrow;
mod csv;
mod json_lines;
mod parquet;

use arrow_array::RecordBatch;
use tokio::runtime::Handle;

use crate::address::Location;
use crate::cell::Raw;
use crate::open::open;
use crate::{FileFormat, ProblemKind, TableError};

pub use arrow::JSON_ENCODED;
pub(crate) use arrow::cell_json;

/// A row may have this many bytes; what is longer is most likely an unclosed quote.
const MAX_ROW_BYTES: usize = 64 << 20;

/// A position in a table file. It starts before the first row.
pub(crate) trait Cursor {
    /// The columns, in file order.
    fn columns(&self) -> &[String];

    /// Goes to the next row.
    fn advance(&mut self) -> Result<Step, TableError>;

    /// The line or row number of the current row, from 1.
    fn number(&self) -> u64;

    /// A cell of the current row, which must be a good one; `column` is an index into [`columns`](Cursor::columns).
    fn cell(&self, column: usize) -> Raw<'_>;

    /// Every column of all rows, good and bad, since the last call; `None` if the cursor was opened without.
    fn take_originals(&mut self) -> Result<Option<RecordBatch>, TableError>;
}

/// What [`Cursor::advance`] found.
pub(crate) enum Step {
    Row,
    BadRow(ProblemKind),
    End,
}

/// What a cursor is opened for.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Columns that will be asked for. `None`: all.
    pub(crate) columns: Option<&'a [&'a str]>,
    /// The delimiter of CSV, if it was given.
    pub(crate) delimiter: Option<u8>,
    /// Whether [`Cursor::take_originals`] will be called.
    pub(crate) originals: bool,
}

pub(crate) struct OpenCursor {
    pub(crate) cursor: Box<dyn Cursor>,
    pub(crate) format: FileFormat,
    pub(crate) n_bytes: u64,
}

/// Opens a file. Blocks.
pub(crate) fn open_cursor(location: &Location, wanted: Wanted<'_>, runtime: &Handle) -> Result<OpenCursor, TableError> {
    let file = open(location, runtime)?;
    let (format, n_bytes) = (file.format, file.n_bytes);
    let cursor: Box<dyn Cursor> = match format {
        FileFormat::Csv => Box::new(csv::CsvCursor::open(&location.name, file, wanted)?),
        FileFormat::JsonLines => Box::new(json_lines::JsonLinesCursor::open(&location.name, file, wanted)?),
        FileFormat::Parquet => Box::new(parquet::ParquetCursor::open(location, n_bytes, wanted, runtime)?),
    };
    Ok(OpenCursor { cursor, format, n_bytes })
}
