//! The text itself: a header and one block for each tree, both of lines `key=value`.

use std::str::FromStr;

use crate::format::{FormatError, Place};

/// A file, split in its parts.
pub(super) struct ModelText<'a> {
    pub(super) header: Block<'a>,
    pub(super) trees: Vec<Block<'a>>,
    /// What follows `pandas_categorical:`.
    pub(super) pandas_categorical: Option<&'a str>,
}

/// Some lines with keys and values.
pub(super) struct Block<'a> {
    /// The number of the first line, from 1.
    line: usize,
    fields: Vec<Field<'a>>,
}

/// One line.
pub(super) struct Field<'a> {
    line: usize,
    key: &'a str,
    pub(super) value: &'a str,
}

impl<'a> ModelText<'a> {
    /// Splits a file. It must have the line that ends its trees.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, FormatError> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| FormatError::damaged(Place::Byte(error.valid_up_to()), "is not UTF-8"))?;
        let mut header = Block { line: 1, fields: Vec::new() };
        let mut trees: Vec<Block<'a>> = Vec::new();
        let mut lines = text.lines().enumerate().map(|(idx, line)| (idx + 1, line.trim()));
        loop {
            let Some((line, content)) = lines.next() else {
                let place = Place::Line(text.lines().count());
                return Err(FormatError::damaged(place, "the file ends before `end of trees`: it was cut off"));
            };
            if content == "end of trees" {
                break;
            }
            if content.starts_with("Tree=") {
                trees.push(Block { line, fields: Vec::new() });
            } else if !content.is_empty() {
                let (key, value) = content.split_once('=').unwrap_or((content, ""));
                trees.last_mut().unwrap_or(&mut header).fields.push(Field { line, key, value });
            }
        }
        let pandas_categorical = lines.filter_map(|(_, content)| content.strip_prefix("pandas_categorical:")).last();
        Ok(ModelText { header, trees, pandas_categorical })
    }
}

impl<'a> Block<'a> {
    pub(super) fn damaged(&self, problem: impl Into<String>) -> FormatError {
        FormatError::damaged(Place::Line(self.line), problem)
    }

    pub(super) fn find(&self, key: &str) -> Option<&Field<'a>> {
        self.fields.iter().find(|field| field.key == key)
    }

    pub(super) fn get(&self, key: &str) -> Result<&Field<'a>, FormatError> {
        self.find(key).ok_or_else(|| self.damaged(format!("there is no `{key}` in what begins here")))
    }

    /// The numbers of a line that must have `n_items`.
    pub(super) fn items<T: FromStr>(&self, key: &str, n_items: usize) -> Result<Vec<T>, FormatError> {
        let field = self.get(key)?;
        let items = field.items()?;
        match items.len() == n_items {
            true => Ok(items),
            false => Err(field.damaged(format!("`{key}` has {} items instead of {n_items}", items.len()))),
        }
    }

    /// The numbers of a line about statistics, which may be missing or empty.
    pub(super) fn statistics(&self, key: &str, n_items: usize) -> Result<Vec<f64>, FormatError> {
        match self.find(key) {
            None => Ok(vec![0.0; n_items]),
            Some(field) if field.value.is_empty() => Ok(vec![0.0; n_items]),
            Some(_) => self.items(key, n_items),
        }
    }
}

impl Field<'_> {
    pub(super) fn place(&self) -> Place {
        Place::Line(self.line)
    }

    pub(super) fn damaged(&self, problem: impl Into<String>) -> FormatError {
        FormatError::damaged(self.place(), problem)
    }

    /// The value as numbers with spaces between them.
    pub(super) fn items<T: FromStr>(&self) -> Result<Vec<T>, FormatError> {
        let item = |item: &str| {
            item.parse().map_err(|_| {
                let shown: String = item.chars().take(30).collect();
                self.damaged(format!("`{}` has `{shown}`, which is no number it can have", self.key))
            })
        };
        self.value.split_ascii_whitespace().map(item).collect()
    }

    /// The value as one number.
    pub(super) fn item<T: FromStr + Copy>(&self) -> Result<T, FormatError> {
        match self.items()?.as_slice() {
            [item] => Ok(*item),
            items => Err(self.damaged(format!("`{}` has {} items instead of one", self.key, items.len()))),
        }
    }
}
