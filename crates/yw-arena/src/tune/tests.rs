//! Searches over small tables, with a clock that a test turns.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use yw_config::{LinearSpec, TextSpec, TreesSpec};
use yw_learn::{LinearParams, TreesParams};
use yw_stats::boolean;
use yw_task::{
    Answer, AnswerKind, AnswerSpec, Cell, Field, FieldType, LabelSet, Metric, PredictContext, Progress, RowsBuilder,
    Scores, Truth, Value,
};

use super::journal::Journal;
use super::score::HeldOutAnswers;
use super::search::Found;
use super::trial::{End, Part, Trial, best_first};
use super::*;

fn uniform(i: usize) -> f64 {
    let bits = (i as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let bits = (bits ^ (bits >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((bits ^ (bits >> 29)) >> 11) as f64 / (1u64 << 53) as f64
}

fn fields() -> std::sync::Arc<[Field]> {
    (0..4).map(|i| Field::new(format!("x{i}"), FieldType::Number)).collect()
}

/// Rows whose truth is likely where `score` of their four numbers, each within ±1, is positive.
fn rows_of(n_rows: usize, offset: usize, score: impl Fn(&[f64]) -> f64) -> LabelledRows {
    let mut rows = RowsBuilder::new(fields());
    let mut truths = Vec::new();
    for i in offset..offset + n_rows {
        let x: Vec<f64> = (0..4).map(|j| 2.0 * uniform(5 * i + j) - 1.0).collect();
        rows.push(&x.iter().map(|v| Cell::Number(*v)).collect::<Vec<_>>()).unwrap();
        truths.push(uniform(5 * i + 4) < 1.0 / (1.0 + (-4.0 * score(&x)).exp()));
    }
    LabelledRows { rows: rows.finish(), truth: Truth::Boolean(truths), groups: None }
}

fn curved(n_rows: usize, offset: usize) -> LabelledRows {
    rows_of(n_rows, offset, |x| x[0] + 2.0 * x[1] * x[2])
}

fn trees_arm() -> Arm {
    let spec = TreesSpec { trees: Some(20), ..TreesSpec::default() };
    let mut params = TreesParams::default();
    params.grow.trees = 20;
    trees(&spec, params, &fields())
}

fn linear_arm() -> Arm {
    let spec = LinearSpec {
        loss: None,
        l2: None,
        class_weight: None,
        max_iterations: None,
        tolerance: None,
        text: TextSpec::default(),
    };
    linear(&spec, LinearParams::default(), &fields())
}

/// So many trials of these kinds.
fn search_of(arms: Vec<Arm>, n_trials: usize, journals: Option<&Path>) -> Search {
    Search {
        arms,
        metric: Metric::RocAuc,
        limit: Limit { time: None, trials: Some(n_trials) },
        n_fits: 1,
        journals: journals.map(Path::to_owned),
        clock: Clock::of(|| Duration::ZERO),
    }
}

/// A clock that goes on by so many seconds whenever somebody looks.
fn ticking(seconds: u64) -> Clock {
    let now = AtomicU64::new(0);
    Clock::of(move || Duration::from_secs(now.fetch_add(seconds, Ordering::Relaxed)))
}

fn context() -> FitContext {
    FitContext { seed: 7, progress: Progress::default() }
}

async fn run(search: &Search, train: &LabelledRows) -> Found {
    search.run(train, 7).await.unwrap_or_else(|e| panic!("{e}"))
}

async fn area_under(fitted: &Fitted, test: &LabelledRows) -> f64 {
    let outcomes = fitted.predictor.predict(&test.rows, &PredictContext::default()).await;
    let p: Vec<f64> = outcomes
        .iter()
        .map(|o| match &o.result.as_ref().unwrap().scores {
            Some(Scores::True(p)) => *p,
            other => panic!("{other:?}"),
        })
        .collect();
    let Truth::Boolean(truth) = &test.truth else { panic!("booleans") };
    boolean::roc_auc(truth, &p).value(None)
}

#[tokio::test]
async fn a_number_of_trials_gives_the_same_result_every_time() {
    let train = curved(300, 0);
    let search = search_of(vec![trees_arm()], 12, None);
    let (a, b) = (run(&search, &train).await, run(&search, &train).await);
    assert_eq!(a.trials, b.trials);
    assert_eq!(a.trials.len(), 12);
    assert!(a.trials[0].settings.is_none() && a.trials[0].is_complete(), "what the project file says comes first");
    assert!(a.trials.iter().any(|t| t.end == End::GivenUp), "those behind are given up");
    assert!(a.trials.iter().filter(|t| t.end == End::GivenUp).all(|t| t.parts.len() < 5));
    let best = &a.trials[a.best().unwrap()];
    assert!(a.trials.iter().filter(|t| t.is_complete()).all(|t| t.loss_of(5) >= best.loss_of(5)));
}

#[tokio::test]
async fn a_search_that_was_killed_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let train = curved(300, 0);
    let whole = run(&search_of(vec![trees_arm(), linear_arm()], 14, None), &train).await;

    // Killed in the middle of writing its seventh line.
    run(&search_of(vec![trees_arm(), linear_arm()], 7, Some(dir.path())), &train).await;
    let file = std::fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 7);
    std::fs::write(&file, &bytes[..bytes.len() - 20]).unwrap();

    let resumed = run(&search_of(vec![trees_arm(), linear_arm()], 14, Some(dir.path())), &train).await;
    assert_eq!(resumed.trials, whole.trials);
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 14);
    // Everything is there: nothing is fitted, nothing is added. Fewer trials are the first ones.
    let again = run(&search_of(vec![trees_arm(), linear_arm()], 14, Some(dir.path())), &train).await;
    assert_eq!(again.trials, whole.trials);
    let fewer = run(&search_of(vec![trees_arm(), linear_arm()], 5, Some(dir.path())), &train).await;
    assert_eq!(fewer.trials, whole.trials[..5]);
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 14);
    // Other rows are another search.
    run(&search_of(vec![trees_arm(), linear_arm()], 2, Some(dir.path())), &curved(300, 1)).await;
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn answers_of_an_earlier_run_are_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let train = curved(200, 0);
    let search = search_of(vec![trees_arm()], 3, Some(dir.path()));
    let (first, again) = (run(&search, &train).await, run(&search, &train).await);
    let (a, b) = (search.answers_of(&first, 0, &train, 7).await, search.answers_of(&again, 0, &train, 7).await);
    assert_eq!(a.unwrap(), b.unwrap());
}

