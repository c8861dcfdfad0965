//! Projects in throw-away folders, and what is done with them.

use std::path::Path;

use yw_arena::report::CandidateReport;
use yw_arena::{Asking, Finished, LoadedPredictor};
use yw_config::Project;
use yw_store::Store;
use yw_task::{Dialect, LabelledRows, Usd};
use yw_testkit::{Fixture, ScriptedServer, Workspace};

/// What is learned, without any provider.
pub(crate) const FITTED: &str = "
[task.t.candidate.words]
fit = \"linear\"
[task.t.candidate.similar]
fit = \"nearest\"
[task.t.candidate.usual]
fit = \"baseline\"
[task.t.candidate.pair]
first = \"usual\"
then = \"words\"
";

/// A project of one task `t` over a fixture, 3 : 1 in training and test rows, with these candidates.
pub(crate) fn project_of(fixture: &Fixture, candidates: &str) -> Workspace {
    let (train, test) = fixture.split_at(fixture.n_rows() * 3 / 4);
    Workspace::new()
        .file("train.csv", train.csv())
        .file("test.csv", test.csv())
        .file("yellowwood.toml", fixture.task_toml("t", "train.csv", "test.csv") + candidates)
}

/// A provider `scripted` at the server, priced as the server's bill is.
pub(crate) fn provider(server: &ScriptedServer, dialect: Dialect) -> String {
    format!(
        "
[provider.scripted]
dialect = \"{}\"
base_url = \"{}\"
max_retries = 2
[price.\"scripted/m\"]
input = 1.0
output = 5.0
cached_input = 0.1
",
        dialect.name(),
        server.base_url(dialect)
    )
}

pub(crate) fn load(workspace: &Workspace) -> Project {
    yw_config::load(workspace.path()).unwrap_or_else(|e| panic!("{e}"))
}

/// The way to a project's providers; replies are not kept.
pub(crate) fn asking(project: &Project) -> Asking {
    yw_arena::connect(project, None, None, |_| None).unwrap()
}

pub(crate) async fn store(workspace: &Workspace) -> Store {
    Store::open(&workspace.join(".yellowwood")).await.unwrap()
}

/// Runs the only task, with replies kept in the store if there is one.
pub(crate) async fn run_with(workspace: &Workspace, store: Option<&Store>, max_usd: Option<f64>) -> Finished {
    let project = load(workspace);
    let asking = yw_arena::connect(&project, store, max_usd.map(Usd::from_dollars), |_| None).unwrap();
    yw_arena::run(&project, &project.tasks[0], &asking, yw_arena::nobody()).await.unwrap()
}

pub(crate) async fn run(workspace: &Workspace) -> Finished {
    run_with(workspace, None, None).await
}

#[track_caller]
pub(crate) fn candidate<'a>(finished: &'a Finished, name: &str) -> &'a CandidateReport {
    finished.report.candidates.iter().find(|c| c.name == name).unwrap_or_else(|| panic!("no candidate {name}"))
}

/// Loads a predictor's own files, for the task of the artifact in `like`.
pub(crate) fn load_files(like: &Path, files: &Path, asking: &Asking) -> LoadedPredictor {
    let artifact = Workspace::new();
    std::fs::copy(like.join("task.json"), artifact.join("task.json")).unwrap();
    let predictor = Workspace::copy_of(files);
    std::fs::rename(predictor.path(), artifact.join("predictor")).unwrap();
    yw_arena::load(artifact.path(), asking).unwrap_or_else(|e| panic!("{e}"))
}

/// The files of a published candidate.
pub(crate) async fn artifact(store: &Store, finished: &Finished, name: &str) -> std::path::PathBuf {
    let id = candidate(finished, name).artifact.as_ref().expect("the candidate was published");
    store.artifact(&id.parse().unwrap()).await.unwrap().path
}

pub(crate) async fn task_data(project: &Project) -> yw_arena::TaskData {
    yw_arena::TaskData::load(&project.tasks[0], &project.dir).await.unwrap()
}

pub(crate) fn train_of(data: &yw_arena::TaskData) -> &LabelledRows {
    &data.splits[0].train
}
