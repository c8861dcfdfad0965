//! Which answers reach which metric, by hand; the metrics themselves are tested where they live.

use serde_json::json;
use yw_config::{BooleanCosts, LabelCost};
use yw_task::{Answer, Cell, Field, FieldType, LabelSet, Rows, RowsBuilder, Scores, Value};

use super::cost::cost_matrix;
use super::*;

fn failed() -> Outcome {
    Outcome::failed(RowErrorKind::Provider, "gone")
}

fn answered(value: Value) -> Outcome {
    Outcome::answered(Answer::new(value))
}

fn label(name: &str, scores: &[f64]) -> Outcome {
    Outcome::answered(Answer::new(Value::Label(name.into())).with_scores(Scores::Labels(scores.to_vec())))
}

fn boolean(p: f64) -> Outcome {
    Outcome::answered(Answer::new(Value::Boolean(p > 0.5)).with_scores(Scores::True(p)))
}

fn numbered_rows(n_rows: usize) -> Rows {
    let mut builder = RowsBuilder::new([Field::new("n", FieldType::Number)].into());
    (0..n_rows).for_each(|i| builder.push(&[Cell::Number(i as f64)]).unwrap());
    builder.finish()
}

fn test_set(truth: Truth, metric: Metric) -> TestSet {
    let n_rows = truth.len();
    let rows = LabelledRows { rows: numbered_rows(n_rows), truth, groups: None };
    TestSet::new(rows, [n_rows], metric, 1)
}

/// Every metric of the kind, by name.
#[track_caller]
fn check(truth: Truth, outcomes: &[Outcome], expect: &[(&str, f64)]) {
    let metric = Metric::of_kind(truth.kind())[0];
    let scored = test_set(truth, metric).score(outcomes);
    let found: Vec<(&str, f64)> = scored.metrics.iter().map(|(m, e)| (m.name(), e.value)).collect();
    assert_eq!(found.len(), expect.len(), "{found:?}");
    for ((name, value), (expected_name, expected)) in found.iter().zip(expect) {
        let is_same = (value - expected).abs() < 1e-9 || (value.is_nan() && expected.is_nan());
        assert!(name == expected_name && is_same, "{name} is {value}, not {expected_name} {expected}");
    }
    assert_eq!(scored.score.value.to_bits(), found[0].1.to_bits());
}

/// The deciding score by cost.
fn cost_of(truth: Truth, costs: CostsSpec, outcomes: &[Outcome]) -> Scored {
    test_set(truth, Metric::Cost).with_costs(Some(costs)).score(outcomes)
}

/// What the floor of 1e-15 costs.
fn certain_and_wrong() -> f64 {
    15.0 * 10.0_f64.ln()
}

#[test]
fn labels() {
    // "c" stands in no training row, so that its scores have two columns. One row failed.
    let labels = LabelSet::sorted(["a", "b"]).extended(["c"]);
    let truth = Truth::Label { ids: vec![0, 0, 1, 2], labels };
    let outcomes = [label("a", &[0.8, 0.2]), failed(), label("b", &[0.4, 0.6]), label("b", &[0.3, 0.7])];
    // Of "a": one hit of two. Of "b": one hit, one false alarm. Of "c": nothing.
    let f1 = [2.0 / 3.0, 2.0 / 3.0, 0.0];
    let losses = -(0.8_f64.ln() + 0.6_f64.ln()) + 2.0 * certain_and_wrong();
    // "a" against the rest: 0.8 wins twice, the failure loses twice. "b": 0.6 beats 0.2, loses against 0.7 and the
    // failure. "c": zero for everyone, and the failure above it.
    let areas = [0.5, 1.0 / 3.0, 2.0 / 6.0];
    check(
        truth,
        &outcomes,
        &[
            ("macro_f1", f1.iter().sum::<f64>() / 3.0),
            ("accuracy", 0.5),
            ("weighted_f1", (2.0 * f1[0] + f1[1]) / 4.0),
            ("log_loss", losses / 4.0),
            ("roc_auc", areas.iter().sum::<f64>() / 3.0),
        ],
    );
}

