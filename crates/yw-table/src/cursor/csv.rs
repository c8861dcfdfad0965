//! CSV: one record at a time, with exact line numbers.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use arrow_array::RecordBatch;
use csv_core::{ReadRecordResult, ReaderBuilder};

use super::arrow::TextColumns;
use super::{Cursor, MAX_ROW_BYTES, Step, Wanted};
use crate::cell::Raw;
use crate::open::OpenFile;
use crate::problem::shorten;
use crate::{ProblemKind, TableError};

const BUFFER_BYTES: usize = 256 * 1024;
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

pub(super) struct CsvCursor {
    name: Arc<str>,
    columns: Vec<String>,
    records: Records<Box<dyn Read + Send>>,
    originals: Option<TextColumns>,
}

impl CsvCursor {
    pub(super) fn open(name: &Arc<str>, file: OpenFile, wanted: Wanted<'_>) -> Result<Self, TableError> {
        let (head, reader) = file.into_reader();
        let delimiter = wanted.delimiter.unwrap_or_else(|| detect_delimiter(&head, wanted.columns));
        let mut records = Records::new(Box::new(reader) as Box<dyn Read + Send>, delimiter);
        if !records.advance().map_err(|e| TableError::read(name, e))? {
            return Err(TableError::Empty { name: name.to_string() });
        }
        let columns = (0..records.n_cells())
            .map(|i| std::str::from_utf8(records.cell(i)).map(|column| column.trim().to_owned()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| TableError::format(name, "has a header line that is not valid UTF-8"))?;
        if let [header] = columns.as_slice()
            && let Some(found) = other_delimiter(header, delimiter)
        {
            let (name, header) = (name.to_string(), shorten(header));
            return Err(TableError::Delimiter { name, header, expected: delimiter, found });
        }
        let originals = wanted.originals.then(|| TextColumns::plain(&columns));
        Ok(CsvCursor { name: name.clone(), columns, records, originals })
    }
}

impl Cursor for CsvCursor {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn advance(&mut self) -> Result<Step, TableError> {
        if !self.records.advance().map_err(|e| TableError::read(&self.name, e))? {
            return Ok(Step::End);
        }
        let (expected, found) = (self.columns.len(), self.records.n_cells());
        if let Some(originals) = &mut self.originals {
            let records = &self.records;
            originals.push((0..expected).map(|i| (i < found).then(|| String::from_utf8_lossy(records.cell(i)))));
        }
        Ok(if self.records.unclosed {
            Step::BadRow(ProblemKind::UnclosedQuote { n_lines: self.records.n_swallowed_lines() })
        } else if expected != found {
            Step::BadRow(ProblemKind::Ragged { expected, found })
        } else {
            Step::Row
        })
    }

    fn number(&self) -> u64 {
        self.records.line
    }

    fn cell(&self, column: usize) -> Raw<'_> {
        Raw::Bytes(self.records.cell(column))
    }

    fn take_originals(&mut self) -> Result<Option<RecordBatch>, TableError> {
        self.originals.as_mut().map(|o| o.take(&self.name)).transpose()
    }
}

/// The delimiter under which the first line has most of the wanted columns; among equals, most columns at all.
fn detect_delimiter(head: &[u8], wanted: Option<&[&str]>) -> u8 {
    let mut best = (b',', (0, 1));
    for delimiter in DELIMITERS {
        let mut records = Records::new(head, delimiter);
        if !matches!(records.advance(), Ok(true)) {
            continue;
        }
        let names = (0..records.n_cells()).filter_map(|i| std::str::from_utf8(records.cell(i)).ok().map(str::trim));
        let n_wanted = names.filter(|name| wanted.is_some_and(|wanted| wanted.contains(name))).count();
        let score = (n_wanted, records.n_cells());
        if score > best.1 {
            best = (delimiter, score);
        }
    }
    best.0
}

/// The delimiter that a header of one column seems to be written with.
fn other_delimiter(header: &str, delimiter: u8) -> Option<u8> {
    let count = |d: u8| header.bytes().filter(|b| *b == d).count();
    DELIMITERS.into_iter().filter(|d| *d != delimiter && count(*d) > 0).max_by_key(|d| count(*d))
}

/// Records of bytes. csv's own reader neither says where a record that follows a CRLF or a blank line starts, nor stops
/// at a record without end.
struct Records<R> {
    reader: BufReader<R>,
    parser: csv_core::Reader,
    /// The cells of the record, without anything between them; only the first part is in use.
    bytes: Vec<u8>,
    /// Where each cell ends in `bytes`; only the first `n_cells` are in use.
    ends: Vec<usize>,
    n_cells: usize,
    /// The line on which the record starts.
    line: u64,
    /// Whether the file ended within quotes.
    unclosed: bool,
    ended: bool,
}

impl<R: Read> Records<R> {
    fn new(reader: R, delimiter: u8) -> Self {
        Records {
            reader: BufReader::with_capacity(BUFFER_BYTES, reader),
            parser: ReaderBuilder::new().delimiter(delimiter).build(),
            bytes: vec![0; 4096],
            ends: vec![0; 64],
            n_cells: 0,
            line: 0,
            unclosed: false,
            ended: false,
        }
    }

