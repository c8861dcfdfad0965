//! The first pass: does the file have the shape that the grammar describes? Reports every key and value that does not.

use std::collections::HashSet;
use std::ops::{Bound, RangeBounds};

use toml::de::{DeArray, DeTable, DeValue};

use crate::grammar::{Default, Key, Map, ROOT, Shape, Table, Text, Variants, Words};
use crate::raw::{At, Entry, Place, Report, entries, pick};
use crate::secret::{has_key_prefix, looks_like_key};
use crate::suggest::{closest, listed};
use crate::texts::{flaw_of, names_variable};
use crate::{price, syntax};

/// Checks a file against the grammar and returns where the values start that were reported.
///
/// Of a file that is not `complete`, because its rest could not be parsed, nothing is said to be missing.
pub(crate) fn check(document: &DeTable<'_>, complete: bool, report: &mut Report<'_>) -> HashSet<usize> {
    let mut walk = Walk { report, complete, unsound: HashSet::new(), rivals: None };
    walk.table(document, &ROOT, &Place::whole_file());
    walk.unsound
}

/// Checks the value of one key of a text that sets nothing else.
#[cfg(test)]
pub(crate) fn check_key(document: &DeTable<'_>, key: &'static Key, report: &mut Report<'_>) {
    let mut walk = Walk { report, complete: true, unsound: HashSet::new(), rivals: None };
    for entry in entries(document, "") {
        walk.value(&entry.value, &key.shape, key.example);
    }
}

struct Walk<'r, 't> {
    report: &'r mut Report<'t>,
    complete: bool,
    unsound: HashSet<usize>,
    /// The kinds of table among which the current one was picked: its unknown keys may belong to another.
    rivals: Option<&'static Variants>,
}

impl Walk<'_, '_> {
    fn table(&mut self, table: &DeTable<'_>, grammar: &'static Table, place: &Place) {
        let rivals = self.rivals.take();
        for entry in entries(table, &place.path) {
            match grammar.key(entry.key) {
                Some(key) => self.value(&entry.value, &key.shape, key.example),
                None => self.unknown_key(&entry, table, grammar, rivals),
            }
        }
        for key in grammar.keys().filter(|k| k.default == Default::Required && !table.contains_key(k.name)) {
            // An unknown key that looks like this one was reported with this one as the suggestion.
            let misspelt = |k: &str| grammar.key(k).is_none() && closest(k, names(grammar)) == Some(key.name);
            if self.complete && !table.keys().any(|k| misspelt(k.get_ref())) {
                self.missing_key(key, place);
            }
        }
    }

    fn missing_key(&mut self, key: &Key, place: &Place) {
        let message = match place.path.as_str() {
            "" => format!("the file has no `{}`", key.name),
            path => format!("`{path}` has no `{}`", key.name),
        };
        self.report.error(place, message).hint(format!("add, for example, {}", quoted(key.example)));
    }

    fn unknown_key(
        &mut self,
        entry: &Entry<'_>,
        table: &DeTable<'_>,
        grammar: &'static Table,
        rivals: Option<&'static Variants>,
    ) {
        if self.report.is_full() {
            return;
        }
        let (key, place) = (entry.key, entry.key_place());
        if let Some((_, instead)) = grammar.later.iter().find(|(name, _)| *name == key) {
            self.report.error(&place, format!("this version of Yellowwood has no `{key}` yet")).hint(*instead);
            return;
        }
        let habit = grammar.habits().find(|(name, _)| *name == key).map(|(_, hint)| hint.to_owned());
        let unused = names(grammar).filter(|k| !table.contains_key(*k));
        let slip = || closest(key, unused).map(|k| format!("did you mean `{k}`?"));
        let elsewhere = || {
            let rival = rivals?.all.iter().find(|v| v.table.key(key).is_some())?;
            Some(format!("`{key}` belongs to a {} with `{}`", rivals?.noun, rival.table.title))
        };
        let known = || Some(format!("the keys here are {}", listed(names(grammar), "and")));
        let hint = habit.or_else(elsewhere).or_else(slip).or_else(known);
        self.report.error(&place, format!("unknown key `{key}`{}", of_parent(&place.path))).hint_if(hint);
    }

