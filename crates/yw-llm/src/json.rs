//! Reading JSON that others wrote: what is not there, or of another type than expected, is none.

use serde_json::Value;

/// The string at a JSON pointer.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

/// The string at a JSON pointer, or an empty one.
pub(crate) fn text_or_empty(value: &Value, pointer: &str) -> String {
    text(value, pointer).unwrap_or_default().to_owned()
}

/// The count at a JSON pointer.
pub(crate) fn count(value: &Value, pointer: &str) -> Option<u64> {
    value.pointer(pointer)?.as_u64()
}

/// The elements of the array at a JSON pointer; none if there is no array.
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
