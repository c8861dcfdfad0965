//! The reference page.

use std::fmt::Write;
use std::ops::Bound;

use yw_task::{AnswerKind, KeyScheme, Metric, ProviderAddress, WELL_KNOWN_PROVIDERS, WellKnownProvider};

use crate::environment::VARIABLES;
use crate::grammar::{
    ASK, AUTO, BASELINE, BOOLEAN_COSTS, BREAKER, CALLS, CANDIDATES_DOC, CASCADE, DATA, DECISIONS, Default, EXAMPLES,
    FEATURES, FOLDS, FRACTION, GOSS, KEY, Key, LIMITS, LINEAR, LOAD, LOADED, NEAREST, PRICE, PROVIDER, RATES,
    RESPONSES, ROOT, ROUTE, SERVE, Shape, TARGET, TASK, TREES, TUNE, Table, Text,
};
use crate::shape::plain;
use crate::suggest::listed;

/// The reference page of the project file, in Markdown: an example, then every table with its keys, then what metrics,
/// providers and environment variables there are.
pub fn markdown() -> String {
    let mut page = format!("{}\n```toml\n{}```\n", include_str!("introduction.md"), include_str!("example.toml"));
    section(&mut page, 2, &ROOT);
    section(&mut page, 2, &TASK);
    for table in [&DATA, &FRACTION, &FOLDS, &LIMITS, &BOOLEAN_COSTS] {
        section(&mut page, 3, table);
    }
    metrics(&mut page);
    heading(&mut page, 2, "[task.NAME.candidate.NAME]", CANDIDATES_DOC);
    for table in [&LINEAR, &NEAREST, &FEATURES, &TREES] {
        section(&mut page, 3, table);
    }
    section(&mut page, 4, &GOSS);
    for table in [&AUTO, &TUNE, &DECISIONS, &LOAD] {
        section(&mut page, 3, table);
    }
    section(&mut page, 4, &LOADED);
    for table in [&BASELINE, &ASK] {
        section(&mut page, 3, table);
    }
    for variant in EXAMPLES.all {
        section(&mut page, 4, variant.table);
    }
    section(&mut page, 3, &CASCADE);
    section(&mut page, 2, &ROUTE);
    for table in [&TARGET, &BREAKER] {
        section(&mut page, 3, table);
    }
    section(&mut page, 2, &PROVIDER);
    for variant in KEY.all {
        section(&mut page, 3, variant.table);
    }
    providers(&mut page);
    section(&mut page, 2, &PRICE);
    section(&mut page, 2, &SERVE);
    for table in [&RATES, &CALLS, &RESPONSES] {
        section(&mut page, 3, table);
    }
    environment(&mut page);
    page
}

fn heading(page: &mut String, level: usize, title: &str, doc: &str) {
    let title = if title.contains(['[', '=']) { format!("`{title}`") } else { title.to_owned() };
    put(page, format_args!("\n{} {title}\n\n{doc}\n", "#".repeat(level)));
}

fn section(page: &mut String, level: usize, table: &Table) {
    heading(page, level, table.title, table.doc);
    let row = |key: &Key| {
        let meaning = format!("{}<br>`{}`", key.doc, key.example);
        [format!("`{}`", key.name), type_of(&key.shape), default_of(key), meaning]
    };
    // Keys that tables share come last, and have a section of their own.
    let (own, shared) = table.keys.split_first().map_or((&[][..], &[][..]), |(own, shared)| (*own, shared));
    rows(page, ["Key", "Type", "Default", "Meaning"], own.iter().map(row));
    let sections = SHARED.iter().filter(|section| shared.iter().any(|group| is_of(section, group)));
    let links: Vec<String> = sections.map(|s| s.title.to_lowercase()).map(|t| format!("[{t}](#{t})")).collect();
    if !links.is_empty() {
        put(page, format_args!("\nAlso the keys of {}.\n", links.join(" and ")));
    }
}

/// The sections of keys that tables share.
static SHARED: &[&Table] = &[&DECISIONS, &FEATURES];

/// Whether a section is that of a group of keys.
fn is_of(section: &Table, group: &[Key]) -> bool {
    section.keys().map(|k| k.name).eq(group.iter().map(|k| k.name))
}

fn default_of(key: &Key) -> String {
    match key.default {
        Default::Required => "**required**".into(),
        Default::Nothing => "none".into(),
        Default::Value(toml_value) => format!("`{toml_value}`"),
        Default::Words(words) => words.into(),
    }
}

