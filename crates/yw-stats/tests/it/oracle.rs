//! Agreement with scikit-learn and rouge_score, on the rows as they are and repeated.

use yw_stats::{Statistic, boolean, label, number, text};

use crate::oracle_values::{ANSWERS, COUNTS, GUESSES, LABELS, METRICS, NUMBERS, P_TRUE, PROBABILITIES, ROUGE_L, TRUTH};

fn statistic(metric: &str) -> Box<dyn Statistic> {
    let answers: Vec<Option<u32>> = ANSWERS.iter().copied().map(Some).collect();
    let said: Vec<Option<bool>> = P_TRUE.iter().map(|&p| Some(p > 0.5)).collect();
    match metric {
        "label accuracy" => label::accuracy(LABELS, &answers),
        "macro_f1" => label::macro_f1(LABELS, &answers),
        "weighted_f1" => label::weighted_f1(LABELS, &answers),
        "label log_loss" => label::log_loss(LABELS, PROBABILITIES, 4),
        "label roc_auc" => label::roc_auc(LABELS, PROBABILITIES, 4),
        "accuracy" => boolean::accuracy(TRUTH, &said),
        "f1" => boolean::f1(TRUTH, &said),
        "precision" => boolean::precision(TRUTH, &said),
        "recall" => boolean::recall(TRUTH, &said),
        "roc_auc" => boolean::roc_auc(TRUTH, P_TRUE),
        "average_precision" => boolean::average_precision(TRUTH, P_TRUE),
        "log_loss" => boolean::log_loss(TRUTH, P_TRUE),
        "brier" => boolean::brier(TRUTH, P_TRUE),
        "rmse" => number::rmse(NUMBERS, GUESSES),
        "mae" => number::mae(NUMBERS, GUESSES),
        "r2" => number::r2(NUMBERS, GUESSES),
        "mape" => number::mape(NUMBERS, GUESSES),
        "median_ae" => number::median_ae(NUMBERS, GUESSES),
        _ => panic!("no metric `{metric}`"),
    }
}

#[test]
fn every_metric_is_scikit_learns() {
    assert_eq!(METRICS.len(), 18);
    for &(metric, once, drawn) in METRICS {
        let statistic = statistic(metric);
        for (found, expect) in [(statistic.value(None), once), (statistic.value(Some(COUNTS)), drawn)] {
            assert!((found - expect).abs() < 1e-12, "{metric}: {found} is not {expect}");
        }
    }
}

#[test]
fn rouge_l_is_the_python_packages() {
    for &(truth, answer, expect) in ROUGE_L {
        let found = text::rouge_l(truth, answer);
        assert!((found - expect).abs() < 1e-12, "{truth:?}, {answer:?}: {found} is not {expect}");
    }
}
