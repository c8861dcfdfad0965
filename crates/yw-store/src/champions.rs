//! Champions: which version of a task answers, and which ones did.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use crate::artifact::{self, ArtifactId};
use crate::database::WriteTransaction;
use crate::{Store, StoreError};

/// A version that is to answer a task from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// The task.
    pub task: String,
    /// The candidate that the version comes from.
    pub candidate: String,
    /// The fitted candidate.
    pub artifact: ArtifactId,
    /// The run that made it.
    pub run: String,
    /// When it is promoted.
    pub at: Timestamp,
}

/// A version that answers a task, or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Champion {
    /// The task.
    pub task: String,
    /// The candidate that the version comes from.
    pub candidate: String,
    /// The fitted candidate.
    pub artifact: ArtifactId,
    /// The run that made it.
    pub run: String,
    /// Since when it answers, to the microsecond.
    pub since: Timestamp,
    /// Whether it came back, because a later one was taken back.
    pub is_return: bool,
}

/// Champions.
impl Store {
    /// Lets a version answer its task; durable when it returns. Nothing changes if it answers already.
    ///
    /// Its artifact must be in the store; the files are not read.
    pub async fn promote(&self, promotion: &Promotion) -> Result<Champion, StoreError> {
        artifact::require_folder(self.state_dir(), &promotion.artifact)?;
        let mut write = self.database().write("the promotion").await?;
        let current = self.before(write.connection(), &promotion.task, i64::MAX).await?;
        if let Some(row) = current
            && (&row.champion.candidate, &row.champion.artifact) == (&promotion.candidate, &promotion.artifact)
        {
            return Ok(row.champion);
        }
        insert(&mut write, promotion, None).await?;
        write.commit().await?;
        Ok(Champion::of(promotion.clone(), false))
    }

    /// Lets the version before the present one answer again, and says which it is; none if there is no earlier one.
    ///
    /// Going back twice goes back by two: like undo, it never swings between the last two.
    pub async fn promote_back(&self, task: &str, at: Timestamp) -> Result<Option<Champion>, StoreError> {
        let mut write = self.database().write("the promotion").await?;
        let Some(current) = self.before(write.connection(), task, i64::MAX).await? else { return Ok(None) };
        let Some(earlier) = self.before(write.connection(), task, current.origin).await? else { return Ok(None) };
        let Champion { candidate, artifact, run, .. } = earlier.champion;
        artifact::require_folder(self.state_dir(), &artifact)?;
        let promotion = Promotion { task: task.to_owned(), candidate, artifact, run, at };
        insert(&mut write, &promotion, Some(earlier.origin)).await?;
        write.commit().await?;
        Ok(Some(Champion::of(promotion, true)))
    }

    /// The version that answers a task.
    pub async fn champion(&self, task: &str) -> Result<Option<Champion>, StoreError> {
        Ok(self.champion_history(task, 1).await?.pop())
    }

    /// The latest versions that answered a task, the present one first, at most `limit`. Each answered from its
    /// `since` to that of the one before it in this list.
    pub async fn champion_history(&self, task: &str, limit: usize) -> Result<Vec<Champion>, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT promotion, candidate, artifact, run, at, restores FROM promotions WHERE task = ?
             ORDER BY promotion DESC LIMIT ?",
        )
        .bind(task)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.database().pool())
        .await
        .map_err(self.database().error("the champions"))?;
        rows.into_iter().map(|columns| Ok(self.row(task, columns)?.champion)).collect()
    }

    /// A number that grows with every promotion of any task, in whatever process. Cheap enough to ask every second.
    pub async fn champions_generation(&self) -> Result<i64, StoreError> {
        sqlx::query_scalar("SELECT coalesce(max(promotion), 0) FROM promotions")
            .fetch_one(self.database().pool())
            .await
            .map_err(self.database().error("the champions"))
    }

    /// The last promotion of a task before the given one.
    async fn before(&self, connection: &mut SqliteConnection, task: &str, id: i64) -> Result<Option<Row>, StoreError> {
        let columns: Option<Columns> = sqlx::query_as(
            "SELECT promotion, candidate, artifact, run, at, restores FROM promotions WHERE task = ? AND promotion < ?
             ORDER BY promotion DESC LIMIT 1",
        )
        .bind(task)
        .bind(id)
        .fetch_optional(connection)
        .await
        .map_err(self.database().error("the champions"))?;
        columns.map(|columns| self.row(task, columns)).transpose()
    }

    fn row(&self, task: &str, columns: Columns) -> Result<Row, StoreError> {
        let (promotion, candidate, artifact, run, at, restores) = columns;
        let artifact = artifact.parse().map_err(|_| StoreError::Damaged {
            path: self.state_dir().to_owned(),
            detail: format!("`{artifact}` was promoted and is no artifact id"),
        })?;
        let since = self.database().timestamp(at)?;
        let champion =
            Champion { task: task.to_owned(), candidate, artifact, run, since, is_return: restores.is_some() };
        Ok(Row { origin: restores.unwrap_or(promotion), champion })
    }
}

type Columns = (i64, String, String, String, i64, Option<i64>);

/// A row of the history.
struct Row {
    /// The promotion that first made this version champion: the row itself, or the one that it restores.
    origin: i64,
    champion: Champion,
}

impl Champion {
    fn of(promotion: Promotion, is_return: bool) -> Self {
        let Promotion { task, candidate, artifact, run, at } = promotion;
        Champion { task, candidate, artifact, run, since: at, is_return }
    }
}

async fn insert(
    write: &mut WriteTransaction<'_>,
    promotion: &Promotion,
    restores: Option<i64>,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO promotions (task, candidate, artifact, run, at, restores) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(&promotion.task)
        .bind(&promotion.candidate)
        .bind(promotion.artifact.as_str())
        .bind(&promotion.run)
        .bind(promotion.at.as_microsecond())
        .bind(restores)
        .execute(write.connection())
        .await
        .map_err(write.error())?;
    Ok(())
}
