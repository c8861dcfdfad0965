//! Bringing served answers from segments into the table.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use sqlx::{QueryBuilder, Sqlite};

/// An answer as the database wants it.
pub(super) struct AnswerRow<'a> {
    keys: Keys<'a>,
    json: &'a str,
}

/// What is in columns of its own.
#[derive(Deserialize)]
struct Keys<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    task: Cow<'a, str>,
    at: Timestamp,
}

impl<'a> AnswerRow<'a> {
    /// Reads what was appended; nothing if it is no answer.
    pub(super) fn parse(json: &'a str) -> Option<Self> {
        Some(AnswerRow { keys: serde_json::from_str(json).ok()?, json })
    }
}

/// The statement that inserts answers. What is there already stays as it is.
pub(super) fn insertion(rows: &[AnswerRow<'_>]) -> QueryBuilder<Sqlite> {
    let mut statement = QueryBuilder::new("INSERT INTO log (id, task, at, record) ");
    statement.push_values(rows, |mut row, AnswerRow { keys, json }| {
        row.push_bind(&*keys.id).push_bind(&*keys.task).push_bind(keys.at.as_microsecond()).push_bind(*json);
    });
    statement.push(" ON CONFLICT (id) DO NOTHING");
    statement
}
