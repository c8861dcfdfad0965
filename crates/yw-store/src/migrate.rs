//! The layout of the database, version by version.

use std::path::Path;

use jiff::Timestamp;
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;

use crate::StoreError;

/// Every change of the layout since the first: the n-th statement list leads from layout n to n + 1. Never edit one
/// that was released.
pub(crate) const MIGRATIONS: &[&str] =
    &[include_str!("../migrations/0001_start.sql"), include_str!("../migrations/0002_gateway.sql")];

/// Applies the migrations that the database lacks, all or none.
pub(crate) async fn run(
    state_dir: &Path,
    connection: &mut SqliteConnection,
    migrations: &[&'static str],
) -> Result<(), StoreError> {
    let supported = migrations.len() as i64;
    let failed = |e| StoreError::from_sqlx(state_dir, "the layout of the database", e);
    // The usual case first, without taking the write lock.
    let mut found = layout(connection).await.map_err(failed)?;
    if found < supported {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        // Another process may have been here since.
        found = layout(&mut transaction).await.map_err(failed)?;
        for (version, statements) in (1_i64..).zip(migrations).skip(found.max(0) as usize) {
            sqlx::raw_sql(*statements).execute(&mut *transaction).await.map_err(failed)?;
            sqlx::query("INSERT INTO schema_history (version, applied, program) VALUES (?, ?, ?)")
                .bind(version)
                .bind(Timestamp::now().as_microsecond())
                .bind(env!("CARGO_PKG_VERSION"))
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)?;
    }
    if found > supported {
        return Err(StoreError::Newer { path: state_dir.to_owned(), found, supported });
    }
    Ok(())
}

/// The version of the layout; 0 for an empty database.
async fn layout(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let known: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'schema_history'")
        .fetch_one(&mut *connection)
        .await?;
    if known == 0 {
        return Ok(0);
    }
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM schema_history").fetch_one(connection).await
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;

    async fn empty() -> (tempfile::TempDir, SqliteConnection) {
        let dir = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new().filename(dir.path().join("state.db")).create_if_missing(true);
        let connection = options.connect().await.unwrap();
        (dir, connection)
    }

    #[tokio::test]
    async fn each_migration_runs_once_in_its_turn() {
        let (dir, mut connection) = empty().await;
        let later = [MIGRATIONS[0], "ALTER TABLE runs ADD COLUMN note TEXT", "UPDATE runs SET note = note || '!'"];
        run(dir.path(), &mut connection, &later[..1]).await.unwrap();
        sqlx::raw_sql("INSERT INTO runs VALUES ('a', 'triage', 0, '{}')").execute(&mut connection).await.unwrap();
        run(dir.path(), &mut connection, &later[..2]).await.unwrap();
        sqlx::raw_sql("UPDATE runs SET note = 'kept'").execute(&mut connection).await.unwrap();
        run(dir.path(), &mut connection, &later).await.unwrap();
        run(dir.path(), &mut connection, &later).await.unwrap();
        let note: String = sqlx::query_scalar("SELECT note FROM runs").fetch_one(&mut connection).await.unwrap();
        assert_eq!(note, "kept!");
        assert_eq!(layout(&mut connection).await.unwrap(), 3);
        let error = run(dir.path(), &mut connection, &later[..1]).await.unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 3, supported: 1, .. }), "{error}");
    }

    #[tokio::test]
    async fn migrations_that_fail_change_nothing() {
        let (dir, mut connection) = empty().await;
        let broken = [MIGRATIONS[0], "CREATE TABLE more (x)", "CREATE TABLE more (x)"];
        assert!(run(dir.path(), &mut connection, &broken).await.is_err());
        assert_eq!(layout(&mut connection).await.unwrap(), 0);
        run(dir.path(), &mut connection, MIGRATIONS).await.unwrap();
        assert_eq!(layout(&mut connection).await.unwrap(), MIGRATIONS.len() as i64);
    }
}