#[test]
fn a_journal_drops_what_was_cut_off_or_is_none_of_its_trials() {
    let dir = tempfile::tempdir().unwrap();
    let trial = |arm: &str| Trial {
        arm: arm.to_owned(),
        settings: Some(vec![0.1, 1.0 / 3.0]),
        end: End::Failed,
        parts: Vec::new(),
    };
    let open = || Journal::open(dir.path(), "key", |trial| trial.arm != "unknown").unwrap();
    let mut journal = open();
    journal.push(trial("a")).unwrap();
    journal.out_of_time(12.5).unwrap();
    journal.push(trial("b")).unwrap();
    let path = dir.path().join("key.jsonl");
    let whole = std::fs::read(&path).unwrap();
    for n_bytes in 0..=whole.len() {
        std::fs::write(&path, &whole[..n_bytes]).unwrap();
        let mut journal = open();
        let n_lines = whole[..n_bytes].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(journal.trials, [trial("a"), trial("b")][..n_lines.div_ceil(2)], "{n_bytes} bytes");
        assert_eq!(journal.spent, if n_lines > 1 { 12.5 } else { 0.0 });
        journal.push(trial("c")).unwrap();
        assert_eq!(open().trials.last(), Some(&trial("c")));
    }
    journal = open();
    journal.push(trial("unknown")).unwrap();
    journal.push(trial("d")).unwrap();
    assert!(open().trials.iter().all(|t| t.arm != "unknown" && t.arm != "d"));
}

#[tokio::test]
async fn time_is_kept_to_within_one_fit() {
    let train = curved(200, 0);
    // Each look is a second: about four of them a part.
    for limit in [1, 20, 60, 200] {
        let clock = ticking(1);
        let search = Search {
            limit: Limit { time: Some(Duration::from_secs(limit)), trials: None },
            clock: clock.clone(),
            ..search_of(vec![trees_arm()], 0, None)
        };
        let found = run(&search, &train).await;
        let used = clock.now().as_secs();
        assert!(used <= limit + 8, "{used} of {limit}");
        assert_eq!(found.trials.is_empty(), limit == 1);
    }
    // The default trial alone takes longer: the candidate answers as the project file says, and says so.
    let search = Search {
        limit: Limit { time: Some(Duration::from_secs(5)), trials: None },
        clock: ticking(3),
        ..search_of(vec![trees_arm()], 0, None)
    };
    let untuned = trees_arm().params;
    let fitted = TunedRecipe { search, untuned }.fit(&train, &context()).await.unwrap();
    assert!(fitted.notes.iter().any(|note| note.contains("give it more minutes")), "{:?}", fitted.notes);
}

