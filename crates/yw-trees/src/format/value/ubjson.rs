//! UBJSON (draft 12), the binary twin of JSON that XGBoost writes as `.ubj`.

use super::{MAX_DEPTH, Value};
use crate::format::{FormatError, Place};

/// Decodes one UBJSON value.
pub(in crate::format) fn parse_ubjson(bytes: &[u8]) -> Result<Value, FormatError> {
    let mut parser = Parser { bytes, at: 0 };
    let marker = parser.marker()?;
    let value = parser.value(marker, 0)?;
    if parser.at == bytes.len() { Ok(value) } else { Err(parser.damaged("something follows the UBJSON value")) }
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// What a container says of its items before they come.
struct Contents {
    item_marker: Option<u8>,
    n_items: Option<usize>,
}

impl<'a> Parser<'a> {
    fn damaged(&self, problem: &str) -> FormatError {
        FormatError::damaged(Place::Byte(self.at), problem)
    }

    fn take(&mut self, n_bytes: usize) -> Result<&'a [u8], FormatError> {
        let taken = self.at.checked_add(n_bytes).and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| self.damaged("the UBJSON ends too early: it was cut off"))?;
        self.at += n_bytes;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    /// The next marker; `N` means nothing and is skipped.
    fn marker(&mut self) -> Result<u8, FormatError> {
        loop {
            match self.array()? {
                [b'N'] => {}
                [marker] => return Ok(marker),
            }
        }
    }

    /// Skips a byte if it is the next one.
    fn skip(&mut self, byte: u8) -> bool {
        let found = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, marker: u8, depth: usize) -> Result<Value, FormatError> {
        if depth > MAX_DEPTH {
            return Err(self.damaged("values are nested too deeply"));
        }
        Ok(match marker {
            b'Z' => Value::Null,
            b'T' => Value::Bool(true),
            b'F' => Value::Bool(false),
            b'C' => Value::Text(char::from(self.array::<1>()?[0]).to_string()),
            b'S' => Value::Text(self.string()?),
            b'[' => self.list(depth)?,
            b'{' => self.map(depth)?,
            _ => Value::Number(self.number(marker)?),
        })
    }

    fn number(&mut self, marker: u8) -> Result<f64, FormatError> {
        Ok(match marker {
            b'i' => f64::from(i8::from_be_bytes(self.array()?)),
            b'U' => f64::from(u8::from_be_bytes(self.array()?)),
            b'I' => f64::from(i16::from_be_bytes(self.array()?)),
            b'l' => f64::from(i32::from_be_bytes(self.array()?)),
            b'L' => i64::from_be_bytes(self.array()?) as f64,
            b'd' => f64::from(f32::from_be_bytes(self.array()?)),
            b'D' => f64::from_be_bytes(self.array()?),
            _ => {
                self.at -= 1;
                return Err(self.damaged("there is no UBJSON value where one should be"));
            }
        })
    }

    /// A length: never more than the bytes that are left, because everything that is counted takes at least one.
    fn length(&mut self) -> Result<usize, FormatError> {
        let marker = self.marker()?;
        let length = self.number(marker)?;
        super::whole(length, self.bytes.len() - self.at).ok_or_else(|| self.damaged("a length exceeds the file"))
    }

    fn string(&mut self) -> Result<String, FormatError> {
        let length = self.length()?;
        let bytes = self.take(length)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| self.damaged("a text is not UTF-8"))
    }

    fn contents(&mut self) -> Result<Contents, FormatError> {
        let item_marker = if self.skip(b'$') { Some(self.array::<1>()?[0]) } else { None };
        if matches!(item_marker, Some(b'Z' | b'T' | b'F' | b'N')) {
            return Err(self.damaged("a list of items without bytes is not accepted"));
        }
        let n_items = if self.skip(b'#') { Some(self.length()?) } else { None };
        if item_marker.is_some() && n_items.is_none() {
            return Err(self.damaged("a list of one type has no length"));
        }
        Ok(Contents { item_marker, n_items })
    }

    fn list(&mut self, depth: usize) -> Result<Value, FormatError> {
        let contents = self.contents()?;
        if let (Some(marker @ (b'i' | b'U' | b'I' | b'l' | b'L' | b'd' | b'D')), Some(n)) =
            (contents.item_marker, contents.n_items)
        {
            return (0..n).map(|_| self.number(marker)).collect::<Result<_, _>>().map(Value::Numbers);
        }
        let mut items = Vec::new();
        while self.continues(&contents, items.len(), b']') {
            let marker = contents.item_marker.map_or_else(|| self.marker(), Ok)?;
            items.push(self.value(marker, depth + 1)?);
        }
        Ok(Value::from_items(items))
    }

    fn map(&mut self, depth: usize) -> Result<Value, FormatError> {
        let contents = self.contents()?;
        let mut entries = Vec::new();
        while self.continues(&contents, entries.len(), b'}') {
            let key = self.string()?;
            let marker = contents.item_marker.map_or_else(|| self.marker(), Ok)?;
            entries.push((key, self.value(marker, depth + 1)?));
        }
        Ok(Value::Map(entries))
    }

    /// Whether a container has another item: by its count, or until its closing marker, which is skipped.
    fn continues(&mut self, contents: &Contents, n_read: usize, close: u8) -> bool {
        match contents.n_items {
            Some(n_items) => n_read < n_items,
            None => !self.skip(close),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expect: Value) {
        assert_eq!(parse_ubjson(bytes).unwrap(), expect, "{bytes:?}");
    }

    #[test]
    fn values_of_every_kind() {
        check(b"Z", Value::Null);
        check(b"Si\x02ab", Value::Text("ab".into()));
        check(b"Cx", Value::Text("x".into()));
        check(b"[i\x01I\x01\x00]", Value::Numbers(vec![1.0, 256.0]));
        check(b"[$d#i\x01\x3f\x80\x00\x00", Value::Numbers(vec![1.0]));
        check(b"[#U\x02TU\xff", Value::List(vec![Value::Bool(true), Value::Number(255.0)]));
        check(b"[$S#i\x01i\x01a", Value::List(vec![Value::Text("a".into())]));
        check(b"{i\x01a[]}", Value::Map(vec![("a".into(), Value::Numbers(vec![]))]));
        check(b"{#i\x01i\x01aL\0\0\0\0\0\0\0\x05", Value::Map(vec![("a".into(), Value::Number(5.0))]));
        check(b"D\x3f\xf0\0\0\0\0\0\0", Value::Number(1.0));
    }

    #[test]
    fn what_is_no_ubjson_is_refused() {
        let hostile: [&[u8]; 11] = [
            b"",
            b"?",
            b"[",
            b"[i\x01",
            b"[$T#L\x0f\xff\xff\xff\xff\xff\xff\xff",
            b"[$d#L\x0f\xff\xff\xff\xff\xff\xff\xff",
            b"[$dT",
            b"Si\xffa",
            b"SL\x7f\xff\xff\xff\xff\xff\xff\xff",
            b"Si\x01\xff",
            b"ZZ",
        ];
        for bytes in hostile {
            assert!(parse_ubjson(bytes).is_err(), "{bytes:?}");
        }
        assert!(parse_ubjson(&b"[".repeat(100_000)).is_err(), "deep nesting is refused, not followed");
        assert!(parse_ubjson(&b"[$[#i\x01".repeat(100_000)).is_err());
    }
}
