//! Decision rules, by hand, against all cuts there are, and on drawn rows.

use proptest::prelude::*;
use yw_task::{Answer, LabelSet, Metric, Scores, Value};

use super::classes::best_weights;
use super::objective::Tallies;
use super::threshold::best_threshold;
use super::*;
use crate::bytes::{HEADER_LEN, Header, Writer};
use crate::probability::softmax;
use crate::random::Random;
use crate::{CalibrationMethod, Calibrator, FitError, HeldOut};

fn costs(matrix: &[f64]) -> Costs {
    Costs::of_matrix(matrix.to_vec()).expect("these are costs")
}

fn objectives(n_classes: usize) -> Vec<DecisionObjective> {
    let matrix: Vec<f64> = (0..n_classes * n_classes)
        .map(|i| if i % (n_classes + 1) == 0 { 0.0 } else { (1 + i * 7 % 5) as f64 * 0.5 })
        .collect();
    vec![
        DecisionObjective::Accuracy,
        DecisionObjective::F1,
        DecisionObjective::MacroF1,
        DecisionObjective::WeightedF1,
        DecisionObjective::BalancedAccuracy,
        DecisionObjective::Cost(costs(&matrix)),
    ]
}

/// Probabilities of false and true, from those of true.
fn pairs(p_true: &[f64]) -> Vec<f64> {
    p_true.iter().flat_map(|p| [1.0 - p, *p]).collect()
}

#[track_caller]
fn close(found: f64, expect: f64) {
    assert!((found - expect).abs() < 1e-9 || (found.is_nan() && expect.is_nan()), "{found} is not {expect}");
}

#[test]
fn rules_by_hand() {
    let check = |rule: DecisionRule, probabilities: &[f64], expect: usize| {
        assert_eq!(rule.apply(probabilities), expect, "{rule:?} of {probabilities:?}");
    };
    check(DecisionRule::Largest, &[0.2, 0.4, 0.4], 1);
    check(DecisionRule::Largest, &[0.5, 0.5], 0);
    check(DecisionRule::Threshold(0.3), &[0.7, 0.3], 0);
    check(DecisionRule::Threshold(0.29), &[0.7, 0.3], 1);
    check(DecisionRule::Threshold(-0.5), &[1.0, 0.0], 1);
    check(DecisionRule::ClassWeights(vec![1.0, 1.0, 4.0]), &[0.5, 0.3, 0.2], 2);
    // A miss costs 25 times a false alarm: true pays off above 1/26.
    let refunds = DecisionRule::MinimumCost(Costs::of_mistakes(1.0, 25.0).expect("these are costs"));
    check(refunds.clone(), &[1.0 - 0.0384, 0.0384], 0);
    check(refunds, &[1.0 - 0.0385, 0.0385], 1);
    // The expected costs of the answers are 0.5 · 4 + 0.3 · 1 = 2.3, 0.2 · 9 + … = 2.3 and 1.1.
    let triage = DecisionRule::MinimumCost(costs(&[0.0, 1.0, 1.0, 1.0, 0.0, 2.0, 10.0, 9.0, 0.0]));
    check(triage, &[0.5, 0.3, 0.2], 2);
}

#[test]
fn costs_must_be_costs() {
    let refused = |matrix: &[f64]| Costs::of_matrix(matrix.to_vec()).unwrap_err();
    for matrix in [&[][..], &[1.0], &[0.0, 1.0], &[0.0; 4], &[1.0, 1.0, 2.0, 2.0], &[0.0, f64::NAN, 1.0, 0.0]] {
        assert!(matches!(refused(matrix), FitError::Parameter { name: "costs", .. }), "{matrix:?}");
    }
    let costs = Costs::of_mistakes(2.0, 3.0).expect("these are costs");
    assert_eq!([costs.of(0, 0), costs.of(0, 1), costs.of(1, 0), costs.of(1, 1)], [0.0, 2.0, 3.0, 0.0]);
}

