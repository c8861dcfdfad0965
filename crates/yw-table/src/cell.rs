//! From what stands in a file to a typed cell. All three formats go through [`typed`], so they mean the same.
//! The table of what is accepted stands in the crate's documentation.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;
use yw_task::{Cell, FieldType};

use crate::ProblemKind;
use crate::problem::shorten;

/// A cell as a file has it.
#[derive(Debug, Clone)]
pub(crate) enum Raw<'a> {
    Missing,
    /// Bytes of a CSV or Parquet cell, not yet known to be UTF-8.
    Bytes(&'a [u8]),
    Text(&'a str),
    Number(f64),
    Integer(i64),
    Boolean(bool),
    /// Microseconds since the Unix epoch.
    Time(i64),
    /// An array or object.
    Json(Cow<'a, Value>),
}

/// A cell of a field's type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Typed<'a> {
    Missing,
    Number(f64),
    Boolean(bool),
    Text(Cow<'a, str>),
    Time(i64),
}

impl Typed<'_> {
    pub(crate) fn as_cell(&self) -> Cell<'_> {
        match self {
            Typed::Missing => Cell::Missing,
            Typed::Number(n) => Cell::Number(*n),
            Typed::Boolean(b) => Cell::Boolean(*b),
            Typed::Text(text) => Cell::Text(text),
            Typed::Time(micros) => Cell::Time(*micros),
        }
    }
}

/// The cell as a value of the field type, or what is wrong with it.
pub(crate) fn typed<'a>(raw: &Raw<'a>, field_type: FieldType) -> Result<Typed<'a>, ProblemKind> {
    let typed = match field_type {
        FieldType::Number => number(raw)?,
        FieldType::Boolean => boolean(raw)?,
        FieldType::Time => time(raw)?,
        FieldType::Category => match raw {
            Raw::Json(_) => None,
            Raw::Bytes(_) | Raw::Text(_) => match word(raw)? {
                "" => Some(Typed::Missing),
                word => Some(Typed::Text(Cow::Borrowed(word))),
            },
            _ => Some(text(raw)?.map_or(Typed::Missing, Typed::Text)),
        },
        FieldType::Text => Some(text(raw)?.map_or(Typed::Missing, Typed::Text)),
    };
    typed.ok_or_else(|| ProblemKind::Cell { value: shown(raw), expected: field_type })
}

/// The cell as the text a CSV file would have; `None` if it is missing.
pub(crate) fn text<'a>(raw: &Raw<'a>) -> Result<Option<Cow<'a, str>>, ProblemKind> {
    Ok(Some(match raw {
        Raw::Missing => return Ok(None),
        Raw::Number(n) if n.is_nan() => return Ok(None),
        Raw::Bytes(bytes) => Cow::Borrowed(std::str::from_utf8(bytes).map_err(|_| ProblemKind::Utf8)?),
        Raw::Text(text) => Cow::Borrowed(*text),
        Raw::Number(n) => number_text(*n).into(),
        Raw::Integer(n) => n.to_string().into(),
        Raw::Boolean(b) => b.to_string().into(),
        Raw::Time(micros) => time_text(*micros).into(),
        Raw::Json(value) => value.to_string().into(),
    }))
}

/// The cell as JSON: bytes that are not UTF-8 are replaced, what JSON cannot say is null.
pub(crate) fn json(raw: Raw<'_>) -> Value {
    match raw {
        Raw::Missing => Value::Null,
        Raw::Bytes(bytes) => String::from_utf8_lossy(bytes).into(),
        Raw::Text(text) => text.into(),
        Raw::Number(n) => n.into(),
        Raw::Integer(n) => n.into(),
        Raw::Boolean(b) => b.into(),
        Raw::Time(micros) => time_text(micros).into(),
        Raw::Json(value) => value.into_owned(),
    }
}

/// Microseconds since the Unix epoch of a written time: RFC 3339, or a date with or without a clock time, then UTC.
///
/// ```
/// assert_eq!(yw_table::parse_time("1970-01-01 00:00:01.5"), Some(1_500_000));
/// assert_eq!(yw_table::parse_time("1970-01-01T01:00:00+01:00"), Some(0));
/// assert_eq!(yw_table::parse_time("yesterday"), None);
/// ```
pub fn parse_time(text: &str) -> Option<i64> {
    if text.len() < "2024-05-31".len() || !text.contains('-') {
        return None;
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_microsecond());
    }
    let civil = text.parse::<DateTime>().ok()?;
    Some(TimeZone::UTC.to_timestamp(civil).ok()?.as_microsecond())
}

