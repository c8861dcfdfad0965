//! The settings of another program as a tree that knows where everything stands, and what has been read of it.
//!
//! A translation reads what it understands; what it never asked for is then found by [`Node::unread`], so that nothing
//! is lost in silence.

use std::cell::Cell;

/// A value with its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// The line where it starts, from 1.
    pub(super) line: usize,
    /// Its key from the root: `model_list[0].litellm_params.model`.
    pub(super) path: String,
    pub(super) value: Value,
    seen: Cell<bool>,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    Boolean(bool),
    /// As it is written, without the marks between digits.
    Number(String),
    Text(String),
    List(Vec<Node>),
    /// Keys are unique.
    Map(Vec<(String, Node)>),
}

impl Node {
    pub(super) fn new(line: usize, value: Value) -> Self {
        Node { line, path: String::new(), value, seen: Cell::new(false) }
    }

    /// Gives every value below its path.
    pub(super) fn name(&mut self, path: String) {
        match &mut self.value {
            Value::List(items) => {
                items.iter_mut().enumerate().for_each(|(i, item)| item.name(format!("{path}[{i}]")));
            }
            Value::Map(entries) => {
                for (key, value) in entries {
                    value.name(if path.is_empty() { key.clone() } else { format!("{path}.{key}") });
                }
            }
            Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_) => {}
        }
        self.path = path;
    }

    /// How many values there are, this one included.
    pub(super) fn size(&self) -> usize {
        1 + self.children().map(Node::size).sum::<usize>()
    }

    fn children(&self) -> Box<dyn Iterator<Item = &Node> + '_> {
        match &self.value {
            Value::List(items) => Box::new(items.iter()),
            Value::Map(entries) => Box::new(entries.iter().map(|(_, value)| value)),
            Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_) => Box::new(std::iter::empty()),
        }
    }

    /// Notes that all of this was taken care of.
    pub(super) fn see(&self) -> &Self {
        self.seen.set(true);
        self
    }

    /// The value of a key; none if it is absent or null. It is not yet seen.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        let Value::Map(entries) = &self.value else { return None };
        let value = entries.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        value.filter(|value| !matches!(value.value, Value::Null))
    }

    /// A text or number itself, seen.
    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Number(text) => {
                self.see();
                Some(text)
            }
            _ => None,
        }
    }

    /// A number itself, or a text that says one, seen.
    pub(super) fn as_number(&self) -> Option<f64> {
        let (Value::Number(text) | Value::Text(text)) = &self.value else { return None };
        let number = text.parse().ok().filter(|n: &f64| n.is_finite())?;
        self.see();
        Some(number)
    }

    /// A text or number under a key, seen.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_text()
    }

    /// A number under a key, seen.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        self.get(key)?.as_number()
    }

    /// A boolean under a key, seen.
    pub(super) fn boolean(&self, key: &str) -> Option<bool> {
        let node = self.get(key)?;
        let Value::Boolean(value) = node.value else { return None };
        node.see();
        Some(value)
    }

    /// The items of a list.
    pub(super) fn items(&self) -> &[Node] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    /// The entries of a table.
    pub(super) fn entries(&self) -> &[(String, Node)] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }

    /// The items of a list under a key.
    pub(super) fn list(&self, key: &str) -> &[Node] {
        self.get(key).map_or(&[], Node::items)
    }

    /// The entries of a table under a key.
    pub(super) fn map(&self, key: &str) -> &[(String, Node)] {
        self.get(key).map_or(&[], Node::entries)
    }

    /// What was never seen: the outermost values of which nothing was, in the order of the file. Empty ones are not
    /// worth a word.
    pub(super) fn unread(&self) -> Vec<&Node> {
        let mut found = Vec::new();
        self.children().for_each(|child| child.collect_unread(&mut found));
        found
    }

    fn collect_unread<'a>(&'a self, found: &mut Vec<&'a Node>) {
        if self.seen.get() || self.is_empty() {
            return;
        }
        if self.has_seen() {
            self.children().for_each(|child| child.collect_unread(found));
        } else {
            found.push(self);
        }
    }

    fn is_empty(&self) -> bool {
        match &self.value {
            Value::Null => true,
            Value::List(_) | Value::Map(_) => self.children().all(Node::is_empty),
            Value::Boolean(_) | Value::Number(_) | Value::Text(_) => false,
        }
    }

    fn has_seen(&self) -> bool {
        self.seen.get() || self.children().any(Node::has_seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Node {
        Node::new(1, Value::Text(text.into()))
    }

    #[test]
    fn what_was_not_read_is_found_where_it_begins() {
        let inner = Node::new(1, Value::Map(vec![("x".into(), text("1")), ("y".into(), text("2"))]));
        let list = Node::new(1, Value::List(vec![inner.clone(), inner]));
        let empty = Node::new(1, Value::List(vec![Node::new(1, Value::Null)]));
        let mut root = Node::new(1, Value::Map(vec![("a".into(), list), ("b".into(), empty), ("c".into(), text("3"))]));
        root.name(String::new());
        let paths = |root: &Node| root.unread().iter().map(|n| n.path.clone()).collect::<Vec<_>>();
        assert_eq!(paths(&root), ["a", "c"]);
        assert_eq!(root.list("a")[0].text("x"), Some("1"));
        assert_eq!(paths(&root), ["a[0].y", "a[1]", "c"]);
        root.list("a")[1].see();
        assert_eq!((root.number("c"), root.boolean("c"), root.text("d")), (Some(3.0), None, None));
        assert_eq!(paths(&root), ["a[0].y"]);
    }
}
