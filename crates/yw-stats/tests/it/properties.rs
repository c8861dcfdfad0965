//! What must hold for any rows.

use proptest::prelude::*;
use yw_stats::calibration::{Binning, expected_calibration_error, reliability};
use yw_stats::{BootstrapParams, Statistic, boolean, bootstrap, holm, holm_versus_best, label, mean, number, text};

const N_LABELS: u32 = 4;

/// All that the metrics of one row need. Scores are coarse, so that there are ties.
#[derive(Debug, Clone)]
struct Row {
    label: u32,
    answer: Option<u32>,
    truth: bool,
    said: Option<bool>,
    p_true: f64,
    probabilities: Vec<f64>,
    number: f64,
    guess: f64,
    count: u32,
}

fn row() -> impl Strategy<Value = Row> {
    let label = (0..N_LABELS, prop::option::weighted(0.9, 0..N_LABELS), prop::collection::vec(1_u32..6, 4));
    let boolean = (any::<bool>(), prop::option::weighted(0.9, any::<bool>()), 0_u32..=8);
    (label, boolean, -20_i32..20, -20_i32..20, 0_u32..4).prop_map(|(label, boolean, number, guess, count)| {
        let sum: u32 = label.2.iter().sum();
        Row {
            label: label.0,
            answer: label.1,
            truth: boolean.0,
            said: boolean.1,
            p_true: f64::from(boolean.2) / 8.0,
            probabilities: label.2.iter().map(|&part| f64::from(part) / f64::from(sum)).collect(),
            number: f64::from(number) / 2.0,
            guess: f64::from(guess) / 2.0,
            count,
        }
    })
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(row(), 1..40)
}

fn statistics(rows: &[Row]) -> Vec<(&'static str, Box<dyn Statistic>)> {
    fn column<T>(rows: &[Row], of: impl Fn(&Row) -> T) -> Vec<T> {
        rows.iter().map(of).collect()
    }
    let (labels, answers) = (column(rows, |r| r.label), column(rows, |r| r.answer));
    let (truth, said, p_true) = (column(rows, |r| r.truth), column(rows, |r| r.said), column(rows, |r| r.p_true));
    let (numbers, guesses) = (column(rows, |r| r.number), column(rows, |r| r.guess));
    let table: Vec<f64> = rows.iter().flat_map(|r| r.probabilities.clone()).collect();
    vec![
        ("mean", mean(guesses.clone())),
        ("label accuracy", label::accuracy(&labels, &answers)),
        ("macro_f1", label::macro_f1(&labels, &answers)),
        ("weighted_f1", label::weighted_f1(&labels, &answers)),
        ("label log_loss", label::log_loss(&labels, &table, 4)),
        ("label roc_auc", label::roc_auc(&labels, &table, 4)),
        ("accuracy", boolean::accuracy(&truth, &said)),
        ("f1", boolean::f1(&truth, &said)),
        ("precision", boolean::precision(&truth, &said)),
        ("recall", boolean::recall(&truth, &said)),
        ("roc_auc", boolean::roc_auc(&truth, &p_true)),
        ("average_precision", boolean::average_precision(&truth, &p_true)),
        ("log_loss", boolean::log_loss(&truth, &p_true)),
        ("brier", boolean::brier(&truth, &p_true)),
        ("rmse", number::rmse(&numbers, &guesses)),
        ("mae", number::mae(&numbers, &guesses)),
        ("r2", number::r2(&numbers, &guesses)),
        ("mape", number::mape(&numbers, &guesses)),
        ("median_ae", number::median_ae(&numbers, &guesses)),
    ]
}