/// The shortest text that reads back as the same number; whole numbers have no point.
pub(crate) fn number_text(n: f64) -> String {
    let magnitude = n.abs();
    if magnitude != 0.0 && !(1e-7..1e17).contains(&magnitude) { format!("{n:e}") } else { n.to_string() }
}

/// RFC 3339; a time beyond the year 9999 as its number of microseconds.
pub(crate) fn time_text(micros: i64) -> String {
    Timestamp::from_microsecond(micros).map_or_else(|_| micros.to_string(), |time| time.to_string())
}

/// The cell for a message.
pub(crate) fn shown(raw: &Raw<'_>) -> String {
    match raw {
        Raw::Bytes(bytes) => shorten(&String::from_utf8_lossy(bytes)),
        _ => shorten(&text(raw).ok().flatten().unwrap_or_default()),
    }
}

// Each of the three returns None for a cell that is not of the type.

fn number<'a>(raw: &Raw<'a>) -> Result<Option<Typed<'a>>, ProblemKind> {
    let n = match raw {
        Raw::Missing => return Ok(Some(Typed::Missing)),
        Raw::Number(n) => *n,
        Raw::Integer(n) => *n as f64,
        Raw::Boolean(b) => f64::from(*b),
        Raw::Time(_) | Raw::Json(_) => return Ok(None),
        Raw::Bytes(_) | Raw::Text(_) => {
            let word = word(raw)?;
            match word.parse::<f64>() {
                Ok(n) => n,
                Err(_) if is_missing(word) => return Ok(Some(Typed::Missing)),
                Err(_) => return Ok(None),
            }
        }
    };
    if n.is_infinite() {
        return Err(ProblemKind::NotFinite { value: shown(raw) });
    }
    Ok(Some(if n.is_nan() { Typed::Missing } else { Typed::Number(n) }))
}

fn boolean<'a>(raw: &Raw<'a>) -> Result<Option<Typed<'a>>, ProblemKind> {
    const TRUE: [&str; 5] = ["true", "1", "yes", "t", "y"];
    const FALSE: [&str; 5] = ["false", "0", "no", "f", "n"];
    Ok(match raw {
        Raw::Missing => Some(Typed::Missing),
        Raw::Boolean(b) => Some(Typed::Boolean(*b)),
        Raw::Number(n) if n.is_nan() => Some(Typed::Missing),
        Raw::Number(n) => (*n == 0.0 || *n == 1.0).then_some(Typed::Boolean(*n == 1.0)),
        Raw::Integer(n) => matches!(n, 0 | 1).then_some(Typed::Boolean(*n == 1)),
        Raw::Time(_) | Raw::Json(_) => None,
        Raw::Bytes(_) | Raw::Text(_) => {
            let word = word(raw)?;
            if TRUE.iter().any(|t| t.eq_ignore_ascii_case(word)) {
                Some(Typed::Boolean(true))
            } else if FALSE.iter().any(|f| f.eq_ignore_ascii_case(word)) {
                Some(Typed::Boolean(false))
            } else {
                is_missing(word).then_some(Typed::Missing)
            }
        }
    })
}

fn time<'a>(raw: &Raw<'a>) -> Result<Option<Typed<'a>>, ProblemKind> {
    let micros = match raw {
        Raw::Missing => return Ok(Some(Typed::Missing)),
        Raw::Time(micros) => Some(*micros),
        Raw::Integer(n) => unix_micros(*n),
        Raw::Number(n) if n.is_nan() => return Ok(Some(Typed::Missing)),
        Raw::Number(n) if n.fract() == 0.0 && n.abs() < 9e18 => unix_micros(*n as i64),
        Raw::Number(n) if n.abs() < UNIX_SECONDS_END as f64 => Some((n * 1e6).round() as i64),
        Raw::Number(_) | Raw::Boolean(_) | Raw::Json(_) => None,
        Raw::Bytes(_) | Raw::Text(_) => {
            let word = word(raw)?;
            if is_missing(word) {
                return Ok(Some(Typed::Missing));
            }
            match word.parse::<i64>() {
                // Fewer digits are years or days written together, not instants.
                Ok(n) if word.len() >= 9 => unix_micros(n),
                _ => parse_time(word),
            }
        }
    };
    Ok(micros.filter(|m| Timestamp::from_microsecond(*m).is_ok()).map(Typed::Time))
}

