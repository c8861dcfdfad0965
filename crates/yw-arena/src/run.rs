//! One run: every candidate on the same rows, compared, and the verdict.

use std::sync::Arc;

use yw_config::{Project, TaskSpec};
use yw_task::{Predictor, Progress};

use crate::ask::Asking;
use crate::candidate::{CandidateError, candidates};
use crate::data::{DataError, TaskData};
use crate::entry::{Entry, n_steps};
use crate::evaluate::TestSet;
use crate::learned::on_compute;
use crate::report::{DataSummary, Report, Status, Verdict};
use crate::verdict::{Contender, decide};

/// Someone who watches a run. Methods must be quick.
pub trait Watcher: Send + Sync {
    /// A candidate begins; `n_steps` is how many rows it learns from and answers, over all fits.
    fn begins(&self, candidate: &str, n_steps: u64);
    /// It finished `n` more steps: the rows of a fit all at once, answered rows as they come.
    fn advances(&self, candidate: &str, n: u64);
    /// It ended.
    fn ends(&self, candidate: &str, status: Status);
}

/// What a run leaves behind.
pub struct Finished {
    /// The report, without artifacts: nothing is saved yet.
    pub report: Report,
    /// The predictors of the scored candidates, to save and ship.
    pub predictors: Vec<(String, Arc<dyn Predictor>)>,
    /// What their answers look like, and what they are asked.
    pub data: TaskData,
}

/// Why a run has no report at all. What goes wrong in one candidate stands in the report instead.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A candidate's own files cannot be read.
    #[error(transparent)]
    Candidate(#[from] CandidateError),
}

/// Runs one task of `project`, candidate after candidate.
pub async fn run(
    project: &Project,
    task: &TaskSpec,
    asking: &Asking,
    watcher: Arc<dyn Watcher>,
) -> Result<Finished, RunError> {
    let started = jiff::Timestamp::now();
    let data = TaskData::load(task, &project.dir).await?;
    let candidates = candidates(task, &data.answer, asking).await?;
    let fold_sizes = data.splits.iter().map(|s| s.test.n_rows());
    let test = TestSet::new(data.test_rows(), fold_sizes, task.metric, task.seed);
    let test = Arc::new(test.with_costs(task.costs.clone()));

    let mut entries = Vec::new();
    for candidate in &candidates {
        watcher.begins(&candidate.name, n_steps(&data));
        let (watching, name) = (watcher.clone(), candidate.name.clone());
        let progress = Progress::new(move |n| watching.advances(&name, n));
        let entry = Entry::new(candidate, &data, &test, progress).await;
        watcher.ends(&candidate.name, entry.report.status);
        entries.push(entry);
    }
    let (entries, verdict) = compare(entries, task, test).await;

    let (mut reports, mut predictors) = (Vec::new(), Vec::new());
    for entry in entries {
        predictors.extend(entry.predictor.map(|p| (entry.report.name.clone(), p)));
        reports.push(entry.report);
    }
    let report = Report {
        run: uuid::Uuid::now_v7().to_string(),
        project: project.name.clone(),
        task: task.name.clone(),
        question: task.question.clone(),
        answer: task.answer.name.clone(),
        answer_kind: task.answer.kind,
        metric: task.metric,
        seed: task.seed,
        started,
        finished: jiff::Timestamp::now(),
        data: DataSummary {
            train_rows: data.n_train(),
            test_rows: data.n_test(),
            folds: data.all.is_some().then_some(data.splits.len() as u32),
            fingerprint: data.fingerprint.clone(),
            notes: data.notes.clone(),
        },
        candidates: reports,
        verdict,
    };
    Ok(Finished { report, predictors, data })
}

/// Decides, and tells each scored entry how it compares with the best.
async fn compare(mut entries: Vec<Entry>, task: &TaskSpec, test: Arc<TestSet>) -> (Vec<Entry>, Verdict) {
    let limits = task.limits;
    on_compute(move || {
        let contenders: Vec<Contender<'_>> = entries.iter().filter_map(Entry::contender).collect();
        let (differences, verdict) = decide(&contenders, test.metric, &limits, &test.bootstrap_params());
        let scored = entries.iter_mut().filter(|e| e.scored.is_some());
        scored.zip(differences).for_each(|(entry, difference)| entry.report.versus_best = difference);
        (entries, verdict)
    })
    .await
}

/// A watcher that does not watch.
pub fn nobody() -> Arc<dyn Watcher> {
    struct Nobody;
    impl Watcher for Nobody {
        fn begins(&self, _: &str, _: u64) {}
        fn advances(&self, _: &str, _: u64) {}
        fn ends(&self, _: &str, _: Status) {}
    }
    Arc::new(Nobody)
}
