//! Which calls are meant.

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite};

use crate::CallRecord;

/// Which calls are meant: those that fit everything that is said. By default all of them, the oldest first. An empty text
/// means calls that have none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CallFilter {
    /// Calls that came at this time or later.
    pub since: Option<Timestamp>,
    /// Calls that came before this time.
    pub until: Option<Timestamp>,
    /// Calls with this key: its id or its name.
    pub key: Option<String>,
    /// Calls that this model answered, or was asked for last: `provider/model`, or the model alone.
    pub model: Option<String>,
    /// Calls that this provider answered, or was asked for last.
    pub provider: Option<String>,
    /// Calls that took this route.
    pub route: Option<String>,
    /// Calls that ended so.
    pub outcome: Option<CallOutcome>,
    /// At most so many. Sums do not look at it.
    pub limit: Option<usize>,
    /// Whether the newest come first. Sums do not look at it.
    pub newest_first: bool,
    /// Calls that come after this one, in the order that is asked for: where the last page ended. Sums do not look at
    /// it.
    pub after: Option<CallPosition>,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// The client got what it asked for.
    Success,
    /// The client did not, or only the beginning.
    Failure,
    /// The client got this HTTP status.
    Status(u16),
}

/// The place of a call among the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallPosition {
    /// When it came.
    pub at: Timestamp,
    /// Its id.
    pub id: String,
}

impl From<&CallRecord> for CallPosition {
    fn from(record: &CallRecord) -> Self {
        CallPosition { at: record.at, id: record.id.clone() }
    }
}

impl CallFilter {
    /// Adds what rows of `calls` and of `call_sums` must fit, except for the time: ` AND …`.
    pub(super) fn push_conditions(&self, statement: &mut QueryBuilder<Sqlite>) {
        if let Some(key) = &self.key {
            statement.push(" AND (coalesce(key, '') = ").push_bind(key);
            statement.push(" OR coalesce(key_name, '') = ").push_bind(key).push(")");
        }
        if let Some(model) = &self.model {
            statement.push(" AND (coalesce(model, '') = ").push_bind(model);
            statement.push(" OR provider || '/' || model = ").push_bind(model).push(")");
        }
        for (column, value) in [("provider", &self.provider), ("route", &self.route)] {
            if let Some(value) = value {
                statement.push(format_args!(" AND coalesce({column}, '') = ")).push_bind(value);
            }
        }
        match self.outcome {
            None => statement,
            Some(CallOutcome::Success) => statement.push(" AND NOT is_failure"),
            Some(CallOutcome::Failure) => statement.push(" AND is_failure"),
            Some(CallOutcome::Status(status)) => statement.push(" AND status = ").push_bind(i64::from(status)),
        };
    }
}
