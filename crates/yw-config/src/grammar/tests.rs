//! The grammar keeps its own promises.

use std::collections::HashSet;

use super::*;
use crate::raw::Report;
use crate::{shape, syntax};

/// Every table that can be reached, once.
fn tables() -> Vec<&'static Table> {
    fn visit(shape: &Shape, found: &mut Vec<&'static Table>) {
        let mut add = |table: &'static Table| {
            if !found.iter().any(|t| std::ptr::eq(*t, table)) {
                found.push(table);
                table.keys().for_each(|key| visit(&key.shape, found));
            }
        };
        match shape {
            Shape::Table(table) => add(table),
            Shape::Variants(variants) => variants.all.iter().for_each(|v| add(v.table)),
            Shape::Map(map) => visit(&map.value, found),
            Shape::List(item, ..) => visit(item, found),
            Shape::AnyOf(shapes) => shapes.iter().for_each(|s| visit(s, found)),
            _ => {}
        }
    }
    let mut found = vec![&ROOT];
    ROOT.keys().for_each(|key| visit(&key.shape, &mut found));
    found
}

/// What is said of a line that sets a key.
fn said_of(key: &'static Key, line: &str) -> String {
    let parsed = syntax::parse(line);
    assert!(parsed.errors.is_empty(), "{line}");
    let mut report = Report::new(line);
    shape::check_key(&parsed.document, key, &mut report);
    report.finish("line".as_ref()).to_string()
}

#[test]
fn examples_and_defaults_are_sound() {
    for key in tables().into_iter().flat_map(Table::keys) {
        // Headers are examples of whole tables, which other examples fill.
        if !key.example.starts_with('[') {
            assert!(key.example.starts_with(key.name), "{}", key.example);
            assert_eq!(said_of(key, key.example), "");
        }
        if let Default::Value(value) = key.default {
            let line = format!("{} = {value}", key.name);
            assert_eq!(said_of(key, &line), "");
            assert_ne!(line, key.example, "an example that sets the default shows nothing");
        }
    }
}

#[test]
fn every_key_is_explained_in_sentences() {
    for table in tables() {
        assert!(table.doc.ends_with('.'), "{}", table.title);
        for key in table.keys() {
            assert!(key.doc.ends_with('.'), "{}: {}", table.title, key.name);
        }
    }
}

#[test]
fn keys_are_known_once() {
    for table in tables() {
        let mut seen = HashSet::new();
        let others = table.later.iter().copied().chain(table.habits()).map(|(name, _)| name);
        for name in table.keys().map(|k| k.name).chain(others) {
            assert!(seen.insert(name), "{}: {name}", table.title);
        }
    }
}

#[test]
fn patterns_say_what_names_are_allowed() {
    for names in [Names::Plain, Names::Columns, Names::Labels, Names::Models, Names::Routes, Names::Headers] {
        let pattern = regex::Regex::new(names.pattern()).unwrap();
        let long = "x".repeat(65);
        let longest = "x".repeat(129);
        let mut all =
            vec!["a", "", " ", ".a", "a.b", "a/b", "/b", "a/", "a/b/c", "ü", "a b", "-", "../x", "x-y", "a:b"];
        all.extend(["a\tb", "a\u{7f}", " a", "a ", &long, &long[1..], &longest, &longest[1..]]);
        for name in all {
            assert_eq!(names.allow(name), pattern.is_match(name), "{name:?} for {}", names.pattern());
        }
    }
}