#[tokio::test]
async fn time_that_an_earlier_run_used_counts() {
    let dir = tempfile::tempdir().unwrap();
    let train = curved(200, 0);
    let search = |limit: u64| Search {
        limit: Limit { time: Some(Duration::from_secs(limit)), trials: None },
        clock: ticking(1),
        ..search_of(vec![trees_arm()], 0, Some(dir.path()))
    };
    let first = run(&search(60), &train).await;
    let again = run(&search(60), &train).await;
    assert_eq!(again.trials, first.trials, "there was no time left");
    let longer = run(&search(120), &train).await;
    assert!(longer.trials.len() > first.trials.len() && longer.trials.starts_with(&first.trials));
}

#[tokio::test]
async fn the_best_of_many_trials_on_noise_is_no_better_than_noise_on_other_rows() {
    let noise = |n_rows, offset| rows_of(n_rows, offset, |_| 0.0);
    let (train, test) = (noise(400, 0), noise(4000, 10_000));
    let search = search_of(vec![trees_arm()], 25, None);
    let fitted = TunedRecipe { search, untuned: trees_arm().params }.fit(&train, &context()).await.unwrap();
    let area = area_under(&fitted, &test).await;
    assert!((area - 0.5).abs() < 0.04, "{area}");
    let notes = fitted.notes.join("\n");
    assert!(notes.contains("tuned: 25 trials") && notes.contains("roc_auc 0.5"), "{notes}");
    assert!(notes.contains("rows that tuning never saw"), "{notes}");
}

#[tokio::test]
async fn held_out_rows_are_never_among_those_that_were_fitted_and_groups_stay_whole() {
    let mut train = curved(120, 0);
    train.groups = Some((0..120).map(|i| i / 4).collect());
    let groups = train.groups.clone().unwrap();
    let found = run(&search_of(vec![linear_arm()], 1, None), &train).await;
    let mut held_out: Vec<usize> = found.splits.iter().flat_map(|split| split.held_out.clone()).collect();
    for split in found.splits.iter() {
        assert!(split.held_out.iter().all(|&i| split.fit.iter().all(|&j| groups[i] != groups[j])));
    }
    held_out.sort_unstable();
    assert!(held_out.into_iter().eq(0..120));
    train.groups = Some(vec![1; 120]);
    let found = run(&search_of(vec![linear_arm()], 5, None), &train).await;
    assert!(found.trials.is_empty() && found.notes[0].contains("too few"), "{:?}", found.notes);
}

#[tokio::test]
async fn fits_that_all_fail_say_why() {
    let mut train = curved(60, 0);
    train.truth = Truth::Boolean(vec![true; 60]);
    let error = search_of(vec![linear_arm()], 4, None).run(&train, 7).await.err().unwrap();
    assert!(error.to_string().contains("nothing to tell apart"), "{error}");
}

#[tokio::test]
async fn auto_finds_what_is_best() {
    let (train, test) = (curved(600, 0), curved(3000, 10_000));
    let search = search_of(vec![linear_arm(), trees_arm()], 16, None);
    let fitted = AutoRecipe { search }.fit(&train, &context()).await.unwrap();
    let notes = fitted.notes.join("\n");
    assert!(notes.contains("trees") && notes.contains("16 trials"), "{notes}");
    let linear = LearnedRecipe { params: linear_arm().params }.fit(&train, &context()).await.unwrap();
    let (auto, linear) = (area_under(&fitted, &test).await, area_under(&linear, &test).await);
    assert!(auto > linear + 0.02, "{auto} against {linear}");
}

