//! Categories of many levels: what the mean answer of a level adds, and what it must not.

use yw_learn::{CategoryParams, FeaturizerParams, LinearParams, Model, ModelParams};
use yw_task::{Field, FieldType, LabelSet, LabelledRows, Scores, Truth, Value};

use crate::fixtures::{Owned, rows_of, with_truth};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// The log-odds of rows of a category with `n_levels` levels, each of which has its own effect, and of a number.
fn log_odds_of_rows(n_rows: usize, n_levels: usize, effect: f64, seed: u64) -> (Vec<Vec<Owned>>, Vec<f64>) {
    let mut random = Random(1);
    let effects: Vec<f64> = (0..n_levels).map(|_| effect * random.normal()).collect();
    let mut random = Random(seed);
    let row = |_| {
        let (level, number) = ((random.uniform() * n_levels as f64) as usize, random.normal());
        let cells = vec![Owned::Text(format!("level {level}")), Owned::Number(number)];
        (cells, effects[level] + 0.5 * number - 0.5)
    };
    (0..n_rows).map(row).unzip()
}

fn fields() -> std::sync::Arc<[Field]> {
    [Field::new("shop", FieldType::Category), Field::new("n", FieldType::Number)].into()
}

fn booleans(n_rows: usize, n_levels: usize, effect: f64, seed: u64) -> LabelledRows {
    let (rows, log_odds) = log_odds_of_rows(n_rows, n_levels, effect, seed);
    let mut random = Random(seed ^ 77);
    let truths = log_odds.into_iter().map(|score| random.uniform() < 1.0 / (1.0 + (-score).exp())).collect();
    with_truth(rows_of(fields(), &rows), Truth::Boolean(truths))
}

fn fit(train: &LabelledRows, target_encode_above: usize) -> Model {
    let category = CategoryParams { target_encode_above, ..CategoryParams::default() };
    let featurizer = FeaturizerParams { category, ..FeaturizerParams::default() };
    let params = ModelParams::Linear(LinearParams { featurizer, ..LinearParams::default() });
    Model::fit(train, &params, 1).expect("the model can be fitted")
}

fn log_loss(model: &Model, test: &LabelledRows) -> f64 {
    let p_truth = |(i, answer): (usize, yw_task::Answer)| match (answer.scores, &test.truth) {
        (Some(Scores::True(p)), Truth::Boolean(truths)) => {
            if truths[i] {
                p
            } else {
                1.0 - p
            }
        }
        (Some(Scores::Labels(p)), Truth::Label { ids, .. }) => p[ids[i] as usize],
        (scores, _) => panic!("{scores:?}"),
    };
    let answers = model.answers(&test.rows);
    let n_rows = answers.len() as f64;
    answers.into_iter().enumerate().map(|pair| -p_truth(pair).max(1e-15).ln()).sum::<f64>() / n_rows
}

fn feature_names(model: &Model) -> Vec<String> {
    let importance = model.importance(usize::MAX).expect("linear models have weights");
    importance[0].features.iter().map(|feature| feature.name.clone()).collect()
}

#[test]
fn a_thousand_levels_help_more_by_their_mean_answers() {
    // Six rows per level: half of them too rare for a feature of their own.
    let (train, test) = (booleans(6000, 1000, 1.2, 10), booleans(6000, 1000, 1.2, 11));
    let (without, with) = (fit(&train, usize::MAX), fit(&train, 50));
    let mut names = feature_names(&with);
    names.sort();
    assert_eq!(names, ["n", "shop (other)", "shop (share of true)"]);
    let (without, with) = (log_loss(&without, &test), log_loss(&with, &test));
    assert!(with < without - 0.01, "{without} without, {with} with");
}

#[test]
fn levels_that_mean_nothing_gain_nothing() {
    for seed in 0..3 {
        let (train, test) = (booleans(3000, 1000, 0.0, 20 + seed), booleans(3000, 1000, 0.0, 40 + seed));
        let (without, with) = (log_loss(&fit(&train, usize::MAX), &test), log_loss(&fit(&train, 50), &test));
        assert!(with < without + 0.001, "{without} without, {with} with");
    }
}

