//! Calibration, by hand, against brute force, and on drawn rows.

use proptest::prelude::*;

use super::isotonic::{Step, steps};
use super::*;
use crate::probability::{log_loss, log_odds, sigmoid};
use crate::random::Random;

fn curve<C: Curve>(rows: &[(f64, bool)]) -> C {
    C::fit(rows.iter().map(|&(p, is_class)| (p, is_class, 1.0)))
}

#[track_caller]
fn check(found: &[f64], expect: &[f64], tolerance: f64) {
    let is_close = found.len() == expect.len() && found.iter().zip(expect).all(|(a, b)| (a - b).abs() <= tolerance);
    assert!(is_close, "{found:?} is not {expect:?}");
}

/// Rows whose second class has the probability that `truth_of` makes of the one that is given.
fn drawn(n_rows: usize, seed: u64, truth_of: impl Fn(f64) -> f64) -> (Vec<f64>, Vec<u32>) {
    let mut random = Random::new(seed, 0);
    let mut uniform = || (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let (mut probabilities, mut truths) = (Vec::new(), Vec::new());
    for _ in 0..n_rows {
        let given = 0.02 + 0.96 * uniform();
        probabilities.extend([1.0 - given, given]);
        truths.push(u32::from(uniform() < truth_of(given)));
    }
    (probabilities, truths)
}

fn mean_loss(probabilities: &[f64], truths: &[u32], n_classes: usize) -> f64 {
    let of_row = |(row, &truth): (&[f64], &u32)| log_loss(row[truth as usize]);
    probabilities.chunks_exact(n_classes).zip(truths).map(of_row).sum::<f64>() / truths.len() as f64
}

#[test]
fn neighbours_that_fall_are_pooled() {
    // 0, then 1 and 0 pooled, then 1.
    let rows = [(0.1, false), (0.3, true), (0.5, false), (0.9, true)];
    let values: Vec<f64> = steps(rows.iter().map(|r| (r.0, r.1, 1.0))).iter().map(Step::value).collect();
    assert_eq!(values, [0.0, 0.5, 1.0]);
    // Weights count: three rows say true, one false.
    let weighted = [(0.3, true, 3.0), (0.5, false, 1.0)];
    assert_eq!(steps(weighted.into_iter())[0].value(), 0.75);
    // Equal probabilities are one.
    let tied = [(0.5, true, 1.0), (0.5, false, 1.0), (0.2, false, 1.0), (0.5, false, 2.0)];
    assert_eq!(steps(tied.into_iter()).iter().map(Step::value).collect::<Vec<_>>(), [0.0, 0.25]);
}

#[test]
fn the_curve_is_straight_between_the_centres_of_steps() {
    let isotonic: Isotonic = curve(&[(0.1, false), (0.3, true), (0.5, false), (0.9, true)]);
    // The outer steps are of one row each: as if half a row more were otherwise, a quarter.
    let found = [0.0, 0.1, 0.25, 0.4, 0.65, 0.9, 1.0].map(|p| isotonic.apply(p));
    check(&found, &[0.25, 0.25, 0.375, 0.5, 0.625, 0.75, 0.75], 1e-12);
    let all_true: Isotonic = curve(&[(0.2, true), (0.4, true), (0.6, true)]);
    check(&[all_true.apply(0.0), all_true.apply(1.0)], &[0.875, 0.875], 1e-12);
    // The step of a lone false row is not above the next one.
    let mut rows = vec![(0.1, false)];
    rows.extend((0..10).map(|i| (0.5, i == 0)));
    let isotonic: Isotonic = curve(&rows);
    check(&[isotonic.apply(0.1), isotonic.apply(0.5)], &[0.1, 0.1], 1e-12);
}

/// The least squares of all ways to cut sorted rows into runs whose means rise: the definition, tried out.
fn brute_force(sorted: &[(f64, f64)]) -> f64 {
    let n = sorted.len();
    let squares = |cuts: usize| {
        let (mut sum, mut before, mut start) = (0.0, f64::NEG_INFINITY, 0);
        for end in 1..=n {
            if end < n && cuts >> (end - 1) & 1 == 0 {
                continue;
            }
            let run = &sorted[start..end];
            let weight: f64 = run.iter().map(|(w, _)| w).sum();
            let mean = run.iter().map(|(w, y)| w * y).sum::<f64>() / weight;
            if mean < before {
                return f64::INFINITY;
            }
            sum += run.iter().map(|(w, y)| w * (y - mean) * (y - mean)).sum::<f64>();
            (before, start) = (mean, end);
        }
        sum
    };
    (0..1usize << (n - 1)).map(squares).fold(f64::INFINITY, f64::min)
}

proptest! {
    #[test]
    fn steps_are_the_best_rising_fit(rows in proptest::collection::vec((any::<bool>(), 1u8..5), 1..9)) {
        let weighted = || rows.iter().enumerate().map(|(i, (y, w))| (i as f64 / 10.0, *y, f64::from(*w)));
        let steps = steps(weighted());
        prop_assert!(steps.is_sorted_by(|a, b| a.value() < b.value()));
        // Their weighted mean is that of the rows.
        let total: f64 = steps.iter().map(|s| s.weight * s.value()).sum();
        let expect: f64 = weighted().filter(|row| row.1).map(|row| row.2).sum();
        prop_assert!((total - expect).abs() < 1e-9);
        // A step's squares are those of a coin of its value.
        let squares: f64 = steps.iter().map(|s| s.weight * s.value() * (1.0 - s.value())).sum();
        let sorted: Vec<(f64, f64)> = rows.iter().map(|(y, w)| (f64::from(*w), f64::from(u8::from(*y)))).collect();
        prop_assert!((squares - brute_force(&sorted)).abs() < 1e-9);
    }

    #[test]
    fn curves_rise_and_never_reach_certainty(rows in proptest::collection::vec((0.0..=1.0f64, any::<bool>()), 1..40)) {
        let grid: Vec<f64> = (0..=100).map(|i| f64::from(i) / 100.0).collect();
        let (isotonic, platt): (Isotonic, Platt) = (curve(&rows), curve(&rows));
        for values in [
            grid.iter().map(|p| isotonic.apply(*p)).collect::<Vec<_>>(),
            grid.iter().map(|p| platt.apply(*p)).collect::<Vec<_>>(),
        ] {
            prop_assert!(values.is_sorted_by(|a, b| *b >= a - 1e-12), "{:?}", values);
        }
        prop_assert!(grid.iter().all(|p| (1e-9..1.0 - 1e-9).contains(&isotonic.apply(*p))));
        let held: Vec<f64> = rows.iter().flat_map(|(p, _)| [1.0 - p, *p]).collect();
        let truths: Vec<u32> = rows.iter().map(|(_, y)| u32::from(*y)).collect();
        for method in [CalibrationMethod::Platt, CalibrationMethod::Isotonic] {
            let calibrator = Calibrator::fit(method, &HeldOut::new(&held, &truths, 2));
            let mut row = [1.0, 0.0];
            calibrator.apply(&mut row);
            let is_identity = calibrator == Calibrator::IDENTITY;
            prop_assert!(is_identity || row.iter().all(|p| *p > 0.0 && *p < 1.0), "{:?}", row);
        }
    }

    #[test]
    fn a_weight_of_two_is_two_rows(rows in proptest::collection::vec((0.01..0.99f64, any::<bool>(), 1usize..4), 2..30)) {
        let fit = |expanded: bool, method| {
            let times = |n: usize| if expanded { n } else { 1 };
            let probabilities: Vec<f64> = rows.iter().flat_map(|(p, _, n)| [1.0 - p, *p].repeat(times(*n))).collect();
            let truths: Vec<u32> = rows.iter().flat_map(|(_, y, n)| vec![u32::from(*y); times(*n)]).collect();
            let weights: Vec<f64> = rows.iter().map(|(_, _, n)| *n as f64).collect();
            let held_out = HeldOut::new(&probabilities, &truths, 2);
            let held_out = if expanded { held_out } else { held_out.with_weights(&weights) };
            let mut row = [0.3, 0.7];
            Calibrator::fit(method, &held_out).apply(&mut row);
            row[1]
        };
        for method in CalibrationMethod::ALL {
            prop_assert!((fit(true, method) - fit(false, method)).abs() < 1e-4, "{:?}", method);
        }
    }
}

#[test]
fn platt_by_hand() {
    // All log-odds zero: what is left is the mean of the targets 4/5, 4/5, 4/5 and 1/3.
    let platt: Platt = curve(&[(0.5, true), (0.5, true), (0.5, true), (0.5, false)]);
    check(&[platt.apply(0.5)], &[(3.0 * 0.8 + 1.0 / 3.0) / 4.0], 1e-6);
    // Two log-odds: slope and intercept meet the mean target of each.
    let (yes, no) = (5.0 / 6.0, 1.0 / 6.0);
    let rows: Vec<(f64, bool)> = (0..8).map(|i| (if i < 4 { 0.2 } else { 0.9 }, [0, 4, 5, 6].contains(&i))).collect();
    let platt: Platt = curve(&rows);
    let (low, high) = ((yes + 3.0 * no) / 4.0, (3.0 * yes + no) / 4.0);
    check(&[platt.apply(0.2), platt.apply(0.9)], &[low, high], 1e-6);
    let slope = (log_odds(high) - log_odds(low)) / (log_odds(0.9) - log_odds(0.2));
    let half_way = sigmoid(log_odds(low) + slope * (log_odds(0.5) - log_odds(0.2)));
    check(&[platt.apply(0.5)], &[half_way], 1e-6);
}

#[test]
fn scores_that_go_the_wrong_way_are_not_turned_around() {
    let rows: Vec<(f64, bool)> = (0..20).map(|i| (0.05 * f64::from(i) + 0.01, i < 10)).collect();
    let platt: Platt = curve(&rows);
    check(&[platt.apply(0.01), platt.apply(0.99)], &[0.5, 0.5], 1e-9);
}

#[test]
fn a_temperature_is_a_power() {
    let mut row = [0.8, 0.2];
    Calibrator(Correction::Temperature(2.0)).apply(&mut row);
    check(&row, &[0.64 / 0.68, 0.04 / 0.68], 1e-12);
    let mut row = [0.0, 0.5, 0.5];
    Calibrator(Correction::Temperature(0.5)).apply(&mut row);
    check(&row, &[0.0, 0.5, 0.5], 1e-12);
}

#[test]
fn each_method_mends_what_it_can_express() {
    let sharp = |p: f64| sigmoid(log_odds(p) / 3.0);
    let shifted = |p: f64| sigmoid(0.7 * log_odds(p) - 1.5);
    let bent = |p: f64| if p < 0.5 { 0.1 + 0.02 * p } else { 0.5 + 0.3 * (p - 0.5) };
    for (truth_of, expect) in [
        (&sharp as &dyn Fn(f64) -> f64, CalibrationMethod::Temperature),
        (&shifted, CalibrationMethod::Platt),
        (&bent, CalibrationMethod::Isotonic),
    ] {
        let (probabilities, truths) = drawn(20_000, 1, truth_of);
        let chosen = Calibrator::choose(&HeldOut::new(&probabilities, &truths, 2), 7);
        assert_eq!(chosen.calibrator.method(), expect, "{chosen:?}");
        let (mut fresh, fresh_truths) = drawn(20_000, 2, truth_of);
        let before = mean_loss(&fresh, &fresh_truths, 2);
        chosen.calibrator.apply_to_rows(&mut fresh, 2);
        let after = mean_loss(&fresh, &fresh_truths, 2);
        assert!(after < before - 0.02, "{expect:?}: from {before} to {after}");
        // What was measured without the rows that were learned from holds for fresh ones.
        let measured = chosen.losses.iter().find(|loss| loss.method == expect).expect("it was compared").log_loss;
        assert!((measured - after).abs() < 0.01, "{expect:?}: {measured} was promised, {after} came");
    }
}

#[test]
fn calibrated_probabilities_are_left_nearly_alone() {
    let mut n_identities = 0;
    for seed in 0..10 {
        let (probabilities, truths) = drawn(3000, seed, |p| p);
        let chosen = Calibrator::choose(&HeldOut::new(&probabilities, &truths, 2), seed);
        n_identities += usize::from(chosen.calibrator == Calibrator::IDENTITY);
        let mut changed = probabilities.clone();
        chosen.calibrator.apply_to_rows(&mut changed, 2);
        let change = changed.iter().zip(&probabilities).map(|(a, b)| (a - b).abs()).sum::<f64>() / changed.len() as f64;
        assert!(change < 0.02, "seed {seed}: {change} by {:?}", chosen.calibrator.method());
    }
    assert!(n_identities >= 6, "{n_identities} of 10 were left alone");
}

#[test]
fn nothing_is_gained_from_truths_that_the_probabilities_do_not_know() {
    let (probabilities, truths) = drawn(4000, 3, |_| 0.3);
    let chosen = Calibrator::choose(&HeldOut::new(&probabilities, &truths, 2), 3);
    let share = truths.iter().sum::<u32>() as f64 / truths.len() as f64;
    let entropy = -share * share.ln() - (1.0 - share) * (1.0 - share).ln();
    for loss in &chosen.losses {
        assert!(loss.log_loss > entropy - 0.001, "{loss:?} is less than the entropy {entropy}");
    }
    // The best is to say the share.
    let mut row = [0.1, 0.9];
    chosen.calibrator.apply(&mut row);
    assert!((row[1] - share).abs() < 0.1, "{row:?}");
}

/// Probabilities of four classes that are too sharp; the last class never occurs.
fn four_classes(n_rows: usize, seed: u64) -> (Vec<f64>, Vec<u32>) {
    let mut random = Random::new(seed, 0);
    let mut uniform = || (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let (mut probabilities, mut truths) = (Vec::new(), Vec::new());
    for _ in 0..n_rows {
        let mut honest = [3.0 * uniform(), 3.0 * uniform(), 3.0 * uniform()];
        let mut sharp = honest.map(|s| 2.5 * s);
        softmax(&mut honest);
        softmax(&mut sharp);
        let mut rest = uniform();
        let class = honest.iter().position(|p| {
            rest -= p;
            rest < 0.0
        });
        probabilities.extend(sharp);
        probabilities.push(0.0);
        truths.push(class.unwrap_or(2) as u32);
    }
    (probabilities, truths)
}

#[test]
fn many_classes_are_mended_and_impossible_ones_stay_so() {
    let (probabilities, truths) = four_classes(5000, 1);
    let held_out = HeldOut::new(&probabilities, &truths, 4);
    let (fresh, fresh_truths) = four_classes(5000, 2);
    let before = mean_loss(&fresh, &fresh_truths, 4);
    for method in CalibrationMethod::ALL.into_iter().skip(1) {
        let mut mended = fresh.clone();
        Calibrator::fit(method, &held_out).apply_to_rows(&mut mended, 4);
        assert!(mean_loss(&mended, &fresh_truths, 4) < before - 0.05, "{method:?}");
        for row in mended.chunks_exact(4) {
            assert_eq!(row[3], 0.0);
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
    assert_eq!(Calibrator::choose(&held_out, 5).calibrator.method(), CalibrationMethod::Temperature);
}

#[test]
fn too_little_to_learn_from_changes_nothing() {
    let identity = |probabilities: &[f64], truths: &[u32], n_classes: usize| {
        let held_out = HeldOut::new(probabilities, truths, n_classes);
        for method in CalibrationMethod::ALL {
            assert_eq!(Calibrator::fit(method, &held_out), Calibrator::IDENTITY);
        }
        assert_eq!(Calibrator::choose(&held_out, 0).calibrator, Calibrator::IDENTITY);
    };
    identity(&[], &[], 2);
    identity(&[0.5, 0.5], &[1], 2);
    identity(&[0.5, 0.5, 0.2, 0.8], &[1, 1], 2);
    // Rows that failed, and truths that no class is.
    identity(&[f64::NAN, f64::NAN, 0.2, 0.8, 0.5, 0.5], &[0, 1, 7], 2);
    let (probabilities, truths) = drawn(50, 1, |p| 1.0 - p);
    let held_out = HeldOut::new(&probabilities, &truths, 2);
    assert_eq!(Calibrator::choose(&held_out.with_groups(&[3; 50]), 0).calibrator, Calibrator::IDENTITY);
    assert_eq!(Calibrator::choose(&held_out.with_weights(&[0.0; 50]), 0).calibrator, Calibrator::IDENTITY);
}

#[test]
fn rows_of_a_group_are_not_evidence_for_each_other() {
    // Forty rows that happen to disagree with calibrated probabilities, each a hundred times.
    let (probabilities, truths) = drawn(40, 11, |p| 0.15 + 0.7 * p);
    let probabilities = probabilities.chunks_exact(2).flat_map(|row| row.repeat(100)).collect::<Vec<f64>>();
    let truths: Vec<u32> = truths.iter().flat_map(|t| [*t; 100]).collect();
    let groups: Vec<u32> = (0..4000).map(|i| i / 100).collect();
    let held_out = HeldOut::new(&probabilities, &truths, 2);
    let losses = |held_out: &HeldOut<'_>| Calibrator::choose(held_out, 1).losses;
    let isotonic = |losses: Vec<CalibrationLoss>| losses[3].log_loss;
    // Torn apart, the flexible method learns the rows by heart and shines; together, it does not.
    assert!(isotonic(losses(&held_out)) + 0.1 < isotonic(losses(&held_out.with_groups(&groups))));
}

#[test]
#[should_panic(expected = "another number of classes")]
fn a_calibrator_of_two_classes_refuses_three() {
    let (probabilities, truths) = drawn(50, 1, |p| p);
    let calibrator = Calibrator::fit(CalibrationMethod::Platt, &HeldOut::new(&probabilities, &truths, 2));
    calibrator.apply(&mut [0.2, 0.3, 0.5]);
}