    fn value(&mut self, at: &At<&DeValue<'_>>, shape: &Shape, example: &str) {
        match (shape, at.value) {
            (Shape::AnyOf(shapes), value) => match choose(shapes, value) {
                Some(shape) => self.value(at, shape, example),
                None => self.wrong_type(at, shape, example),
            },
            (shape, value) if !accepts(shape, value) => self.wrong_type(at, shape, example),
            (Shape::Integer(min, max), value) => self.integer(at, value, *min, *max, example),
            (Shape::Number(min, max), value) => self.number(at, value, *min, *max, example),
            (Shape::Dollars, value) => self.dollars(at, value),
            (Shape::Text(text), DeValue::String(string)) => self.text(at, *text, string, example),
            (Shape::Word(words), DeValue::String(word)) => self.word(at, words, word),
            (Shape::List(item, min, max), DeValue::Array(list)) => self.list(at, list, item, (*min, *max), example),
            (Shape::Table(grammar), DeValue::Table(table)) => self.table(table, grammar, &at.place),
            (Shape::Map(map), DeValue::Table(table)) => self.map(at, table, map),
            (Shape::Variants(variants), DeValue::Table(table)) => self.variants(at, table, variants),
            _ => {}
        }
    }

    fn reject(&mut self, at: &At<&DeValue<'_>>, message: String, hint: Option<String>) {
        self.unsound.insert(at.place.span.start);
        self.report.error(&at.place, message).hint_if(hint);
    }

    fn wrong_type(&mut self, at: &At<&DeValue<'_>>, shape: &Shape, example: &str) {
        let path = &at.place.path;
        if at.value.as_str().is_some_and(looks_like_key) {
            return self.key_in_the_file(at);
        }
        let hint = match at.value {
            DeValue::String(s) if accepts_unquoted(shape, s) => format!("without the quotes: {s}"),
            DeValue::Array(_) if self.report.text(&at.place).starts_with("[[") => {
                "tables have single brackets and a name: [task.NAME]".to_owned()
            }
            DeValue::Array(list) if list.len() == 1 && accepts(shape, list[0].get_ref()) => {
                "without the brackets around it".to_owned()
            }
            _ => format!("for example {}", quoted(example)),
        };
        let found = if at.value.as_bool() == Some(true) { "`true`" } else { syntax::kind_of(at.value) };
        self.reject(at, format!("expected {} for `{path}`, found {found}", noun(shape)), Some(hint));
    }

    fn key_in_the_file(&mut self, at: &At<&DeValue<'_>>) {
        let message = format!("`{}` holds what looks like a key", at.place.path);
        let hint = "keys are kept outside of the file, which others read: `key = { env = \"NAME\" }` names the variable, \
                    `key = { file = \"…\" }` the file that has it";
        self.reject(at, message, Some(hint.to_owned()));
    }

    fn integer(&mut self, at: &At<&DeValue<'_>>, value: &DeValue<'_>, min: i64, max: i64, example: &str) {
        let path = &at.place.path;
        let message = match (syntax::integer(value), value) {
            (Some(n), _) if (min..=max).contains(&n) => return,
            (None, DeValue::Float(n)) => format!("expected a whole number for `{path}`, found {}", n.as_str()),
            _ if max == i64::MAX => format!("`{path}` must be {min} or more"),
            _ => format!("`{path}` must be from {min} to {max}"),
        };
        self.reject(at, message, Some(format!("for example {}", quoted(example))));
    }

    fn number(&mut self, at: &At<&DeValue<'_>>, value: &DeValue<'_>, min: Bound<f64>, max: Bound<f64>, example: &str) {
        let path = &at.place.path;
        let number = syntax::number(value).filter(|n| n.is_finite());
        let message = match number {
            Some(n) if (min, max).contains(&n) => return,
            Some(_) => format!("`{path}` must be {}", range_in_words(min, max)),
            None => format!("`{path}` must be a finite number"),
        };
        let is_share = matches!(max, Bound::Included(1.0) | Bound::Excluded(1.0));
        let hint = match number {
            Some(n) if is_share && (2.0..100.0).contains(&n) => {
                format!("shares are written as fractions: {}", n / 100.0)
            }
            _ => format!("for example {}", quoted(example)),
        };
        self.reject(at, message, Some(hint));
    }

    fn dollars(&mut self, at: &At<&DeValue<'_>>, value: &DeValue<'_>) {
        if let Err(reason) = price::usd_per_token(value) {
            let hint = "prices are dollars per million tokens, as the provider lists them".to_owned();
            self.reject(at, format!("`{}` {reason}", at.place.path), Some(hint));
        }
    }

    fn text(&mut self, at: &At<&DeValue<'_>>, text: Text, string: &str, example: &str) {
        // A tab is blank, and a delimiter.
        if string.trim().is_empty() && text != Text::Character {
            self.reject(at, format!("`{}` is empty", at.place.path), Some(format!("for example {}", quoted(example))));
        } else if matches!(text, Text::Variable | Text::Path) && looks_like_key(string)
            || text == Text::Header && has_key_prefix(string)
        {
            self.key_in_the_file(at);
        } else if let Some((flaw, hint)) = flaw_of(text, string) {
            self.reject(at, format!("`{}` {flaw}", at.place.path), Some(hint.to_owned()));
        } else if text != Text::Prose && names_variable(string) {
            let hint = "write the value itself; keys alone come from the environment, and they are read without \
                        being named here"
                .to_owned();
            let message = "environment variables are not filled in here".to_owned();
            self.reject(at, message, Some(hint));
        }
    }

