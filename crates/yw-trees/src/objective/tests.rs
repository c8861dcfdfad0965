//! Every objective against finite differences, brute force and itself.

use proptest::prelude::*;

use super::*;

/// An objective, targets that it can learn, and what its hessians are.
struct Case {
    objective: Objective,
    /// From a number in 0..1 to a target.
    target_of: fn(f64) -> f64,
    hessian: Hessian,
}

#[derive(PartialEq)]
enum Hessian {
    /// The second derivative times this.
    Times(f64),
    /// The weight.
    Weight,
}

/// All but the ranking, whose derivatives are those of no loss.
fn cases() -> Vec<Case> {
    let number = |u: f64| 10.0 * u - 5.0;
    let amount = |u: f64| if u < 0.3 { 0.0 } else { 6.0 * u };
    let case = |objective, target_of, hessian| Case { objective, target_of, hessian };
    vec![
        case(Objective::SquaredError, number, Hessian::Weight),
        case(Objective::AbsoluteError, number, Hessian::Weight),
        case(Objective::Quantile { alpha: 0.9 }, number, Hessian::Weight),
        case(Objective::Huber { delta: 1.5 }, number, Hessian::Weight),
        case(Objective::Poisson, |u| (7.0 * u).floor(), Hessian::Times(0.7f64.exp())),
        case(Objective::Gamma, |u| 0.1 + 6.0 * u, Hessian::Times(1.0)),
        case(Objective::Tweedie { power: 1.3 }, amount, Hessian::Times(1.0)),
        case(Objective::Logistic, |u| f64::from(u > 0.6), Hessian::Times(1.0)),
        case(Objective::Softmax { n_classes: 2 }, |u| f64::from(u > 0.6), Hessian::Times(2.0)),
        case(Objective::Softmax { n_classes: 4 }, |u| (4.0 * u).floor(), Hessian::Times(4.0 / 3.0)),
    ]
}

fn target<'a>(values: &'a [f64], weights: &'a [f32]) -> Target<'a> {
    Target { values, weights: Some(weights), group_sizes: None }
}

/// All gradients of a round, output-major as the margins are.
fn gradients_of(loss: &dyn Loss, target: &Target<'_>, margins: &[f64]) -> Vec<Gradient> {
    let mut shared = Vec::new();
    loss.start_round(margins, &mut shared);
    let mut out = vec![Gradient::default(); margins.len()];
    for (output, out) in out.chunks_mut(target.values.len()).enumerate() {
        loss.gradients(target, margins, &shared, output, out);
    }
    out
}

/// The same margins for every row.
fn constant(base: &[f64], n_rows: usize) -> Vec<f64> {
    base.iter().flat_map(|&margin| std::iter::repeat_n(margin, n_rows)).collect()
}

fn spread(n: usize) -> impl Iterator<Item = f64> {
    (0..n).map(|i| (i as f64 * 0.618_033_988_75).fract())
}

#[test]
fn gradients_are_the_derivatives_of_the_loss() {
    let weights = [1.0, 2.0, 0.5, 0.0, 3.0, 1.5, 1.0];
    let n_rows = weights.len();
    let weight_sum: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
    for case in cases() {
        let loss = loss_of(&case.objective).unwrap();
        let values: Vec<f64> = spread(n_rows).map(case.target_of).collect();
        let target = target(&values, &weights);
        loss.check(&target).unwrap();
        let margins: Vec<f64> = spread(n_rows * loss.n_outputs()).map(|u| 3.7 * (1.0 - u) - 1.3).collect();
        let found = gradients_of(&*loss, &target, &margins);
        let total = |at: usize, step: f64| {
            let mut margins = margins.clone();
            margins[at] += step;
            weight_sum * loss.loss(&target, &margins)
        };
        for (at, found) in found.iter().enumerate() {
            let g = (total(at, 1e-3) - total(at, -1e-3)) / 2e-3;
            let h = match case.hessian {
                Hessian::Weight => f64::from(weights[at % n_rows]),
                Hessian::Times(factor) => factor * (total(at, 1e-2) - 2.0 * total(at, 0.0) + total(at, -1e-2)) / 1e-4,
            };
            let close = |found: f32, expected: f64| (f64::from(found) - expected).abs() < 1e-4 * (1.0 + expected.abs());
            let objective = case.objective;
            assert!(close(found.g, g) && close(found.h, h), "{objective:?}, margin {at}: {found:?}, not {g}, {h}");
        }
        if case.hessian == Hessian::Weight {
            assert!(found.iter().zip(weights).all(|(gradient, weight)| gradient.h == weight));
        }
    }
}

