//! YAML as a tree.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};

use super::SourceError;
use super::tree::{Node, Value};

/// The most values that a file may unfold to; aliases make large files of small ones.
const MAX_VALUES: usize = 100_000;

/// How deep values may lie in each other.
const MAX_DEPTH: usize = 64;

/// The first document of a text. As the programs that we move from read it, the last of equal keys counts, `yes` and
/// `on` are booleans, and `<<` merges tables.
pub(super) fn parse(text: &str) -> Result<Node, SourceError> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text.trim_start_matches('\u{feff}')),
        anchors: HashMap::new(),
        n_values: 0,
    };
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => return Ok(Node::new(1, Value::Null)),
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            event => {
                let mut root = reader.node(event, &span, 0)?;
                root.name(String::new());
                return reader.finish(root);
            }
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    /// What anchors stand for.
    anchors: HashMap<usize, Node>,
    n_values: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), SourceError> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(e)) => Err(SourceError::new(e.marker().line(), format!("this is not YAML: {}", e.info()))),
            None => Err(SourceError::new(0, "this is not YAML: it ends too early")),
        }
    }

    /// Checks that the rest of the text is no second document.
    fn finish(mut self, root: Node) -> Result<Node, SourceError> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(root),
                (Event::DocumentStart(_), span) => {
                    return Err(SourceError::new(span.start.line(), "there is a second document in the file"));
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event<'t>, span: &Span, depth: usize) -> Result<Node, SourceError> {
        let line = span.start.line();
        self.count(1, line)?;
        if depth > MAX_DEPTH {
            return Err(SourceError::new(line, format!("values lie more than {MAX_DEPTH} deep in each other")));
        }
        let (value, anchor) = match event {
            Event::Alias(anchor) => return self.alias(anchor, line),
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix == "str");
                (if is_text { Value::Text(text.into_owned()) } else { plain(&text) }, anchor)
            }
            Event::SequenceStart(anchor, _) => (Value::List(self.list(depth)?), anchor),
            Event::MappingStart(anchor, _) => (Value::Map(self.map(depth)?), anchor),
            _ => return Err(SourceError::new(line, "this is not YAML: a value is missing")),
        };
        let node = Node::new(line, value);
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn alias(&mut self, anchor: usize, line: usize) -> Result<Node, SourceError> {
        let size = self.anchors.get(&anchor).map(Node::size);
        let size = size.ok_or_else(|| SourceError::new(line, "an alias stands inside of what it stands for"))?;
        self.count(size, line)?;
        // Counted first: what is copied is bounded.
        self.anchors.get(&anchor).cloned().ok_or_else(|| SourceError::new(line, "an alias stands for nothing"))
    }

    fn count(&mut self, n_values: usize, line: usize) -> Result<(), SourceError> {
        self.n_values += n_values;
        if self.n_values > MAX_VALUES {
            return Err(SourceError::new(line, format!("the file unfolds to more than {MAX_VALUES} values")));
        }
        Ok(())
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, SourceError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, &span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(String, Node)>, SourceError> {
        let (mut entries, mut merged) = (Vec::new(), Vec::new());
        loop {
            let (event, span) = self.next()?;
            let line = span.start.line();
            let key = match event {
                Event::MappingEnd => break,
                Event::Scalar(key, ..) => key.into_owned(),
                _ => return Err(SourceError::new(line, "the key of a table is no text")),
            };
            let (event, span) = self.next()?;
            let value = self.node(event, &span, depth + 1)?;
            if key == "<<" {
                merged.push(value);
            } else {
                entries.push((key, value));
            }
        }
        let sources = merged.iter().flat_map(|value| std::iter::once(value).chain(value.items()));
        let inherited: Vec<(String, Node)> = sources.flat_map(|source| source.entries().iter().cloned()).collect();
        Ok(unique(entries, inherited))
    }
}