    fn word(&mut self, at: &At<&DeValue<'_>>, words: &Words, word: &str) {
        let all = (words.all)();
        if all.contains(&word) {
            return;
        }
        let lower = word.to_lowercase();
        let habit = words.habits.iter().find(|(name, _)| *name == lower).map(|(_, meant)| *meant);
        let meant = habit.unwrap_or(&lower);
        if let Some((later, instead)) = words.later.iter().find(|(name, _)| *name == meant) {
            let message = format!("this version of Yellowwood has no {} `{later}` yet", words.noun);
            return self.reject(at, message, Some((*instead).to_owned()));
        }
        let hint = match habit.or_else(|| closest(word, all.iter().copied())) {
            Some(meant) if all.contains(&meant) => format!("did you mean `{meant}`?"),
            Some(advice) => advice.to_owned(),
            None => format!("it is {}", listed(all, "or")),
        };
        self.reject(at, format!("unknown {} `{word}`", words.noun), Some(hint));
    }

    fn list(&mut self, at: &At<&DeValue<'_>>, list: &DeArray<'_>, item: &Shape, len: (usize, usize), example: &str) {
        if list.len() < len.0 || list.len() > len.1 {
            let expected = match len {
                (min, max) if min == max => format!("{min} values"),
                (min, _) => format!("at least {}", counted(min, "value")),
            };
            let message = format!("`{}` must have {expected}, and has {}", at.place.path, list.len());
            return self.reject(at, message, Some(format!("for example {}", quoted(example))));
        }
        for value in list.iter() {
            let place = Place { path: at.place.path.clone(), span: value.span() };
            self.value(&At { value: value.get_ref(), place }, item, example);
            if self.unsound.contains(&value.span().start) {
                self.unsound.insert(at.place.span.start);
            }
        }
    }

    fn map(&mut self, at: &At<&DeValue<'_>>, table: &DeTable<'_>, map: &'static Map) {
        let (min, max) = map.n_entries;
        let path = &at.place.path;
        if self.complete && table.len() < min {
            let hint = format!("add, for example, {}", quoted(map.example));
            self.report.error(&at.place, format!("`{path}` names no {}", map.noun)).hint(hint);
        }
        for (i, entry) in entries(table, path).iter().enumerate() {
            if i >= max {
                let message = format!("`{path}` must name one {}, and names {}", map.noun, table.len());
                self.report.error(&entry.key_place(), message).hint(format!("for example {}", quoted(map.example)));
                break;
            }
            if !map.names.allow(entry.key) {
                let message = format!("`{}` is no name for a {}", entry.key, map.noun);
                self.report.error(&entry.key_place(), message).hint(map.names.rule());
            }
            self.value(&entry.value, &map.value, map.example);
        }
    }

    fn variants(&mut self, at: &At<&DeValue<'_>>, table: &DeTable<'_>, variants: &'static Variants) {
        let entries = entries(table, &at.place.path);
        let signs = |entry: &Entry<'_>| variants.all.iter().find(|v| v.signs.contains(&entry.key)).map(|v| v.signs);
        let mut present = entries.iter().filter_map(|entry| Some((entry, signs(entry)?)));
        let Some((first, first_signs)) = present.next() else {
            return self.unknown_variant(at, &entries, variants);
        };
        if let Some((other, _)) = present.find(|(_, signs)| *signs != first_signs) {
            let message = format!("`{}` and `{}` do not go together", first.key, other.key);
            self.report.error(&other.key_place(), message).hint(variants.hint);
            return;
        }
        match pick(table, variants) {
            Some(variant) => {
                self.rivals = Some(variants);
                self.table(table, variant.table, &at.place);
            }
            None => {
                // The sign has a word that tells no kind; the key's own shape says why.
                let key = variants.all.iter().find_map(|v| v.table.key(first.key));
                if let Some(key) = key {
                    self.value(&first.value, &key.shape, key.example);
                }
            }
        }
    }

