//! Gradients of log losses against their scalar twins and against formulas of the standard library.

use proptest::prelude::*;
use yw_kernels::{
    Gradient, MIN_HESSIAN, exponentials, log_loss, log_sum_exp, logistic_gradients, scalar, softmax_gradients,
};

fn close(found: f64, expected: f64, relative: f64, absolute: f64) -> bool {
    (found - expected).abs() <= relative * expected.abs() + absolute
}

/// The smallest normal number of single precision: below, digits are lost.
const SMALLEST: f64 = f32::MIN_POSITIVE as f64;

fn gradients(n_rows: usize, write: impl FnOnce(&mut [Gradient])) -> Vec<Gradient> {
    let mut out = vec![Gradient { g: f32::NAN, h: f32::NAN }; n_rows];
    write(&mut out);
    out
}

fn same(a: &[Gradient], b: &[Gradient]) -> bool {
    let close = |a: f32, b: f32| close(a.into(), b.into(), 1e-6, 1e-15);
    a.iter().zip(b).all(|(a, b)| close(a.g, b.g) && close(a.h, b.h))
}

/// Rows of two classes: margin, target, weight.
fn rows() -> impl Strategy<Value = Vec<(f64, f64, f32)>> {
    let margin = prop_oneof![-80.0..80.0f64, -3.0..3.0f64];
    proptest::collection::vec((margin, any::<bool>().prop_map(f64::from), 0.0..10.0f32), 0..70)
}

proptest! {
    #[test]
    fn logistic_gradients_are_exact_and_equal_their_twin(rows in rows()) {
        let margins: Vec<f64> = rows.iter().map(|row| row.0).collect();
        let targets: Vec<f64> = rows.iter().map(|row| row.1).collect();
        let weights: Vec<f32> = rows.iter().map(|row| row.2).collect();
        for weights in [None, Some(&weights[..])] {
            let found = gradients(rows.len(), |out| logistic_gradients(&margins, &targets, weights, out));
            let twin = gradients(rows.len(), |out| scalar::logistic_gradients(&margins, &targets, weights, out));
            prop_assert!(same(&found, &twin));
            for (i, &(margin, target, _)) in rows.iter().enumerate() {
                let weight = weights.map_or(1.0, |weights| f64::from(weights[i]));
                let sign = 1.0 - 2.0 * target;
                let q = 1.0 / (1.0 + (-sign * margin).exp());
                let h = q / (1.0 + (sign * margin).exp());
                prop_assert!(close(found[i].g.into(), weight * sign * q, 1e-6, SMALLEST), "{:?} {:?}", rows[i], found[i]);
                prop_assert!(close(found[i].h.into(), weight * h.max(MIN_HESSIAN), 1e-6, SMALLEST), "{:?} {:?}", rows[i], found[i]);
                let alone = gradients(1, |out| {
                    logistic_gradients(&margins[i..=i], &targets[i..=i], weights.map(|w| &w[i..=i]), out);
                });
                prop_assert_eq!(alone[0], found[i]);
            }
            let exact: f64 = rows.iter().enumerate().map(|(i, &(margin, target, _))| {
                let against = (1.0 - 2.0 * target) * margin;
                weights.map_or(1.0, |w| f64::from(w[i])) * (against.max(0.0) + (-against.abs()).exp().ln_1p())
            }).sum();
            let allowed = 1e-7 * (1.0 + rows.len() as f64);
            prop_assert!(close(log_loss(&margins, &targets, weights), exact, 1e-14, allowed));
            prop_assert!(close(scalar::log_loss(&margins, &targets, weights), exact, 1e-14, allowed));
        }
    }

    #[test]
    fn softmax_gradients_are_exact_and_equal_their_twin(
        n_classes in 2usize..6,
        rows in proptest::collection::vec((proptest::collection::vec(-30.0..30.0f64, 6), 0usize..6, 0.0..10.0f32), 1..600),
        first_row in 0usize..5,
    ) {
        let n_rows = rows.len();
        let margins: Vec<f64> = (0..n_classes).flat_map(|k| rows.iter().map(move |row| row.0[k])).collect();
        let targets: Vec<f64> = rows.iter().map(|row| (row.1 % n_classes) as f64).collect();
        let weights: Vec<f32> = rows.iter().map(|row| row.2).collect();
        let (mut log_sums, mut twins) = (vec![f64::NAN; n_rows], vec![f64::NAN; n_rows]);
        log_sum_exp(&margins, n_rows, 0, &mut log_sums);
        scalar::log_sum_exp(&margins, n_rows, 0, &mut twins);
        for (i, row) in rows.iter().enumerate() {
            let exact = row.0[..n_classes].iter().map(|m| m.exp()).sum::<f64>().ln();
            prop_assert!(close(log_sums[i], exact, 1e-14, 1e-8) && close(twins[i], exact, 1e-14, 1e-8));
        }
        let mut rest = vec![f64::NAN; n_rows - first_row.min(n_rows)];
        log_sum_exp(&margins, n_rows, n_rows - rest.len(), &mut rest);
        prop_assert_eq!(&rest[..], &log_sums[n_rows - rest.len()..]);

        for class in 0..n_classes {
            let margins = &margins[class * n_rows..][..n_rows];
            for weights in [None, Some(&weights[..])] {
                let found = gradients(n_rows, |out| {
                    softmax_gradients(margins, &log_sums, &targets, class as f64, 1.5, weights, out);
                });
                let twin = gradients(n_rows, |out| {
                    scalar::softmax_gradients(margins, &log_sums, &targets, class as f64, 1.5, weights, out);
                });
                prop_assert!(same(&found, &twin));
                for (i, found) in found.iter().enumerate() {
                    let weight = weights.map_or(1.0, |weights| f64::from(weights[i]));
                    let p = (margins[i] - log_sums[i]).exp();
                    let hit = f64::from(targets[i] == class as f64);
                    prop_assert!(close(found.g.into(), weight * (p - hit), 1e-7, 1e-7));
                    prop_assert!(close(found.h.into(), weight * 1.5 * p * (1.0 - p), 1e-7, 1e-7));
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn exponentials_are_exact_and_equal_their_twin(values in proptest::collection::vec(-80.0..80.0f64, 0..40)) {
        let (mut found, mut twin) = (values.clone(), values.clone());
        exponentials(&mut found);
        scalar::exponentials(&mut twin);
        for ((found, twin), value) in found.into_iter().zip(twin).zip(values) {
            prop_assert!(close(found, value.exp(), 1e-8, 0.0) && close(twin, value.exp(), 1e-8, 0.0));
        }
    }
}

#[test]
fn extreme_margins_give_finite_numbers() {
    let margins = [0.0, 1e3, -1e3, 1e6, -1e6, f64::MAX, f64::MIN];
    for target in [0.0, 1.0] {
        let targets = [target; 7];
        for gradient in gradients(7, |out| logistic_gradients(&margins, &targets, None, out)) {
            assert!(gradient.g.abs() <= 1.0 && gradient.h > 0.0 && gradient.h <= 0.25, "{gradient:?}");
        }
    }
    assert_eq!(log_loss(&[1e6, -1e6], &[0.0, 1.0], None), 2e6);
    assert_eq!(log_loss(&[1e6, -1e6], &[1.0, 0.0], None), 0.0);

    let mut log_sums = [0.0; 2];
    log_sum_exp(&[1e6, 7.0, -1e6, 7.0], 2, 0, &mut log_sums);
    assert!(log_sums[0] == 1e6 && (log_sums[1] - 7.0 - 2f64.ln()).abs() < 1e-8);
    log_sum_exp(&[], 0, 0, &mut []);
}