#[tokio::test]
async fn a_blend_answers_by_the_mean_and_comes_back_from_disk() {
    let train = curved(300, 0);
    let fit = async |arm: Arm| LearnedRecipe { params: arm.params }.fit(&train, &context()).await.unwrap().predictor;
    let (one, other) = (fit(linear_arm()).await, fit(trees_arm()).await);
    let blend = BlendPredictor::new(vec![(1.0, one.clone()), (3.0, other.clone())], LabelSet::default());
    let answers = async |predictor: &dyn yw_task::Predictor| {
        let outcomes = predictor.predict(&train.rows, &PredictContext::default()).await;
        outcomes.into_iter().map(|o| o.result.unwrap()).collect::<Vec<Answer>>()
    };
    let p = |answer: &Answer| match answer.scores {
        Some(Scores::True(p)) => p,
        _ => panic!("{answer:?}"),
    };
    let (a, b, both) = (answers(&*one).await, answers(&*other).await, answers(&blend).await);
    for ((a, b), both) in a.iter().zip(&b).zip(&both) {
        assert!((0.25 * p(a) + 0.75 * p(b) - p(both)).abs() < 1e-12);
        assert_eq!(both.value, Value::Boolean(p(both) > 0.5));
    }

    let answer =
        AnswerSpec { name: "y".to_owned(), kind: AnswerKind::Boolean, labels: LabelSet::default(), fields: Vec::new() };
    let task = crate::artifact::TaskShape { question: "?".to_owned(), fields: fields(), answer };
    let dir = tempfile::tempdir().unwrap();
    crate::artifact::save(dir.path(), &blend, &task).unwrap();
    let config = yw_gateway::GatewayConfig { providers: Vec::new(), prices: yw_llm::PriceTable::builtin() };
    let gateway = std::sync::Arc::new(yw_gateway::Gateway::new(config, None).unwrap());
    let asking = crate::ask::Asking { gateway, budget: None, tunings: None };
    let loaded = crate::artifact::load(dir.path(), &asking).unwrap();
    assert_eq!(answers(&*loaded.predictor).await, both);
    // Weights that make no sense are refused.
    for weights in ["[]", "[1.0, 1.0]", "[1.5, -0.5]"] {
        std::fs::write(dir.path().join("predictor").join(BLEND_FILE), format!("{{\"weights\": {weights}}}")).unwrap();
        let error = crate::artifact::load(dir.path(), &asking).err().unwrap();
        assert!(error.to_string().contains("weights"), "{error}");
    }
}

/// Rows of random numbers, in five parts.
fn five_parts() -> (LabelledRows, Vec<yw_learn::Split>) {
    let mut train = rows_of(400, 0, |_| 0.0);
    train.truth = Truth::Number((0..400).map(|i| uniform(9 * i + 100_000)).collect());
    let splits = yw_learn::Folds::of(&train, 5, 1).splits().collect();
    (train, splits)
}

#[test]
fn members_that_err_in_different_ways_are_put_together_and_others_are_not() {
    let (train, splits) = five_parts();
    let Truth::Number(truths) = &train.truth else { panic!("numbers") };
    let rows = HeldOutAnswers {
        train: &train,
        splits: &splits,
        yardstick: super::score::Yardstick { metric: Metric::Rmse },
        seed: 1,
    };
    let member = |error: &dyn Fn(usize) -> f64| -> Vec<Vec<Answer>> {
        let answer = |&i: &usize| Answer::new(Value::Number(truths[i] + error(i)));
        splits.iter().map(|split| split.held_out.iter().map(answer).collect()).collect()
    };
    let noise = |stream: usize| move |i: usize| uniform(7 * i + 50_000 * stream) - 0.5;
    let (a, b) = (member(&noise(1)), member(&noise(2)));
    let both = stack::stack(&rows, &[a.clone(), b.clone()]);
    assert!(both.counts.iter().all(|count| *count > 0), "{:?}", both.counts);
    assert!(both.gain.unwrap().high < 0.0);
    // A worse copy brings nothing.
    let worse = member(&|i| 1.5 * noise(1)(i));
    let alone = stack::stack(&rows, &[a.clone(), worse]);
    assert_eq!((alone.counts, alone.gain), (vec![1, 0], None));
    assert_eq!(stack::stack(&rows, &[a]).counts, [1]);
}

#[test]
fn trials_that_ended_early_are_compared_on_the_parts_that_they_have() {
    let trial = |losses: &[f64]| Trial {
        arm: "trees".to_owned(),
        settings: None,
        end: if losses.len() == 3 { End::Complete } else { End::GivenUp },
        parts: losses
            .iter()
            .map(|loss| Part { loss: Some(*loss), tie: Some(0.0), rounds: None, seconds: 1.0 })
            .collect(),
    };
    // The first part is easy; that does not make the second trial the best.
    let (full, early, best) = (trial(&[1.0, 3.0, 3.0]), trial(&[1.1]), trial(&[0.9, 3.0, 3.0]));
    let failed = Trial { end: End::Failed, ..trial(&[]) };
    assert_eq!(best_first(&[&failed, &early, &full, &best]), [3, 2, 1, 0]);
}