const UNIX_SECONDS_END: u64 = 100_000_000_000; // the year 5138

/// Unix seconds, or milli-, micro- or nanoseconds: whichever puts the time between the years 1973 and 5138.
fn unix_micros(n: i64) -> Option<i64> {
    match n.unsigned_abs() {
        size if size < UNIX_SECONDS_END => n.checked_mul(1_000_000),
        size if size < UNIX_SECONDS_END * 1_000 => n.checked_mul(1_000),
        size if size < UNIX_SECONDS_END * 1_000_000 => Some(n),
        _ => Some(n.div_euclid(1_000)),
    }
}

/// The trimmed text of a cell that is text.
fn word<'a>(raw: &Raw<'a>) -> Result<&'a str, ProblemKind> {
    match raw {
        Raw::Bytes(bytes) => std::str::from_utf8(bytes.trim_ascii()).map(str::trim).map_err(|_| ProblemKind::Utf8),
        Raw::Text(text) => Ok(text.trim()),
        _ => Ok(""),
    }
}

fn is_missing(word: &str) -> bool {
    const WORDS: [&str; 6] = ["", "na", "nan", "null", "none", "n/a"];
    word.len() <= 4 && WORDS.iter().any(|w| w.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, field_type: FieldType, expected: Option<Typed<'_>>) {
        assert_eq!(typed(&Raw::Bytes(text.as_bytes()), field_type).ok(), expected, "{text:?} as a {field_type}");
    }

    #[test]
    fn numbers() {
        for (text, n) in [("1", 1.0), (" -2.5 ", -2.5), ("+1e3", 1000.0), (".5", 0.5)] {
            check(text, FieldType::Number, Some(Typed::Number(n)));
        }
        for text in ["", " ", "NA", "NaN", "nan", "null", "None", "N/A"] {
            check(text, FieldType::Number, Some(Typed::Missing));
        }
        for text in ["1,234", "ten", "0x10", "1_000", "inf", "-Infinity", "1e999"] {
            check(text, FieldType::Number, None);
        }
    }

    #[test]
    fn booleans() {
        for text in ["true", "TRUE", "Yes", "y", "t", "1"] {
            check(text, FieldType::Boolean, Some(Typed::Boolean(true)));
        }
        for text in ["false", "No", "n", "F", "0"] {
            check(text, FieldType::Boolean, Some(Typed::Boolean(false)));
        }
        check("2", FieldType::Boolean, None);
        check("N/A", FieldType::Boolean, Some(Typed::Missing));
    }

    #[test]
    fn times() {
        let at = |text| Some(Typed::Time(parse_time(text).unwrap()));
        for text in [
            "2024-05-31T08:30:00Z",
            "2024-05-31 08:30",
            "2024-05-31T08:30:00",
            "2024-05-31 10:30:00+02:00",
            "1717144200",
            "1717144200000",
            "1717144200000000",
            "1717144200000000000",
        ] {
            check(text, FieldType::Time, at("2024-05-31T08:30:00Z"));
        }
        check("2024-05-31", FieldType::Time, at("2024-05-31T00:00:00Z"));
        check("2024-05-31 08:30:00.250", FieldType::Time, at("2024-05-31T08:30:00.25Z"));
        for text in ["2024", "20240531", "31.05.2024", "2024-13-01", "08:30"] {
            check(text, FieldType::Time, None);
        }
    }

    #[test]
    fn texts_and_categories() {
        check(" a b ", FieldType::Text, Some(Typed::Text(" a b ".into())));
        check("", FieldType::Text, Some(Typed::Text("".into())));
        check(" NA ", FieldType::Category, Some(Typed::Text("NA".into())));
        check("  ", FieldType::Category, Some(Typed::Missing));
        assert_eq!(typed(&Raw::Integer(3), FieldType::Category), Ok(Typed::Text("3".into())));
        assert_eq!(typed(&Raw::Number(3.0), FieldType::Category), Ok(Typed::Text("3".into())));
        assert_eq!(typed(&Raw::Number(f64::NAN), FieldType::Category), Ok(Typed::Missing));
    }

    #[test]
    fn number_text_reads_back() {
        for n in [0.0, 1.0, -2.5, 1e300, 5e-324, 1e16, 123456789.125, 1e-7] {
            assert_eq!(number_text(n).parse::<f64>().unwrap(), n);
        }
        assert_eq!(number_text(3.0), "3");
    }
}
