//! Reading JSON that others wrote: what is not there, or of another type than expected, is none.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The string at a JSON pointer.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

/// The string at a JSON pointer, or an empty one.
#[allow(dead_code)] // for dialects that read whole trees
pub(crate) fn text_or_empty(value: &Value, pointer: &str) -> String {
    text(value, pointer).unwrap_or_default().to_owned()
}

/// The count at a JSON pointer.
#[allow(dead_code)]
pub(crate) fn count(value: &Value, pointer: &str) -> Option<u64> {
    value.pointer(pointer)?.as_u64()
}

/// The elements of the array at a JSON pointer; none if there is no array.
#[allow(dead_code)]
pub(crate) fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// `text` on one line of at most `max_chars` characters, for messages.
pub(crate) fn shortened(text: &str, max_chars: usize) -> String {
    let mut short = String::new();
    for (n_chars, c) in text.split_whitespace().flat_map(|word| word.chars().chain([' '])).enumerate() {
        if n_chars == max_chars {
            short.push('…');
            break;
        }
        short.push(if c.is_control() { '\u{fffd}' } else { c });
    }
    short.trim_end().to_owned()
}

/// The arguments of a tool call, written as they are. Where a dialect wants an object and the model wrote none, that was its
/// mistake, which cannot be said there: an empty object stands in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arguments<'a>(Option<&'a RawValue>);

impl<'a> Arguments<'a> {
    pub(crate) fn of(arguments: &'a str) -> Self {
        let raw = serde_json::from_str::<&RawValue>(arguments).ok();
        Arguments(raw.filter(|raw| raw.get().starts_with('{')))
    }
}

impl Serialize for Arguments<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(raw) => raw.serialize(serializer),
            None => serializer.serialize_map(Some(0))?.end(),
        }
    }
}

/// Appends a value as JSON.
pub(crate) fn write_json<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // A vector takes every byte, and nothing that is written here has keys other than strings.
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok());
}