#[test]
fn objectives_by_hand() {
    // Truths a a a b b c, answers a a b b c c.
    let one_hot = |class: usize| [0, 1, 2].map(|c| f64::from(u8::from(c == class)));
    let probabilities: Vec<f64> = [0, 0, 1, 1, 2, 2].into_iter().flat_map(one_hot).collect();
    let held_out = HeldOut::new(&probabilities, &[0, 0, 0, 1, 1, 2], 3);
    let value = |objective: DecisionObjective| objective.value(&DecisionRule::Largest, &held_out);
    let f1 = [4.0 / 5.0, 2.0 / 4.0, 2.0 / 3.0];
    close(value(DecisionObjective::Accuracy), 4.0 / 6.0);
    close(value(DecisionObjective::F1), f1[1]);
    close(value(DecisionObjective::MacroF1), (f1[0] + f1[1] + f1[2]) / 3.0);
    close(value(DecisionObjective::WeightedF1), (3.0 * f1[0] + 2.0 * f1[1] + f1[2]) / 6.0);
    close(value(DecisionObjective::BalancedAccuracy), (2.0 / 3.0 + 0.5 + 1.0) / 3.0);
    // An a taken for b costs 7, a b taken for c 5, right answers of c 0.5.
    let matrix = costs(&[0.0, 7.0, 1.0, 1.0, 0.0, 5.0, 1.0, 1.0, 0.5]);
    close(value(DecisionObjective::Cost(matrix)), 12.5 / 6.0);
    // Nothing is true, and nothing answered so.
    let nothing = HeldOut::new(&[1.0, 0.0], &[0], 2);
    close(DecisionObjective::F1.value(&DecisionRule::Largest, &nothing), f64::NAN);
    assert_eq!(DecisionObjective::of_metric(Metric::F1), Some(DecisionObjective::F1));
    assert_eq!(DecisionObjective::of_metric(Metric::LogLoss), None);
}

#[test]
fn thresholds_lie_between_the_rows_they_part() {
    let threshold = |p_true: &[f64], truths: &[u32]| {
        let rows: Vec<usize> = (0..truths.len()).collect();
        best_threshold(&HeldOut::new(&pairs(p_true), truths, 2), &rows, &DecisionObjective::Accuracy)
    };
    // Anything from 0.125 to 0.25 is right; so is one half where it can be.
    close(threshold(&[0.0625, 0.125, 0.25, 0.375], &[0, 0, 1, 1]), 0.1875);
    close(threshold(&[0.0625, 0.125, 0.75, 0.875], &[0, 0, 1, 1]), 0.5);
    // Equally good cuts side by side are one plateau: 0.125 to 0.375, and of two plateaus the nearer to one half.
    close(threshold(&[0.125, 0.25, 0.25, 0.375], &[0, 0, 1, 1]), 0.25);
    close(threshold(&[0.125, 0.25, 0.3125, 0.4375], &[0, 1, 0, 1]), 0.375);
    // All true, all false.
    close(threshold(&[0.25, 0.375], &[1, 1]), 0.125);
    close(threshold(&[0.75, 0.625], &[0, 0]), 0.875);
    assert!(threshold(&[0.0, 0.375], &[1, 1]) < 0.0);
    assert!(threshold(&[1.0, 0.625], &[0, 0]) >= 1.0);
}

/// Rows of few different probabilities, truths and weights.
fn small_rows(n_classes: usize) -> impl Strategy<Value = (Vec<f64>, Vec<u32>, Vec<f64>)> {
    let row = (proptest::collection::vec(0u8..6, n_classes), 0..n_classes as u32, 1u8..4);
    proptest::collection::vec(row, 1..14).prop_map(|rows| {
        let normalised = |p: &[u8]| {
            let sum: f64 = p.iter().map(|v| f64::from(*v)).sum();
            let share = |v: &u8| if sum > 0.0 { f64::from(*v) / sum } else { 1.0 / p.len() as f64 };
            p.iter().map(share).collect::<Vec<f64>>()
        };
        let probabilities = rows.iter().flat_map(|(p, ..)| normalised(p)).collect();
        let truths = rows.iter().map(|(_, truth, _)| *truth).collect();
        let weights = rows.iter().map(|(.., weight)| f64::from(*weight) * 0.5).collect();
        (probabilities, truths, weights)
    })
}

fn score(objective: &DecisionObjective, rule: &DecisionRule, held_out: &HeldOut<'_>) -> f64 {
    Tallies::of_rule(objective, rule, held_out, &held_out.rows()).score()
}

