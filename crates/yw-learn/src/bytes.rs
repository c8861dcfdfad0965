//! The primitives of the model format: little-endian numbers, and lengths before everything that has one.

use crate::FormatError;

/// Magic, version, four zero bytes, length of the whole, checksum of what follows.
pub(crate) const HEADER_LEN: usize = 32;

/// What stands before everything that is written, so that nothing else is taken for it.
pub(crate) struct Header {
    /// The first bytes.
    pub(crate) magic: [u8; 8],
    /// The version of the layout that is written; it and all before it are read.
    pub(crate) version: u32,
}

impl Header {
    /// The bytes of a writer that [left space](Writer::with_header_space), with the header filled in.
    pub(crate) fn seal(&self, content: Writer) -> Vec<u8> {
        let mut bytes = content.0;
        let (len, sum) = (bytes.len() as u64, checksum(&bytes[HEADER_LEN..]));
        bytes[..8].copy_from_slice(&self.magic);
        bytes[8..12].copy_from_slice(&self.version.to_le_bytes());
        bytes[16..24].copy_from_slice(&len.to_le_bytes());
        bytes[24..32].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Checks the header and returns what follows it.
    pub(crate) fn open<'a>(&self, bytes: &'a [u8]) -> Result<Reader<'a>, FormatError> {
        if !bytes.starts_with(&self.magic) {
            return Err(FormatError::NotAModel);
        }
        let found = bytes.len() as u64;
        let mut header = Reader::new(&bytes[self.magic.len()..]);
        let cut_off = |_| FormatError::Length { expected: HEADER_LEN as u64, found };
        let version = header.u32().map_err(cut_off)?;
        if !(1..=self.version).contains(&version) {
            return Err(FormatError::Version { found: version, supported: self.version });
        }
        header.u32().map_err(cut_off)?;
        let expected = header.u64().map_err(cut_off)?;
        let sum = header.u64().map_err(cut_off)?;
        if expected != found {
            return Err(FormatError::Length { expected, found });
        }
        let content = &bytes[HEADER_LEN..];
        if checksum(content) == sum { Ok(Reader { bytes: content, version }) } else { Err(FormatError::Checksum) }
    }
}

/// Appends to a byte vector.
#[derive(Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    /// A writer whose bytes a header can be put before.
    pub(crate) fn with_header_space() -> Self {
        Writer(vec![0; HEADER_LEN])
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn len(&mut self, value: usize) {
        self.u64(value as u64);
    }

    pub(crate) fn f64(&mut self, value: f64) {
        self.u64(value.to_bits());
    }

    pub(crate) fn str(&mut self, value: &str) {
        self.len(value.len());
        self.0.extend_from_slice(value.as_bytes());
    }

    pub(crate) fn u32s(&mut self, values: &[u32]) {
        self.len(values.len());
        values.iter().for_each(|v| self.u32(*v));
    }

    pub(crate) fn f64s(&mut self, values: &[f64]) {
        self.len(values.len());
        values.iter().for_each(|v| self.f64(*v));
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.len(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn f32s(&mut self, values: &[f32]) {
        self.len(values.len());
        values.iter().for_each(|v| self.u32(v.to_bits()));
    }
}

/// Reads what a [`Writer`] wrote. Every length is compared with the bytes that are left before memory is taken.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    version: u32,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, version: 0 }
    }

    /// The version of the layout that was written.
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn take(&mut self, n_bytes: usize) -> Result<&'a [u8], FormatError> {
        let (taken, rest) =
            self.bytes.split_at_checked(n_bytes).ok_or(FormatError::Damaged { what: "a part ends too early" })?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, FormatError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn bool(&mut self) -> Result<bool, FormatError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(FormatError::Damaged { what: "a flag is neither 0 nor 1" }),
        }
    }

    pub(crate) fn u32(&mut self) -> Result<u32, FormatError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, FormatError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A finite number: none of ours is anything else.
    pub(crate) fn f64(&mut self) -> Result<f64, FormatError> {
        let value = f64::from_bits(self.u64()?);
        if value.is_finite() { Ok(value) } else { Err(FormatError::Damaged { what: "a number is not finite" }) }
    }

    /// A count of things that take at least `min_bytes` each, and therefore fit in what is left.
    pub(crate) fn len(&mut self, min_bytes: usize) -> Result<usize, FormatError> {
        let len = usize::try_from(self.u64()?).ok().filter(|len| len.saturating_mul(min_bytes) <= self.bytes.len());
        len.ok_or(FormatError::Damaged { what: "a length exceeds the model" })
    }

    pub(crate) fn str(&mut self) -> Result<&'a str, FormatError> {
        let len = self.len(1)?;
        std::str::from_utf8(self.take(len)?).map_err(|_| FormatError::Damaged { what: "a text is not UTF-8" })
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], FormatError> {
        let len = self.len(1)?;
        self.take(len)
    }

    pub(crate) fn u32s(&mut self) -> Result<Vec<u32>, FormatError> {
        let len = self.len(4)?;
        Ok(self.take(len * 4)?.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect())
    }

    /// Finite numbers.
    pub(crate) fn f64s(&mut self) -> Result<Vec<f64>, FormatError> {
        let len = self.len(8)?;
        (0..len).map(|_| self.f64()).collect()
    }

    /// Finite numbers.
    pub(crate) fn f32s(&mut self) -> Result<Vec<f32>, FormatError> {
        let len = self.len(4)?;
        let values: Vec<f32> = self.take(len * 4)?.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        if values.iter().all(|v| v.is_finite()) {
            Ok(values)
        } else {
            Err(FormatError::Damaged { what: "a number is not finite" })
        }
    }
}

/// A 64-bit checksum: FNV-1a over little-endian 64-bit words, the last one padded with zeros, started from the length.
/// Each step can be undone, so that changing any one word changes the sum.
fn checksum(bytes: &[u8]) -> u64 {
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