proptest! {
    #[test]
    fn the_base_minimises_the_loss(rows in proptest::collection::vec((0.0..1.0f64, 0u8..4), 1..30)) {
        let mut weights: Vec<f32> = rows.iter().map(|&(_, weight)| f32::from(weight)).collect();
        weights[0] += 1.0;
        for case in cases() {
            let values: Vec<f64> = rows.iter().map(|&(u, _)| (case.target_of)(u)).collect();
            let target = target(&values, &weights);
            let loss = loss_of(&case.objective).unwrap();
            let base = loss.base(&target);
            let best = loss.loss(&target, &constant(&base, values.len()));
            // Where there are only zeros, the best logarithm of a mean would be −∞.
            let only_zeros = target.iter().all(|(value, weight)| value == 0.0 || weight == 0.0);
            let allowed = if only_zeros { 1e-6 } else { 1e-8 };
            for (output, step) in (0..base.len()).flat_map(|o| [-1.0, -0.1, -1e-3, 1e-3, 0.1, 1.0].map(|s| (o, s))) {
                let mut other = base.clone();
                other[output] += step;
                let other = loss.loss(&target, &constant(&other, values.len()));
                prop_assert!(best <= other + allowed, "{:?}: {base:?}, output {output}, {step}", case.objective);
            }
        }
    }

    #[test]
    fn a_weight_is_so_many_rows(rows in proptest::collection::vec((0.0..1.0f64, -3.0..3.0f64, 0u8..4), 1..30)) {
        let mut weights: Vec<f32> = rows.iter().map(|&(.., weight)| f32::from(weight)).collect();
        weights[0] += 1.0;
        let repeat = |values: &[f64]| -> Vec<f64> {
            values.iter().zip(&weights).flat_map(|(&value, &n)| std::iter::repeat_n(value, n as usize)).collect()
        };
        for case in cases() {
            let values: Vec<f64> = rows.iter().map(|row| (case.target_of)(row.0)).collect();
            let loss = loss_of(&case.objective).unwrap();
            let margins: Vec<f64> = (0..loss.n_outputs()).flat_map(|k| rows.iter().map(move |row| row.1 * (k + 1) as f64)).collect();
            let many_values = repeat(&values);
            let many_margins: Vec<f64> = margins.chunks(values.len()).flat_map(repeat).collect();
            let few = target(&values, &weights);
            let many = Target { values: &many_values, weights: None, group_sizes: None };

            let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + a.abs());
            let objective = case.objective;
            prop_assert!(close(loss.loss(&few, &margins), loss.loss(&many, &many_margins)), "{objective:?}");
            prop_assert!(loss.base(&few).iter().zip(loss.base(&many)).all(|(&a, b)| close(a, b)), "{objective:?}");
            let (few, many) = (gradients_of(&*loss, &few, &margins), gradients_of(&*loss, &many, &many_margins));
            for (few, many) in few.chunks(values.len()).zip(many.chunks(many_values.len())) {
                let sum = |gradients: &[Gradient], of: fn(&Gradient) -> f32| gradients.iter().map(|g| f64::from(of(g))).sum::<f64>();
                for of in [|g: &Gradient| g.g, |g: &Gradient| g.h] {
                    let (few, many) = (sum(few, of), sum(many, of));
                    prop_assert!((few - many).abs() < 1e-4 * (1.0 + few.abs()), "{objective:?}: {few} and {many}");
                }
            }
        }
    }

    #[test]
    fn two_classes_of_the_softmax_are_the_logistic(
        rows in proptest::collection::vec((any::<bool>(), -20.0..20.0f64, -20.0..20.0f64, 0.1..3.0f32), 1..30),
    ) {
        let n_rows = rows.len();
        let values: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
        let weights: Vec<f32> = rows.iter().map(|row| row.3).collect();
        let target = target(&values, &weights);
        let margins: Vec<f64> = rows.iter().map(|row| row.1).chain(rows.iter().map(|row| row.2)).collect();
        let differences: Vec<f64> = rows.iter().map(|row| row.2 - row.1).collect();
        let (several, two) =
            (loss_of(&Objective::Softmax { n_classes: 2 }).unwrap(), loss_of(&Objective::Logistic).unwrap());
        let close = |a: f64, b: f64| (a - b).abs() < 1e-6;
        prop_assert!(close(several.loss(&target, &margins), two.loss(&target, &differences)));
        let (base, odds) = (several.base(&target), two.base(&target)[0]);
        prop_assert!(close(base[1] - base[0], odds));
        let (several, two) = (gradients_of(&*several, &target, &margins), gradients_of(&*two, &target, &differences));
        for row in 0..n_rows {
            let (zero, one, two) = (several[row], several[n_rows + row], two[row]);
            prop_assert!(close(one.g.into(), two.g.into()) && close(zero.g.into(), (-two.g).into()));
            prop_assert!(close(one.h.into(), (2.0 * two.h).into()) && close(zero.h.into(), one.h.into()));
        }
    }

    #[test]
    fn quantiles_by_brute_force(rows in proptest::collection::vec((-5i8..5, 0u8..3), 1..20), alpha in 0.01..0.99f64) {
        let mut rows: Vec<(f64, f32)> = rows.iter().map(|&(value, weight)| (value.into(), weight.into())).collect();
        rows[0].1 += 1.0;
        let pinball = |at: f64| -> f64 {
            let loss = |value: f64| if at > value { (1.0 - alpha) * (at - value) } else { alpha * (value - at) };
            rows.iter().map(|&(value, weight)| f64::from(weight) * loss(value)).sum()
        };
        let best = rows.iter().map(|&(value, _)| pinball(value)).fold(f64::INFINITY, f64::min);
        let found = weighted_quantile(&mut rows.clone(), alpha);
        prop_assert!(pinball(found) <= best + 1e-9, "{found} of {rows:?}");
    }
}

