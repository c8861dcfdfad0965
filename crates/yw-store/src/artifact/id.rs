//! Ids: content hashes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The id of an artifact: 32 hexadecimal digits, the first half of the BLAKE3 hash of its content and description.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ArtifactId(String);

/// A string that is not an artifact id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an artifact id: it has 32 digits of 0-9 and a-f")]
pub struct NotAnArtifactId(String);

impl ArtifactId {
    /// The id of a hash.
    pub(super) fn new(hash: &blake3::Hash) -> Self {
        let mut digits = hash.to_hex().to_string();
        digits.truncate(DIGITS);
        ArtifactId(digits)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ArtifactId {
    type Err = NotAnArtifactId;

    fn from_str(text: &str) -> Result<Self, NotAnArtifactId> {
        ArtifactId::try_from(text.to_owned())
    }
}

// Ids become paths: nothing but digits may pass.
impl TryFrom<String> for ArtifactId {
    type Error = NotAnArtifactId;

    fn try_from(text: String) -> Result<Self, NotAnArtifactId> {
        let is_id = text.len() == DIGITS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if is_id { Ok(ArtifactId(text)) } else { Err(NotAnArtifactId(text)) }
    }
}

impl From<ArtifactId> for String {
    fn from(id: ArtifactId) -> String {
        id.0
    }
}

impl fmt::Display for ArtifactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const DIGITS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_become_ids() {
        let id = ArtifactId::new(&blake3::hash(b"a model"));
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        for text in ["", "../../../../../../../etc/passwd/", "ABCDEF00112233445566778899aabbcc", &id.as_str()[1..]] {
            assert!(text.parse::<ArtifactId>().is_err(), "{text}");
        }
    }
}