#[test]
fn frequent_levels_keep_a_feature_of_their_own_and_have_no_other() {
    // Half of the rows are of one shop, the others of a hundred.
    let mut train = booleans(2000, 100, 1.0, 7);
    let rows: Vec<Vec<Owned>> = (0..2000)
        .map(|i| {
            let shop = if i % 2 == 0 { "frequent".to_owned() } else { format!("level {}", i % 100) };
            vec![Owned::Text(shop), Owned::Number(0.0)]
        })
        .collect();
    train.rows = rows_of(fields(), &rows);
    let Truth::Boolean(truths) = &mut train.truth else { panic!("the answers are booleans") };
    truths.iter_mut().enumerate().for_each(|(i, truth)| *truth = if i % 2 == 0 { i % 8 == 0 } else { i % 100 > 40 });
    // Fifty levels and the frequent one: just enough to be many.
    let model = fit(&train, 50);
    let mut names = feature_names(&model);
    names.sort();
    assert_eq!(names, ["n", "shop (other)", "shop (share of true)", "shop = frequent"]);
    let answers = model.answers(&train.rows);
    let p = |i: usize| match answers[i].scores {
        Some(Scores::True(p)) => p,
        _ => panic!("booleans have a probability"),
    };
    assert!((p(0) - 0.25).abs() < 0.02 && p(41) > 0.9 && p(39) < 0.1, "{} {} {}", p(0), p(41), p(39));
}

#[test]
fn few_levels_are_left_as_they_are() {
    let train = booleans(1000, 40, 1.0, 3);
    assert_eq!(fit(&train, 50).to_bytes(), fit(&train, usize::MAX).to_bytes());
}

#[test]
fn unseen_and_missing_levels_say_nothing() {
    let model = fit(&booleans(4000, 400, 1.0, 5), 50);
    let p = |cell: Owned| match model.answers(&rows_of(fields(), &[vec![cell, Owned::Number(0.0)]]))[0].scores {
        Some(Scores::True(p)) => p,
        _ => panic!("booleans have a probability"),
    };
    let (unseen, missing) = (p(Owned::Text("never seen".into())), p(Owned::Missing));
    // About the share of true rows, which is what an unknown level has.
    assert!((unseen - 0.4).abs() < 0.08 && (missing - 0.4).abs() < 0.08, "{unseen} {missing}");
}

#[test]
fn numbers_and_labels_have_mean_answers_too() {
    let (rows, log_odds) = log_odds_of_rows(5000, 800, 1.0, 8);
    let (test_rows, test_log_odds) = log_odds_of_rows(2000, 800, 1.0, 9);
    let (train_rows, test_rows) = (rows_of(fields(), &rows), rows_of(fields(), &test_rows));

    let mut random = Random(4);
    let numbers = |scores: &[f64], random: &mut Random| {
        Truth::Number(scores.iter().map(|s| 1e6 + 100.0 * (s + random.normal())).collect())
    };
    let train = with_truth(train_rows.clone(), numbers(&log_odds, &mut random));
    let squares = |model: &Model| -> f64 {
        let answers = model.answers(&test_rows);
        let square = |(answer, score): (&yw_task::Answer, &f64)| match answer.value {
            Value::Number(n) => (n - 1e6 - 100.0 * score).powi(2),
            _ => panic!("{answer:?}"),
        };
        answers.iter().zip(&test_log_odds).map(square).sum::<f64>() / 2000.0
    };
    let (without, with) = (squares(&fit(&train, usize::MAX)), squares(&fit(&train, 50)));
    assert!(with < 0.97 * without, "{without} without, {with} with");

    let labels = |scores: &[f64], random: &mut Random| {
        let id = |s: &f64| (((s + 0.7 * random.normal()) * 1.2 + 1.5).clamp(0.0, 2.9)) as u32;
        Truth::Label { ids: scores.iter().map(id).collect(), labels: LabelSet::sorted(["high", "low", "mid"]) }
    };
    let train = with_truth(train_rows, labels(&log_odds, &mut random));
    let test = with_truth(test_rows.clone(), labels(&test_log_odds, &mut random));
    let (without, with) = (fit(&train, usize::MAX), fit(&train, 50));
    assert!(feature_names(&with).contains(&"shop (share of mid)".to_owned()));
    let (without, with) = (log_loss(&without, &test), log_loss(&with, &test));
    assert!(with < without - 0.002, "{without} without, {with} with");
}

#[test]
fn a_model_with_mean_answers_comes_back_as_it_was() {
    let model = fit(&booleans(1500, 200, 1.0, 6), 50);
    let bytes = model.to_bytes();
    assert_eq!(Model::from_bytes(&bytes).as_ref(), Ok(&model));
    for len in (0..bytes.len()).step_by(7) {
        assert!(Model::from_bytes(&bytes[..len]).is_err());
    }
}

#[test]
fn as_many_levels_as_rows_are_harmless() {
    let rows: Vec<Vec<Owned>> =
        (0..300).map(|i| vec![Owned::Text(format!("id {i}")), Owned::Number(f64::from(i))]).collect();
    let train = with_truth(rows_of(fields(), &rows), Truth::Boolean((0..300).map(|i| i >= 150).collect()));
    let model = fit(&train, 50);
    assert!(!feature_names(&model).iter().any(|name| name.contains("share of")));
}
