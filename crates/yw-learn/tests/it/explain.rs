//! Explanations: right where they can be worked out by hand, and whole everywhere.

use yw_learn::{BaselineParams, LinearLoss, LinearParams, Model, ModelParams, TreesParams};
use yw_task::{
    Answer, Cell, Explanation, Field, FieldType, LabelledRows, RowsBuilder, ScoreUnit, Scores, Truth, Value,
};

use crate::fixtures::{tickets, with_truth};

/// `3 seats + 10 member + 5`, where `seats` is 4 on average and a quarter are members.
fn bills() -> LabelledRows {
    let mut rows =
        RowsBuilder::new([Field::new("seats", FieldType::Number), Field::new("member", FieldType::Boolean)].into());
    let mut bills = Vec::new();
    for i in 0..16 {
        let (seats, member) = (f64::from([1, 3, 5, 7][i % 4]), i / 4 == 2);
        rows.push(&[Cell::Number(seats), Cell::Boolean(member)]).unwrap();
        bills.push(3.0 * seats + if member { 10.0 } else { 0.0 } + 5.0);
    }
    with_truth(rows.finish(), Truth::Number(bills))
}

fn fit(train: &LabelledRows, params: LinearParams) -> Model {
    Model::fit(train, &ModelParams::Linear(params), 1).unwrap()
}

#[track_caller]
fn assert_close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
}

#[test]
fn a_linear_model_of_two_features_is_explained_as_by_hand() {
    let data = bills();
    let model = fit(&data, LinearParams { l2: Some(1e-9), tolerance: 1e-12, ..LinearParams::default() });
    let model = Model::from_bytes(&model.to_bytes()).unwrap();
    let found = model.explain(&data.rows).unwrap();
    let features: Vec<_> = found.features.iter().map(|f| (f.name.as_str(), f.field)).collect();
    assert_eq!(features, [("seats", Some(0)), ("member = true", Some(1))]);
    assert_eq!((found.unit, found.is_additive, found.n_rows()), (ScoreUnit::Answer, true, 16));
    assert_close(found.expected[0], 3.0 * 4.0 + 10.0 * 0.25 + 5.0, 1e-4);
    // Row 0: one seat, no member. Row 11: seven seats, a member.
    for (row, seats, member) in [(0, 3.0 * (1.0 - 4.0), -10.0 * 0.25), (11, 3.0 * (7.0 - 4.0), 10.0 * 0.75)] {
        assert_close(found.of(row, 0)[0], seats, 1e-4);
        assert_close(found.of(row, 0)[1], member, 1e-4);
    }
}

/// The probabilities that the scores of a row stand for.
fn probabilities(explanation: &Explanation, row: usize) -> Vec<f64> {
    match explanation.unit {
        ScoreUnit::LogOdds => {
            let p = 1.0 / (1.0 + (-explanation.score(row, 0)).exp());
            vec![1.0 - p, p]
        }
        ScoreUnit::LogProbability => {
            let scores: Vec<f64> =
                (0..explanation.classes.len()).map(|class| explanation.score(row, class).exp()).collect();
            let sum: f64 = scores.iter().sum();
            scores.into_iter().map(|score| score / sum).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check_scores(model: &Model, data: &LabelledRows, tolerance: f64) {
    let explanation = model.explain(&data.rows).expect("the model is explained");
    assert_eq!(explanation.n_rows(), data.n_rows());
    for (row, answer) in model.answers(&data.rows).iter().enumerate() {
        let stated = match (&answer.scores, &answer.value) {
            (Some(Scores::Labels(p)), _) => p.clone(),
            (Some(Scores::True(p)), _) => vec![1.0 - p, *p],
            (None, Value::Number(number)) => {
                let scale = number.abs().max(1.0);
                assert_close(explanation.score(row, 0) / scale, number / scale, tolerance);
                continue;
            }
            _ => panic!("{answer:?}"),
        };
        let found = probabilities(&explanation, row);
        found.iter().zip(&stated).for_each(|(found, stated)| assert_close(*found, *stated, tolerance));
        check_attribution(&explanation, row, answer);
    }
}

/// The features listed for an answer, the others together and the mean make its score.
#[track_caller]
fn check_attribution(explanation: &Explanation, row: usize, answer: &Answer) {
    let found = explanation.of_answer(row, &answer.value, 3).expect("every answer has a score");
    assert!(found.contributions.len() <= 3);
    let sum: f64 = found.contributions.iter().map(|(_, contribution)| contribution).sum();
    assert_close(found.expected + sum + found.rest, found.score, 1e-9);
    let largest = found.contributions.iter().map(|(_, contribution)| contribution.abs());
    assert!(largest.is_sorted_by(|a, b| a >= b), "{found:?}");
}

#[test]
fn linear_contributions_add_up_to_the_score() {
    let two = tickets(200, 2);
    for loss in [LinearLoss::Logistic, LinearLoss::SquaredHinge] {
        for data in [&two, &tickets(200, 4)] {
            check_scores(&fit(data, LinearParams { loss, ..LinearParams::default() }), data, 1e-5);
        }
    }
    let Truth::Label { ids, .. } = &two.truth else { panic!("labels") };
    let booleans = with_truth(two.rows.clone(), Truth::Boolean(ids.iter().map(|&id| id == 1).collect()));
    check_scores(&fit(&booleans, LinearParams::default()), &booleans, 1e-5);
    let numbers = with_truth(two.rows.clone(), Truth::Number((0..200).map(|i| f64::from(i) * 0.5).collect()));
    check_scores(&fit(&numbers, LinearParams::default()), &numbers, 1e-5);
}

#[test]
fn terms_of_texts_are_named_and_missing_ones_count() {
    let data = tickets(200, 3);
    let model = fit(&data, LinearParams::default());
    let found = model.explain(&data.rows.slice(0, 1)).unwrap();
    assert!(found.features.iter().any(|f| f.name.contains(": \"")), "{:?}", found.features);
    // Nearly all contribute something: a word that is not there speaks too.
    let n_zero = found.of(0, 0).iter().filter(|&&contribution| contribution == 0.0).count();
    assert!(n_zero < found.features.len() / 2, "{n_zero} of {}", found.features.len());
}

#[test]
fn trees_say_what_their_scores_are_and_whether_they_add_up() {
    let data = bills();
    let fit = |data: &LabelledRows, params: TreesParams| {
        Model::fit(data, &ModelParams::Trees(Box::new(params)), 0).unwrap().explain(&data.rows).unwrap()
    };
    let mut params = TreesParams::default();
    params.grow.trees = 20;
    params.grow.min_rows_per_leaf = 1;
    let found = fit(&data, params.clone());
    assert_eq!((found.unit, &*found.classes[0]), (ScoreUnit::Answer, ""));
    params.grow.additive = true;
    let additive = fit(&data, params.clone());
    assert!(additive.is_additive);
    // Rows 0 and 8 have the same seats, and so the same contribution.
    assert_close(additive.of(0, 0)[0], additive.of(8, 0)[0], 1e-12);
    let labels = tickets(200, 3);
    let found = fit(&labels, params);
    assert_eq!((found.unit, found.classes.len()), (ScoreUnit::LogProbability, 3));
}

#[test]
fn models_without_scores_are_not_explained() {
    let data = bills();
    let baseline = Model::fit(&data, &ModelParams::Baseline(BaselineParams::default()), 0).unwrap();
    assert_eq!(baseline.explain(&data.rows), None);
}