    fn n_cells(&self) -> usize {
        self.n_cells
    }

    fn cell(&self, i: usize) -> &[u8] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.bytes[start..self.ends[i]]
    }

    /// Reads the next record. False at the end.
    fn advance(&mut self) -> io::Result<bool> {
        let (mut n_bytes, mut n_cells) = (0, 0);
        if self.ended {
            return Ok(false);
        }
        loop {
            let input = self.reader.fill_buf()?;
            // A line end after the last byte ends any record, except one that is still within quotes.
            let at_end = input.is_empty();
            let input: &[u8] = if at_end { b"\n" } else { input };
            let (result, n_read, n_written, n_ended) =
                self.parser.read_record(input, &mut self.bytes[n_bytes..], &mut self.ends[n_cells..]);
            let last_byte = n_read.checked_sub(1).map(|i| input[i]);
            n_bytes += n_written;
            n_cells += n_ended;
            if !at_end {
                self.reader.consume(n_read);
            }
            match result {
                ReadRecordResult::OutputFull => self.grow()?,
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::Record => {
                    self.ended = at_end;
                    self.finish(n_bytes, n_cells, last_byte == Some(b'\n'));
                    return Ok(true);
                }
                ReadRecordResult::InputEmpty if !at_end => {}
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {
                    self.ended = true;
                    if n_bytes == 0 {
                        return Ok(false);
                    }
                    self.unclosed = true;
                    // The cell without end ends here, before the line end that the file does not have.
                    self.ends.insert(n_cells, n_bytes - 1);
                    self.finish(n_bytes - 1, n_cells + 1, true);
                    return Ok(true);
                }
            }
        }
    }

    fn finish(&mut self, n_bytes: usize, n_cells: usize, ended_by_newline: bool) {
        self.n_cells = n_cells;
        let n_inner_lines = count_newlines(&self.bytes[..n_bytes]);
        self.line = self.parser.line() - n_inner_lines - u64::from(ended_by_newline);
    }

    /// Of a record whose quote is never closed: how many lines it reaches beyond its own.
    fn n_swallowed_lines(&self) -> u64 {
        let end = self.n_cells.checked_sub(1).map_or(0, |last| self.ends[last]);
        count_newlines(self.bytes[..end].trim_ascii_end())
    }

    fn grow(&mut self) -> io::Result<()> {
        if self.bytes.len() >= MAX_ROW_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the row that starts after line {} is longer than 64 MiB; is a quote never closed?", self.line),
            ));
        }
        self.bytes.resize(2 * self.bytes.len(), 0);
        Ok(())
    }
}

fn count_newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line, cells and whether a quote is open, for each record.
    fn read(text: &str) -> Vec<(u64, Vec<String>, bool)> {
        let mut records = Records::new(text.as_bytes(), b',');
        let mut all = Vec::new();
        while records.advance().unwrap() {
            let cells = (0..records.n_cells()).map(|i| String::from_utf8_lossy(records.cell(i)).into_owned());
            all.push((records.line, cells.collect(), records.unclosed));
        }
        all
    }

    #[track_caller]
    fn check(text: &str, expected: &[(u64, &[&str])]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(line, cells)| (*line, cells.iter().map(|c| (*c).to_owned()).collect(), false))
            .collect();
        assert_eq!(read(text), expected, "{text:?}");
    }

    #[test]
    fn lines_are_those_on_which_records_start() {
        check("a,b\n1,2\n3,4", &[(1, &["a", "b"]), (2, &["1", "2"]), (3, &["3", "4"])]);
        check("a\r\n1\r\n\r\n3\r\n", &[(1, &["a"]), (2, &["1"]), (4, &["3"])]);
        check("a\n\n\n\"x\ny\"\nz\n", &[(1, &["a"]), (4, &["x\ny"]), (6, &["z"])]);
        check("a\r\n\"x\r\ny\"\r\nz", &[(1, &["a"]), (2, &["x\r\ny"]), (4, &["z"])]);
        check("\n\na,b", &[(3, &["a", "b"])]);
        check("a,\"\"", &[(1, &["a", ""])]);
        check("a,\n", &[(1, &["a", ""])]);
        check("", &[]);
        check("\n\r\n", &[]);
    }

    #[test]
    fn an_open_quote_at_the_end_is_noticed() {
        let records = read("a,b\n1,\"x\n2,y\n");
        assert_eq!(records[1], (2, vec!["1".to_owned(), "x\n2,y\n".to_owned()], true));
        assert!(read("a\n\"")[1].2);
        assert!(!read("a,b\n1,\"x\"\"\"\n")[1].2);
    }

    #[test]
    fn delimiters_are_found_by_wanted_columns_then_by_count() {
        assert_eq!(detect_delimiter(b"a;b;c\n1;2,5;3,5,5\n", None), b';');
        assert_eq!(detect_delimiter(b"one column\nx\n", None), b',');
        assert_eq!(detect_delimiter(b"a;b, with c, and d\n", Some(&["a"])), b';');
        assert_eq!(detect_delimiter(b"\"x;y;z\",b\n", None), b',');
    }
}
