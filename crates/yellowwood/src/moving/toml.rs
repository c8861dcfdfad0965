//! TOML as a tree.

use toml::de::{DeTable, DeValue};

use super::SourceError;
use super::tree::{Node, Value};

/// A text as a tree.
pub(super) fn parse(text: &str) -> Result<Node, SourceError> {
    let lines = Lines(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i).collect());
    let document = DeTable::parse(text).map_err(|e| {
        let line = e.span().map_or(0, |span| lines.of(span.start));
        SourceError::new(line, format!("this is not TOML: {}", e.message()))
    })?;
    let mut root = Node::new(1, lines.map(document.get_ref()));
    root.name(String::new());
    Ok(root)
}

/// Where the lines of a text end.
struct Lines(Vec<usize>);

impl Lines {
    /// The line of a byte, from 1.
    fn of(&self, byte_idx: usize) -> usize {
        1 + self.0.partition_point(|end| *end < byte_idx)
    }

    fn map(&self, table: &DeTable<'_>) -> Value {
        let mut entries: Vec<(usize, String, Node)> = Vec::new();
        for (key, value) in table {
            let start = key.span().start;
            entries.push((start, key.get_ref().to_string(), Node::new(self.of(start), self.value(value.get_ref()))));
        }
        entries.sort_by_key(|(start, ..)| *start);
        Value::Map(entries.into_iter().map(|(_, key, node)| (key, node)).collect())
    }

    fn value(&self, value: &DeValue<'_>) -> Value {
        match value {
            DeValue::String(string) => Value::Text(string.to_string()),
            DeValue::Integer(integer) if integer.radix() == 10 => Value::Number(integer.as_str().to_owned()),
            DeValue::Integer(integer) => {
                let number = i64::from_str_radix(integer.as_str(), integer.radix()).unwrap_or(i64::MAX);
                Value::Number(number.to_string())
            }
            DeValue::Float(float) => Value::Number(float.as_str().to_owned()),
            DeValue::Boolean(boolean) => Value::Boolean(*boolean),
            DeValue::Datetime(time) => Value::Text(time.to_string()),
            DeValue::Array(list) => {
                let items = list.iter().map(|item| Node::new(self.of(item.span().start), self.value(item.get_ref())));
                Value::List(items.collect())
            }
            DeValue::Table(table) => self.map(table),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_keep_their_order_and_lines() {
        let root = parse("z = 0x10\n[b.c]\nx = 1_000\n[a]\ny = [true, 2024-01-01]\n").unwrap();
        let keys: Vec<(&str, usize)> = root.entries().iter().map(|(key, node)| (key.as_str(), node.line)).collect();
        assert_eq!(keys, [("z", 1), ("b", 2), ("a", 4)]);
        assert_eq!(
            (root.number("z"), root.get("b").unwrap().get("c").unwrap().number("x")),
            (Some(16.0), Some(1000.0))
        );
        assert_eq!(root.get("a").unwrap().list("y")[1].as_text(), Some("2024-01-01"));
        assert_eq!(parse("a = 1\nb = =").unwrap_err().line, 2);
    }
}
