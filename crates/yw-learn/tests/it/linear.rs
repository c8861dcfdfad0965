//! Linear models, against scikit-learn 1.9 and by their properties.

use yw_learn::{ClassWeight, FitError, LinearLoss, LinearParams, Model, ModelParams};
use yw_task::{AnswerKind, LabelSet, LabelledRows, Scores, Truth, Value};

use crate::fixtures::{labelled, numbers, texts, tickets, with_truth};

const FIRST: [f64; 12] = [1.0, 2.0, 1.5, 0.5, 3.0, 4.0, 3.5, 2.5, 6.0, 7.0, 6.5, 5.0];
const SECOND: [f64; 12] = [2.0, 1.0, 1.8, 2.5, 4.0, 3.0, 4.5, 3.0, 1.0, 2.0, 0.5, 2.5];
const TRUE_ROWS: [usize; 7] = [1, 4, 5, 7, 8, 9, 11];
const NUMBERS: [f64; 12] = [3.0, 1.2, 2.2, 4.1, 5.0, 6.6, 7.1, 2.9, 9.5, 8.8, 7.7, 6.1];

fn booleans() -> LabelledRows {
    let truths = (0..12).map(|i| TRUE_ROWS.contains(&i)).collect();
    with_truth(numbers(&[("a", &FIRST), ("b", &SECOND)]), Truth::Boolean(truths))
}

fn three_labels() -> LabelledRows {
    let labels: Vec<&str> = (0..12).map(|i| ["x", "y", "z"][i / 4]).collect();
    labelled(numbers(&[("a", &FIRST), ("b", &SECOND)]), &labels)
}

fn exact(l2: f64) -> LinearParams {
    LinearParams { l2: Some(l2), tolerance: 1e-9, ..LinearParams::default() }
}

fn fit(train: &LabelledRows, params: LinearParams) -> Model {
    Model::fit(train, &ModelParams::Linear(params), 1).expect("the model can be fitted")
}

fn probabilities_of_true(model: &Model, rows: &LabelledRows) -> Vec<f64> {
    let probability = |answer: yw_task::Answer| match answer.scores {
        Some(Scores::True(p)) => p,
        other => panic!("{other:?} is not a probability of true"),
    };
    model.answers(&rows.rows).into_iter().map(probability).collect()
}

fn label_probabilities(model: &Model, rows: &LabelledRows) -> Vec<Vec<f64>> {
    let probabilities = |answer: yw_task::Answer| match answer.scores {
        Some(Scores::Labels(p)) => p,
        other => panic!("{other:?} are not probabilities of labels"),
    };
    model.answers(&rows.rows).into_iter().map(probabilities).collect()
}

#[track_caller]
fn check(found: &[f64], expect: &[f64], tolerance: f64) {
    let is_close = found.len() == expect.len() && found.iter().zip(expect).all(|(a, b)| (a - b).abs() <= tolerance);
    assert!(is_close, "{found:?} is not {expect:?}");
}

#[test]
fn logistic_equals_scikit_learn() {
    let expect = [
        0.390538145,
        0.426037134,
        0.419262199,
        0.373189722,
        0.612744209,
        0.646999184,
        0.664818156,
        0.539082102,
        0.710928894,
        0.79443292,
        0.725797861,
        0.696169496,
    ];
    let model = fit(&booleans(), exact(1.0));
    check(&probabilities_of_true(&model, &booleans()), &expect, 1e-6);
    assert!(model.summary().converged);
    let importance = model.importance(9).expect("linear models have weights");
    assert_eq!((&*importance[0].class, importance.len()), ("true", 1));
    let weights: Vec<f64> = importance[0].features.iter().map(|f| f.weight).collect();
    check(&weights, &[0.627782418, 0.175158501], 1e-6);
    assert_eq!(importance[0].features[0].name, "a");
}

