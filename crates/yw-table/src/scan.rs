//! The one loop that reads tables: files in order, rows in order, batches out.

use std::sync::Arc;

use arrow_array::RecordBatch;
use tokio::runtime::Handle;
use yw_task::{Field, RowsBuilder};

use crate::address::{Location, resolve};
use crate::cell::{self, Typed};
use crate::cursor::{Cursor, OpenCursor, Step, Wanted, open_cursor};
use crate::error::MissingColumn;
use crate::near::nearest;
use crate::truth::TruthBuilder;
use crate::{Batch, FileInfo, Place, Problem, ProblemKind, Source, TableError, TableSpec};

/// A reading of some columns of a source, from the first row to the last.
pub(crate) struct Scan<'a> {
    pub(crate) source: &'a Source,
    pub(crate) spec: &'a TableSpec,
    /// Rows in a batch.
    pub(crate) batch_rows: usize,
    /// Whether batches carry all columns of the files.
    pub(crate) originals: bool,
}

/// What is kept of each good row besides its fields.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) truth: Option<TruthBuilder>,
    /// Column by column.
    pub(crate) extra: Vec<Vec<Option<String>>>,
}

impl Kept {
    /// For a scan of the spec, which fills it.
    pub(crate) fn new(spec: &TableSpec) -> Self {
        Kept {
            truth: spec.answer.clone().map(TruthBuilder::new),
            extra: spec.extra.iter().map(|_| Vec::new()).collect(),
        }
    }
}

impl Scan<'_> {
    /// Gives every batch to `sink` until it returns false, and what is kept of the rows to `kept`. Blocks.
    pub(crate) fn run(
        &self,
        runtime: &Handle,
        kept: &mut Kept,
        sink: &mut dyn FnMut(Batch) -> bool,
    ) -> Result<Vec<FileInfo>, TableError> {
        let mut files = Vec::new();
        for location in resolve(self.source, runtime)? {
            match self.run_file(files.len(), &location, runtime, kept, sink)? {
                Some(file) => files.push(file),
                None => break,
            }
        }
        Ok(files)
    }

    /// `None` if the sink wants no more.
    fn run_file(
        &self,
        file_idx: usize,
        location: &Location,
        runtime: &Handle,
        kept: &mut Kept,
        sink: &mut dyn FnMut(Batch) -> bool,
    ) -> Result<Option<FileInfo>, TableError> {
        let columns: Vec<&str> = self.spec.columns().collect();
        let wanted = Wanted { columns: Some(&columns), delimiter: self.source.delimiter, originals: self.originals };
        let OpenCursor { mut cursor, format, n_bytes } = open_cursor(location, wanted, runtime)?;
        let slots = bind(&location.name, cursor.columns(), &columns, self.originals)?;
        let names = columns.iter().map(|column| Arc::from(*column)).collect();
        let file = FileInfo { name: location.name.clone(), format, n_bytes, n_rows: 0 };
        let mut assembler = Assembler::new(file, file_idx, self.spec.fields.clone(), names, slots, kept);
        loop {
            let step = cursor.advance()?;
            let is_end = matches!(step, Step::End);
            match step {
                Step::Row => assembler.add(cursor.as_ref()),
                Step::BadRow(kind) => assembler.add_bad(cursor.number(), kind),
                Step::End => {}
            }
            let n_waiting = assembler.numbers.len();
            if n_waiting == self.batch_rows || (is_end && n_waiting > 0) {
                let batch = assembler.take(cursor.take_originals()?);
                if !sink(batch) {
                    return Ok(None);
                }
            }
            if is_end {
                return Ok(Some(assembler.file));
            }
        }
    }
}

/// Where each wanted column stands in the file. `all` says that the others matter too.
fn bind(name: &str, found: &[String], wanted: &[&str], all: bool) -> Result<Vec<usize>, TableError> {
    let matters = |column: &str| all || wanted.contains(&column);
    let mut twice: Vec<String> = Vec::new();
    for (i, column) in found.iter().enumerate() {
        if !column.is_empty() && matters(column) && found[..i].contains(column) && !twice.contains(column) {
            twice.push(column.clone());
        }
    }
    if !twice.is_empty() {
        return Err(TableError::DuplicateColumns { name: name.to_owned(), columns: twice });
    }
    let mut missing: Vec<MissingColumn> = Vec::new();
    let mut slots = Vec::new();
    for column in wanted {
        match found.iter().position(|f| f == column) {
            Some(slot) => slots.push(slot),
            None if missing.iter().any(|m| m.name == *column) => {}
            None => {
                let meant = nearest(column, found.iter().map(String::as_str)).map(str::to_owned);
                missing.push(MissingColumn { name: (*column).to_owned(), meant });
            }
        }
    }
    if missing.is_empty() {
        Ok(slots)
    } else {
        Err(TableError::MissingColumns { name: name.to_owned(), missing, found: found.to_vec() })
    }
}

