//! `yw promote`: choose the version that answers a task.

use jiff::Timestamp;
use yw_store::{NotAnArtifactId, Promotion, RunRecord, Store, StoreError};

use crate::cli::PromoteArgs;
use crate::failure::Failure;
use crate::{exit, output, project};

/// How many champions `--history` lists.
const HISTORY: usize = 100;

pub(crate) async fn run(args: &PromoteArgs) -> Result<u8, Failure> {
    let project = project::open(args.project.as_ref())?;
    let task = project::task(&project, &args.task)?.name.as_str();
    if !project::has_store(&project) {
        return Err(no_run(task));
    }
    let store = project::store(&project).await?;
    if args.history {
        let history = store.champion_history(task, HISTORY).await.map_err(failed)?;
        output::line(output::champions(task, &history));
        return Ok(exit::OK);
    }
    let champion = if args.back {
        store.promote_back(task, Timestamp::now()).await.map_err(failed)?.ok_or_else(|| {
            Failure::message(exit::FAILURE, format!("there is no earlier version of {task} to go back to"))
                .with_hint(format!("`yw promote {task} --history` lists who answered when"))
        })?
    } else {
        let record = record(&store, task, args.run.as_deref()).await?;
        store.promote(&promotion(&record, args.candidate.as_deref())?).await.map_err(failed)?
    };
    output::line(format!("`{}` answers {task} now (run {})", champion.candidate, champion.run));
    Ok(exit::OK)
}

/// The run that was named, or the task's last one.
async fn record(store: &Store, task: &str, id: Option<&str>) -> Result<RunRecord, Failure> {
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

fn promotion(record: &RunRecord, candidate: Option<&str>) -> Result<Promotion, Failure> {
    let name = match candidate {
        Some(name) => name,
        None => record.verdict.champion.as_deref().ok_or_else(|| {
            Failure::message(exit::FAILURE, format!("run {} has no champion: {}", record.run, record.verdict.reason))
        })?,
    };
    let saved: Vec<&str> = record.candidates.iter().filter(|c| c.artifact.is_some()).map(|c| c.name.as_str()).collect();
    let artifact = record.candidate(name).and_then(|c| c.artifact.as_deref()).ok_or_else(|| {
        Failure::message(exit::FAILURE, format!("run {} has no version of candidate `{name}`", record.run))
            .with_hint(format!("it has: {}", saved.join(", ")))
    })?;
    let artifact = artifact.parse().map_err(|e: NotAnArtifactId| Failure::from_error(exit::FAILURE, &e))?;
    Ok(Promotion {
        task: record.task.clone(),
        candidate: name.to_owned(),
        artifact,
        run: record.run.clone(),
        at: Timestamp::now(),
    })
}

fn no_run(task: &str) -> Failure {
    Failure::message(exit::FAILURE, format!("task {task} was never run"))
        .with_hint(format!("`yw run --task {task}` fits and evaluates its candidates"))
}

fn failed(error: StoreError) -> Failure {
    Failure::from_error(exit::FAILURE, &error)
}