#[test]
fn balanced_logistic_equals_scikit_learn() {
    let expect = [
        0.288957505,
        0.319398413,
        0.316978741,
        0.274400413,
        0.549362628,
        0.58467882,
        0.616030387,
        0.4556466,
        0.652453181,
        0.764788492,
        0.66858615,
        0.642737391,
    ];
    let params = LinearParams { class_weight: ClassWeight::Balanced, ..exact(0.5) };
    check(&probabilities_of_true(&fit(&booleans(), params), &booleans()), &expect, 1e-6);
}

#[test]
fn balanced_softmax_equals_scikit_learn() {
    let labels: Vec<&str> = (0..12).map(|i| ["x", "x", "x", "y", "y", "z"][i / 2]).collect();
    let train = labelled(booleans().rows, &labels);
    let params = LinearParams { loss: LinearLoss::Logistic, class_weight: ClassWeight::Balanced, ..exact(0.5) };
    let expect: [[f64; 3]; 12] = [
        [0.866012062, 0.076562235, 0.057425703],
        [0.746889397, 0.098880279, 0.154230325],
        [0.810391917, 0.100425509, 0.089182575],
        [0.90104556, 0.065096262, 0.033858178],
        [0.400669536, 0.485692369, 0.113638095],
        [0.270381726, 0.490811822, 0.238806453],
        [0.267343558, 0.623613853, 0.109042589],
        [0.581118066, 0.291926423, 0.126955511],
        [0.073336826, 0.298528112, 0.628135062],
        [0.029597302, 0.446125858, 0.524276839],
        [0.047402544, 0.236127264, 0.716470192],
        [0.145102846, 0.49461945, 0.360277704],
    ];
    for (found, expect) in label_probabilities(&fit(&train, params), &train).iter().zip(expect) {
        check(found, &expect, 1e-5);
    }
}

#[test]
fn balanced_machines_find_more_of_a_rare_class() {
    // One in ten is true, and the classes overlap.
    let values: Vec<f64> =
        (0..400u64).map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 44) as f64 / 1048576.0).collect();
    let truths: Vec<bool> = (0..400).map(|i| i % 10 == 0).collect();
    let shifted: Vec<f64> = values.iter().zip(&truths).map(|(v, t)| v + if *t { 0.5 } else { 0.0 }).collect();
    let train = with_truth(numbers(&[("v", &shifted)]), Truth::Boolean(truths.clone()));
    let n_found = |loss, class_weight| {
        let model = fit(&train, LinearParams { loss, class_weight, ..LinearParams::default() });
        let answers = model.answers(&train.rows);
        answers.iter().zip(&truths).filter(|(answer, truth)| **truth && answer.value == Value::Boolean(true)).count()
    };
    for loss in [LinearLoss::SquaredHinge, LinearLoss::Logistic] {
        let (plain, balanced) = (n_found(loss, ClassWeight::None), n_found(loss, ClassWeight::Balanced));
        assert!(balanced >= plain + 10, "{}: {plain} of 40, {balanced} when balanced", loss.name());
    }
}

#[test]
fn two_labels_are_like_a_boolean() {
    let labels: Vec<&str> = (0..12).map(|i| if TRUE_ROWS.contains(&i) { "yes" } else { "no" }).collect();
    let train = labelled(booleans().rows, &labels);
    let of_label: Vec<f64> = label_probabilities(&fit(&train, exact(1.0)), &train).iter().map(|p| p[1]).collect();
    check(&of_label, &probabilities_of_true(&fit(&booleans(), exact(1.0)), &booleans()), 1e-12);
}

#[test]
fn softmax_equals_scikit_learn() {
    let expect: [[f64; 3]; 12] = [
        [0.801067218, 0.146045892, 0.05288689],
        [0.812187364, 0.057319996, 0.130492641],
        [0.778367227, 0.13750614, 0.084126633],
        [0.748869346, 0.219437916, 0.031692738],
        [0.084843972, 0.852051287, 0.06310474],
        [0.14930745, 0.580437893, 0.270254657],
        [0.033645474, 0.920507822, 0.045846704],
        [0.318850599, 0.561701042, 0.119448359],
        [0.081284227, 0.047352142, 0.871363631],
        [0.024210336, 0.104675812, 0.871113852],
        [0.055292558, 0.020040788, 0.924666653],
        [0.112074243, 0.352923266, 0.53500249],
    ];
    let model = fit(&three_labels(), exact(1.0));
    for (found, expect) in label_probabilities(&model, &three_labels()).iter().zip(expect) {
        check(found, &expect, 1e-4);
    }
    let weights: Vec<f64> = model.importance(1).expect("weights").iter().map(|c| c.features[0].weight).collect();
    check(&weights, &[-1.102477864, 1.069421882, 1.098816206], 1e-4);
}

