//! The frame of our format: header, table of sections, and sections that start at multiples of eight bytes.

use std::ops::Range;

use super::MAGIC;
use crate::format::{FormatError, Place};

/// The one version of the layout that is written and read.
const VERSION: u32 = 1;

/// Magic, version, number of sections, length of the whole, checksum of what follows.
const HEADER_LEN: usize = 32;

/// Where the first section starts: after the table with an offset and a length for each.
const FIRST_SECTION: usize = HEADER_LEN + Section::COUNT * 16;

/// The sections in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Link,
    Base,
    NameEnds,
    Names,
    LevelCounts,
    SplitEnds,
    SplitTests,
    SplitFeatures,
    SplitFlags,
    SplitLefts,
    SplitRights,
    SplitGains,
    SplitCovers,
    SplitRows,
    SetEnds,
    SetWords,
    LeafValues,
    LeafCovers,
    LeafRows,
}

impl Section {
    const COUNT: usize = Section::LeafRows as usize + 1;

    /// The name it has in the README.
    fn name(self) -> &'static str {
        const NAMES: [&str; Section::COUNT] = [
            "link",
            "base",
            "name_ends",
            "names",
            "level_counts",
            "split_ends",
            "split_tests",
            "split_features",
            "split_flags",
            "split_lefts",
            "split_rights",
            "split_gains",
            "split_covers",
            "split_rows",
            "set_ends",
            "set_words",
            "leaf_values",
            "leaf_covers",
            "leaf_rows",
        ];
        NAMES[self as usize]
    }
}

/// Writes sections in their order.
pub(super) struct SectionWriter {
    bytes: Vec<u8>,
    n_written: usize,
}

impl Default for SectionWriter {
    fn default() -> Self {
        SectionWriter { bytes: vec![0; FIRST_SECTION], n_written: 0 }
    }
}

impl SectionWriter {
    pub(super) fn bytes(&mut self, section: Section, bytes: impl IntoIterator<Item = u8>) {
        self.section(section, bytes.into_iter().map(|byte| [byte]));
    }

    pub(super) fn u32s(&mut self, section: Section, values: impl IntoIterator<Item = u32>) {
        self.section(section, values.into_iter().map(u32::to_le_bytes));
    }

    pub(super) fn u64s(&mut self, section: Section, values: impl IntoIterator<Item = u64>) {
        self.section(section, values.into_iter().map(u64::to_le_bytes));
    }

    pub(super) fn f64s(&mut self, section: Section, values: impl IntoIterator<Item = f64>) {
        self.section(section, values.into_iter().map(f64::to_le_bytes));
    }

    /// Where each part ends in the section that has them one after another, from their lengths.
    pub(super) fn ends(&mut self, section: Section, lengths: impl IntoIterator<Item = usize>) {
        let mut end = 0;
        self.u64s(
            section,
            lengths.into_iter().map(|length| {
                end += length as u64;
                end
            }),
        );
    }

    fn section<const N: usize>(&mut self, section: Section, items: impl Iterator<Item = [u8; N]>) {
        debug_assert_eq!(section as usize, self.n_written, "sections are written in their order");
        let start = self.bytes.len();
        items.for_each(|item| self.bytes.extend_from_slice(&item));
        let length = self.bytes.len() - start;
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let entry = HEADER_LEN + section as usize * 16;
        self.bytes[entry..entry + 8].copy_from_slice(&(start as u64).to_le_bytes());
        self.bytes[entry + 8..entry + 16].copy_from_slice(&(length as u64).to_le_bytes());
        self.n_written += 1;
    }

    /// Fills in the header.
    pub(super) fn finish(mut self) -> Vec<u8> {
        debug_assert_eq!(self.n_written, Section::COUNT, "every section is written");
        let (len, sum) = (self.bytes.len() as u64, checksum(&self.bytes[HEADER_LEN..]));
        self.bytes[..8].copy_from_slice(&MAGIC);
        self.bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        self.bytes[12..16].copy_from_slice(&(Section::COUNT as u32).to_le_bytes());
        self.bytes[16..24].copy_from_slice(&len.to_le_bytes());
        self.bytes[24..32].copy_from_slice(&sum.to_le_bytes());
        self.bytes
    }
}

