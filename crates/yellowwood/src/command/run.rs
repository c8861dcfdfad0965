//! `yw run`: fit and evaluate every candidate, keep the result, print the verdict.

use std::path::Path;

use yw_arena::{Asking, Report, RunError};
use yw_config::{Project, TaskSpec};
use yw_store::{Promotion, RunRecord, Store};
use yw_task::Usd;

use crate::cli::{Format, RunArgs};
use crate::failure::Failure;
use crate::{exit, output, project};

const REPORT_FILE: &str = "report.html";

pub(crate) async fn run(args: &RunArgs) -> Result<u8, Failure> {
    let project = project::open(args.project.place())?;
    let tasks = project::tasks(&project, args.project.task.as_ref())?;
    if tasks.is_empty() {
        let message = format!("there is no task in {}", project.file.display());
        return Err(Failure::message(exit::PROJECT, message).with_hint("add [task.NAME]; `yw serve` needs none"));
    }
    if args.estimate {
        return estimate(&project, &tasks, args.format).await;
    }
    let store = project::store(&project).await?;
    let _lock = store.lock_run().await.map_err(|e| Failure::from_error(exit::FAILURE, &e))?;
    let asking = project::connect(&project, Some(&store), args.max_usd.map(Usd::from_dollars))?;
    let mut reports = Vec::new();
    let mut passed = true;
    for task in tasks {
        let (report, record) = run_task(&project, task, &asking, &store).await?;
        passed &= record.verdict.champion.is_some() && record.verdict.within_limits;
        match args.format {
            Format::Table => output::line(output::run_table(&record)),
            Format::Json => output::line(json(&record)?),
        }
        explain_misses(&report);
        promote_first(&store, &record).await?;
        reports.push(report);
    }
    write_report(&project.dir.join(REPORT_FILE), &reports)?;
    if args.gate && !passed {
        output::note("gate: a task has no champion within its limits");
        return Ok(exit::GATE);
    }
    Ok(exit::OK)
}

async fn estimate(project: &Project, tasks: &[&TaskSpec], format: Format) -> Result<u8, Failure> {
    let asking = project::connect(project, None, None)?;
    for task in tasks {
        let estimates = yw_arena::estimate(project, task, &asking).await.map_err(|e| failure(&e))?;
        match format {
            Format::Table => output::line(output::estimates(&task.name, &estimates)),
            Format::Json => output::line(output::estimates_json(&task.name, &estimates)),
        }
    }
    Ok(exit::OK)
}

async fn run_task(
    project: &Project,
    task: &TaskSpec,
    asking: &Asking,
    store: &Store,
) -> Result<(Report, RunRecord), Failure> {
    let mut finished = yw_arena::run(project, task, asking, output::watcher()).await.map_err(|e| failure(&e))?;
    let config = yw_arena::config_hash(&project.text);
    let record = yw_arena::publish(&mut finished, store, Some(config))
        .await
        .map_err(|e| Failure::new(exit::FAILURE, "the run is finished but could not be kept", &e))?;
    Ok((finished.report, record))
}

/// The first winner of a task answers without further ado; a later one waits for `yw promote`.
async fn promote_first(store: &Store, record: &RunRecord) -> Result<(), Failure> {
    let failed = |e: yw_store::StoreError| Failure::from_error(exit::FAILURE, &e);
    let Some(winner) = record.verdict.champion.as_deref() else { return Ok(()) };
    let Some(artifact) = record.candidate(winner).and_then(|c| c.artifact.as_deref()) else { return Ok(()) };
    let task = &record.task;
    match store.champion(task).await.map_err(failed)? {
        Some(champion) if champion.artifact.as_str() == artifact => {}
        Some(champion) => {
            let (old, run) = (&champion.candidate, &champion.run);
            let new = if old == winner { format!("this version of `{winner}`") } else { format!("`{winner}`") };
            output::note(format!("`{old}` of run {run} still answers {task}; `yw promote {task}` ships {new}"));
        }
        None if record.verdict.within_limits => {
            let artifact =
                artifact.parse().map_err(|e: yw_store::NotAnArtifactId| Failure::from_error(exit::FAILURE, &e))?;
            let promotion = Promotion {
                task: task.clone(),
                candidate: winner.to_owned(),
                artifact,
                run: record.run.clone(),
                at: record.finished,
            };
            store.promote(&promotion).await.map_err(failed)?;
            output::note(format!("`{winner}` now answers {task}; `yw serve` puts it behind HTTP"));
        }
        None => output::note(format!(
            "nothing answers {task} yet, since limits are missed; `yw promote {task}` ships `{winner}` anyway"
        )),
    }
    Ok(())
}

fn explain_misses(report: &Report) {
    for missed in &report.verdict.missed {
        output::note(format!("limit missed: {missed}"));
    }
    for note in &report.data.notes {
        output::note(format!("data: {note}"));
    }
    for candidate in &report.candidates {
        for note in &candidate.notes {
            output::note(format!("{}: {note}", candidate.name));
        }
    }
}

fn write_report(path: &Path, reports: &[Report]) -> Result<(), Failure> {
    let page = yw_report::page(reports);
    // Beside it first: a full disk must not cost the report of the run before.
    let new = path.with_extension("html.new");
    std::fs::write(&new, page)
        .and_then(|()| std::fs::rename(&new, path))
        .inspect_err(|_| drop(std::fs::remove_file(&new)))
        .map_err(|e| {
            Failure::new(exit::FAILURE, format!("the run is kept, but {} cannot be written", path.display()), &e)
        })?;
    output::note(format!("report: {}", project::display(path)));
    Ok(())
}

fn json(record: &RunRecord) -> Result<String, Failure> {
    record.to_json().map_err(|e| Failure::from_error(exit::FAILURE, &e))
}

fn failure(error: &RunError) -> Failure {
    let code = match error {
        RunError::Data(_) => exit::DATA,
        RunError::Candidate(_) => exit::PROJECT,
    };
    Failure::from_error(code, error)
}
