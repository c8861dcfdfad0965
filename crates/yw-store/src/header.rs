//! A look at the database file before SQLite sees it: cheap, and with better words than "malformed disk image".

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use crate::StoreError;

/// The application id that the first migration writes: 'YWst'.
const APPLICATION_ID: u32 = u32::from_be_bytes(*b"YWst");

/// The first bytes of every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Fails unless `file` can be written, starts like a database of ours, and is as long as its header says.
///
/// The fields are those of <https://sqlite.org/fileformat2.html#the_database_header>.
pub(crate) fn check(state_dir: &Path, file: &Path) -> Result<(), StoreError> {
    let refused = |source| StoreError::from_io("open", "the database", file, source);
    let damaged = |detail: String| Err(StoreError::Damaged { path: state_dir.to_owned(), detail });
    let name = file.file_name().unwrap_or_default().display();

    let mut opened = OpenOptions::new().read(true).write(true).open(file).map_err(refused)?;
    let length = opened.metadata().map_err(refused)?.len();
    let Some(header) = read_header(&mut opened).map_err(refused)? else {
        return damaged(format!("{name} is cut off after {length} bytes"));
    };
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if header[..16] != *MAGIC {
        return damaged(format!("{name} is not a database"));
    }
    if number(68) != APPLICATION_ID {
        return damaged(format!("{name} is the database of another program"));
    }
    let page_size = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    // While there is a write-ahead log, a kill may have cut off a checkpoint: then the file is rightly shorter than it
    // says, and the log has the rest. The page count counts only if its two guards agree.
    let is_settled = !fs::metadata(file.with_extension("db-wal")).is_ok_and(|wal| wal.len() > 0);
    let expected = page_size * u64::from(number(28));
    if is_settled && number(24) == number(92) && length < expected {
        return damaged(format!("{name} has {length} bytes of {expected}"));
    }
    Ok(())
}

/// The hundred bytes of the header, if there are so many.
fn read_header(file: &mut File) -> io::Result<Option<[u8; 100]>> {
    let mut header = [0; 100];
    match file.read_exact(&mut header) {
        Ok(()) => Ok(Some(header)),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(e) => Err(e),
    }
}