/// The sections of a file, borrowed from its bytes.
pub(super) struct SectionReader<'a> {
    sections: [(usize, &'a [u8]); Section::COUNT],
}

impl<'a> SectionReader<'a> {
    /// Checks header and table.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, FormatError> {
        if !bytes.starts_with(&MAGIC) {
            return Err(FormatError::Unknown { hint: "it does not begin with `YWTREES`" });
        }
        let found = bytes.len() as u64;
        let version = u32_at(bytes, 8).ok_or(FormatError::Length { expected: FIRST_SECTION as u64, found })?;
        if version != VERSION {
            return Err(FormatError::Version { found: version, supported: VERSION });
        }
        let header = (u32_at(bytes, 12), u64_at(bytes, 16), u64_at(bytes, 24));
        let (Some(n_sections), Some(expected), Some(sum)) = header else {
            return Err(FormatError::Length { expected: FIRST_SECTION as u64, found });
        };
        if expected != found {
            return Err(FormatError::Length { expected, found });
        }
        if checksum(&bytes[HEADER_LEN..]) != sum {
            return Err(FormatError::Checksum);
        }
        if n_sections as usize != Section::COUNT {
            return Err(FormatError::damaged(Place::Byte(12), "the number of sections is not that of this version"));
        }
        let mut sections = [(0, &bytes[..0]); Section::COUNT];
        let mut expected_start = FIRST_SECTION;
        for (idx, section) in sections.iter_mut().enumerate() {
            let entry = HEADER_LEN + idx * 16;
            *section = section_at(bytes, entry, expected_start)
                .ok_or_else(|| FormatError::damaged(Place::Byte(entry), "a section is not where it should be"))?;
            expected_start = (section.0 + section.1.len()).next_multiple_of(8);
        }
        match expected_start == bytes.len() {
            true => Ok(SectionReader { sections }),
            false => Err(FormatError::damaged(Place::Byte(expected_start), "something follows the last section")),
        }
    }

    pub(super) fn damaged(&self, section: Section, problem: &str) -> FormatError {
        let (start, _) = self.sections[section as usize];
        FormatError::damaged(Place::Byte(start), format!("the section `{}` {problem}", section.name()))
    }

    pub(super) fn bytes(&self, section: Section) -> &'a [u8] {
        self.sections[section as usize].1
    }

    pub(super) fn u32s(&self, section: Section) -> Result<impl ExactSizeIterator<Item = u32> + use<'a>, FormatError> {
        Ok(self.items::<4>(section)?.iter().map(|bytes| u32::from_le_bytes(*bytes)))
    }

    pub(super) fn u64s(&self, section: Section) -> Result<impl ExactSizeIterator<Item = u64> + use<'a>, FormatError> {
        Ok(self.items::<8>(section)?.iter().map(|bytes| u64::from_le_bytes(*bytes)))
    }

    pub(super) fn f64s(&self, section: Section) -> Result<impl ExactSizeIterator<Item = f64> + use<'a>, FormatError> {
        Ok(self.items::<8>(section)?.iter().map(|bytes| f64::from_le_bytes(*bytes)))
    }

    fn items<const N: usize>(&self, section: Section) -> Result<&'a [[u8; N]], FormatError> {
        match self.bytes(section).as_chunks::<N>() {
            (items, []) => Ok(items),
            _ => Err(self.damaged(section, "ends within an item")),
        }
    }

    /// The parts, one after another, of something of length `total`, from a section that says where each ends.
    pub(super) fn ranges(&self, section: Section, total: usize) -> Result<Vec<Range<usize>>, FormatError> {
        let mut start = 0;
        let mut ranges = Vec::new();
        for end in self.u64s(section)? {
            let end = usize::try_from(end).ok().filter(|end| (start..=total).contains(end));
            let end = end.ok_or_else(|| self.damaged(section, "is out of range or out of order"))?;
            ranges.push(start..end);
            start = end;
        }
        if start == total { Ok(ranges) } else { Err(self.damaged(section, "leaves something over")) }
    }
}

/// A section with its start, if it starts where it should and ends within the file.
fn section_at(bytes: &[u8], entry: usize, expected_start: usize) -> Option<(usize, &[u8])> {
    let start = usize::try_from(u64_at(bytes, entry)?).ok().filter(|start| *start == expected_start)?;
    let end = start.checked_add(usize::try_from(u64_at(bytes, entry + 8)?).ok()?)?;
    Some((start, bytes.get(start..end)?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// A 64-bit checksum: FNV-1a over little-endian 64-bit words, the last one padded with zeros, started from the length.
/// Each step can be undone, so that changing any one word changes the sum. `yw-learn` has the same.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01B3;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mut sum = 0xCBF2_9CE4_8422_2325 ^ bytes.len() as u64;
    for word in words.iter().chain(std::iter::once(&last)) {
        sum = (sum ^ u64::from_le_bytes(*word)).wrapping_mul(PRIME);
        sum ^= sum >> 32;
    }
    sum
}