#[test]
fn labels_without_scores_are_certain_of_themselves() {
    let truth = Truth::Label { ids: vec![0, 1], labels: LabelSet::sorted(["a", "b"]) };
    let outcomes = [answered(Value::Label("a".into())), answered(Value::Label("a".into()))];
    let loss = certain_and_wrong() / 2.0;
    check(
        truth,
        &outcomes,
        &[("macro_f1", 1.0 / 3.0), ("accuracy", 0.5), ("weighted_f1", 1.0 / 3.0), ("log_loss", loss), ("roc_auc", 0.5)],
    );
}

#[test]
fn booleans() {
    let truth = Truth::Boolean(vec![true, true, false, false]);
    let outcomes = [boolean(0.9), failed(), boolean(0.2), answered(Value::Boolean(true))];
    // Hits 1, misses 1, false alarms 1, rejections 1. Ranked: the failure, 0.2 (false), 0.9 (true), 1 (false).
    let losses = -(0.9_f64.ln() + 0.8_f64.ln()) + 2.0 * certain_and_wrong();
    check(
        truth,
        &outcomes,
        &[
            ("roc_auc", 0.25),
            ("accuracy", 0.5),
            ("f1", 0.5),
            ("precision", 0.5),
            ("recall", 0.5),
            ("average_precision", 0.5 * 0.5 + 0.5 * 0.5),
            ("log_loss", losses / 4.0),
            ("brier", (0.01 + 1.0 + 0.04 + 1.0) / 4.0),
        ],
    );
}

#[test]
fn costs_of_booleans() {
    let truth = Truth::Boolean(vec![true, true, true, false, false, false]);
    let outcomes = [boolean(0.9), boolean(0.1), failed(), boolean(0.8), boolean(0.3), failed()];
    let costs = BooleanCosts { true_positive: -10.0, false_positive: 1.0, true_negative: -0.5, false_negative: 25.0 };
    let scored = cost_of(truth.clone(), CostsSpec::Boolean(costs), &outcomes);
    // A hit, a miss, and a failure as dear as a miss; a false alarm, a rejection, and a failure as dear as a false alarm.
    let by_hand = (-10.0 + 25.0 + 25.0 + 1.0 - 0.5 + 1.0) / 6.0;
    assert!((scored.score.value - by_hand).abs() < 1e-12, "{}", scored.score.value);
    assert!(scored.score.low < by_hand && by_hand < scored.score.high);
    assert!(scored.right.is_none(), "a mean has no exact test");
    assert_eq!(scored.metrics.last().unwrap().0, Metric::Cost);
    // Where being right costs more than any mistake, that is what failing costs.
    let upside_down = BooleanCosts { true_positive: 30.0, ..costs };
    let scored = cost_of(truth, CostsSpec::Boolean(upside_down), &outcomes);
    assert!((scored.score.value - (30.0 + 25.0 + 30.0 + 1.0 - 0.5 + 1.0) / 6.0).abs() < 1e-12);
}

#[test]
fn costs_of_labels() {
    // "c" stands in no training row; "d" in no row at all, and what it costs has no place.
    let labels = LabelSet::sorted(["a", "b"]).extended(["c"]);
    let truth = Truth::Label { ids: vec![0, 0, 1, 1, 2, 0], labels: labels.clone() };
    let answers = ["a", "b", "a", "b", "b"];
    let mut outcomes: Vec<Outcome> = answers.iter().map(|name| answered(Value::Label((*name).into()))).collect();
    outcomes.push(failed());
    let cost = |truth: &str, answer: &str, cost| LabelCost { truth: truth.into(), answer: answer.into(), cost };
    let costs = CostsSpec::Label(vec![
        cost("a", "b", 5.0),
        cost("a", "c", 7.0),
        cost("b", "b", -2.0),
        cost("c", "b", 0.25),
        cost("d", "a", 100.0),
    ]);
    assert_eq!(cost_matrix(&costs, &labels), [0.0, 5.0, 7.0, 1.0, -2.0, 1.0, 1.0, 0.25, 0.0]);
    let scored = cost_of(truth, costs, &outcomes);
    // Right, named, not named and so 1, a gain, named, and a failure as dear as the dearest answer to "a".
    assert!((scored.score.value - (0.0 + 5.0 + 1.0 - 2.0 + 0.25 + 7.0) / 6.0).abs() < 1e-12);
}

