//! Why bytes are no model, and why a model cannot be written in a format.

use std::fmt;

/// Why bytes are not a model that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// They do not begin as any model does that can be read.
    #[error("this is no model that can be read: {hint}")]
    Unknown {
        /// What it looks like, and what to do.
        hint: &'static str,
    },
    /// They were written by another version of the program.
    #[error("the model has format version {found}; this program reads version {supported}")]
    Version {
        /// The version in the bytes.
        found: u32,
        /// The one version that can be read.
        supported: u32,
    },
    /// There are fewer or more bytes than the model says of itself.
    #[error("the model should have {expected} bytes but has {found}: it was cut off or appended to")]
    Length {
        /// What the header says.
        expected: u64,
        /// What there is.
        found: u64,
    },
    /// The bytes are not the ones that were written.
    #[error("the model's checksum does not match: it is damaged")]
    Checksum,
    /// The content contradicts itself or the format.
    #[error("{place}: {problem}")]
    Damaged {
        /// Where.
        place: Place,
        /// What makes no sense there.
        problem: String,
    },
    /// A model that the original can use and this program cannot.
    #[error("{place}: {feature} cannot be imported; {remedy}")]
    Unsupported {
        /// Where.
        place: Place,
        /// What it is.
        feature: String,
        /// What to do instead.
        remedy: &'static str,
    },
}

/// Where in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A byte, counted from 0.
    Byte(usize),
    /// A line, counted from 1.
    Line(usize),
    /// A value by the keys that lead to it.
    Key(String),
    /// A tree, counted from 0.
    Tree(usize),
    /// The model as a whole.
    Model,
}

/// Why a model cannot be written in a format of others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The format has no words for something in the model.
    #[error("{format} cannot express {feature}; {remedy}")]
    NotExpressible {
        /// The format.
        format: &'static str,
        /// What it cannot say, and where that is.
        feature: String,
        /// What to do instead.
        remedy: &'static str,
    },
    /// The model would be many times as large as it is.
    #[error("the model would have more than {limit} nodes as {format}, because {reason}")]
    TooLarge {
        /// The format.
        format: &'static str,
        /// How many nodes are too many.
        limit: usize,
        /// Why there are so many.
        reason: &'static str,
    },
    /// The model itself is not sound.
    #[error("the model is not sound")]
    Unsound(#[source] FormatError),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Byte(at) => write!(f, "at byte {at}"),
            Place::Line(line) => write!(f, "in line {line}"),
            Place::Key(path) => write!(f, "at `{path}`"),
            Place::Tree(tree) => write!(f, "in tree {tree}"),
            Place::Model => write!(f, "in the model"),
        }
    }
}

impl FormatError {
    pub(super) fn damaged(place: Place, problem: impl Into<String>) -> Self {
        FormatError::Damaged { place, problem: problem.into() }
    }
}
