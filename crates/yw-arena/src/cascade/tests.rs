//! Tuning and answering, on made-up outcomes.

use std::time::Duration;

use yw_config::BooleanCosts;
use yw_task::{Answer, Cell, Field, FieldType, RowsBuilder, Scores, Usd, Value};

use super::*;

fn answer(value: bool, confidence: f64) -> Outcome {
    let p = if value { confidence } else { 1.0 - confidence };
    Outcome::answered(Answer::new(Value::Boolean(value)).with_scores(Scores::True(p)))
}

fn bare(value: bool) -> Outcome {
    Outcome {
        usage: Usage { calls: 1, usd: Usd::from_picos(7), ..Usage::default() },
        latency: Some(Duration::from_millis(30)),
        ..Outcome::answered(Answer::new(Value::Boolean(value)))
    }
}

fn rows(n_rows: usize, groups: Option<Vec<u32>>) -> LabelledRows {
    let mut builder = RowsBuilder::new([Field::new("n", FieldType::Number)].into());
    (0..n_rows).for_each(|i| builder.push(&[Cell::Number(i as f64)]).unwrap());
    LabelledRows {
        rows: builder.finish(),
        truth: Truth::Boolean((0..n_rows).map(|i| i < n_rows / 2).collect()),
        groups,
    }
}

#[test]
fn the_threshold_asks_about_what_the_first_has_wrong() {
    let truth = Truth::Boolean(vec![true; 5]);
    let cheap = [answer(true, 0.95), answer(false, 0.6), answer(true, 0.9), answer(false, 0.7), answer(true, 0.8)];
    let dear: Vec<Outcome> = (0..5).map(|_| bare(true)).collect();
    let threshold = best_threshold(&cheap, &dear, &truth, Metric::Accuracy, None);
    assert_eq!(threshold, 0.7_f64.next_up());
    assert_eq!(cheap.iter().filter(|o| is_unsure(o, threshold)).count(), 2);
}

#[test]
fn of_equally_good_thresholds_the_one_that_asks_least_is_taken() {
    let truth = Truth::Boolean(vec![true; 3]);
    let cheap = [answer(true, 0.9), answer(true, 0.6), answer(true, 0.7)];
    assert_eq!(best_threshold(&cheap, &[bare(true), bare(true), bare(true)], &truth, Metric::Accuracy, None), 0.0);
    // Nor does an undefined metric ask anybody: there is one class only.
    assert_eq!(best_threshold(&cheap, &[bare(true), bare(true), bare(true)], &truth, Metric::RocAuc, None), 0.0);
}

#[test]
fn a_lower_loss_is_a_better_one() {
    let truth = Truth::Boolean(vec![true, false]);
    let cheap = [answer(true, 0.9), answer(true, 0.6)];
    let threshold = best_threshold(&cheap, &[bare(true), bare(false)], &truth, Metric::Brier, None);
    assert_eq!(threshold, 0.9_f64.next_up(), "certain and right beats 0.9 too");
}

#[test]
fn a_threshold_may_be_tuned_for_costs() {
    // Asking corrects a false alarm and spoils a hit; only the hit is dear.
    let truth = Truth::Boolean(vec![false, true]);
    let cheap = [answer(true, 0.6), answer(true, 0.7)];
    let dear = [bare(false), bare(false)];
    let costs = |false_positive, false_negative| {
        CostsSpec::Boolean(BooleanCosts { true_positive: 0.0, false_positive, true_negative: 0.0, false_negative })
    };
    let best = |costs| best_threshold(&cheap, &dear, &truth, Metric::Cost, Some(&costs));
    assert_eq!(best(costs(1.0, 25.0)), 0.6_f64.next_up());
    assert_eq!(best(costs(-1.0, 25.0)), 0.0, "where a false alarm is a gain, nothing is asked");
}

#[test]
fn failures_are_asked_about_at_any_threshold() {
    let failed = Outcome::failed(RowErrorKind::Provider, "gone");
    assert!(is_unsure(&failed, 0.0));
    assert!(is_unsure(&bare(true), 0.0), "an answer without confidence is not sure");
    assert!(!is_unsure(&answer(true, 0.5), 0.0));
    assert!(!is_unsure(&Outcome::failed(RowErrorKind::Budget, "no money"), 1.0), "it waits for money instead");
}

#[test]
fn both_answers_are_paid_and_waited_for() {
    let both = joined(&bare(false), bare(true));
    assert_eq!(both.result.as_ref().unwrap().value, Value::Boolean(true));
    assert_eq!((both.usage.calls, both.usage.usd), (2, Usd::from_picos(14)));
    assert_eq!(both.latency, Some(Duration::from_millis(60)));
    assert_eq!(joined(&answer(true, 0.5), answer(false, 0.9)).latency, None, "nobody waited for a network");
}

#[test]
fn an_unsure_answer_is_better_than_none() {
    let gone = || Outcome::failed(RowErrorKind::Provider, "gone");
    assert_eq!(joined(&answer(true, 0.5), gone()).result, answer(true, 0.5).result);
    assert_eq!(joined(&Outcome::failed(RowErrorKind::Violation, "odd"), gone()).result, gone().result);
    let no_money = Outcome::failed(RowErrorKind::Budget, "no money");
    assert!(was_not_asked(&joined(&answer(true, 0.5), no_money)), "the row is to be asked when there is money");
}

#[test]
fn rows_are_held_out_at_random() {
    let train = rows(500, None);
    let (learn, held_out) = hold_out(&train, 3).unwrap();
    assert_eq!((learn.len(), held_out.len()), (400, 100));
    let mut all = [learn, held_out.clone()].concat();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..500));
    // The rows are sorted by answer: half of the held-out ones come from either side.
    let n_first_half = held_out.iter().filter(|&&i| i < 250).count();
    assert!((35..=65).contains(&n_first_half), "{n_first_half}");
    assert_eq!(hold_out(&train, 3).unwrap().1, held_out);
    assert_ne!(hold_out(&train, 4).unwrap().1, held_out);
    assert_eq!(hold_out(&rows(5000, None), 3).unwrap().1.len(), TUNING_ROWS);
}

#[test]
fn groups_are_held_out_whole() {
    let groups: Vec<u32> = (0..100).map(|i| i % 7).collect();
    let (learn, held_out) = hold_out(&rows(100, Some(groups.clone())), 1).unwrap();
    assert!(learn.iter().all(|&i| held_out.iter().all(|&j| groups[i] != groups[j])));
    assert!(!held_out.is_empty() && !learn.is_empty());
    // One large group and a small one: the small one, whichever comes first.
    let lopsided: Vec<u32> = (0..100).map(|i| u32::from(i == 0)).collect();
    for seed in 0..10 {
        let (learn, held_out) = hold_out(&rows(100, Some(lopsided.clone())), seed).unwrap();
        assert_eq!(learn.len() + held_out.len(), 100);
        assert!(!held_out.is_empty() && !learn.is_empty());
    }
    assert!(hold_out(&rows(100, Some(vec![4; 100])), 1).is_none());
}

#[test]
fn a_handful_of_rows_is_needed() {
    assert!((0..5).all(|n_rows| hold_out(&rows(n_rows, None), 1).is_none()));
    assert_eq!(hold_out(&rows(5, None), 1).unwrap().1.len(), 1);
}
