//! Whole runs of learned candidates.

use std::sync::{Arc, Mutex};

use yw_arena::report::Status;
use yw_arena::{Finished, Watcher};
use yw_config::Project;
use yw_task::{Metric, Truth};
use yw_testkit::{Fixture, Workspace};

use crate::support::{FITTED, asking, candidate, load, project_of, run, store, task_data};

/// The invariant that everything else stands on: the same project gives the same scores and the same artifacts.
#[tokio::test(flavor = "multi_thread")]
async fn two_runs_of_one_project_agree_to_the_byte() {
    let workspace = project_of(&Fixture::tickets(240, 1), FITTED);
    let store = store(&workspace).await;
    let _lock = store.lock_run().await.unwrap();
    let mut records = Vec::new();
    for _ in 0..2 {
        let mut finished = run(&workspace).await;
        records.push(yw_arena::publish(&mut finished, &store, None).await.unwrap());
    }
    assert_ne!(records[0].run, records[1].run);
    assert_eq!(records[0].data, records[1].data);
    for (a, b) in records[0].candidates.iter().zip(&records[1].candidates) {
        assert!(a.artifact.is_some());
        assert_eq!((&a.name, &a.artifact, a.size_bytes), (&b.name, &b.artifact, b.size_bytes));
        assert_eq!(
            (a.score, &a.metrics, &a.intervals, a.versus_best),
            (b.score, &b.metrics, &b.intervals, b.versus_best)
        );
    }
    // The verdict may turn on latency, which differs; what is tied may not.
    assert_eq!(records[0].verdict.tied, records[1].verdict.tied);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_learned_beats_the_baseline_and_the_verdict_says_so() {
    let finished = run(&project_of(&Fixture::tickets(400, 1), "[task.t.candidate.words]\nfit = \"linear\"\n")).await;
    let report = &finished.report;
    assert_eq!((report.data.train_rows, report.data.test_rows, report.data.folds), (300, 100, None));
    let (floor, words) = (candidate(&finished, "baseline"), candidate(&finished, "words"));
    assert!(words.score.unwrap().low > floor.score.unwrap().high);
    assert!(floor.versus_best.unwrap().p_value < 0.001 && words.versus_best.is_none());
    assert_eq!(report.verdict.champion.as_deref(), Some("words"));
    assert_eq!(report.verdict.tied, ["words"]);
    assert_eq!(report.verdict.reason, "`words` ships: every other candidate that could ship is significantly worse.");
    let without_costs = Metric::of_kind(report.answer_kind).iter().copied().filter(|m| *m != Metric::Cost);
    assert_eq!(words.metrics.iter().map(|(m, _)| *m).collect::<Vec<_>>(), without_costs.collect::<Vec<_>>());
    assert!(words.details.calibration.is_some() && !words.details.slices.is_empty());
    assert_eq!(words.details.weights.len(), 3);
    assert_eq!(words.details.confusion.as_ref().unwrap().counts.iter().sum::<u32>(), 100);
    assert!(words.latency.is_some() && words.fit_time.is_some() && words.predict_rows_per_second.is_some());
}

fn with_test(fixture: &Fixture, test: &str, candidates: &str) -> Workspace {
    let toml = fixture.task_toml("t", "rows.csv", "TEST").replace("\"TEST\"", test);
    Workspace::new().file("rows.csv", fixture.csv()).file("yellowwood.toml", toml + candidates)
}

#[tokio::test(flavor = "multi_thread")]
async fn folds_score_every_row_once_and_ship_what_learned_from_all() {
    let fixture = Fixture::payments(300, 2);
    let workspace = with_test(&fixture, "{ folds = 4 }", FITTED);
    let data = task_data(&load(&workspace)).await;
    assert_eq!((data.splits.len(), data.n_train(), data.n_test()), (4, 300, 300));
    let finished = run(&workspace).await;
    assert_eq!(finished.report.data.folds, Some(4));
    for candidate in &finished.report.candidates {
        assert_eq!(candidate.status, Status::Ok, "{}: {:?}", candidate.name, candidate.reason);
        assert!(candidate.score.unwrap().value.is_finite());
    }
    // A constant ranks nothing within a fold; pooled over folds, its shares would.
    assert_eq!(candidate(&finished, "baseline").score.unwrap().value, 0.5);
}

/// A label of one row is missing from the training part of one fold, and from the test part of all others.
#[tokio::test(flavor = "multi_thread")]
async fn a_rare_label_breaks_no_fold() {
    let fixture = Fixture::tickets(60, 3);
    let workspace = with_test(&fixture, "{ folds = 3 }", FITTED);
    workspace.write("rows.csv", fixture.csv() + "Odd,Where is my parcel? T-900,free,1,logistics\n");
    let toml = workspace.read("yellowwood.toml");
    for metric in ["roc_auc", "log_loss"] {
        workspace.write("yellowwood.toml", toml.replace("[task.t]\n", &format!("[task.t]\nmetric = \"{metric}\"\n")));
        let finished = run(&workspace).await;
        for candidate in &finished.report.candidates {
            assert_eq!(candidate.status, Status::Ok, "{}: {:?}", candidate.name, candidate.reason);
            let score = candidate.score.unwrap();
            assert!(score.value.is_finite() && score.low <= score.high, "{metric} {}: {score:?}", candidate.name);
            assert!(candidate.metrics.iter().all(|(_, e)| e.value.is_finite()), "{:?}", candidate.metrics);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fold_of_one_class_fails_what_cannot_learn_from_it_and_nothing_else() {
    // One disputed payment: in one fold it is a test row and nothing is left to tell apart.
    let header = "amount,disputed\n";
    let rows: String = (0..40).map(|i| format!("{i},{}\n", i == 7)).collect();
    let toml = "[task.t]\nquestion = \"Disputed?\"\ninput = { amount = \"number\" }\nanswer = { disputed = \"boolean\" }\n\
                train = \"rows.csv\"\ntest = { folds = 4 }\nmetric = \"accuracy\"\n";
    let workspace =
        Workspace::new().file("rows.csv", format!("{header}{rows}")).file("yellowwood.toml", format!("{toml}{FITTED}"));
    let finished = run(&workspace).await;
    let words = candidate(&finished, "words");
    assert_eq!(words.status, Status::Failed);
    assert_eq!(
        words.reason.as_deref(),
        Some("all training rows have the answer `false`: there is nothing to tell apart")
    );
    let floor = candidate(&finished, "baseline");
    assert_eq!(floor.score.unwrap().value, 0.975);
    let auc = floor.metrics.iter().find(|(m, _)| *m == Metric::RocAuc).unwrap().1;
    assert_eq!(auc.value, 0.5, "of the one fold where it is defined");
    assert!(finished.report.verdict.champion.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_may_decide() {
    let rows: String = (0..40).map(|i| format!("{i},{}\n", i % 10 == 7)).collect();
    let toml = "[task.t]\nquestion = \"Disputed?\"\ninput = { amount = \"number\" }\nanswer = { disputed = \"boolean\" }\n\
                train = \"rows.csv\"\ntest = { folds = 4 }\nmetric = \"cost\"\n\
                costs = { false_positive = 1, false_negative = 25 }\n";
    let workspace = Workspace::new().file("rows.csv", format!("amount,disputed\n{rows}")).file("yellowwood.toml", toml);
    let finished = run(&workspace).await;
    let floor = candidate(&finished, "baseline");
    // It always answers false, and misses one row in ten.
    assert_eq!(floor.score.unwrap().value, 2.5);
    let record = yw_arena::record_of(&finished.report, None);
    assert_eq!((record.metric.as_str(), record.higher_is_better), ("cost", false));
    assert_eq!(record.candidates[0].metrics["cost"], 2.5);
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_of_labels_that_no_row_has_are_noted() {
    let costs = "costs = { billing = { tecnical = 5, account = 2 } }\n";
    let finished = run(&project_of(&Fixture::tickets(80, 4), costs)).await;
    assert_eq!(finished.report.data.notes, ["`costs` names the label `tecnical`, which no row has"]);
    let metrics = &candidate(&finished, "baseline").metrics;
    assert!(metrics.iter().any(|(metric, _)| *metric == Metric::Cost));
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_that_only_the_test_rows_have_are_wrong_for_everybody() {
    let workspace = project_of(&Fixture::tickets(80, 4), FITTED);
    let more = "Odd,Where is my parcel? T-900,free,1,logistics\n";
    workspace.write("test.csv", workspace.read("test.csv") + more);
    let project = load(&workspace);
    let data = task_data(&project).await;
    assert_eq!(data.answer.labels.len(), 3);
    let Truth::Label { labels, .. } = &data.splits[0].test.truth else { panic!("labels") };
    assert_eq!(labels.iter().map(|l| &**l).collect::<Vec<_>>(), ["account", "billing", "technical", "logistics"]);
    let finished = run(&workspace).await;
    for candidate in &finished.report.candidates {
        assert_eq!(candidate.status, Status::Ok, "{:?}", candidate.reason);
        let confusion = candidate.details.confusion.as_ref().unwrap();
        assert_eq!(confusion.labels.len(), 4);
        assert_eq!(confusion.counts[15], 0);
        assert_eq!(confusion.counts[12..].iter().sum::<u32>(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_widen_the_intervals() {
    // Every row ten times over, as ten visits of one customer.
    let fixture = Fixture::payments(60, 5);
    let mut csv = String::new();
    for (i, line) in fixture.csv().lines().enumerate() {
        let copies = if i == 0 { 1 } else { 10 };
        let last = if i == 0 { "customer".to_owned() } else { i.to_string() };
        (0..copies).for_each(|_| csv.push_str(&format!("{line},{last}\n")));
    }
    let workspace = with_test(&fixture, "{ fraction = 0.5, by = \"group:customer\" }", FITTED);
    workspace.write("rows.csv", &csv);
    let toml = workspace.read("yellowwood.toml").replace("[task.t]\n", "[task.t]\nmetric = \"accuracy\"\n");
    workspace.write("yellowwood.toml", &toml);
    let data = task_data(&load(&workspace)).await;
    let (train, test) = (&data.splits[0].train, &data.splits[0].test);
    let groups = |rows: &yw_task::LabelledRows| rows.groups.clone().unwrap();
    assert!(groups(train).iter().all(|g| !groups(test).contains(g)));
    let finished = run(&workspace).await;
    let clustered = candidate(&finished, "baseline").score.unwrap();
    workspace.write("yellowwood.toml", toml.replace(", by = \"group:customer\"", ""));
    let finished = run(&workspace).await;
    let naive = candidate(&finished, "baseline").score.unwrap();
    assert!(clustered.high - clustered.low > 2.0 * (naive.high - naive.low), "{clustered:?} {naive:?}");
}

/// What a watcher is told of one candidate.
#[derive(Clone)]
struct Told {
    candidate: String,
    n_announced: u64,
    n_came: u64,
    status: Option<Status>,
}

#[derive(Default)]
struct Steps(Mutex<Vec<Told>>);

impl Watcher for Steps {
    fn begins(&self, candidate: &str, n_steps: u64) {
        let told = Told { candidate: candidate.to_owned(), n_announced: n_steps, n_came: 0, status: None };
        self.0.lock().unwrap().push(told);
    }

    fn advances(&self, candidate: &str, n: u64) {
        let mut all = self.0.lock().unwrap();
        let current = all.last_mut().unwrap();
        assert_eq!(current.candidate, candidate);
        current.n_came += n;
    }

    fn ends(&self, _: &str, status: Status) {
        self.0.lock().unwrap().last_mut().unwrap().status = Some(status);
    }
}

async fn watched(project: &Project) -> (Finished, Vec<Told>) {
    let steps = Arc::new(Steps::default());
    let finished = yw_arena::run(project, &project.tasks[0], &asking(project), steps.clone()).await.unwrap();
    let all = steps.0.lock().unwrap().clone();
    (finished, all)
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_steps_come_as_were_announced() {
    for test in ["\"rows.csv\"", "{ folds = 3 }", "{ fraction = 0.25 }"] {
        let workspace = with_test(&Fixture::payments(120, 6), test, FITTED);
        let (finished, steps) = watched(&load(&workspace)).await;
        let names: Vec<&str> = steps.iter().map(|s| s.candidate.as_str()).collect();
        assert_eq!(names, ["baseline", "words", "similar", "usual", "pair"]);
        for told in &steps {
            let name = &told.candidate;
            assert_eq!((told.n_announced, told.status), (told.n_came, Some(Status::Ok)), "{name}, test = {test}");
        }
        assert_eq!(finished.predictors.len(), 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_decide_who_may_ship() {
    let workspace = project_of(&Fixture::tickets(200, 7), FITTED);
    let toml = workspace.read("yellowwood.toml");
    workspace.write(
        "yellowwood.toml",
        toml.replace("[task.t]\n", "[task.t]\nlimits = { min_score = 0.999, p95_ms = 10000 }\n"),
    );
    let verdict = run(&workspace).await.report.verdict;
    assert!(!verdict.within_limits && verdict.champion.is_some());
    assert_eq!(verdict.missed.len(), 1);
    assert!(verdict.missed[0].ends_with("is under the limit of 0.999"), "{:?}", verdict.missed);
    assert!(verdict.reason.ends_with("although no candidate keeps the limits."), "{}", verdict.reason);
}
