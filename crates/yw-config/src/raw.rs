//! The raw file: values with their places, typed reading of them, and the report that collects problems.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use toml::de::{DeTable, DeValue};

use crate::grammar::{Default, Says, Table, Variant, Variants};
use crate::problem::{Problem, Problems, Severity};
use crate::{secret, syntax};

/// Where something stands: its key from the root, and its bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) span: Range<usize>,
}

impl Place {
    /// The file, where no key is at fault.
    pub(crate) fn whole_file() -> Self {
        Place { path: String::new(), span: 0..0 }
    }
}

/// Something with its place.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

/// A key with its value.
pub(crate) struct Entry<'a> {
    pub(crate) key: &'a str,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: At<&'a DeValue<'a>>,
}

impl Entry<'_> {
    /// The place of the key, where the value's is that of the value.
    pub(crate) fn key_place(&self) -> Place {
        Place { path: self.value.place.path.clone(), span: self.key_span.clone() }
    }
}

/// The entries of a table in the order of the file; `path` is that of the table.
pub(crate) fn entries<'a>(table: &'a DeTable<'a>, path: &str) -> Vec<Entry<'a>> {
    let entry = |(key, value): (&'a toml::Spanned<_>, &'a toml::Spanned<_>)| {
        let name: &'a std::borrow::Cow<'a, str> = key.get_ref();
        let place = Place { path: join(path, name), span: value.span() };
        Entry { key: name, key_span: key.span(), value: At { value: value.get_ref(), place } }
    };
    let mut entries: Vec<Entry<'a>> = table.iter().map(entry).collect();
    entries.sort_by_key(|e| e.key_span.start);
    entries
}

