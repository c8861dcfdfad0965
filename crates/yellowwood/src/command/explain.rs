//! `yw explain`: what a fitted candidate's answers rest on, as a whole or row by row.

use std::io::Write;

use futures::StreamExt;
use tempfile::TempDir;
use yw_arena::{ExplainError, TaskData};
use yw_config::{Project, TaskSpec};
use yw_server::ExplanationBody;
use yw_table::{Source, TableError, TableSpec};
use yw_task::{PredictContext, RowError, RowErrorKind};

use crate::cli::{ExplainArgs, Format};
use crate::failure::Failure;
use crate::output::{ExplainedRow, Subject};
use crate::version::Version;
use crate::{exit, output, project, version};

/// Rows explained together.
const BATCH_ROWS: usize = 256;

/// What messages call what is typed or piped in.
const STANDARD_INPUT: &str = "standard input";

pub(crate) async fn run(args: &ExplainArgs) -> Result<u8, Failure> {
    let project = project::open(args.project.as_ref())?;
    let task = project::task(&project, &args.task)?;
    let version = match &args.candidate {
        Some(candidate) => version::of_last_run(&project, &task.name, candidate).await?,
        None => version::champion(&project, &task.name, None).await?,
    };
    if version.loaded.predictor.asks() {
        return Err(refused(&version, &ExplainError::Asks));
    }
    match &args.row {
        Some(file) => explain_rows(args, &version, file).await,
        None => explain_whole(args, &project, task, &version).await,
    }
}

async fn explain_whole(
    args: &ExplainArgs,
    project: &Project,
    task: &TaskSpec,
    version: &Version,
) -> Result<u8, Failure> {
    let data = TaskData::load(task, &project.dir).await.map_err(|e| Failure::from_error(exit::DATA, &e))?;
    let found = yw_arena::explain(task, &data, &version.loaded).await.map_err(|e| refused(version, &e))?;
    let subject = Subject { task: &task.name, metric: task.metric, version };
    match args.format {
        Format::Table => output::line(output::explanation_table(&subject, &found, args.top)),
        Format::Json => output::line(output::explanation_json(&subject, &found, args.top)),
    }
    Ok(exit::OK)
}

/// Explains the rows of a file as they are read.
async fn explain_rows(args: &ExplainArgs, version: &Version, file: &str) -> Result<u8, Failure> {
    let unreadable = |e: TableError| Failure::from_error(exit::DATA, &e);
    // Dropped at the end, with the copy of standard input in it.
    let (source, _folder) = source(file)?;
    let loaded = &version.loaded;
    let spec = TableSpec::unlabelled(loaded.fields.clone());
    let mut batches = yw_table::stream(&source, &spec, BATCH_ROWS, false).await.map_err(unreadable)?;
    let (mut n_rows, mut n_failed) = (0, 0);
    while let Some(batch) = batches.next().await {
        let batch = batch.map_err(unreadable)?;
        let outcomes = loaded.predictor.predict(&batch.rows, &PredictContext::default()).await;
        let explanations = ExplanationBody::of_rows(loaded, &batch.rows, &outcomes, Some(args.top)).await;
        let explanations = explanations.ok_or_else(|| without_contributions(version))?;
        let good = outcomes.into_iter().map(|o| o.result).zip(explanations);
        let rows = batch
            .merge(good, |problem| (Err(RowError { kind: RowErrorKind::Input, message: problem.to_string() }), None));
        for (result, explanation) in rows {
            n_rows += 1;
            n_failed += usize::from(result.is_err());
            let row = ExplainedRow { number: n_rows, result, explanation };
            match args.format {
                Format::Table => output::line(output::row_table(&row)),
                Format::Json => output::line(output::row_json(&row)),
            }
        }
    }
    output::note(format!("{n_rows} rows by `{}`, {n_failed} without an answer", version.candidate));
    Ok(if n_failed == 0 { exit::OK } else { exit::ROWS })
}

/// Where the rows are; `-` is copied to a folder that lives as long as what is returned with it.
fn source(file: &str) -> Result<(Source, Option<TempDir>), Failure> {
    if file != "-" {
        let here =
            std::env::current_dir().map_err(|e| Failure::new(exit::FAILURE, "cannot tell the current folder", &e))?;
        return Ok((Source::new(here, file), None));
    }
    let failed = |e: std::io::Error| Failure::new(exit::DATA, "cannot read standard input", &e);
    let folder = tempfile::tempdir().map_err(failed)?;
    let mut copy = std::fs::File::create(folder.path().join(STANDARD_INPUT)).map_err(failed)?;
    std::io::copy(&mut std::io::stdin().lock(), &mut copy).and_then(|_| copy.flush()).map_err(failed)?;
    Ok((Source::new(folder.path(), STANDARD_INPUT), Some(folder)))
}

fn refused(version: &Version, error: &ExplainError) -> Failure {
    let code = if matches!(error, ExplainError::NoRows) { exit::DATA } else { exit::FAILURE };
    let failure = Failure::new(code, format!("`{}` cannot be explained", version.candidate), error);
    match error {
        ExplainError::Asks => failure.with_hint("`--candidate NAME` explains another candidate of the last run"),
        ExplainError::Fields { .. } => failure.with_hint("`yw run` fits it to the present fields"),
        ExplainError::NoRows => failure,
    }
}

fn without_contributions(version: &Version) -> Failure {
    let message = format!(
        "`{}` does not tell what a single answer is made of: only linear models and trees do",
        version.candidate
    );
    Failure::message(exit::FAILURE, message).with_hint("without --row, `yw explain` measures what its answers rest on")
}