proptest! {
    #[test]
    fn no_threshold_scores_better((probabilities, truths, weights) in small_rows(2)) {
        let held_out = HeldOut::new(&probabilities, &truths, 2).with_weights(&weights);
        for objective in objectives(2) {
            let found = best_threshold(&held_out, &held_out.rows(), &objective);
            let found = score(&objective, &DecisionRule::Threshold(found), &held_out);
            let all = probabilities.iter().skip(1).step_by(2).copied().chain([-1.0, 2.0, 0.5]);
            for threshold in all {
                let other = score(&objective, &DecisionRule::Threshold(threshold), &held_out);
                prop_assert!(other <= found + 1e-9, "{:?}: {} at {} is above {}", objective, other, threshold, found);
            }
        }
    }

    #[test]
    fn no_change_of_one_weight_scores_better((probabilities, truths, weights) in small_rows(3)) {
        let held_out = HeldOut::new(&probabilities, &truths, 3).with_weights(&weights);
        for objective in objectives(3) {
            let found = best_weights(&held_out, &held_out.rows(), &objective);
            let best = score(&objective, &DecisionRule::ClassWeights(found.clone()), &held_out);
            prop_assert!(best >= score(&objective, &DecisionRule::Largest, &held_out) - 1e-9);
            for class in 0..3 {
                for step in -40..=40 {
                    let mut changed = found.clone();
                    changed[class] = 1.13f64.powi(step) * 1.0001;
                    let other = score(&objective, &DecisionRule::ClassWeights(changed.clone()), &held_out);
                    prop_assert!(other <= best + 1e-9, "{:?}: {:?} beats {:?}", objective, changed, found);
                }
            }
        }
    }

    #[test]
    fn tallies_follow_changed_answers((probabilities, truths, weights) in small_rows(3), steps in proptest::collection::vec((0usize..14, 0usize..3), 1..30)) {
        let held_out = HeldOut::new(&probabilities, &truths, 3).with_weights(&weights);
        for objective in objectives(3) {
            let mut answers = vec![0; truths.len()];
            let of = |answers: &[usize]| Tallies::of_answers(&objective, &held_out, answers.iter().copied().enumerate());
            let mut tallies = of(&answers);
            for (row, to) in &steps {
                let row = row % truths.len();
                tallies.change(truths[row] as usize, answers[row], *to, weights[row]);
                answers[row] = *to;
                let expect = of(&answers).score();
                prop_assert!(tallies.score() == expect || (tallies.score() - expect).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn tuning_never_panics((probabilities, truths, weights) in small_rows(3), is_failed in any::<bool>()) {
        let mut probabilities = probabilities;
        if is_failed {
            probabilities[0] = f64::NAN;
        }
        let held_out = HeldOut::new(&probabilities, &truths, 3).with_weights(&weights);
        for objective in objectives(3) {
            let learned = Decider::learn(&held_out, Some(&objective), 1);
            prop_assert!(learned.decider.rule().suits(3));
        }
    }
}

fn uniforms(seed: u64) -> impl FnMut() -> f64 {
    let mut random = Random::new(seed, 0);
    move || (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// Booleans of which about one in eight is true, with probabilities that mean what they say.
fn rare(n_rows: usize, seed: u64) -> (Vec<f64>, Vec<u32>) {
    let mut uniform = uniforms(seed);
    let p_true: Vec<f64> = (0..n_rows).map(|_| uniform().powi(4) * 0.7).collect();
    let truths = p_true.iter().map(|p| u32::from(uniform() < *p)).collect();
    (pairs(&p_true), truths)
}

#[test]
fn the_threshold_of_rare_truths_is_lower_and_the_gain_is_real() {
    let (probabilities, truths) = rare(4000, 1);
    let tuned = DecisionRule::tune(&HeldOut::new(&probabilities, &truths, 2), &DecisionObjective::F1, 3);
    let DecisionRule::Threshold(threshold) = tuned.rule else { panic!("{tuned:?}") };
    assert!((0.1..0.4).contains(&threshold), "{tuned:?}");
    assert!(tuned.value > tuned.value_of_largest + 2.0 * tuned.standard_error, "{tuned:?}");
    let (fresh, fresh_truths) = rare(20_000, 2);
    let value = |rule| DecisionObjective::F1.value(rule, &HeldOut::new(&fresh, &fresh_truths, 2));
    assert!(value(&tuned.rule) > value(&DecisionRule::Largest) + 0.1);
    assert!((value(&tuned.rule) - tuned.value).abs() < 0.04, "{} was promised, {tuned:?}", value(&tuned.rule));
}

#[test]
fn calibrated_probabilities_need_no_tuning_for_costs() {
    let (probabilities, truths) = rare(4000, 5);
    let held_out = HeldOut::new(&probabilities, &truths, 2);
    let objective = DecisionObjective::Cost(Costs::of_mistakes(1.0, 25.0).expect("these are costs"));
    let tuned = DecisionRule::tune(&held_out, &objective, 3);
    assert_eq!(tuned.rule, DecisionRule::Threshold(1.0 / 26.0));
    close(tuned.value, objective.value(&tuned.rule, &held_out));
    assert!(tuned.value + 5.0 * tuned.standard_error < tuned.value_of_largest, "{tuned:?}");
}

#[test]
fn calibrated_probabilities_need_no_tuning_for_accuracy() {
    let is_left_alone = |seed: &u64| {
        let (probabilities, truths) = rare(1000, *seed);
        let held_out = HeldOut::new(&probabilities, &truths, 2);
        DecisionRule::tune(&held_out, &DecisionObjective::Accuracy, *seed).rule == DecisionRule::Largest
    };
    let n_left_alone = (0..40).filter(is_left_alone).count();
    assert!(n_left_alone >= 36, "{n_left_alone} of 40");
}

#[test]
fn wrong_probabilities_are_tuned_for_costs() {
    let (mut probabilities, truths) = rare(4000, 6);
    probabilities.chunks_exact_mut(2).for_each(|row| {
        row[1] = 0.5 + row[1] / 2.0;
        row[0] = 1.0 - row[1];
    });
    let objective = DecisionObjective::Cost(Costs::of_mistakes(1.0, 4.0).expect("these are costs"));
    let tuned = DecisionRule::tune(&HeldOut::new(&probabilities, &truths, 2), &objective, 3);
    let DecisionRule::Threshold(threshold) = tuned.rule else { panic!("{tuned:?}") };
    assert!((threshold - 0.6).abs() < 0.05, "{threshold}");
}

/// Rows of five classes of which the last two are rare, with probabilities that mean what they say.
fn uneven(n_rows: usize, seed: u64) -> (Vec<f64>, Vec<u32>) {
    let mut uniform = uniforms(seed);
    let (mut probabilities, mut truths) = (Vec::new(), Vec::new());
    for _ in 0..n_rows {
        let mut row = [2.0, 2.0, 1.5, -1.0, -1.0].map(|base| base + 3.0 * uniform());
        softmax(&mut row);
        let mut rest = uniform();
        let class = row.iter().position(|p| {
            rest -= p;
            rest < 0.0
        });
        probabilities.extend(row);
        truths.push(class.unwrap_or(4) as u32);
    }
    (probabilities, truths)
}

#[test]
fn rare_classes_are_named_more_often_where_that_is_better() {
    let (probabilities, truths) = uneven(3000, 1);
    let (fresh, fresh_truths) = uneven(30_000, 2);
    let fresh = HeldOut::new(&fresh, &fresh_truths, 5);
    for objective in [DecisionObjective::MacroF1, DecisionObjective::BalancedAccuracy] {
        let tuned = DecisionRule::tune(&HeldOut::new(&probabilities, &truths, 5), &objective, 3);
        let DecisionRule::ClassWeights(weights) = &tuned.rule else { panic!("{tuned:?}") };
        assert!(weights[3] > 1.3 * weights[0] && weights[4] > 1.3 * weights[0], "{weights:?}");
        let (before, after) = (objective.value(&DecisionRule::Largest, &fresh), objective.value(&tuned.rule, &fresh));
        assert!(after > before + 0.02, "{objective:?}: from {before} to {after}");
        assert!((after - tuned.value).abs() < 0.05, "{after} came of {tuned:?}");
    }
}

#[test]
fn chance_is_not_tuned_to() {
    // Thin classes, probabilities that know only the shares, and noise.
    let n_classes = 20;
    let mut n_changed = 0;
    for seed in 0..5 {
        let mut uniform = uniforms(seed);
        let truths: Vec<u32> = (0..120).map(|i| if i < 60 { 0 } else { 1 + i % 19 }).collect();
        let mut probabilities = Vec::new();
        for _ in 0..120 {
            let noisy: Vec<f64> =
                (0..n_classes).map(|c| if c == 0 { 0.5 } else { 0.026 } * (0.9 + 0.2 * uniform())).collect();
            let sum: f64 = noisy.iter().sum();
            probabilities.extend(noisy.iter().map(|p| p / sum));
        }
        let held_out = HeldOut::new(&probabilities, &truths, n_classes);
        let tuned = DecisionRule::tune(&held_out, &DecisionObjective::Accuracy, seed);
        n_changed += usize::from(tuned.rule != DecisionRule::Largest);
        // Tuned on all rows it looks better than it is.
        let by_heart = best_weights(&held_out, &held_out.rows(), &DecisionObjective::Accuracy);
        let by_heart = score(&DecisionObjective::Accuracy, &DecisionRule::ClassWeights(by_heart), &held_out);
        assert!(by_heart > 0.5 && tuned.value <= 0.5, "{by_heart} by heart, {tuned:?}");
    }
    assert_eq!(n_changed, 0);
}

#[test]
fn a_matrix_of_costs_decides_between_many_classes() {
    // Taking class 4 for another is very bad; the rest of mistakes costs one.
    let matrix: Vec<f64> = (0..25)
        .map(|i| match (i / 5, i % 5) {
            (truth, answer) if truth == answer => 0.0,
            (4, _) => 30.0,
            _ => 1.0,
        })
        .collect();
    let objective = DecisionObjective::Cost(costs(&matrix));
    let (probabilities, truths) = uneven(3000, 3);
    let tuned = DecisionRule::tune(&HeldOut::new(&probabilities, &truths, 5), &objective, 1);
    assert_eq!(tuned.rule, DecisionRule::MinimumCost(costs(&matrix)));
    let (fresh, fresh_truths) = uneven(20_000, 4);
    let fresh = HeldOut::new(&fresh, &fresh_truths, 5);
    let (before, after) = (objective.value(&DecisionRule::Largest, &fresh), objective.value(&tuned.rule, &fresh));
    assert!(after < 0.9 * before, "from {before} to {after}");
}

#[test]
fn nothing_to_tune_on() {
    for objective in objectives(2) {
        for (probabilities, truths) in [(vec![], vec![]), (vec![0.4, 0.6], vec![1])] {
            let tuned = DecisionRule::tune(&HeldOut::new(&probabilities, &truths, 2), &objective, 0);
            assert!(tuned.rule.suits(2) && tuned.value.is_nan(), "{objective:?}: {tuned:?}");
        }
    }
}

#[test]
fn deciders_calibrate_then_decide() {
    let (probabilities, truths) = rare(3000, 9);
    let too_sure: Vec<f64> = pairs(
        &probabilities
            .chunks_exact(2)
            .map(|row| row[1] * row[1] / (row[0] * row[0] + row[1] * row[1]))
            .collect::<Vec<_>>(),
    );
    let learned = Decider::learn(&HeldOut::new(&too_sure, &truths, 2), Some(&DecisionObjective::F1), 0);
    assert_ne!(learned.calibration.calibrator, Calibrator::IDENTITY);
    let tuning = learned.tuning.expect("there was an objective");
    assert_eq!(learned.decider.rule(), &tuning.rule);
    let answer = Answer::new(Value::Boolean(false)).with_scores(Scores::True(0.25));
    let decided = learned.decider.decide(answer, &LabelSet::default());
    let Some(Scores::True(p)) = decided.scores else { panic!("{decided:?}") };
    // The odds had been squared: 1/3 comes of 1/√3.
    assert!((p - 1.0 / (1.0 + 3f64.sqrt())).abs() < 0.05, "{p}");
    assert_eq!(decided.value, Value::Boolean(true));
    // Labels, and answers without probabilities.
    let weights = DecisionRule::ClassWeights(vec![1.0, 1.0, 9.0]);
    let decider = Decider::new(3, Calibrator::IDENTITY, weights).expect("both are for three classes");
    let labels = LabelSet::sorted(["a", "b", "c"]);
    let scores = Scores::Labels(vec![0.5, 0.4, 0.1]);
    let decided = decider.decide(Answer::new(Value::Label("a".into())).with_scores(scores.clone()), &labels);
    assert_eq!(decided, Answer::new(Value::Label("c".into())).with_scores(scores));
    let plain = Answer::new(Value::Label("a".into()));
    assert_eq!(decider.decide(plain.clone(), &labels), plain);
    assert_eq!(Decider::new(2, Calibrator::IDENTITY, DecisionRule::ClassWeights(vec![1.0; 3])), None);
}

/// One decider of each shape.
fn deciders() -> Vec<Decider> {
    let (two, two_truths) = rare(400, 1);
    let (five, five_truths) = uneven(400, 1);
    let (two, five) = (HeldOut::new(&two, &two_truths, 2), HeldOut::new(&five, &five_truths, 5));
    let refunds = DecisionRule::MinimumCost(Costs::of_mistakes(1.0, 25.0).expect("these are costs"));
    let mut deciders = Vec::new();
    for method in CalibrationMethod::ALL {
        for rule in [DecisionRule::Largest, DecisionRule::Threshold(0.2), refunds.clone()] {
            deciders.extend(Decider::new(2, Calibrator::fit(method, &two), rule));
        }
        let weights = DecisionRule::ClassWeights(vec![1.0, 2.0, 3.0, 4.0, 0.5]);
        deciders.extend(Decider::new(5, Calibrator::fit(method, &five), weights));
    }
    assert_eq!(deciders.len(), 16);
    deciders
}

#[test]
fn a_decider_comes_back_as_it_was_and_damage_is_noticed() {
    for decider in deciders() {
        let bytes = decider.to_bytes();
        assert_eq!(Decider::from_bytes(&bytes), Ok(decider));
        for len in 0..bytes.len() {
            assert!(Decider::from_bytes(&bytes[..len]).is_err(), "{len} bytes are taken for a decider");
        }
        for at in (0..bytes.len()).filter(|at| !(12..16).contains(at)) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert!(Decider::from_bytes(&damaged).is_err(), "a change at byte {at} goes unnoticed");
        }
    }
    assert_eq!(Decider::from_bytes(b"YWMODEL\n"), Err(FormatError::NotAModel));
}

/// Damage under a checksum that matches: whatever is accepted must still decide, and nothing may panic.
#[test]
fn no_sealed_damage_panics() {
    let header = Header { magic: *b"YWDECIDE", version: 1 };
    let mut random = Random::new(5, 0);
    let mut n_accepted = 0;
    for decider in deciders() {
        let bytes = decider.to_bytes();
        for _ in 0..500 {
            let mut damaged = bytes.clone();
            let at = HEADER_LEN + random.next_u64() as usize % (damaged.len() - HEADER_LEN);
            match random.next_u64() % 4 {
                0 => damaged[at] = random.next_u64() as u8,
                1 => damaged[at] ^= 1 << (random.next_u64() % 8),
                2 => damaged.truncate(at),
                _ => damaged.insert(at, random.next_u64() as u8),
            }
            let Ok(accepted) = Decider::from_bytes(&header.seal(Writer(damaged))) else { continue };
            n_accepted += 1;
            // No sound file claims many classes without having as many curves or weights, but for the plainest.
            let n_classes = accepted.n_classes().min(1000);
            if accepted.calibrator().suits(n_classes) && accepted.rule().suits(n_classes) {
                for first in [0.0, 0.3, 1.0] {
                    let mut row = vec![(1.0 - first) / (n_classes.max(2) - 1) as f64; n_classes];
                    row[0] = first;
                    assert!(accepted.apply(&mut row) < n_classes);
                    assert!(row.iter().all(|p| (0.0..=1.0).contains(p)), "{row:?}");
                }
            }
        }
    }
    assert!(n_accepted > 100, "the test reaches deciders behind the checksum: {n_accepted}");
}
