//! TOML itself: text to a tree with spans, and what to do about text that is no TOML.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::raw::{Place, Report};

/// A parsed file. When there are errors, the tree holds what could be recovered.
pub(crate) struct Parsed<'a> {
    pub(crate) document: DeTable<'a>,
    pub(crate) errors: Vec<SyntaxError>,
}

pub(crate) struct SyntaxError {
    message: String,
    span: Range<usize>,
}

impl SyntaxError {
    /// Whether the tree before the error can be trusted all the same: everything could be read, only twice.
    fn is_duplicate(&self) -> bool {
        self.message == "duplicate key"
    }
}

pub(crate) fn parse(text: &str) -> Parsed<'_> {
    let (document, errors) = DeTable::parse_recoverable(text);
    // The parser names but one of the things that it would take for a bare word.
    let message = |e: &toml::de::Error| e.message().replace(", expected literal string", "");
    let error =
        |e: toml::de::Error| SyntaxError { message: message(&e), span: e.span().unwrap_or(text.len()..text.len()) };
    Parsed { document: document.into_inner(), errors: errors.into_iter().map(error).collect() }
}

/// Reports the syntax errors and returns the start of the first line from which on the tree is doubtful.
pub(crate) fn report(errors: &[SyntaxError], text: &str, report: &mut Report<'_>) -> Option<usize> {
    let (mut last_line, mut doubtful_from) = (0..0, None);
    for error in errors {
        // One slip often breaks the rest of its line too; the first error of a line is the one to read.
        let start = text.floor_char_boundary(error.span.start);
        if last_line.contains(&start) {
            continue;
        }
        let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
        last_line = line_start..text[start..].find('\n').map_or(text.len() + 1, |i| start + i + 1);
        let message = if error.is_duplicate() {
            format!("`{}` is set twice", text.get(error.span.clone()).unwrap_or("the key"))
        } else {
            doubtful_from = Some(doubtful_from.map_or(line_start, |from: usize| from.min(line_start)));
            format!("this is not TOML: {}", error.message)
        };
        let place = Place { path: String::new(), span: error.span.clone() };
        report.error(&place, message).hint(hint(error, text, line_start));
    }
    doubtful_from
}

/// What to do about the errors that people make.
fn hint(error: &SyntaxError, text: &str, line_start: usize) -> String {
    if error.is_duplicate() {
        return "remove one of the two, or give them different names".into();
    }
    let line = text[line_start..].lines().next().unwrap_or_default().trim();
    let is_header = line.starts_with('[') && !line.contains('=');
    if is_header && line.contains(['/', ' ', ':']) {
        let name = line.trim_matches(['[', ']']);
        let quoted = name.split_once('.').map(|(table, rest)| format!(": [{table}.\"{rest}\"]")).unwrap_or_default();
        return format!("names with other characters than letters, digits, `-` and `_` need quotes{quoted}");
    }
    let slip = match line.split_once('=') {
        _ if line.contains(['“', '”', '‘', '’']) => "use straight quotes: \"…\"",
        _ if line.starts_with("//") || line.starts_with("/*") => "comments start with `#`",
        _ if line.split_once(':').is_some_and(|(key, _)| is_bare(key.trim())) => "keys and values are separated by `=`",
        _ if error.message.starts_with("unclosed") => "close what is open",
        Some((_, value)) => return hint_on_value(value.trim()),
        None => A_LINE,
    };
    slip.to_owned()
}

const A_LINE: &str = "a line is `key = value`, `[table]`, or a comment that starts with `#`";

fn hint_on_value(value: &str) -> String {
    const OTHER_WORDS: [&str; 8] = ["True", "False", "yes", "no", "on", "off", "None", "null"];
    if value.is_empty() {
        "write the value on the same line, after `=`".into()
    } else if OTHER_WORDS.contains(&value) {
        "the words are `true` and `false`; leave the key out for nothing".into()
    } else if value.starts_with(char::is_alphabetic) && !value.contains(['"', '\'']) {
        format!("text stands in quotes: \"{value}\"")
    } else if value.matches('"').count() % 2 == 1 {
        "close the text with `\"`".into()
    } else if value.contains('\\') {
        "in single quotes a backslash is a backslash: 'C:\\data'".into()
    } else {
        A_LINE.into()
    }
}

/// Whether a key needs no quotes.
pub(crate) fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// What a value is, for messages.
pub(crate) fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A whole number, if it fits into 64 bits.
pub(crate) fn integer(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// A number as a float; not a number when it is neither.
pub(crate) fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(_) => integer(value).map(|n| n as f64),
        DeValue::Float(float) => float.as_str().parse().ok(),
        _ => None,
    }
}
