//! The fitted candidates that commands work with: champions, and those of past runs.

use yw_arena::{ARTIFACT_FORMAT, LoadedPredictor};
use yw_config::Project;
use yw_store::{ArtifactId, NotAnArtifactId, RunRecord, Store, StoreError};
use yw_task::Usd;

use crate::failure::Failure;
use crate::{exit, project};

/// A fitted candidate, ready to answer.
pub(crate) struct Version {
    pub(crate) candidate: String,
    /// The run that it was fitted in.
    pub(crate) run: String,
    pub(crate) artifact: ArtifactId,
    pub(crate) loaded: LoadedPredictor,
}

/// What answers a task now. It may spend at most `max_usd`.
pub(crate) async fn champion(project: &Project, task: &str, max_usd: Option<f64>) -> Result<Version, Failure> {
    let nothing = || {
        Failure::message(exit::FAILURE, format!("nothing answers {task} yet"))
            .with_hint("`yw run` finds a champion, `yw promote` chooses one")
    };
    if !project::has_store(project) {
        return Err(nothing());
    }
    let store = project::store(project).await?;
    let champion = store.champion(task).await.map_err(failed)?.ok_or_else(nothing)?;
    let loaded = load(project, &store, &champion.artifact, max_usd).await?;
    Ok(Version { candidate: champion.candidate, run: champion.run, artifact: champion.artifact, loaded })
}

/// A candidate as the task's last run fitted it.
pub(crate) async fn of_last_run(project: &Project, task: &str, candidate: &str) -> Result<Version, Failure> {
    if !project::has_store(project) {
        return Err(no_run(task));
    }
    let store = project::store(project).await?;
    let record = record(&store, task, None).await?;
    let artifact = artifact(&record, candidate)?;
    let loaded = load(project, &store, &artifact, None).await?;
    Ok(Version { candidate: candidate.to_owned(), run: record.run, artifact, loaded })
}

/// The run of a task that was named, or its last one.
pub(crate) async fn record(store: &Store, task: &str, id: Option<&str>) -> Result<RunRecord, Failure> {
    let id = match id {
        Some(id) => id.to_owned(),
        None => {
            let last = store.runs(Some(task), 1).await.map_err(failed)?;
            last.into_iter().next().ok_or_else(|| no_run(task))?.run
        }
    };
    let record = store.run(&id).await.map_err(failed)?.ok_or_else(|| {
        Failure::message(exit::FAILURE, format!("there is no run {id}")).with_hint("`yw runs` lists them")
    })?;
    if record.task != task {
        return Err(Failure::message(
            exit::FAILURE,
            format!("run {} is one of task {}, not of {task}", record.run, record.task),
        ));
    }
    Ok(record)
}

/// What a run saved of a candidate.
pub(crate) fn artifact(record: &RunRecord, candidate: &str) -> Result<ArtifactId, Failure> {
    let saved: Vec<&str> = record.candidates.iter().filter(|c| c.artifact.is_some()).map(|c| c.name.as_str()).collect();
    let artifact = record.candidate(candidate).and_then(|c| c.artifact.as_deref()).ok_or_else(|| {
        Failure::message(exit::FAILURE, format!("run {} has no version of candidate `{candidate}`", record.run))
            .with_hint(format!("it has: {}", saved.join(", ")))
    })?;
    artifact.parse().map_err(|e: NotAnArtifactId| Failure::from_error(exit::FAILURE, &e))
}

/// A task without runs.
pub(crate) fn no_run(task: &str) -> Failure {
    Failure::message(exit::FAILURE, format!("task {task} was never run"))
        .with_hint(format!("`yw run --task {task}` fits and evaluates its candidates"))
}

async fn load(
    project: &Project,
    store: &Store,
    artifact: &ArtifactId,
    max_usd: Option<f64>,
) -> Result<LoadedPredictor, Failure> {
    let dir = store.artifact(artifact).await.map_err(failed)?;
    dir.require_format(ARTIFACT_FORMAT).map_err(failed)?;
    let asking = project::connect(project, Some(store), max_usd.map(Usd::from_dollars))?;
    yw_arena::load(&dir.path, &asking).map_err(|e| Failure::from_error(exit::FAILURE, &e))
}

fn failed(error: StoreError) -> Failure {
    Failure::from_error(exit::FAILURE, &error)
}
