//! The primitives of the model format: little-endian numbers, and lengths before everything that has one.

use crate::FormatError;

/// Appends to a byte vector.
#[derive(Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
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

    pub(crate) fn f32s(&mut self, values: &[f32]) {
        self.len(values.len());
        values.iter().for_each(|v| self.u32(v.to_bits()));
    }
}

/// Reads what a [`Writer`] wrote. Every length is compared with the bytes that are left before memory is taken.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Reader(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, n_bytes: usize) -> Result<&'a [u8], FormatError> {
        let (taken, rest) =
            self.0.split_at_checked(n_bytes).ok_or(FormatError::Damaged { what: "a part ends too early" })?;
        self.0 = rest;
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
        let len = usize::try_from(self.u64()?).ok().filter(|len| len.saturating_mul(min_bytes) <= self.0.len());
        len.ok_or(FormatError::Damaged { what: "a length exceeds the model" })
    }

    pub(crate) fn str(&mut self) -> Result<&'a str, FormatError> {
        let len = self.len(1)?;
        std::str::from_utf8(self.take(len)?).map_err(|_| FormatError::Damaged { what: "a text is not UTF-8" })
    }

    pub(crate) fn u32s(&mut self) -> Result<Vec<u32>, FormatError> {
        let len = self.len(4)?;
        Ok(self.take(len * 4)?.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect())
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
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
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