#[test]
fn costs_are_compared_in_pairs_and_by_slice() {
    let n_rows = 200;
    let truth = Truth::Boolean((0..n_rows).map(|i| i % 2 == 0).collect());
    let costs = BooleanCosts { true_positive: 0.0, false_positive: 1.0, true_negative: 0.0, false_negative: 25.0 };
    let test = test_set(truth, Metric::Cost).with_costs(Some(CostsSpec::Boolean(costs)));
    // One misses every tenth row, the other raises a false alarm in their stead.
    let cautious: Vec<Outcome> =
        (0..n_rows).map(|i| boolean(if i % 2 == 0 || i % 20 == 1 { 0.9 } else { 0.1 })).collect();
    let bold: Vec<Outcome> = (0..n_rows).map(|i| boolean(if i % 2 == 0 && i % 20 != 0 { 0.9 } else { 0.1 })).collect();
    let (cautious, bold) = (test.score(&cautious), test.score(&bold));
    assert!((cautious.score.value - 0.05).abs() < 1e-12 && (bold.score.value - 1.25).abs() < 1e-12);
    let difference = yw_stats::bootstrap_difference(&cautious.statistic, &bold.statistic, &test.bootstrap_params());
    assert!((difference.difference + 1.2).abs() < 1e-12);
    assert!(difference.high < 0.0 && difference.p_value < 0.05, "the accuracy is the same, the cost is not");

    let row_idxs: Vec<usize> = (0..40).collect();
    let outcomes: Vec<Outcome> = (0..n_rows).map(|_| boolean(0.1)).collect();
    assert_eq!(test.score_part(&row_idxs, &outcomes, 100).unwrap().value, 12.5);
}

#[test]
fn without_costs_there_is_no_cost() {
    let scored = test_set(Truth::Boolean(vec![true, false]), Metric::Accuracy).score(&[boolean(0.9), boolean(0.1)]);
    assert!(scored.metrics.iter().all(|(metric, _)| *metric != Metric::Cost));
    let labels = CostsSpec::Label(Vec::new());
    let truth = Truth::Boolean(vec![true]);
    assert!(metric_statistic(Metric::Cost, &truth, Some(&labels), &[boolean(0.9)]).is_none(), "those of labels");
}

#[test]
fn numbers() {
    let truth = Truth::Number(vec![1.0, 2.0, 4.0]);
    let outcomes = [answered(Value::Number(2.0)), answered(Value::Number(2.0)), failed()];
    // The failure is as wrong as the farthest truth: 4 - 1.
    let mean = 7.0 / 3.0;
    let variation: f64 = [1.0_f64, 2.0, 4.0].iter().map(|y| (y - mean).powi(2)).sum();
    check(
        truth,
        &outcomes,
        &[
            ("rmse", (10.0_f64 / 3.0).sqrt()),
            ("mae", 4.0 / 3.0),
            ("r2", 1.0 - 10.0 / variation),
            ("mape", (1.0 + 0.75) / 3.0),
            ("median_ae", 1.0),
        ],
    );
}

