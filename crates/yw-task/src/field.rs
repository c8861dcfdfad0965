//! Input fields: the typed columns a task reads.

use std::fmt;
use std::sync::Arc;

use arrow_schema::{DataType, TimeUnit};

/// The type a project declares for an input column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FieldType {
    /// A finite real number.
    Number,
    /// True or false.
    Boolean,
    /// One of a moderate number of strings.
    Category,
    /// Free text.
    Text,
    /// An instant, microseconds since the Unix epoch, UTC.
    Time,
}

impl FieldType {
    /// Every field type, in the order the reference lists them.
    pub const ALL: [FieldType; 5] =
        [FieldType::Number, FieldType::Boolean, FieldType::Category, FieldType::Text, FieldType::Time];

    /// The word the project file uses.
    pub fn name(self) -> &'static str {
        match self {
            FieldType::Number => "number",
            FieldType::Boolean => "boolean",
            FieldType::Category => "category",
            FieldType::Text => "text",
            FieldType::Time => "time",
        }
    }

    /// The type a word of the project file names, if any.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    /// The one Arrow type that columns of this field type have inside [`Rows`](crate::Rows).
    pub fn arrow_type(self) -> DataType {
        match self {
            FieldType::Number => DataType::Float64,
            FieldType::Boolean => DataType::Boolean,
            FieldType::Category | FieldType::Text => DataType::LargeUtf8,
            FieldType::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC"))),
        }
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A named, typed input column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    /// The column's name in the data and in requests.
    pub name: String,
    /// What its values are.
    pub field_type: FieldType,
}

impl Field {
    /// A field of the given name and type.
    pub fn new(name: impl Into<String>, field_type: FieldType) -> Self {
        Field { name: name.into(), field_type }
    }
}