#[test]
fn known_quantiles() {
    let check = |values: &[(f64, f32)], alpha: f64, expected: f64| {
        assert_eq!(weighted_quantile(&mut values.to_vec(), alpha), expected, "{values:?} at {alpha}");
    };
    check(&[(3.0, 1.0), (1.0, 1.0), (2.0, 1.0)], 0.5, 2.0);
    check(&[(1.0, 1.0), (4.0, 1.0)], 0.5, 2.5);
    check(&[(1.0, 1.0), (4.0, 3.0)], 0.5, 4.0);
    check(&[(1.0, 1.0), (2.0, 0.0), (4.0, 1.0)], 0.5, 2.5);
    check(&[(7.0, 2.0)], 0.01, 7.0);
    check(&[(f64::MIN, 1.0), (f64::MAX, 1.0), (0.0, 1.0)], 0.5, 0.0);
    check(&[(1.0, 0.0)], 0.5, 0.0);
    check(&[], 0.5, 0.0);
}

/// Figures of scikit-learn's `mean_*_deviance`, halved, and of its `mean_pinball_loss`.
#[test]
fn losses_of_scikit_learn() {
    let check = |objective: Objective, values: &[f64], margins: &[f64], expected: f64| {
        let target = Target { values, weights: None, group_sizes: None };
        let found = loss_of(&objective).unwrap().loss(&target, margins);
        assert!((found - expected).abs() < 1e-9, "{objective:?}: {found} instead of {expected}");
    };
    let (values, means) = ([0.0, 1.0, 4.0], [0.5f64, 2.0, 3.0]);
    let margins = means.map(f64::ln);
    check(Objective::Poisson, &values, &margins, 0.3191937030823926);
    check(Objective::Tweedie { power: 1.5 }, &values, &margins, 0.5799193393823802);
    check(Objective::Gamma, &[0.5, 1.0, 4.0], &margins, 0.07959948048049921);
    check(Objective::Quantile { alpha: 0.9 }, &values, &means, 0.35);
    check(Objective::SquaredError, &values, &means, 0.375);
    check(Objective::AbsoluteError, &values, &means, 2.5 / 3.0);
    check(Objective::Huber { delta: 0.5 }, &values, &means, (0.125 + 0.375 + 0.375) / 3.0);
    check(Objective::Logistic, &[1.0, 0.0], &[0.0, 0.0], 2f64.ln());
    check(Objective::Softmax { n_classes: 3 }, &[2.0], &[1.0, 1.0, 1.0], 3f64.ln());
}

