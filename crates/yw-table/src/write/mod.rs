//! Writing answers beside the rows they answer: CSV, JSON lines or Parquet, a batch at a time.

mod columns;
mod output;
mod sink;

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use yw_task::{Answer, AnswerSpec, RowError};

use crate::FileFormat;
use columns::Columns;
use output::Output;
use sink::Sink;

/// Writes answers to a file or stream, in bounded memory. Calls block while they write.
///
/// The columns are those of the input, if they are given, then `answer`, `confidence` (how likely the predictor thinks
/// its answer is), if asked for one `score_<label>` for each label (`score_true` for booleans), and `error` (why there
/// is no answer). An input column of one of these names is written as `input_<name>`. Which columns there are is settled
/// by the first batch.
///
/// A file is written under another name beside its own and renamed by [`finish`](AnswerWriter::finish), so that there is
/// never half a file under its name.
pub struct AnswerWriter {
    columns: Columns,
    format: FileFormat,
    state: State,
    target: String,
}

enum State {
    /// The first batch settles the columns.
    Waiting(Output),
    Writing(Box<dyn Sink>),
}

/// Why answers cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file name does not say how to write.
    #[error("cannot tell the format of {}: name it .csv, .jsonl or .parquet", path.display())]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("no space left on the device while writing {target}")]
    Full {
        /// The file or stream.
        target: String,
    },
    /// The system refused.
    #[error("cannot write {target}")]
    Io {
        /// The file or stream.
        target: String,
        /// What it said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A column of a later file is of another type than in the first.
    #[error("column `{column}` changes its type between the input files, which {target} cannot hold")]
    Column {
        /// The file or stream.
        target: String,
        /// The column.
        column: String,
    },
    /// There are more or fewer answers than rows.
    #[error("{n_answers} answers for {n_rows} rows")]
    Rows {
        /// Input rows.
        n_rows: usize,
        /// Answers.
        n_answers: usize,
    },
}

impl AnswerWriter {
    /// A writer to a file, in the format that the extension names. Whatever stands under the name is replaced at the
    /// end. `scores` asks for a column for each label.
    pub fn create(path: &Path, spec: &AnswerSpec, scores: bool) -> Result<Self, WriteError> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let format = match extension.as_str() {
            "csv" => FileFormat::Csv,
            "jsonl" | "ndjson" => FileFormat::JsonLines,
            "parquet" | "pq" => FileFormat::Parquet,
            _ => return Err(WriteError::Format { path: path.to_owned() }),
        };
        let target = path.display().to_string();
        let output = Output::file(path).map_err(|e| WriteError::io(&target, e))?;
        Ok(AnswerWriter { columns: Columns::new(spec, scores), format, state: State::Waiting(output), target })
    }

    /// A writer to a stream, for example the standard output.
    pub fn to_stream(stream: Box<dyn Write + Send>, format: FileFormat, spec: &AnswerSpec, scores: bool) -> Self {
        let columns = Columns::new(spec, scores);
        AnswerWriter { columns, format, state: State::Waiting(Output::stream(stream)), target: "the output".to_owned() }
    }

    /// Writes one answer, or why there is none, for each row of `input`, or without the rows if there is no input.
    pub fn write(
        &mut self,
        input: Option<&RecordBatch>,
        answers: &[Result<Answer, RowError>],
    ) -> Result<(), WriteError> {
        let n_rows = input.map_or(answers.len(), RecordBatch::num_rows);
        if n_rows != answers.len() {
            return Err(WriteError::Rows { n_rows, n_answers: answers.len() });
        }
        let (schema, arrays) = self.columns.arrays(input, answers);
        if let State::Waiting(output) = &mut self.state {
            let sink = sink::open(self.format, output.take(), schema).map_err(|e| WriteError::io(&self.target, e))?;
            self.state = State::Writing(sink);
        }
        let State::Writing(sink) = &mut self.state else { return Ok(()) };
        sink.write(&arrays, n_rows).map_err(|error| match self.columns.changed(&arrays) {
            Some(column) if self.format == FileFormat::Parquet => {
                WriteError::Column { target: self.target.clone(), column }
            }
            _ => WriteError::io(&self.target, error),
        })
    }

    /// Writes what is left and puts the file in its place. Without this call there is no file.
    pub fn finish(mut self) -> Result<(), WriteError> {
        if matches!(self.state, State::Waiting(_)) {
            // No batch came: the columns of the answer still make a table.
            self.write(None, &[])?;
        }
        let State::Writing(sink) = self.state else { return Ok(()) };
        sink.finish().and_then(|output| Ok(output.commit()?)).map_err(|e| WriteError::io(&self.target, e))
    }
}

impl WriteError {
    fn io(target: &str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source = source.into();
        let mut cause: Option<&(dyn Error + 'static)> = Some(&*source);
        while let Some(error) = cause {
            if io_kind(error) == Some(io::ErrorKind::StorageFull) {
                return WriteError::Full { target: target.to_owned() };
            }
            cause = error.source();
        }
        WriteError::Io { target: target.to_owned(), source }
    }
}

/// The kind of an error of the system. The formats' writers keep it inside, and do not name it as their source.
fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    if let Some(error) = error.downcast_ref::<csv::Error>() {
        return if let csv::ErrorKind::Io(e) = error.kind() { Some(e.kind()) } else { None };
    }
    if let Some(error) = error.downcast_ref::<serde_json::Error>() {
        return error.io_error_kind();
    }
    error.downcast_ref::<io::Error>().map(io::Error::kind)
}
