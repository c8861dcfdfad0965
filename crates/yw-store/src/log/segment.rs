//! Segments: files of framed records that one process appends to and any process reads.
//!
//! A segment starts with eight bytes, `YWlog` and a version. Each record follows as its length (four bytes, little
//! endian), the first eight bytes of the BLAKE3 hash of its payload, and the payload: a byte that says what it is, and
//! JSON. Segments of version 1 have only served answers, and no such byte. The writer holds the system's lock on the file
//! for as long as it may append: a segment that can be locked is finished.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The first bytes of a segment.
const MAGIC: &[u8; 8] = b"YWlog\0\0\x02";

/// How long a segment without records is.
pub(super) const EMPTY_BYTES: u64 = MAGIC.len() as u64;

/// The first bytes of a segment without kinds.
const MAGIC_1: &[u8; 8] = b"YWlog\0\0\x01";

/// The bytes before each payload.
const FRAME_BYTES: usize = 12;

/// The end of a segment's file name.
pub(super) const EXTENSION: &str = "segment";

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A served answer: [`LogRecord`](crate::LogRecord).
    Answer,
    /// A call of the gateway: [`CallRecord`](crate::CallRecord).
    Call,
}

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Kind::Answer => b'a',
            Kind::Call => b'c',
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        [Kind::Answer, Kind::Call].into_iter().find(|kind| kind.byte() == byte)
    }
}

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
        Ok(Segment { file, path, n_bytes: EMPTY_BYTES, is_torn: false })
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
        self.n_bytes == EMPTY_BYTES
    }

    /// How long it is, in bytes.
    pub(super) fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// When the segment in a file was begun, in milliseconds since the Unix epoch; 0 if its name does not say.
pub(super) fn begun_ms(path: &Path) -> i64 {
    let name = path.file_stem().and_then(|stem| stem.to_str());
    let id = name.and_then(|name| uuid::Uuid::parse_str(name).ok());
    let time = id.and_then(|id| id.get_timestamp());
    time.map_or(0, |time| {
        let (seconds, nanos) = time.to_unix();
        i64::try_from(seconds).unwrap_or(0) * 1_000 + i64::from(nanos / 1_000_000)
    })
}

/// The most bytes that frames can have together: lengths are 32 bits.
pub(super) const FRAMES_AT_MOST: usize = u32::MAX as usize;

/// Appends the frame of a record to `frames`; `write` appends its JSON. What is longer than [`FRAMES_AT_MOST`] then is
/// not to be written.
pub(super) fn push_frame<E>(
    frames: &mut Vec<u8>,
    kind: Kind,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = frames.len();
    frames.extend_from_slice(&[0; FRAME_BYTES]);
    frames.push(kind.byte());
    write(frames)?;
    let frame = frames.get_mut(start..).and_then(|frame| frame.split_first_chunk_mut::<FRAME_BYTES>());
    if let Some((head, payload)) = frame {
        let (length, hash) = head.split_at_mut(4);
        length.copy_from_slice(&(payload.len() as u32).to_le_bytes());
        hash.copy_from_slice(&checksum(payload));
    }
    Ok(())
}

/// What is in a segment.
#[derive(Debug, PartialEq)]
pub(super) struct Contents {
    /// What the whole records are, and where their JSON is.
    pub(super) records: Vec<(Kind, Range<usize>)>,
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
pub(super) fn read(bytes: &[u8]) -> Option<Contents> {
    let (magic, mut rest) = bytes.split_first_chunk::<8>()?;
    let has_kinds = match magic {
        MAGIC => true,
        MAGIC_1 => false,
        _ => return None,
    };
    let mut records = Vec::new();
    let end = loop {
        let (payload, after) = match next_record(rest) {
            Ok(found) => found,
            Err(end) => break end,
        };
        let to = bytes.len() - after.len();
        let kind = if has_kinds { payload.first().copied().and_then(Kind::from_byte) } else { Some(Kind::Answer) };
        let Some(kind) = kind else { break End::Damaged };
        records.push((kind, to - payload.len() + usize::from(has_kinds)..to));
        rest = after;
    };
    Some(Contents { records, end })
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

    fn frame(kind: Kind, json: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        push_frame(&mut frame, kind, |frame| {
            frame.extend_from_slice(json);
            Ok::<_, ()>(())
        })
        .unwrap();
        frame
    }

    fn segment(records: &[(Kind, &[u8])]) -> Vec<u8> {
        let frames = records.iter().flat_map(|(kind, json)| frame(*kind, json));
        MAGIC.iter().copied().chain(frames).collect()
    }

    fn records<'a>(bytes: &'a [u8], contents: &Contents) -> Vec<(Kind, &'a [u8])> {
        contents.records.iter().map(|(kind, range)| (*kind, &bytes[range.clone()])).collect()
    }

