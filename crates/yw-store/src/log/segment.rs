//! Segments: files of framed records that one process appends to and any process reads.
//!
//! A segment starts with eight bytes, `YWlog` and a version. Each record follows as its length (four bytes, little
//! endian), the first eight bytes of the BLAKE3 hash of its payload, and the payload. The writer holds the system's lock
//! on the file for as long as it may append: a segment that can be locked is finished.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The first bytes of a segment.
const MAGIC: &[u8; 8] = b"YWlog\0\0\x01";

/// The bytes before each payload.
const FRAME_BYTES: usize = 12;

/// The end of a segment's file name.
pub(super) const EXTENSION: &str = "segment";

/// A segment that this process appends to.
#[derive(Debug)]
pub(super) struct Segment {
    file: File,
    path: PathBuf,
    /// The length up to which whole records stand in the file.
    n_bytes: u64,
    /// Whether a failed write may have left something behind them.
    is_torn: bool,
}

impl Segment {
    /// A new segment in `dir`.
    pub(super) fn create(dir: &Path) -> io::Result<Self> {
        // The name sorts by time, so that records come into the database in the order in which they were served.
        let path = dir.join(format!("{}.{EXTENSION}", crate::new_id()));
        let mut file = OpenOptions::new().append(true).create_new(true).open(&path)?;
        // Between creation and lock another process may see the file, but it is not to touch one without a header.
        if let Err(error) = file.lock().and_then(|()| file.write_all(MAGIC)) {
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(Segment { file, path, n_bytes: MAGIC.len() as u64, is_torn: false })
    }

    /// Appends frames in one write. After an error the segment can go on being used.
    pub(super) fn append(&mut self, frames: &[u8]) -> io::Result<()> {
        // Half a record would hide those that come after it.
        if self.is_torn {
            self.file.set_len(self.n_bytes)?;
        }
        self.is_torn = true;
        self.file.write_all(frames)?;
        self.is_torn = false;
        self.n_bytes += frames.len() as u64;
        Ok(())
    }

    /// Whether nothing was appended.
    pub(super) fn is_empty(&self) -> bool {
        self.n_bytes == MAGIC.len() as u64
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Appends the frame of a payload to `frames`. Fails if it is longer than 4 GiB.
pub(super) fn push_frame(frames: &mut Vec<u8>, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    frames.extend_from_slice(&length.to_le_bytes());
    frames.extend_from_slice(&checksum(payload));
    frames.extend_from_slice(payload);
    Ok(())
}

/// What is in a segment.
#[derive(Debug, PartialEq)]
pub(super) struct Contents<'a> {
    /// The payloads of the whole records.
    pub(super) payloads: Vec<&'a [u8]>,
    /// What comes after them.
    pub(super) end: End,
}

/// How a segment ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// After a whole record.
    Clean,
    /// Within a record whose write was cut off, and which was therefore never acknowledged.
    CutOff,
    /// With bytes that nobody wrote: the disk, the loss of power, or a person has changed them.
    Damaged,
}

/// Reads a segment; nothing if it has no header yet, or one of another version.
pub(super) fn read(bytes: &[u8]) -> Option<Contents<'_>> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let mut payloads = Vec::new();
    let end = loop {
        match next_record(rest) {
            Ok((payload, after)) => {
                payloads.push(payload);
                rest = after;
            }
            Err(end) => break end,
        }
    };
    Some(Contents { payloads, end })
}

/// The first payload of `bytes` and what follows it, or how the segment ends here.
fn next_record(bytes: &[u8]) -> Result<(&[u8], &[u8]), End> {
    if bytes.is_empty() {
        return Err(End::Clean);
    }
    let (length, after_length) = bytes.split_first_chunk::<4>().ok_or(End::CutOff)?;
    let (expected, after_frame) = after_length.split_first_chunk::<{ FRAME_BYTES - 4 }>().ok_or(End::CutOff)?;
    let (payload, after) = after_frame.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or(End::CutOff)?;
    if checksum(payload) != *expected {
        return Err(End::Damaged);
    }
    Ok((payload, after))
}

fn checksum(payload: &[u8]) -> [u8; 8] {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(payload).as_bytes()[..8]);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(payloads: &[&[u8]]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        payloads.iter().for_each(|payload| push_frame(&mut bytes, payload).unwrap());
        bytes
    }

    #[test]
    fn every_cut_leaves_the_whole_records() {
        let payloads: [&[u8]; 3] = [b"first", b"", b"the third one"];
        let bytes = segment(&payloads);
        let ends: Vec<usize> = (0..=3).map(|n| segment(&payloads[..n]).len()).collect();
        for cut in 0..=bytes.len() {
            let Some(contents) = read(&bytes[..cut]) else {
                assert!(cut < MAGIC.len());
                continue;
            };
            let n_whole = ends.iter().filter(|end| **end <= cut).count() - 1;
            assert_eq!(contents.payloads, payloads[..n_whole], "cut at {cut}");
            assert_eq!(contents.end, if ends.contains(&cut) { End::Clean } else { End::CutOff }, "cut at {cut}");
        }
    }

    #[test]
    fn a_changed_byte_is_never_taken_for_a_record() {
        let bytes = segment(&[b"first", b"second"]);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            match read(&changed) {
                None => assert!(at < MAGIC.len()),
                Some(contents) => {
                    assert!(contents.payloads.len() < 2 && contents.end != End::Clean, "changed at {at}");
                    assert!(contents.payloads.iter().all(|p| *p == b"first"), "changed at {at}");
                }
            }
        }
    }

    #[test]
    fn a_torn_end_is_cut_off_before_the_next_record() {
        let dir = tempfile::tempdir().unwrap();
        let mut segment = Segment::create(dir.path()).unwrap();
        let frame = |payload: &[u8]| {
            let mut frame = Vec::new();
            push_frame(&mut frame, payload).unwrap();
            frame
        };
        segment.append(&frame(b"first")).unwrap();
        // What a write that ran out of disk leaves.
        segment.file.write_all(&frame(b"never acknowledged")[..9]).unwrap();
        segment.is_torn = true;
        segment.append(&frame(b"second")).unwrap();
        let bytes = fs::read(segment.path()).unwrap();
        let expected: Vec<&[u8]> = vec![b"first", b"second"];
        assert_eq!(read(&bytes).unwrap(), Contents { payloads: expected, end: End::Clean });
    }

    #[test]
    fn a_new_segment_is_locked_until_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let mut segment = Segment::create(dir.path()).unwrap();
        let path = segment.path().to_owned();
        assert!(segment.is_empty());
        segment.append(b"frames").unwrap();
        assert!(!segment.is_empty());
        assert!(File::open(&path).unwrap().try_lock().is_err());
        drop(segment);
        File::open(&path).unwrap().try_lock().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"YWlog\0\0\x01frames");
    }
}
