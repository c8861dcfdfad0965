//! Whole tables in memory.

use tokio::runtime::Handle;
use yw_task::{Column, LabelledRows, Rows, RowsBuilder, Truth};

use crate::hash::fingerprint;
use crate::scan::{Kept, Scan};
use crate::{AnswerColumn, Batch, FileInfo, Place, Problems, Source, TableError, TableSpec};

/// Rows that are read at a time; they are joined at the end.
const BATCH_ROWS: usize = 64 * 1024;

/// A table in memory: the good rows, and what is wrong with the others.
#[derive(Debug, Clone)]
pub struct Table {
    /// The inputs of the good rows.
    pub rows: Rows,
    /// Their right answers, if the spec named an answer column. Labels are sorted.
    pub truth: Option<Truth>,
    /// The extra columns of the spec, each with one text per good row; blank cells are `None`.
    pub extra: Vec<Vec<Option<String>>>,
    /// What is wrong with the rows that were left out.
    pub problems: Problems,
    /// The files that were read, in order.
    pub files: Vec<FileInfo>,
    /// A hash over the spec and the good rows: equal for equal content, whatever the format of the files.
    pub fingerprint: [u8; 32],
    /// Where each good row stands: index of the file, line or row number.
    origins: Vec<(u32, u64)>,
    answer: Option<AnswerColumn>,
    extra_names: Vec<String>,
}

/// A column of a table, as a split looks at it.
pub(crate) enum TableColumn<'a> {
    Field(Column<'a>),
    Extra(&'a [Option<String>]),
}

impl Table {
    /// How many good rows there are.
    pub fn n_rows(&self) -> usize {
        self.rows.n_rows()
    }

    /// Where a good row stands. Panics if there is none.
    pub fn place(&self, row_idx: usize) -> Place {
        let (file_idx, number) = self.origins[row_idx];
        let file = &self.files[file_idx as usize];
        Place { file: file.name.clone(), format: file.format, number }
    }

    /// The column that was read for the answers.
    pub fn answer(&self) -> Option<&AnswerColumn> {
        self.answer.as_ref()
    }

    /// The rows with their answers, and with the groups they belong to if there are any (see
    /// [`group_ids`](crate::group_ids)). `None` if the table was read without answers.
    pub fn labelled(&self, groups: Option<Vec<u32>>) -> Option<LabelledRows> {
        Some(LabelledRows { rows: self.rows.clone(), truth: self.truth.clone()?, groups })
    }

    /// The field or extra column of a name.
    pub(crate) fn column(&self, name: &str) -> Option<TableColumn<'_>> {
        if let Some(i) = self.rows.fields().iter().position(|f| f.name == name) {
            return Some(TableColumn::Field(self.rows.column(i)));
        }
        let i = self.extra_names.iter().position(|n| n == name)?;
        self.extra.get(i).map(|column| TableColumn::Extra(column))
    }
}

/// Reads all rows of a table into memory.
///
/// A bad row (a cell that is not of its field's type, a missing answer, too few cells) is left out and stands in
/// [`Table::problems`]. It is an error if no row is left.
pub async fn read(source: &Source, spec: &TableSpec) -> Result<Table, TableError> {
    let (source, spec, runtime) = (source.clone(), spec.clone(), Handle::current());
    blocking(move || read_blocking(&source, &spec, &runtime)).await
}

/// Runs blocking work beside the runtime's own threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TableError> + Send + 'static,
) -> Result<T, TableError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(TableError::Stopped),
    }
}

fn read_blocking(source: &Source, spec: &TableSpec, runtime: &Handle) -> Result<Table, TableError> {
    let mut kept = Kept::new(spec);
    let mut problems = Problems::default();
    let (mut batches, mut origins) = (Vec::new(), Vec::new());
    let mut sink = |batch: Batch| {
        let is_good = batch.first_problems().map(|problem| problem.is_none());
        let good = batch.numbers.iter().zip(is_good).filter(|(_, is_good)| *is_good);
        origins.extend(good.map(|(number, _)| (batch.file_idx as u32, *number)));
        for row in batch.problems.chunk_by(|a, b| a.0 == b.0) {
            problems.add_row(row.iter().map(|(_, problem)| problem.clone()));
        }
        batches.push(batch.rows);
        true
    };
    let scan = Scan { source, spec, batch_rows: BATCH_ROWS, originals: false };
    let files = scan.run(runtime, &mut kept, &mut sink)?;
    if origins.is_empty() {
        let names = files.iter().map(|f| f.name.to_string()).collect();
        return Err(TableError::NoRows { names, problems: Box::new(problems) });
    }
    let rows = Rows::concat(&batches).unwrap_or_else(|| RowsBuilder::new(spec.fields.clone()).finish());
    let truth = kept.truth.map(|truth| truth.finish());
    let fingerprint = fingerprint(spec, &rows, truth.as_ref(), &kept.extra);
    Ok(Table {
        rows,
        truth,
        extra: kept.extra,
        problems,
        files,
        fingerprint,
        origins,
        answer: spec.answer.clone(),
        extra_names: spec.extra.clone(),
    })
}