    #[test]
    fn every_cut_leaves_the_whole_records() {
        let all: [(Kind, &[u8]); 3] = [(Kind::Answer, b"first"), (Kind::Call, b""), (Kind::Call, b"the third one")];
        let bytes = segment(&all);
        let ends: Vec<usize> = (0..=3).map(|n| segment(&all[..n]).len()).collect();
        for cut in 0..=bytes.len() {
            let Some(contents) = read(&bytes[..cut]) else {
                assert!(cut < MAGIC.len());
                continue;
            };
            let n_whole = ends.iter().filter(|end| **end <= cut).count() - 1;
            assert_eq!(records(&bytes, &contents), all[..n_whole], "cut at {cut}");
            assert_eq!(contents.end, if ends.contains(&cut) { End::Clean } else { End::CutOff }, "cut at {cut}");
        }
    }

    #[test]
    fn a_changed_byte_is_never_taken_for_a_record() {
        let bytes = segment(&[(Kind::Answer, b"first"), (Kind::Call, b"second")]);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            match read(&changed) {
                None => assert!(at < MAGIC.len()),
                Some(contents) => {
                    let records = records(&changed, &contents);
                    assert!(records.len() < 2 && contents.end != End::Clean, "changed at {at}");
                    assert!(records.iter().all(|r| *r == (Kind::Answer, b"first")), "changed at {at}");
                }
            }
        }
    }

    #[test]
    fn a_record_of_a_kind_that_is_none_is_damage() {
        let mut bytes = segment(&[(Kind::Answer, b"first")]);
        let payload = b"xsecond";
        bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&checksum(payload));
        bytes.extend_from_slice(payload);
        let contents = read(&bytes).unwrap();
        assert_eq!((contents.records.len(), contents.end), (1, End::Damaged));
    }

    #[test]
    fn segments_of_version_1_have_answers_only() {
        let mut bytes = MAGIC_1.to_vec();
        let payload = b"{}";
        bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&checksum(payload));
        bytes.extend_from_slice(payload);
        let contents = read(&bytes).unwrap();
        assert_eq!(records(&bytes, &contents), [(Kind::Answer, &payload[..])]);
        assert_eq!(contents.end, End::Clean);
    }

    #[test]
    fn a_torn_end_is_cut_off_before_the_next_record() {
        let dir = tempfile::tempdir().unwrap();
        let mut segment = Segment::create(dir.path()).unwrap();
        segment.append(&frame(Kind::Call, b"first")).unwrap();
        // What a write that ran out of disk leaves.
        segment.file.write_all(&frame(Kind::Call, b"never acknowledged")[..9]).unwrap();
        segment.is_torn = true;
        segment.append(&frame(Kind::Answer, b"second")).unwrap();
        let bytes = fs::read(segment.path()).unwrap();
        let contents = read(&bytes).unwrap();
        let expected: [(Kind, &[u8]); 2] = [(Kind::Call, b"first"), (Kind::Answer, b"second")];
        assert_eq!(records(&bytes, &contents), expected);
        assert_eq!(contents.end, End::Clean);
    }

    #[test]
    fn a_new_segment_is_locked_until_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let begun = jiff::Timestamp::now().as_millisecond();
        let mut segment = Segment::create(dir.path()).unwrap();
        let path = segment.path().to_owned();
        assert!((begun..begun + 10_000).contains(&begun_ms(&path)));
        assert!(segment.is_empty());
        segment.append(b"frames").unwrap();
        assert!(!segment.is_empty());
        assert!(File::open(&path).unwrap().try_lock().is_err());
        drop(segment);
        File::open(&path).unwrap().try_lock().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"YWlog\0\0\x02frames");
    }
}
