//! What makes two requests the same.

use serde_json::{Map, Number, Value};

/// Integers up to here are exact as floating point numbers.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// The key of a request: method, path with query, and the body without regard to the order of JSON keys, white space,
/// and the way numbers are written. The host does not count: a replay has another.
pub(super) fn key(method: &str, path_and_query: &str, body: &[u8]) -> [u8; 32] {
    let body = match serde_json::from_slice::<Value>(body) {
        Ok(value) => sorted(value).to_string().into_bytes(),
        Err(_) => body.to_vec(),
    };
    let mut hasher = blake3::Hasher::new_derive_key("yellowwood cassette 1");
    for part in [method.to_ascii_uppercase().as_bytes(), path_and_query.as_bytes(), &body] {
        // Lengths keep the parts apart.
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<(String, Value)> = map.into_iter().collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(pairs.into_iter().map(|(key, value)| (key, sorted(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Number(number) => Value::Number(plain(number)),
        other => other,
    }
}

/// `1.0` and `1e0` as `1`.
fn plain(number: Number) -> Number {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < MAX_EXACT => Number::from(float as i64),
        _ => number,
    }
}
