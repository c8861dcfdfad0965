//! Names of models inside paths.

/// `name` as one segment of a path: what is neither a letter, a digit nor one of `-._~` or `keep` is percent-encoded, so
/// that no name of a model leads to another address.
pub(crate) fn segment(name: &str, keep: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut path = String::with_capacity(name.len() + 8);
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push('%');
            path.push(char::from(HEX[usize::from(byte >> 4)]));
            path.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    // A whole segment of dots would be a step to another folder.
    if matches!(path.as_str(), "." | "..") { path.replace('.', "%2E") } else { path }
}

#[cfg(test)]
mod tests {
    use super::segment;

    #[test]
    fn names_stay_one_segment() {
        assert_eq!(segment("amazon.nova-lite-v1:0", b""), "amazon.nova-lite-v1%3A0");
        assert_eq!(segment("claude-haiku-4-5@20251001", b"@"), "claude-haiku-4-5@20251001");
        assert_eq!(segment("../é?#", b""), "..%2F%C3%A9%3F%23");
        assert_eq!(segment("..", b""), "%2E%2E");
    }
}