#[test]
fn bases_are_finite_where_a_class_is_absent() {
    let base = |objective: Objective, values: &[f64]| {
        loss_of(&objective).unwrap().base(&Target { values, weights: None, group_sizes: None })
    };
    let odds = base(Objective::Logistic, &[1.0, 1.0])[0];
    assert!(odds > 20.0 && odds < 21.0);
    assert!((base(Objective::Logistic, &[0.0])[0] + odds).abs() < 1e-6);
    assert_eq!(base(Objective::Softmax { n_classes: 3 }, &[1.0, 1.0]), [1e-9f64.ln(), 0.0, 1e-9f64.ln()]);
    assert_eq!(base(Objective::Poisson, &[0.0, 0.0]), [1e-9f64.ln()]);
    assert_eq!(base(Objective::Gamma, &[1e-300])[0], 1e-300f64.ln());
}

#[test]
fn everything_is_finite() {
    let margins = [0.0, 1e3, -1e3, 1e6, -1e6, 40.0, -40.0, 1e300];
    let n_rows = margins.len();
    let ranking = Case {
        objective: Objective::LambdaRank { truncation: 3 },
        target_of: |u| (32.0 * u).floor(),
        hessian: Hessian::Weight,
    };
    let huge = Case {
        objective: Objective::SquaredError,
        target_of: |u| if u < 0.5 { f64::MIN } else { f64::MAX },
        hessian: Hessian::Weight,
    };
    for case in cases().into_iter().chain([ranking, huge]) {
        let loss = loss_of(&case.objective).unwrap();
        for (shift, weights) in (0..n_rows).zip(
            [None, Some([1.0f32; 8]), Some([f32::MAX; 8]), Some([0.0, 0.0, 1e-30, 0.0, 1.0, 0.0, 0.0, 1.0])]
                .into_iter()
                .cycle(),
        ) {
            let values: Vec<f64> = spread(n_rows).map(case.target_of).collect();
            let weights = weights.as_ref().map(|weights| &weights[..]);
            let target = Target { values: &values, weights, group_sizes: Some(&[5, 3]) };
            loss.check(&target).unwrap();
            let margins: Vec<f64> =
                (0..n_rows * loss.n_outputs()).map(|i| margins[(i * (shift + 1) + i / n_rows) % n_rows]).collect();
            let mean = loss.loss(&target, &margins);
            assert!(mean.is_finite() && mean >= -1e-9, "{:?}: loss {mean}", case.objective);
            assert!(loss.base(&target).iter().all(|base| base.is_finite()), "{:?}", case.objective);
            for (row, gradient) in gradients_of(&*loss, &target, &margins).iter().enumerate() {
                let sound = gradient.g.is_finite() && gradient.h.is_finite() && gradient.h >= 0.0;
                assert!(sound, "{:?}: {gradient:?} at {}", case.objective, margins[row]);
            }
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let n_rows = 5 * parallel::CHUNK_ROWS / 2;
    let sizes = vec![n_rows as u32 / 16; 16];
    let weights: Vec<f32> = spread(n_rows).map(|u| 0.1 + u as f32).collect();
    let ranking = Case {
        objective: Objective::LambdaRank { truncation: 3 },
        target_of: |u| (4.0 * u).floor(),
        hessian: Hessian::Weight,
    };
    for case in cases().into_iter().chain([ranking]) {
        let values: Vec<f64> = spread(n_rows).map(case.target_of).collect();
        let target = Target { values: &values, weights: Some(&weights), group_sizes: Some(&sizes) };
        let loss = loss_of(&case.objective).unwrap();
        let margins: Vec<f64> = spread(n_rows * loss.n_outputs()).map(|u| 4.0 * u - 2.0).collect();
        let with_threads = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| {
                let gradients = gradients_of(&*loss, &target, &margins);
                (gradients, loss.base(&target), loss.loss(&target, &margins))
            })
        };
        assert_eq!(with_threads(1), with_threads(3), "{:?}", case.objective);
    }
}

