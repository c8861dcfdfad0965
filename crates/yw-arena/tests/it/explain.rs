//! Explanations of fitted candidates, through everything that a run does with them.

use yw_arena::ModelExplanation;
use yw_task::{Outcome, PredictContext, ScoreUnit};
use yw_testkit::{Rng, Workspace};

use crate::support::{asking, candidate, load, run, store};

const FITTED: &str = "
[task.t.candidate.grown]
fit = \"trees\"
trees = 20
[task.t.candidate.curves]
fit = \"trees\"
trees = 20
additive = true
[task.t.candidate.sum]
fit = \"linear\"
calibrate = \"platt\"
[task.t.candidate.similar]
fit = \"nearest\"
";

/// Whether `x` and `y` are both large; `noise` says nothing.
fn project() -> Workspace {
    let rows = |n: usize, seed: u64| {
        let mut random = Rng::new(seed);
        let mut text = "x,y,noise,kind,big\n".to_owned();
        for _ in 0..n {
            let [x, y, noise] = [(); 3].map(|()| random.below(1000));
            let kind = random.pick(&["a", "b"]);
            text += &format!("{x},{y},{noise},{kind},{}\n", x + y > 1000);
        }
        text
    };
    let toml = "[task.t]\nquestion = \"Is it big?\"\n\
                input = { x = \"number\", y = \"number\", noise = \"number\", kind = \"category\" }\n\
                answer = { big = \"boolean\" }\ntrain = \"train.csv\"\ntest = \"test.csv\"\n";
    Workspace::new()
        .file("train.csv", rows(400, 1))
        .file("test.csv", rows(200, 2))
        .file("yellowwood.toml", format!("{toml}{FITTED}"))
}

async fn explained(workspace: &Workspace, name: &str) -> (ModelExplanation, yw_arena::LoadedPredictor) {
    let project = load(workspace);
    let store = store(workspace).await;
    let mut finished = run(workspace).await;
    let record = yw_arena::publish(&mut finished, &store, None).await.unwrap();
    let id = record.candidate(name).unwrap().artifact.clone().unwrap().parse().unwrap();
    let dir = store.artifact(&id).await.unwrap();
    let loaded = yw_arena::load(&dir.path, &asking(&project)).unwrap();
    let found = yw_arena::explain(&project.tasks[0], &finished.data, &loaded).await.unwrap();
    (found, loaded)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_matters_has_an_interval_above_zero_and_noise_does_not() {
    let workspace = project();
    for name in ["grown", "sum", "similar"] {
        let (found, _) = explained(&workspace, name).await;
        assert_eq!((found.importance.len(), found.importance_rows), (4, 200));
        for field in &found.importance {
            let is_useful = ["x", "y"].contains(&field.field.as_str());
            assert_eq!(field.drop.low > 0.0, is_useful, "{name}: {field:?}");
            assert!(is_useful || field.drop.low <= 0.0 && field.drop.high >= 0.0, "{name}: {field:?}");
        }
        assert_eq!(found.contributions.is_some(), name != "similar");
        // Followed all the same: the more x, the likelier.
        let x = found.dependence.iter().find(|d| d.field == "x").unwrap();
        let means = &x.curves[0].means;
        assert_eq!((x.values.len(), means.len()), (20, 20));
        assert!(means[19] > means[0] + 0.3, "{name}: {means:?}");
        assert_eq!(x.curves[0].rows.len(), 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_curves_of_an_additive_model_are_all_of_it() {
    let workspace = project();
    let (found, loaded) = explained(&workspace, "curves").await;
    let contributions = found.contributions.unwrap();
    assert!(contributions.is_additive);
    assert_eq!(contributions.unit, ScoreUnit::LogOdds);
    let finished = run(&workspace).await;
    let rows = finished.data.test_rows().rows;
    let outcomes = loaded.predictor.predict(&rows, &PredictContext::default()).await;
    let of_rows = yw_arena::attributions(&*loaded.predictor, &rows, &outcomes, 9).await.unwrap();
    let x = found.effects.iter().find(|d| d.field == "x").unwrap();
    let mut n_found = 0;
    for row in 0..rows.n_rows() {
        let Some(at) = x.values.iter().position(|v| *v == rows.cell(row, 0).to_json()) else { continue };
        let Some(attribution) = &of_rows.rows[row] else { panic!("every row has an answer") };
        let own = attribution.contributions.iter().find(|(feature, _)| *feature == 0).map_or(0.0, |(_, c)| *c);
        // What is listed speaks for the answer, the curve for true.
        assert!((own.abs() - x.curves[0].means[at].abs()).abs() < 1e-9);
        n_found += 1;
    }
    assert!(n_found >= 20);
    let (grown, _) = explained(&workspace, "grown").await;
    assert!(grown.effects.is_empty() && !grown.contributions.unwrap().is_additive);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_an_answer_have_no_attribution() {
    let workspace = project();
    let (_, loaded) = explained(&workspace, "sum").await;
    let finished = run(&workspace).await;
    let rows = finished.data.test_rows().rows.slice(0, 3);
    let mut outcomes = loaded.predictor.predict(&rows, &PredictContext::default()).await;
    outcomes[1] = Outcome::failed(yw_task::RowErrorKind::Input, "no");
    let found = yw_arena::attributions(&*loaded.predictor, &rows, &outcomes, 1).await.unwrap();
    assert_eq!(found.rows.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_and_records_show_what_models_can_tell() {
    let workspace = project();
    let finished = run(&workspace).await;
    for (name, n_effects) in [("grown", 0), ("curves", 3), ("sum", 3)] {
        let explained = candidate(&finished, name).details.explained.as_ref().unwrap();
        assert!(["x", "y"].contains(&explained.importance[0].0.as_str()), "{name}: {:?}", explained.importance);
        assert!(explained.effects.len() >= n_effects, "{name}");
        assert!(explained.dependence.iter().all(|d| d.values.len() <= 20 && d.curves[0].rows.is_empty()));
    }
    for name in ["similar", "baseline"] {
        assert!(candidate(&finished, name).details.explained.is_none());
    }
    let record = yw_arena::record_of(&finished.report, None);
    let explanation = record.candidate("curves").unwrap().explanation.as_ref().unwrap();
    assert_eq!((explanation.unit.as_str(), explanation.rows), ("log_odds", 200));
    assert!(record.candidate("similar").unwrap().explanation.is_none());
}