/// Types the rows of one file and gathers them into batches.
struct Assembler<'k> {
    file: FileInfo,
    file_idx: usize,
    fields: Arc<[Field]>,
    /// The names of the columns of [`TableSpec::columns`]: fields, answer, extra columns.
    names: Vec<Arc<str>>,
    /// Where these columns stand in the file.
    slots: Vec<usize>,
    kept: &'k mut Kept,
    rows: RowsBuilder,
    problems: Vec<(usize, Problem)>,
    numbers: Vec<u64>,
}

impl<'k> Assembler<'k> {
    fn new(
        file: FileInfo,
        file_idx: usize,
        fields: Arc<[Field]>,
        names: Vec<Arc<str>>,
        slots: Vec<usize>,
        kept: &'k mut Kept,
    ) -> Self {
        let rows = RowsBuilder::new(fields.clone());
        Assembler { file, file_idx, fields, names, slots, kept, rows, problems: Vec::new(), numbers: Vec::new() }
    }

    /// Adds a row that cannot even be taken apart.
    fn add_bad(&mut self, number: u64, kind: ProblemKind) {
        self.file.n_rows += 1;
        self.numbers.push(number);
        self.problem(None, kind);
    }

    /// Adds the cursor's current row, or what is wrong with it.
    fn add(&mut self, cursor: &dyn Cursor) {
        self.file.n_rows += 1;
        self.numbers.push(cursor.number());
        let n_problems = self.problems.len();
        let mut cells = Vec::with_capacity(self.fields.len());
        for i in 0..self.fields.len() {
            match cell::typed(&cursor.cell(self.slots[i]), self.fields[i].field_type) {
                Ok(typed) => cells.push(typed),
                Err(kind) => self.problem(Some(i), kind),
            }
        }
        let mut column = self.fields.len();
        let mut answer = None;
        if let Some(truth) = &self.kept.truth {
            match truth.check(&cursor.cell(self.slots[column])) {
                Ok(cell) => answer = Some(cell),
                Err(kind) => self.problem(Some(column), kind),
            }
            column += 1;
        }
        let mut extra = Vec::with_capacity(self.kept.extra.len());
        for i in column..column + self.kept.extra.len() {
            match cell::text(&cursor.cell(self.slots[i])) {
                Ok(text) => extra.push(text.filter(|t| !t.trim().is_empty())),
                Err(kind) => self.problem(Some(i), kind),
            }
        }
        if self.problems.len() > n_problems {
            return;
        }
        self.rows.push(&cells.iter().map(Typed::as_cell).collect::<Vec<_>>()).expect("cells typed by their fields");
        if let (Some(truth), Some(answer)) = (&mut self.kept.truth, answer) {
            truth.push(answer);
        }
        for (column, text) in self.kept.extra.iter_mut().zip(extra) {
            column.push(text.map(|t| t.into_owned()));
        }
    }

    fn problem(&mut self, column: Option<usize>, kind: ProblemKind) {
        let position = self.numbers.len() - 1;
        let (file, format, number) = (self.file.name.clone(), self.file.format, self.numbers[position]);
        let place = Place { file, format, number };
        self.problems.push((position, Problem { place, column: column.map(|i| self.names[i].clone()), kind }));
    }

    fn take(&mut self, originals: Option<RecordBatch>) -> Batch {
        Batch {
            rows: std::mem::replace(&mut self.rows, RowsBuilder::new(self.fields.clone())).finish(),
            problems: std::mem::take(&mut self.problems),
            originals,
            file: self.file.name.clone(),
            format: self.file.format,
            file_idx: self.file_idx,
            numbers: std::mem::take(&mut self.numbers),
        }
    }
}
