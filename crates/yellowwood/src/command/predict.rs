//! `yw predict`: answer every row of a file with a task's champion, in bounded memory.

use futures::StreamExt;
use yw_arena::LoadedPredictor;
use yw_table::{AnswerWriter, Batch, FileFormat, Source, TableSpec, WriteError};
use yw_task::{Outcome, PredictContext, RowError, RowErrorKind, Usage};

use crate::cli::{PredictArgs, StreamFormat};
use crate::failure::Failure;
use crate::version::{self, Version};
use crate::{exit, output, project};

/// Rows answered together.
const BATCH_ROWS: usize = 4096;

pub(crate) async fn run(args: &PredictArgs) -> Result<u8, Failure> {
    let project = project::open(args.project.as_ref())?;
    let task = project::task(&project, &args.task)?.name.clone();
    let Version { candidate, loaded, .. } = version::champion(&project, &task, args.max_usd).await?;
    let source = source(&args.file)?;
    let spec = TableSpec::unlabelled(loaded.fields.clone());
    let unreadable = |e: yw_table::TableError| Failure::from_error(exit::DATA, &e);
    let mut batches = yw_table::stream(&source, &spec, BATCH_ROWS, true).await.map_err(unreadable)?;
    let mut writer = writer(args, &loaded)?;
    let (mut usage, mut n_rows, mut n_failed) = (Usage::default(), 0, 0);
    while let Some(batch) = batches.next().await {
        let batch = batch.map_err(unreadable)?;
        let outcomes = loaded.predictor.predict(&batch.rows, &PredictContext::default()).await;
        usage += outcomes.iter().map(|o| o.usage).sum();
        let answers = merged(&batch, outcomes);
        n_rows += answers.len();
        n_failed += answers.iter().filter(|a| a.is_err()).count();
        writer.write(batch.originals.as_ref(), &answers).map_err(|e| failed(&e))?;
    }
    writer.finish().map_err(|e| failed(&e))?;
    let cost = if usage.calls > 0 { format!(", {} ({} now)", usage.usd, usage.usd_spent()) } else { String::new() };
    output::note(format!("{n_rows} rows by `{candidate}`, {n_failed} without an answer{cost}"));
    Ok(if n_failed == 0 { exit::OK } else { exit::ROWS })
}

fn source(file: &str) -> Result<Source, Failure> {
    let here =
        std::env::current_dir().map_err(|e| Failure::new(exit::FAILURE, "cannot tell the current folder", &e))?;
    Ok(Source::new(here, file))
}

fn writer(args: &PredictArgs, loaded: &LoadedPredictor) -> Result<AnswerWriter, Failure> {
    match &args.output {
        Some(path) => AnswerWriter::create(path, &loaded.answer, args.scores).map_err(|e| failed(&e)),
        None => {
            let format = match args.format {
                StreamFormat::Csv => FileFormat::Csv,
                StreamFormat::Jsonl => FileFormat::JsonLines,
            };
            Ok(AnswerWriter::to_stream(Box::new(std::io::stdout()), format, &loaded.answer, args.scores))
        }
    }
}

/// One answer or error per row of the file, rows that could not be read included.
fn merged(batch: &Batch, outcomes: Vec<Outcome>) -> Vec<Result<yw_task::Answer, RowError>> {
    batch.merge(outcomes.into_iter().map(|o| o.result), |problem| {
        Err(RowError { kind: RowErrorKind::Input, message: problem.to_string() })
    })
}

fn failed(error: &WriteError) -> Failure {
    Failure::from_error(exit::FAILURE, error)
}