fn type_of(shape: &Shape) -> String {
    match shape {
        Shape::Boolean => "`true` or `false`".into(),
        Shape::False => "`false`".into(),
        Shape::Integer(min, i64::MAX) => format!("whole number, {min} or more"),
        Shape::Integer(min, max) if *max == i64::from(u32::MAX) => format!("whole number, {min} or more"),
        Shape::Integer(min, max) => format!("whole number, {min} to {max}"),
        Shape::Number(min, max) => match interval(*min, *max) {
            Some(interval) => format!("number, {interval}"),
            None => "number".into(),
        },
        Shape::Dollars => "dollars, at most 6 decimals".into(),
        Shape::Text(text) => name_of(*text).into(),
        Shape::Word(words) if words.noun == "metric" => "a [metric](#metrics)".into(),
        Shape::Word(words) => listed((words.all)(), "or"),
        Shape::List(item, min, max) if min == max => format!("list of {min}: {}", type_of(item)),
        Shape::List(item, ..) => format!("list, each {}", type_of(item)),
        Shape::Table(_) | Shape::Variants(_) => "table".into(),
        Shape::Map(map) => match map.value {
            Shape::Table(_) | Shape::Variants(_) => "tables by name".into(),
            Shape::Map(_) => format!("tables by {}", map.noun),
            value if map.n_entries.1 == 1 => format!("name of the {} = {}", map.noun, type_of(&value)),
            value => format!("{}s by name, each {}", map.noun, type_of(&value)),
        },
        Shape::AnyOf(shapes) => shapes.iter().map(type_of).collect::<Vec<_>>().join("; or "),
    }
}

fn name_of(text: Text) -> &'static str {
    match text {
        Text::Prose => "text",
        Text::Path => "file",
        Text::Address => "address",
        Text::Url => "web address",
        Text::Model => "`provider/model`",
        Text::Column => "column",
        Text::Candidate => "candidate",
        Text::Character => "one character",
        Text::SplitBy => "`random`, `time:column` or `group:column`",
        Text::Socket => "address and port",
        Text::Name => "name",
        Text::Variable => "environment variable",
        Text::HeaderName => "header",
        Text::Header => "what it says",
        Text::Rate => "`amount/window`",
    }
}

fn interval(min: Bound<f64>, max: Bound<f64>) -> Option<String> {
    Some(match (min.map(plain), max.map(plain)) {
        (Bound::Unbounded, Bound::Unbounded) => return None,
        (Bound::Included(min), Bound::Unbounded) => format!("{min} or more"),
        (Bound::Excluded(min), Bound::Unbounded) => format!("above {min}"),
        (Bound::Included(min), Bound::Included(max)) => format!("{min} to {max}"),
        (Bound::Unbounded, Bound::Included(max) | Bound::Excluded(max)) => format!("below {max}"),
        (Bound::Included(min) | Bound::Excluded(min), Bound::Included(max) | Bound::Excluded(max)) => {
            format!("between {min} and {max}")
        }
    })
}

fn metrics(page: &mut String) {
    let doc = "Which metrics apply depends on the type of the answer. The first is the default. `cost` is there where the \
               task has `costs`.";
    heading(page, 3, "Metrics", doc);
    let row = |kind: AnswerKind| {
        let mark = |m: &Metric| format!("`{m}`{}", if m.higher_is_better() { "" } else { " ↓" });
        [format!("`{kind}`"), Metric::of_kind(kind).iter().map(mark).collect::<Vec<_>>().join(", ")]
    };
    rows(
        page,
        ["Answer", "Metrics (↓: lower is better, so the limit is `max_score`)"],
        AnswerKind::ALL.into_iter().map(row),
    );
}

fn providers(page: &mut String) {
    let doc = "These need no entry; setting the key is enough. Those on this machine need no key. Dialects after the first \
               serve clients that speak them, word for word.";
    heading(page, 3, "Well-known providers", doc);
    let row = |p: &WellKnownProvider| {
        let dialects: Vec<String> = p.dialects.iter().map(|d| format!("`{d}`")).collect();
        let address = match p.address {
            ProviderAddress::At(url) => url.to_owned(),
            ProviderAddress::Own => "its `base_url`".to_owned(),
            ProviderAddress::Region => "of its `region`".to_owned(),
            ProviderAddress::Project => "of its `project` and `location`".to_owned(),
        };
        let key = format!("`{}`", p.key_variable());
        let (key, sent) = match p.key {
            KeyScheme::Bearer => (key, "`Authorization: Bearer`".to_owned()),
            KeyScheme::Header(name) => (key, format!("`{name}`")),
            KeyScheme::SigV4 => (format!("AWS credentials, or {key}"), "signature (SigV4)".to_owned()),
            KeyScheme::GoogleToken => ("Google credentials".to_owned(), "token".to_owned()),
        };
        [format!("`{}`", p.name), dialects.join(", "), address, key, sent]
    };
    rows(page, ["Provider", "Dialects", "Address", "Key", "Sent as"], WELL_KNOWN_PROVIDERS.iter().map(row));
}

fn environment(page: &mut String) {
    let doc = "The project file takes nothing from the environment, so that it says what was run. What belongs to a \
               person or a machine comes from these variables.";
    heading(page, 2, "Environment", doc);
    rows(
        page,
        ["Variable", "Meaning", "Example"],
        VARIABLES.iter().map(|v| [format!("`{}`", v.name), v.meaning.to_owned(), format!("`{}`", v.example)]),
    );
}

fn rows<const N: usize>(page: &mut String, header: [&str; N], rows: impl Iterator<Item = [String; N]>) {
    put(page, format_args!("\n| {} |\n|{}\n", header.join(" | "), " --- |".repeat(N)));
    for row in rows {
        put(page, format_args!("| {} |\n", row.map(|cell| cell.replace('|', "\\|")).join(" | ")));
    }
}

fn put(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string never fails.
    let _ = page.write_fmt(text);
}
