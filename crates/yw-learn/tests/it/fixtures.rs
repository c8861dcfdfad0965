//! Rows to test with.

use std::sync::Arc;

use proptest::prelude::*;
use yw_task::{Cell, Field, FieldType, LabelSet, LabelledRows, Rows, RowsBuilder, Truth};

/// One value that owns its text.
#[derive(Debug, Clone)]
pub(crate) enum Owned {
    Missing,
    Number(f64),
    Boolean(bool),
    Text(String),
    Time(i64),
}

impl Owned {
    fn cell(&self) -> Cell<'_> {
        match self {
            Owned::Missing => Cell::Missing,
            Owned::Number(n) => Cell::Number(*n),
            Owned::Boolean(b) => Cell::Boolean(*b),
            Owned::Text(text) => Cell::Text(text),
            Owned::Time(micros) => Cell::Time(*micros),
        }
    }
}

/// One field of each type.
pub(crate) fn all_fields() -> Arc<[Field]> {
    FieldType::ALL.into_iter().map(|t| Field::new(t.name(), t)).collect()
}

pub(crate) fn rows_of(fields: Arc<[Field]>, rows: &[Vec<Owned>]) -> Rows {
    let mut builder = RowsBuilder::new(fields);
    for row in rows {
        builder.push(&row.iter().map(Owned::cell).collect::<Vec<_>>()).expect("the cells fit");
    }
    builder.finish()
}

/// Rows of [`all_fields`], wild values included.
pub(crate) fn wild_rows(n: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<Vec<Owned>>> {
    let number = prop_oneof![
        1 => Just(Owned::Missing),
        4 => (-100.0..100.0f64).prop_map(Owned::Number),
        1 => any::<f64>().prop_filter("numbers are finite", |n| n.is_finite()).prop_map(Owned::Number),
        1 => Just(Owned::Number(f64::MAX)),
    ];
    let boolean = prop_oneof![Just(Owned::Missing), any::<bool>().prop_map(Owned::Boolean)];
    let category = prop_oneof![1 => Just(Owned::Missing), 5 => "[abc]{0,1}|\\PC{0,3}".prop_map(Owned::Text)];
    let text = prop_oneof![1 => Just(Owned::Missing), 5 => "([a-c]{1,3} ?){0,6}|\\PC{0,20}".prop_map(Owned::Text)];
    let time = prop_oneof![1 => Just(Owned::Missing), 4 => (0..2_000_000_000_000_000i64).prop_map(Owned::Time), 1 => any::<i64>().prop_map(Owned::Time)];
    let row = (number, boolean, category, text, time).prop_map(|(a, b, c, d, e)| vec![a, b, c, d, e]);
    proptest::collection::vec(row, n)
}

pub(crate) fn numbers(columns: &[(&str, &[f64])]) -> Rows {
    let fields = columns.iter().map(|(name, _)| Field::new(*name, FieldType::Number)).collect();
    let n_rows = columns[0].1.len();
    let rows: Vec<Vec<Owned>> =
        (0..n_rows).map(|i| columns.iter().map(|(_, values)| Owned::Number(values[i])).collect()).collect();
    rows_of(fields, &rows)
}

pub(crate) fn texts(texts: &[&str]) -> Rows {
    let rows: Vec<Vec<Owned>> = texts.iter().map(|t| vec![Owned::Text((*t).to_owned())]).collect();
    rows_of([Field::new("body", FieldType::Text)].into(), &rows)
}

pub(crate) fn labelled(rows: Rows, labels: &[&str]) -> LabelledRows {
    let set = LabelSet::sorted(labels);
    let ids = labels.iter().map(|l| set.id(l).expect("the label is in the set")).collect();
    LabelledRows { rows, truth: Truth::Label { ids, labels: set }, groups: None }
}

pub(crate) fn with_truth(rows: Rows, truth: Truth) -> LabelledRows {
    LabelledRows { rows, truth, groups: None }
}

/// Seeded rows of every field type whose answer, one of `n_labels`, shows in all of them, but not surely.
pub(crate) fn tickets(n_rows: usize, n_labels: usize) -> LabelledRows {
    const WORDS: [&str; 12] = [
        "card", "refund", "invoice", "late", "broken", "password", "delivery", "price", "login", "crash", "cancel",
        "plan",
    ];
    let mut state = 7u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as usize) % below
    };
    let names: Vec<String> = (0..n_labels).map(|i| format!("team {i:02}")).collect();
    let labels = LabelSet::sorted(&names);
    let (mut rows, mut ids) = (Vec::new(), Vec::new());
    for _ in 0..n_rows {
        let id = random(n_labels);
        let words: Vec<&str> = (0..8)
            .map(|i| WORDS[if i % 3 == 0 { random(WORDS.len()) } else { (id + random(3)) % WORDS.len() }])
            .collect();
        rows.push(vec![
            if random(9) == 0 { Owned::Missing } else { Owned::Number((id * 3 + random(10)) as f64) },
            Owned::Boolean((id + random(2)).is_multiple_of(2)),
            Owned::Text(format!("level {}", (id + random(3)) % 4)),
            Owned::Text(words.join(" ")),
            Owned::Time((random(1000) as i64) * 86_400_000_000),
        ]);
        ids.push(id as u32);
    }
    with_truth(rows_of(all_fields(), &rows), Truth::Label { ids, labels })
}
