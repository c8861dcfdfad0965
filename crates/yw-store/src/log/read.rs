//! Reading the log, and joining feedback to it.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::{QueryBuilder, Sqlite};

use super::{FeedbackRecord, LogRecord};
use crate::{Store, StoreError};

/// A served answer with what was learned about it.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// The answer.
    pub record: LogRecord,
    /// What was learned, in the order in which it came.
    pub feedback: Vec<FeedbackRecord>,
}

/// A place in the log: between two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPosition(i64);

impl LogPosition {
    /// Before the first record.
    pub const START: LogPosition = LogPosition(0);
}

/// A piece of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogPage {
    /// The records, in the order in which they came into the database.
    pub entries: Vec<LogEntry>,
    /// Where the next page begins. No record is ever added before it.
    pub next: LogPosition,
}

/// The serving log.
impl Store {
    /// The answer that was served under an id.
    pub async fn log_record(&self, id: &str) -> Result<Option<LogEntry>, StoreError> {
        let mut found = self.find_record(id).await?;
        if found.is_none() {
            self.settle_log().await?;
            found = self.find_record(id).await?;
        }
        let Some(row) = found else { return Ok(None) };
        Ok(self.with_feedback(vec![row]).await?.pop())
    }

    /// Joins feedback to the answer that was served under its id; durable when it returns. There may be several for
    /// one answer. An id that is not in the log is [`StoreError::NotFound`].
    pub async fn feedback(&self, feedback: &FeedbackRecord) -> Result<(), StoreError> {
        if self.insert_feedback(feedback).await? {
            return Ok(());
        }
        // The answer may be so fresh that it is still in a segment.
        self.settle_log().await?;
        if self.insert_feedback(feedback).await? {
            return Ok(());
        }
        Err(StoreError::NotFound { what: "answer with the id", id: feedback.id.clone() })
    }

    /// At most `limit` records of a task that come after `since`. Everything that was acknowledged before the call is
    /// either before `since` or found by this page and those after it.
    pub async fn log_page(&self, task: &str, since: LogPosition, limit: usize) -> Result<LogPage, StoreError> {
        self.settle_log().await?;
        let rows: Vec<(i64, String, String)> = sqlx::query_as(
            "SELECT position, id, record FROM log WHERE task = ? AND position > ? ORDER BY position LIMIT ?",
        )
        .bind(task)
        .bind(since.0)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.database().pool())
        .await
        .map_err(self.database().error("the serving log"))?;
        let next = rows.last().map_or(since, |(position, ..)| LogPosition(*position));
        Ok(LogPage { entries: self.with_feedback(rows).await?, next })
    }

    /// The place before the first record of a task whose request came at `at` or later; the end if there is none.
    pub async fn log_position(&self, task: &str, at: Timestamp) -> Result<LogPosition, StoreError> {
        self.settle_log().await?;
        let failed = self.database().error("the serving log");
        let first: Option<i64> = sqlx::query_scalar("SELECT min(position) FROM log WHERE task = ? AND at >= ?")
            .bind(task)
            .bind(at.as_microsecond())
            .fetch_one(self.database().pool())
            .await
            .map_err(&failed)?;
        if let Some(first) = first {
            return Ok(LogPosition(first - 1));
        }
        sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM log")
            .fetch_one(self.database().pool())
            .await
            .map(LogPosition)
            .map_err(failed)
    }

    async fn find_record(&self, id: &str) -> Result<Option<(i64, String, String)>, StoreError> {
        sqlx::query_as("SELECT position, id, record FROM log WHERE id = ?")
            .bind(id)
            .fetch_optional(self.database().pool())
            .await
            .map_err(self.database().error("the serving log"))
    }

    /// Whether the id is in the log, and the feedback therefore in the store.
    async fn insert_feedback(&self, feedback: &FeedbackRecord) -> Result<bool, StoreError> {
        let json = serde_json::to_string(feedback).map_err(|e| StoreError::Record {
            what: "feedback to",
            id: feedback.id.clone(),
            source: e.into(),
        })?;
        let mut write = self.database().write("the feedback").await?;
        let done = sqlx::query("INSERT INTO feedback (id, record) SELECT id, ?2 FROM log WHERE id = ?1")
            .bind(&feedback.id)
            .bind(json)
            .execute(write.connection())
            .await
            .map_err(write.error())?;
        write.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// Parses rows of position, id and record, and adds the feedback of all of them.
    async fn with_feedback(&self, rows: Vec<(i64, String, String)>) -> Result<Vec<LogEntry>, StoreError> {
        let mut feedback: HashMap<String, Vec<FeedbackRecord>> = HashMap::new();
        for chunk in rows.chunks(1_000) {
            let mut statement = QueryBuilder::<Sqlite>::new("SELECT id, record FROM feedback WHERE id IN (");
            let mut ids = statement.separated(", ");
            chunk.iter().for_each(|(_, id, _)| {
                ids.push_bind(id);
            });
            statement.push(") ORDER BY feedback");
            let found: Vec<(String, String)> = statement
                .build_query_as()
                .persistent(false)
                .fetch_all(self.database().pool())
                .await
                .map_err(self.database().error("the feedback"))?;
            for (id, json) in found {
                let record = parse("feedback to", &id, &json)?;
                feedback.entry(id).or_default().push(record);
            }
        }
        rows.iter()
            .map(|(_, id, json)| {
                let record = parse("log record", id, json)?;
                Ok(LogEntry { record, feedback: feedback.remove(id).unwrap_or_default() })
            })
            .collect()
    }
}

fn parse<T: DeserializeOwned>(what: &'static str, id: &str, json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|e| StoreError::Record { what, id: id.to_owned(), source: e.into() })
}
