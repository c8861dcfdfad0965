//! Nearest neighbours and baselines.

use proptest::prelude::*;
use yw_learn::{
    BaselineParams, Distance, Featurizer, FeaturizerParams, FitError, Model, ModelParams, NearestParams, NearestRows,
    Typical, VoteWeights,
};
use yw_task::{Field, FieldType, LabelSet, Scores, Truth, Value};

use crate::fixtures::{Owned, all_fields, labelled, numbers, rows_of, texts, tickets, wild_rows, with_truth};

proptest! {
    /// The index against a plain loop over all pairs of rows; without texts, which would be all that counts.
    #[test]
    fn the_index_finds_what_a_plain_search_finds(train in wild_rows(1..15), test in wild_rows(1..5), k in 1usize..6) {
        let without_texts = |rows: &[Vec<Owned>]| {
            let is_kept: Vec<bool> = all_fields().iter().map(|f| f.field_type != FieldType::Text).collect();
            let kept = |row: &Vec<Owned>| row.iter().zip(&is_kept).filter(|(_, k)| **k).map(|(c, _)| c.clone()).collect();
            let fields = all_fields().iter().zip(&is_kept).filter(|(_, k)| **k).map(|(f, _)| f.clone()).collect();
            rows_of(fields, &rows.iter().map(kept).collect::<Vec<_>>())
        };
        let (train, test) = (without_texts(&train), without_texts(&test));
        let params = FeaturizerParams::default();
        let found = NearestRows::fit(&train, &params).unwrap().nearest(&test, k);
        let featurizer = Featurizer::fit(&train, &params).unwrap();
        let (train_features, test_features) = (featurizer.transform(&train), featurizer.transform(&test));
        let dense = |row: yw_learn::FeatureRow<'_>| {
            let mut dense = vec![0.0f64; featurizer.n_features()];
            row.iter().for_each(|(i, v)| dense[i] = f64::from(v));
            dense
        };
        for (row_idx, found) in found.iter().enumerate() {
            prop_assert_eq!(found.len(), k.min(train.n_rows()));
            let query = dense(test_features.row(row_idx));
            let distance = |i: usize| -> f64 {
                query.iter().zip(dense(train_features.row(i))).map(|(a, b)| (a - b) * (a - b)).sum()
            };
            // Every row that was left out is at least as far as those that were found, up to rounding.
            let farthest = found.iter().map(|&i| distance(i)).fold(0.0, f64::max);
            let scale = 1.0 + query.iter().map(|v| v * v).sum::<f64>();
            for i in (0..train.n_rows()).filter(|i| !found.contains(i)) {
                prop_assert!(distance(i) >= farthest - 1e-4 * scale);
            }
        }
    }
}

#[test]
fn equally_near_rows_come_in_their_order() {
    let index =
        NearestRows::fit(&texts(&["refund", "invoice", "refund", "refund"]), &FeaturizerParams::default()).unwrap();
    assert_eq!(index.nearest(&texts(&["refund"]), 3), [[0, 2, 3]]);
    assert_eq!(index.nearest(&texts(&["invoice"]), 9), [[1, 0, 2, 3]]);
    assert_eq!(index.n_rows(), 4);
}

#[test]
fn texts_alone_say_what_is_similar() {
    let fields: std::sync::Arc<[Field]> =
        [Field::new("body", FieldType::Text), Field::new("seats", FieldType::Number)].into();
    let row = |text: &str, seats| vec![Owned::Text(text.to_owned()), Owned::Number(seats)];
    let train = rows_of(fields.clone(), &[row("card stolen", 1.0), row("invoice wrong", 2.0), row("card lost", 900.0)]);
    let index = NearestRows::fit(&train, &FeaturizerParams::default()).unwrap();
    assert_eq!(index.nearest(&rows_of(fields, &[row("lost my card", 2.0)]), 2), [[2, 0]]);
}

#[test]
fn no_rows_are_refused() {
    let refused = NearestRows::fit(&texts(&[]), &FeaturizerParams::default());
    assert_eq!(refused.unwrap_err(), FitError::NoRows);
    let train = with_truth(texts(&["a"]), Truth::Boolean(vec![true]));
    let params = ModelParams::Nearest(NearestParams { k: 0, ..NearestParams::default() });
    assert!(matches!(Model::fit(&train, &params, 0), Err(FitError::Parameter { name: "k", .. })));
}

#[test]
fn neighbours_vote() {
    let train = labelled(numbers(&[("n", &[0.0, 0.1, 0.2, 5.0, 5.1])]), &["low", "low", "high", "high", "high"]);
    for distance in [Distance::Euclidean, Distance::Cosine] {
        for weights in [VoteWeights::Distance, VoteWeights::Uniform] {
            let params = NearestParams { k: 3, distance, weights, ..NearestParams::default() };
            let model = Model::fit(&train, &ModelParams::Nearest(params), 0).unwrap();
            let answers = model.answers(&numbers(&[("n", &[0.0, 5.2])]));
            let labels: Vec<String> = answers.iter().map(|a| a.value.to_string()).collect();
            assert_eq!(labels, ["low", "high"]);
            for answer in answers {
                let Some(Scores::Labels(p)) = answer.scores else { panic!("votes are probabilities") };
                assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                assert!(p.iter().all(|p| *p > 0.0), "no class is impossible: {p:?}");
            }
        }
    }
}

