//! Past runs and champions as tables.

use jiff::Timestamp;
use yw_store::{Champion, RunSummary};

use super::{number, table, trimmed};
use crate::cli::Format;
use crate::exit;
use crate::failure::Failure;

/// Past runs, the latest first: a table, or one JSON object a line.
pub(crate) fn list(runs: &[RunSummary], format: Format) -> Result<String, Failure> {
    match format {
        Format::Table => Ok(list_table(runs)),
        Format::Json => {
            let lines: Result<Vec<String>, _> = runs.iter().map(json).collect();
            Ok(lines.map_err(|e| Failure::from_error(exit::FAILURE, &e))?.join("\n"))
        }
    }
}

fn list_table(runs: &[RunSummary]) -> String {
    if runs.is_empty() {
        return "there are no runs yet; `yw run` makes one".to_owned();
    }
    let mut rows = table(&["run", "finished", "task", "champion", "score", "metric", "limits"], &[4]);
    for run in runs {
        rows.add_row([
            run.run.clone(),
            minute(run.finished),
            run.task.clone(),
            run.champion.clone().unwrap_or_else(|| "–".to_owned()),
            run.score.map_or_else(|| "–".to_owned(), |s| number(s.value)),
            run.metric.clone(),
            if run.within_limits { "kept" } else { "missed" }.to_owned(),
        ]);
    }
    trimmed(&rows)
}

fn json(run: &RunSummary) -> Result<String, serde_json::Error> {
    serde_json::to_string(&serde_json::json!({
        "run": run.run,
        "task": run.task,
        "started": run.started.to_string(),
        "finished": run.finished.to_string(),
        "champion": run.champion,
        "metric": run.metric,
        "score": run.score.map(|s| s.value),
        "within_limits": run.within_limits,
    }))
}

/// Who answered a task when, the present champion first.
pub(crate) fn champions(task: &str, history: &[Champion]) -> String {
    if history.is_empty() {
        return format!("nothing has answered {task} yet");
    }
    let mut rows = table(&["since", "until", "candidate", "run", ""], &[]);
    let mut until = "now".to_owned();
    for champion in history {
        let since = minute(champion.since);
        let returned = if champion.is_return { "back again" } else { "" };
        rows.add_row([since.clone(), until, champion.candidate.clone(), champion.run.clone(), returned.to_owned()]);
        until = since;
    }
    trimmed(&rows)
}

/// A time to the minute, UTC.
fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M").to_string()
}
