//! `yw runs`: past runs.

use std::path::PathBuf;

use yw_store::{Store, StoreError};

use crate::cli::{Format, RunsArgs, RunsCommand, RunsList};
use crate::failure::Failure;
use crate::{exit, output, project};

pub(crate) async fn run(args: &RunsArgs) -> Result<u8, Failure> {
    match &args.show {
        Some(RunsCommand::Show { id, format, project }) => show(id, *format, project.as_ref()).await,
        None => list(&args.list).await,
    }
}

async fn list(args: &RunsList) -> Result<u8, Failure> {
    let Some(store) = store(args.project.as_ref()).await? else {
        output::note("there are no runs yet; `yw run` makes one");
        return Ok(exit::OK);
    };
    let runs = store.runs(args.task.as_deref(), args.limit).await.map_err(failed)?;
    output::line(output::runs_list(&runs, args.format)?);
    Ok(exit::OK)
}

async fn show(id: &str, format: Format, place: Option<&PathBuf>) -> Result<u8, Failure> {
    let unknown = || Failure::message(exit::FAILURE, format!("there is no run {id}")).with_hint("`yw runs` lists them");
    let store = store(place).await?.ok_or_else(unknown)?;
    let record = store.run(id).await.map_err(failed)?.ok_or_else(unknown)?;
    match format {
        Format::Table => output::line(output::run_table(&record)),
        Format::Json => output::line(record.to_json().map_err(|e| Failure::from_error(exit::FAILURE, &e))?),
    }
    Ok(exit::OK)
}

/// The store, unless there is none: looking makes nothing.
async fn store(place: Option<&PathBuf>) -> Result<Option<Store>, Failure> {
    let project = project::open(place)?;
    if !project::has_store(&project) {
        return Ok(None);
    }
    project::store(&project).await.map(Some)
}

fn failed(error: StoreError) -> Failure {
    Failure::from_error(exit::FAILURE, &error)
}