#[test]
fn texts() {
    let truth = Truth::Text(["the red car", "a dog", "yes"].map(str::to_owned).into());
    let outcomes = [answered(Value::Text("red bike".into())), answered(Value::Text("Dog!".into())), failed()];
    // "red" of "red car" and "red bike"; articles, case and punctuation do not count.
    let scored = test_set(truth, Metric::TokenF1).score(&outcomes);
    let value = |metric| scored.metrics.iter().find(|(m, _)| *m == metric).unwrap().1.value;
    assert!((value(Metric::TokenF1) - (0.5 + 1.0) / 3.0).abs() < 1e-12);
    assert!((value(Metric::ExactMatch) - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn objects() {
    let truth = Truth::Json(vec![json!({"a": 1, "b": "x"}), json!({"a": 2, "b": null}), json!({})]);
    let outcomes =
        [answered(Value::Json(json!({"b": "x", "a": 1}))), answered(Value::Json(json!({"a": 2, "b": "y"}))), failed()];
    check(truth, &outcomes, &[("field_accuracy", 0.5), ("exact", 1.0 / 3.0)]);
}

#[test]
fn rates_of_independent_rows_have_wilson_intervals_and_say_which_rows_are_right() {
    let truth = Truth::Boolean(vec![true; 20]);
    let outcomes: Vec<Outcome> = (0..20).map(|i| boolean(if i < 15 { 0.9 } else { 0.1 })).collect();
    let scored = test_set(truth, Metric::Accuracy).score(&outcomes);
    let wilson = wilson(15, 20, LEVEL);
    assert_eq!((scored.score.low, scored.score.high), (wilson.low, wilson.high));
    assert_eq!(scored.right.unwrap().iter().filter(|r| **r).count(), 15);
    let undefined = scored.metrics.iter().find(|(m, _)| *m == Metric::RocAuc).unwrap().1;
    assert!(undefined.value.is_nan() && undefined.low.is_nan(), "there is one class");
}

#[test]
fn ranking_metrics_are_means_over_the_folds_that_have_both_classes() {
    let truth = Truth::Boolean(vec![true, false, true, false, false, false]);
    // The second fold's scores are all larger, as those of another fit may be. The third has one class.
    let outcomes = [0.2, 0.1, 0.9, 0.8, 0.5, 0.6].map(boolean);
    let mut test = test_set(truth, Metric::RocAuc);
    assert!(test.score(&outcomes).score.value < 1.0);
    test.folds = vec![0..2, 2..4, 4..6];
    let scored = test.score(&outcomes);
    assert_eq!(scored.score.value, 1.0);
    let statistic = test.statistic(Metric::RocAuc, &outcomes).unwrap();
    assert_eq!(statistic.value(Some(&[1, 0, 1, 1, 3, 0])), 1.0, "of the second fold alone");
    assert!(statistic.value(Some(&[1, 0, 1, 0, 3, 0])).is_nan());
    // A part keeps the folds apart.
    assert_eq!(test.score_part(&[0, 1, 3, 4], &outcomes, 100).unwrap().value, 1.0);
    let brier = scored.metrics.iter().find(|(m, _)| *m == Metric::Brier).unwrap().1.value;
    assert!((brier - (0.64 + 0.01 + 0.01 + 0.64 + 0.25 + 0.36) / 6.0).abs() < 1e-12, "others are over all rows");
}

#[test]
fn failures_are_counted_by_kind() {
    let outcomes = [failed(), Outcome::failed(RowErrorKind::Budget, "no money"), failed(), boolean(0.3)];
    assert_eq!(failures(&outcomes), [(RowErrorKind::Provider, 2), (RowErrorKind::Budget, 1)]);
    assert_eq!(outcomes.iter().filter(|o| was_not_asked(o)).count(), 1);
}

#[test]
fn the_worst_rows_are_failures_and_confident_mistakes() {
    let truth = Truth::Boolean(vec![true; 5]);
    let outcomes = [boolean(0.4), boolean(0.9), failed(), boolean(0.1), answered(Value::Boolean(true))];
    let details = details(&test_set(truth, Metric::Accuracy), &outcomes);
    let worst: Vec<(usize, bool)> = details.worst.iter().map(|w| (w.row_idx, w.failed)).collect();
    assert_eq!(worst, [(2, true), (3, false), (0, false)]);
    assert_eq!(details.worst[0].answer, "gone");
    assert_eq!(details.worst[1].confidence, Some(0.9));
    let confusion = details.confusion.unwrap();
    assert_eq!((confusion.counts, confusion.unanswered), (vec![0, 0, 2, 2], vec![0, 1]));
}

#[test]
fn only_stated_probabilities_are_calibrated() {
    let truth = Truth::Boolean(vec![true, false, true]);
    let calibration = |outcomes: &[Outcome]| details(&test_set(truth.clone(), Metric::Brier), outcomes).calibration;
    assert!(calibration(&[answered(Value::Boolean(true)), failed(), failed()]).is_none());
    let found = calibration(&[boolean(0.75), boolean(0.75), answered(Value::Boolean(true))]).unwrap();
    assert_eq!((found.bins.len(), found.bins[0].rows, found.bins[0].observed), (1, 2, 0.5));
    assert!((found.ece - 0.25).abs() < 1e-12);

    let labels = LabelSet::sorted(["a", "b"]);
    let truth = Truth::Label { ids: vec![0, 0], labels };
    let outcomes = [label("a", &[0.9, 0.1]), label("b", &[0.1, 0.9])];
    let found = details(&test_set(truth, Metric::Accuracy), &outcomes).calibration.unwrap();
    assert_eq!(
        (found.bins[0].stated, found.bins[0].observed),
        (0.9, 0.5),
        "the confidence in the answer, whichever it is"
    );
}

#[test]
fn slices_are_large_parts_of_the_rows() {
    let n_rows = 160;
    let fields: std::sync::Arc<[Field]> = [
        Field::new("plan", FieldType::Category),
        Field::new("seats", FieldType::Number),
        Field::new("constant", FieldType::Boolean),
        Field::new("note", FieldType::Text),
    ]
    .into();
    let mut builder = RowsBuilder::new(fields);
    for i in 0..n_rows {
        let plan = if i < 5 { Cell::Text("rare") } else { Cell::Text(if i % 2 == 0 { "free" } else { "paid" }) };
        let seats = if i % 4 == 3 { Cell::Missing } else { Cell::Number(i as f64 / 10.0) };
        builder.push(&[plan, seats, Cell::Boolean(true), Cell::Text("x")]).unwrap();
    }
    let truth = Truth::Boolean(vec![true; n_rows]);
    let rows = LabelledRows { rows: builder.finish(), truth, groups: None };
    let test = TestSet::new(rows, [n_rows], Metric::Accuracy, 1);
    let outcomes: Vec<Outcome> = (0..n_rows).map(|i| boolean(if i % 2 == 0 { 0.9 } else { 0.1 })).collect();
    let found: Vec<String> = details(&test, &outcomes)
        .slices
        .iter()
        .map(|s| format!("{} {}: {} of {}", s.field, s.value, s.score.value, s.rows))
        .collect();
    insta::assert_snapshot!(found.join("\n"), @r#"
    plan paid: 0 of 78
    plan free: 1 of 77
    seats ≤ 3.800: 0.6666666666666666 of 30
    seats 3.800 – 7.800: 0.6666666666666666 of 30
    seats 7.800 – 11.80: 0.6666666666666666 of 30
    seats > 11.80: 0.6666666666666666 of 30
    seats (missing): 0 of 40
    "#);
}

/// Scores, details and comparison of large test sets must not be felt in a run: `cargo test -p yw-arena -- --ignored
/// --nocapture scoring_takes` prints how long they take.
#[test]
#[ignore = "prints timings"]
fn scoring_takes() {
    let uniform = |i: usize| (i as f64 * 0.618_033_988_749_894_9).fract();
    let time = |what: &str, test: &TestSet, outcomes: &[Outcome]| {
        let started = std::time::Instant::now();
        let scored = test.score(outcomes);
        let scores = started.elapsed();
        details(test, outcomes);
        let details = started.elapsed() - scores;
        let other = yw_stats::bootstrap_difference(&scored.statistic, &scored.statistic, &test.bootstrap_params());
        assert_eq!(other.difference, 0.0);
        let comparison = started.elapsed() - scores - details;
        #[expect(clippy::print_stderr, reason = "this is what the test is for")]
        {
            eprintln!("{what}: scores {scores:.2?}, details {details:.2?}, one comparison {comparison:.2?}");
        }
    };
    let n_rows = 16_000;
    let truth = Truth::Boolean((0..n_rows).map(|i| uniform(i) > 0.7).collect());
    let outcomes: Vec<Outcome> = (0..n_rows).map(|i| boolean((uniform(i) + uniform(7 * i + 3)) / 2.0)).collect();
    time("16,000 booleans, 8 metrics", &test_set(truth, Metric::RocAuc), &outcomes);

    let (n_rows, n_labels) = (3_080, 77);
    let names: Vec<String> = (0..n_labels).map(|i| format!("label {i:02}")).collect();
    let labels = LabelSet::sorted(&names);
    let scores = |i: usize| -> Vec<f64> {
        let raw: Vec<f64> = (0..n_labels).map(|l| uniform(i * n_labels + l).powi(8)).collect();
        let sum: f64 = raw.iter().sum();
        raw.iter().map(|p| p / sum).collect()
    };
    let outcomes: Vec<Outcome> = (0..n_rows).map(|i| label(&names[i % n_labels], &scores(i))).collect();
    let truth = Truth::Label { ids: (0..n_rows).map(|i| ((i + i / 9) % n_labels) as u32).collect(), labels };
    time("3,080 rows of 77 labels, 5 metrics", &test_set(truth, Metric::MacroF1), &outcomes);

    let n_rows = 16_000;
    let truth = Truth::Number((0..n_rows).map(uniform).collect());
    let outcomes: Vec<Outcome> = (0..n_rows).map(|i| answered(Value::Number(uniform(i + 5)))).collect();
    time("16,000 numbers, 5 metrics", &test_set(truth, Metric::Rmse), &outcomes);
}
