//! Some rows of a file, the bad ones with what is wrong with them.

use std::sync::Arc;

use arrow_array::RecordBatch;
use yw_task::Rows;

use crate::{FileFormat, Place, Problem};

/// Some rows of one file, in file order: the good ones typed, the bad ones with what is wrong with them.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The good rows.
    pub rows: Rows,
    /// What is wrong with the bad rows, by the row's position in the batch, ascending; a row may have several.
    pub problems: Vec<(usize, Problem)>,
    /// Every column of every row, good and bad, as the file has it; where [`stream`](crate::stream()) was asked for
    /// them. Columns of CSV are texts; those of JSON lines are texts of JSON, marked with
    /// [`JSON_ENCODED`](crate::JSON_ENCODED); those of Parquet are what they are.
    pub originals: Option<RecordBatch>,
    pub(crate) file: Arc<str>,
    pub(crate) format: FileFormat,
    /// Which of the source's files it is.
    pub(crate) file_idx: usize,
    /// The line or row number of every row, good and bad.
    pub(crate) numbers: Vec<u64>,
}

impl Batch {
    /// How many rows of the file the batch stands for, good and bad.
    pub fn n_input_rows(&self) -> usize {
        self.numbers.len()
    }

    /// Where a row stands, by its position in the batch. Panics if there is none.
    pub fn place(&self, position: usize) -> Place {
        Place { file: self.file.clone(), format: self.format, number: self.numbers[position] }
    }

    /// For each input row, in order, its first problem; `None` for good rows.
    pub fn first_problems(&self) -> impl Iterator<Item = Option<&Problem>> {
        let mut problems = self.problems.iter().peekable();
        (0..self.n_input_rows()).map(move |position| {
            let first = problems.next_if(|(at, _)| *at == position);
            while problems.next_if(|(at, _)| *at == position).is_some() {}
            first.map(|(_, problem)| problem)
        })
    }

    /// One value per input row, in order: `good` has one per good row, and `bad` makes one of a bad row's first
    /// problem. Panics if `good` is too short.
    pub fn merge<T>(&self, good: impl IntoIterator<Item = T>, mut bad: impl FnMut(&Problem) -> T) -> Vec<T> {
        let mut good = good.into_iter();
        let value = |problem: Option<&Problem>| match problem {
            Some(problem) => bad(problem),
            None => good.next().expect("one value for each good row"),
        };
        self.first_problems().map(value).collect()
    }
}