#[test]
fn wrong_parameters_are_refused() {
    let check = |objective: Objective, expected: &str| {
        let error = loss_of(&objective).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some(expected));
    };
    check(Objective::Quantile { alpha: 0.0 }, "`alpha` = 0 is not between 0 and 1");
    check(Objective::Quantile { alpha: 1.0 }, "`alpha` = 1 is not between 0 and 1");
    check(Objective::Quantile { alpha: f64::NAN }, "`alpha` = NaN is not between 0 and 1");
    check(Objective::Huber { delta: 0.0 }, "`delta` = 0 is not a finite number above 0");
    check(Objective::Huber { delta: f64::INFINITY }, "`delta` = inf is not a finite number above 0");
    check(Objective::Tweedie { power: 1.0 }, "`power` = 1 is not between 1 and 2");
    check(Objective::Tweedie { power: 2.0 }, "`power` = 2 is not between 1 and 2");
    check(Objective::Softmax { n_classes: 1 }, "`n_classes` = 1 is not at least 2");
    check(Objective::LambdaRank { truncation: 0 }, "`truncation` = 0 is not at least 1");
}

#[test]
fn wrong_targets_are_refused() {
    let check = |objective: Objective, value: f64| {
        let values = [1.0, value, 1.0];
        let target = Target { values: &values, weights: None, group_sizes: Some(&[3]) };
        match loss_of(&objective).unwrap().check(&target) {
            Err(FitError::Target { row_idx: 1, value: named, .. }) => assert!(named == value || value.is_nan()),
            other => panic!("{objective:?} with {value}: {other:?}"),
        }
    };
    let ranking = Objective::LambdaRank { truncation: 5 };
    for objective in cases().iter().map(|case| case.objective).chain([ranking]) {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            check(objective, value);
        }
    }
    check(Objective::Poisson, -1.0);
    check(Objective::Gamma, 0.0);
    check(Objective::Gamma, -1.0);
    check(Objective::Tweedie { power: 1.5 }, -0.5);
    for value in [0.5, -1.0, 2.0] {
        check(Objective::Logistic, value);
    }
    for value in [0.5, -1.0, 3.0] {
        check(Objective::Softmax { n_classes: 3 }, value);
    }
    for value in [0.5, -1.0, 32.0] {
        check(ranking, value);
    }
}

#[test]
fn wrong_shapes_and_weights_are_refused() {
    let refusal = |objective: Objective, target: Target<'_>| loss_of(&objective).unwrap().check(&target).unwrap_err();
    let values = [1.0, 0.0, 1.0];
    let plain = Target { values: &values, weights: None, group_sizes: None };
    let ranking = Objective::LambdaRank { truncation: 5 };
    let groups = |found| FitError::Shape { what: "rows in groups", expected: 3, found };
    assert_eq!(refusal(ranking, plain), groups(0));
    assert_eq!(refusal(ranking, Target { group_sizes: Some(&[2, 2]), ..plain }), groups(4));
    assert_eq!(refusal(ranking, Target { group_sizes: Some(&[]), ..plain }), groups(0));
    for objective in cases().iter().filter(|case| case.objective != Objective::Gamma).map(|case| case.objective) {
        assert_eq!(refusal(objective, Target { values: &[], ..plain }), FitError::NoRows);
        let two = FitError::Shape { what: "weights", expected: 3, found: 2 };
        assert_eq!(refusal(objective, Target { weights: Some(&[1.0, 1.0]), ..plain }), two);
        for (weights, row_idx) in
            [([1.0, -1.0, 1.0], 1), ([1.0, 1.0, f32::INFINITY], 2), ([0.0, f32::NAN, 0.0], 1), ([0.0, 0.0, 0.0], 0)]
        {
            match refusal(objective, Target { weights: Some(&weights), ..plain }) {
                FitError::Weight { row_idx: found, .. } => assert_eq!(found, row_idx),
                other => panic!("{objective:?} with {weights:?}: {other}"),
            }
        }
    }
}