#[test]
fn ridge_equals_scikit_learn() {
    let expect = [
        2.587798949,
        3.208999531,
        3.022595696,
        2.277198658,
        5.486152866,
        6.107353448,
        6.210741345,
        4.554570293,
        7.349754613,
        8.798931572,
        7.660354904,
        6.935548125,
    ];
    let train = with_truth(booleans().rows, Truth::Number(NUMBERS.to_vec()));
    let model = fit(&train, exact(1.0));
    let found: Vec<f64> = model
        .answers(&train.rows)
        .into_iter()
        .map(|a| match a.value {
            Value::Number(n) => n,
            other => panic!("{other} is not a number"),
        })
        .collect();
    check(&found, &expect, 1e-5);
    let weights: Vec<f64> = model.importance(2).expect("weights")[0].features.iter().map(|f| f.weight).collect();
    check(&weights, &[2.169973265, 0.475586168], 1e-5);
}

#[test]
fn ridge_takes_any_scale() {
    for scale in [1e-200, 1.0, 1e300] {
        let train = with_truth(booleans().rows, Truth::Number(NUMBERS.iter().map(|n| n * scale).collect()));
        let answers = fit(&train, LinearParams::default()).answers(&train.rows);
        for (answer, truth) in answers.iter().zip(NUMBERS) {
            assert!(matches!(answer.value, Value::Number(n) if (n / scale - truth).abs() < 3.0), "{answer:?}");
        }
    }
    let constant = with_truth(booleans().rows, Truth::Number(vec![7.0; 12]));
    let answers = fit(&constant, LinearParams::default()).answers(&constant.rows);
    assert!(answers.iter().all(|a| a.value == Value::Number(7.0)));
}