#[test]
fn uniform_votes_are_shares_of_neighbours_and_half_a_prior() {
    let train = with_truth(numbers(&[("n", &[0.0, 1.0, 2.0, 9.0])]), Truth::Boolean(vec![true, true, false, false]));
    let params = NearestParams { k: 3, weights: VoteWeights::Uniform, ..NearestParams::default() };
    let model = Model::fit(&train, &ModelParams::Nearest(params), 0).unwrap();
    let answer = &model.answers(&numbers(&[("n", &[1.0])]))[0];
    assert_eq!(answer.scores, Some(Scores::True(2.0 / 3.5 + 0.5 * 0.5 / 3.5)));
}

#[test]
fn numbers_are_averaged_and_texts_taken() {
    let rows = numbers(&[("n", &[0.0, 1.0, 10.0])]);
    let nearest = |truth: Truth, k| {
        let params = NearestParams { k, weights: VoteWeights::Uniform, ..NearestParams::default() };
        let model = Model::fit(&with_truth(rows.clone(), truth), &ModelParams::Nearest(params), 0).unwrap();
        model.answers(&numbers(&[("n", &[0.4])])).remove(0).value
    };
    assert_eq!(nearest(Truth::Number(vec![2.0, 4.0, 60.0]), 2), Value::Number(3.0));
    assert_eq!(nearest(Truth::Text(vec!["a".into(), "b".into(), "c".into()]), 2), Value::Text("a".into()));
    let object = serde_json::json!({"a": [1, 2.5, null]});
    let objects = vec![object.clone(), serde_json::json!({}), serde_json::json!({"b": 1})];
    assert_eq!(nearest(Truth::Json(objects), 3), Value::Json(object));
}

#[test]
fn neighbours_learn_tickets() {
    let train = tickets(500, 4);
    let (fit_rows, test_rows): (Vec<usize>, Vec<usize>) = (0..500).partition(|i| i % 5 != 0);
    let model = Model::fit(&train.take(&fit_rows), &ModelParams::Nearest(NearestParams::default()), 0).unwrap();
    let test = train.take(&test_rows);
    let answers = model.answers(&test.rows);
    let n_right = answers.iter().enumerate().filter(|(i, a)| a.value == test.truth.value(*i)).count();
    assert!(n_right > 70, "{n_right} of 100");
}

fn baseline(truth: Truth, params: BaselineParams) -> yw_task::Answer {
    let n_rows = truth.len();
    let rows = numbers(&[("n", &vec![0.0; n_rows])]);
    let model = Model::fit(&with_truth(rows, truth), &ModelParams::Baseline(params), 0).unwrap();
    let answers = model.answers(&numbers(&[("n", &[1.0, 2.0])]));
    assert_eq!(answers[0], answers[1]);
    answers[0].clone()
}

#[test]
fn baselines() {
    let labels = LabelSet::sorted(["a", "b", "c"]);
    let answer = baseline(Truth::Label { ids: vec![1, 1, 0, 1], labels }, BaselineParams::default());
    assert_eq!(answer.value, Value::Label("b".into()));
    assert_eq!(answer.scores, Some(Scores::Labels(vec![0.25, 0.75, 0.0])));

    let answer = baseline(Truth::Boolean(vec![false, true, false, false]), BaselineParams::default());
    assert_eq!((answer.value, answer.scores), (Value::Boolean(false), Some(Scores::True(0.25))));

    let numbers = || Truth::Number(vec![1.0, 2.0, 4.0, 21.0]);
    assert_eq!(baseline(numbers(), BaselineParams::default()).value, Value::Number(7.0));
    assert_eq!(baseline(numbers(), BaselineParams { number: Typical::Median }).value, Value::Number(3.0));

    let text = Truth::Text(["x", "y", "y", "x", "z"].map(String::from).to_vec());
    assert_eq!(baseline(text, BaselineParams::default()).value, Value::Text("x".into()));
    let json = Truth::Json(vec![serde_json::json!(1), serde_json::json!({"a": 1}), serde_json::json!({"a": 1})]);
    assert_eq!(baseline(json, BaselineParams::default()).value, Value::Json(serde_json::json!({"a": 1})));
}

#[test]
fn one_class_is_enough_for_a_baseline() {
    let answer = baseline(Truth::Boolean(vec![true, true]), BaselineParams::default());
    assert_eq!(answer.value, Value::Boolean(true));
}
