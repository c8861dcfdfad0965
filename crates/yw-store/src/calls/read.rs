//! Reading calls.

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite};

use super::CallFilter;
use crate::{CallRecord, Store, StoreError};

/// Calls of the gateway.
impl Store {
    /// The calls that fit. Everything that was acknowledged before is considered, by whatever process.
    ///
    /// Memory holds all of them: where there may be many, set a limit, and go on [after](CallFilter::after) the last.
    pub async fn calls(&self, filter: &CallFilter) -> Result<Vec<CallRecord>, StoreError> {
        self.settle_log().await?;
        let mut statement = QueryBuilder::<Sqlite>::new("SELECT id, record FROM calls INDEXED BY calls_by_time");
        let since = filter.since.map_or(i64::MIN, Timestamp::as_microsecond);
        let until = filter.until.map_or(i64::MAX, Timestamp::as_microsecond);
        statement.push(" WHERE at >= ").push_bind(since).push(" AND at < ").push_bind(until);
        filter.push_conditions(&mut statement);
        let [beyond, order] = if filter.newest_first { ["<", "DESC"] } else { [">", "ASC"] };
        if let Some(position) = &filter.after {
            let at = position.at.as_microsecond();
            // The first part is for the index, which has no ids.
            statement.push(format_args!(" AND at {beyond}= ")).push_bind(at);
            statement.push(format_args!(" AND (at {beyond} ")).push_bind(at);
            statement.push(format_args!(" OR id {beyond} ")).push_bind(&position.id).push(")");
        }
        statement.push(format_args!(" ORDER BY at {order}, id {order} LIMIT "));
        statement.push_bind(filter.limit.map_or(i64::MAX, |limit| i64::try_from(limit).unwrap_or(i64::MAX)));
        let rows: Vec<(String, String)> = statement
            .build_query_as()
            .persistent(false)
            .fetch_all(self.database().pool())
            .await
            .map_err(self.database().error("the calls"))?;
        rows.iter().map(|(id, json)| parse(id, json)).collect()
    }

    /// The call with this id.
    pub async fn call(&self, id: &str) -> Result<Option<CallRecord>, StoreError> {
        let mut found = self.find_call(id).await?;
        if found.is_none() {
            self.settle_log().await?;
            found = self.find_call(id).await?;
        }
        found.map(|json| parse(id, &json)).transpose()
    }

    async fn find_call(&self, id: &str) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar("SELECT record FROM calls WHERE id = ?")
            .bind(id)
            .fetch_optional(self.database().pool())
            .await
            .map_err(self.database().error("the calls"))
    }
}

fn parse(id: &str, json: &str) -> Result<CallRecord, StoreError> {
    serde_json::from_str(json).map_err(|e| StoreError::Record { what: "call", id: id.to_owned(), source: e.into() })
}