/// The entries, the last of equal keys, then those that are inherited under other keys, the first of equal ones.
fn unique(entries: Vec<(String, Node)>, inherited: Vec<(String, Node)>) -> Vec<(String, Node)> {
    let mut place: HashMap<String, usize> = HashMap::new();
    let mut unique: Vec<(String, Node)> = Vec::new();
    for (key, value) in entries {
        match place.get(&key) {
            Some(&i) => unique[i].1 = value,
            None => {
                place.insert(key.clone(), unique.len());
                unique.push((key, value));
            }
        }
    }
    for (key, value) in inherited {
        if !place.contains_key(&key) {
            place.insert(key.clone(), unique.len());
            unique.push((key, value));
        }
    }
    unique
}

/// What a text without quotes says.
fn plain(text: &str) -> Value {
    match text.to_ascii_lowercase().as_str() {
        "" | "~" | "null" => Value::Null,
        "true" | "yes" | "on" => Value::Boolean(true),
        "false" | "no" | "off" => Value::Boolean(false),
        _ => {
            let digits = text.replace('_', "");
            let begins = digits.trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_digit() || c == '.');
            if begins && digits.parse::<f64>().is_ok() { Value::Number(digits) } else { Value::Text(text.to_owned()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn values_are_read_as_the_source_reads_them() {
        let root = parse(
            "a: &A {x: 1_000, y: [yes, 'yes', ~, 2024-02-01, 1.5e-07]}\nb: {<<: *A, x: no}\nc: one\nc: two\nd:\ne: >\n  f\n  g\n",
        )
        .unwrap();
        let a = root.get("a").unwrap();
        assert_eq!((a.number("x"), a.line), (Some(1000.0), 1));
        let kinds: Vec<String> = a.list("y").iter().map(|n| format!("{:?}", n.value)).collect();
        assert_eq!(kinds, ["Boolean(true)", "Text(\"yes\")", "Null", "Text(\"2024-02-01\")", "Number(\"1.5e-07\")"]);
        let b = root.get("b").unwrap();
        assert_eq!((b.boolean("x"), b.list("y").len()), (Some(false), 5));
        assert_eq!(b.list("y")[4].path, "b.y[4]");
        assert_eq!((root.text("c"), root.get("d").is_none(), root.text("e")), (Some("two"), true, Some("f g\n")));
        assert!(matches!(parse("").unwrap().value, Value::Null));
        assert!(matches!(parse("# nothing\n---\n").unwrap().value, Value::Null));
    }

    #[test]
    fn bombs_do_not_go_off() {
        let mut laughs = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
        for i in 1..12 {
            let aliases = vec![format!("*a{}", i - 1); 9].join(", ");
            laughs += &format!("a{i}: &a{i} [{aliases}]\n");
        }
        assert!(failure(&laughs).contains("unfolds to more than"), "{}", failure(&laughs));
        let deep = format!("a: {}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(failure(&deep).contains("deep") || failure(&deep).contains("not YAML"), "{}", failure(&deep));
        assert!(failure(&"- ".repeat(1000)).contains("deep"));
        assert!(failure("a: &a [*a]").contains("alias") || failure("a: &a [*a]").contains("not YAML"));
        assert!(failure(&"- a\n".repeat(100_001)).contains("more than"));
    }

    #[test]
    fn what_is_no_yaml_is_said_with_its_line() {
        for text in ["a: b: c", "a: [1, 2", "a\n  b: \"", "? [x]\n: 1", "a: *b", "a: 1\n---\nb: 2", "a: 'b", "}"] {
            let error = parse(text).unwrap_err();
            assert!(!error.to_string().is_empty() && error.line <= 3, "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn noise_never_panics(text in "([\\[\\]{}:,&*#|>\\-\"' \n\ta-c!%?<]|<<: |: |- ){0,80}") {
            if let Ok(root) = parse(&text) {
                let _ = root.unread();
            }
        }
    }
}