    fn unknown_variant(&mut self, at: &At<&DeValue<'_>>, entries: &[Entry<'_>], variants: &'static Variants) {
        let signs = || variants.all.iter().flat_map(|v| v.signs.iter().copied());
        for entry in entries {
            if let Some(meant) = closest(entry.key, signs()) {
                let message = format!("unknown key `{}`{}", entry.key, of_parent(&entry.value.place.path));
                return self.report.error(&entry.key_place(), message).hint(format!("did you mean `{meant}`?"));
            }
        }
        if !self.complete {
            return;
        }
        let message = format!("`{}` does not say what {} it is", at.place.path, article(variants.noun));
        self.report.error(&at.place, message).hint(variants.hint);
    }
}

/// Whether a value has the TOML type of a shape.
fn accepts(shape: &Shape, value: &DeValue<'_>) -> bool {
    match shape {
        Shape::Boolean => value.is_bool(),
        Shape::False => value.as_bool() == Some(false),
        Shape::Integer(..) | Shape::Number(..) | Shape::Dollars => value.is_integer() || value.is_float(),
        Shape::Text(_) | Shape::Word(_) => value.is_str(),
        Shape::List(..) => value.is_array(),
        Shape::Table(_) | Shape::Map(_) | Shape::Variants(_) => value.is_table(),
        Shape::AnyOf(shapes) => shapes.iter().any(|s| accepts(s, value)),
    }
}

/// The shape that a value was meant to have, of those that accept its type: of two kinds of table the one whose keys, or
/// whose values, it has.
fn choose<'s>(shapes: &'s [Shape], value: &DeValue<'_>) -> Option<&'s Shape> {
    let resembles = |shape: &Shape| match (shape, value) {
        (Shape::Table(grammar), DeValue::Table(table)) => {
            table.keys().any(|k| closest(k.get_ref(), names(grammar)).is_some())
        }
        (Shape::Map(map), DeValue::Table(table)) => table.values().any(|v| accepts(&map.value, v.get_ref())),
        _ => true,
    };
    let accepted = || shapes.iter().filter(|s| accepts(s, value));
    accepted().find(|s| resembles(s)).or_else(|| accepted().next())
}

/// Whether a string would be what the shape wants if its quotes were left out.
fn accepts_unquoted(shape: &Shape, string: &str) -> bool {
    DeValue::parse(string).is_ok_and(|v| !v.get_ref().is_str() && accepts(shape, v.get_ref()))
}

/// The type of a shape in words.
fn noun(shape: &Shape) -> String {
    match shape {
        Shape::Boolean => "`true` or `false`".into(),
        Shape::False => "`false`".into(),
        Shape::Integer(..) => "a whole number".into(),
        Shape::Number(..) => "a number".into(),
        Shape::Dollars => "a number of dollars".into(),
        Shape::Text(_) | Shape::Word(_) => "a string".into(),
        Shape::List(..) => "a list".into(),
        Shape::Table(_) | Shape::Map(_) | Shape::Variants(_) => "a table".into(),
        Shape::AnyOf(shapes) => {
            let mut nouns: Vec<String> = shapes.iter().map(noun).collect();
            let last = nouns.pop().unwrap_or_default();
            format!("{} or {last}", nouns.join(", "))
        }
    }
}

fn names(grammar: &Table) -> impl Iterator<Item = &'static str> {
    grammar.keys().map(|k| k.name)
}

/// `` in `task.triage` `` for `task.triage.x`; nothing at the root.
fn of_parent(path: &str) -> String {
    match path.rsplit_once('.') {
        Some((parent, _)) => format!(" in `{parent}`"),
        None => String::new(),
    }
}

/// A table header says what it is by its brackets; an assignment is set off.
fn quoted(example: &str) -> String {
    if example.starts_with('[') { example.to_owned() } else { format!("`{example}`") }
}

fn article(noun: &str) -> String {
    if noun.ends_with('s') { noun.to_owned() } else { format!("kind of {noun}") }
}

fn counted(n: usize, noun: &str) -> String {
    if n == 1 { format!("one {noun}") } else { format!("{n} {noun}s") }
}

/// A bound as a person would write it.
pub(crate) fn plain(bound: f64) -> String {
    if bound.abs() >= 1e9 { format!("{bound:e}") } else { bound.to_string() }
}

fn range_in_words(min: Bound<f64>, max: Bound<f64>) -> String {
    let low = match min {
        Bound::Included(n) => Some(format!("{} or more", plain(n))),
        Bound::Excluded(n) => Some(format!("above {}", plain(n))),
        Bound::Unbounded => None,
    };
    let high = match max {
        Bound::Included(n) => Some(format!("at most {}", plain(n))),
        Bound::Excluded(n) => Some(format!("below {}", plain(n))),
        Bound::Unbounded => None,
    };
    match (low, high) {
        (Some(low), Some(high)) => format!("{low} and {high}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "a number".into(),
    }
}
