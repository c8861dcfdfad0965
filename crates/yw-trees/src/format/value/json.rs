//! JSON, with the `NaN` and `Infinity` that XGBoost writes and a JSON library must refuse.

use super::{MAX_DEPTH, Value};
use crate::format::{FormatError, Place};

/// Decodes one JSON value.
pub(in crate::format) fn parse_json(bytes: &[u8]) -> Result<Value, FormatError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| FormatError::damaged(Place::Byte(error.valid_up_to()), "is not UTF-8"))?;
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.damaged("something follows the JSON value")),
    }
}

/// Appends a text in quotes.
pub(in crate::format) fn write_json_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Text and the next byte, which is always at a character's start.
struct Parser<'a> {
    text: &'a str,
    at: usize,
}

/// The words of JSON, and those of XGBoost.
const WORDS: [(&str, Value); 6] = [
    ("null", Value::Null),
    ("true", Value::Bool(true)),
    ("false", Value::Bool(false)),
    ("NaN", Value::Number(f64::NAN)),
    ("Infinity", Value::Number(f64::INFINITY)),
    ("-Infinity", Value::Number(f64::NEG_INFINITY)),
];

impl<'a> Parser<'a> {
    fn damaged(&self, problem: &str) -> FormatError {
        FormatError::damaged(Place::Byte(self.at), problem)
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.rest().as_bytes();
        let blank = rest.iter().take_while(|b| matches!(b, b' ' | b'\n' | b'\r' | b'\t')).count();
        self.at += blank;
        rest.get(blank).copied()
    }

    /// Skips a byte if it is the next one.
    fn skip(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Result<Value, FormatError> {
        if depth > MAX_DEPTH {
            return Err(self.damaged("values are nested too deeply"));
        }
        match self.peek() {
            None => Err(self.damaged("the JSON ends too early: it was cut off")),
            Some(b'{') => self.map(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Value::Text),
            Some(_) => self.scalar(),
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, FormatError> {
        self.at += 1;
        let mut entries = Vec::new();
        if self.skip(b'}') {
            return Ok(Value::Map(entries));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.damaged("there is no key where one should be"));
            }
            let key = self.string()?;
            if !self.skip(b':') {
                return Err(self.damaged("there is no `:` after a key"));
            }
            entries.push((key, self.value(depth + 1)?));
            if self.skip(b'}') {
                return Ok(Value::Map(entries));
            }
            if !self.skip(b',') {
                return Err(self.damaged("an object is neither continued nor closed"));
            }
        }
    }

    /// A list: of numbers for as long as nothing else comes.
    fn list(&mut self, depth: usize) -> Result<Value, FormatError> {
        self.at += 1;
        let (mut numbers, mut items) = (Vec::new(), Vec::new());
        if self.skip(b']') {
            return Ok(Value::Numbers(numbers));
        }
        loop {
            match self.value(depth + 1)? {
                Value::Number(number) if items.is_empty() => numbers.push(number),
                item => {
                    items.extend(numbers.drain(..).map(Value::Number));
                    items.push(item);
                }
            }
            if self.skip(b']') {
                return Ok(if items.is_empty() { Value::Numbers(numbers) } else { Value::List(items) });
            }
            if !self.skip(b',') {
                return Err(self.damaged("a list is neither continued nor closed"));
            }
        }
    }

    fn scalar(&mut self) -> Result<Value, FormatError> {
        let rest = self.rest();
        if let Some((word, value)) = WORDS.iter().find(|(word, _)| rest.starts_with(word)) {
            self.at += word.len();
            return Ok(value.clone());
        }
        let end = rest.bytes().take_while(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')).count();
        let number = rest[..end].parse().map_err(|_| self.damaged("there is no value where one should be"))?;
        self.at += end;
        Ok(Value::Number(number))
    }

    /// A text in quotes, at whose opening quote the parser stands.
    fn string(&mut self) -> Result<String, FormatError> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.find(['"', '\\']).ok_or_else(|| self.damaged("a text is not closed"))?;
            text.push_str(&rest[..plain]);
            self.at += plain + 1;
            if rest.as_bytes()[plain] == b'"' {
                return Ok(text);
            }
            text.push(self.escaped()?);
        }
    }

    /// The character after a backslash.
    fn escaped(&mut self) -> Result<char, FormatError> {
        let escape = self.rest().chars().next().ok_or_else(|| self.damaged("a text is not closed"))?;
        let plain = match escape {
            '"' | '\\' | '/' => escape,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                self.at += 1;
                return self.escaped_unit();
            }
            _ => return Err(self.damaged("an escape in a text is unknown")),
        };
        self.at += 1;
        Ok(plain)
    }

    /// The four digits after `\u`, and another escape where they are the first half of a pair.
    fn escaped_unit(&mut self) -> Result<char, FormatError> {
        let first = self.hex4()?;
        if !(0xD800..0xDC00).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        if !self.rest().starts_with("\\u") {
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        self.at += 2;
        let second = self.hex4()?;
        let code = 0x10000 + ((first - 0xD800) << 10) + (second.wrapping_sub(0xDC00) & 0x3FF);
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex4(&mut self) -> Result<u32, FormatError> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or_else(|| self.damaged("an escape in a text has no four digits"))?;
        self.at += 4;
        Ok(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Value) {
        assert_eq!(parse_json(text.as_bytes()).unwrap(), expect, "{text}");
    }

    #[test]
    fn values_of_every_kind() {
        check(" null ", Value::Null);
        check("[true, 1]", Value::List(vec![Value::Bool(true), Value::Number(1.0)]));
        check("[1, -2.5e3]", Value::Numbers(vec![1.0, -2500.0]));
        check("[-Infinity]", Value::Numbers(vec![f64::NEG_INFINITY]));
        check(
            r#"{"a": [], "b": {}}"#,
            Value::Map(vec![("a".into(), Value::Numbers(vec![])), ("b".into(), Value::Map(vec![]))]),
        );
        check(r#""\"\\\n\u00e9\ud83d\ude00é""#, Value::Text("\"\\\né😀é".into()));
        check(r#""\ud83dx""#, Value::Text("\u{FFFD}x".into()));
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_place() {
        for text in
            ["", "[1, 2", "[1 2]", "{\"a\" 1}", "{a: 1}", "tru", "1 2", "\"abc", "\"\\u12g4\"", "\"\\x\"", "--1"]
        {
            let error = parse_json(text.as_bytes()).unwrap_err();
            assert!(matches!(error, FormatError::Damaged { place: Place::Byte(_), .. }), "{text}: {error}");
        }
        assert!(parse_json(&b"[".repeat(100_000)).is_err(), "deep nesting is refused, not followed");
        assert!(parse_json(b"[\xff]").is_err());
    }

    #[test]
    fn texts_survive_a_round_trip() {
        let text = "a\"b\\c\nd\té\u{1}😀";
        let mut out = String::new();
        write_json_text(text, &mut out);
        check(&out, Value::Text(text.into()));
    }
}