#[test]
fn machines_learn_text_and_are_sure_of_it() {
    let train = tickets(600, 5);
    let (fit_rows, test_rows): (Vec<usize>, Vec<usize>) = (0..600).partition(|i| i % 4 != 0);
    let test = train.take(&test_rows);
    for loss in [LinearLoss::SquaredHinge, LinearLoss::Logistic] {
        let model = fit(&train.take(&fit_rows), LinearParams { loss, ..LinearParams::default() });
        let answers = model.answers(&test.rows);
        let n_right = answers.iter().enumerate().filter(|(i, a)| a.value == test.truth.value(*i)).count();
        assert!(n_right as f64 > 0.8 * answers.len() as f64, "{}: {n_right} right", loss.name());
        // Calibrated: the confidences add up to about as many as are right.
        let expected: f64 = answers.iter().filter_map(|a| a.confidence()).sum();
        assert!(
            (expected - n_right as f64).abs() < 0.08 * answers.len() as f64,
            "{}: {expected} of {n_right}",
            loss.name()
        );
        for p in label_probabilities(&model, &test) {
            assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
}

#[test]
fn machines_answer_booleans_too() {
    let params = LinearParams { loss: LinearLoss::SquaredHinge, ..LinearParams::default() };
    let model = fit(&booleans(), params);
    let probabilities = probabilities_of_true(&model, &booleans());
    assert!(probabilities[9] > probabilities[0]);
    assert!(probabilities.iter().all(|p| (0.0..=1.0).contains(p)));
}

#[test]
fn labels_without_rows_have_probability_zero() {
    let all = LabelSet::sorted(["absent", "x", "y", "z"]);
    let ids = (0..12).map(|i| i / 4 + 1).collect();
    let train = with_truth(three_labels().rows, Truth::Label { ids, labels: all });
    for loss in [LinearLoss::Logistic, LinearLoss::SquaredHinge] {
        let model = fit(&train, LinearParams { loss, ..LinearParams::default() });
        for p in label_probabilities(&model, &train) {
            assert_eq!((p.len(), p[0]), (4, 0.0));
        }
    }
}

#[test]
fn the_penalty_is_chosen_where_none_is_given() {
    // Noise alone: the more penalty, the better.
    let noise: Vec<f64> = (0..200u64).map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f64).collect();
    let truths: Vec<bool> = (0..200u64).map(|i| (i.wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 62) == 0).collect();
    let model = fit(&with_truth(numbers(&[("noise", &noise)]), Truth::Boolean(truths)), LinearParams::default());
    assert!(model.summary().l2 > Some(1.0), "{:?}", model.summary());
    // The answer itself: the less, the better.
    let truths: Vec<bool> = noise.iter().map(|n| *n > 8_000_000.0).collect();
    let model = fit(&with_truth(numbers(&[("noise", &noise)]), Truth::Boolean(truths)), LinearParams::default());
    assert!(model.summary().l2 < Some(1.0), "{:?}", model.summary());
}

#[test]
fn rows_of_a_group_are_not_torn_apart() {
    // Every text occurs twice, in one group; a split inside groups would find no penalty too small.
    let words: Vec<String> = (0..80).map(|i| format!("w{}", i / 2)).collect();
    let rows = texts(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let truths = (0..80u64).map(|i| ((i / 2).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 63) == 0).collect();
    let grouped = LabelledRows { rows, truth: Truth::Boolean(truths), groups: Some((0..80).map(|i| i / 2).collect()) };
    let torn = LabelledRows { groups: None, ..grouped.clone() };
    let l2 = |train| fit(&train, LinearParams::default()).summary().l2;
    assert!(l2(torn) < l2(grouped));
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let refused = |train: &LabelledRows, params| Model::fit(train, &ModelParams::Linear(params), 0).unwrap_err();
    let one = labelled(numbers(&[("a", &[1.0, 2.0])]), &["web", "web"]);
    assert_eq!(refused(&one, LinearParams::default()), FitError::OneClass { answer: "web".into() });
    let never = with_truth(numbers(&[("a", &[1.0, 2.0])]), Truth::Boolean(vec![false, false]));
    assert_eq!(refused(&never, LinearParams::default()), FitError::OneClass { answer: "false".into() });
    assert_eq!(refused(&one.take(&[]), LinearParams::default()), FitError::NoRows);
    let text = with_truth(one.rows.clone(), Truth::Text(vec!["a".into(), "b".into()]));
    assert_eq!(
        refused(&text, LinearParams::default()),
        FitError::NotSupported { model: "linear", kind: AnswerKind::Text }
    );
    let squared = LinearParams { loss: LinearLoss::Squared, ..LinearParams::default() };
    assert_eq!(refused(&booleans(), squared), FitError::Loss { loss: "squared", kind: AnswerKind::Boolean });
    for params in [
        LinearParams { l2: Some(0.0), ..LinearParams::default() },
        LinearParams { l2: Some(f64::NAN), ..LinearParams::default() },
        LinearParams { max_iterations: 0, ..LinearParams::default() },
        LinearParams { tolerance: -1.0, ..LinearParams::default() },
    ] {
        assert!(matches!(refused(&booleans(), params), FitError::Parameter { .. }));
    }
}

#[test]
fn a_fit_that_stops_early_says_so() {
    for loss in [LinearLoss::Logistic, LinearLoss::SquaredHinge] {
        let params =
            LinearParams { loss, max_iterations: 1, tolerance: 1e-12, l2: Some(1.0), ..LinearParams::default() };
        let summary = fit(&three_labels(), params).summary();
        assert_eq!((summary.converged, summary.iterations), (false, 1));
    }
}

#[test]
fn rows_without_features_get_the_class_frequencies() {
    let train = with_truth(texts(&["", "", "", ""]), Truth::Boolean(vec![true, false, false, false]));
    let model = fit(&train, LinearParams::default());
    assert_eq!(model.summary().n_features, 0);
    check(&probabilities_of_true(&model, &train), &[0.25; 4], 1e-3);
}
