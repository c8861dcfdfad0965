//! `yw promote`: choose the version that answers a task.

use jiff::Timestamp;
use yw_store::{Promotion, RunRecord, StoreError};

use crate::cli::PromoteArgs;
use crate::failure::Failure;
use crate::{exit, output, project, version};

/// How many champions `--history` lists.
const HISTORY: usize = 100;

pub(crate) async fn run(args: &PromoteArgs) -> Result<u8, Failure> {
    let project = project::open(args.project.as_ref())?;
    let task = project::task(&project, &args.task)?.name.as_str();
    if !project::has_store(&project) {
        return Err(version::no_run(task));
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
        let record = version::record(&store, task, args.run.as_deref()).await?;
        store.promote(&promotion(&record, args.candidate.as_deref())?).await.map_err(failed)?
    };
    output::line(format!("`{}` answers {task} now (run {})", champion.candidate, champion.run));
    Ok(exit::OK)
}

fn promotion(record: &RunRecord, candidate: Option<&str>) -> Result<Promotion, Failure> {
    let name = match candidate {
        Some(name) => name,
        None => record.verdict.champion.as_deref().ok_or_else(|| {
            Failure::message(exit::FAILURE, format!("run {} has no champion: {}", record.run, record.verdict.reason))
        })?,
    };
    let artifact = version::artifact(record, name)?;
    Ok(Promotion {
        task: record.task.clone(),
        candidate: name.to_owned(),
        artifact,
        run: record.run.clone(),
        at: Timestamp::now(),
    })
}

fn failed(error: StoreError) -> Failure {
    Failure::from_error(exit::FAILURE, &error)
}
