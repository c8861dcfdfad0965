//! Every kind of candidate keeps the promises of its traits, and answers the same after it was published and loaded.

use yw_task::Dialect;
use yw_testkit::{Fixture, Script, ScriptedServer, conformance};

use crate::support::{
    FITTED, artifact, asking, load, load_files, project_of, provider, run, store, task_data, train_of,
};

/// Fits every candidate of a project's task and puts it through both suites.
async fn check(fixture: Fixture, candidates: &str) {
    let workspace = project_of(&fixture, candidates);
    let project = load(&workspace);
    let (task, asking) = (&project.tasks[0], asking(&project));
    let data = task_data(&project).await;
    let store = store(&workspace).await;
    let mut finished = run(&workspace).await;
    let _lock = store.lock_run().await.unwrap();
    yw_arena::publish(&mut finished, &store, None).await.unwrap();

    let made = yw_arena::candidates(task, &data.answer, &asking).await.unwrap();
    assert_eq!(made.len(), finished.predictors.len());
    for candidate in made {
        let fitted = conformance::recipe(&*candidate.recipe, train_of(&data), task.seed).await;
        let like = artifact(&store, &finished, &candidate.name).await;
        let load = async |dir: &std::path::Path| load_files(&like, dir, &asking).predictor;
        let rows = data.splits[0].test.rows.slice(0, 8);
        conformance::predictor(fitted.predictor, &data.answer, &rows, load).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labels() {
    check(Fixture::tickets(200, 1), FITTED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn booleans() {
    check(Fixture::payments(200, 1), FITTED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers() {
    let candidates = "
[task.t.candidate.words]
fit = \"linear\"
[task.t.candidate.similar]
fit = \"nearest\"
[task.t.candidate.middle]
fit = \"baseline\"
statistic = \"median\"
";
    check(Fixture::houses(200, 1), candidates).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prompted() {
    let fixture = Fixture::tickets(120, 2);
    let truths = fixture.clone();
    let server = ScriptedServer::start(Script::answer(move |request| truths.truth_in(&request.prompt()).unwrap()))
        .await
        .unwrap();
    for dialect in [Dialect::OpenAi, Dialect::Anthropic] {
        let candidates = "
[task.t.candidate.words]
fit = \"linear\"
[task.t.candidate.plain]
ask = \"scripted/m\"
temperature = 0.5
timeout_ms = 5000
[task.t.candidate.random]
ask = \"scripted/m\"
examples = { random = 4 }
[task.t.candidate.nearest]
ask = \"scripted/m\"
examples = { nearest = 3 }
[task.t.candidate.fixed]
ask = \"scripted/m\"
examples = { fixed = \"test.csv\" }
[task.t.candidate.cascade]
first = \"words\"
then = \"nearest\"
";
        check(fixture.clone(), &format!("{candidates}{}", provider(&server, dialect))).await;
    }
}
