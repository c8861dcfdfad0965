//! What the traits of `yw-task` promise, as checks that every implementation runs.
//!
//! Each function panics with the promise that was broken.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use yw_task::{
    Answer, AnswerKind, AnswerSpec, FitContext, Fitted, LabelledRows, Outcome, PredictContext, Predictor, Progress,
    Recipe, Rows, Scores, Value,
};

/// Numbers and probabilities may differ by this share when other rows are predicted in the same call: blocks of rows may
/// be summed in another order.
pub const TOLERANCE: f64 = 1e-9;

/// Checks what [`Predictor`] promises: one outcome a row, in order; each row alone; an empty batch; concurrent calls;
/// progress; answers of the task's type; the same bytes from every save; the same answers after loading.
///
/// `rows` should have at least three rows that are answered differently, and may have rows that fail. `load` reads what
/// [`Predictor::save`] wrote. A predictor that asks a provider is checked with a script that always answers the same.
pub async fn predictor(
    predictor: Arc<dyn Predictor>,
    spec: &AnswerSpec,
    rows: &Rows,
    load: impl AsyncFn(&Path) -> Arc<dyn Predictor>,
) {
    let outcomes = predict(&*predictor, rows).await;
    assert_eq!(outcomes.len(), rows.n_rows(), "one outcome per row");
    outcomes.iter().for_each(|outcome| check_type(outcome, spec));

    let none = predict(&*predictor, &rows.slice(0, 0)).await;
    assert_eq!(none, [], "an empty batch has no outcomes");
    let backwards: Vec<usize> = (0..rows.n_rows()).rev().collect();
    let mut reversed = predict(&*predictor, &rows.take(&backwards)).await;
    reversed.reverse();
    check_same(&outcomes, &reversed, "outcomes keep the order of their rows, whatever that is");
    for row_idx in 0..rows.n_rows().min(8) {
        let alone = predict(&*predictor, &rows.slice(row_idx, 1)).await;
        check_same(&outcomes[row_idx..=row_idx], &alone, "a row's outcome depends on that row alone");
    }
    let (left, right) = tokio::join!(predict(&*predictor, rows), predict(&*predictor, rows));
    check_same(&outcomes, &left, "concurrent calls do not disturb one another");
    check_same(&outcomes, &right, "concurrent calls do not disturb one another");
    check_progress(&*predictor, rows).await;

    let folder = save(&*predictor);
    assert_eq!(contents(folder.path()), contents(save(&*predictor).path()), "every save writes the same bytes");
    let loaded = load(folder.path()).await;
    check_same(&outcomes, &predict(&*loaded, rows).await, "a loaded predictor answers as the saved one did");
    assert_eq!(contents(folder.path()), contents(save(&*loaded).path()), "a loaded predictor saves the same bytes");
}

/// Checks what [`Recipe`] promises: fitted twice on the same rows with the same seed, it gives predictors that save the
/// same bytes. Returns one of them.
pub async fn recipe(recipe: &dyn Recipe, train: &LabelledRows, seed: u64) -> Fitted {
    let context = FitContext { seed, progress: Progress::default() };
    let fit = async || recipe.fit(train, &context).await.unwrap_or_else(|e| panic!("the recipe cannot be fitted: {e}"));
    let (first, second) = (fit().await, fit().await);
    let bytes = contents(save(&*first.predictor).path());
    assert!(!bytes.is_empty(), "a predictor saves something");
    assert_eq!(bytes, contents(save(&*second.predictor).path()), "the same rows and seed give the same predictor");
    first
}

async fn predict(predictor: &dyn Predictor, rows: &Rows) -> Vec<Outcome> {
    predictor.predict(rows, &PredictContext::default()).await
}

async fn check_progress(predictor: &dyn Predictor, rows: &Rows) {
    let n_steps = Arc::new(AtomicU64::new(0));
    let counter = n_steps.clone();
    let progress = Progress::new(move |n| {
        counter.fetch_add(n, Ordering::SeqCst);
    });
    predictor.predict(rows, &PredictContext { progress }).await;
    assert_eq!(n_steps.load(Ordering::SeqCst), rows.n_rows() as u64, "progress advances one step a row");
}

#[track_caller]
fn check_type(outcome: &Outcome, spec: &AnswerSpec) {
    let Ok(answer) = &outcome.result else { return };
    assert_eq!(answer.value.kind(), spec.kind, "answers are of the task's kind");
    match &answer.value {
        Value::Label(name) => assert!(spec.labels.id(name).is_some(), "`{name}` is one of the task's labels"),
        Value::Number(n) => assert!(n.is_finite(), "numbers are finite"),
        _ => {}
    }
    match &answer.scores {
        None => {}
        Some(Scores::Labels(scores)) => {
            assert_eq!(spec.kind, AnswerKind::Label, "scores by label belong to labels");
            assert_eq!(scores.len(), spec.labels.len(), "one probability per label");
            assert!(scores.iter().all(|p| (0.0..=1.0).contains(p)), "probabilities lie in [0, 1]: {scores:?}");
            let sum: f64 = scores.iter().sum();
            assert!((sum - 1.0).abs() < 1e-6, "probabilities sum to one, not {sum}");
        }
        Some(Scores::True(p)) => {
            assert_eq!(spec.kind, AnswerKind::Boolean, "a probability of true belongs to booleans");
            assert!((0.0..=1.0).contains(p), "probabilities lie in [0, 1]: {p}");
        }
    }
}

/// Compares answers and failures; usage and latency may differ.
#[track_caller]
fn check_same(expected: &[Outcome], found: &[Outcome], promise: &str) {
    assert_eq!(expected.len(), found.len(), "{promise}: one outcome per row");
    for (row_idx, (expected, found)) in expected.iter().zip(found).enumerate() {
        let same = match (&expected.result, &found.result) {
            (Ok(expected), Ok(found)) => is_same_answer(expected, found),
            (expected, found) => expected == found,
        };
        assert!(same, "{promise}: row {row_idx} was {:?}, then {:?}", expected.result, found.result);
    }
}

fn is_same_answer(a: &Answer, b: &Answer) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= TOLERANCE * a.abs().max(1.0);
    let same_value = match (&a.value, &b.value) {
        (Value::Number(a), Value::Number(b)) => near(*a, *b),
        (a, b) => a == b,
    };
    let same_scores = match (&a.scores, &b.scores) {
        (Some(Scores::Labels(a)), Some(Scores::Labels(b))) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| near(*a, *b))
        }
        (Some(Scores::True(a)), Some(Scores::True(b))) => near(*a, *b),
        (a, b) => a == b,
    };
    same_value && same_scores
}

fn save(predictor: &dyn Predictor) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    predictor.save(folder.path()).unwrap_or_else(|e| panic!("a predictor can be saved: {e}"));
    folder
}

/// The files of a folder and of those below it, by path.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder just written can be listed") {
        let entry = entry.expect("a folder just written can be listed");
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            files.extend(contents(&entry.path()).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else {
            files.insert(name, std::fs::read(entry.path()).expect("a file just written can be read"));
        }
    }
    files
}
