//! What could not be translated.

use std::fmt;

use super::tree::Node;

/// A setting that has no translation, or not a whole one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    /// The file it stands in.
    file: String,
    line: usize,
    key: String,
    /// Why, and what to do.
    why: String,
}

impl Left {
    pub(super) fn new(file: &str, node: &Node, why: impl Into<String>) -> Self {
        Left { file: file.to_owned(), line: node.line, key: node.path.clone(), why: why.into() }
    }

    /// Where it stands, to sort by.
    pub(super) fn line(&self) -> usize {
        self.line
    }
}

/// `config.yaml:12: router_settings.redis_host: …`
impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let printable =
            |text: &str| text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect::<String>();
        write!(f, "{}:{}: {}: {}", printable(&self.file), self.line, printable(&self.key), printable(&self.why))
    }
}