fn same(a: f64, b: f64) -> bool {
    (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(1.0)
}

fn repeated(rows: &[Row]) -> Vec<Row> {
    rows.iter().flat_map(|row| std::iter::repeat_n(row.clone(), row.count as usize)).collect()
}

/// The definition: over all pairs of a true and a false row.
fn area_by_pairs(rows: &[Row]) -> f64 {
    let of = |truth: bool| rows.iter().filter(move |row| row.truth == truth).map(|row| row.p_true);
    let wins = |p: f64| {
        of(false)
            .map(|q| {
                if p > q {
                    1.0
                } else if p < q {
                    0.0
                } else {
                    0.5
                }
            })
            .sum::<f64>()
    };
    of(true).map(wins).sum::<f64>() / (of(true).count() * of(false).count()) as f64
}

/// The definition: Σ (Rₙ - Rₙ₋₁) Pₙ over falling thresholds.
fn precision_by_thresholds(rows: &[Row]) -> f64 {
    let n_true = rows.iter().filter(|row| row.truth).count() as f64;
    let (mut sum, mut recall) = (0.0, 0.0);
    for threshold in (0..=8).rev().map(|step| f64::from(step) / 8.0) {
        let above: Vec<&Row> = rows.iter().filter(|row| row.p_true >= threshold).collect();
        let hits = above.iter().filter(|row| row.truth).count() as f64;
        if !above.is_empty() {
            sum += (hits / n_true - recall) * hits / above.len() as f64;
            recall = hits / n_true;
        }
    }
    sum
}

proptest! {
    #[test]
    fn counts_are_repeated_rows(rows in rows()) {
        let counts: Vec<u32> = rows.iter().map(|row| row.count).collect();
        for ((name, counted), (_, physical)) in statistics(&rows).iter().zip(statistics(&repeated(&rows))) {
            let (found, expect) = (counted.value(Some(&counts)), physical.value(None));
            prop_assert!(same(found, expect), "{name}: {found} is not {expect}");
        }
    }

    #[test]
    fn no_counts_are_counts_of_one(rows in rows()) {
        for (name, statistic) in statistics(&rows) {
            let (none, ones) = (statistic.value(None), statistic.value(Some(&vec![1; rows.len()])));
            prop_assert!(none.to_bits() == ones.to_bits() || (none.is_nan() && ones.is_nan()), "{name}: {none}, {ones}");
        }
    }

    #[test]
    fn the_order_of_rows_does_not_matter(rows in rows(), by in any::<usize>()) {
        let mut turned = rows.clone();
        turned.rotate_left(by % rows.len());
        turned.reverse();
        for ((name, a), (_, b)) in statistics(&rows).iter().zip(statistics(&turned)) {
            prop_assert!(same(a.value(None), b.value(None)), "{name}");
        }
    }

    #[test]
    fn ranking_measures_are_their_definitions(rows in rows()) {
        let truth: Vec<bool> = rows.iter().map(|row| row.truth).collect();
        let p_true: Vec<f64> = rows.iter().map(|row| row.p_true).collect();
        prop_assert!(same(boolean::roc_auc(&truth, &p_true).value(None), area_by_pairs(&rows)));
        let found = boolean::average_precision(&truth, &p_true).value(None);
        prop_assert!(same(found, precision_by_thresholds(&rows)));
    }

    #[test]
    fn ranking_measures_see_the_order_alone(rows in rows()) {
        let truth: Vec<bool> = rows.iter().map(|row| row.truth).collect();
        let p_true: Vec<f64> = rows.iter().map(|row| row.p_true).collect();
        let stretched: Vec<f64> = p_true.iter().map(|p| p.powi(3) * 100.0 - 50.0).collect();
        for metric in [boolean::roc_auc, boolean::average_precision] {
            prop_assert!(same(metric(&truth, &p_true).value(None), metric(&truth, &stretched).value(None)));
        }
        let reversed: Vec<f64> = p_true.iter().map(|p| -p).collect();
        let area = boolean::roc_auc(&truth, &p_true).value(None);
        prop_assert!(same(boolean::roc_auc(&truth, &reversed).value(None), 1.0 - area));
    }

    #[test]
    fn two_labels_are_a_boolean(rows in rows()) {
        let truth: Vec<bool> = rows.iter().map(|row| row.truth).collect();
        let labels: Vec<u32> = truth.iter().map(|&truth| u32::from(truth)).collect();
        let p_true: Vec<f64> = rows.iter().map(|row| row.p_true).collect();
        let table: Vec<f64> = p_true.iter().flat_map(|p| [1.0 - p, *p]).collect();
        let of_labels = [label::roc_auc(&labels, &table, 2), label::log_loss(&labels, &table, 2)];
        let of_booleans = [boolean::roc_auc(&truth, &p_true), boolean::log_loss(&truth, &p_true)];
        for (a, b) in of_labels.iter().zip(&of_booleans) {
            prop_assert!(same(a.value(None), b.value(None)));
        }
    }

    #[test]
    fn text_scores_are_symmetric_shares(a in "[a-dA-D ,.]{0,30}", b in "[a-dA-D ,.]{0,30}") {
        for score in [text::exact_match, text::token_f1, text::rouge_l] {
            let there = score(&a, &b);
            prop_assert!((0.0..=1.0).contains(&there));
            prop_assert_eq!(there, score(&b, &a));
        }
        prop_assert_eq!(text::exact_match(&a, &a), 1.0);
        prop_assert_eq!(text::token_f1(&a, &a), 1.0);
        prop_assert!(text::token_f1(&a, &b) >= text::exact_match(&a, &b));
    }

    #[test]
    fn any_text_has_scores(a in any::<String>(), b in any::<String>()) {
        for score in [text::exact_match, text::token_f1, text::rouge_l] {
            prop_assert!((0.0..=1.0).contains(&score(&a, &b)));
        }
    }

    #[test]
    fn holm_keeps_order_and_only_raises(p_values in prop::collection::vec(0.0..=1.0_f64, 0..12)) {
        let (adjusted, versus_best) = (holm(&p_values), holm_versus_best(&p_values));
        for i in 0..p_values.len() {
            prop_assert!(adjusted[i] >= p_values[i] && versus_best[i] >= adjusted[i] && versus_best[i] <= 1.0);
            for j in 0..p_values.len() {
                prop_assert!(p_values[i] > p_values[j] || adjusted[i] <= adjusted[j]);
            }
        }
    }

    #[test]
    fn reliability_bins_hold_every_row(rows in prop::collection::vec((0.0..=1.0_f64, any::<bool>()), 1..60)) {
        let (confidence, right): (Vec<f64>, Vec<bool>) = rows.into_iter().unzip();
        for binning in [Binning::EqualWidth, Binning::EqualMass] {
            let curve = reliability(&confidence, &right, 10, binning);
            prop_assert_eq!(curve.iter().map(|bin| bin.count).sum::<usize>(), right.len());
            prop_assert!(curve.len() <= 10 && curve.is_sorted_by(|a, b| a.mean_confidence < b.mean_confidence));
        }
        prop_assert!((0.0..=1.0).contains(&expected_calibration_error(&confidence, &right, 15)));
    }

    #[test]
    fn intervals_move_with_the_data(scores in prop::collection::vec(-10.0..10.0_f64, 20..40), shift in -5.0..5.0_f64) {
        let params = BootstrapParams { replicates: 200, ..Default::default() };
        let moved = scores.iter().map(|score| 2.0 * score + shift).collect();
        let (a, b) = (bootstrap(&mean(scores), &params), bootstrap(&mean(moved), &params));
        prop_assert!((2.0 * a.low + shift - b.low).abs() < 1e-9 && (2.0 * a.high + shift - b.high).abs() < 1e-9);
        prop_assert!(a.low <= a.value && a.value <= a.high);
    }
}
