//! The search on functions whose smallest value is known.

use super::*;

fn number(low: f64, high: f64) -> Dimension {
    Dimension::Number { low, high, log: false }
}

/// The smallest loss after so many trials.
fn best_of(tpe: &Tpe, n_trials: usize, loss: impl Fn(&[f64]) -> f64) -> f64 {
    let mut tried: Vec<Vec<f64>> = Vec::new();
    for _ in 0..n_trials {
        tried.push(tpe.suggest(&tried));
        tried.sort_by(|a, b| loss(a).total_cmp(&loss(b)));
    }
    loss(&tried[0])
}

/// The mean logarithm of the smallest loss over seeds, of the search and of random points.
fn compare(space: &Space, n_trials: usize, loss: impl Fn(&[f64]) -> f64 + Copy) -> (f64, f64) {
    let n_seeds = 20;
    let mean = |n_random: usize| {
        let params = TpeParams { n_random, ..TpeParams::default() };
        let of_seed = |seed| best_of(&Tpe::new(space.clone(), params, seed), n_trials, loss).max(1e-12).ln();
        (0..n_seeds).map(of_seed).sum::<f64>() / n_seeds as f64
    };
    (mean(TpeParams::default().n_random), mean(usize::MAX))
}

#[test]
fn it_beats_random_points() {
    let bowl = |x: &[f64]| (x[0] - 1.0).powi(2) + 3.0 * (x[1] + 2.0).powi(2) + 0.5 * (x[2] * x[1]).powi(2);
    let (found, random) = compare(&Space::new(vec![number(-5.0, 5.0); 3]), 60, bowl);
    assert!(found < random - 1.0, "{found} against {random}");

    // Branin and Hoo's three valleys; the smallest value is 0.3979.
    let branin = |x: &[f64]| {
        let pi = std::f64::consts::PI;
        let valley = x[1] - 5.1 / (4.0 * pi * pi) * x[0] * x[0] + 5.0 / pi * x[0] - 6.0;
        valley * valley + 10.0 * (1.0 - 1.0 / (8.0 * pi)) * x[0].cos() + 10.0 - 0.397_887
    };
    let space = Space::new(vec![number(-5.0, 10.0), number(0.0, 15.0)]);
    let (found, random) = compare(&space, 60, branin);
    assert!(found < random - 1.0, "{found} against {random}");

    // Of mixed kinds, with settings that do not matter.
    let space = Space::new(vec![
        Dimension::Number { low: 1e-4, high: 1.0, log: true },
        Dimension::Integer { low: 2, high: 255, log: true },
        Dimension::Choice { n: 5 },
        number(0.0, 1.0),
        number(0.0, 1.0),
    ]);
    let mixed = |x: &[f64]| {
        let choice = if x[2] == 3.0 { 0.0 } else { 1.0 };
        (x[0].ln() - 0.01f64.ln()).powi(2) + (x[1].ln() - 15f64.ln()).powi(2) + choice
    };
    let (found, random) = compare(&space, 60, mixed);
    assert!(found < random - 1.0, "{found} against {random}");
}

#[test]
fn suggestions_are_within_limits_and_follow_from_history_and_seed() {
    let space = Space::new(vec![
        Dimension::Integer { low: 1, high: 3, log: true },
        Dimension::Choice { n: 2 },
        Dimension::Number { low: 0.01, high: 0.3, log: true },
    ]);
    let tpe = Tpe::new(space.clone(), TpeParams::default(), 3);
    let mut tried: Vec<Vec<f64>> = Vec::new();
    for _ in 0..50 {
        let point = tpe.suggest(&tried);
        assert!(space.contains(&point), "{point:?}");
        assert_eq!(point, Tpe::new(space.clone(), TpeParams::default(), 3).suggest(&tried));
        tried.push(point);
    }
    for value in [1.0, 2.0, 3.0] {
        assert!(tried.iter().any(|point| point[0] == value));
    }
    let other = Tpe::new(space, TpeParams::default(), 4);
    assert_ne!(other.suggest(&tried[..20]), tpe.suggest(&tried[..20]));
    assert_eq!(Tpe::new(Space::new(Vec::new()), TpeParams::default(), 1).suggest(&vec![Vec::new(); 20]), [0.0; 0]);
}

#[test]
fn points_outside_are_told() {
    let space = Space::new(vec![Dimension::Integer { low: 1, high: 3, log: false }, Dimension::Choice { n: 2 }]);
    assert!(space.contains(&[3.0, 1.0]));
    for wrong in [&[0.0, 1.0][..], &[1.5, 1.0], &[1.0, 2.0], &[1.0, f64::NAN], &[1.0]] {
        assert!(!space.contains(wrong), "{wrong:?}");
    }
}

#[test]
fn the_better_half_goes_on() {
    assert!(keeps_going(9.0, &[1.0, 2.0], 2), "too few to say");
    // Of four, two go on.
    assert!(keeps_going(1.5, &[1.0, 2.0, 3.0], 2));
    assert!(!keeps_going(2.5, &[1.0, 2.0, 3.0], 2));
    assert!(keeps_going(1.0, &[1.0, 1.0, 1.0], 2), "equals are not behind");
    assert!(!keeps_going(f64::NAN, &[1.0, 2.0, 3.0], 1));
    assert!(keeps_going(0.5, &[1.0, f64::NAN, f64::INFINITY], 4));
}

#[test]
fn halving_finds_the_best_of_noisy_trials_with_fewer_parts() {
    // Trial i has the loss |i - 37| plus a little that differs by part.
    let loss = |trial: usize, part: usize| (trial as f64 - 37.0).abs() + ((trial * 7 + part * 13) % 5) as f64 / 5.0;
    let (mut at_first, mut n_parts, mut best) = (Vec::new(), 0, (0, f64::INFINITY));
    for trial in (0..64).map(|i| i * 29 % 64) {
        let first = loss(trial, 0);
        n_parts += 1;
        let goes_on = keeps_going(first, &at_first, 4);
        at_first.push(first);
        if goes_on {
            n_parts += 4;
            let mean = (0..5).map(|part| loss(trial, part)).sum::<f64>() / 5.0;
            if mean < best.1 {
                best = (trial, mean);
            }
        }
    }
    assert_eq!(best.0, 37);
    assert!(n_parts < 64 * 5 / 2, "{n_parts} of {}", 64 * 5);
}

#[test]
fn an_ensemble_is_better_than_its_members() {
    // Two that err in opposite ways, three to one, and one that is worse than both.
    let (truth, members) = (10.0, [13.0, 9.0, 20.0f64]);
    let loss = |counts: &[u32]| {
        let n: u32 = counts.iter().sum();
        let mean = counts.iter().zip(members).map(|(c, m)| f64::from(*c) * m).sum::<f64>() / f64::from(n);
        (mean - truth).abs()
    };
    assert_eq!(select_ensemble(3, 20, loss), [1, 3, 0]);
    assert_eq!(select_ensemble(3, 1, loss), [0, 1, 0], "the best single one first");
    assert_eq!(select_ensemble(2, 5, |_| f64::NAN), [0, 0]);
    assert!(select_ensemble(0, 5, |_| 0.0).is_empty());
}