/// `path.key`, the key in quotes where TOML needs them.
fn join(path: &str, key: &str) -> String {
    let key = if syntax::is_bare(key) { key.to_owned() } else { format!("{key:?}") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// The kind of a table, told by its signs, or none.
pub(crate) fn pick(table: &DeTable<'_>, variants: &Variants) -> Option<&'static Variant> {
    let says = |value: &DeValue<'_>, expected: Says| match expected {
        Says::Anything => true,
        Says::Word(word) => value.as_str() == Some(word),
        Says::Table => value.is_table(),
    };
    let shows = |sign: &&str, variant: &Variant| table.get(*sign).is_some_and(|v| says(v.get_ref(), variant.says));
    variants.all.iter().find(|variant| variant.signs.iter().any(|sign| shows(sign, variant)))
}

/// A table with its grammar, for reading what [`shape`](crate::shape) found sound.
///
/// Readers return nothing for what is absent and for what was reported; an absent key with a default value reads as
/// that value.
pub(crate) struct View<'a> {
    pub(crate) table: &'a DeTable<'a>,
    pub(crate) grammar: &'static Table,
    pub(crate) place: Place,
    /// Where reported values start.
    pub(crate) unsound: &'a HashSet<usize>,
}

impl<'a> View<'a> {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<At<&'a DeValue<'a>>> {
        debug_assert!(self.grammar.key(key).is_some(), "{} has no key `{key}`", self.grammar.title);
        let value = self.table.get(key)?;
        let place = Place { path: join(&self.place.path, key), span: value.span() };
        (!self.unsound.contains(&place.span.start)).then(|| At { value: value.get_ref(), place })
    }

    pub(crate) fn text(&self, key: &str) -> Option<At<String>> {
        self.read(key, |v| v.as_str().map(str::to_owned))
    }

    pub(crate) fn boolean(&self, key: &str) -> Option<At<bool>> {
        self.read(key, |v| v.as_bool())
    }

    pub(crate) fn number(&self, key: &str) -> Option<At<f64>> {
        self.read(key, syntax::number)
    }

    /// A whole number that the grammar keeps within `T`.
    pub(crate) fn integer<T: TryFrom<i64>>(&self, key: &str) -> Option<At<T>> {
        self.read(key, |v| syntax::integer(v).and_then(|n| n.try_into().ok()))
    }

    /// A table with known keys.
    pub(crate) fn table(&self, key: &str, grammar: &'static Table) -> Option<View<'a>> {
        self.view(self.get(key)?, grammar)
    }

    /// A table with known keys whose absence means an empty one.
    pub(crate) fn table_or_empty(&self, key: &str, grammar: &'static Table) -> Option<View<'a>> {
        static EMPTY: LazyLock<DeTable<'static>> = LazyLock::new(DeTable::new);
        if self.table.contains_key(key) {
            return self.table(key, grammar);
        }
        Some(View { table: &EMPTY, grammar, place: self.place.clone(), unsound: self.unsound })
    }

    /// The entries of a table whose keys are names; none if it is absent.
    pub(crate) fn map(&self, key: &str) -> Vec<Entry<'a>> {
        let inner = self.get(key).and_then(|at| Some((at.value.as_table()?, at.place)));
        inner.map_or_else(Vec::new, |(table, place)| entries(table, &place.path))
    }

    /// A value as a table with known keys.
    pub(crate) fn view(&self, at: At<&'a DeValue<'a>>, grammar: &'static Table) -> Option<View<'a>> {
        Some(View { table: at.value.as_table()?, grammar, place: at.place, unsound: self.unsound })
    }

    /// A value as a table of one of several kinds.
    pub(crate) fn variant(&self, at: At<&'a DeValue<'a>>, variants: &Variants) -> Option<View<'a>> {
        let grammar = pick(at.value.as_table()?, variants)?.table;
        self.view(at, grammar)
    }

    /// Whether this is a table of that grammar.
    pub(crate) fn is(&self, grammar: &'static Table) -> bool {
        std::ptr::eq(self.grammar, grammar)
    }

    fn read<T>(&self, key: &str, convert: impl Fn(&DeValue<'_>) -> Option<T>) -> Option<At<T>> {
        if self.table.contains_key(key) {
            let At { value, place } = self.get(key)?;
            return Some(At { value: convert(value)?, place });
        }
        let Default::Value(toml_value) = self.grammar.key(key)?.default else { return None };
        let value = DeValue::parse(toml_value).ok()?;
        Some(At { value: convert(value.get_ref())?, place: self.place.clone() })
    }
}

/// Collects the problems of one text.
pub(crate) struct Report<'t> {
    text: &'t str,
    drafts: Vec<Draft>,
}

/// A problem that is being written.
pub(crate) struct Draft {
    severity: Severity,
    place: Place,
    message: String,
    hint: Option<String>,
}

impl Draft {
    pub(crate) fn hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(hint.into());
    }

    pub(crate) fn hint_if(&mut self, hint: Option<impl Into<String>>) {
        self.hint = hint.map(Into::into);
    }
}

impl<'t> Report<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Report { text, drafts: Vec::new() }
    }

    /// The text at a place.
    pub(crate) fn text(&self, place: &Place) -> &'t str {
        self.text.get(place.span.clone()).unwrap_or_default()
    }

    pub(crate) fn error(&mut self, place: &Place, message: impl Into<String>) -> &mut Draft {
        self.add(Severity::Error, place, message.into())
    }

    pub(crate) fn warning(&mut self, place: &Place, message: impl Into<String>) -> &mut Draft {
        self.add(Severity::Warning, place, message.into())
    }

    fn add(&mut self, severity: Severity, place: &Place, message: String) -> &mut Draft {
        self.drafts.push_mut(Draft { severity, place: place.clone(), message, hint: None })
    }

    /// Whether more problems would not be shown, so that no work need go into their hints.
    pub(crate) fn is_full(&self) -> bool {
        self.drafts.len() >= Problems::MAX
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.drafts.iter().any(|d| d.severity == Severity::Error)
    }

    /// Adds those of another report's problems that lie wholly before a byte.
    pub(crate) fn append_before(&mut self, byte_idx: usize, other: Report<'t>) {
        self.drafts.extend(other.drafts.into_iter().filter(|d| d.place.span.end <= byte_idx));
    }

    /// The problems in the order of the text.
    pub(crate) fn finish(mut self, file: &Path) -> Problems {
        self.drafts.sort_by_key(|d| (d.place.span.start, d.severity));
        self.drafts.truncate(Problems::MAX);
        let problem = |draft: Draft| {
            let Draft { severity, place, message, hint } = draft;
            let message = secret::mask(&message);
            Problem { hint, ..Problem::new(self.text, severity, place.span, place.path, message) }
        };
        let problems = std::mem::take(&mut self.drafts).into_iter().map(problem).collect();
        Problems::new(file.to_owned(), Arc::from(self.text), problems)
    }
}
