//! Runs: one JSON record each.

use jiff::Timestamp;

use crate::{CandidateStatus, RunRecord, Score, Store, StoreError};

/// A run in one line.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// The id of the run.
    pub run: String,
    /// The project's name.
    pub project: String,
    /// The task's name.
    pub task: String,
    /// When it began.
    pub started: Timestamp,
    /// When its verdict stood.
    pub finished: Timestamp,
    /// The deciding metric.
    pub metric: String,
    /// How many candidates were compared, of how many.
    pub n_compared: usize,
    /// How many candidates there were.
    pub n_candidates: usize,
    /// The candidate to ship, if there is one.
    pub champion: Option<String>,
    /// Its score.
    pub score: Option<Score>,
    /// Whether it keeps the limits.
    pub within_limits: bool,
}

impl From<&RunRecord> for RunSummary {
    fn from(record: &RunRecord) -> Self {
        let champion = record.verdict.champion.clone();
        RunSummary {
            run: record.run.clone(),
            project: record.project.clone(),
            task: record.task.clone(),
            started: record.started,
            finished: record.finished,
            metric: record.metric.clone(),
            n_compared: record.candidates.iter().filter(|c| c.status == CandidateStatus::Ok).count(),
            n_candidates: record.candidates.len(),
            score: champion.as_deref().and_then(|name| record.candidate(name)?.score),
            champion,
            within_limits: record.verdict.within_limits,
        }
    }
}

/// Runs.
impl Store {
    /// Keeps a run; durable when it returns. An id can be used once.
    pub async fn insert_run(&self, record: &RunRecord) -> Result<(), StoreError> {
        let json = serde_json::to_string(record).map_err(|e| unreadable(&record.run, e.into()))?;
        let mut write = self.database().write("the run").await?;
        sqlx::query("INSERT INTO runs (run, task, started, record) VALUES (?, ?, ?, ?)")
            .bind(&record.run)
            .bind(&record.task)
            .bind(record.started.as_microsecond())
            .bind(json)
            .execute(write.connection())
            .await
            .map_err(write.error())?;
        write.commit().await
    }

    /// The latest runs, of one task or of all, the newest first, at most `limit`.
    pub async fn runs(&self, task: Option<&str>, limit: usize) -> Result<Vec<RunSummary>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT run, record FROM runs WHERE ?1 IS NULL OR task = ?1 ORDER BY started DESC, run DESC LIMIT ?2",
        )
        .bind(task)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.database().pool())
        .await
        .map_err(self.database().error("the runs"))?;
        rows.iter().map(|(run, json)| Ok(RunSummary::from(&parse(run, json)?))).collect()
    }

    /// The run with this id, or the only one whose id begins so.
    pub async fn run(&self, id: &str) -> Result<Option<RunRecord>, StoreError> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT run, record FROM runs WHERE substr(run, 1, length(?1)) = ?1 ORDER BY run")
                .bind(id)
                .fetch_all(self.database().pool())
                .await
                .map_err(self.database().error("a run"))?;
        let exact = rows.iter().find(|(run, _)| run == id);
        match (exact, rows.as_slice()) {
            (Some((run, json)), _) | (None, [(run, json)]) => parse(run, json).map(Some),
            (None, []) => Ok(None),
            (None, several) => Err(StoreError::Ambiguous { prefix: id.to_owned(), matches: several.len() }),
        }
    }
}

fn parse(run: &str, json: &str) -> Result<RunRecord, StoreError> {
    RunRecord::from_json(json).map_err(|e| unreadable(run, e))
}

fn unreadable(run: &str, source: crate::RecordError) -> StoreError {
    StoreError::Record { what: "run", id: run.to_owned(), source }
}
